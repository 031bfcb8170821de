package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// correlationStatus is a store's data about correlations.
type correlationStatus struct {
	Tags    int           `json:"tags"` // that are shown
	Matches int           `json:"base_matches"`
	Days    int           `json:"days"`    // with base matches
	Waiting int           `json:"waiting"` // base matches that came or went and are not judged yet
	Rules   []ruleTagJSON `json:"rules"`   // those with the most tags first
	// AwaitedBefore is the day before which events may come in again, since the horizon was
	// forgotten, and none has.
	AwaitedBefore *string `json:"awaited_before"`
}

type ruleTagJSON struct {
	RuleID string `json:"rule_id"`
	Tags   int    `json:"tags"`
}

// statusOfCorrelations counts tags by rule, and base matches. It scans nothing.
func statusOfCorrelations(ctx context.Context, db *store.Store, now time.Time) (s correlationStatus, err error) {
	s.Rules = []ruleTagJSON{}
	for d, err := range matchDays(ctx, db, ttpcron.Window{}) {
		if err != nil {
			return s, err
		}
		s.Matches += d.Matches
		s.Waiting += d.Touched
		if d.Matches > 0 {
			s.Days++
		}
	}
	awaited, err := db.Matches.AwaitedBefore(ctx)
	if err != nil {
		return s, err
	}
	if awaited > 0 {
		text := awaited.String()
		s.AwaitedBefore = &text
	}
	ids, err := db.Ledger.RulesOf(ctx, ttpcron.Correlation)
	if err != nil || len(ids) == 0 {
		return s, err
	}
	life, err := ruleset.ReadLife(ctx, db.Rules)
	if err != nil {
		return s, err
	}
	shown := life.Decided(now)
	versions, err := db.Rules.Versions(ctx)
	if err != nil {
		return s, err
	}
	for _, v := range versions {
		if _, ok := slices.BinarySearch(ids, v.RuleID); !ok || v.Retired {
			continue
		}
		if shown != nil {
			if _, ok := shown(&ttpcron.Claim{RuleID: v.RuleID, RuleVersion: v.Version, Confidence: 1}); !ok {
				continue
			}
		}
		s.Tags += v.Tags
		if n := len(s.Rules); n > 0 && s.Rules[n-1].RuleID == v.RuleID {
			s.Rules[n-1].Tags += v.Tags
		} else if v.Tags > 0 {
			s.Rules = append(s.Rules, ruleTagJSON{v.RuleID, v.Tags})
		}
	}
	slices.SortStableFunc(s.Rules, func(a, b ruleTagJSON) int { return cmp.Compare(b.Tags, a.Tags) })
	return s, nil
}

// correlationsShown is how many correlations status lists.
const correlationsShown = 10

func printStatusOfCorrelations(out *term.Output, s *correlationStatus) error {
	if s.Matches+s.Waiting+s.Tags == 0 {
		return nil
	}
	t := term.Table{Columns: []term.Column{{Title: "CORRELATION", SGR: term.Cyan}, {Title: "TAGS", Right: true, SGR: term.Green}}}
	for _, r := range s.Rules[:min(len(s.Rules), correlationsShown)] {
		t.Add(r.RuleID, term.Count(r.Tags))
	}
	fmt.Fprintln(out)
	if err := out.Table(&t); err != nil {
		return err
	}
	if n := len(s.Rules) - correlationsShown; n > 0 {
		fmt.Fprintf(out, "and %s; --json lists all\n", term.Plural(n, "other", "others"))
	}
	waiting := "all are judged"
	if s.Waiting > 0 {
		waiting = out.Term.Paint(term.Yellow, term.Plural(s.Waiting, "that came or went is not judged yet", "that came or went are not judged yet"))
	}
	if s.AwaitedBefore != nil {
		fmt.Fprintln(out, out.Term.Paint(term.Yellow, "the horizon was forgotten, and no event of the days before "+*s.AwaitedBefore+" has come in again: import their logs (ttpcron import --again PATH) before a run judges these days"))
	}
	fmt.Fprintf(out, "%s on %s, %s\n", term.Plural(s.Matches, "base match", "base matches"), term.Plural(s.Days, "day", "days"), waiting)
	return nil
}
