package kv

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
	"github.com/ttpcron/ttpcron/kv/rollup"
)

// Purge selects whose traces are removed from a store. With both members set, only what
// belongs to the attacker and the session is removed.
type Purge struct {
	Attacker string // UUID, address or identity, as of [ttpcron.TagQuery]
	Session  string

	By, Reason string // for the audit trail
	DryRun     bool
	Progress   func(Progress) // in days; nil for none
}

// PurgeReport counts what was removed, or would be.
type PurgeReport struct {
	Kinds   []PurgedKind // that had events to remove
	Tags    int
	Rejects int
}

// PurgedKind counts the removed events of one kind.
type PurgedKind struct {
	Kind   ttpcron.SourceKind
	Days   int
	Events int
}

// Purge removes the events of an attacker or a session from the store, whatever their age,
// with their tags and base matches, their tags for several events or for events already
// removed, and the rejects that name the attacker or session. They do not come back: an
// import counts such an event as Known, whatever the horizon, even if it says more or less
// about attacker, session and sensor. Other events of the attacker, and re-used ids, are
// imported. The audit trail records who purged and how much, but not whom.
//
// It works in transactions of some days each. If it is stopped or killed, it has done a
// part and can be repeated. Removed bytes remain in the file's free pages until
// doctor.Compact rewrites the file.
func (db *DB) Purge(ctx context.Context, p Purge) (PurgeReport, error) {
	if p.Attacker == "" && p.Session == "" {
		return PurgeReport{}, errors.New("purge: nothing says whom")
	}
	db.writing.Lock()
	defer db.writing.Unlock()
	w := &purging{db: db, p: &p, names: map[string]bool{}}
	if p.Session != "" {
		w.names[p.Session] = true
	} else {
		w.derived = ttpcron.DeriveAttacker(p.Attacker)
		w.names[p.Attacker], w.names[w.derived] = true, true
		var q ttpcron.TagQuery
		q.SelectAttacker(p.Attacker)
		for _, spelled := range q.AttackerToo {
			w.names[spelled] = true
		}
	}
	err := w.plan(ctx)
	if err == nil && !p.DryRun {
		err = w.do(ctx)
	}
	if err != nil {
		return w.report, fmt.Errorf("purge: %w", err)
	}
	return w.report, nil
}

// purging is a purge in progress.
type purging struct {
	db      *DB
	p       *Purge
	deriver record.Deriver
	derived string          // what the attacker is if it is an address
	names   map[string]bool // under which lines that could not be used may name whom
	report  PurgeReport
	parts   []prunePart
	days    int64
	read    int // bytes of blocks that find has read
}

// takes reports whether an event goes.
func (w *purging) takes(e *ttpcron.Event) bool {
	return w.isOf(w.deriver.Attacker(e), e.AttackerIP, e.IdentityUUID, e.SessionID)
}

// isOf reports whether something with these names is to be purged. An address counts in
// any spelling.
func (w *purging) isOf(uuid, ip, identity, session string) bool {
	p := w.p
	return (p.Session == "" || session == p.Session) &&
		(p.Attacker == "" || uuid == p.Attacker || identity == p.Attacker || w.isAddress(ip))
}

// isAddress reports whether an address is the attacker's.
func (w *purging) isAddress(ip string) bool {
	return ip != "" && (ip == w.p.Attacker || w.deriver.Attacker(&ttpcron.Event{AttackerIP: ip}) == w.derived)
}

// takesTag reports whether to remove a tag whose event is gone, or that stands for several
// events: a correlation may group by the attacker under any name.
func (w *purging) takesTag(t *ttpcron.Tag) bool {
	if f := t.Finding; f != nil && w.p.Session == "" {
		for rest := string(f.Group[1:]); rest != ""; {
			var v ttpcron.PackedValue
			var ok bool
			if v, rest, ok = ttpcron.NextPacked(rest); ok && w.names[v.Text] {
				return true
			}
		}
	} else if t.SourceKind == ttpcron.Correlation && w.p.Session == "" {
		for name := range w.names {
			if bytes.Contains(t.Evidence, jsontext.AppendString(nil, name)) {
				return true
			}
		}
	}
	return w.isOf(t.AttackerUUID, t.AttackerIP, t.IdentityUUID, t.SessionID)
}

// takesGroup reports whether a group of base matches names the purged attacker or session,
// in any field.
func (w *purging) takesGroup(s *storedStream, g ttpcron.Group) bool {
	var e ttpcron.Event
	rest := string(g[min(1, len(g)):])
	for i := range s.Group {
		v, more, ok := ttpcron.NextPacked(rest)
		if !ok {
			break
		}
		switch rest = more; s.Group[i].From {
		case ttpcron.FieldAttackerIP:
			e.AttackerIP = v.Text
		case ttpcron.FieldAttackerUUID:
			e.AttackerUUID = v.Text
		case ttpcron.FieldIdentityUUID:
			e.IdentityUUID = v.Text
		case ttpcron.FieldSessionID:
			e.SessionID = v.Text
		}
	}
	return w.takes(&e)
}

// name records the address that alone identifies an attacker, in its spelling.
func (w *purging) name(e *ttpcron.Event) {
	if w.p.Session == "" && (e.DerivesAttacker() || w.isAddress(e.AttackerIP)) {
		w.names[e.AttackerIP] = true
	}
}

// plan finds and counts the work.
func (w *purging) plan(ctx context.Context) error {
	kinds, err := w.db.Kinds(ctx)
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		if err := w.planKind(ctx, kind); err != nil {
			return err
		}
	}
	if err := w.planWhole(ctx); err != nil {
		return err
	}
	return w.db.view(ctx, func(tx *txn) error {
		keys, err := w.rejects(tx)
		w.report.Rejects = len(keys)
		return err
	})
}

// add adds a part to the plan.
func (w *purging) add(place string, days int, do func(tx *txn) error) {
	w.parts = append(w.parts, prunePart{place, days, do})
	w.days += int64(days)
}

// planKind finds the events of a kind.
func (w *purging) planKind(ctx context.Context, kind ttpcron.SourceKind) (err error) {
	sum := PurgedKind{Kind: kind}
	var group dayGroup
	flush := func() {
		if days := group.days; len(days) > 0 {
			w.add(string(kind), len(days), func(tx *txn) error { return w.takeOut(ctx, tx, kind, days) })
		}
		group = dayGroup{}
	}
	eerr := w.db.eachDay(ctx, kind, func(d ttpcron.DayHistory) bool {
		at := record.KindDay{Kind: kind, Day: d.Day}
		events, tags, before := 0, 0, w.read
		err = w.db.view(ctx, func(tx *txn) error {
			found, err := w.find(ctx, tx, at)
			if err == nil && found.Len() > 0 {
				events = found.Len()
				tags, err = w.countTags(tx, at, found)
			}
			return err
		})
		if events == 0 || err != nil {
			return err == nil
		}
		sum.Days++
		sum.Events += events
		w.report.Tags += tags
		if group.add(d, w.read-before) {
			flush()
		}
		return true
	})
	flush()
	if sum.Days > 0 {
		w.report.Kinds = append(w.report.Kinds, sum)
	}
	return cmp.Or(err, eerr)
}

// find returns the arrival numbers of the events of a kind and day that go.
func (w *purging) find(ctx context.Context, tx *txn, at record.KindDay) (*record.SeqSet, error) {
	found := &record.SeqSet{}
	b := tx.top(layout.History).Bucket([]byte(at.Kind))
	if b == nil {
		return found, nil
	}
	day := record.DayKey(at.Day)
	c := b.Cursor()
	for k, rec := c.Seek(day); bytes.HasPrefix(k, day); k, rec = c.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		_, first, _ := record.ParseBlockKey(k)
		w.read += len(rec)
		events, err := w.db.blocks.Read(at.Kind, at.Day, first, rec)
		if err != nil {
			return nil, fmt.Errorf("%s events of %s: block %d: %w", at.Kind, at.Day, first, err)
		}
		for i := range events {
			if e := &events[i]; w.takes(e) {
				found.Add(e.Seq)
				w.name(e)
			}
		}
	}
	return found, nil
}

// countTags counts the tags of events of a kind and day.
func (w *purging) countTags(tx *txn, at record.KindDay, of *record.SeqSet) (n int, err error) {
	b := tx.top(layout.Tags).Bucket(record.DayKey(at.Day))
	if b == nil {
		return 0, nil
	}
	claims, err := w.db.claims.all(tx)
	if err != nil {
		return 0, err
	}
	err = b.ForEach(func(k, rec []byte) error {
		id, seq, err := tagOf(claims, k, rec)
		if err == nil && claims[id-1].Kind == at.Kind && of.Has(seq) {
			n++
		}
		return err
	})
	return n, err
}

// takeOut removes the events of some days of a kind, with their tags.
func (w *purging) takeOut(ctx context.Context, tx *txn, kind ttpcron.SourceKind, days []ttpcron.Day) error {
	changed := claimChanges{}
	var purged, named []uint64
	for _, day := range days {
		at := record.KindDay{Kind: kind, Day: day}
		found, err := w.find(ctx, tx, at)
		if err != nil {
			return err
		}
		err = w.takeOutTags(tx, day, changed, func(k ttpcron.SourceKind, seq uint64, _ func() (*ttpcron.Tag, error)) (bool, error) {
			return k == kind && found.Has(seq), nil
		})
		if err != nil {
			return fmt.Errorf("tags of %s: %w", day, err)
		}
		_, err = w.db.takeOut(tx, at, func(e *ttpcron.Event) bool { return found.Has(e.Seq) }, func(e *ttpcron.Event, d *record.Identity) {
			purged = w.db.purgedAs(purged, e, d)
			if !d.Content {
				named = append(named, d.Hash)
			}
		}, w.takesGroup)
		if err != nil {
			return fmt.Errorf("%s events of %s: %w", kind, day, err)
		}
	}
	if err := addPurged(tx, purged); err != nil {
		return err
	}
	if err := namedIndex(tx).remove(named); err != nil {
		return err
	}
	if err := recountKind(tx, kind); err != nil {
		return err
	}
	if err := changeTotals(tx, changed); err != nil {
		return err
	}
	return dropArrivals(tx)
}

// planWhole finds the tags whose events are gone.
func (w *purging) planWhole(ctx context.Context) error {
	var days []ttpcron.Day
	err := w.db.view(ctx, func(tx *txn) error {
		top := tx.top(layout.Tags)
		claims, err := w.db.claims.all(tx)
		if err != nil {
			return err
		}
		reader := w.db.tagReader()
		defer reader.done()
		return top.ForEachBucket(func(name []byte) error {
			day, ok := record.ParseDay(name)
			if !ok {
				return record.Damagef("%x is no day", name)
			}
			n := 0
			err := top.Bucket(name).ForEach(func(k, rec []byte) error {
				_, seq, err := tagOf(claims, k, rec)
				if err != nil || seq != 0 {
					return err
				}
				t, _, _, err := reader.read(tx, day, k, rec)
				if err == nil && w.takesTag(&t) {
					n++
				}
				return err
			})
			if err == nil && n > 0 {
				days = append(days, day)
				w.report.Tags += n
			}
			return cmp.Or(err, ctx.Err())
		})
	})
	for _, day := range days {
		w.add("tags", 1, func(tx *txn) error {
			changed := claimChanges{}
			again := map[string]int{} // versions of correlations, by id
			err := w.takeOutTags(tx, day, changed, func(_ ttpcron.SourceKind, seq uint64, read func() (*ttpcron.Tag, error)) (bool, error) {
				if seq != 0 {
					return false, nil
				}
				t, err := read()
				if err != nil || !w.takesTag(t) {
					return false, err
				}
				if t.SourceKind == ttpcron.Correlation && !w.isOf(t.AttackerUUID, t.AttackerIP, t.IdentityUUID, t.SessionID) {
					again[t.RuleID] = t.RuleVersion
				}
				return true, nil
			})
			if err != nil {
				return fmt.Errorf("tags of %s: %w", day, err)
			}
			// What others typed may be whom by name: that is found again.
			if err := judgeAgain(tx, day, again); err != nil {
				return err
			}
			return changeTotals(tx, changed)
		})
	}
	return err
}

// takeOutTags takes the tags of a day out that goes speaks for, by the kind and the
// arrival number of their event.
func (w *purging) takeOutTags(tx *txn, day ttpcron.Day, changed claimChanges, goes func(kind ttpcron.SourceKind, seq uint64, read func() (*ttpcron.Tag, error)) (bool, error)) error {
	db, name := w.db, record.DayKey(day)
	tags := tx.top(layout.Tags)
	b := tags.Bucket(name)
	if b == nil {
		return nil
	}
	claims, err := db.claims.all(tx)
	if err != nil {
		return err
	}
	reader := db.tagReader()
	defer reader.done()
	less := rollup.NewDay()
	var keys [][]byte
	left := 0
	err = b.ForEach(func(k, rec []byte) error {
		claim, seq, err := tagOf(claims, k, rec)
		if err != nil {
			return err
		}
		read := func() (*ttpcron.Tag, error) {
			t, _, _, err := reader.read(tx, day, k, rec)
			return &t, err
		}
		if yes, err := goes(claims[claim-1].Kind, seq, read); err != nil || !yes {
			left++
			return err
		}
		t, id, _, err := reader.read(tx, day, k, rec)
		if err != nil {
			return err
		}
		less.Add(&db.secret, record.NanosOf(t.EventTime, day), id, &t)
		keys = append(keys, bytes.Clone(k))
		return nil
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	for id, t := range less.Claims {
		changed[id] -= t.Tags
	}
	if left == 0 {
		return dropTagDays(tx, [][]byte{name})
	}
	for _, k := range keys {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	rollups := tx.top(layout.Rollups).Bucket(name)
	for _, hash := range sortedKeys(less.Attackers) { // their names, too, are of a tag that may be gone
		if err := rollups.Delete(record.HashKey(record.RollupAttacker, hash)); err != nil {
			return err
		}
	}
	if err := db.recountDay(tx, day, b, rollups, db.claims.begin()); err != nil {
		return fmt.Errorf("counts: %w", err)
	}
	return nil
}

// shortestName is the shortest name to look for in rejected lines: shorter ones occur in
// many.
const shortestName = 6

// rejects returns the keys of the rejects that name whom.
func (w *purging) rejects(tx *txn) (keys [][]byte, err error) {
	err = tx.top(layout.Rejects).ForEach(func(k, rec []byte) error {
		r, err := record.ReadReject(k, rec)
		if err != nil {
			return err
		}
		for name := range w.names {
			if len(name) >= shortestName && (holdsName(string(r.Excerpt), name) || holdsName(r.Reason, name)) {
				keys = append(keys, bytes.Clone(k))
				break
			}
		}
		return nil
	})
	return keys, err
}

// holdsName reports whether a text holds a name that is no part of a longer one.
func holdsName(text, name string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		at += i
		end := at + len(name)
		if (at == 0 || !isAlnum(text[at-1])) && (end == len(text) || !isAlnum(text[end])) {
			return true
		}
		at++
	}
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// do carries out the plan, and records it in the last transaction.
func (w *purging) do(ctx context.Context) error {
	// Rejects go first: another purge, after this one was killed, would not know the
	// addresses of events that are gone.
	parts := w.parts
	if w.report.Rejects > 0 {
		parts = append([]prunePart{{"rejects", 0, w.takeOutRejects}}, parts...)
	}
	done := int64(0)
	for i, part := range parts {
		err := w.db.update(ctx, func(tx *txn) error {
			err := part.do(tx)
			if err == nil && i == len(parts)-1 {
				err = w.note(tx)
			}
			return err
		})
		if err != nil {
			return err
		}
		done += int64(part.days)
		if w.p.Progress != nil {
			w.p.Progress(Progress{Place: part.place, Done: done, Total: w.days})
		}
	}
	return nil
}

func (w *purging) takeOutRejects(tx *txn) error {
	keys, err := w.rejects(tx)
	if err != nil {
		return err
	}
	_, dropped, err := countRejects(tx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := tx.top(layout.Rejects).Delete(k); err != nil {
			return err
		}
	}
	return putDropped(tx, dropped+len(keys))
}

// note adds what was removed to the audit trail.
func (w *purging) note(tx *txn) error {
	events := 0
	for _, k := range w.report.Kinds {
		events += k.Events
	}
	whom := "an attacker"
	if w.p.Session != "" {
		whom = "a session"
	}
	return audit(tx, ttpcron.AuditEntry{
		At: w.db.now(), By: w.p.By, Action: ttpcron.AuditPurge, Version: ttpcron.AllVersions, Reason: w.p.Reason,
		Before: whom, After: fmt.Sprintf("gone: events %d, tags %d, rejects %d", events, w.report.Tags, w.report.Rejects),
	})
}
