package main

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
)

// changedShown is how many changed rules a run lists; a dry run lists all.
const changedShown = 10

type changedJSON struct {
	RuleID  string `json:"changed_rule"`
	Version int    `json:"rule_version"`
	Was     *int   `json:"was"` // null for a rule that was not in force
	Why     string `json:"why"`
	Tags    int    `json:"tags"`
	New     *int   `json:"new,omitempty"` // in a dry run
}

// supersededJSON is a version of a rule that is no longer loaded, of which the
// store holds tags.
type supersededJSON struct {
	RuleID  string `json:"superseded_rule"`
	Version int    `json:"rule_version"`
	Now     *int   `json:"now"` // the version that is loaded; null for none
	Tags    int    `json:"tags"`
	Retired bool   `json:"retired"`
}

// superseded lists the tags of versions of rules that are no longer loaded.
func superseded(ctx context.Context, db *store.Store, rules ruleset.Set) ([]supersededJSON, error) {
	versions, err := db.Rules.Versions(ctx)
	if err != nil {
		return nil, err
	}
	now := map[string]int{}
	for _, r := range rules.Rules() {
		now[r.ID] = r.Version
	}
	var out []supersededJSON
	for _, v := range versions {
		j := supersededJSON{RuleID: v.RuleID, Version: v.Version, Tags: v.Tags, Retired: v.Retired}
		if n, loaded := now[v.RuleID]; loaded {
			j.Now = &n
		}
		if j.Now == nil || *j.Now != v.Version {
			out = append(out, j)
		}
	}
	return out, nil
}

// changedLines prints the rules with which covered events were looked at again,
// and what they supersede, as JSON.
func changedLines(out *term.Output, r jobs.Report, old []supersededJSON, dry bool) error {
	for _, c := range r.Changed {
		j := changedJSON{RuleID: c.RuleID, Version: c.Version, Why: c.Why, Tags: c.Tags}
		if hadVersion(c) {
			j.Was = &c.Was
		}
		if dry {
			j.New = &c.New
		}
		if err := out.JSON(j); err != nil {
			return err
		}
	}
	for _, j := range old {
		if err := out.JSON(j); err != nil {
			return err
		}
	}
	return nil
}

// printChanged shows the same to people.
func printChanged(out *term.Output, r jobs.Report, old []supersededJSON, dry bool) error {
	events, tags, fresh := 0, 0, 0
	for _, s := range r.Run.Sources {
		events, tags, fresh = events+s.Retagged, tags+s.RetagTags, fresh+s.RetagInserted
	}
	if len(r.Changed) > 0 {
		fmt.Fprintf(out, "\n%s with %s: %s, %s new.\n", out.Term.Paint(term.Bold, "Looked again at "+term.Plural(events, "event", "events")),
			term.Plural(len(r.Changed), "new or changed rule", "new or changed rules"), term.Plural(tags, "tag", "tags"), term.Count(fresh))
	}
	t := term.Table{Columns: []term.Column{{Title: "RULE", SGR: term.Cyan}, {Title: "VERSION", Right: true}, {Title: "WAS", Right: true}, {Title: "CHANGE"}, {Title: "TAGS", Right: true}}}
	if dry {
		t.Columns = append(t.Columns, term.Column{Title: "NEW", Right: true, SGR: term.Green})
	}
	shown := r.Changed
	if !dry && len(shown) > changedShown+1 {
		shown = shown[:changedShown]
	}
	for _, c := range shown {
		was := "-"
		if hadVersion(c) {
			was = fmt.Sprint(c.Was)
		}
		row := []string{c.RuleID, fmt.Sprint(c.Version), was, c.Why, term.Count(c.Tags)}
		if dry {
			row = append(row, term.Count(c.New))
		}
		t.Add(row...)
	}
	if err := out.Table(&t); err != nil {
		return err
	}
	if n := len(r.Changed) - len(shown); n > 0 {
		fmt.Fprintf(out, "and %s; --json lists all\n", term.Plural(n, "other", "others"))
	}
	return printSuperseded(out, old)
}

func printSuperseded(out *term.Output, old []supersededJSON) error {
	if len(old) == 0 {
		return nil
	}
	fmt.Fprintf(out, "\n%s\n", out.Term.Paint(term.Bold, "Tags in the store of versions that are no longer loaded"))
	t := term.Table{Columns: []term.Column{{Title: "RULE", SGR: term.Cyan}, {Title: "VERSION", Right: true}, {Title: "NOW", Right: true}, {Title: "TAGS", Right: true}, {Title: ""}}}
	for _, j := range old {
		now, note := "none", ""
		if j.Now != nil {
			now = fmt.Sprint(*j.Now)
		}
		if j.Retired {
			note = "retired"
		}
		t.Add(j.RuleID, fmt.Sprint(j.Version), now, term.Count(j.Tags), note)
	}
	if err := out.Table(&t); err != nil {
		return err
	}
	fmt.Fprintf(out, "They are kept and shown; ttpcron rules retire RULE@VERSION hides those of one.\n")
	return nil
}

// hadVersion reports whether a rule was in force before in a version that is
// known.
func hadVersion(c jobs.ChangedRule) bool {
	return c.Why != ttpcron.ChangeNew && c.Why != ttpcron.ChangeUnknown
}
