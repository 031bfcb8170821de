package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/internal/nountest"
	"github.com/ttpcron/ttpcron/kv"
)

// calling makes every call to stores.
type calling struct {
	ctx    context.Context
	dir    string
	tag    ttpcron.Tag // of the store
	event  ttpcron.Event
	reject ttpcron.Reject
	set    string            // fingerprint of the rules that looked
	base   ttpcron.BaseMatch // of the store
}

// baseMatches reads base matches, which are the reader's only until the next.
func (c *calling) baseMatches(s *store.Store, q ttpcron.MatchQuery) (all []ttpcron.BaseMatch, err error) {
	streams := map[string]*ttpcron.Stream{}
	for m, err := range s.Matches.BaseMatches(c.ctx, q) {
		if err != nil {
			return nil, err
		}
		if known := streams[m.Stream.ID]; known != nil && known != m.Stream {
			return nil, fmt.Errorf("the stream %s has two pointers", known.ID)
		}
		streams[m.Stream.ID] = m.Stream
		one := *m
		one.Group, one.Values = strings.Clone(m.Group), strings.Clone(m.Values)
		all = append(all, one)
	}
	// They are kept in the order of a hash that differs from one store to another.
	slices.SortFunc(all, func(a, b ttpcron.BaseMatch) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Seq, b.Seq))
	})
	return all, nil
}

// gathered reads a sequence to its end.
func gathered[T any](seq iter.Seq2[T, error]) (all []T, err error) {
	for v, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// query selects the events of an attacker.
func (c *calling) query() ttpcron.EventQuery {
	return ttpcron.EventQuery{Attacker: c.event.AttackerIP, UpTo: c.event.Seq}
}

// pair is an answer of two values.
type pair struct{ A, B any }

// steps are calls that build on one another. Those whose answer depends on the moment give
// nothing to compare.
func (c *calling) steps() map[string]func(s *store.Store) (any, error) {
	day := ttpcron.DayOf(c.event.Time)
	head := ttpcron.FileHead{Length: 4096}
	other := c.tag
	other.SourceID = "new"
	return map[string]func(s *store.Store) (any, error){
		"01 kinds": func(s *store.Store) (any, error) { return s.History.Kinds(c.ctx) },
		"02 days":  func(s *store.Store) (any, error) { return s.History.DayPage(c.ctx, ttpcron.Command, 0) },
		"03 events": func(s *store.Store) (any, error) {
			return gathered(s.History.Events(c.ctx, ttpcron.Command, day, 0, 1<<40))
		},
		"55 moment": func(s *store.Store) (any, error) {
			m, err := s.History.Moment(c.ctx)
			return m.Seq, err
		},
		"04 last-seq": func(s *store.Store) (any, error) { return s.History.LastSeq(c.ctx) },
		"05 event": func(s *store.Store) (any, error) {
			e, ok, err := s.History.EventByID(c.ctx, c.event.Kind, day, c.event.ID)
			return pair{e, ok}, err
		},
		"56 event-blocks": func(s *store.Store) (any, error) { return s.History.Blocks(c.ctx, c.query()) },
		"57 events-in": func(s *store.Store) (any, error) {
			blocks, err := s.History.Blocks(c.ctx, c.query())
			if err != nil {
				return nil, err
			}
			var all []ttpcron.Event
			for e, err := range s.History.EventsOf(c.ctx, c.query(), blocks) {
				if err != nil {
					return nil, err
				}
				all = append(all, *e)
			}
			if len(all) == 0 {
				err = errors.New("there are no events of the attacker")
			}
			return all, err
		},
		"06 known": func(s *store.Store) (any, error) {
			return s.Archive.Known(c.ctx, []ttpcron.Event{c.event, {Kind: "command", ID: "new", Time: c.event.Time, AttackerIP: "192.0.2.1"}})
		},
		"07 known-rejects": func(s *store.Store) (any, error) {
			return s.Archive.KnownRejects(c.ctx, []ttpcron.Reject{c.reject, {Excerpt: []byte("new")}})
		},
		"47 position-formats": func(s *store.Store) (any, error) { return s.Archive.PositionFormats(c.ctx) },
		"08 head-lengths":     func(s *store.Store) (any, error) { return s.Archive.HeadLengths(c.ctx) },
		"09 find-positions": func(s *store.Store) (any, error) {
			return s.Archive.FindPositions(c.ctx, "events", []ttpcron.FileHead{head})
		},
		"10 keep-looks": func(s *store.Store) (any, error) {
			return nil, s.Archive.KeepLooks(c.ctx, []ttpcron.FileLook{{Path: "p", Size: 7, SeenAt: c.event.Time}})
		},
		"11 file-looks": func(s *store.Store) (any, error) { return s.Archive.FileLooks(c.ctx, []string{"p", "q"}) },
		"12 import": func(s *store.Store) (any, error) {
			return s.Archive.Import(c.ctx, ttpcron.Batch{Events: []ttpcron.Event{c.event, {Kind: "odd", Time: c.event.Time, AttackerIP: "192.0.2.1", Payload: ttpcron.TextPayload("a", "\xff")}}, Rejects: []ttpcron.Reject{c.reject}})
		},
		"13 rejects":         func(s *store.Store) (any, error) { return gathered(s.Archive.Rejects(c.ctx)) },
		"14 rejects-dropped": func(s *store.Store) (any, error) { return s.Archive.RejectsDropped(c.ctx) },
		"15 forget-files":    func(s *store.Store) (any, error) { return s.Archive.ForgetFiles(c.ctx, c.event.Time) },
		"16 preview": func(s *store.Store) (any, error) {
			return s.Ledger.Preview(c.ctx, ttpcron.Commit{Tags: []ttpcron.Tag{other}, Reviews: []ttpcron.Review{{
				Kind: c.tag.SourceKind, Day: day, Events: []ttpcron.SeqRange{{First: 1, Last: 1 << 40}}, Earliest: c.tag.EventTime, Latest: c.tag.EventTime, Rules: []string{c.tag.RuleID},
			}}})
		},
		"41 rules-of": func(s *store.Store) (any, error) { return s.Ledger.RulesOf(c.ctx, ttpcron.Command) },
		"17 rule-set": func(s *store.Store) (any, error) {
			r, ok, err := s.Ledger.RuleSet(c.ctx, c.set)
			return pair{r, ok}, err
		},
		"18 cursors": func(s *store.Store) (any, error) { return s.Ledger.Cursors(c.ctx) },
		"19 set-cursor": func(s *store.Store) (any, error) {
			return nil, s.Ledger.SetCursor(c.ctx, ttpcron.Cursor{Kind: ttpcron.Command, Seq: 1})
		},
		"20 delete-cursor": func(s *store.Store) (any, error) { return nil, s.Ledger.DeleteCursor(c.ctx, ttpcron.Command) },
		"21 runs":          func(s *store.Store) (any, error) { return s.Ledger.Runs(c.ctx, 10) },
		"22 tags":          func(s *store.Store) (any, error) { return gathered(s.Tags.Query(c.ctx, ttpcron.TagQuery{}, nil)) },
		"23 tags, some": func(s *store.Store) (any, error) {
			return gathered(s.Tags.Query(c.ctx, ttpcron.TagQuery{Technique: "T1082", Limit: 1}, attack.Current()))
		},
		"24 tag": func(s *store.Store) (any, error) {
			t, ok, err := s.Tags.ByUUID(c.ctx, c.tag.UUID())
			return pair{t, ok}, err
		},
		"25 summary": func(s *store.Store) (any, error) {
			return s.Tags.Summary(c.ctx, ttpcron.Window{}, ttpcron.MinLevels{}, nil, attack.Current())
		},
		"44 left-out": func(s *store.Store) (any, error) {
			return s.Tags.LeftOut(c.ctx, ttpcron.TagQuery{MinLevels: ttpcron.FromLevel(ttpcron.LevelCritical)}, attack.Current())
		},
		"45 summary of levels": func(s *store.Store) (any, error) {
			return s.Tags.Summary(c.ctx, ttpcron.Window{}, ttpcron.FromLevel(ttpcron.LevelCritical), nil, nil)
		},
		"46 counts": func(s *store.Store) (any, error) {
			st, err := s.Tags.Counts(c.ctx, attack.Current())
			return st.Kinds, err
		},
		"26 set-rule-state": func(s *store.Store) (any, error) {
			return nil, s.Rules.SetState(c.ctx, ttpcron.RuleState{RuleID: "TEST1", Status: ttpcron.StatusDisabled, Reason: "r"})
		},
		"27 rule-states":      func(s *store.Store) (any, error) { l, err := s.Rules.States(c.ctx); return len(l), err },
		"28 clear-rule-state": func(s *store.Store) (any, error) { return nil, s.Rules.ClearState(c.ctx, "TEST1", "x") },
		"29 retire": func(s *store.Store) (any, error) {
			return nil, s.Rules.Retire(c.ctx, ttpcron.Retirement{RuleID: "TEST1", Version: 1, Reason: "r"})
		},
		"30 retirements":   func(s *store.Store) (any, error) { l, err := s.Rules.Retirements(c.ctx); return len(l), err },
		"31 unretire":      func(s *store.Store) (any, error) { return s.Rules.Unretire(c.ctx, "TEST1", 1, "x", "r") },
		"32 rule-versions": func(s *store.Store) (any, error) { return s.Rules.Versions(c.ctx) },
		"33 audit":         func(s *store.Store) (any, error) { l, err := s.Rules.Audit(c.ctx, 10); return len(l), err },
		"34 stats":         func(s *store.Store) (any, error) { st, err := s.File.Stats(c.ctx); return st.Kinds, err },
		"52 prune": func(s *store.Store) (any, error) {
			return s.File.Prune(c.ctx, kv.Prune{EventsBefore: day, TagsBefore: day})
		},
		"42 prune-rules": func(s *store.Store) (any, error) {
			return s.File.PruneRules(c.ctx, kv.PruneRules{Rules: []string{"TEST1", "none"}})
		},
		"35 match-days":    func(s *store.Store) (any, error) { return s.Matches.MatchDays(c.ctx, 0) },
		"36 event-horizon": func(s *store.Store) (any, error) { return s.Matches.EventHorizon(c.ctx) },
		"48 base-matches": func(s *store.Store) (any, error) {
			all, err := c.baseMatches(s, ttpcron.MatchQuery{Grouping: "attacker_ip"})
			if err == nil && len(all) == 0 {
				err = errors.New("there are no base matches")
			}
			return all, err
		},
		"49 touched": func(s *store.Store) (any, error) { return gathered(s.Matches.Touched(c.ctx, day, 1<<40)) },
		"50 groups": func(s *store.Store) (any, error) {
			v, _ := ttpcron.Group(c.base.Group).Value([]string{"attacker_ip"}, "attacker_ip")
			found, more, err := s.Matches.Groups(c.ctx, store.GroupsSought{Grouping: "attacker_ip", Streams: []string{c.base.Stream.ID}, Any: []string{v.Text}}, ttpcron.DayOf(c.base.Time))
			if err == nil && len(found) != 1 {
				err = fmt.Errorf("%d groups are found", len(found))
			}
			return pair{found, more}, err
		},
		"51 events-at": func(s *store.Store) (any, error) {
			var all []ttpcron.Event
			for e, err := range s.Matches.EventsAt(c.ctx, c.base.Stream.Kind, ttpcron.DayOf(c.base.Time), []uint64{c.base.Seq, c.base.Seq + 1000}) {
				if err != nil {
					return nil, err
				}
				all = append(all, *e)
			}
			if len(all) != 1 || all[0].Seq != c.base.Seq {
				return nil, fmt.Errorf("the events are %+v", all)
			}
			return all, nil
		},
		"43 kinds, again":   func(s *store.Store) (any, error) { return s.History.Kinds(c.ctx) }, // when it has ended the log of the one before is there
		"54 awaited-before": func(s *store.Store) (any, error) { return s.Matches.AwaitedBefore(c.ctx) },
		"53 forget-horizon": func(s *store.Store) (any, error) { return s.File.ForgetHorizon(c.ctx, "") },
		"58 check": func(s *store.Store) (any, error) {
			r, err := s.File.Check(c.ctx, nil)
			return r.Damaged(), err
		},
		"37 space": func(s *store.Store) (any, error) {
			sp, err := s.File.MeasureSpace(c.ctx, nil)
			return len(sp.Buckets), err
		},
		"39 arrived-since": func(s *store.Store) (any, error) {
			return s.History.ArrivedSince(c.ctx, c.event.Time.AddDate(100, 0, 0)) // clocks differ by now
		},
		"40 arrived-at": func(s *store.Store) (any, error) {
			_, ok, err := s.History.ArrivedAt(c.ctx, 1) // the two stores were filled one after the other
			return ok, err
		},
		"38 backup": func(s *store.Store) (any, error) {
			return nil, s.File.Backup(c.ctx, filepath.Join(c.dir, "copy.db"), true, nil)
		},
	}
}

// Every call in the list has the same result through a real daemon as in the process that
// has the store open, and none is left out.
func TestEveryCallOfTheStore(t *testing.T) {
	n := newNode(t, rarely)
	n.Env = append(n.Env, "TTPCRON_INPUT=", "TTPCRON_LOG_LEVEL=trace")
	n.Write("events.jsonl", remoteEvents+"nonsense\n")
	n.Write("rules/several.yaml", severalRule)
	n.serving()
	for _, args := range [][]string{{"import", "events.jsonl", "--log-level", "off"}, {"run-once", "--since-days", "3650", "--log-level", "off"}, {"db", "backup", "own.db", "--log-level", "off"}} {
		if code, _, errs := n.run("", args...); code != exitDone {
			t.Fatalf("%v: %s", args, errs)
		}
	}
	n.forget()
	now := func() time.Time { return n.Base }
	open := func(path string, sockets ...string) *store.Store {
		t.Helper()
		o := store.Opener{DB: path, Sockets: sockets, LockTimeout: patience, Log: hclog.NewNullLogger(), Now: now}
		s, err := o.Write(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	served, local := open(n.Path("t.db"), settings.SocketOf(n.Path("t.db"))), open(n.Path("own.db"))
	defer local.Close()
	if _, ok := served.Daemon(); !ok {
		t.Fatal("the store is not a daemon's")
	}
	c := &calling{ctx: t.Context(), dir: t.TempDir()}
	c.prepare(t, local)
	steps := c.steps()
	for i := 1; i <= len(steps); i++ {
		name := ""
		for step := range steps {
			if strings.HasPrefix(step, fmt.Sprintf("%02d ", i)) {
				name = step
			}
		}
		want, err := steps[name](local)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := steps[name](served)
		if err != nil {
			t.Errorf("%s of a daemon: %v", name, err)
			continue
		}
		if d := nountest.Differences(pair{A: want}, pair{A: got}); len(d) > 0 {
			t.Errorf("%s of a daemon differs in %v:\n%+v\n%+v", name, d, got, want)
		}
	}
	// A run needs its turn.
	if _, err := served.Ledger.Commit(t.Context(), ttpcron.Commit{}); !errors.Is(err, store.ErrNoTurn) {
		t.Errorf("a commit without a turn: %v", err)
	}
	// What the daemon says comes through a pipe, later than its answer.
	for _, method := range store.Methods() {
		n.logged("call: method=" + method + "\n")
	}
	if info, err := os.Stat(filepath.Join(c.dir, "copy.db")); err != nil || info.Size() == 0 {
		t.Errorf("the copy: %v", err)
	}
}

// prepare finds what to ask for in a store.
func (c *calling) prepare(t *testing.T, s *store.Store) {
	t.Helper()
	tags, err := gathered(s.Tags.Query(c.ctx, ttpcron.TagQuery{Limit: 1}, nil))
	if err != nil || len(tags) != 1 {
		t.Fatalf("%d tags, %v", len(tags), err)
	}
	c.tag = tags[0]
	found := false
	if c.event, found, err = s.History.EventByID(c.ctx, c.tag.SourceKind, ttpcron.DayOf(c.tag.EventTime), c.tag.SourceID); !found || err != nil {
		t.Fatalf("no event of the tag: %v", err)
	}
	rejects, err := gathered(s.Archive.Rejects(c.ctx))
	if err != nil || len(rejects) != 1 {
		t.Fatalf("%d rejects, %v", len(rejects), err)
	}
	c.reject = rejects[0]
	runs, err := s.Ledger.Runs(c.ctx, 1)
	if err != nil || len(runs) != 1 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	c.set = runs[0].RuleSet
	matches, err := c.baseMatches(s, ttpcron.MatchQuery{Grouping: "attacker_ip"})
	if err != nil || len(matches) == 0 {
		t.Fatalf("%d base matches, %v", len(matches), err)
	}
	c.base = matches[0]
}

// severalRule is a rule over several events of the rules of tests.
const severalRule = `rule_id: SEV1
rule_version: 1
name: Several looks at the system
correlation:
  type: event_count
  rules: [TEST1, TEST2]
  group-by: [attacker_ip]
  timespan: 1h
  condition: {gte: 1}
emits:
  - {tactic: TA0007, technique_id: T1082, confidence: 0.8}
`
