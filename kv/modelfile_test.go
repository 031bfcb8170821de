package kv_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// What becomes of a store's file in a history: pruned, copied, restored, written
// anew, recovered, and left behind by a crash.

// clone copies what a later call may change.
func (m *model) clone() *model {
	c := *m
	c.events, c.rejects = slices.Clone(m.events), slices.Clone(m.rejects)
	c.ids, c.tags, c.cursors = maps.Clone(m.ids), maps.Clone(m.tags), maps.Clone(m.cursors)
	c.runs, c.marks, c.states = maps.Clone(m.runs), maps.Clone(m.marks), maps.Clone(m.states)
	c.rejected = maps.Clone(m.rejected)
	c.purged = map[string][]ttpcron.Event{}
	for k, list := range m.purged {
		c.purged[k] = slices.Clone(list)
	}
	c.retired, c.horizons = maps.Clone(m.retired), maps.Clone(m.horizons)
	c.forgotten, c.took = maps.Clone(m.forgotten), maps.Clone(m.took)
	c.coverage = map[ttpcron.SourceKind]map[ttpcron.Day][]ttpcron.Coverage{}
	for k, days := range m.coverage {
		c.coverage[k] = maps.Clone(days)
	}
	return &c
}

func (m *model) has(kind ttpcron.SourceKind, id string) bool {
	return slices.ContainsFunc(m.events, func(e ttpcron.Event) bool { return e.Kind == kind && e.ID == id })
}

// prunes removes the events, and perhaps the tags, of early days.
func (h *history) prunes() {
	if len(h.m.events) == 0 {
		return
	}
	p := kv.Prune{EventsBefore: ttpcron.DayOf(h.m.events[h.rnd.IntN(len(h.m.events))].Time) + ttpcron.Day(h.rnd.IntN(3)-1)}
	if h.rnd.IntN(2) == 0 {
		p.TagsBefore = p.EventsBefore - ttpcron.Day(h.rnd.IntN(3))
	}
	want := h.m.clone()
	events, tags := want.prune(p)
	for _, dry := range []bool{true, false} {
		p.DryRun = dry
		r, err := h.db.Prune(h.t.Context(), p)
		h.check(err)
		n := 0
		for _, k := range r.Kinds {
			n += k.Events
		}
		if n != events || r.Tags != tags {
			h.t.Fatalf("pruned %d events and %d tags, want %d and %d", n, r.Tags, events, tags)
		}
	}
	h.m = want
	if h.rnd.IntN(4) == 0 {
		h.forgets()
	}
}

// prunesRules removes the tags of some rules.
func (h *history) prunesRules() {
	p := kv.PruneRules{}
	for range h.rnd.IntN(4) {
		p.Rules = append(p.Rules, fmt.Sprintf("R%04d", h.rnd.IntN(14)))
	}
	var want ttpcron.Committed
	for u, t := range h.m.tags {
		if slices.Contains(p.Rules, t.RuleID) {
			want.TagChanges.Add(ttpcron.TagChanges{Removed: 1})
			want.Count(ttpcron.RuleTechnique{RuleID: t.RuleID, Technique: t.Technique()}, ttpcron.TagChanges{Removed: 1})
			delete(h.m.tags, u)
		}
	}
	kv.TakeOutAtOnce(h.db, h.rnd.IntN(3)*(1+h.rnd.IntN(50)))
	for _, dry := range []bool{true, false} {
		p.DryRun = dry
		got, err := h.db.PruneRules(h.t.Context(), p)
		h.check(err)
		if !reflect.DeepEqual(got, want) {
			h.t.Fatalf("took out %+v, want %+v", got, want)
		}
	}
}

// forgets lets pruned events come in again, of one kind or of all.
func (h *history) forgets() {
	if h.m.tagged() {
		return
	}
	kind, want := ttpcron.SourceKind(""), h.m.listHorizons()
	if all := ttpcron.Kinds(); h.rnd.IntN(2) == 0 {
		kind, want = all[h.rnd.IntN(len(all))], nil
		if before := h.m.horizon(kind); before > 0 {
			want = []kv.Horizon{{Kind: kind, Before: before}}
		}
	}
	gone, err := h.db.ForgetHorizon(h.t.Context(), kind)
	h.check(err)
	if !slices.Equal(gone, want) {
		h.t.Fatalf("the horizons %v are forgotten, want %v", gone, want)
	}
	h.m.forget(kind)
	h.m.freeIDs(gone)
	left, err := h.db.Horizons(h.t.Context())
	h.check(err)
	if want := h.m.listHorizons(); !slices.Equal(left, want) {
		h.t.Fatalf("the horizons are %v, want %v", left, want)
	}
}

// horizon is the first day of a kind that comes in.
func (m *model) horizon(kind ttpcron.SourceKind) ttpcron.Day {
	if latest := m.latestHorizon(); latest > m.forgotten[kind] {
		return latest
	}
	return m.horizons[kind]
}

func (m *model) latestHorizon() (latest ttpcron.Day) {
	for _, day := range m.horizons {
		latest = max(latest, day)
	}
	return latest
}

// listHorizons lists the horizons of the kinds that have, or had, events.
func (m *model) listHorizons() (all []kv.Horizon) {
	kinds := maps.Clone(m.took)
	for _, e := range m.events {
		kinds[e.Kind] = true
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if day := m.horizon(kind); day > 0 {
			all = append(all, kv.Horizon{Kind: kind, Before: day})
		}
	}
	return all
}

// forget lets all days of a kind, or of all, come in.
func (m *model) forget(kind ttpcron.SourceKind) {
	if kind == "" {
		clear(m.horizons)
		clear(m.forgotten)
		return
	}
	own, latest := map[ttpcron.SourceKind]ttpcron.Day{}, m.latestHorizon()
	if m.horizon(kind) == 0 {
		return
	}
	for _, k := range slices.Concat(ttpcron.Kinds(), slices.Collect(maps.Keys(m.horizons))) {
		own[k] = m.horizon(k)
	}
	own[kind], m.forgotten[kind] = 0, latest
	m.horizons = own
}

// freeIDs forgets the ids of all removed events, if any is of a kind whose horizon is
// forgotten.
func (m *model) freeIDs(kinds []kv.Horizon) {
	gone := maps.Clone(m.ids)
	for _, e := range m.events {
		delete(gone, string(e.Kind)+"|"+e.ID)
	}
	free := false
	for key := range gone {
		free = free || slices.ContainsFunc(kinds, func(k kv.Horizon) bool { return strings.HasPrefix(key, string(k.Kind)+"|") })
	}
	for key := range gone {
		if free {
			delete(m.ids, key)
		}
	}
}

func (m *model) prune(p kv.Prune) (events, tags int) {
	for u, t := range m.tags {
		if ttpcron.DayOf(t.EventTime) < p.TagsBefore {
			delete(m.tags, u)
			tags++
		}
	}
	tagged := map[uint64]bool{}
	for _, t := range m.tags {
		tagged[t.Seq] = true
	}
	stays := func(e ttpcron.Event) bool {
		day := ttpcron.DayOf(e.Time)
		return day >= p.EventsBefore || day >= p.TagsBefore && tagged[e.Seq]
	}
	gone, left := map[kindAndDay]bool{}, map[kindAndDay]bool{}
	some := map[ttpcron.SourceKind]bool{}
	for _, e := range m.events {
		at := kindAndDay{e.Kind, ttpcron.DayOf(e.Time)}
		if stays(e) {
			left[at], some[e.Kind] = true, true
			continue
		}
		events++
		gone[at] = true
		if key := string(e.Kind) + "|" + e.ID; m.ids[key].content && e.TimeOrigin == ttpcron.OriginRecorded {
			delete(m.ids, key)
		} else { // ids that are given stay taken, or that an event of another day may have
			m.ids[key] = held{event: e, content: m.ids[key].content, pruned: true}
		}
	}
	m.events = slices.DeleteFunc(m.events, func(e ttpcron.Event) bool { return !stays(e) })
	for k := range gone {
		m.horizons[k.kind], m.took[k.kind] = max(m.horizons[k.kind], k.day+1), true
		m.uncover(k, left[k], some[k.kind])
	}
	return events, tags
}

// uncover sets a day's coverage after events were removed.
func (m *model) uncover(at kindAndDay, left, some bool) {
	list := slices.Clone(m.coverage[at.kind][at.day])
	for i, c := range list {
		list[i] = ttpcron.Coverage{Kind: c.Kind, Day: c.Day, RuleSet: c.RuleSet, After: c.After, UpTo: c.UpTo, Since: c.Since, Uncounted: true}
	}
	switch {
	case !some:
		delete(m.coverage, at.kind)
	case !left:
		delete(m.coverage[at.kind], at.day)
	case list != nil:
		m.coverage[at.kind][at.day] = list
	}
}

type kindAndDay struct {
	kind ttpcron.SourceKind
	day  ttpcron.Day
}

// crashes starts a call, copies the file at one of its writes, and continues with the
// copy: the call is there in full or not at all.
func (h *history) crashes() {
	before := h.m.clone()
	at := h.rnd.IntN(16)
	var image []byte
	committed := false
	take := func(more []byte, off int64) {
		var err error
		image, err = os.ReadFile(h.path)
		h.check(err)
		image = put(image, off, more)
	}
	h.disk.Write = func(b []byte, off int64) (int, error) {
		if at--; at == -1 {
			if isHeader(off) {
				take(nil, 0)
			} else {
				take(b[:h.rnd.IntN(len(b))], off)
			}
		}
		committed = committed || image == nil && isHeader(off)
		return h.disk.File.WriteAt(b, off)
	}
	h.crashing = true
	if h.rnd.IntN(2) == 0 {
		h.imports()
	} else {
		h.commits()
	}
	h.crashing = false
	if image == nil {
		take(nil, 0)
	} else if !committed {
		h.m = before
	}
	h.check(h.db.Close())
	h.check(os.WriteFile(h.path, image, 0o600))
	h.open()
	h.compareEvents()
}

// backsUp keeps a copy of the store, in the place of an earlier one.
func (h *history) backsUp() {
	h.backup = filepath.Join(filepath.Dir(h.path), "backup.db")
	h.check(doctor.Backup(h.t.Context(), h.db, h.backup, true, nil))
	h.saved = h.m.clone()
}

// restores goes back to the copy.
func (h *history) restores() {
	if h.backup == "" {
		return
	}
	h.check(h.db.Close())
	aside, err := doctor.Restore(h.t.Context(), h.backup, h.path, doctor.Options{})
	h.check(err)
	checked(h.t, aside)
	h.check(os.Remove(aside))
	h.m = h.saved.clone()
	h.open()
}

// tagged reports whether there are tags of an event with a given id that was
// pruned. Recovering and forgetting a horizon free the id, and two events, of
// different times, could then have one tag.
func (m *model) tagged() bool {
	for _, t := range m.tags {
		if m.ids[string(t.SourceKind)+"|"+t.SourceID].pruned {
			return true
		}
	}
	return false
}

// rewrites compacts the store, or recovers it into a new file.
func (h *history) rewrites() {
	h.check(h.db.Close())
	if h.rnd.IntN(2) == 0 || h.m.tagged() {
		_, err := doctor.Compact(h.t.Context(), h.path, doctor.Options{Options: kv.Options{NoSync: true}})
		h.check(err)
		h.open()
		return
	}
	h.n++
	to := filepath.Join(filepath.Dir(h.path), fmt.Sprint("recovered", h.n))
	r, err := doctor.Recover(h.t.Context(), h.path, to, doctor.Options{})
	h.check(err)
	if !r.Whole() || len(r.Findings) > 0 {
		h.t.Fatalf("recovering a store that is whole: %+v", r)
	}
	h.check(os.Rename(to, h.path))
	// The ids of events that were pruned are free again.
	stored := map[string]bool{}
	for _, e := range h.m.events {
		stored[string(e.Kind)+"|"+e.ID] = true
	}
	maps.DeleteFunc(h.m.ids, func(key string, _ held) bool { return !stored[key] })
	h.open()
}
