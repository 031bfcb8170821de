package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/tagger"
)

// ruleFilter says which rules are listed.
type ruleFilter struct {
	ids       []string // empty for all
	technique string
	claims    ttpcron.TagQuery // by technique, as it is shown
	under     *attack.Table
	kind      string
	level     cli.MinLevel // a rule has this one or a higher one, if it is set
	attention bool
}

func rulesList() *command {
	var f ruleFilter
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object a line")
	cli.TextVar(fs, &f.technique, "technique", "only rules that claim technique `ID` or one of its sub-techniques; of any ATT&CK release")
	cli.TextVar(fs, &f.kind, "kind", "only rules for events of `KIND`, such as command, or correlation for correlations")
	fs.Var(&f.level, "min-level", "only rules with `LEVEL` or above: low, medium, high, critical (default informational: all)")
	fs.BoolVar(&f.attention, "attention", false, "only rules that are disabled, clipped, retired, inert or slow")
	return &command{
		Name: "rules list", Args: "[ID...]", Short: "list the rules and their state", Flags: fs, Unstored: true,
		Text: `Lists the rules that a run would use, or only those that you name. If there is a
store, it adds their state: disabled or clipped, with the reason and the time
when that ends; or retired, if this version's tags are hidden. A rule that can
never match is listed as inert, with the reason. A slow rule has to be tried on
every new text; --json says why.

For a correlation, APPLIES TO shows what it counts and of which rules, and
GROUPED BY the fields of its groups. SCOPE is "address" if all events of a group
share one address, so that each node of a fleet divided by address can judge it.
It is "whole" if only a store with all events can. Rules that a correlation
refers to are marked as feeding it; a rule without a technique of its own only
feeds.`,
		Examples: "ttpcron rules list --technique T1105\nttpcron rules list --kind correlation\nttpcron rules list --min-level high\nttpcron rules list --attention\nttpcron rules list TC2303 --json",
		Exits:    []int{exitFailed, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			f.ids, f.under = args, s.set.Attack
			note, err := selectTechnique(&f.claims, f.technique, f.under)
			if err != nil {
				return err
			}
			if note != "" {
				s.out.Note("%s", note)
			}
			rs, life, report, err := rulesWithLife(ctx, s)
			if err != nil {
				return err
			}
			ruleset.Warn(s.log, report)
			rules, err := f.of(rs, life)
			if err != nil {
				return err
			}
			if *asJSON {
				return ruleLines(s.out, rules, life, f.under)
			}
			return ruleTable(s.out, rules, life, report, f.under)
		},
	}
}

// of lists the rules that pass. One that is named must be there.
func (f *ruleFilter) of(rs ruleset.Set, life ruleset.Life) ([]tagger.Rule, error) {
	for _, id := range f.ids {
		if _, ok := rs.Rule(id); !ok {
			return nil, unknownRule(rs, id)
		}
	}
	var out []tagger.Rule
	kinds := map[string]bool{}
	for _, r := range rs.Rules() {
		for _, k := range ruleKinds(&r) {
			kinds[string(k)] = true
		}
		if f.passes(&r, life) {
			out = append(out, r)
		}
	}
	if f.kind != "" && !kinds[f.kind] && rs.Len() > 0 {
		names := make([]string, 0, len(kinds))
		for k := range kinds {
			names = append(names, k)
		}
		slices.Sort(names)
		return nil, cli.Hint(fmt.Errorf("no rule applies to events of the kind %s", f.kind), "there are rules for "+strings.Join(names, ", "))
	}
	return out, nil
}

func (f *ruleFilter) passes(r *tagger.Rule, life ruleset.Life) bool {
	claims := func(c ttpcron.Claim) bool {
		shown := f.under.Shown(&c)
		return f.claims.MatchClaim(&shown)
	}
	switch {
	case len(f.ids) > 0 && !slices.Contains(f.ids, r.ID),
		f.technique != "" && !slices.ContainsFunc(r.Claims, claims),
		!f.level.Admits(r.Level),
		f.kind != "" && !slices.Contains(ruleKinds(r), ttpcron.SourceKind(f.kind)),
		f.attention && slices.Contains([]string{string(ttpcron.StatusEnabled), onlyFeeds}, stateText(r, life)):
		return false
	}
	return true
}

// ruleKinds are the kinds under which a rule is listed: those of its events, or
// correlation.
func ruleKinds(r *tagger.Rule) []ttpcron.SourceKind {
	if r.Correlation != nil {
		return []ttpcron.SourceKind{ttpcron.Correlation}
	}
	return r.Kinds
}

// onlyFeeds is the state of a rule that makes no tag, and is there for correlations.
const onlyFeeds = "only feeds"

// stateText is a rule's state in a word or two.
func stateText(r *tagger.Rule, life ruleset.Life) string {
	var text, more string
	switch {
	case r.Inert != "":
		text, more = "inert", ": "+r.Inert
	case len(r.Claims) == 0 && len(r.Feeds) > 0:
		text = onlyFeeds
	case len(r.Claims) == 0:
		text, more = "no tag", ": it names no technique"
	case r.State.Status == ttpcron.StatusClipped, r.State.Status == ttpcron.StatusDisabled:
		lasting := r.State
		lasting.ExpiresAt = time.Time{}
		text = lasting.String()
		if !r.State.ExpiresAt.IsZero() {
			text += " until " + term.Time(r.State.ExpiresAt)
		}
		if r.State.Reason != "" {
			text += " (" + r.State.Reason + ")"
		}
	case !r.Active:
		text, more = "emits nothing", ": confidence under 0.3"
	default:
		text = "enabled"
	}
	if r.Slow != "" {
		text += ", slow"
	}
	if life.HidesRule(r) != nil {
		return text + ", retired" + more
	}
	for _, v := range life.RetiredVersions(r) {
		text += fmt.Sprintf(", version %d retired", v)
	}
	return text + more
}

// ruleTable prints rules as a table, and below it how many there are of each sort.
func ruleTable(out *term.Output, rules []tagger.Rule, life ruleset.Life, report *tagger.LoadReport, under *attack.Table) error {
	t := term.Table{Columns: []term.Column{
		{Title: "RULE", SGR: term.Cyan}, {Title: "VER", Right: true}, {Title: "APPLIES TO", Min: 10}, {Title: "TECHNIQUES", Min: 12, SGR: term.Yellow}, {Title: "LEVEL", Spare: 1}, {Title: "STATE", Min: 17}, {Title: "NAME", Min: 24},
	}}
	correlations := slices.ContainsFunc(rules, func(r tagger.Rule) bool { return r.Correlation != nil })
	if correlations {
		t.Columns = slices.Insert(t.Columns, 3, term.Column{Title: "GROUPED BY", Min: 10, Spare: 3}, term.Column{Title: "SCOPE", Spare: 2})
	}
	for i := range rules {
		r := &rules[i]
		var claims []string
		for _, c := range r.Claims {
			if shown := under.Shown(&c); !slices.Contains(claims, shown.Technique()) {
				claims = append(claims, shown.Technique())
			}
		}
		row := []string{r.ID, fmt.Sprint(r.Version), appliesTo(r), strings.Join(claims, ","), r.Level.String(), stateText(r, life) + feedsText(r), r.Name}
		if correlations {
			by, scope := "", ""
			if c := r.Correlation; c != nil {
				by, scope = strings.Join(c.GroupBy, ","), string(c.Scope)
			}
			row = slices.Insert(row, 3, by, scope)
		}
		t.Add(row...)
	}
	if err := out.Table(&t); err != nil {
		return err
	}
	out.Note("%s", ruleSummary(rules, life, ruleset.Refused(report)))
	return nil
}

// appliesTo says which events a rule looks at, or what it counts of which rules.
func appliesTo(r *tagger.Rule) string {
	if c := r.Correlation; c != nil {
		return string(c.Type) + " of " + strings.Join(c.Rules, ",")
	}
	var kinds []string
	for _, k := range r.Kinds {
		kinds = append(kinds, string(k))
	}
	return strings.Join(kinds, ",")
}

// feedsText says which correlations a rule feeds: a single one by id, several by number.
func feedsText(r *tagger.Rule) string {
	switch {
	case len(r.Feeds) == 0:
		return ""
	case len(r.Feeds) == 1 && len(r.Claims) == 0:
		return " " + r.Feeds[0]
	case len(r.Feeds) == 1:
		return ", feeds " + r.Feeds[0]
	case len(r.Claims) == 0:
		return " " + term.Plural(len(r.Feeds), "correlation", "correlations")
	}
	return ", feeds " + term.Plural(len(r.Feeds), "correlation", "correlations")
}

// ruleSummary says how many rules are disabled, clipped, retired and so on.
func ruleSummary(rules []tagger.Rule, life ruleset.Life, refused int) string {
	var disabled, clipped, inert, slow, retired int
	for i := range rules {
		r := &rules[i]
		switch {
		case r.Inert != "":
			inert++
		case r.State.Status == ttpcron.StatusDisabled:
			disabled++
		case r.State.Status == ttpcron.StatusClipped:
			clipped++
		}
		if r.Slow != "" {
			slow++
		}
		if life.HidesRule(r) != nil {
			retired++
		}
	}
	summary := term.Plural(len(rules), "rule", "rules")
	several := severalOf(rules)
	if n := several.correlations; n > 0 {
		summary += ", " + term.Plural(n, "correlation", "correlations")
	}
	if n := several.bases; n > 0 {
		summary += ", " + term.Plural(n, "base rule", "base rules")
	}
	for _, part := range []struct {
		n    int
		what string
	}{{disabled, "disabled"}, {clipped, "clipped"}, {inert, "inert"}, {retired, "retired"}, {slow, "slow"}} {
		if part.n > 0 {
			summary += fmt.Sprintf(", %s %s", term.Count(part.n), part.what)
		}
	}
	if refused > 0 {
		summary += fmt.Sprintf(", %s refused: ttpcron rules check says why", term.Plural(refused, "file", "files"))
	}
	return summary
}

type ruleJSON struct {
	RuleID      string               `json:"rule_id"`
	Version     int                  `json:"rule_version"`
	Name        string               `json:"name"`
	Description string               `json:"description"`
	AppliesTo   []ttpcron.SourceKind `json:"applies_to"`
	Correlation *correlationJSON     `json:"correlation"` // of a rule over several events, else null
	Feeds       []string             `json:"feeds"`       // correlations that name the rule
	Level       string               `json:"level"`
	Emits       []claimJSON          `json:"emits"`
	References  []string             `json:"references"`
	Source      string               `json:"source"`
	File        string               `json:"file"`
	Active      bool                 `json:"active"`
	State       string               `json:"state"`
	Ceiling     *float64             `json:"confidence_max,omitempty"` // of a clipped rule
	ExpiresAt   *time.Time           `json:"expires_at,omitempty"`
	Reason      string               `json:"reason,omitempty"`
	Retired     bool                 `json:"retired"` // the tags of this version are hidden
	RetiredOld  []int                `json:"retired_versions,omitempty"`
	Inert       string               `json:"inert,omitempty"`
	Slow        string               `json:"slow,omitempty"`
	Examples    int                  `json:"examples"`
}

type correlationJSON struct {
	Type      string   `json:"type"`
	Rules     []string `json:"rules"`
	GroupBy   []string `json:"group_by"`
	Timespan  string   `json:"timespan"`
	Condition string   `json:"condition"`
	Fields    []string `json:"fields"`          // whose values count
	Scope     string   `json:"scope,omitempty"` // none of an inert rule
}

// correlationOf describes a rule over several events, nil for any other.
func correlationOf(r *tagger.Rule) *correlationJSON {
	c := r.Correlation
	if c == nil {
		return nil
	}
	return &correlationJSON{string(c.Type), append([]string{}, c.Rules...), append([]string{}, c.GroupBy...), ttpcron.FormatTimespan(c.Timespan), c.Condition, append([]string{}, c.Fields...), string(c.Scope)}
}

type claimJSON struct {
	Tactic     string          `json:"tactic"`
	Technique  string          `json:"technique_id"`
	Sub        string          `json:"sub_technique_id,omitempty"`
	Confidence float64         `json:"confidence"`
	Release    string          `json:"attack_release"`
	Recorded   json.RawMessage `json:"recorded,omitempty"` // under the names of the rule, where they differ
	Name       string          `json:"technique_name,omitempty"`
	TacticName string          `json:"tactic_name,omitempty"`
}

func ruleLines(out *term.Output, rules []tagger.Rule, life ruleset.Life, under *attack.Table) error {
	for i := range rules {
		if err := out.JSON(describeRule(&rules[i], life, under)); err != nil {
			return err
		}
	}
	return nil
}

// describeRule is what rules list --json and rules show --json say of a rule.
func describeRule(r *tagger.Rule, life ruleset.Life, under *attack.Table) ruleJSON {
	j := ruleJSON{
		RuleID: r.ID, Version: r.Version, Name: r.Name, Emits: []claimJSON{}, Description: r.Description, AppliesTo: ruleKinds(r), Correlation: correlationOf(r), Feeds: append([]string{}, r.Feeds...), Level: r.Level.String(), References: r.References,
		Source: r.Folder, File: r.File, Active: r.Active, State: string(cmp.Or(r.State.Status, ttpcron.StatusEnabled)), Inert: r.Inert, Slow: r.Slow, Examples: r.MatchExamples + r.MissExamples,
		ExpiresAt: term.TimeOrNull(r.State.ExpiresAt), Reason: r.State.Reason, Retired: life.HidesRule(r) != nil, RetiredOld: life.RetiredVersions(r),
	}
	if r.State.Status == ttpcron.StatusClipped {
		j.Ceiling = &r.State.ConfidenceMax
	}
	for _, c := range r.Claims {
		shown := under.Shown(&c)
		j.Emits = append(j.Emits, claimJSON{shown.Tactic, shown.TechniqueID, shown.SubTechniqueID, c.Confidence, shown.AttackRelease, recordedJSON(&c, &shown), under.TechniqueName(shown.Technique()), under.TacticName(shown.Tactic)})
	}
	return j
}
