package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/tagger/correlation"
)

// findingStory is the part of the story that only a correlation's tag has.
type findingStory struct {
	ttpcron.FindingEvidence
	slot    ttpcron.Window
	rule    *correlation.Rule // as it is now; nil when it is not loaded, or can find nothing
	traced  *traced           // nil without rule, or when the group is not known any more
	now     *ttpcron.Tag      // the same tag as it would be made now; nil when it would not
	others  []ttpcron.Tag     // that the rule gives the finding now
	frozen  bool              // events that its windows reach were taken out
	unknown bool              // no group with the tag's hash has base matches
}

// correlationIn returns the rule over several events with an id.
func correlationIn(rs ruleset.Set, id string) *correlation.Rule {
	for _, r := range rs.RuleSet.Correlations() {
		if r.Def().ID == id {
			return r
		}
	}
	return nil
}

// findingOfTag explains a tag with the loaded rules, whatever operators decided about
// them.
func findingOfTag(ctx context.Context, db *store.Store, rs ruleset.Set, tag *ttpcron.Tag, most int) (*findingStory, error) {
	f, ok := tag.FindingEvidence()
	if !ok {
		return nil, fmt.Errorf("tag %s: its evidence is not that of a correlation", tag.UUID())
	}
	s := &findingStory{FindingEvidence: f}
	s.slot, _ = f.Window()
	if s.rule = correlationIn(rs, tag.RuleID); s.rule == nil {
		return s, nil
	}
	horizon, err := db.Matches.EventHorizon(ctx)
	if err != nil {
		return nil, err
	}
	s.frozen = horizon > 0 && s.slot.Since.Add(-s.rule.Reach()).Before(horizon.Start())
	g, found, err := s.group(ctx, db, tag)
	if err != nil {
		return nil, err
	}
	if s.unknown = !found; s.unknown {
		return s, nil
	}
	if s.traced, err = traceGroup(ctx, db, rs, s.rule, g, s.slot, most); err != nil {
		return nil, err
	}
	if !s.traced.trace.Satisfied || s.rule.Timespan() != s.slot.Until.Sub(s.slot.Since) {
		return s, nil
	}
	s.others = s.rule.Tags(ttpcron.NewSubject(g, s.rule.Names()), f.Slot, nil)
	for i := range s.others {
		if s.others[i].UUID() == tag.UUID() {
			s.now = &s.others[i]
		}
	}
	return s, nil
}

// group finds a tag's group: in its evidence, or if a value is cut there, among those with
// base matches.
func (s *findingStory) group(ctx context.Context, db *store.Store, tag *ttpcron.Tag) (g ttpcron.Group, found bool, err error) {
	parts := strings.Split(tag.SourceID, ":")
	if len(parts) != 3 {
		return "", false, nil
	}
	hash, names := parts[1], s.rule.Names()
	if g, err := ttpcron.ParseGroup(s.Group, names, tag.Vantage); err == nil && g.Hash(names) == hash {
		return g, true, nil
	}
	q := soughtOf(s.rule)
	q.Hash = hash
	window := s.slot
	window.Since = window.Since.Add(-s.rule.Reach())
	for d, err := range matchDays(ctx, db, window) {
		if err != nil {
			return "", false, err
		}
		found, _, err := db.Matches.Groups(ctx, q, d.Day)
		if err != nil {
			return "", false, err
		}
		if len(found) > 0 {
			return found[0].Group, true, nil
		}
	}
	return "", false, nil
}

// soughtOf seeks all groups of a rule.
func soughtOf(r *correlation.Rule) store.GroupsSought {
	q := store.GroupsSought{Grouping: r.Grouping()}
	for _, s := range r.Streams() {
		q.Streams = append(q.Streams, s.ID)
	}
	return q
}

// verdict says whether the tag would be made now, and if not, why.
func (s *findingStory) verdict(tag *ttpcron.Tag, loaded bool, shown ttpcron.Claim) string {
	claims := false
	for i := range s.others {
		claims = claims || s.others[i].Technique() == tag.Technique()
	}
	was := tag.RuleVersion
	switch {
	case !loaded:
		return fmt.Sprintf("Rule %s is no longer loaded: only the evidence shows what it found.", tag.RuleID)
	case s.rule == nil:
		return fmt.Sprintf("Rule %s is no longer a correlation, or can no longer find anything: only the evidence shows what it found.", tag.RuleID)
	case s.now != nil:
		return "The rule still finds this."
	case s.rule.Def().Version != was && claims:
		return fmt.Sprintf("Version %d of the rule made the tag. Its current version %d finds the same and gives %s too.", was, s.rule.Def().Version, shown.Technique())
	case s.rule.Def().Version != was && s.others != nil:
		return fmt.Sprintf("Version %d of the rule made the tag. Its current version %d finds the same but does not give %s.", was, s.rule.Def().Version, shown.Technique())
	case s.frozen:
		return "Events that it counted may have been removed from the history: the tag stays, whatever the rule finds in the rest."
	case s.rule.Def().Version != was:
		return fmt.Sprintf("Version %d of the rule made the tag. Its current version %d does not find this. The next run removes the tag.", was, s.rule.Def().Version)
	case s.others != nil:
		return "The rule still finds this, but no longer gives this tag."
	}
	return "The rule no longer finds this: the rule, its base rules or the events have changed since the tag was made. The next run that judges the group removes the tag."
}

// tell prints the finding's story, between the rule and the verdict.
func (s *findingStory) tell(line func(name, text string)) {
	line("found", term.Clean(needed(&s.FindingEvidence))+" within "+term.Clean(s.Timespan)+", "+groupText(s.Group))
	line("slot", term.Time(s.slot.Since)+" to "+term.Time(s.slot.Until)+", in which the window ended")
}

// needed says in words what a condition asks for.
func needed(f *ttpcron.FindingEvidence) string {
	op, n, _ := strings.Cut(f.Condition, " ")
	count, least := n+" or more", "at least "+n
	if op == "gt" {
		count, least = "more than "+n, "more than "+n
	}
	if op != "gt" && op != "gte" || f.Asked() == f.Condition {
		return f.Asked()
	}
	fields := strings.Join(f.Field, " and ")
	switch f.Type {
	case "event_count":
		return count + " events"
	case "value_count":
		return count + " different values of " + fields
	case "value_sum":
		return "a sum of " + fields + " of " + least
	case "temporal_ordered":
		return count + " of its rules, in order,"
	}
	return count + " of its rules"
}

// events prints what made the finding.
func (s *findingStory) events(out *term.Output) error {
	switch {
	case s.rule == nil:
		return nil
	case s.unknown:
		fmt.Fprintln(out, "\nThe store no longer holds any match of its base rules in this group.")
		return nil
	case len(s.traced.steps) == 0:
		fmt.Fprintln(out, "\nThe store no longer holds the matches that counted in this slot.")
		return nil
	}
	fmt.Fprintln(out)
	if err := s.traced.print(out); err != nil {
		return err
	}
	if s.traced.trace.Satisfied {
		fmt.Fprintf(out, "Threshold reached at %s.\n", s.traced.trace.Until.UTC().Format(time.RFC3339Nano))
	}
	if n := s.traced.gone(); n > 0 {
		fmt.Fprintf(out, "%s not in the history any more.\n", term.Plural(n, "event that counts is", "events that count are"))
	}
	return nil
}

type foundJSON struct {
	Type      string      `json:"type"`
	Condition term.Exact  `json:"condition"`
	Timespan  string      `json:"timespan"`
	Since     *time.Time  `json:"slot_since"`
	Until     *time.Time  `json:"slot_until"` // the first instant after it
	Frozen    bool        `json:"frozen"`     // events that its windows reach were taken out
	Trace     *tracedJSON `json:"trace"`      // null when the rule is not loaded, or nothing is left of the group
}

func (s *findingStory) json() *foundJSON {
	j := &foundJSON{Type: s.Type, Condition: term.Exact(s.Condition), Timespan: s.Timespan, Since: term.TimeOrNull(s.slot.Since), Until: term.TimeOrNull(s.slot.Until), Frozen: s.frozen}
	if s.traced != nil {
		j.Trace = s.traced.json()
	}
	return j
}
