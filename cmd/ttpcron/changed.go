package main

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
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
func superseded(ctx context.Context, db store, rules ruleSet) ([]supersededJSON, error) {
	versions, err := db.RuleVersions(ctx)
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
func (a *app) changedLines(r jobs.Report, old []supersededJSON, dry bool) error {
	for _, c := range r.Changed {
		j := changedJSON{RuleID: c.RuleID, Version: c.Version, Why: c.Why, Tags: c.Tags}
		if hadVersion(c) {
			j.Was = &c.Was
		}
		if dry {
			j.New = &c.New
		}
		if err := a.printJSON(j); err != nil {
			return err
		}
	}
	for _, j := range old {
		if err := a.printJSON(j); err != nil {
			return err
		}
	}
	return nil
}

// printChanged shows the same to people.
func (a *app) printChanged(r jobs.Report, old []supersededJSON, dry bool) error {
	events, tags, fresh := 0, 0, 0
	for _, s := range r.Run.Sources {
		events, tags, fresh = events+s.Retagged, tags+s.RetagTags, fresh+s.RetagInserted
	}
	if len(r.Changed) > 0 {
		fmt.Fprintf(a.stdout, "\n%s with %s: %s, %s new.\n", a.out.paint(bold, "Looked again at "+plural(events, "event", "events")),
			plural(len(r.Changed), "new or changed rule", "new or changed rules"), plural(tags, "tag", "tags"), count(fresh))
	}
	t := table{columns: []column{{title: "RULE", sgr: cyan}, {title: "VERSION", right: true}, {title: "WAS", right: true}, {title: "CHANGE"}, {title: "TAGS", right: true}}}
	if dry {
		t.columns = append(t.columns, column{title: "NEW", right: true, sgr: green})
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
		row := []string{c.RuleID, fmt.Sprint(c.Version), was, c.Why, count(c.Tags)}
		if dry {
			row = append(row, count(c.New))
		}
		t.add(row...)
	}
	if err := t.print(a.stdout, a.out); err != nil {
		return err
	}
	if n := len(r.Changed) - len(shown); n > 0 {
		fmt.Fprintf(a.stdout, "and %s; --json lists all\n", plural(n, "other", "others"))
	}
	return a.printSuperseded(old)
}

func (a *app) printSuperseded(old []supersededJSON) error {
	if len(old) == 0 {
		return nil
	}
	fmt.Fprintf(a.stdout, "\n%s\n", a.out.paint(bold, "Tags in the store of versions that are no longer loaded"))
	t := table{columns: []column{{title: "RULE", sgr: cyan}, {title: "VERSION", right: true}, {title: "NOW", right: true}, {title: "TAGS", right: true}, {title: ""}}}
	for _, j := range old {
		now, note := "none", ""
		if j.Now != nil {
			now = fmt.Sprint(*j.Now)
		}
		if j.Retired {
			note = "retired"
		}
		t.add(j.RuleID, fmt.Sprint(j.Version), now, count(j.Tags), note)
	}
	if err := t.print(a.stdout, a.out); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "They are kept and shown; ttpcron rules retire RULE@VERSION hides those of one.\n")
	return nil
}

// hadVersion reports whether a rule was in force before in a version that is
// known.
func hadVersion(c jobs.ChangedRule) bool {
	return c.Why != ttpcron.ChangeNew && c.Why != ttpcron.ChangeUnknown
}
