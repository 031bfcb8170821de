package doctor

import (
	"encoding/binary"
	"fmt"
	"iter"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
	"github.com/ttpcron/ttpcron/kv/rollup"
)

// tags checks tags, their rollups and the totals of the store.
func (c *checker) tags() error {
	c.at("rollups", layout.Rebuild)
	rollups, stop := iter.Pull2(c.buckets(c.top[layout.Rollups]))
	defer stop()
	counted, rollup, more := rollups()
	totals, days := map[uint32]record.TagTotal{}, 0
	c.at("tags", layout.Recover)
	c.directory(c.top[layout.Tags], func(name string, b page.Bucket) {
		for ; more && counted < name; counted, rollup, more = rollups() {
			c.countedAlone(counted, rollup)
		}
		c.at("tags", layout.Recover)
		day, ok := record.ParseDay([]byte(name))
		if !ok {
			c.findf("%x is no day", name)
			return
		}
		c.day = day.String()
		has := more && counted == name
		if c.tagDay(day, b, rollup, has, totals) {
			days++
		}
		if has {
			counted, rollup, more = rollups()
		}
	})
	for ; more; counted, rollup, more = rollups() {
		c.countedAlone(counted, rollup)
	}
	c.report.Days += days
	c.checkTotals(totals, days)
	return nil
}

// maxRecount is how many attackers, addresses and sessions of a day are counted at once.
const maxRecount = 1 << 17

// tagDay checks the tags of a day and its rollup, if it has one, and adds to the
// totals. It reports whether there are tags.
func (c *checker) tagDay(day ttpcron.Day, b, counts page.Bucket, has bool, totals map[uint32]record.TagTotal) bool {
	found := len(c.report.Findings) + c.report.More
	recount := rollup.NewDay()
	recount.Most = c.recount
	c.tagsOf(day, b, recount)
	whole := len(c.report.Findings)+c.report.More == found
	some := len(recount.Claims) > 0
	for id, t := range recount.Claims {
		sum := totals[id]
		sum.Add(record.TagTotal{Tags: t.Tags, First: record.TimeOf(day, t.First), Last: record.TimeOf(day, t.Last)})
		totals[id] = sum
	}
	c.at("rollups", layout.Rebuild)
	c.day = day.String()
	switch {
	case has:
		c.compareRollup(day, counts, recount, whole)
	case whole && some:
		c.find("the tags of the day are not counted")
	}
	for has && whole && recount.Next() {
		c.again(func() {
			tags := c.report.Tags
			c.tagsOf(day, b, recount)
			c.report.Tags = tags
			clear(recount.Claims) // they have been compared
			c.compareRollup(day, counts, recount, true)
		})
	}
	return some
}

// again does something with pages that have been visited.
func (c *checker) again(do func()) {
	first := c.w
	c.w = &page.Walker{File: c.File, Seen: page.NewBitmap(c.Header.Pages), Bad: func(string) {}, Read: func(int) { first.Read(0) }}
	do()
	first.Err, c.w = c.w.Err, first
}

// countedAlone checks the rollup of a day that has no tags.
func (c *checker) countedAlone(name string, b page.Bucket) {
	c.at("rollups", layout.Rebuild)
	day, ok := record.ParseDay([]byte(name))
	c.day = day.String()
	switch {
	case !ok:
		c.findf("%x is no day", name)
	case !c.harmed["tags"]:
		c.find("a day is counted that has no tags")
	}
	c.compareRollup(day, b, rollup.NewDay(), false)
}

// tagsOf checks the tags of a day and counts them anew.
func (c *checker) tagsOf(day ttpcron.Day, b page.Bucket, rollup *rollup.Day) {
	var lost lostEvents
	said, looked := c.cache.Bytes(), 0
	look := func() {
		c.queue.empty(func(k, v []byte) bool {
			// Reading for tags counts no pages, and may take long.
			if looked++; looked%4096 == 0 || c.cache.Bytes()-said > 64<<20 {
				said = c.cache.Bytes()
				c.w.Read(0)
			}
			if c.w.Err == nil {
				c.tag(day, k, v, rollup, &lost)
			}
			return c.w.Err == nil
		})
	}
	c.values(b, func(k, v []byte) {
		if c.queue.full() {
			look()
		}
		c.queue.add(c.source, k, v)
	})
	look()
	lost.tell(c)
}

// tag checks a tag with its claim and what its event says, and counts it.
func (c *checker) tag(day ttpcron.Day, k, v []byte, rollup *rollup.Day, lost *lostEvents) {
	t, cl, id, err := c.tagRecord(day, k, v)
	if err != nil {
		c.failed(err)
		return
	}
	_, u, _ := record.ParseTagKey(k)
	var e *ttpcron.Event
	if t.Seq != 0 {
		e, err = c.cache.Event(record.KindDay{Kind: cl.Kind, Day: day}, t.Seq)
		if e == nil {
			lost.add(u, cl.Kind, t.Seq, err != nil)
			return
		}
	}
	if err := cl.Complete(&t, e, &c.deriver); err != nil {
		c.failed(fmt.Errorf("tag %s: %w", u, err))
		return
	}
	switch got := t.UUID(); {
	case record.OfFinding(k) != (cl.Kind == ttpcron.Correlation):
		c.findf("tag %s of %s lies where those of others belong", u, cl.Kind)
	case got != u:
		c.findf("tag %s: its fields give the UUID %s", u, got)
	case e != nil && !e.Time.Equal(t.EventTime):
		c.findf("tag %s: it is of another time than its event, %s %d", u, cl.Kind, t.Seq)
	case e != nil && e.Vantage != cl.Vantage && !c.noVantage[cl]:
		c.findf("tag %s: it counts as that of a %s, and its event, %s %d, is that of a %s", u, cl.Vantage, cl.Kind, t.Seq, e.Vantage)
	case e != nil && !t.Match.Fits(e):
		c.findf("tag %s: what it quotes, up to byte %d, is not in its event, %s %d", u, t.Match.End, cl.Kind, t.Seq)
	default:
		rollup.Add(&c.meta.Secret, record.NanosOf(t.EventTime, day), id, &t)
		c.report.Tags++
	}
}

// lostEvents counts a day's tags whose events cannot be read. There may be as many as a
// damaged page had events.
type lostEvents struct {
	damaged, missing int // by whether the block of the event is there
	first            string
}

func (l *lostEvents) add(u ttpcron.UUID, kind ttpcron.SourceKind, seq uint64, damaged bool) {
	if damaged {
		l.damaged++ // what is wrong with the block is told with the events
		return
	}
	if l.missing++; l.missing == 1 {
		l.first = fmt.Sprintf("tag %s refers to %s event %d", u, kind, seq)
	}
}

func (l *lostEvents) tell(c *checker) {
	if l.damaged > 0 {
		c.findf("tags that lack what their events say, since the blocks of these are damaged: %d", l.damaged)
	}
	switch {
	case l.missing == 1:
		c.findf("%s, which is not there", l.first)
	case l.missing > 1:
		c.findf("%s, which is not there, and so it is with %d more", l.first, l.missing-1)
	}
}

// tagRecord reads the record of a tag, and finds its claim.
func (s *source) tagRecord(day ttpcron.Day, k, v []byte) (t ttpcron.Tag, cl *record.Claim, claim uint32, err error) {
	t, claim, err = record.ReadTag(day, k, v, &s.deriver)
	if err != nil {
		return t, nil, 0, err
	}
	_, u, _ := record.ParseTagKey(k)
	if cl = s.claim(claim); cl == nil {
		return t, nil, 0, fmt.Errorf("tag %s: claim %d is missing", u, claim)
	}
	if t.Finding != nil {
		if err := cl.Complete(&t, nil, &s.deriver); err != nil {
			return t, nil, 0, fmt.Errorf("tag %s: %w", u, err)
		}
	}
	with := t
	with.Claim, with.SourceKind = cl.Claim, cl.Kind
	if t.Seq != 0 {
		with.SourceID = "of its event"
	}
	if err := record.CheckTag(&with); err != nil {
		return t, nil, 0, fmt.Errorf("tag %s: %w", u, err)
	}
	return t, cl, claim, nil
}

// compareRollup reads the rollup of a day and, when asked, compares it with a
// recount, in the range that this has. Claims are compared in the first range.
func (c *checker) compareRollup(day ttpcron.Day, b page.Bucket, want *rollup.Day, compare bool) {
	name := record.DayKey(day)
	c.values(b, func(k, v []byte) {
		switch {
		case len(k) == 5 && k[0] == record.RollupClaim:
			id := binary.BigEndian.Uint32(k[1:])
			got, err := record.ReadTally(v, name, k)
			if err != nil {
				c.failed(err)
			} else if w := want.Claims[id]; compare && want.From == 0 && got != w {
				c.findf("counts %d tags of claim %d, a recount gives %d, or other times", got.Tags, id, w.Tags)
			}
			delete(want.Claims, id)
		case len(k) == 9 && k[0] == record.RollupAttacker:
			hash := binary.BigEndian.Uint64(k[1:])
			c.compareAttacker(name, k, v, want.Attackers[hash], compare && want.Has(hash))
			delete(want.Attackers, hash)
		case len(k) == 9 && k[0] == record.RollupAlias:
			hash := binary.BigEndian.Uint64(k[1:])
			c.compareAlias(name, k, v, want.Aliases[hash], compare && want.Has(hash))
			delete(want.Aliases, hash)
		default:
			c.findf("%x is no key of a rollup", k)
		}
	})
	if n := len(want.Claims) + len(want.Attackers) + len(want.Aliases); compare && n > 0 {
		c.findf("lacks %d claims, attackers or sessions that tags have", n)
	}
}

func (c *checker) compareAlias(day, k, v []byte, want *record.Span, compare bool) {
	got, err := record.ReadAlias(v, day, k)
	switch {
	case err != nil:
		c.failed(fmt.Errorf("name %x: %w", k[1:], err))
	case compare && want == nil:
		c.findf("names %x, which no tag has", k[1:])
	case compare && !got.Covers(*want):
		c.findf("says of %x when its tags are, a recount gives otherwise", k[1:])
	}
}

func (c *checker) compareAttacker(day, k, v []byte, want *record.AttackerTally, compare bool) {
	got, err := record.ReadAttacker(v, day, k)
	switch {
	case err != nil:
		c.failed(err)
	case c.meta.Secret.Attacker(record.FirstName(got.UUID, got.Identity, got.IP)) != binary.BigEndian.Uint64(k[1:]):
		c.findf("the name of attacker %x belongs to another", k[1:])
	case compare && (want == nil || got.Tally != want.Tally || got.Shown != want.Shown):
		c.findf("counts %d tags of attacker %x, a recount gives otherwise", got.Tags, k[1:])
	}
}

// checkTotals compares the totals of the store with the recounts.
func (c *checker) checkTotals(claims map[uint32]record.TagTotal, days int) {
	c.at("totals", layout.Rebuild)
	compareTags, compareEvents := !c.harmed["tags"], !c.harmed["history"]
	gotDays := 0
	c.values(c.top[layout.Totals], func(k, v []byte) {
		c.kind = ""
		switch {
		case len(k) > 1 && k[0] == record.TotalKind:
			c.kind = ttpcron.SourceKind(k[1:])
			c.compareKind(k, v, compareEvents)
		case len(k) == 5 && k[0] == record.RollupClaim:
			id := binary.BigEndian.Uint32(k[1:])
			got, err := record.ReadTotal(k, v)
			w := claims[id]
			if err != nil {
				c.failed(err)
			} else if compareTags && (got.Tags != w.Tags || !got.First.Equal(w.First) || !got.Last.Equal(w.Last)) {
				c.findf("counts %d tags of claim %d, a recount gives %d, or other times", got.Tags, id, w.Tags)
			}
			delete(claims, id)
		case len(k) == 1 && k[0] == record.TotalTagDays:
			n, err := record.ReadTagDays(v)
			gotDays = n
			c.failed(err)
		default:
			c.findf("%x is no key of a total", k)
		}
	})
	c.kind = ""
	if compareTags && gotDays != days {
		c.findf("counts %d days with tags, a recount gives %d", gotDays, days)
	}
	if n := len(claims); compareTags && n > 0 {
		c.findf("lacks %d claims that tags have", n)
	}
	for kind := range c.kinds {
		if compareEvents {
			c.kind = kind
			c.find("the events of the kind are not counted")
		}
	}
}

func (c *checker) compareKind(k, v []byte, compare bool) {
	got, err := record.ReadKindTotal(k, v)
	want := c.kinds[c.kind]
	switch {
	case err != nil:
		c.failed(err)
	case compare && (got.Events != want.Events || got.Days != want.Days || !got.Earliest.Equal(want.Earliest) || !got.Latest.Equal(want.Latest)):
		c.findf("counts %d events on %d days, a recount gives %d on %d, or other times", got.Events, got.Days, want.Events, want.Days)
	}
	delete(c.kinds, c.kind)
}
