package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
)

// correlationsJSON is a run's work on correlations. As a line of run-once --json, its
// first member distinguishes it from others.
type correlationsJSON struct {
	Rules    int     `json:"correlations"` // in force
	Days     int     `json:"days"`
	Waiting  int     `json:"waiting_days"` // not judged, since the run ended before
	Matches  int     `json:"base_matches"`
	Groups   int     `json:"groups"`
	Bounded  int     `json:"bounded"`
	LeftOut  int     `json:"left_out"` // base matches whose value is negative or no number
	Tags     int     `json:"tags"`
	Inserted int     `json:"inserted"`
	Known    int     `json:"known"`
	Replaced int     `json:"replaced"`
	Removed  int     `json:"removed"`
	Foretold bool    `json:"foretold"` // false in a dry run that does not know all that they would find
	Elapsed  float64 `json:"elapsed_s"`

	// Of a dry run: rules of which it does not know what they would find, and about how many
	// events no run has looked at.
	Unforetold []string `json:"not_foretold,omitempty"`
	Untagged   int      `json:"untagged,omitempty"`
}

// correlationsOf is nil for a run without correlations in force.
func correlationsOf(c *ttpcron.CorrelationReport) *correlationsJSON {
	if c.Rules == 0 {
		return nil
	}
	return &correlationsJSON{c.Rules, c.Days, c.Waiting, c.Matches, c.Groups, c.Bounded, c.LeftOut, c.Tags, c.Inserted, c.Known, c.Replaced, c.Removed, !c.NotForetold, float64(c.Elapsed.Milliseconds()) / 1000, nil, 0}
}

// printCorrelations prints a run's work on correlations.
func printCorrelations(out *term.Output, r *jobs.Report) {
	c := &r.Run.Correlation
	if c.Rules == 0 {
		return
	}
	rules := term.Plural(c.Rules-len(r.Unforetold), "rule", "rules")
	fmt.Fprintf(out, "%s: ", out.Term.Paint(term.Bold, "Correlations"))
	switch {
	case len(r.Unforetold) == c.Rules, c.NotForetold && c.Days+c.Waiting == 0:
		fmt.Fprintln(out, "nothing is foretold.")
	case c.Days+c.Waiting == 0:
		fmt.Fprintf(out, "nothing new for %s to judge.\n", rules)
	default:
		days := term.Plural(c.Days, "day", "days")
		if c.Waiting > 0 {
			days = fmt.Sprintf("%s of %s", term.Count(c.Days), term.Plural(c.Days+c.Waiting, "day", "days"))
		}
		fmt.Fprintf(out, "%s judged %s on %s: %s, %s; took %s\n", rules, groups(c.Groups), days,
			term.Plural(c.Tags, "tag", "tags"), changes(ttpcron.TagChanges{Inserted: c.Inserted, Replaced: c.Replaced, Removed: c.Removed}), term.Ago(c.Elapsed))
	}
}

// groups is the number of groups.
func groups(n int) string {
	text := term.Plural(n, "group", "groups")
	if n > ttpcron.ExactGroups {
		return "about " + text
	}
	return text
}

// noteUnforetold says what a dry run cannot predict about correlations.
func noteUnforetold(w io.Writer, r *jobs.Report) {
	if n := len(r.Unforetold); n > 0 {
		shown := strings.Join(r.Unforetold[:min(n, 5)], ", ")
		if n > 5 {
			shown += ", …"
		}
		fmt.Fprintf(w, "\nNot foretold: what %s would find (%s). Runs have not looked at events for them yet.\n", term.Plural(n, "correlation", "correlations"), term.Clean(shown))
	}
	if r.Untagged > 0 && r.Run.Correlation.Rules > 0 {
		fmt.Fprintf(w, "\nNot foretold: what correlations would find with %s at which no run has looked yet.\n", term.Plural(r.Untagged, "event", "events"))
	}
}

// noteBoundedGroups says in how many groups something may be missing, and how many values
// are not numbers.
func noteBoundedGroups(w io.Writer, c *ttpcron.CorrelationReport) {
	if c.LeftOut > 0 {
		fmt.Fprintf(w, "\n%s left out where correlations add up numbers: what is negative or no number does not count.\n", term.Plural(c.LeftOut, "value is", "values are"))
	}
	if c.Bounded > 0 {
		fmt.Fprintf(w, "\nIn %s a correlation met a limit of memory: findings may be missing.\n", groups(c.Bounded))
	}
}
