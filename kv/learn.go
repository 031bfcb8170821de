package kv

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/block"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// original says which event, in the batch or stored, another is a copy of, if the copy has
// other facts or its record says more or less.
type original struct {
	batch int    // its index and 1
	place uint64 // where it is stored
}

// lesson is what a stored event has learned. It has copies, which the batch has anyway,
// and not the event, whose text shares a whole block's memory.
type lesson struct {
	at   record.KindDay
	seq  uint64
	from []*ttpcron.Event // from which it learns, in order
	tags bool             // its tags say something else from now on
	host bool             // it was seen from a host, as is known from now on
	cost int              // bytes of the block that it is in, about; 0 if an earlier lesson has that
}

// lessonBytes is about how many bytes of blocks one transaction fills in: a copy of one
// event in each block of a history rewrites all of it.
const lessonBytes = 32 << 20

// movedBytes is about the cost of giving an event's tags other claims.
const movedBytes = 1 << 10

// lessonsAtOnce returns how many of the first lessons fit in one transaction.
func lessonsAtOnce(lessons []lesson) int {
	bytes := 0
	for i := range lessons {
		if bytes += lessons[i].cost; bytes > lessonBytes && i > 0 {
			return i
		}
	}
	return len(lessons)
}

// learn lets events learn from the copies of them in a batch. The batch is the caller's,
// so its events are replaced by others that have learned. It returns what stored events
// have learned, in the order of kinds and places.
//
// Few copies get here: those whose facts differ from the original's in the index. So a
// block is read once, and only if there may be something to learn.
func (db *DB) learn(tx *txn, events []*ttpcron.Event, ids []identity, report *ttpcron.ImportReport) ([]lesson, error) {
	var copies []int
	for i := range ids {
		if ids[i].of != (original{}) {
			copies = append(copies, i)
		}
	}
	slices.SortStableFunc(copies, func(a, b int) int {
		return cmp.Or(cmp.Compare(events[a].Kind, events[b].Kind), cmp.Compare(ids[a].of.place, ids[b].of.place))
	})
	var lessons []lesson
	var pupil ttpcron.Event // of the last lesson, as it is from now on
	read := 0
	stored := db.storedEvents()
	var own map[int]bool // events of the batch that are no longer the caller's
	for _, i := range copies {
		of := ids[i].of
		if of.batch > 0 {
			b := of.batch - 1
			if !own[b] {
				e := *events[b]
				if own == nil {
					own = map[int]bool{}
				}
				events[b], own[b] = &e, true
			}
			if taught(events[b], events[i], report) {
				ids[b].Reads(&db.secret, events[b])
			}
			continue
		}
		day, seq := record.ParsePlace(of.place)
		at := record.KindDay{Kind: events[i].Kind, Day: day}
		last := len(lessons) - 1
		again := last >= 0 && lessons[last].at == at && lessons[last].seq == seq
		if !again {
			e, err := stored.at(tx, at, seq)
			if err != nil {
				return nil, err
			}
			if e == nil {
				continue // it was pruned
			}
			pupil = *e
		}
		before := pupil
		if !taught(&pupil, events[i], report) {
			continue
		}
		if !again {
			lessons = append(lessons, lesson{at: at, seq: seq, cost: stored.cache.Bytes() - read})
			read = stored.cache.Bytes()
		}
		l := &lessons[len(lessons)-1]
		l.from, l.tags = append(l.from, events[i]), l.tags || otherwiseAttributed(&before, &pupil)
		if before.Vantage != pupil.Vantage {
			l.host = true
			l.cost += movedBytes
		}
	}
	return lessons, nil
}

// taught lets an event learn from a copy, and counts the result.
func taught(e, from *ttpcron.Event, report *ttpcron.ImportReport) bool {
	before := *e
	learned, disputed := false, true
	if e.SameRecord(from) { // it may have learned otherwise from another of the batch
		learned, disputed = e.Learn(from)
	}
	if learned && len(e.Payload) > block.MaxFields {
		*e, learned, disputed = before, false, true
	}
	if learned {
		report.Learned++
	}
	if disputed {
		report.Disputed++
	}
	return learned
}

// otherwiseAttributed reports whether tags of an event belong to another attacker or
// session than before.
func otherwiseAttributed(a, b *ttpcron.Event) bool {
	was, _ := a.Attacker()
	is, _ := b.Attacker()
	return was != is || a.AttackerIP != b.AttackerIP || a.IdentityUUID != b.IdentityUUID || a.SessionID != b.SessionID
}

// fillIn stores what events have learned. They keep their arrival numbers, and coverage no
// longer says that rules have looked at them.
func (db *DB) fillIn(tx *txn, lessons []lesson) error {
	if len(lessons) == 0 {
		return nil
	}
	w := block.NewWriter(db.encoder)
	claims, err := db.claims.with(tx)
	if err != nil {
		return err
	}
	recount := map[ttpcron.Day]bool{}
	for len(lessons) > 0 {
		at, n := lessons[0].at, 1
		for n < len(lessons) && lessons[n].at == at {
			n++
		}
		part := lessons[:n]
		lessons = lessons[n:]
		if err := db.fillInDay(tx, w, at, part); err != nil {
			return fmt.Errorf("%s events of %s: %w", at.Kind, at.Day, err)
		}
		var hosts []uint64
		for i := range part {
			recount[at.Day] = recount[at.Day] || part[i].tags || part[i].host
			if part[i].host {
				hosts = append(hosts, part[i].seq)
			}
		}
		if err := moveToHosts(tx, at, hosts, claims); err != nil {
			return fmt.Errorf("%s tags of %s: %w", at.Kind, at.Day, err)
		}
	}
	changed := claimChanges{}
	for day, other := range recount {
		if other {
			if err := db.recountTagsOf(tx, day, claims, changed); err != nil {
				return fmt.Errorf("count the tags of %s: %w", day, err)
			}
		}
	}
	maps.DeleteFunc(changed, func(_ uint32, n int) bool { return n == 0 })
	if err := changeTotals(tx, changed); err != nil {
		return err
	}
	return claims.store(tx)
}

// moveToHosts gives the tags of some events of a kind and day, in order of arrival, claims
// that say that the events were seen from a host. The tags are to be counted anew.
func moveToHosts(tx *txn, at record.KindDay, seqs []uint64, claims *newClaims) error {
	day := record.DayKey(at.Day)
	b := tx.top(layout.Tags).Bucket(day)
	if b == nil || len(seqs) == 0 {
		return nil
	}
	var deriver record.Deriver
	var moved [][2][]byte // keys and records
	err := b.ForEach(func(k, rec []byte) error {
		id, seq, ok := record.PeekTag(rec)
		old := claims.claim(id)
		if !ok || old == nil {
			return record.Damagef("tag %x cannot be read", k)
		}
		if _, of := slices.BinarySearch(seqs, seq); !of || old.Kind != at.Kind {
			return nil
		}
		t, _, err := record.ReadTag(at.Day, k, rec, &deriver)
		if err != nil {
			return err
		}
		c, key := *old, record.TagKey(k)
		c.Vantage = ttpcron.VantageHost
		moved = append(moved, [2][]byte{key[:], record.AppendTag(nil, day, &key, claims.id(c), &t, &deriver)})
		return nil
	})
	for i := 0; err == nil && i < len(moved); i++ {
		err = b.Put(moved[i][0], moved[i][1])
	}
	return err
}

// fillInDay stores what events of one kind and day have learned.
func (db *DB) fillInDay(tx *txn, w *block.Writer, at record.KindDay, lessons []lesson) error {
	history := tx.top(layout.History).Bucket([]byte(at.Kind))
	if history == nil {
		return record.Damage("the events are missing")
	}
	seqs := make([]uint64, len(lessons))
	for i := range lessons {
		seqs[i] = lessons[i].seq
	}
	for left := lessons; len(left) > 0; {
		key, rec := seekBlock(history.Cursor(), at.Day, left[0].seq-1)
		_, first, _ := record.ParseBlockKey(key)
		events, err := db.blocks.Read(at.Kind, at.Day, first, rec)
		if err != nil {
			return fmt.Errorf("block %d: %w", first, err)
		}
		before := len(left)
		for i := range events {
			e := &events[i]
			if len(left) == 0 || e.Seq != left[0].seq {
				continue
			}
			for _, from := range left[0].from {
				e.Learn(from)
			}
			left = left[1:]
			d := record.IdentityOf(&db.secret, e)
			x := namedIndex(tx)
			if d.Content {
				x = contentIndex(tx, at.Kind, at.Day)
			}
			if err := x.replace(d.Hash, d.Value()); err != nil {
				return err
			}
		}
		if len(left) == before {
			return record.Damagef("event %d is missing", left[0].seq)
		}
		for len(events) > 0 { // what was one block may be more now
			n := block.Length(events)
			if err := history.Put(record.BlockKey(at.Day, events[0].Seq), w.Append(nil, at.Kind, at.Day, events[:n])); err != nil {
				return err
			}
			events = events[n:]
		}
	}
	return lookAgain(tx, at, seqs)
}

// maxHoles is how many holes a day's coverage gets at once; maxParts is how many parts it
// may have afterwards. Beyond that, rules also look at the events between.
const (
	maxHoles = 4
	maxParts = 24
)

// lookAgain makes the coverage of some events that of unknown rules, so that the next
// run looks at them with all.
func lookAgain(tx *txn, at record.KindDay, seqs []uint64) error {
	b := tx.top(layout.Coverage).Bucket([]byte(at.Kind))
	if b == nil {
		return nil
	}
	list, err := record.ReadCoverage(at, b.Get(record.DayKey(at.Day)))
	if err != nil || len(list) == 0 {
		return err
	}
	return b.Put(record.DayKey(at.Day), record.AppendCoverage(nil, at, withoutEvents(list, seqs)))
}

// withoutEvents makes the coverage of some events, in order of arrival, that of unknown
// rules.
func withoutEvents(list []ttpcron.Coverage, seqs []uint64) []ttpcron.Coverage {
	out := withHoles(list, holesOf(seqs, maxHoles))
	if len(out) > maxParts {
		out = withHoles(list, holesOf(seqs, 1))
	}
	return out
}

// hole is a range of arrival numbers, (after, upTo].
type hole struct{ after, upTo uint64 }

// holesOf makes holes around ascending arrival numbers, or one around all of them if there
// would be more than most.
func holesOf(seqs []uint64, most int) []hole {
	var holes []hole
	for _, seq := range seqs {
		if n := len(holes); n > 0 && holes[n-1].upTo == seq-1 {
			holes[n-1].upTo = seq
		} else {
			holes = append(holes, hole{seq - 1, seq})
		}
	}
	if len(holes) > most {
		return []hole{{holes[0].after, holes[len(holes)-1].upTo}}
	}
	return holes
}

// withHoles cuts holes into parts of coverage. Unknown rules cover the holes; the counts
// of the remaining parts are unknown.
func withHoles(list []ttpcron.Coverage, holes []hole) []ttpcron.Coverage {
	var out []ttpcron.Coverage
	for _, c := range list {
		for _, h := range holes {
			if c.RuleSet == "" || h.upTo <= c.After || h.after >= c.UpTo {
				continue
			}
			part := ttpcron.Coverage{Kind: c.Kind, Day: c.Day, Since: c.Since, Uncounted: true}
			before, inside := part, part
			before.RuleSet, before.After, before.UpTo = c.RuleSet, c.After, max(c.After, h.after)
			inside.After, inside.UpTo = before.UpTo, min(c.UpTo, h.upTo)
			if before.After < before.UpTo {
				out = append(out, before)
			}
			out = append(out, inside)
			part.RuleSet, part.After, part.UpTo = c.RuleSet, inside.UpTo, c.UpTo
			c = part
		}
		if c.After < c.UpTo {
			out = append(out, c)
		}
	}
	return out
}
