package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/tagger"
)

// life is a random history of a store and its rules: rule files are written, edited in
// every direction, broken and removed, and the folder reloaded; states are set, cleared
// and expire; rules are retired and come back; events arrive, with late and known ones,
// and are pruned; runs of every sort happen, are interrupted, or fail in the middle, after
// which the store is reopened.
type life struct {
	*testing.T
	rnd     *rand.Rand
	path    string
	db      *store.Store
	now     time.Time
	folder  fstest.MapFS
	rules   ruleset.Set
	events  []ttpcron.Event // that ever arrived
	done    ttpcron.Committed
	broken  int // runs that did not end well
	pruned  int
	foretol int // runs that did what a dry run had said
	left    int // tags that views leave out
}

// TestRuleLife plays random histories with the real store and tagger. After each run that
// ended well, the tags of the rules in force must be exactly those that the rules, one by
// one, make from the events that some run has looked at. A rule that never changes and
// tags every event shows which these are. Tags of rules that are not in force are hidden.
// In the end, after one run over everything, the store must show exactly what one clean
// pass over its events shows, and what it showed of rules that are not loaded.
func TestRuleLife(t *testing.T) {
	t.Parallel()
	n := 40
	if f, err := strconv.Atoi(os.Getenv("KV_TEST_LONG")); err == nil && f > 0 {
		n *= f
	}
	if testing.Short() {
		n = 10
	}
	var sum life
	for seed := range n {
		l := newLife(t, uint64(seed))
		for step := range 40 {
			l.step()
			if step%8 == 7 {
				l.checked()
			}
		}
		l.unretire()
		l.unstate()
		kept := l.ofOthers()
		l.now = l.now.Add(time.Hour)
		l.run(jobs.Job{SinceDays: 3650})
		l.everything(kept)
		l.checked()
		sum.done.Add(l.done)
		sum.broken, sum.pruned, sum.foretol = sum.broken+l.broken, sum.pruned+l.pruned, sum.foretol+l.foretol
		sum.left += l.left
		if err := l.db.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if sum.done.Removed < n || sum.done.Replaced < n/2 || sum.broken < n || sum.pruned < n/2 || sum.foretol < n || sum.left < 10*n {
		t.Errorf("the histories are too tame: %+v, %d broken runs, %d events pruned, %d runs foretold, %d tags left out", sum.done.TagChanges, sum.broken, sum.pruned, sum.foretol, sum.left)
	}
}

func newLife(t *testing.T, seed uint64) *life {
	l := &life{
		T: t, rnd: rand.New(rand.NewPCG(seed, 7)), now: time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC),
		folder: fstest.MapFS{}, path: filepath.Join(t.TempDir(), "t.db"),
	}
	l.file("ALL", 1, "command, payload", ".", "{tactic: TA0002, technique_id: T1059, confidence: 0.8}")
	l.open()
	rs, _ := tagger.Load(l.options())
	l.rules = ruleset.Set{RuleSet: rs, Log: hclog.NewNullLogger()}
	return l
}

func (l *life) open() {
	now := func() time.Time { return l.now }
	db, err := kv.Open(l.Context(), l.path, kv.Options{NoSync: true, Now: now})
	l.must(err)
	l.db = store.Local(&store.Holder{DB: db, Now: now})
}

// checked has the doctor look at the store.
func (l *life) checked() {
	l.Helper()
	l.must(l.db.Close())
	r, err := doctor.Check(l.Context(), l.path, doctor.Options{})
	l.must(err)
	for _, f := range r.Findings {
		l.Errorf("check: %+v", f)
	}
	l.open()
}

func (l *life) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *life) options() tagger.Options {
	o := ruleset.Options([]tagger.Folder{{Name: "folder", FS: l.folder}}, nil)
	o.Releases = nil
	return o
}

func (l *life) file(id string, version int, kinds, pattern, emits string) {
	l.folder[strings.ToLower(id)+".yaml"] = &fstest.MapFile{Data: fmt.Appendf(nil,
		"rule_id: %s\nrule_version: %d\nname: n\napplies_to: [%s]\nmatch: {pattern: '%s'}\nemits: [%s]\n", id, version, kinds, pattern, emits)}
}

func (l *life) word() string { return []string{"wget", "curl", "uname", "echo", "cat"}[l.rnd.IntN(5)] }

func (l *life) rule() string { return string(rune('A' + l.rnd.IntN(4))) }

func (l *life) step() {
	l.now = l.now.Add(time.Duration(l.rnd.IntN(90)) * time.Minute)
	switch p := l.rnd.IntN(24); {
	case p < 6:
		l.arrive()
	case p < 11:
		l.edit()
	case p < 14:
		l.decide()
	case p < 15:
		l.prune()
	case p < 16:
		l.orphans()
	default:
		job := jobs.Job{BatchSize: 1 + l.rnd.IntN(5), Workers: 1 + l.rnd.IntN(3)}
		switch l.rnd.IntN(5) {
		case 0:
			job.SinceDays = 1 + l.rnd.IntN(14)
		case 1:
			job.ChangedOnly = true
		}
		l.run(job)
	}
}

func (l *life) arrive() {
	var batch []ttpcron.Event
	for range l.rnd.IntN(8) {
		if len(l.events) > 0 && l.rnd.IntN(5) == 0 {
			again := l.events[l.rnd.IntN(len(l.events))]
			if l.rnd.IntN(3) == 0 {
				again.Vantage = ttpcron.VantageHost // as is found out now
			}
			batch = append(batch, again)
			continue
		}
		e := ttpcron.Event{
			Kind: ttpcron.Command, AttackerIP: fmt.Sprint("203.0.113.", l.rnd.IntN(3)), SessionID: fmt.Sprint("s", l.rnd.IntN(5)),
			Time:    l.now.Add(-time.Duration(l.rnd.Int64N(int64(12 * 24 * time.Hour)))),
			Payload: ttpcron.TextPayload("command_text", fmt.Sprintf("%s x; echo aGk= | base64 -d; %s -y", l.word(), l.word())),
		}
		if l.rnd.IntN(2) == 0 {
			e.ID = fmt.Sprint("e", len(l.events), "-", len(batch))
		}
		e.Vantage = ttpcron.Vantage(l.rnd.IntN(2))
		if l.rnd.IntN(3) == 0 {
			e.Kind, e.Payload = "payload", ttpcron.TextPayload("payload_text", "http://x/"+l.word())
		}
		batch = append(batch, e)
	}
	_, err := l.db.Archive.Import(l.Context(), ttpcron.Batch{Events: batch})
	l.must(err)
	l.events = append(l.events, batch...)
}

// prune takes out days, some with their tags.
func (l *life) prune() {
	before := ttpcron.DayOf(l.now) - ttpcron.Day(6+l.rnd.IntN(8))
	p := kv.Prune{EventsBefore: before}
	if l.rnd.IntN(2) == 0 {
		p.TagsBefore = before - ttpcron.Day(l.rnd.IntN(3))
	}
	r, err := l.db.File.Prune(l.Context(), p)
	l.must(err)
	for _, k := range r.Kinds {
		l.pruned += k.Events
	}
}

// orphans takes out the tags of rules that are not loaded.
func (l *life) orphans() {
	list, err := orphans(l.Context(), l.db, l.rules)
	l.must(err)
	p := kv.PruneRules{}
	for _, v := range list {
		p.Rules = append(p.Rules, v.RuleID)
	}
	_, err = l.db.File.PruneRules(l.Context(), p)
	l.must(err)
	if left, err := orphans(l.Context(), l.db, l.rules); err != nil || len(left) > 0 {
		l.Errorf("%+v are left, %v", left, err)
	}
}

// edit changes one file, in any direction, and reloads the folder now or with a later
// edit.
func (l *life) edit() {
	id := l.rule()
	name := strings.ToLower(id) + ".yaml"
	switch l.rnd.IntN(8) {
	case 0:
		delete(l.folder, name)
	case 1:
		l.folder[name] = &fstest.MapFile{Data: []byte("rule_id: [")}
	default:
		confidence := []string{"0.2", "0.4", "0.8"}[l.rnd.IntN(3)]
		emits := []string{
			"{tactic: TA0002, technique_id: T1059, confidence: " + confidence + "}",
			"{tactic: TA0007, technique_id: T1082, confidence: " + confidence + "}, {tactic: TA0002, technique_id: T1059, confidence: 0.5}",
			"{tactic: TA0002, technique_id: T1059, confidence: 0.5}, {tactic: TA0011, technique_id: T1059, confidence: " + confidence + "}",
		}[l.rnd.IntN(3)]
		kinds := []string{"command", "command", "payload", "command, payload"}[l.rnd.IntN(4)]
		pattern := []string{l.word(), l.word() + " (?:x|-y)", "(" + l.word() + "|base64)"}[l.rnd.IntN(3)]
		l.file(id, 1+l.rnd.IntN(2), kinds, pattern, emits)
		level := []string{"", "level: informational\n", "level: medium\n", "level: high\n"}[l.rnd.IntN(4)]
		l.folder[name].Data = append(l.folder[name].Data, level...)
	}
	if l.rnd.IntN(4) > 0 {
		rs, _ := l.rules.Reload(l.options())
		l.rules = ruleset.Set{RuleSet: rs, Log: hclog.NewNullLogger()}
	}
}

func (l *life) decide() {
	ctx, id := l.Context(), l.rule()
	version := ttpcron.AllVersions
	if l.rnd.IntN(2) == 0 {
		version = 1 + l.rnd.IntN(3)
	}
	switch l.rnd.IntN(5) {
	case 0:
		l.must(l.db.Rules.ClearState(ctx, id, "x"))
	case 1:
		l.must(l.db.Rules.Retire(ctx, ttpcron.Retirement{RuleID: id, Version: version}))
	case 2:
		_, err := l.db.Rules.Unretire(ctx, id, version, "x", "")
		l.must(err)
	default:
		s := ttpcron.RuleState{RuleID: id, Status: ttpcron.StatusDisabled}
		if l.rnd.IntN(2) == 0 {
			s.Status, s.ConfidenceMax = ttpcron.StatusClipped, []float64{0.1, 0.5, 1}[l.rnd.IntN(3)]
		}
		if l.rnd.IntN(2) == 0 {
			s.ExpiresAt = l.now.Add(time.Duration(l.rnd.IntN(300)) * time.Minute)
		}
		l.must(l.db.Rules.SetState(ctx, s))
	}
}

// failing is a ledger whose commits fail from a certain one on.
type failing struct {
	jobs.Ledger
	left *int
}

var errKilled = errors.New("killed")

func (f failing) Commit(ctx context.Context, c ttpcron.Commit) (ttpcron.Committed, error) {
	if *f.left--; *f.left < 0 {
		return ttpcron.Committed{}, errKilled
	}
	return f.Ledger.Commit(ctx, c)
}

// run does a job, sometimes one that does not end well, and compares the views.
func (l *life) run(job jobs.Job) {
	ctx, cancel := context.WithCancel(l.Context())
	defer cancel()
	life, err := ruleset.ReadLife(ctx, l.db.Rules)
	l.must(err)
	rules := life.InForce(l.rules, l.now)
	job.Store, job.Rules, job.Now = l.db.Jobs(), rules, func() time.Time { return l.now }
	last := job.SinceDays == jobs.MaxSinceDays
	foretold := ttpcron.Committed{}
	dry := l.rnd.IntN(3) == 0
	if dry {
		before := l.shown()
		asked := job
		asked.DryRun = true
		r, err := asked.Run(ctx)
		l.must(err)
		if foretold = r.Tags; !maps.Equal(before, l.shown()) {
			l.Error("a dry run has changed tags")
		}
	}
	switch p := l.rnd.IntN(8); {
	case last:
	case p == 0:
		left := l.rnd.IntN(3)
		job.Progress = func(jobs.Progress) {
			if left--; left < 0 {
				cancel()
			}
		}
	case p == 1:
		left := l.rnd.IntN(3)
		job.Store.Ledger = failing{job.Store.Ledger, &left}
	}
	r, err := job.Run(ctx)
	if errors.Is(err, jobs.ErrInterrupted) || errors.Is(err, errKilled) {
		l.broken++
		if l.rnd.IntN(2) == 0 {
			l.must(l.db.Close())
			l.open()
		}
		return
	}
	l.must(err)
	l.done.Add(r.Tags)
	if dry {
		l.foretol++
		if !reflect.DeepEqual(r.Tags, foretold) {
			l.Errorf("a dry run said %+v, the run did %+v", foretold, r.Tags)
		}
	}
	l.compare(l.lookedAt(), life)
}

// tagLine is everything shown of a tag, except for its creation time.
func tagLine(t ttpcron.Tag) string {
	t.CreatedAt = time.Time{}
	return fmt.Sprintf("%s@%d %+v", t.RuleID, t.RuleVersion, t)
}

// shown lists the tags that the store shows, with the rule of each.
func (l *life) shown() map[string]string {
	all := map[string]string{}
	for t, err := range l.db.Tags.Query(l.Context(), ttpcron.TagQuery{}, nil) {
		l.must(err)
		if all[tagLine(t)] != "" {
			l.Errorf("shown twice: %s", tagLine(t))
		}
		all[tagLine(t)] = t.RuleID
	}
	return all
}

// stored yields the events in the store.
func (l *life) stored() (all []ttpcron.Event) {
	kinds, err := l.db.History.Kinds(l.Context())
	l.must(err)
	for _, kind := range kinds {
		for d, err := range jobs.Days(l.Context(), l.db.History, kind) {
			l.must(err)
			for page, err := range l.db.History.Events(l.Context(), kind, d.Day, 0, 1<<62) {
				l.must(err)
				all = append(all, page...)
			}
		}
	}
	return all
}

// lookedAt lists the events in the store that some run has looked at.
func (l *life) lookedAt() (events []ttpcron.Event) {
	looked := map[string]bool{}
	for t, err := range l.db.Tags.Query(l.Context(), ttpcron.TagQuery{Rule: "ALL"}, nil) {
		l.must(err)
		looked[string(t.SourceKind)+t.SourceID] = true
	}
	for _, e := range l.stored() {
		if looked[string(e.Kind)+e.SourceID()] {
			events = append(events, e)
		}
	}
	return events
}

// made lists what the rules make from events, as it should be shown. Each rule has its own
// tagger, so nothing that a run shares between rules or events plays a part.
func (l *life) made(events []ttpcron.Event, life ruleset.Life) map[string]string {
	want := map[string]string{}
	for _, d := range l.rules.Definitions() {
		one := l.rules.RuleSet.Only(map[string]bool{d.ID: true}).Tagger(nil)
		for i := range events {
			tags, _ := one.Tag(&events[i], nil)
			best := map[ttpcron.UUID]ttpcron.Tag{}
			for _, t := range tags {
				if old, ok := best[t.UUID()]; t.Confidence >= ttpcron.MinConfidence && (!ok || t.Confidence > old.Confidence) {
					best[t.UUID()] = t
				}
			}
			for _, t := range best {
				if t, ok := l.asShown(t, life); ok {
					t.Evidence = ttpcron.AppendEvidence(nil, &events[i], &t.Match)
					t.SetText(&events[i])
					want[tagLine(t)] = t.RuleID
				}
			}
		}
	}
	return want
}

// asShown applies what operators decided about a rule.
func (l *life) asShown(t ttpcron.Tag, life ruleset.Life) (ttpcron.Tag, bool) {
	for _, r := range life.Retired {
		if r.RuleID == t.RuleID && (r.Version == ttpcron.AllVersions || r.Version == t.RuleVersion) {
			return t, false
		}
	}
	for _, s := range life.States {
		if s.RuleID != t.RuleID || !s.ExpiresAt.IsZero() && !l.now.Before(s.ExpiresAt) {
			continue
		}
		if s.Status == ttpcron.StatusDisabled {
			return t, false
		}
		t.Confidence = min(t.Confidence, s.ConfidenceMax)
	}
	return t, t.Confidence >= ttpcron.MinConfidence
}

// compare compares the shown tags of loaded rules with those that they make from events.
func (l *life) compare(events []ttpcron.Event, life ruleset.Life) {
	l.Helper()
	have, want := l.shown(), l.made(events, life)
	maps.DeleteFunc(have, func(_, rule string) bool { return !l.rules.Has(rule) })
	l.differ(have, want)
	l.counts()
}

// counts compares a view's counts with the tags that it shows.
func (l *life) counts() {
	l.Helper()
	for _, levels := range []ttpcron.MinLevels{ttpcron.DefaultMinLevels(), ttpcron.FromLevel(ttpcron.LevelHigh)} {
		shown, left, attackers := 0, 0, map[string]int{}
		for t, err := range l.db.Tags.Query(l.Context(), ttpcron.TagQuery{}, nil) {
			l.must(err)
			if !levels.Show(t.Level, t.Vantage) {
				left++
				continue
			}
			shown++
			attackers[t.AttackerUUID]++
		}
		s, err := l.db.Tags.Summary(l.Context(), ttpcron.Window{}, levels, nil, nil)
		l.must(err)
		n, err := l.db.Tags.LeftOut(l.Context(), ttpcron.TagQuery{MinLevels: levels}, nil)
		l.must(err)
		if s.Tags != shown || s.LeftOut != left || n != left || s.AttackersTotal != len(attackers) {
			l.Errorf("%v: %d tags of %d attackers are counted, %d and %d left out, want %d of %d, %d left out", levels, s.Tags, s.AttackersTotal, s.LeftOut, n, shown, len(attackers), left)
		}
		for _, a := range s.Attackers {
			if attackers[a.AttackerUUID] != a.Tags {
				l.Errorf("%v: %d tags of %s are counted, want %d", levels, a.Tags, a.AttackerIP, attackers[a.AttackerUUID])
			}
		}
		l.left += s.LeftOut
	}
}

func (l *life) differ(have, want map[string]string) {
	l.Helper()
	for _, n := range slices.Sorted(maps.Keys(want)) {
		if have[n] == "" {
			l.Errorf("missing: %s", n)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(have)) {
		if want[n] == "" {
			l.Errorf("too many: %s", n)
		}
	}
	if l.Failed() {
		l.FailNow()
	}
}

// ofOthers lists what is shown of rules that are not loaded.
func (l *life) ofOthers() map[string]string {
	all := l.shown()
	maps.DeleteFunc(all, func(_, rule string) bool { return l.rules.Has(rule) })
	return all
}

// everything compares all that is shown with a clean pass over the stored events, and with
// what was shown of rules that are not loaded.
func (l *life) everything(others map[string]string) {
	l.Helper()
	want := l.made(l.stored(), ruleset.Life{})
	maps.Copy(want, others)
	l.differ(l.shown(), want)
}

// unstate enables all rules.
func (l *life) unstate() {
	states, err := l.db.Rules.States(l.Context())
	l.must(err)
	for _, s := range states {
		l.must(l.db.Rules.ClearState(l.Context(), s.RuleID, "x"))
	}
}

func (l *life) unretire() {
	list, err := l.db.Rules.Retirements(l.Context())
	l.must(err)
	for _, r := range list {
		was, err := l.db.Rules.Unretire(l.Context(), r.RuleID, r.Version, "x", "")
		l.must(err)
		if !was {
			l.Errorf("%s@%d was not retired", r.RuleID, r.Version)
		}
	}
}
