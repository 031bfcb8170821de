package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
)

// changedShown is how many rules with changed tags a run lists; a dry run lists all.
const changedShown = 10

type changedJSON struct {
	RuleID   string `json:"changed_rule"`
	Version  int    `json:"rule_version"`
	Was      *int   `json:"was"` // null for a rule that was not in force
	Why      string `json:"why"`
	Tags     int    `json:"tags"`
	Inserted int    `json:"inserted"`
	Replaced int    `json:"replaced"`
	Removed  int    `json:"removed"`
}

// changesJSON is what a dry run would do with the tags of a rule and technique.
type changesJSON struct {
	RuleID    string `json:"rule_id"`
	Technique string `json:"changed_technique"`
	Inserted  int    `json:"inserted"`
	Replaced  int    `json:"replaced"`
	Removed   int    `json:"removed"`
}

// orphanJSON is a version of a rule that is not loaded but has tags in the store.
type orphanJSON struct {
	RuleID  string `json:"orphan_rule"`
	Version int    `json:"rule_version"`
	Tags    int    `json:"tags"`
	Retired bool   `json:"retired"`
}

// orphans lists the tags of rules that are not loaded.
func orphans(ctx context.Context, db *store.Store, rules ruleset.Set) ([]orphanJSON, error) {
	versions, err := db.Rules.Versions(ctx)
	if err != nil {
		return nil, err
	}
	var out []orphanJSON
	for _, v := range versions {
		if !rules.Has(v.RuleID) {
			out = append(out, orphanJSON{v.RuleID, v.Version, v.Tags, v.Retired})
		}
	}
	return out, nil
}

// listed leaves out rules that looked at events again only because it was unknown which
// rules had done that, and that changed no tags.
func listed(changed []jobs.ChangedRule) []jobs.ChangedRule {
	return slices.DeleteFunc(slices.Clone(changed), func(c jobs.ChangedRule) bool {
		return c.Why == ttpcron.ChangeUnknown && c.TagChanges == ttpcron.TagChanges{}
	})
}

// lookedWith says with which rules a run has reviewed events.
func lookedWith(changed []jobs.ChangedRule) string {
	known := 0
	for _, c := range changed {
		if c.Why != ttpcron.ChangeUnknown {
			known++
		}
	}
	switch all := term.Plural(len(changed), "rule", "rules"); known {
	case len(changed):
		return term.Plural(known, "new or changed rule", "new or changed rules")
	case 0:
		return all
	default:
		return fmt.Sprintf("%s, %s of them new or changed", all, term.Count(known))
	}
}

// changedLines prints the results of new or changed rules as JSON, or in a dry run the
// predicted ones.
func changedLines(out *term.Output, r jobs.Report, old []orphanJSON, dry bool) error {
	for _, c := range listed(r.Changed) {
		j := changedJSON{RuleID: c.RuleID, Version: c.Version, Why: c.Why, Tags: c.Tags, Inserted: c.Inserted, Replaced: c.Replaced, Removed: c.Removed}
		if c.Was != 0 {
			j.Was = &c.Was
		}
		if err := out.JSON(j); err != nil {
			return err
		}
	}
	if dry {
		for _, k := range byRule(r.Tags) {
			n := r.Tags.Changes[k]
			if err := out.JSON(changesJSON{k.RuleID, k.Technique, n.Inserted, n.Replaced, n.Removed}); err != nil {
				return err
			}
		}
	}
	for _, j := range old {
		if err := out.JSON(j); err != nil {
			return err
		}
	}
	return nil
}

// byRule lists the rules and techniques with changes.
func byRule(c ttpcron.Committed) []ttpcron.RuleTechnique {
	return slices.SortedFunc(maps.Keys(c.Changes), func(a, b ttpcron.RuleTechnique) int {
		return cmp.Or(cmp.Compare(a.RuleID, b.RuleID), cmp.Compare(a.Technique, b.Technique))
	})
}

// changes says what became, or would become, of tags.
func changes(n ttpcron.TagChanges) string {
	return fmt.Sprintf("%s new, %s changed, %s gone", term.Count(n.Inserted), term.Count(n.Replaced), term.Count(n.Removed))
}

// printChanged shows the same to people.
func printChanged(out *term.Output, r jobs.Report, old []orphanJSON, dry bool) error {
	events, tags := 0, 0
	n := ttpcron.TagChanges{}
	for _, s := range r.Run.Sources {
		events, tags = events+s.Retagged, tags+s.RetagTags
		n.Add(ttpcron.TagChanges{Inserted: s.RetagInserted, Replaced: s.Replaced, Removed: s.Removed})
	}
	switch {
	case len(r.Changed) == 0:
	case events > 0:
		fmt.Fprintf(out, "\n%s with %s: %s, %s.\n", out.Term.Paint(term.Bold, "Looked again at "+term.Plural(events, "event", "events")),
			lookedWith(r.Changed), term.Plural(tags, "tag", "tags"), changes(n))
	default: // every event was looked at with all rules
		for _, c := range r.Changed {
			n.Inserted += c.Inserted
		}
		fmt.Fprintf(out, "\n%s: %s.\n", out.Term.Paint(term.Bold, "Looked with "+lookedWith(r.Changed)), changes(n))
	}
	counts := []term.Column{{Title: "NEW", Right: true, SGR: term.Green}, {Title: "CHANGED", Right: true}, {Title: "GONE", Right: true, SGR: term.Red}}
	t := term.Table{Columns: append([]term.Column{{Title: "RULE", SGR: term.Cyan}, {Title: "VERSION", Right: true}, {Title: "WAS", Right: true}, {Title: "CHANGE"}, {Title: "TAGS", Right: true}}, counts...)}
	shown := slices.DeleteFunc(listed(r.Changed), func(c jobs.ChangedRule) bool { return c.TagChanges == ttpcron.TagChanges{} })
	others, same := 0, len(listed(r.Changed))-len(shown)
	if !dry && len(shown) > changedShown+1 {
		shown, others = shown[:changedShown], len(shown)-changedShown
	}
	for _, c := range shown {
		was := "-"
		if c.Was != 0 {
			was = fmt.Sprint(c.Was)
		}
		t.Add(c.RuleID, fmt.Sprint(c.Version), was, c.Why, term.Count(c.Tags), term.Count(c.Inserted), term.Count(c.Replaced), term.Count(c.Removed))
	}
	if err := out.Table(&t); err != nil {
		return err
	}
	switch {
	case others > 0 && same > 0:
		fmt.Fprintf(out, "and %s, and %s whose tags stay as they are; --json lists all\n", term.Plural(others, "other", "others"), term.Count(same))
	case others > 0:
		fmt.Fprintf(out, "and %s; --json lists all\n", term.Plural(others, "other", "others"))
	case same > 0:
		fmt.Fprintf(out, "The tags of %s stay as they are.\n", term.Plural(same, "changed rule", "changed rules"))
	}
	if !dry {
		return printOrphans(out, old)
	}
	if len(r.Tags.Changes) > 0 {
		fmt.Fprintf(out, "\n%s: %s\n", out.Term.Paint(term.Bold, "What a run would do with tags"), changes(r.Tags.TagChanges))
	}
	t = term.Table{Columns: append([]term.Column{{Title: "RULE", SGR: term.Cyan}, {Title: "TECHNIQUE", SGR: term.Yellow}}, counts...)}
	for _, k := range byRule(r.Tags) {
		n := r.Tags.Changes[k]
		t.Add(k.RuleID, k.Technique, term.Count(n.Inserted), term.Count(n.Replaced), term.Count(n.Removed))
	}
	if err := out.Table(&t); err != nil {
		return err
	}
	return printOrphans(out, old)
}

func printOrphans(out *term.Output, old []orphanJSON) error {
	if len(old) == 0 {
		return nil
	}
	fmt.Fprintf(out, "\n%s\n", out.Term.Paint(term.Bold, "Tags in the store of rules that are not loaded"))
	t := term.Table{Columns: []term.Column{{Title: "RULE", SGR: term.Cyan}, {Title: "VERSION", Right: true}, {Title: "TAGS", Right: true}, {Title: ""}}}
	for _, j := range old {
		note := ""
		if j.Retired {
			note = "retired"
		}
		t.Add(j.RuleID, fmt.Sprint(j.Version), term.Count(j.Tags), note)
	}
	if err := out.Table(&t); err != nil {
		return err
	}
	fmt.Fprintf(out, "They are kept and shown; ttpcron rules retire RULE hides them, ttpcron db prune --orphans takes them out.\n")
	return nil
}
