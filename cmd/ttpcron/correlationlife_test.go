package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/tagger"
)

// burst is a correlation as the test sees it: the content of its file.
type burst struct {
	id      string
	version int
	typ     string
	rules   []string // base rules, or one other burst
	group   []string
	span    time.Duration
	n       int
	field   string
	expr    string // of temporal: a text in place of n
	silent  bool
}

func (b *burst) yaml() []byte {
	var s strings.Builder
	fmt.Fprintf(&s, "rule_id: %s\nrule_version: %d\nname: n\ncorrelation:\n  type: %s\n  rules: [%s]\n  timespan: %ds\n", b.id, b.version, b.typ, strings.Join(b.rules, ", "), b.span/time.Second)
	if len(b.group) > 0 {
		fmt.Fprintf(&s, "  group-by: [%s]\n", strings.Join(b.group, ", "))
	}
	switch {
	case b.expr != "":
		fmt.Fprintf(&s, "  condition: '%s'\n", b.expr)
	case b.field != "":
		fmt.Fprintf(&s, "  condition: {gte: %d, field: %s}\n", b.n, b.field)
	case b.n > 0:
		fmt.Fprintf(&s, "  condition: {gte: %d}\n", b.n)
	}
	if b.silent {
		s.WriteString("emits: []\n")
	} else {
		s.WriteString("emits: [{tactic: TA0006, technique_id: T1110, confidence: 0.8}]\n")
	}
	return []byte(s.String())
}

// seen is a match as a burst sees it.
type seen struct {
	at     time.Time
	event  int // which several rules may match
	rule   string
	fields map[string]string // a field that is not there is missing
}

func (b *burst) key(m *seen, names []string) (string, bool) {
	var key []string
	for _, name := range names {
		v, ok := m.fields[name]
		if !ok {
			return "", false
		}
		key = append(key, strconv.Quote(v))
	}
	return strings.Join(key, ","), true
}

// groups sorts matches into the groups of the burst, each in the order of time.
func (b *burst) groups(list []seen) map[string][]seen {
	names := b.group
	if slices.Contains(names, "session_id") { // of one sensor and address
		names = append(slices.Clone(names), "?attacker_ip", "?decky_id")
	}
	out := map[string][]seen{}
	for _, m := range list {
		if b.field != "" && !b.counts(m.fields) {
			continue
		}
		if key, ok := b.key(&m, names); ok && slices.Contains(b.rules, m.rule) {
			key += m.fields["?vantage"]
			out[key] = append(out[key], m)
		}
	}
	for _, g := range out {
		slices.SortStableFunc(g, func(x, y seen) int { return x.at.Compare(y.at) })
	}
	return out
}

// counts reports whether the value that counts is one: any, or a number from 0 on.
func (b *burst) counts(fields map[string]string) bool {
	v, ok := fields[b.field]
	if b.typ == "value_sum" {
		n, err := strconv.Atoi(v)
		return err == nil && n >= 0
	}
	return ok
}

// satisfied reports whether a window is.
func (b *burst) satisfied(window []seen) bool {
	rules, values, events, sum := map[string]bool{}, map[string]bool{}, map[int]bool{}, 0
	for _, m := range window {
		if rules[m.rule] = true; events[m.event] {
			continue
		}
		events[m.event] = true
		if v, ok := m.fields[b.field]; ok {
			values[v] = true
			k, _ := strconv.Atoi(v)
			sum += k
		}
	}
	switch b.typ {
	case "event_count":
		return len(events) >= b.n
	case "value_count":
		return len(values) >= b.n
	case "value_sum":
		return sum >= b.n
	case "temporal":
		if b.expr != "" { // 'x and (y or z)'
			return rules[b.rules[0]] && (rules[b.rules[1]] || rules[b.rules[2]])
		}
		return len(rules) == len(b.rules)
	}
	// In order: every rule at or after a match of the one before it.
	at := time.Time{}
	for _, rule := range b.rules {
		i := slices.IndexFunc(window, func(m seen) bool { return m.rule == rule && !m.at.Before(at) })
		if i < 0 {
			return false
		}
		at = window[i].at
	}
	return true
}

// ends returns the instants at which satisfied windows of a group end.
func (b *burst) ends(group []seen) (out []time.Time) {
	for i, last := range group {
		if i+1 < len(group) && group[i+1].at.Equal(last.at) {
			continue
		}
		var window []seen
		for _, m := range group[:i+1] {
			if !m.at.Before(last.at.Add(-b.span)) {
				window = append(window, m)
			}
		}
		if b.satisfied(window) {
			out = append(out, last.at)
		}
	}
	return out
}

// correlationLife is a random history of events, base rules and correlations over the
// real store, with the real tagger.
type correlationLife struct {
	life
	words  map[string]string // base rules: the word that a command or user name holds
	kinds  map[string]string
	bursts map[string]*burst
	own    string

	compared, interrupted, tags, gone, frozen int
}

// TestCorrelationLife plays random histories. After each run that ended well and left
// nothing out, the tags of correlations must be exactly those that the test derives from
// the stored events and the files. In the end, they must equal, to the byte, those of a
// store in which everything arrived at once.
func TestCorrelationLife(t *testing.T) {
	n, first := 12, 0
	if f, err := strconv.Atoi(os.Getenv("KV_TEST_LONG")); err == nil && f > 0 {
		n *= f
	} else if testing.Short() {
		n = 4
	}
	if f, err := strconv.Atoi(os.Getenv("KV_TEST_SEED")); err == nil {
		first, n = f, 1
	}
	var sum correlationLife
	for seed := first; seed < first+n; seed++ {
		l := newCorrelationLife(t, uint64(seed))
		for step := range 40 {
			l.step()
			if step%10 == 9 {
				l.checked()
			}
		}
		l.run(jobs.Job{SinceDays: jobs.MaxSinceDays})
		l.again()
		l.checked()
		l.must(l.db.Close())
		sum.compared, sum.interrupted, sum.tags, sum.gone, sum.frozen = sum.compared+l.compared, sum.interrupted+l.interrupted, sum.tags+l.tags, sum.gone+l.gone, sum.frozen+l.frozen
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d runs compared, %d broken; %d tags compared, %d went; %d prunings", sum.compared, sum.interrupted, sum.tags, sum.gone, sum.frozen)
	if n >= 12 && (sum.compared < 4*n || sum.interrupted < n || sum.tags < 20*n || sum.gone < 2*n || sum.frozen == 0) {
		t.Error("the histories are too tame")
	}
}

func newCorrelationLife(t *testing.T, seed uint64) *correlationLife {
	l := &correlationLife{
		life: life{
			T: t, rnd: rand.New(rand.NewPCG(seed, 11)), now: time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC),
			folder: fstest.MapFS{}, path: filepath.Join(t.TempDir(), "t.db"),
		},
		words: map[string]string{}, kinds: map[string]string{}, bursts: map[string]*burst{},
	}
	l.file("ALL", 1, "command, auth_attempt", "", "{tactic: TA0002, technique_id: T1059, confidence: 0.8}")
	for _, id := range []string{"A", "B", "D"} {
		l.base(id)
	}
	for range 4 {
		l.burst()
	}
	l.reload()
	l.open()
	return l
}

func (l *correlationLife) pick(from ...string) string { return from[l.rnd.IntN(len(from))] }

// base writes a base rule; some make no tag of their own.
func (l *correlationLife) base(id string) {
	l.words[id] = l.pick("wget", "curl", "root", "admin", "o")
	l.kinds[id] = l.pick("command", "auth_attempt", "command, auth_attempt")
	l.file(id, 1+l.rnd.IntN(2), l.kinds[id], l.words[id], l.pick("", "{tactic: TA0002, technique_id: T1059, confidence: 0.6}"))
}

// burst adds, changes or removes a correlation.
func (l *correlationLife) burst() {
	id := "C" + strconv.Itoa(l.rnd.IntN(5))
	if old := l.bursts[id]; old != nil && l.rnd.IntN(4) == 0 {
		if l.named(id) {
			return
		}
		delete(l.bursts, id)
		return
	}
	b := &burst{id: id, version: 1 + l.rnd.IntN(2), n: 1 + l.rnd.IntN(3)}
	spans := []time.Duration{time.Second, 5 * time.Minute, 7 * time.Minute, 10 * time.Minute, time.Hour, 11 * time.Hour, 30 * time.Hour, 5 * 24 * time.Hour}
	b.span = spans[l.rnd.IntN(len(spans))]
	b.typ = l.pick("event_count", "event_count", "value_count", "value_sum", "temporal", "temporal_ordered")
	b.rules = [][]string{{"A"}, {"A", "B"}, {"B", "A"}, {"A", "B", "D"}}[l.rnd.IntN(4)]
	b.group = [][]string{{"attacker_ip"}, {"session_id"}, {"username"}, {"decky_id"}, {"attacker_ip", "username"}, nil}[l.rnd.IntN(6)]
	switch b.typ {
	case "value_count":
		b.field = l.pick("username", "password", "size")
	case "value_sum":
		b.field, b.n = "size", 1+l.rnd.IntN(40)
	case "temporal", "temporal_ordered":
		if b.n = 0; len(b.rules) == 1 {
			b.rules = []string{"A", "B"}
		}
		if b.typ == "temporal" && len(b.rules) == 3 && l.rnd.IntN(2) == 0 {
			b.expr = fmt.Sprintf("%s and (%s or %s)", b.rules[0], b.rules[1], b.rules[2])
		}
	}
	if id == "C4" && l.bursts["C0"] != nil { // a chain over C0
		*b = burst{id: id, version: b.version, n: 1 + l.rnd.IntN(2), typ: "event_count", rules: []string{"C0"}, span: b.span}
		if group := l.bursts["C0"].group; len(group) > 0 && !slices.Contains(group, "session_id") {
			b.group = group[:1]
		}
	}
	if id == "C0" && l.named("C0") { // the chain must go on being one
		b.group = l.bursts["C0"].group
	}
	b.silent = l.rnd.IntN(6) == 0
	l.bursts[id] = b
}

func (l *correlationLife) named(id string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(l.bursts)), func(b *burst) bool { return slices.Contains(b.rules, id) })
}

func (l *correlationLife) reload() {
	for name := range l.folder {
		if name[0] == 'c' {
			delete(l.folder, name)
		}
	}
	for id, b := range l.bursts {
		l.folder[strings.ToLower(id)+".yaml"] = &fstest.MapFile{Data: b.yaml()}
	}
	own, err := ttpcron.ParseNetworks(l.own)
	l.must(err)
	o := ruleset.Options([]tagger.Folder{{Name: "folder", FS: l.folder}}, own)
	o.Releases = nil
	rs, report := tagger.Load(o)
	for _, p := range report.Problems {
		if !p.Warning {
			l.Fatalf("%s\n%s", p, l.folder[p.File])
		}
	}
	l.rules = ruleset.Set{RuleSet: rs, Log: hclog.NewNullLogger()}
}

func (l *correlationLife) step() {
	switch p := l.rnd.IntN(20); {
	case p < 7:
		l.arrive()
	case p < 8:
		l.base(l.pick("A", "B", "D"))
		l.reload()
	case p < 11:
		l.burst()
		l.reload()
	case p < 12:
		l.decide()
	case p == 12 && l.rnd.IntN(4) == 0:
		l.own = l.pick("", "203.0.113.1", "203.0.113.0/31")
		l.reload()
	case p == 13 && l.rnd.IntN(4) == 0:
		_, err := l.db.File.Prune(l.Context(), kv.Prune{EventsBefore: ttpcron.DayOf(l.now) - ttpcron.Day(4+l.rnd.IntN(7))})
		l.must(err)
		l.frozen++
	default:
		job := jobs.Job{BatchSize: 1 + l.rnd.IntN(5), Workers: 1 + l.rnd.IntN(3)}
		switch l.rnd.IntN(7) {
		case 0:
			job.SinceDays = 1 + l.rnd.IntN(10)
		case 1:
			job.ChangedOnly = true
		case 2:
			job.Source = l.pick("command", "auth_attempt", jobs.SourceCorrelation)
		}
		l.run(job)
	}
}

// arrive adds events that are close together in time, late ones, and known ones, some with
// more data.
func (l *correlationLife) arrive() {
	var batch []ttpcron.Event
	for range 1 + l.rnd.IntN(14) {
		if len(l.events) > 0 && l.rnd.IntN(6) == 0 {
			again := l.events[l.rnd.IntN(len(l.events))]
			again.Payload = again.Payload.Clone()
			switch l.rnd.IntN(4) {
			case 0:
				again.Payload.Set("password", l.pick("x", "y"))
			case 1:
				again.Vantage = ttpcron.VantageHost
			}
			batch = append(batch, again)
			continue
		}
		at := l.now.Truncate(24 * time.Hour).Add(-time.Duration(l.rnd.IntN(4)) * 48 * time.Hour)
		switch l.rnd.IntN(3) {
		case 0:
			at = at.Add(time.Duration(l.rnd.IntN(8)-4) * 5 * time.Minute)
		case 1:
			at = at.Add(time.Duration(l.rnd.Int64N(int64(40 * time.Minute))))
		default:
			at = at.Add(time.Duration(l.rnd.IntN(1200)-600) * time.Second)
		}
		e := ttpcron.Event{
			Kind: ttpcron.Command, Time: at, AttackerIP: "203.0.113." + l.pick("1", "2", "9"), SessionID: l.pick("", "1", "2"), DeckyID: l.pick("s1", "s2"),
			Payload: ttpcron.TextPayload("command_text", l.pick("wget", "curl", "ls")+" "+strconv.Itoa(l.rnd.IntN(30))),
		}
		if l.rnd.IntN(2) == 0 {
			e.Kind, e.Payload = ttpcron.AuthAttempt, ttpcron.TextPayload("password", strconv.Itoa(l.rnd.IntN(20)))
			e.Payload.Set("service", "ssh")
			if l.rnd.IntN(9) > 0 {
				e.Payload.Set("username", l.pick("root", "admin", "pi"))
			}
		} else if l.rnd.IntN(2) == 0 {
			e.Payload.Set("username", l.pick("root", "admin"))
		}
		if l.rnd.IntN(3) > 0 {
			l.must(e.Payload.SetRaw("size", []byte(l.pick("1", "7", "30", `{"a": 1}`, "-4"))))
		}
		batch = append(batch, e)
	}
	_, err := l.db.Archive.Import(l.Context(), ttpcron.Batch{Events: batch})
	l.must(err)
	l.events = append(l.events, batch...)
}

// decide disables or clips a base rule, which plays no part.
func (l *correlationLife) decide() {
	s := ttpcron.RuleState{RuleID: l.pick("A", "B", "D"), Status: ttpcron.StatusDisabled}
	if l.rnd.IntN(2) == 0 {
		s.Status, s.ConfidenceMax = ttpcron.StatusClipped, 0.1
	}
	if l.rnd.IntN(3) == 0 {
		l.must(l.db.Rules.ClearState(l.Context(), s.RuleID, "x"))
		return
	}
	l.must(l.db.Rules.SetState(l.Context(), s))
}

// run does a job, sometimes one that does not end well.
func (l *correlationLife) run(job jobs.Job) {
	ctx, cancel := context.WithCancel(l.Context())
	defer cancel()
	life, err := ruleset.ReadLife(ctx, l.db.Rules)
	l.must(err)
	job.Store, job.Rules, job.Now = l.db.Jobs(), life.InForce(l.rules, l.now), func() time.Time { return l.now }
	all := job.Source == "" && !job.ChangedOnly && (job.SinceDays == 0 || job.SinceDays == jobs.MaxSinceDays)
	switch p := l.rnd.IntN(6); {
	case job.SinceDays == jobs.MaxSinceDays:
	case p == 0:
		left := l.rnd.IntN(6)
		job.Progress = func(jobs.Progress) {
			if left--; left < 0 {
				cancel()
			}
		}
	case p < 3:
		left := l.rnd.IntN(9)
		job.Store.Ledger = failing{job.Store.Ledger, &left}
	}
	r, err := job.Run(ctx)
	switch {
	case errors.Is(err, jobs.ErrInterrupted), errors.Is(err, errKilled):
		if l.interrupted++; l.rnd.IntN(2) == 0 {
			l.must(l.db.Close())
			l.open()
		}
		return
	case errors.Is(err, jobs.ErrNoRules):
		return
	}
	l.must(err)
	for _, c := range r.Changed {
		if ttpcron.IsStream(c.RuleID) {
			l.Errorf("a stream is reported as a rule: %+v", c)
		}
	}
	l.gone += r.Run.Correlation.Removed
	if all {
		l.compare(r)
	}
}

// matches lists the events in the store as bursts see them, by base rule.
func (l *correlationLife) matches() (list []seen) {
	own, err := ttpcron.ParseNetworks(l.own)
	l.must(err)
	for i, e := range l.lookedAt() {
		fields := map[string]string{"decky_id": e.DeckyID, "?attacker_ip": e.AttackerIP, "?decky_id": e.DeckyID, "?vantage": fmt.Sprint(e.Vantage)}
		if !own.Contains(e.AttackerIP) {
			fields["attacker_ip"] = e.AttackerIP
		}
		if e.SessionID != "" {
			fields["session_id"] = e.SessionID
		}
		for _, f := range e.Payload {
			if fields[f.Name] = f.Text; f.Raw != nil {
				fields[f.Name] = string(f.Raw)
			}
		}
		text := fields["command_text"]
		if e.Kind == ttpcron.AuthAttempt {
			text = fields["username"]
		}
		for id, word := range l.words {
			if strings.Contains(l.kinds[id], string(e.Kind)) && strings.Contains(text, word) {
				list = append(list, seen{e.Time, i, id, fields})
			}
		}
	}
	return list
}

// found lists what correlations find of matches: rule, version, source_id and time.
func (l *correlationLife) found(list []seen) map[string]*burst {
	want := map[string]*burst{}
	for _, b := range l.bursts {
		if b.silent {
			continue
		}
		from, reach := list, b.span
		if inner := l.bursts[b.rules[0]]; inner != nil {
			reach += inner.span
			from = nil
			for _, g := range inner.groups(list) {
				for _, at := range inner.ends(g) {
					fields := map[string]string{"?vantage": g[0].fields["?vantage"]}
					for _, name := range inner.group {
						fields[name] = g[0].fields[name]
					}
					from = append(from, seen{at, len(from), inner.id, fields})
				}
			}
		}
		for _, g := range b.groups(from) {
			sum := sha256.Sum256(b.json(g[0].fields))
			for _, at := range b.ends(g) {
				slot := at.Unix() / int64(b.span/time.Second)
				start := time.Unix(slot*int64(b.span/time.Second), 0).UTC()
				if !l.isFrozen(start, reach) {
					want[fmt.Sprintf("%s@%d corr:%x:%d %s", b.id, b.version, sum[:16], slot, start)] = b
				}
			}
		}
	}
	return want
}

// json is the group as canonical JSON.
func (b *burst) json(fields map[string]string) []byte {
	group := map[string]any{}
	for _, name := range b.group {
		group[name] = fields[name]
		if text := fields[name]; strings.HasPrefix(text, "{") {
			group[name] = map[string]string{"sha256": "?"}
		}
	}
	if slices.Contains(b.group, "session_id") {
		uuid := ttpcron.DeriveAttacker(fields["?attacker_ip"])
		group["attacker_ip"], group["attacker_uuid"], group["decky_id"], group["identity_uuid"] = fields["?attacker_ip"], uuid, fields["?decky_id"], nil
	}
	if fields["?vantage"] == fmt.Sprint(ttpcron.VantageHost) {
		group["vantage"] = "host"
	}
	text, _ := json.Marshal(group) // in the order of names
	return text
}

func (l *correlationLife) isFrozen(start time.Time, reach time.Duration) bool {
	day, err := l.db.Jobs().EventHorizon(l.Context())
	l.must(err)
	return day > 0 && start.Add(-reach).Before(day.Start())
}

// compare compares the tags of correlations with the findings derived from the events.
func (l *correlationLife) compare(r jobs.Report) {
	l.Helper()
	l.compared++
	want := l.found(l.matches())
	l.tags += len(want)
	for t, err := range l.db.Tags.Query(l.Context(), ttpcron.TagQuery{}, nil) {
		l.must(err)
		b := l.bursts[t.RuleID]
		if b == nil {
			continue
		}
		reach := b.span
		if inner := l.bursts[b.rules[0]]; inner != nil {
			reach += inner.span
		}
		if l.isFrozen(t.EventTime, reach) {
			continue
		}
		key := fmt.Sprintf("%s@%d %s %s", t.RuleID, t.RuleVersion, t.SourceID, t.EventTime)
		if want[key] == nil {
			l.Errorf("too many: %s %s\n%s", key, t.Evidence, b.yaml())
		}
		delete(want, key)
	}
	for key, b := range want {
		l.Errorf("missing: %s\n%s", key, b.yaml())
	}
	if l.Failed() {
		l.Fatalf("%+v", r.Run.Correlation)
	}
}

// again brings the events of the store into another one, in another order and all at
// once, and compares the tags to the byte. What is frozen, and the tags of rules that are
// not loaded, are left out.
func (l *correlationLife) again() {
	events := l.stored()
	l.rnd.Shuffle(len(events), func(i, k int) { events[i], events[k] = events[k], events[i] })
	horizon, err := l.db.Jobs().EventHorizon(l.Context())
	l.must(err)
	other := *l
	other.path = filepath.Join(l.TempDir(), "other.db")
	other.open()
	_, err = other.db.Archive.Import(l.Context(), ttpcron.Batch{Events: events})
	l.must(err)
	other.run(jobs.Job{SinceDays: jobs.MaxSinceDays})
	lines := func(x *correlationLife) (list []string) {
		for t, err := range x.db.Tags.Query(l.Context(), ttpcron.TagQuery{}, nil) {
			l.must(err)
			if b := l.bursts[t.RuleID]; b != nil && (horizon == 0 || !t.EventTime.Add(-31*24*time.Hour).Before(horizon.Start())) {
				list = append(list, tagLine(t))
			}
		}
		slices.SortFunc(list, cmp.Compare)
		return list
	}
	have, want := lines(l), lines(&other)
	if !slices.Equal(have, want) {
		l.Errorf("%d tags are there, in a store in which everything arrived at once %d\n%s\n%s", len(have), len(want), strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
	l.must(other.db.Close())
}

// TestUnloadedCorrelationOfEmptiedDay: while a correlation is not loaded, its day loses
// all base matches. When it comes back, its tag goes too.
func TestUnloadedCorrelationOfEmptiedDay(t *testing.T) {
	l := newCorrelationLife(t, 1)
	at := l.now.Add(-48 * time.Hour)
	for i := range 3 {
		l.events = append(l.events, ttpcron.Event{Kind: ttpcron.Command, Time: at.Add(time.Duration(i) * time.Minute), AttackerIP: "203.0.113.1", Payload: ttpcron.TextPayload("command_text", fmt.Sprint("wget ", i))})
	}
	_, err := l.db.Archive.Import(t.Context(), ttpcron.Batch{Events: l.events})
	l.must(err)
	run := func(word string, ids ...string) int {
		clear(l.bursts)
		for _, id := range ids {
			n := 2
			if id == "C2" {
				n = 9
			}
			l.bursts[id] = &burst{id: id, version: 1, typ: "event_count", rules: []string{"A"}, group: []string{"attacker_ip"}, span: 10 * time.Minute, n: n}
		}
		l.file("A", 1, "command", word, "")
		l.reload()
		job := jobs.Job{Store: l.db.Jobs(), Rules: l.rules, Now: func() time.Time { return l.now }}
		_, err := job.Run(t.Context())
		l.must(err)
		tags, err := gathered(l.db.Tags.Query(t.Context(), ttpcron.TagQuery{Rule: "C1"}, nil))
		l.must(err)
		return len(tags)
	}
	if n := run("wget", "C1", "C2"); n != 1 {
		t.Fatalf("%d tags", n)
	}
	if n := run("nothing", "C2"); n != 1 {
		t.Errorf("the tag of a correlation that is not loaded is gone")
	}
	l.checked()
	if n := run("nothing", "C1", "C2"); n != 0 {
		t.Errorf("%d tags are left", n)
	}
	l.checked()
	if n := run("wget", "C1", "C2"); n != 1 {
		t.Errorf("%d tags when the matches are back", n)
	}
	l.must(l.db.Close())
}
