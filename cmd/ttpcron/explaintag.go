package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/tagger"
)

// tagStory is what can be said of a stored tag.
type tagStory struct {
	under   *attack.Table // whose names are shown
	tag     ttpcron.Tag
	life    ruleset.Life
	mark    ttpcron.Mark   // of the attacker
	event   *ttpcron.Event // nil when the history does not hold it any more
	arrived time.Time      // when the event did; zero where that is not known
	retired *ttpcron.Retirement
	rule    *tagger.Rule        // as it is now; nil when it is not loaded
	x       *tagger.Explanation // what the rules say of the event now; nil without event
	now     *ttpcron.Tag        // the same tag as it would be made now; nil when it would not
	finding *findingStory       // of a correlation, in the place of event and x; nil for others
}

// explainTag shows what made a stored tag, and whether it would be made now.
func explainTag(ctx context.Context, s *session, text string, asJSON bool) error {
	u := strings.ToLower(text)
	if _, ok := ttpcron.ParseUUID(u); !ok {
		if u, ok = uuidBeginning(text); !ok {
			return cli.Usage(fmt.Sprintf("--tag %q is no UUID", text),
				fmt.Sprintf("give a UUID, or at least its first %d characters; ttpcron tags --uuid shows UUIDs, ttpcron tags --json that of every tag", leastOfUUID))
		}
	}
	most := maxStepsShown
	if asJSON {
		most = maxStepsJSON
	}
	story, err := storyOf(ctx, s, u, most)
	if err != nil {
		return err
	}
	if asJSON {
		return printStoryJSON(s.out, s.now, story)
	}
	return tellStory(s.out, story)
}

// storyOf collects the story of a tag, named by its UUID or the beginning of it, with at most that
// many of the events that made it.
func storyOf(ctx context.Context, s *session, name string, most int) (story tagStory, err error) {
	rules, report, err := loadRules(s.set, s.log)
	if err != nil {
		return story, err
	}
	ruleset.Warn(s.log, report)
	db, err := s.stores.Read(ctx)
	if err != nil {
		return story, err
	}
	defer db.Close()
	err = atOneMoment(ctx, s.out, db, func(uint64) (err error) {
		u, whole := ttpcron.ParseUUID(name)
		if !whole {
			if u, err = tagBeginning(ctx, db, name); err != nil {
				return err
			}
		}
		story, err = tellTag(ctx, s, db, rules, u, most)
		return err
	})
	return story, err
}

// tellTag reads what there is to say of a tag.
func tellTag(ctx context.Context, s *session, db *store.Store, rules ruleset.Set, u ttpcron.UUID, most int) (story tagStory, err error) {
	found := false
	story.under = s.set.Attack
	if story.tag, found, err = db.Tags.ByUUID(ctx, u); err != nil {
		return story, err
	}
	if !found {
		return story, cli.Hint(fmt.Errorf("there is no tag %s in %s", u, db.Path()), "ttpcron tags --uuid shows UUIDs; those of pruned days are gone")
	}
	story.mark = story.tag.Mark(s.set.OwnNetworks)
	if story.life, err = ruleset.ReadLife(ctx, db.Rules); err != nil {
		return story, err
	}
	story.retired = story.life.Hides(&story.tag.Claim)
	if story.tag.SourceKind == ttpcron.Correlation {
		if story.finding, err = findingOfTag(ctx, db, rules, &story.tag, most); err != nil {
			return story, err
		}
	}
	rules = story.life.InForce(rules, s.now())
	if r, ok := rules.Rule(story.tag.RuleID); ok {
		story.rule = &r
	}
	if story.finding != nil {
		story.now = story.finding.now
		return story, nil
	}
	e, found, err := db.History.EventByID(ctx, story.tag.SourceKind, ttpcron.DayOf(story.tag.EventTime), story.tag.SourceID)
	if err != nil || !found {
		return story, err
	}
	if story.arrived, _, err = db.History.ArrivedAt(ctx, e.Seq); err != nil {
		return story, err
	}
	x := rules.Explain(e)
	story.event, story.x = &e, &x
	for i := range x.Tags {
		if x.Tags[i].UUID() == u {
			story.now = &x.Tags[i]
		}
	}
	return story, nil
}

// judgement is what the tag's rule says about the event now, nil if it does not match.
func (s *tagStory) judgement() *tagger.Match {
	if s.x == nil {
		return nil
	}
	for i := range s.x.Rules {
		if s.x.Rules[i].Rule.ID == s.tag.RuleID {
			return &s.x.Rules[i]
		}
	}
	return nil
}

// text is the event's text: for a command, all of it.
func (s *tagStory) text() string {
	if s.x.Text != "" || s.event.Kind == ttpcron.Command {
		return s.x.Text
	}
	return s.event.Telling()
}

// verdict says whether the tag would be made now, and if not, why.
func (s *tagStory) verdict() string {
	id, was, shown := s.tag.RuleID, s.tag.RuleVersion, s.under.Shown(&s.tag.Claim)
	if s.finding != nil {
		return s.finding.verdict(&s.tag, s.rule != nil, shown)
	}
	j := s.judgement()
	switch {
	case s.rule == nil && s.x == nil:
		return fmt.Sprintf("Rule %s is no longer loaded and the event is no longer in the history: only the evidence is left.", id)
	case s.rule == nil:
		return fmt.Sprintf("Rule %s is no longer loaded: only the evidence shows how it matched.", id)
	case s.x == nil:
		return "The event is no longer in the history: only the evidence shows how the rule matched." + s.versionNote()
	case s.rule.Version != was && j == nil:
		return fmt.Sprintf("Version %d of the rule made the tag. Its current version %d does not match the event.", was, s.rule.Version)
	case s.rule.Version != was && !s.claims(j.Tags):
		return fmt.Sprintf("Version %d of the rule made the tag. Its current version %d matches the event but does not give %s.%s", was, s.rule.Version, shown.Technique(), because(j))
	case s.rule.Version != was:
		return fmt.Sprintf("Version %d of the rule made the tag. Its current version %d gives %s too.", was, s.rule.Version, shown.Technique())
	case s.now != nil && s.now.Level != s.tag.Level:
		return fmt.Sprintf("The rule still gives this tag, now with confidence %.2f and level %s.", s.now.Confidence, s.now.Level)
	case s.now != nil && s.now.Confidence != s.tag.Confidence:
		return fmt.Sprintf("The rule still gives this tag, now with confidence %.2f.", s.now.Confidence)
	case s.now != nil:
		return "The rule still gives this tag."
	case j != nil && s.claims(j.Tags):
		return fmt.Sprintf("The rule still gives %s, but under the names of another ATT&CK release, which makes it a different tag.", shown.Technique())
	case j != nil:
		return "The rule still matches the event, but no longer gives this tag." + because(j)
	}
	return "The rule has the same version but no longer matches the event: it was edited without a new version, or another version of the program made the tag."
}

func because(j *tagger.Match) string {
	if j.Dropped == "" {
		return ""
	}
	return " Why: " + j.Dropped + "."
}

func (s *tagStory) versionNote() string {
	if s.rule.Version == s.tag.RuleVersion {
		return ""
	}
	return fmt.Sprintf(" Version %d of the rule made the tag; its current version is %d.", s.tag.RuleVersion, s.rule.Version)
}

// claims reports whether one of some tags claims the technique of the story's tag, under
// either release's name.
func (s *tagStory) claims(tags []ttpcron.Tag) bool {
	shown := s.under.Shown(&s.tag.Claim)
	for i := range tags {
		now := s.under.Shown(&tags[i].Claim)
		if now.Technique() == shown.Technique() {
			return true
		}
	}
	return false
}

func tellStory(out *term.Output, s tagStory) error {
	w, t, tag := out, out.Term, &s.tag
	line := func(name, text string) {
		fmt.Fprintf(w, "%s  %s\n", t.Paint(term.Bold, fmt.Sprintf("%-8s", name)), text)
	}
	line("tag", tag.UUID().String())
	shown := s.under.Shown(&tag.Claim)
	recorded := ""
	if tag.Technique() != shown.Technique() || tag.Tactic != shown.Tactic {
		recorded = fmt.Sprintf(", recorded as %s in %s of %s", tag.Technique(), tag.Tactic, tag.AttackRelease)
	}
	line("claim", fmt.Sprintf("%s %s, %s, confidence %.2f, level %s%s", t.Paint(term.Yellow, term.Clean(shown.Technique())), techniqueName(s.under, shown.Technique()), tacticName(s.under, shown.Tactic), tag.Confidence, tag.Level, term.Clean(recorded)))
	name := ""
	if s.rule != nil {
		name = ": " + term.Clean(s.rule.Name)
	}
	line("rule", fmt.Sprintf("%s version %d%s, made %s", t.Paint(term.Cyan, term.Clean(tag.RuleID)), tag.RuleVersion, name, term.Time(tag.CreatedAt)))
	what := "event"
	if s.finding != nil {
		s.finding.tell(line)
		what = "finding"
	}
	line(what, fmt.Sprintf("%s %s at %s%s", term.Clean(string(tag.SourceKind)), term.Clean(tag.SourceID), term.Time(tag.EventTime), origin(tag, s.mark)))
	if !s.arrived.IsZero() {
		line("arrived", term.Time(s.arrived))
	}
	if s.x != nil {
		if text := s.text(); text != "" {
			line("text", t.Cut(term.Clean(text), 2000))
		}
	}
	line("evidence", t.Cut(term.Clean(string(tag.Evidence)), 2000))
	if s.rule != nil && s.rule.State.Status != ttpcron.StatusEnabled {
		line("state", "now "+decided(s.rule.State.String(), s.rule.State.SetBy, s.rule.State.SetAt, s.rule.State.Reason))
	}
	if s.retired != nil {
		line("hidden", "from every view, "+decided("retired", s.retired.SetBy, s.retired.SetAt, s.retired.Reason))
	}
	if !ttpcron.DefaultMinLevels().Show(tag.Level, tag.Vantage) {
		line("left out", "of views unless --min-level is given: it is of a host, and below medium")
	}
	fmt.Fprintf(w, "\n%s\n", term.Clean(s.verdict()))
	if s.finding != nil {
		return s.finding.events(out)
	}
	j := s.judgement()
	if j == nil {
		return nil
	}
	fmt.Fprintln(w)
	textParts(out, *s.x)
	judgement(out, w, *s.x, *j, s.under)
	s.others(w)
	return nil
}

// origin says where a tag's event came from.
func origin(tag *ttpcron.Tag, mark ttpcron.Mark) string {
	text := ""
	for _, part := range [][2]string{{"from", tag.AttackerIP}, {"attacker", tag.AttackerUUID}, {"identity", tag.IdentityUUID}, {"session", tag.SessionID}, {"sensor", tag.DeckyID}, {"on a", vantageOf(tag)}} {
		if part[1] != "" {
			text += ", " + part[0] + " " + term.Clean(part[1])
		}
		if part[0] == "from" {
			text += besideAttacker[mark]
		}
	}
	return text
}

// vantageOf names a tag's vantage, unless it is a honeypot.
func vantageOf(tag *ttpcron.Tag) string {
	if tag.Vantage == ttpcron.VantageHoneypot {
		return ""
	}
	return tag.Vantage.String()
}

// decided says who made a decision, when and why.
func decided(what, by string, at time.Time, reason string) string {
	text := what
	if by != "" {
		text += " by " + by
	}
	text += " at " + term.Time(at)
	if reason != "" {
		text += ": " + reason
	}
	return term.Clean(text)
}

type storyJSON struct {
	Tag     shownTag         `json:"tag"`
	Mark    *ttpcron.Mark    `json:"attacker_mark"`
	Event   *ttpcron.Event   `json:"event"`
	Arrived *time.Time       `json:"arrived_at"` // null where that is not known
	Rule    *storyRuleJSON   `json:"rule"`       // null when it is not loaded any more
	Retired *stateJSON       `json:"retired"`
	Given   bool             `json:"given_now"` // whether the rule as it is now gives this very tag
	Verdict string           `json:"verdict"`
	Now     *explanationJSON `json:"explanation"` // what the rules say of the event now
	Finding *foundJSON       `json:"finding"`     // of a rule over several events, which has no event; else null
}

type storyRuleJSON struct {
	Version int        `json:"rule_version"`
	Name    string     `json:"name"`
	Level   string     `json:"level"`
	State   *stateJSON `json:"state"`
}

func printStoryJSON(out *term.Output, now func() time.Time, s tagStory) error {
	result := storyJSON{Tag: showTag(s.under, s.tag), Mark: markOrNull(s.mark), Event: s.event, Arrived: term.TimeOrNull(s.arrived), Given: s.now != nil, Verdict: s.verdict()}
	if s.rule != nil {
		result.Rule = &storyRuleJSON{Version: s.rule.Version, Name: s.rule.Name, Level: s.rule.Level.String()}
		if s.rule.State.Status != ttpcron.StatusEnabled {
			state := stateOf(now, s.rule.State)
			result.Rule.State = &state
		}
	}
	if s.retired != nil {
		state := retirementOf(*s.retired)
		result.Retired = &state
	}
	if s.finding != nil {
		result.Finding = s.finding.json()
	}
	if s.x != nil {
		x := explanationOf(now, *s.x, s.life, s.under)
		result.Now = &x
	}
	return out.JSON(result)
}

// others names the other rules that match the event: first those that claim the same
// technique, which would be shown without this rule too.
func (s *tagStory) others(w *term.Output) {
	var same, more []string
	for _, o := range s.x.Rules {
		claims := func(t ttpcron.Tag) bool { return t.Technique() == s.tag.Technique() }
		switch id := term.Clean(o.Rule.ID); {
		case o.Rule.ID == s.tag.RuleID:
		case slices.ContainsFunc(o.Tags, claims):
			same = append(same, id)
		default:
			more = append(more, id)
		}
	}
	if same != nil {
		fmt.Fprintf(w, "\nOther rules make the same claim: %s\n", w.Term.Cut(strings.Join(same, ", "), 400))
	}
	if more != nil {
		fmt.Fprintf(w, "\nOther rules match it too: %s\n", w.Term.Cut(strings.Join(more, ", "), 400))
	}
}
