package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
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
	"github.com/ttpcron/ttpcron/tagger"
)

// life is a random history of a store and the rules over it: files of rules are
// written, broken and removed and the folder reloaded; states are set, cleared
// and expire; rules are retired and come back; events arrive; runs of every sort
// take place.
type life struct {
	*testing.T
	rnd      *rand.Rand
	db       *store.Store
	now      time.Time
	folder   fstest.MapFS
	versions map[string]int
	rules    ruleset.Set
	events   []ttpcron.Event
	retagged int
}

// TestRuleLife plays random histories with the real store and tagger. After each
// run the tags of the rules in force must be exactly those that the rules make,
// one by one, of the events that some run has looked at, which a rule that never
// changes and tags every event tells. Retired ones are hidden, and back in the
// end.
func TestRuleLife(t *testing.T) {
	n, retagged := 60, 0
	if testing.Short() {
		n = 15
	}
	for seed := range n {
		l := newLife(t, uint64(seed))
		for range 40 {
			l.step()
		}
		l.unretire()
		l.run(jobs.Job{ChangedOnly: true})
		retagged += l.retagged
		if err := l.db.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if retagged < n {
		t.Errorf("the histories are too tame: %d tags by changed rules", retagged)
	}
}

func newLife(t *testing.T, seed uint64) *life {
	l := &life{
		T: t, rnd: rand.New(rand.NewPCG(seed, 7)), now: time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC),
		folder: fstest.MapFS{}, versions: map[string]int{},
	}
	now := func() time.Time { return l.now }
	l.file("ALL", "all.yaml", "text: {glob: '*'}")
	db, err := kv.Open(t.Context(), filepath.Join(t.TempDir(), "t.db"), kv.Options{NoSync: true, Now: now})
	l.must(err)
	l.db = store.Local(&store.Holder{DB: db, Now: now})
	rs, _ := tagger.Load(l.options())
	l.rules = ruleset.Set{RuleSet: rs, Log: hclog.NewNullLogger()}
	return l
}

func (l *life) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *life) options() tagger.Options {
	o := ruleset.Options([]tagger.Folder{{Name: "folder", FS: l.folder}})
	o.Release = ""
	return o
}

func (l *life) file(id, name, match string) {
	l.versions[id]++
	l.folder[name] = &fstest.MapFile{Data: fmt.Appendf(nil,
		"rule_id: %s\nrule_version: %d\nname: n\napplies_to: [command]\nmatch: {%s}\nemits: [{tactic: TA0002, technique_id: T1059, confidence: 0.8}]\n", id, l.versions[id], match)}
}

func (l *life) word() string { return []string{"wget", "curl", "uname", "echo", "cat"}[l.rnd.IntN(5)] }

func (l *life) rule() string { return string(rune('A' + l.rnd.IntN(4))) }

func (l *life) step() {
	l.now = l.now.Add(time.Duration(l.rnd.IntN(90)) * time.Minute)
	switch p := l.rnd.IntN(12); {
	case p < 3:
		l.arrive()
	case p < 5:
		l.edit()
	case p < 7:
		l.decide()
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
		batch = append(batch, ttpcron.Event{
			Kind: ttpcron.Command, ID: fmt.Sprint("e", len(l.events)+len(batch)), AttackerIP: "203.0.113.7",
			Time:    l.now.Add(-time.Duration(l.rnd.Int64N(int64(12 * 24 * time.Hour)))),
			Payload: ttpcron.TextPayload("command_text", fmt.Sprintf("%s x; echo aGk= | base64 -d; %s -y", l.word(), l.word())),
		})
	}
	_, err := l.db.Archive.Import(l.Context(), ttpcron.Batch{Events: batch})
	l.must(err)
	l.events = append(l.events, batch...)
}

// edit changes one file, and reloads the folder now or with a later edit.
func (l *life) edit() {
	id := l.rule()
	name := strings.ToLower(id) + ".yaml"
	switch l.rnd.IntN(6) {
	case 0:
		delete(l.folder, name)
	case 1:
		l.folder[name] = &fstest.MapFile{Data: []byte("rule_id: [")}
	case 2:
		l.file(id, name, "pattern: '"+l.word()+" (?:x|-y)$'")
	default:
		l.file(id, name, "program: "+l.word())
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
		version = l.versions[id]
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

// run does a job, sometimes interrupted, and compares what is in force.
func (l *life) run(job jobs.Job) {
	ctx, cancel := context.WithCancel(l.Context())
	defer cancel()
	retired, err := ruleset.ReadLife(ctx, l.db.Rules)
	l.must(err)
	rules := retired.InForce(l.rules, l.now)
	job.Store, job.Rules, job.Now, job.Source = l.db.Jobs(), rules, func() time.Time { return l.now }, jobs.SourceCommand
	if l.rnd.IntN(6) == 0 {
		left := l.rnd.IntN(3)
		job.Progress = func(jobs.Progress) {
			if left--; left < 0 {
				cancel()
			}
		}
	}
	r, err := job.Run(ctx)
	if errors.Is(err, jobs.ErrInterrupted) {
		return
	}
	l.must(err)
	l.retagged += r.Run.Sources[0].RetagInserted
	l.compare(rules.RuleSet, retired)
}

func (l *life) compare(rules *tagger.RuleSet, retired ruleset.Life) {
	l.Helper()
	looked, have, want := map[string]bool{}, map[string]bool{}, map[string]bool{}
	name := func(t *ttpcron.Tag) string { return fmt.Sprintf("%s@%d of %s", t.RuleID, t.RuleVersion, t.SourceID) }
	force := map[string]int{}
	for _, d := range rules.Definitions() {
		force[d.ID] = d.Version
	}
	for t, err := range l.db.Tags.Query(l.Context(), ttpcron.TagQuery{}) {
		l.must(err)
		if retired.Hides(&t.Claim) != nil {
			l.Errorf("a retired tag is shown: %s", name(&t))
		}
		looked[t.SourceID] = looked[t.SourceID] || t.RuleID == "ALL"
		if v, ok := force[t.RuleID]; ok && v == t.RuleVersion {
			have[name(&t)] = true
		}
	}
	for _, d := range rules.Definitions() {
		// One rule at a time, and a tagger for each: nothing that a run shares
		// between rules or events plays a part.
		one := rules.Only(map[string]bool{d.ID: true}).Tagger(nil)
		for i := range l.events {
			tags, _ := one.Tag(&l.events[i], nil)
			for k := range tags {
				if looked[tags[k].SourceID] && retired.Hides(&tags[k].Claim) == nil {
					want[name(&tags[k])] = true
				}
			}
		}
	}
	if maps.Equal(have, want) {
		return
	}
	for _, n := range slices.Sorted(maps.Keys(want)) {
		if !have[n] {
			l.Errorf("missing: %s", n)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(have)) {
		if !want[n] {
			l.Errorf("too many: %s", n)
		}
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
