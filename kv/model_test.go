package kv_test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// model is what a store should contain, in the simplest form.
type model struct {
	events   []ttpcron.Event // by Seq
	last     uint64          // Seq that was given last
	ids      map[string]held // by kind and id
	tags     map[ttpcron.UUID]ttpcron.Tag
	cursors  map[ttpcron.SourceKind]ttpcron.Cursor
	coverage map[ttpcron.SourceKind]map[ttpcron.Day][]ttpcron.Coverage
	runs     map[string]ttpcron.Run
	rejects  []ttpcron.Reject
	rejected map[string]bool // what was ever rejected
	marks    map[string]ttpcron.FilePosition
	states   map[string]ttpcron.RuleState
	retired  map[string]ttpcron.Retirement
	horizons map[ttpcron.SourceKind]ttpcron.Day // events of earlier days were pruned, of whatever kind
	// forgotten: up to where the horizons of other kinds do not count for a kind.
	forgotten map[ttpcron.SourceKind]ttpcron.Day
	took      map[ttpcron.SourceKind]bool // kinds of which something was pruned
	purged    map[string][]ttpcron.Event  // by kind and id
}

// held is an id that an event has.
type held struct {
	content bool          // the id is derived
	event   ttpcron.Event // as it was before the import at hand
	pruned  bool
}

// same reports whether two events with the same id may be one: they do not contradict each
// other.
func same(a, b *ttpcron.Event) bool {
	x, y := says(a), says(b)
	for k, v := range x {
		if w, ok := y[k]; ok && v != w {
			return false
		}
	}
	return true
}

// says lists what an event's record says.
func says(e *ttpcron.Event) map[string]string {
	all := map[string]string{"sensor": e.DeckyID, "ordinal": "=" + fmt.Sprint(e.Ordinal)}
	if e.SessionOrigin == ttpcron.OriginRecorded {
		all["session"] = e.SessionID
	}
	all["connection"] = e.Connection
	if e.AttackerOrigin == ttpcron.OriginRecorded {
		all["uuid"] = e.AttackerUUID
	}
	if e.AddressOrigin == ttpcron.OriginRecorded {
		all["ip"] = e.AttackerIP
	}
	if e.TimeOrigin == ttpcron.OriginRecorded {
		all["time"] = e.Time.Format(time.RFC3339Nano)
	}
	matter := map[ttpcron.SourceKind][]string{
		ttpcron.Command: {"command_text"}, ttpcron.CanaryFingerprint: {"token_uuid", "user_agent", "request_path", "dns_qname"},
		"payload": {"direction", "url", "filename", "sha256"},
	}
	for _, f := range e.Payload {
		if names, ok := matter[e.Kind]; !ok || slices.Contains(names, f.Name) {
			all["payload "+f.Name] = "=" + f.Text + string(f.Raw)
		}
	}
	maps.DeleteFunc(all, func(_, v string) bool { return v == "" })
	return all
}

func newModel() *model {
	return &model{
		ids: map[string]held{}, rejected: map[string]bool{}, tags: map[ttpcron.UUID]ttpcron.Tag{}, cursors: map[ttpcron.SourceKind]ttpcron.Cursor{},
		coverage: map[ttpcron.SourceKind]map[ttpcron.Day][]ttpcron.Coverage{}, runs: map[string]ttpcron.Run{},
		marks: map[string]ttpcron.FilePosition{}, states: map[string]ttpcron.RuleState{}, retired: map[string]ttpcron.Retirement{},
		horizons: map[ttpcron.SourceKind]ttpcron.Day{}, forgotten: map[ttpcron.SourceKind]ttpcron.Day{}, took: map[ttpcron.SourceKind]bool{}, purged: map[string][]ttpcron.Event{},
	}
}

func (m *model) imports(im ttpcron.Batch) (r ttpcron.ImportReport) {
	before, now := m.last, map[string]ttpcron.Event{} // events that have learned, by kind and id
	for _, e := range im.Events {
		if err := e.Validate(); err != nil {
			m.reject(string(e.AppendJSON(nil)), &r)
			continue
		}
		if h := m.horizon(e.Kind); ttpcron.DayOf(e.Time) < h {
			r.BeforeHorizon++
			r.Horizon = max(r.Horizon, h)
			continue
		}
		if e.ID == "" {
			e.ID = e.ContentID()
		}
		content := e.ID == e.ContentID() && e.TimeOrigin == ttpcron.OriginRecorded // which tells the day
		key := string(e.Kind) + "|" + e.ID
		if m.wasPurged(&e, content) {
			r.Known++
			continue
		}
		changed := false
		have, ok := m.ids[key]
		if digest := e.RecordDigest(); !ok && !content { // the one that had the id may be gone
			name := key + "~" + hex.EncodeToString(digest[:6])
			if other, renamed := m.ids[name]; renamed && (digest == other.event.RecordDigest() || !other.pruned && same(&e, &other.event)) {
				key, have, ok = name, other, true
			}
		} else if ok && !content {
			known := e.RecordDigest() == have.event.RecordDigest() || !have.pruned && same(&e, &have.event)
			digest := e.RecordDigest()
			name := key + "~" + hex.EncodeToString(digest[:6])
			other, renamed := m.ids[name]
			if !known || renamed && digest != have.event.RecordDigest() && digest == other.event.RecordDigest() {
				e.ID += "~" + hex.EncodeToString(digest[:6])
				key, changed, have, ok = name, true, other, renamed
			}
		}
		if ok {
			r.Known++
			m.learn(key, have, &e, now, &r)
			continue
		}
		r.New++
		r.NewKinds.Count(string(e.Kind), 1)
		if changed {
			r.Changed++
		}
		m.last++
		e.Seq = m.last
		m.ids[key] = held{content: content, event: e}
		m.events = append(m.events, e)
	}
	m.know(now, before)
	for _, j := range im.Rejects {
		if m.reject("line "+string(j.Excerpt), &r) {
			j.ID = j.Identity()
			m.rejects = append(m.rejects, j)
		}
	}
	if im.Position != nil {
		m.marks[im.Position.Path] = *im.Position
	}
	return r
}

// learn lets the event that has an id learn from a copy.
func (m *model) learn(key string, have held, from *ttpcron.Event, now map[string]ttpcron.Event, r *ttpcron.ImportReport) {
	if have.pruned {
		return
	}
	e, ok := now[key]
	if !ok {
		e = have.event
	}
	learned, disputed := false, true
	if e.SameRecord(from) {
		learned, disputed = e.Learn(from)
	}
	if learned {
		r.Learned++
		now[key] = e
	}
	if disputed {
		r.Disputed++
	}
}

// know replaces events that have learned, with their tags. Stored ones are looked at
// again.
func (m *model) know(now map[string]ttpcron.Event, before uint64) {
	m.events = slices.Clone(m.events) // which a backup may share
	again := map[kindAndDay][]uint64{}
	for key, e := range now {
		have := m.ids[key]
		have.event = e
		m.ids[key] = have
		for i := range m.events {
			if m.events[i].Seq == e.Seq {
				m.events[i] = e
			}
		}
		if e.Seq > before {
			continue
		}
		at := kindAndDay{e.Kind, ttpcron.DayOf(e.Time)}
		again[at] = append(again[at], e.Seq)
		uuid, _ := e.Attacker()
		for u, t := range m.tags {
			if t.Seq == e.Seq {
				t.AttackerUUID, t.AttackerIP, t.IdentityUUID, t.SessionID, t.DeckyID, t.Vantage = uuid, e.AttackerIP, e.IdentityUUID, e.SessionID, e.DeckyID, e.Vantage
				t.Evidence = ttpcron.AppendEvidence(nil, &e, &t.Match)
				t.SetText(&e)
				m.tags[u] = t
			}
		}
	}
	for at, seqs := range again {
		if list := m.coverage[at.kind][at.day]; list != nil {
			slices.Sort(seqs)
			m.coverage[at.kind][at.day] = kv.WithoutEvents(list, seqs)
		}
	}
}

// reject reports whether a reject is new.
func (m *model) reject(what string, r *ttpcron.ImportReport) bool {
	r.Rejected++
	if m.rejected[what] {
		r.RejectedKnown++
		return false
	}
	m.rejected[what] = true
	return true
}

func (m *model) commits(c ttpcron.Commit) (done ttpcron.Committed) {
	made := map[ttpcron.UUID]bool{}
	count := func(t *ttpcron.Tag, n ttpcron.TagChanges) {
		done.TagChanges.Add(n)
		done.Count(ttpcron.RuleTechnique{RuleID: t.RuleID, Technique: t.Technique()}, n)
	}
	for _, t := range c.Tags {
		u := t.UUID()
		old, ok := m.tags[u]
		with := t
		with.CreatedAt = old.CreatedAt
		switch {
		case made[u]: // the first counts
			continue
		case !ok:
			count(&t, ttpcron.TagChanges{Inserted: 1})
			m.tags[u] = t
		case !reflect.DeepEqual(old, with):
			count(&t, ttpcron.TagChanges{Replaced: 1})
			m.tags[u] = with
		}
		made[u] = true
	}
	for _, v := range c.Reviews {
		for u, t := range m.tags {
			if t.SourceKind == v.Kind && ttpcron.DayOf(t.EventTime) == v.Day && slices.Contains(v.Rules, t.RuleID) && !made[u] &&
				!t.EventTime.Before(v.Earliest) && !t.EventTime.After(v.Latest) &&
				slices.ContainsFunc(v.Events, func(r ttpcron.SeqRange) bool { return t.Seq >= r.First && t.Seq <= r.Last }) {
				delete(m.tags, u)
				count(&t, ttpcron.TagChanges{Removed: 1})
			}
		}
	}
	for _, v := range c.Coverage {
		if m.coverage[v.Kind] == nil {
			m.coverage[v.Kind] = map[ttpcron.Day][]ttpcron.Coverage{}
		}
		m.coverage[v.Kind][v.Day] = nil
	}
	for _, v := range c.Coverage {
		m.coverage[v.Kind][v.Day] = append(m.coverage[v.Kind][v.Day], v)
	}
	for _, v := range c.Cursors {
		m.cursors[v.Kind] = v
	}
	if c.Run != nil {
		m.runs[c.Run.ID] = *c.Run
	}
	return done
}

// history runs random calls against a store and a model.
type history struct {
	t    *testing.T
	rnd  *rand.Rand
	db   *kv.DB
	path string
	m    *model
	gen  *generator
	old  []ttpcron.Event // imported before, to be imported again
	n    int
	disk *kv.Disk

	crashing bool

	backup string // file, empty when there is none
	saved  *model // what it holds
}

var kinds = []ttpcron.SourceKind{ttpcron.Command, ttpcron.CanaryFingerprint, "payload", "vendor"}

// again is an event that was imported before, perhaps with more or less to say,
// or with something else.
func (h *history) again(e ttpcron.Event) ttpcron.Event {
	e.Payload = slices.Clone(e.Payload)
	switch h.rnd.IntN(16) {
	case 0:
		e.SessionID = ""
	case 1:
		e.DeckyID = ""
	case 2:
		e.AttackerUUID, e.AttackerOrigin = ttpcron.DeriveAttacker("found"), ttpcron.OriginResolved
	case 3:
		e.AttackerUUID, e.AttackerOrigin = ttpcron.DeriveAttacker(fmt.Sprint(h.rnd.IntN(2))), ttpcron.OriginRecorded
	case 4:
		e.AttackerIP = fmt.Sprint("192.0.2.", h.rnd.IntN(3))
	case 5:
		e.Time, e.TimeOrigin = e.Time.Add(time.Duration(h.rnd.Int64N(1e14))), ttpcron.OriginDerived
	case 6:
		e.Payload.Set("country_code", "NL")
	case 7:
		e.Payload.Set("user_agent", fmt.Sprint("curl/", h.rnd.IntN(2)))
	case 8:
		e.IdentityUUID = fmt.Sprint("identity", h.rnd.IntN(2))
	case 9:
		e.Vantage = ttpcron.VantageHost
	case 10:
		e.AttackerIP, e.AddressOrigin = fmt.Sprint("192.0.2.", h.rnd.IntN(3)), ttpcron.OriginResolved
	case 11:
		e.Payload.Set("user", fmt.Sprint("user", h.rnd.IntN(3)))
	case 12:
		e.SessionID, e.SessionOrigin = fmt.Sprintf("%012x", h.rnd.IntN(3)), ttpcron.OriginResolved
	case 14:
		e.Connection = fmt.Sprint("transport,", h.rnd.IntN(3))
	case 13:
		e.Ordinal = uint32(h.rnd.IntN(3))
	}
	return e
}

func (h *history) event() ttpcron.Event {
	if len(h.old) > 0 && h.rnd.IntN(4) == 0 {
		return h.again(h.old[h.rnd.IntN(len(h.old))])
	}
	e := h.gen.next()
	e.Kind = kinds[h.rnd.IntN(len(kinds))]
	if h.rnd.IntN(3) == 0 {
		e.Vantage = ttpcron.VantageHost
	}
	if h.rnd.IntN(4) == 0 {
		e.DeckyID = "sensor-2"
	}
	switch h.rnd.IntN(8) {
	case 0:
		e.ID = fmt.Sprintf("a#cmd%d", h.rnd.IntN(30)) // a position that is used again
	case 1:
		e.ID = ttpcron.DeriveAttacker(fmt.Sprint(h.rnd.Uint64()))
	case 2:
		e.Time = e.Time.AddDate(0, 0, -h.rnd.IntN(1000)) // late
	case 3:
		e.AttackerUUID, e.AttackerOrigin = ttpcron.DeriveAttacker("other"), ttpcron.OriginResolved
	case 4:
		e.AttackerUUID, e.AttackerIP, e.IdentityUUID = "", "", "identity"
	case 5:
		e.Payload.Set("more", "\xff")
		e.Payload = append(e.Payload, ttpcron.Field{Name: "raw", Raw: json.RawMessage(`{"a":[1]}`)})
		if h.rnd.IntN(20) == 0 {
			e.Kind = "" // cannot be stored
		}
	}
	h.old = append(h.old, e)
	return e
}

func (h *history) imports() {
	im := ttpcron.Batch{}
	for range h.rnd.IntN(1 + h.rnd.IntN(700)) {
		im.Events = append(im.Events, h.event())
	}
	if h.rnd.IntN(3) == 0 {
		h.n++
		path := fmt.Sprintf("file%d", h.rnd.IntN(5))
		im.Position = &ttpcron.FilePosition{Path: path, Format: "cowrie", Head: [32]byte([]byte(path + string(make([]byte, 27)))), Offset: int64(h.n), SeenAt: time.Unix(int64(h.n), 0).UTC()}
	}
	for range h.rnd.IntN(3) {
		h.n++
		im.Rejects = append(im.Rejects, ttpcron.Reject{File: "f", Line: h.n, Reason: "odd", Excerpt: fmt.Append(nil, "{", h.rnd.IntN(40))})
	}
	known, err := h.db.Known(h.t.Context(), im.Events)
	h.check(err)
	got, err := h.db.Import(h.t.Context(), im)
	h.check(err)
	if want := h.m.imports(im); !reflect.DeepEqual(got, want) {
		h.t.Fatalf("import reports %+v, want %+v", got, want)
	}
	n := 0
	for _, k := range known {
		if k {
			n++
		}
	}
	if n != got.Known+got.BeforeHorizon {
		h.t.Fatalf("%d events were known before an import that reports %d and %d", n, got.Known, got.BeforeHorizon)
	}
}

func (h *history) commits() {
	var c ttpcron.Commit
	if len(h.m.events) > 0 {
		from := h.rnd.IntN(len(h.m.events))
		for i := from; i < min(from+h.rnd.IntN(600), len(h.m.events)); i++ {
			for k := range h.rnd.IntN(4) {
				t := tagOf(&h.m.events[i], k+i%11)
				t.CreatedAt = t.CreatedAt.Add(time.Duration(h.rnd.IntN(100)) * time.Second)
				if t.RuleVersion += h.rnd.IntN(2); h.rnd.IntN(4) == 0 {
					otherwise(&t, &h.m.events[i], h.rnd.IntN(3))
				}
				c.Tags = append(c.Tags, t)
			}
			if h.rnd.IntN(8) == 0 {
				t := findingOf(&h.m.events[i], h.rnd.IntN(5))
				t.CreatedAt = t.CreatedAt.Add(time.Duration(h.rnd.IntN(100)) * time.Second)
				c.Tags = append(c.Tags, t)
			}
		}
	}
	for range h.rnd.IntN(4) {
		h.review(&c)
	}
	h.rnd.Shuffle(len(c.Tags), func(i, j int) { c.Tags[i], c.Tags[j] = c.Tags[j], c.Tags[i] })
	kind := kinds[h.rnd.IntN(len(kinds))]
	if h.rnd.IntN(2) == 0 {
		c.Coverage = append(c.Coverage, ttpcron.Coverage{Kind: kind, Day: ttpcron.Day(19875 + h.rnd.IntN(3)), RuleSet: "r", UpTo: h.rnd.Uint64N(h.m.last + 1), Tags: h.rnd.IntN(10)})
		if h.rnd.IntN(2) == 0 {
			more := c.Coverage[0]
			more.After, more.Since, more.Uncounted = more.UpTo, time.Unix(h.rnd.Int64N(3), 0).UTC(), h.rnd.IntN(2) == 0
			c.Coverage = append(c.Coverage, more)
		}
	}
	if h.rnd.IntN(2) == 0 {
		c.Cursors = append(c.Cursors, ttpcron.Cursor{Kind: kind, Seq: h.rnd.Uint64N(h.m.last + 1), RunID: "r"})
	}
	if h.rnd.IntN(2) == 0 {
		h.n++
		c.Run = &ttpcron.Run{ID: fmt.Sprintf("run%d", h.rnd.IntN(20)), Started: time.Unix(1, 0).UTC(), Finished: time.Unix(int64(h.n), 0).UTC()}
	}
	few := h.rnd.IntN(3) * (1 + h.rnd.IntN(50))
	if h.crashing {
		few = 0 // a commit that takes few out at once is several transactions
	}
	kv.TakeOutAtOnce(h.db, few)
	foreseen, err := h.db.Preview(h.t.Context(), c)
	h.check(err)
	got, err := h.db.Commit(h.t.Context(), c)
	h.check(err)
	if want := h.m.commits(c); !reflect.DeepEqual(got, want) || !reflect.DeepEqual(foreseen, want) {
		h.t.Fatalf("a commit does %+v, said before %+v, want %+v", got, foreseen, want)
	}
}

// review makes some rules look at some events of a day again.
func (h *history) review(c *ttpcron.Commit) {
	if len(h.m.events) == 0 {
		return
	}
	e := h.m.events[h.rnd.IntN(len(h.m.events))]
	v := ttpcron.Review{Kind: e.Kind, Day: ttpcron.DayOf(e.Time)}
	if slices.ContainsFunc(c.Reviews, func(o ttpcron.Review) bool { return o.Kind == v.Kind && o.Day == v.Day }) {
		return
	}
	open, rare := false, h.rnd.IntN(10)
	for _, e := range h.m.events {
		switch {
		case e.Kind != v.Kind || ttpcron.DayOf(e.Time) != v.Day:
			continue
		case h.rnd.IntN(10) < rare:
			open = false
			continue
		case open:
			v.Events[len(v.Events)-1].Last = e.Seq
		default:
			v.Events = append(v.Events, ttpcron.SeqRange{First: e.Seq, Last: e.Seq})
		}
		if v.Earliest.IsZero() || e.Time.Before(v.Earliest) {
			v.Earliest = e.Time
		}
		if e.Time.After(v.Latest) {
			v.Latest = e.Time
		}
		open = true
	}
	for range h.rnd.IntN(14) {
		v.Rules = append(v.Rules, fmt.Sprintf("R%04d", h.rnd.IntN(14)))
	}
	if len(v.Events) > 0 {
		c.Reviews = append(c.Reviews, v)
	}
}

func (h *history) resets() {
	kind := kinds[h.rnd.IntN(len(kinds))]
	h.check(h.db.DeleteCursor(h.t.Context(), kind))
	delete(h.m.cursors, kind)
	delete(h.m.coverage, kind)
}

func (h *history) states() {
	s := ttpcron.RuleState{RuleID: fmt.Sprintf("R%04d", h.rnd.IntN(14)), Status: ttpcron.StatusClipped, ConfidenceMax: h.rnd.Float64()}
	switch h.rnd.IntN(4) {
	case 0:
		s.Status = ttpcron.StatusDisabled
	case 1:
		s.ExpiresAt = time.Unix(int64(h.rnd.IntN(2))*1e10, 0).UTC()
	}
	if h.rnd.IntN(3) == 0 {
		h.check(h.db.ClearRuleState(h.t.Context(), s.RuleID, "me"))
		delete(h.m.states, s.RuleID)
		return
	}
	h.check(h.db.SetRuleState(h.t.Context(), s))
	h.m.states[s.RuleID] = s
}

// retires hides or shows the tags of some rule.
func (h *history) retires() {
	r := ttpcron.Retirement{RuleID: fmt.Sprintf("R%04d", h.rnd.IntN(14)), Version: []int{ttpcron.AllVersions, 1, 2}[h.rnd.IntN(3)], Reason: "bad"}
	key := fmt.Sprint(r.RuleID, "@", r.Version)
	_, had := h.m.retired[key]
	if h.rnd.IntN(3) == 0 {
		was, err := h.db.Unretire(h.t.Context(), r.RuleID, r.Version, "me", "good")
		h.check(err)
		if was != had {
			h.t.Fatalf("unretire %s: it was retired: %v, want %v", key, was, had)
		}
		delete(h.m.retired, key)
		return
	}
	h.check(h.db.Retire(h.t.Context(), r))
	h.m.retired[key] = r
}

// shown lists the tags that no operator has hidden, as shown.
func (m *model) shown() (tags []ttpcron.Tag) {
	for _, t := range m.tags {
		if m.isRetired(&t) {
			continue
		}
		if t.Confidence = min(t.Confidence, m.ceiling(&t)); t.Confidence >= ttpcron.MinConfidence {
			tags = append(tags, t)
		}
	}
	return tags
}

func (m *model) isRetired(t *ttpcron.Tag) bool {
	for _, r := range m.retired {
		if r.Hides(&t.Claim) {
			return true
		}
	}
	return false
}

// ceiling is the confidence above which a rule is not shown.
func (m *model) ceiling(t *ttpcron.Tag) float64 {
	s, ok := m.states[t.RuleID]
	switch {
	case !ok || s.ExpiresAt.Equal(time.Unix(0, 0)):
		return 1
	case s.Status == ttpcron.StatusDisabled:
		return 0
	}
	return s.ConfidenceMax
}

func (h *history) reopen() {
	h.check(h.db.Close())
	h.open()
}

// open opens the store whatever happened to its file, which must be intact.
func (h *history) open() {
	kvtest.Check(h.t, h.path)
	checked(h.t, h.path)
	db, err := kv.Open(h.t.Context(), h.path, kv.Options{NoSync: true})
	h.check(err)
	h.db, h.disk = db, kv.TakeDisk(h.t, db)
}

func (h *history) check(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestModel(t *testing.T) {
	histories := rounds(50)
	if testing.Short() {
		histories = 20
	}
	for seed := range histories {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := &history{t: t, rnd: rand.New(rand.NewPCG(uint64(seed), 7)), m: newModel(), gen: newGenerator(uint64(seed)), path: filepath.Join(t.TempDir(), "a", "b", "test.db")}
			h.gen.pace = []time.Duration{time.Second, time.Minute, 20 * time.Minute}[seed%3]
			db, err := kv.Open(t.Context(), h.path, kv.Options{NoSync: true})
			h.check(err)
			h.db, h.disk = db, kv.TakeDisk(t, db)
			for range 3 + h.rnd.IntN(25) {
				switch p := h.rnd.IntN(100); {
				case p < 36:
					h.imports()
				case p < 66:
					h.commits()
				case p < 70:
					h.resets()
				case p < 73:
					h.states()
				case p < 78:
					h.retires()
				case p < 82:
					h.prunes()
				case p < 84:
					h.prunesRules()
				case p < 86:
					h.purges()
				case p < 90:
					h.crashes()
				case p < 93:
					h.backsUp()
				case p < 95:
					h.restores()
				case p < 98:
					h.rewrites()
				default:
					h.reopen()
				}
			}
			h.compare()
			h.reopen()
			h.compare()
			h.check(h.db.Close())
		})
	}
}

// compare compares all that the store says with the model.
func (h *history) compare() {
	h.compareEvents()
	h.compareMarks()
	h.compareTags(ttpcron.TagQuery{})
	for range 12 {
		h.compareTags(h.query())
	}
	for _, levels := range []ttpcron.MinLevels{{}, ttpcron.DefaultMinLevels()} {
		h.compareSummary(ttpcron.Window{}, levels)
		for range 3 {
			h.compareSummary(h.query().Window, levels)
		}
	}
	for range 4 {
		q := h.query()
		h.compareSummary(q.Window, q.MinLevels)
	}
	h.compareStats()
	h.compareRules()
	h.compareLookups()
}

// compareRules compares what is stored about rules.
func (h *history) compareRules() {
	counts := map[kv.VersionCount]int{}
	for _, t := range h.m.tags {
		counts[kv.VersionCount{RuleID: t.RuleID, Version: t.RuleVersion, Retired: h.m.isRetired(&t)}]++
	}
	got, err := h.db.RuleVersions(h.t.Context())
	h.check(err)
	for _, v := range got {
		n := v.Tags
		if v.Tags = 0; counts[v] != n {
			h.t.Fatalf("%d tags of %+v, want %d", n, v, counts[v])
		}
	}
	list, err := h.db.Retirements(h.t.Context())
	h.check(err)
	if len(got) != len(counts) || len(list) != len(h.m.retired) {
		h.t.Fatalf("%d versions and %d retired, want %d and %d", len(got), len(list), len(counts), len(h.m.retired))
	}
}

// compareLookups looks up some tags and events.
func (h *history) compareLookups() {
	n := 0
	for u, want := range h.m.tags {
		got, ok, err := h.db.TagByUUID(h.t.Context(), u)
		h.check(err)
		if !h.m.isRetired(&want) && h.m.states[want.RuleID].Status != ttpcron.StatusDisabled {
			want.Confidence = min(want.Confidence, h.m.ceiling(&want))
		}
		if !ok || !reflect.DeepEqual(got, want) {
			h.t.Fatalf("tag %s is %+v, want %+v", u, got, want)
		}
		e, ok, err := h.db.EventByID(h.t.Context(), want.SourceKind, ttpcron.DayOf(want.EventTime), want.SourceID)
		h.check(err)
		if stored := h.m.has(want.SourceKind, want.SourceID); !stored && !ok {
			continue // pruned, or of a store that was restored
		}
		if !ok || e.SourceID() != want.SourceID || !e.Time.Equal(want.EventTime) {
			h.t.Fatalf("event %s is %+v", want.SourceID, e)
		}
		if n++; n == 5 {
			break
		}
	}
	if _, ok, err := h.db.TagByUUID(h.t.Context(), ttpcron.UUID{1}); ok || err != nil {
		h.t.Fatalf("a tag that does not exist: %v, %v", ok, err)
	}
	if _, ok, err := h.db.EventByID(h.t.Context(), ttpcron.Command, 19875, "none"); ok || err != nil {
		h.t.Fatalf("an event that does not exist: %v, %v", ok, err)
	}
}

func (h *history) compareEvents() {
	ctx := h.t.Context()
	last, err := h.db.LastSeq(ctx)
	h.check(err)
	if last != h.m.last {
		h.t.Fatalf("the last arrival number is %d, want %d", last, h.m.last)
	}
	stored, err := h.db.Kinds(ctx)
	h.check(err)
	seen := 0
	for _, kind := range stored {
		days, err := h.db.Days(ctx, kind)
		h.check(err)
		if !slices.IsSortedFunc(days, func(a, b ttpcron.DayHistory) int { return cmp.Compare(a.Day, b.Day) }) {
			h.t.Fatal("days are not in order")
		}
		for _, d := range days {
			want := ttpcron.DayHistory{Kind: kind, Day: d.Day, Coverage: h.m.coverage[kind][d.Day]}
			after, upTo := h.rnd.Uint64N(h.m.last+1), h.rnd.Uint64N(h.m.last+2)
			var all, part []ttpcron.Event
			for _, e := range h.m.events {
				if e.Kind != kind || ttpcron.DayOf(e.Time) != d.Day {
					continue
				}
				all = append(all, e)
				if e.Seq > after && e.Seq <= upTo {
					part = append(part, e)
				}
				if want.Events++; want.Events == 1 {
					want.FirstSeq, want.Earliest, want.Latest = e.Seq, e.Time, e.Time
				}
				want.LastSeq = e.Seq
				if e.Time.Before(want.Earliest) {
					want.Earliest = e.Time
				}
				if e.Time.After(want.Latest) {
					want.Latest = e.Time
				}
			}
			if !reflect.DeepEqual(d, want) {
				h.t.Fatalf("day is %+v, want %+v", d, want)
			}
			h.compareDay(kind, d.Day, 0, math.MaxUint64, all)
			h.compareDay(kind, d.Day, after, upTo, part)
			seen += len(all)
		}
	}
	if seen != len(h.m.events) {
		h.t.Fatalf("%d events stored, want %d", seen, len(h.m.events))
	}
	for range min(seen, 20) {
		e := h.m.events[h.rnd.IntN(seen)]
		at, ok, err := h.db.ArrivedAt(ctx, e.Seq)
		h.check(err)
		if now := time.Now(); !ok || at.After(now) || now.Sub(at) > time.Hour {
			h.t.Fatalf("event %d arrived at %v, %v", e.Seq, at, ok)
		}
		first, err := h.db.ArrivedSince(ctx, at)
		h.check(err)
		if first > e.Seq {
			h.t.Fatalf("what arrived since %v begins with %d, and %d arrived then", at, first, e.Seq)
		}
	}
}

func (h *history) compareDay(kind ttpcron.SourceKind, day ttpcron.Day, after, upTo uint64, want []ttpcron.Event) {
	var got []ttpcron.Event
	for page, err := range h.db.Events(h.t.Context(), kind, day, after, upTo) {
		h.check(err)
		if len(page) == 0 {
			h.t.Fatal("an empty page")
		}
		for i := range page {
			page[i].ID = page[i].SourceID()
		}
		got = append(got, page...)
	}
	if !reflect.DeepEqual(got, want) {
		h.t.Fatalf("%s of %s in (%d, %d]: %d events that differ from the %d wanted", kind, day, after, upTo, len(got), len(want))
	}
}

func sorted[K cmp.Ordered, V any](m map[K]V) []V {
	var keys []K
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var out []V
	for _, k := range keys {
		out = append(out, m[k])
	}
	return out
}

func (h *history) compareMarks() {
	ctx := h.t.Context()
	equal := func(what string, got, want any) {
		h.t.Helper()
		if !reflect.DeepEqual(got, want) {
			h.t.Fatalf("%s: %+v, want %+v", what, got, want)
		}
	}
	cursors, err := h.db.Cursors(ctx)
	h.check(err)
	equal("cursors", cursors, sorted(h.m.cursors))
	runs, err := h.db.Runs(ctx, 0)
	h.check(err)
	slices.Reverse(runs)
	equal("runs", runs, sorted(h.m.runs))
	states, err := h.db.RuleStates(ctx)
	h.check(err)
	equal("states", states, sorted(h.m.states))
	marks, err := h.db.FilePositions(ctx)
	h.check(err)
	got := map[string]ttpcron.FilePosition{}
	for _, m := range marks {
		got[m.Path] = m
	}
	equal("read positions", got, h.m.marks)
	n := 0
	for r, err := range h.db.Rejects(ctx) {
		h.check(err)
		if r.Reason != "odd" {
			continue // an event that is not valid
		}
		equal("reject", r, h.m.rejects[n])
		n++
	}
	equal("number of rejects", n, len(h.m.rejects))
}

func (h *history) query() (q ttpcron.TagQuery) {
	e := ttpcron.Event{Time: time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)}
	if len(h.m.events) > 0 {
		e = h.m.events[h.rnd.IntN(len(h.m.events))]
	}
	half := func() bool { return h.rnd.IntN(3) == 0 }
	rarely := func() bool { return h.rnd.IntN(8) == 0 }
	if half() {
		uuid, _ := e.Attacker()
		q.Attacker = [...]string{uuid, e.AttackerIP, e.IdentityUUID, "nobody"}[h.rnd.IntN(4)]
	}
	if rarely() && e.AttackerIP != "" {
		q.SelectAttacker([...]string{e.AttackerIP, "::ffff:" + e.AttackerIP, strings.ToUpper("::ffff:" + e.AttackerIP)}[h.rnd.IntN(3)])
	}
	if rarely() {
		q.Networks, _ = ttpcron.ParseNetworks([...]string{cmp.Or(e.AttackerIP, "192.0.2.1") + "/9", "0.0.0.0/1", "2001:db8::/32"}[h.rnd.IntN(3)])
	}
	if rarely() {
		q.Sensor = [...]string{"sensor-1", "sensor-2", "sensor-3"}[h.rnd.IntN(3)]
	}
	if rarely() {
		q.Levels = append(q.Levels, ttpcron.Levels()[h.rnd.IntN(5)], ttpcron.Levels()[h.rnd.IntN(5)])
	}
	if rarely() {
		q.MadeSince = time.Date(2024, 7, 1, 12, 0, 0, h.rnd.IntN(2), time.UTC).Add(time.Duration(h.rnd.IntN(101)) * time.Second)
	}
	if rarely() {
		q.UpTo = h.rnd.Uint64N(h.m.last + 2)
	}
	if half() {
		q.Session = e.SessionID
	}
	if half() {
		q.Technique = [...]string{"T1059", "T1059.004", "T1082", "T9999"}[h.rnd.IntN(4)]
	}
	if half() {
		q.Tactics = []string{"TA0007"}
	}
	if half() {
		q.Rule = fmt.Sprintf("R%04d", h.rnd.IntN(14))
	}
	if half() {
		q.MinConfidence = 0.7
	}
	if half() {
		q.MinLevels = ttpcron.DefaultMinLevels()
	}
	if half() {
		q.MinLevels = ttpcron.MinLevels{Honeypot: ttpcron.Level(h.rnd.IntN(6)), Host: ttpcron.Level(h.rnd.IntN(6))}
	}
	if half() {
		q.ArrivedAfter = h.rnd.Uint64N(h.m.last + 2)
	}
	if half() {
		q.Limit = 1 + h.rnd.IntN(300)
	}
	if half() {
		q.Window.Since = e.Time
	}
	if half() {
		q.Window.Until = e.Time.Add(time.Duration(h.rnd.Int64N(int64(72 * time.Hour)))).Truncate(time.Hour)
	}
	return q
}

// compareTags compares a query's answer with a search of everything.
func (h *history) compareTags(q ttpcron.TagQuery) {
	var want []ttpcron.Tag
	for _, t := range h.m.shown() {
		if q.Match(&t) {
			want = append(want, t)
		}
	}
	slices.SortFunc(want, func(a, b ttpcron.Tag) int {
		x, y := a.UUID(), b.UUID()
		return cmp.Or(b.EventTime.Compare(a.EventTime), bytes.Compare(y[:], x[:]))
	})
	if q.Limit > 0 {
		want = want[:min(len(want), q.Limit)]
	}
	h.compareLeftOut(q)
	var got []ttpcron.Tag
	for t, err := range h.db.Tags(h.t.Context(), q) {
		h.check(err)
		got = append(got, t)
	}
	if !reflect.DeepEqual(got, want) {
		h.t.Fatalf("query %+v: %d tags that differ from the %d wanted", q, len(got), len(want))
	}
}

// compareLeftOut compares the number of tags that the levels of a query leave out.
func (h *history) compareLeftOut(q ttpcron.TagQuery) {
	all, want := q, 0
	all.MinLevels = ttpcron.MinLevels{}
	for _, t := range h.m.shown() {
		if all.Match(&t) && !q.Match(&t) {
			want++
		}
	}
	if got, err := h.db.Under(nil).LeftOut(h.t.Context(), q); err != nil || got != want {
		h.t.Fatalf("query %+v leaves out %d tags, want %d; %v", q, got, want, err)
	}
}

func (h *history) compareSummary(w ttpcron.Window, levels ttpcron.MinLevels) {
	got, err := h.db.Under(nil).Summary(h.t.Context(), w, levels, nil)
	h.check(err)
	techniques, rules, attackers := map[string]int{}, map[string]int{}, map[string]int{}
	want := ttpcron.Summary{Window: w}
	for _, t := range h.m.shown() {
		if !w.Contains(t.EventTime) {
			continue
		}
		if !levels.Show(t.Level, t.Vantage) {
			want.LeftOut++
			continue
		}
		techniques[t.Tactic+t.Technique()]++
		rules[t.RuleID]++
		attackers[cmp.Or(t.AttackerUUID, t.IdentityUUID)]++
		if want.Tags++; want.Tags == 1 || t.EventTime.Before(want.First) {
			want.First = t.EventTime
		}
		if t.EventTime.After(want.Last) {
			want.Last = t.EventTime
		}
	}
	if got.Tags != want.Tags || !got.First.Equal(want.First) || !got.Last.Equal(want.Last) || got.AttackersTotal != len(attackers) || got.LeftOut != want.LeftOut {
		h.t.Fatalf("summary of %v from %v: %d tags of %d attackers from %v to %v without %d, want %d of %d from %v to %v without %d",
			w, levels, got.Tags, got.AttackersTotal, got.First, got.Last, got.LeftOut, want.Tags, len(attackers), want.First, want.Last, want.LeftOut)
	}
	for _, c := range got.Techniques {
		k := c.Tactic + cmp.Or(c.SubTechniqueID, c.TechniqueID)
		if techniques[k] != c.Tags {
			h.t.Fatalf("summary counts %d tags of %s, want %d", c.Tags, k, techniques[k])
		}
	}
	for _, c := range got.Rules {
		if rules[c.RuleID] != c.Tags {
			h.t.Fatalf("summary counts %d tags of %s, want %d", c.Tags, c.RuleID, rules[c.RuleID])
		}
	}
	for i, c := range got.Attackers {
		k := cmp.Or(c.AttackerUUID, c.IdentityUUID)
		if attackers[k] != c.Tags {
			h.t.Fatalf("summary counts %d tags of attacker %s, want %d", c.Tags, k, attackers[k])
		}
		if i > 0 && c.Tags > got.Attackers[i-1].Tags {
			h.t.Fatal("attackers are not in order")
		}
	}
	if len(got.Techniques) != len(techniques) || len(got.Rules) != len(rules) || len(got.Attackers) != min(len(attackers), ttpcron.MaxAttackers) {
		h.t.Fatalf("summary has %d techniques, %d rules and %d attackers, want %d, %d and %d", len(got.Techniques), len(got.Rules), len(got.Attackers), len(techniques), len(rules), len(attackers))
	}
}

func (h *history) compareStats() {
	got, err := h.db.Stats(h.t.Context())
	h.check(err)
	want := map[ttpcron.SourceKind]kv.KindStats{}
	days := map[string]bool{}
	tagDays := map[ttpcron.Day]bool{}
	levels := map[kv.LevelCount]int{}
	for _, e := range h.m.events {
		s := want[e.Kind]
		s.Kind = e.Kind
		s.Events++
		if day := fmt.Sprint(e.Kind, ttpcron.DayOf(e.Time)); !days[day] {
			days[day] = true
			s.Days++
		}
		if s.Earliest.IsZero() || e.Time.Before(s.Earliest) {
			s.Earliest = e.Time
		}
		if e.Time.After(s.Latest) {
			s.Latest, s.Newest = e.Time, e.Time
		}
		want[e.Kind] = s
	}
	for _, t := range h.m.tags { // hidden ones name their kind
		s := want[t.SourceKind]
		s.Kind = t.SourceKind
		want[t.SourceKind] = s
	}
	for _, t := range h.m.shown() {
		s := want[t.SourceKind]
		s.Tags++
		want[t.SourceKind] = s
		tagDays[ttpcron.DayOf(t.EventTime)] = true
		level := t.Level
		if level == 0 {
			level = ttpcron.LevelMedium
		}
		levels[kv.LevelCount{Vantage: t.Vantage, Level: level}]++
	}
	if !reflect.DeepEqual(got.Kinds, sorted(want)) {
		h.t.Fatalf("stats: kinds %+v, want %+v", got.Kinds, sorted(want))
	}
	for i, c := range got.Levels {
		n := c.Tags
		if c.Tags = 0; levels[c] != n {
			h.t.Fatalf("stats: %d tags of %+v, want %d", n, c, levels[c])
		}
		if i > 0 && c.Vantage == got.Levels[i-1].Vantage && c.Level >= got.Levels[i-1].Level {
			h.t.Fatalf("stats: levels are not in order: %+v", got.Levels)
		}
	}
	if len(got.Levels) != len(levels) {
		h.t.Fatalf("stats: levels %+v, want %v", got.Levels, levels)
	}
	if got.TagDays != len(tagDays) || got.Runs != len(h.m.runs) || got.FilePositions != len(h.m.marks) || got.LastSeq != h.m.last {
		h.t.Fatalf("stats: %+v", got)
	}
}
