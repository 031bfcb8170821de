package main

import (
	"context"
	"fmt"
	"iter"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/eval"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/tagger"
)

type noiseOptions struct {
	since, until string
	window       ttpcron.Window
	minLevel     cli.MinLevel
	replay       bool
	limit        int
	json         bool
}

// askedFor yields the counts of the requested rules, with each rule's name and level,
// empty if it is not loaded.
func askedFor[T any](o noiseOptions, rs ruleset.Set, counts []T, id func(*T) string) iter.Seq2[*T, noisyRule] {
	return func(yield func(*T, noisyRule) bool) {
		shown := 0
		for i := range counts {
			rule, loaded := rs.Rule(id(&counts[i]))
			if loaded && !o.minLevel.Admits(rule.Level) {
				continue // of a rule that is not loaded no level is known
			}
			if shown++; o.limit > 0 && shown > o.limit || !yield(&counts[i], noisyRule{rule.Name, levelOf(rule, loaded)}) {
				return
			}
		}
	}
}

// noisyRule is what is shown of a rule besides its counts.
type noisyRule struct{ name, level string }

func rulesNoise() *command {
	var o noiseOptions
	fs := cli.NewFlags()
	cli.TextVar(fs, &o.since, "since", "only events at or after `TIME`: "+cli.WhenForms)
	cli.TextVar(fs, &o.until, "until", "only events before `TIME`")
	fs.Var(&o.minLevel, "min-level", "only rules with `LEVEL` or above: low, medium, high, critical (default informational: all)")
	fs.BoolVar(&o.replay, "replay", false, "judge the stored events with the present rules, instead of counting stored tags")
	cli.LimitVar(fs, &o.limit, "limit", 0, "list at most `N` rules; 0 for all")
	fs.BoolVar(&o.json, "json", false, "print one JSON object a line, one for each rule")
	return &command{
		Name: "rules noise", Short: "show how often each rule fires", Flags: fs,
		Text: `Lists rules by how often they fire on the stored events, the most frequent
first. Without --replay it reads the daily counts of stored tags: TAGS is the
rule's number and SHARE its part of all tags.

With --replay the present rules, those of --rules included, judge every stored
event of the window again; nothing is written. EVENTS counts the events on which
a rule fires, SHARE is their part of all events, and DISTINCT counts different
contents among them. Many events with few distinct contents are one bot again
and again; many of both may mean that the rule is too broad. From 4,096 on,
DISTINCT is an estimate, within about 3 %. Correlations are left out; without
--replay their stored tags are counted.

LEVEL is the rule's present level, empty if the rule is not loaded. A rule that
fires often is noise if its level is medium or above. An informational rule may
fire as often as it likes.`,
		Examples: "ttpcron rules noise --since 30d --limit 20\nttpcron rules noise --min-level medium\nttpcron rules noise --replay --rules ./my-rules",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			var err error
			if o.window, err = cli.Window(o.since, o.until, s.now()); err != nil {
				return err
			}
			db, err := s.stores.Read(ctx)
			if err != nil {
				return err
			}
			defer db.Close()
			rs, report, err := loadRules(s.set, s.log)
			if err != nil {
				return err
			}
			ruleset.Warn(s.log, report)
			begun, err := db.History.Moment(ctx)
			if err != nil {
				return err
			}
			if o.replay {
				err = noiseOfEvents(ctx, s.out, s.log, db, rs, o)
			} else {
				err = noiseOfTags(ctx, s.out, db, rs, s.set.Attack, o)
			}
			if err != nil {
				return err
			}
			return streamed(ctx, s.out, db, begun)
		},
	}
}

// noiseJSON is one line of rules noise --json. The members that the chosen way
// of counting does not give are left out.
type noiseJSON struct {
	RuleID   string  `json:"rule_id"`
	Name     string  `json:"name"`
	Level    string  `json:"level,omitempty"` // of a rule that is loaded
	Tags     *int    `json:"tags,omitempty"`
	Events   *int    `json:"events,omitempty"`
	Distinct *int    `json:"distinct,omitempty"`
	Share    float64 `json:"share"`
}

// levelOf is a rule's level, or nothing if it is not loaded.
func levelOf(r tagger.Rule, loaded bool) string {
	if !loaded {
		return ""
	}
	return r.Level.String()
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

func noiseOfTags(ctx context.Context, out *term.Output, db *store.Store, rs ruleset.Set, under *attack.Table, o noiseOptions) error {
	s, err := db.Tags.Summary(ctx, o.window, ttpcron.MinLevels{}, nil, under)
	if err != nil {
		return err
	}
	t := term.Table{Columns: []term.Column{{Title: "RULE", SGR: term.Cyan}, {Title: "TAGS", Right: true}, {Title: "SHARE", Right: true}, {Title: "LEVEL"}, {Title: "FIRST"}, {Title: "LAST"}, {Title: "NAME", Min: 24}}}
	for r, rule := range askedFor(o, rs, s.Rules, func(r *ttpcron.RuleCount) string { return r.RuleID }) {
		if !o.json {
			t.Add(r.RuleID, term.Count(r.Tags), percent(share(r.Tags, s.Tags)), rule.level, term.Time(r.First), term.Time(r.Last), rule.name)
		} else if err := out.JSON(noiseJSON{RuleID: r.RuleID, Name: rule.name, Level: rule.level, Tags: &r.Tags, Share: share(r.Tags, s.Tags)}); err != nil {
			return err
		}
	}
	if err := out.Table(&t); err != nil {
		return err
	}
	fmt.Fprintf(out.Err, "%s of %s\n", term.Plural(s.Tags, "tag", "tags"), term.Plural(len(s.Rules), "rule", "rules"))
	return nil
}

func noiseOfEvents(ctx context.Context, out *term.Output, log hclog.Logger, db *store.Store, rs ruleset.Set, o noiseOptions) error {
	judge := judge(rs)
	n := eval.NewNoise(judge)
	if err := eachEvent(ctx, db, o.window, n.Add); err != nil {
		return err
	}
	r := n.Report()
	t := term.Table{Columns: []term.Column{{Title: "RULE", SGR: term.Cyan}, {Title: "EVENTS", Right: true}, {Title: "DISTINCT", Right: true}, {Title: "SHARE", Right: true}, {Title: "LEVEL"}, {Title: "NAME", Min: 24}}}
	for f, rule := range askedFor(o, rs, r.Rules, func(f *eval.RuleNoise) string { return f.RuleID }) {
		if !o.json {
			t.Add(f.RuleID, term.Count(f.Events), term.Count(f.Distinct), percent(share(f.Events, r.Events)), rule.level, rule.name)
		} else if err := out.JSON(noiseJSON{RuleID: f.RuleID, Name: rule.name, Level: rule.level, Events: &f.Events, Distinct: &f.Distinct, Share: share(f.Events, r.Events)}); err != nil {
			return err
		}
	}
	if err := out.Table(&t); err != nil {
		return err
	}
	fmt.Fprintf(out.Err, "%s, %s distinct; %s got a tag (%s), %.2f tags an event; %s fired\n", term.Plural(r.Events, "event", "events"), term.Count(r.Distinct),
		term.Count(r.Tagged), percent(share(r.Tagged, r.Events)), share(r.Tags, r.Events), term.Plural(len(r.Rules), "rule", "rules"))
	noteCorrelations(out, rs)
	if judge.bounded > 0 {
		log.Warn("a rule met a limit of work or size", "events", judge.bounded)
	}
	return nil
}

// eachEvent gives every stored event of a window to add.
func eachEvent(ctx context.Context, db *store.Store, w ttpcron.Window, add func(*ttpcron.Event)) error {
	kinds, err := db.History.Kinds(ctx)
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		for d, err := range jobs.Days(ctx, db.History, kind) {
			if err != nil {
				return err
			}
			if !w.Overlaps(d.Day) {
				continue
			}
			for page, err := range db.History.Events(ctx, kind, d.Day, 0, d.LastSeq) {
				if err != nil {
					return err
				}
				for i := range page {
					if w.Contains(page[i].Time) {
						add(&page[i])
					}
				}
			}
		}
	}
	return nil
}

// percent formats a share: 12.3 %.
func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
