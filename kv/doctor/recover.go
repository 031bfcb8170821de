package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
)

// RecoverReport counts what Recover could save and what it could not.
type RecoverReport struct {
	Events  int // saved
	Tags    int
	Records int // cursors, coverage, runs, read positions, rejects and states
	Stray   int // of the events and tags, those found on pages to which nothing leads any more

	LostBlocks int // blocks of up to 256 events each
	LostTags   int
	// WithEvents is how many of the lost tags were intact, but lost with their events,
	// which hold what they say.
	WithEvents  int
	LostRecords int
	// LookAgain counts days for which it is no longer known what rules have looked at. The
	// next run looks at everything that was saved of them.
	LookAgain int
	// Reread says that events are or may be missing. Read positions are left out, so that
	// importing the logs reads them again.
	Reread bool
	// MissingEvents and MissingTags are how many fewer there are than the store's own
	// counts say, as far as these can be read: those known to be lost, and those without
	// any trace.
	MissingEvents int
	MissingTags   int
	// OldHeader says that one of the two headers is damaged. It may have been the
	// newer one; then the last transaction before the damage is lost.
	OldHeader bool
	// NoHeader says that neither header is intact: every page was searched for events and
	// tags, and other records could not be distinguished.
	NoHeader bool
	// Uncounted says that not all of the store's counts could be read, so events and tags
	// may be missing without a trace.
	Uncounted bool
	LostDays  []string // days, as YYYY-MM-DD, on which something was lost; at most MaxFindings

	Findings []Finding // what was wrong, at most MaxFindings
	More     int
}

// Whole reports whether nothing was lost.
func (r *RecoverReport) Whole() bool {
	return r.LostBlocks+r.LostTags+r.LostRecords+r.MissingEvents+r.MissingTags == 0 && !r.OldHeader && !r.NoHeader && !r.Uncounted && len(r.LostDays) == 0
}

// Recover reads what can be read of the store at path, and makes a new store from it at to.
// The old file is not changed. Everything with a valid checksum is taken over: events with
// their ids and arrival numbers, tags, and other records. Counts and indexes are rebuilt.
// Entries of pages that are no longer reachable, because a page above them is damaged, are
// found by looking at every page that is neither reached nor free; without a header, at
// every page.
//
// A tag refers to its event, and is lost with it. If something of a day was lost, or its
// coverage, the new store says that unknown rules looked at the day, so the next run looks
// at it again. If events were lost, read positions are left out, so importing the logs
// reads them again, and events that come back count as new. Together this restores what was
// there. A file at to is an *[ExistsError].
func Recover(ctx context.Context, path, to string, o Options) (RecoverReport, error) {
	src, err := openSource(ctx, path, o.Options, true)
	if err != nil {
		return RecoverReport{}, err
	}
	defer src.close()
	r := &recovery{
		source: src, now: o.Now, lost: map[ttpcron.Day]bool{}, again: map[ttpcron.Day]bool{}, last: map[record.KindDay]uint64{}, orphans: newOrphans(), harmed: map[string]bool{},
	}
	if r.now == nil {
		r.now = time.Now
	}
	err = newFile(to, false, 0, func(f *os.File) (err error) {
		if r.dst, err = kv.Open(ctx, f.Name(), kv.Options{Now: o.Now, NoSync: true}); err != nil {
			return err
		}
		defer func() {
			if cerr := r.dst.Close(); err == nil {
				err = cerr
			}
		}()
		return r.run(ctx, o.Progress)
	})
	if err != nil {
		return r.report, fmt.Errorf("recover store %s into %s: %w", path, filepath.Base(to), err)
	}
	return r.report, nil
}

// recovery copies what is intact of one store into another.
type recovery struct {
	*source
	ctx    context.Context
	dst    *kv.DB
	now    func() time.Time
	report RecoverReport

	place string
	kind  ttpcron.SourceKind
	day   ttpcron.Day

	arrivalKnown bool // the last arrival number could be read
	old          bool // the store is of an earlier schema
	names        oldNames

	harmed         map[string]bool           // places with damaged pages, of which nobody knows what lay there
	lost           map[ttpcron.Day]bool      // days with losses
	withoutStreams map[string]string         // fingerprints of rule sets that had streams, and those of what is left of them
	again          map[ttpcron.Day]bool      // days at which the next run looks again
	last           map[record.KindDay]uint64 // arrival number of the last event taken over
	events         []ttpcron.Event           // waiting to be stored
	bytes          int                       // of their text
	tags           foundTags
	found          map[ttpcron.Day]map[string]int // versions of the correlations that have tags, by the day of the tag
	orphans        *orphans
	err            error
}

// foundTags are tags that wait to be stored, once their events are known.
type foundTags struct {
	uuids  []ttpcron.UUID
	tags   []ttpcron.Tag
	claims []*record.Claim
	bytes  int // of what they quote
}

// orphans counts tags without their events. A file without a header may have several
// states of a tag's page, so counted tags are remembered, up to a limit.
type orphans struct {
	days map[ttpcron.Day]int
	seen map[ttpcron.UUID]struct{}
}

const maxOrphans = 1 << 17

func newOrphans() *orphans {
	return &orphans{map[ttpcron.Day]int{}, map[ttpcron.UUID]struct{}{}}
}

func (o *orphans) add(day ttpcron.Day, u ttpcron.UUID) {
	if _, ok := o.seen[u]; ok {
		return
	}
	if len(o.seen) < maxOrphans {
		o.seen[u] = struct{}{}
	}
	o.days[day]++
}

func (r *recovery) find(what string) {
	if len(r.report.Findings) == MaxFindings {
		r.report.More++
		return
	}
	f := Finding{Place: r.place, Kind: r.kind, What: what}
	if r.day != 0 {
		f.Day = r.day.String()
	}
	r.report.Findings = append(r.report.Findings, f)
}

// failed records an error as a finding, and reports whether it is one. A record from a
// newer program is not a finding: it ends the recovery.
func (r *recovery) failed(err error) bool {
	if newer := (*record.NewerError)(nil); errors.As(err, &newer) {
		r.w.Err = err
		return false
	}
	r.find(err.Error())
	return true
}

// lose records that something of the current day was lost.
func (r *recovery) lose(what string) {
	r.find(what)
	r.loseDay()
}

func (r *recovery) loseDay() {
	if r.day != 0 && !r.lost[r.day] {
		r.lost[r.day] = true
		if len(r.report.LostDays) < MaxFindings {
			r.report.LostDays = append(r.report.LostDays, r.day.String())
		}
	}
}

func (r *recovery) run(ctx context.Context, progress func(kv.Progress)) error {
	r.ctx = ctx
	if r.Header == nil {
		r.report.NoHeader = true
		r.Header = &page.Header{Pages: uint64(r.Bytes) / page.Size, Freelist: page.NoFreelist}
	}
	r.watch(ctx, func(p kv.Progress) {
		if p.Place = r.place; progress != nil {
			progress(p)
		}
	}, func(what string) {
		r.harmed[r.place] = true
		r.lose(what)
	})
	r.place = "file"
	for i := range r.Headers {
		if r.Headers[i].Bad != "" {
			r.report.OldHeader = !r.report.NoHeader
			r.find(fmt.Sprintf("header %d of 2 is not whole: %s", i+1, r.Headers[i].Bad))
		}
	}
	if r.report.NoHeader {
		f := r.newStray()
		f.searchBlocks(r)
		f.searchTags(r)
		r.loseOrphans()
		r.lookAtAll()
	} else if err := r.walk(); err != nil {
		return err
	}
	if r.err == nil {
		r.err = r.w.Err
	}
	if r.err != nil {
		return r.err
	}
	if _, ok := r.top[layout.Meta]; !ok && r.report.Events+r.report.Tags+r.report.LostTags == 0 {
		return &kv.NotStoreError{Path: r.path, Reason: "nothing of a store was found in it"}
	}
	if err := r.begun(); err != nil {
		return err
	}
	return r.finish()
}

// walk copies what the header leads to, and then what is found elsewhere.
func (r *recovery) walk() error {
	r.readFree()
	found := len(r.report.Findings)
	r.readTop()
	r.report.Uncounted = len(r.report.Findings) > found
	if err := r.readMeta(); err != nil {
		return err
	}
	r.old = r.meta.Upgrading || r.meta.Schema > 0 && r.meta.Schema < kv.Schema
	if err := r.keepSecret(); err != nil {
		return err
	}
	r.place = "claims"
	found = len(r.report.Findings)
	r.readClaims(func(err error) { r.failed(err) })
	if _, ok := r.top[layout.Claims]; !ok || len(r.report.Findings) > found {
		r.eachStray(func(uint64) bool { return false }, nil, func(_ uint64, e page.Element) { r.foundClaim(e) })
	}
	if err := r.readPruned(); err != nil {
		return err
	}
	// All events come before all tags, which refer to them. What the buckets lead to must
	// be known before the rest.
	r.walkHistory()
	reached := slices.Clone(r.w.Seen)
	r.passOthers()
	others := r.w.Seen
	f := r.newStray()
	f.searchBlocks(r)
	r.w.Seen = reached
	r.walkTags()
	r.w.Seen = others
	f.searchTags(r)
	r.loseOrphans()
	r.w.Seen = page.NewBitmap(r.Header.Pages) // what was passed over is read now
	r.compareCounts()
	r.report.Uncounted = r.report.Uncounted || r.w.Stale > 0
	r.records()
	r.report.Uncounted = r.report.Uncounted || r.w.Stale > 0
	return nil
}

// readFree reads the intact part of the list of free pages. If something leads to a listed
// page, the page is an old one, or the list is damaged.
func (r *recovery) readFree() {
	if r.Header.Freelist == page.NoFreelist {
		return
	}
	free := page.NewBitmap(r.Header.Pages)
	_, bad, err := r.Freelist(func(id uint64) {
		if id < r.Header.Pages {
			free.Add(id)
		}
	})
	if bad == "" && err == nil {
		r.w.Free = free
	}
}

// readMeta reads the intact part of the bucket meta; none of it is essential.
func (r *recovery) readMeta() error {
	r.place = "meta"
	r.values(r.top[layout.Meta], func(k, v []byte) {
		with := r.meta
		if _, err := with.Read(k, v); err != nil {
			r.failed(fmt.Errorf("record %q: %w", k, err))
			return
		}
		r.meta = with
		r.arrivalKnown = r.arrivalKnown || string(k) == string(record.KeyArrival)
	})
	if r.meta.Schema > kv.Schema {
		return &kv.NewerError{Path: r.path, Schema: r.meta.Schema, Highest: kv.Schema}
	}
	return nil
}

// keepSecret gives the new store the old one's secret if events were purged: they are
// recognised by hashes with it.
func (r *recovery) keepSecret() error {
	if _, ok := r.top[layout.Purged]; !ok || r.meta.Secret == (record.Secret{}) {
		return nil
	}
	return r.dst.TakeOver(r.ctx, func(t *kv.Takeover) error { return t.SetSecret(r.meta.Secret) })
}

// readPruned copies the horizons before any event is stored: the stored events are not
// older. The ids of pruned events cannot be derived from it, so the sum starts anew.
func (r *recovery) readPruned() error {
	r.place = "pruned"
	var all []record.Pruned
	r.values(r.top[layout.Pruned], func(k, v []byte) {
		p, err := record.ReadPruned(k, v)
		if err != nil {
			if r.failed(err) {
				r.report.LostRecords++
			}
			return
		}
		p.Named = record.Fingerprint{}
		all = append(all, p)
	})
	return r.dst.TakeOver(r.ctx, func(t *kv.Takeover) error {
		for i := range all {
			if err := t.Put(layout.Pruned, "", []byte(all[i].Kind), record.AppendPruned(nil, &all[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

// walkHistory takes over the events of every kind.
func (r *recovery) walkHistory() {
	r.place = "history"
	r.directory(r.top[layout.History], func(name string, b page.Bucket) {
		r.kind, r.day = ttpcron.SourceKind(name), 0
		r.values(b, func(k, v []byte) { r.block(k, v) })
	})
	r.kind, r.day = "", 0
}

// block takes over a block if its checksum vouches for it.
func (r *recovery) block(k, v []byte) bool {
	day, first, ok := record.ParseBlockKey(k)
	if !ok {
		r.report.LostBlocks++
		r.lose(fmt.Sprintf("%x is no key of a block", k))
		return false
	}
	r.day = day
	events, err := r.blocks.Read(r.kind, day, first, v)
	if err != nil {
		if r.failed(fmt.Errorf("block %d: %w", first, err)) {
			r.report.LostBlocks++
			r.loseDay()
		}
		return false
	}
	r.take(events)
	return true
}

// take keeps events until they are stored. Within a kind and day they arrive in
// order, and none twice.
func (r *recovery) take(events []ttpcron.Event) {
	at := record.KindDay{Kind: r.kind, Day: r.day}
	for i := range events {
		e := &events[i]
		if e.Seq <= r.last[at] {
			continue
		}
		if err := e.Validate(); err != nil {
			r.lose(fmt.Sprintf("event %d: %v", e.Seq, err))
			continue
		}
		r.last[at] = e.Seq
		r.meta.Arrival = max(r.meta.Arrival, e.Seq)
		r.events = append(r.events, *e)
		r.bytes += textOf(e)
	}
	if len(r.events) >= recoverEvents || r.bytes >= recoverBytes {
		r.flush()
	}
}

func textOf(e *ttpcron.Event) (n int) {
	for i := range e.Payload {
		n += len(e.Payload[i].Name) + len(e.Payload[i].Text) + len(e.Payload[i].Raw)
	}
	return n
}

// The limits of one transaction.
const (
	recoverEvents = 8192
	recoverTags   = 20_000
	recoverBytes  = 8 << 20 // of text, but for one block
)

// walkTags takes over the tags of every day.
func (r *recovery) walkTags() {
	r.place = "tags"
	r.directory(r.top[layout.Tags], func(name string, b page.Bucket) {
		day, ok := record.ParseDay([]byte(name))
		if !ok {
			r.lose(fmt.Sprintf("%x is no day", name))
			return
		}
		r.day = day
		r.values(b, func(k, v []byte) {
			t, cl, _, err := r.tagRecord(day, k, v)
			if err == nil {
				r.keep(day, k, t, cl)
			} else if r.failed(err) {
				r.report.LostTags++
				r.loseDay()
			}
		})
	})
	r.flush()
	r.day = 0
}

// loseOrphans counts the tags whose events were not found. They are useless alone, and are
// made again when the events are back.
func (r *recovery) loseOrphans() {
	for _, day := range slices.Sorted(maps.Keys(r.orphans.days)) {
		n := r.orphans.days[day]
		r.report.LostTags += n
		r.report.WithEvents += n
		r.day = day
		r.loseDay()
	}
	r.day = 0
}

// keep keeps a tag until it is stored.
func (r *recovery) keep(day ttpcron.Day, k []byte, t ttpcron.Tag, cl *record.Claim) {
	if r.old && r.remade(day, &t, cl) {
		return
	}
	_, u, _ := record.ParseTagKey(k)
	f := &r.tags
	f.uuids, f.tags, f.claims = append(f.uuids, u), append(f.tags, t), append(f.claims, cl)
	f.bytes += len(t.Match.Literal) + len(t.Match.Evidence) + len(t.Evidence)
	if len(f.tags) >= recoverTags || f.bytes >= recoverBytes {
		r.flush()
	}
}

// storeTags stores the waiting tags, except for those whose events are missing.
func (r *recovery) storeTags() error {
	f, day := &r.tags, r.day
	defer func() { r.day = day }()
	there, err := r.dst.CompleteTags(r.ctx, f.tags, f.claims)
	if err != nil {
		return err
	}
	whole := f.tags[:0]
	for i := range f.tags {
		t := &f.tags[i]
		switch r.day = ttpcron.DayOf(t.EventTime); {
		case !there[i]:
			r.orphans.add(r.day, f.uuids[i])
		case t.UUID() == f.uuids[i]:
			whole = append(whole, *t)
			if t.SourceKind == ttpcron.Correlation {
				r.findings(r.day, t)
			}
		default:
			r.report.LostTags++
			r.lose(fmt.Sprintf("tag %s: its fields give the UUID %s", f.uuids[i], t.UUID()))
		}
	}
	n, err := r.dst.Commit(r.ctx, ttpcron.Commit{Tags: whole})
	r.report.Tags += n.Inserted
	clear(f.tags)
	*f = foundTags{uuids: f.uuids[:0], tags: f.tags[:0], claims: f.claims[:0]}
	return err
}

// findings records that a correlation has a tag on a day.
func (r *recovery) findings(day ttpcron.Day, t *ttpcron.Tag) {
	if r.found == nil {
		r.found = map[ttpcron.Day]map[string]int{}
	}
	if r.found[day] == nil {
		r.found[day] = map[string]int{}
	}
	r.found[day][t.RuleID] = t.RuleVersion
}

// begun makes correlations judge the days on which they have tags again: removed matches
// may or may not have been judged, and their records are not copied.
func (r *recovery) begun() error {
	for days := range slices.Chunk(slices.Sorted(maps.Keys(r.found)), begunDays) {
		var c ttpcron.Commit
		for _, day := range days {
			d := ttpcron.JudgedDay{Day: day}
			for _, id := range slices.Sorted(maps.Keys(r.found[day])) {
				d.Rules = append(d.Rules, ttpcron.RuleDef{ID: id, Version: r.found[day][id]})
			}
			c.Judged = append(c.Judged, d)
		}
		if _, err := r.dst.Commit(r.ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// begunDays is how many days one commit marks as begun.
const begunDays = 1024

// flush stores the waiting events and tags.
func (r *recovery) flush() {
	if r.err != nil {
		return
	}
	if len(r.events) > 0 {
		r.report.Events += len(r.events)
		r.err = r.dst.TakeOver(r.ctx, func(t *kv.Takeover) error { return t.Events(r.events) })
		clear(r.events)
		r.events, r.bytes = r.events[:0], 0
	}
	if len(r.tags.tags) > 0 && r.err == nil {
		r.err = r.storeTags()
	}
	if r.err != nil && r.w.Err == nil {
		r.w.Err = r.err // ends the walk
	}
}
