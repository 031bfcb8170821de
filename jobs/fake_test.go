package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ttpcron/ttpcron"
)

// memory is a store in memory. Its knobs make it fail.
type memory struct {
	mu        sync.Mutex
	seq       uint64
	events    []ttpcron.Event
	ids       map[string]bool
	rejected  map[ttpcron.RejectID]bool
	tags      map[ttpcron.UUID]ttpcron.Tag
	coverage  map[kindDay][]ttpcron.Coverage
	sets      map[string]ttpcron.RuleSet
	cursors   map[ttpcron.SourceKind]ttpcron.Cursor
	runs      map[string]ttpcron.Run
	positions []ttpcron.FilePosition
	looks     map[string]ttpcron.FileLook
	audit     []ttpcron.AuditEntry
	book      *matchBook
	done      ttpcron.Committed // so far
	taken     ttpcron.Committed // by the commit that fails next
	asked     map[string]int    // how often looks and positions were asked for

	commits   int
	groups    []int // tags of each commit that held some
	pages     int   // pages that were read
	writes    int   // imports and commits
	pageSize  int
	commitErr func(n int, c ttpcron.Commit) error // n counts commits from 1
	onCommit  func(n int, c ttpcron.Commit)
	onPage    func(n int)
	onMatch   func() // may be called by several goroutines
	importErr error
	eventsErr error
}

func newMemory() *memory {
	return &memory{
		ids: map[string]bool{}, tags: map[ttpcron.UUID]ttpcron.Tag{}, coverage: map[kindDay][]ttpcron.Coverage{}, sets: map[string]ttpcron.RuleSet{},
		cursors: map[ttpcron.SourceKind]ttpcron.Cursor{}, runs: map[string]ttpcron.Run{}, pageSize: 3,
		looks: map[string]ttpcron.FileLook{}, asked: map[string]int{}, book: newMatchBook(),
	}
}

// setCheckpoint does what checkpoint set end does for commands.
func (m *memory) setCheckpoint() {
	m.cursors[ttpcron.Command] = ttpcron.Cursor{Kind: ttpcron.Command, Seq: m.seq}
}

func (m *memory) key(e *ttpcron.Event) string {
	return string(e.Kind) + "|" + cmp.Or(e.ID, e.ContentID())
}

func (m *memory) Import(ctx context.Context, b ttpcron.Batch) (ttpcron.ImportReport, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var r ttpcron.ImportReport
	if m.importErr != nil {
		return r, m.importErr
	}
	m.writes++
	for _, e := range b.Events {
		if m.ids[m.key(&e)] {
			r.Known++
			continue
		}
		if ttpcron.DayOf(e.Time) < m.book.horizon {
			r.BeforeHorizon++
			continue
		}
		m.ids[m.key(&e)] = true
		m.seq++
		e.ID, e.Seq = cmp.Or(e.ID, e.ContentID()), m.seq
		m.events = append(m.events, e)
		r.New++
		r.NewKinds.Count(string(e.Kind), 1)
	}
	r.Rejected = len(b.Rejects)
	for i := range b.Rejects {
		if id := b.Rejects[i].Identity(); m.rejected[id] {
			r.RejectedKnown++
		} else {
			if m.rejected == nil {
				m.rejected = map[ttpcron.RejectID]bool{}
			}
			m.rejected[id] = true
		}
	}
	if b.Position != nil {
		m.positions = append(m.positions, *b.Position)
	}
	return r, nil
}

func (m *memory) Known(ctx context.Context, events []ttpcron.Event) ([]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := make([]bool, len(events))
	for i := range events {
		known[i] = m.ids[m.key(&events[i])]
	}
	return known, nil
}

func (m *memory) HeadLengths(context.Context) ([]int, error) { m.asked["lengths"]++; return nil, nil }

func (m *memory) FindPositions(context.Context, string, []ttpcron.FileHead) ([]ttpcron.FilePosition, error) {
	m.asked["positions"]++
	return m.positions, nil
}

func (m *memory) FileLooks(_ context.Context, paths []string) ([]ttpcron.FileLook, error) {
	m.asked["looks"]++
	looks := make([]ttpcron.FileLook, len(paths))
	for i, p := range paths {
		looks[i] = m.looks[p]
	}
	return looks, nil
}

func (m *memory) KeepLooks(_ context.Context, looks []ttpcron.FileLook) error {
	m.asked["keep"]++
	for _, l := range looks {
		m.looks[l.Path] = l
	}
	return nil
}

func (m *memory) ForgetFiles(context.Context, time.Time) (int, error) {
	m.asked["forget"]++
	return 0, nil
}

func (m *memory) KnownRejects(ctx context.Context, rejects []ttpcron.Reject) ([]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := make([]bool, len(rejects))
	for i := range rejects {
		known[i] = m.rejected[rejects[i].Identity()]
	}
	return known, nil
}

func (m *memory) Kinds(ctx context.Context) ([]ttpcron.SourceKind, error) {
	kinds := map[ttpcron.SourceKind]bool{}
	for i := range m.events {
		kinds[m.events[i].Kind] = true
	}
	return slices.Sorted(maps.Keys(kinds)), nil
}

func (m *memory) DayPage(ctx context.Context, kind ttpcron.SourceKind, from ttpcron.Day) ([]ttpcron.DayHistory, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	days := map[ttpcron.Day]*ttpcron.DayHistory{}
	for i := range m.events {
		e := &m.events[i]
		if e.Kind != kind || ttpcron.DayOf(e.Time) < from {
			continue
		}
		d := days[ttpcron.DayOf(e.Time)]
		if d == nil {
			d = &ttpcron.DayHistory{Kind: kind, Day: ttpcron.DayOf(e.Time), FirstSeq: e.Seq, Earliest: e.Time, Latest: e.Time}
			d.Coverage = m.coverage[kindDay{kind, d.Day}]
			days[d.Day] = d
		}
		d.Events++
		d.LastSeq = e.Seq
		if e.Time.Before(d.Earliest) {
			d.Earliest = e.Time
		}
		if e.Time.After(d.Latest) {
			d.Latest = e.Time
		}
	}
	var out []ttpcron.DayHistory
	for _, d := range slices.Sorted(maps.Keys(days)) {
		out = append(out, *days[d])
	}
	return out[:min(len(out), 3)], nil // short, so that there are many pages
}

func (m *memory) Events(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, after, upTo uint64) iter.Seq2[[]ttpcron.Event, error] {
	return func(yield func([]ttpcron.Event, error) bool) {
		var page []ttpcron.Event
		give := func() bool {
			m.pages++
			if m.onPage != nil {
				m.onPage(m.pages)
			}
			if m.eventsErr != nil {
				yield(nil, m.eventsErr)
				return false
			}
			ok := yield(page, nil)
			page = nil
			return ok
		}
		for _, e := range m.events {
			if e.Kind != kind || ttpcron.DayOf(e.Time) != day || e.Seq <= after || e.Seq > upTo {
				continue
			}
			if page = append(page, e); len(page) == m.pageSize && !give() {
				return
			}
		}
		if len(page) > 0 {
			give()
		}
	}
}

func (m *memory) LastSeq(ctx context.Context) (uint64, error) { return m.seq, nil }

func (m *memory) Commit(ctx context.Context, c ttpcron.Commit) (ttpcron.Committed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commits++
	if m.onCommit != nil {
		m.onCommit(m.commits, c)
	}
	if m.commitErr != nil {
		if err := m.commitErr(m.commits, c); err != nil {
			taken := m.taken
			m.taken = ttpcron.Committed{}
			return taken, err
		}
	}
	m.writes++
	done := m.apply(c, m.tags)
	m.book.commit(c, m.events)
	m.audit = append(m.audit, c.Audit...)
	m.done.Add(done)
	if len(c.Tags) > 0 {
		m.groups = append(m.groups, len(c.Tags))
	}
	for _, cov := range c.Coverage {
		m.coverage[kindDay{cov.Kind, cov.Day}] = nil
	}
	for _, cov := range c.Coverage {
		k := kindDay{cov.Kind, cov.Day}
		m.coverage[k] = append(m.coverage[k], cov)
	}
	for _, s := range c.RuleSets {
		m.sets[s.Fingerprint] = s
	}
	for _, cur := range c.Cursors {
		m.cursors[cur.Kind] = cur
	}
	if c.Run != nil {
		m.runs[c.Run.ID] = *c.Run
	}
	return done, nil
}

// apply applies a commit's tags, event by event.
func (m *memory) apply(c ttpcron.Commit, tags map[ttpcron.UUID]ttpcron.Tag) (done ttpcron.Committed) {
	count := func(t *ttpcron.Tag, n ttpcron.TagChanges) {
		done.TagChanges.Add(n)
		done.Count(ttpcron.RuleTechnique{RuleID: t.RuleID, Technique: t.Technique()}, n)
	}
	kept := map[ttpcron.UUID]bool{}
	for _, t := range c.Tags {
		old, ok := tags[t.UUID()]
		kept[t.UUID()] = true
		switch {
		case !ok:
			count(&t, ttpcron.TagChanges{Inserted: 1})
		case t.Claim != old.Claim || string(t.Evidence) != string(old.Evidence):
			t.CreatedAt = old.CreatedAt
			count(&t, ttpcron.TagChanges{Replaced: 1})
		default:
			continue
		}
		tags[t.UUID()] = t
	}
	judgeTags(c, tags, kept, count)
	for i := range m.events {
		e := &m.events[i]
		for _, v := range c.Reviews {
			if v.Kind != e.Kind || v.Day != ttpcron.DayOf(e.Time) || e.Time.Before(v.Earliest) || e.Time.After(v.Latest) ||
				!slices.ContainsFunc(v.Events, func(r ttpcron.SeqRange) bool { return r.First <= e.Seq && e.Seq <= r.Last }) {
				continue
			}
			for u, t := range tags {
				if t.SourceKind == e.Kind && t.SourceID == e.ID && slices.Contains(v.Rules, t.RuleID) && !kept[u] {
					delete(tags, u)
					count(&t, ttpcron.TagChanges{Removed: 1})
				}
			}
		}
	}
	return done
}

func (m *memory) Preview(ctx context.Context, c ttpcron.Commit) (ttpcron.Committed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.apply(c, maps.Clone(m.tags)), nil
}

func (m *memory) RulesOf(ctx context.Context, kind ttpcron.SourceKind) ([]string, error) {
	ids := map[string]bool{}
	for _, t := range m.tags {
		if t.SourceKind == kind {
			ids[t.RuleID] = true
		}
	}
	return slices.Sorted(maps.Keys(ids)), nil
}

func (m *memory) RuleSet(ctx context.Context, fingerprint string) (ttpcron.RuleSet, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sets[fingerprint]
	return s, ok, nil
}

func (m *memory) Cursors(ctx context.Context) ([]ttpcron.Cursor, error) {
	return slices.Collect(maps.Values(m.cursors)), nil
}

// lastRun returns the record of the run that started last.
func (m *memory) lastRun() ttpcron.Run {
	return m.runs[slices.Max(slices.Collect(maps.Keys(m.runs)))]
}

// words is a rule set that tags a command once for each word in it that it knows.
type words struct {
	name  string
	kinds []ttpcron.SourceKind
	terms []string
	only  map[string]bool // nil: all
}

func (w words) Fingerprint() string { return w.name + ":" + strings.Join(w.terms, ",") }
func (w words) InForce() int        { return len(w.terms) }
func (w words) Applying(k ttpcron.SourceKind) int {
	if slices.Contains(w.kinds, k) {
		return len(w.terms)
	}
	return 0
}
func (w words) Tagger() Tagger { return w }

func (w words) Correlations() []Correlation { return nil }

func (w words) Matches() []ttpcron.BaseMatch { return nil }
func (w words) Applies(id string, k ttpcron.SourceKind) bool {
	return slices.Contains(w.kinds, k) && slices.ContainsFunc(w.terms, func(term string) bool { return w.name+term == id })
}

func (w words) Definitions() []ttpcron.RuleDef {
	var out []ttpcron.RuleDef
	for _, term := range w.terms {
		out = append(out, ttpcron.RuleDef{ID: w.name + term, Version: 1})
	}
	return out
}

func (w words) Only(ids map[string]bool) Rules {
	w.only = ids
	return w
}

func (w words) Tag(e *ttpcron.Event, dst []ttpcron.Tag) ([]ttpcron.Tag, ttpcron.Verdict) {
	text, _ := e.Payload.Text("command_text")
	switch text {
	case "":
		return dst, ttpcron.Verdict{Skipped: true}
	case "panic":
		panic("the rule broke")
	}
	uuid, _ := e.Attacker()
	for i, term := range w.terms {
		if strings.Contains(text, term) && (w.only == nil || w.only[w.name+term]) {
			dst = append(dst, ttpcron.Tag{
				Claim:      ttpcron.Claim{RuleID: w.name + term, RuleVersion: 1, Tactic: "TA0002", TechniqueID: "T100" + string(rune('0'+i)), Confidence: 0.9},
				SourceKind: e.Kind, SourceID: e.ID, AttackerUUID: uuid, AttackerIP: e.AttackerIP, EventTime: e.Time,
				Evidence: json.RawMessage(`{}`),
			})
		}
	}
	return dst, ttpcron.Verdict{Bounded: text == "slow"}
}

var bothKinds = []ttpcron.SourceKind{ttpcron.Command, ttpcron.CanaryFingerprint}

func rules(terms ...string) words { return words{name: "W", kinds: bothKinds, terms: terms} }

// noon is the time of all runs in these tests.
var noon = time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

func daysAgo(d float64) time.Time { return noon.Add(-time.Duration(d * 24 * float64(time.Hour))) }

func command(at time.Time, text string) ttpcron.Event {
	return ttpcron.Event{Kind: ttpcron.Command, Time: at, AttackerIP: "203.0.113.7", Payload: ttpcron.TextPayload("command_text", text)}
}

// add puts events into a store as a file would.
func add(m *memory, events ...ttpcron.Event) {
	if _, err := m.Import(context.Background(), ttpcron.Batch{Events: events}); err != nil {
		panic(err)
	}
}

// fakeFile is an input made of batches.
type fakeFile struct {
	look *ttpcron.FileLook

	batches []ttpcron.Batch
	err     error // after the batches
	closed  *bool
	each    func(i int)
}

func (f fakeFile) Format() string           { return "fake" }
func (f fakeFile) Progress() (int64, int64) { return 1, 2 }
func (f fakeFile) Notes() []string          { return nil }
func (f fakeFile) Close() error             { *f.closed = true; return nil }
func (f fakeFile) Batches(ctx context.Context) iter.Seq2[ttpcron.Batch, error] {
	return func(yield func(ttpcron.Batch, error) bool) {
		for i, b := range f.batches {
			if f.each != nil {
				f.each(i)
			}
			if !yield(b, nil) {
				return
			}
		}
		if f.err != nil {
			yield(ttpcron.Batch{}, f.err)
		}
	}
}

func (f fakeFile) Resumed() (int64, int)   { return 0, 0 }
func (f fakeFile) Look() *ttpcron.FileLook { return f.look }

func input(name string, f fakeFile) Input {
	if f.closed == nil {
		f.closed = new(bool)
	}
	return Input{Name: name, Open: func(context.Context, Known) (File, error) { return f, nil }}
}

func batchOf(events ...ttpcron.Event) ttpcron.Batch {
	return ttpcron.Batch{Events: events, Report: ttpcron.ImportReport{Lines: len(events)}}
}

// keeper is all that a store is to a job.
type keeper interface {
	History
	Archive
	Ledger
}

func storeOf(k keeper) Store { return Store{History: k, Archive: k, Ledger: k} }

func ref[T any](v T) *T { return &v }
