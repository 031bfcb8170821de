package tagger

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/pattern"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

// Explanation shows what the rules of a set find in one event.
type Explanation struct {
	Event    ttpcron.Event
	Signals  ttpcron.Payload // the fields that were derived from a canary's trigger
	Text     string          // the text that was looked at; for a command its command_text
	Commands []CommandView   // the simple commands that the text holds
	Layers   []LayerView     // what decoding found in it
	Carried  []CarriedView   // the commands that a request carries
	Rules    []Match         // every rule that matched, in the order of the tags
	Tags     []ttpcron.Tag   // as Composite.Tag gives them
	Verdict  ttpcron.Verdict

	steps int // that trying the rules took
}

// CommandView is one simple command of a text, as rules see it.
type CommandView struct {
	Line       string // program and arguments, normalised
	Program    string
	Wrappers   []string
	Assigns    []string
	Reads      []string
	Writes     []string
	URLs       []string
	PipesTo    []string
	PipedFrom  []string
	Background bool
	Depth      int // layers of $(…), sh -c, eval or decoding around it
	// Start and End are the bytes of the text that it stands in; of a command
	// that was decoded, those of the command that brought it.
	Start, End int
}

// CarriedView is a command that a request carries, as rules see it.
type CarriedView struct {
	In, How  string // where it was found, and what makes it a command
	Text     string
	Commands []CommandView
	Layers   []LayerView
}

// LayerView is a text decoded from the event's text.
type LayerView struct {
	Method     string // such as "base64"
	Text       string
	Start, End int // the bytes of the text that it was found in
}

// Match is a rule that matched, and why.
type Match struct {
	Rule    Rule
	Carried int    // index into Explanation.Carried of the command that matched; -1 if the event itself did
	Dropped string // why the match gives no tag; empty when it gives some
	Hits    []Hit
	Tags    []ttpcron.Tag
}

// Hit is a test that passed. The text and its commands are those of the explanation, or of
// the command that the event carries.
type Hit struct {
	Field   string // such as "program" or "command_text"
	Test    string // such as `in [wget, curl]`
	Value   string // the part that satisfied it, up to 2,048 bytes
	Command int    // index into the commands of the text; -1 for a field of the whole event
	Start   int    // first byte in the text; -1 when not known
	End     int
}

// Explain evaluates the rules on one event, with the evaluator that Tag uses, and shows
// why they match. A matching rule that emits nothing because of a state or a low
// confidence is listed with the reason.
func (rs *RuleSet) Explain(e ttpcron.Event) Explanation {
	x := Explanation{Event: e}
	c := rs.Tagger(nil)
	x.Tags, x.Verdict = c.Tag(&e, nil)
	x.Tags = rs.shown(x.Tags)
	ev := &c.ev
	if e.Kind == ttpcron.Command {
		x.Text = e.Payload.CommandText()
	}
	merged, signals := c.withSignals(&e)
	ev.begin(x.Text, merged)
	ev.signals = signals
	x.Signals = signals
	if x.Text != "" {
		c.parser.Processes = true
		ev.script = c.parser.Parse(x.Text)
		x.Commands, x.Layers = views(ev.script)
	}
	steps := stepsPerExplanation
	ev.budget = pattern.Budget{Steps: steps}
	carried := -1
	try := func(kind ttpcron.SourceKind) {
		for i, d := range rs.defs {
			if !slices.Contains(d.Kinds, kind) || rs.rules[i].Inert != "" || ev.script == nil && kind == ttpcron.Command {
				continue
			}
			r := newRunnable(d, kind, nil)
			if gave(x.Tags, d.ID) { // what it is asked about has its steps whatever others took
				ev.budget.Steps += stepsPerRule
				steps += stepsPerRule
			}
			ev.trace = &trace{}
			if _, ok := c.try(r, &r.check, ev, &verdict{}); !ok || carried >= 0 && (x.has(d.ID) || rs.rules[i].Silent != "") {
				continue // a rule that only feeds correlations has no part in carried commands
			}
			x.Rules = append(x.Rules, rs.match(i, carried, ev.hits(), x.Tags))
		}
		x.Verdict.Bounded = x.Verdict.Bounded || ev.budget.Met
	}
	try(e.Kind)
	for i, text := range ev.carriedTexts() {
		left := ev.budget
		ev.begin(text.Text, merged)
		ev.budget, ev.lookedInto = left, true
		ev.script = c.parser.Parse(text.Text)
		view := CarriedView{In: text.In, How: text.How, Text: text.Text}
		view.Commands, view.Layers = views(ev.script)
		x.Carried, carried = append(x.Carried, view), i
		try(ttpcron.Command)
	}
	slices.SortStableFunc(x.Rules, func(a, b Match) int { return cmp.Compare(a.Rule.ID, b.Rule.ID) })
	x.steps = steps - ev.budget.Steps
	return x
}

// has reports whether a rule is in the list.
func (x *Explanation) has(id string) bool {
	return slices.ContainsFunc(x.Rules, func(m Match) bool { return m.Rule.ID == id })
}

// match describes a match of the set's ith rule.
func (rs *RuleSet) match(i, carried int, hits []Hit, tags []ttpcron.Tag) Match {
	j := Match{Rule: rs.rules[i], Carried: carried, Hits: hits}
	for _, t := range tags {
		if t.RuleID == j.Rule.ID {
			j.Tags = append(j.Tags, t)
		}
	}
	if len(j.Tags) == 0 {
		j.Dropped = rs.whyDropped(i)
	}
	return j
}

// hits describes the first maxHits of the tests that held.
func (ev *evaluation) hits() []Hit {
	list := ev.trace.hits
	var out []Hit
	for i := range list[:min(len(list), maxHits)] {
		out = append(out, ev.describe(&list[i]))
	}
	return out
}

// maxHits is how many tests of one rule are described; maxWindow is how much of a text is
// searched for a value.
const (
	maxHits   = 64
	maxWindow = 64 << 10
)

func (ev *evaluation) describe(h *held) Hit {
	start, end := h.part()
	value := h.value
	if end > start {
		value = value[start:end]
	}
	x := Hit{Field: h.field.String(), Test: h.test.label(), Value: ttpcron.Shorten(value, ttpcron.MaxShown), Command: -1, Start: -1, End: -1}
	switch {
	case h.field.field == fieldText:
		x.Start, x.End = start, end
	case h.field.field.ofProcess() && h.command < 0: // the text itself
		if i := strings.Index(ev.text[:min(len(ev.text), maxWindow)], value); i >= 0 && value != "" {
			x.Start, x.End = i, i+len(value)
		}
	case h.field.field.ofCommand(), h.field.field.ofProcess():
		x.Command = h.command
		c := &ev.script.Commands[h.command]
		x.Start, x.End = c.Start, c.End
		if c.Start >= 0 && c.End <= len(ev.text) && c.Start < c.End {
			if i := strings.Index(ev.text[c.Start:min(c.End, c.Start+maxWindow)], value); i >= 0 && value != "" {
				x.Start, x.End = c.Start+i, c.Start+i+len(value)
			}
		}
	}
	return x
}

// stepsPerExplanation is the work of all the rules that one explanation tries: every rule,
// not only the candidates of the index.
const stepsPerExplanation = 4 * stepsPerEvent

func gave(tags []ttpcron.Tag, rule string) bool {
	return slices.ContainsFunc(tags, func(t ttpcron.Tag) bool { return t.RuleID == rule })
}

// views describes the parts of a text.
func views(s *shell.Script) (commands []CommandView, layers []LayerView) {
	for i := range s.Commands {
		c := &s.Commands[i]
		commands = append(commands, CommandView{
			Line: c.Line, Program: c.Program, Depth: c.Depth, Start: c.Start, End: c.End,
			Wrappers: c.Wrappers, Assigns: c.Assigns, Reads: c.Reads, Writes: c.Writes, URLs: c.URLs,
			PipesTo: c.PipesTo, PipedFrom: c.PipedFrom, Background: c.Background,
		})
	}
	for _, l := range s.Decoded {
		layers = append(layers, LayerView{Method: l.How, Text: l.Text, Start: l.Start, End: l.End})
	}
	return commands, layers
}

// shown returns tags as they are shown in the states that the rules are in.
func (rs *RuleSet) shown(tags []ttpcron.Tag) []ttpcron.Tag {
	out := tags[:0]
	for _, t := range tags {
		state := rs.states[t.RuleID]
		state.ExpiresAt = time.Time{} // it is in force
		var ok bool
		if t.Confidence, ok = state.Shown(t.Confidence, time.Time{}); ok {
			out = append(out, t)
		}
	}
	return out
}

func (rs *RuleSet) whyDropped(i int) string {
	switch s := rs.rules[i].State; s.Status {
	case ttpcron.StatusDisabled:
		return "the rule is disabled"
	case ttpcron.StatusClipped:
		return fmt.Sprintf("its confidence is clipped to %v; tags below %v are not shown", s.ConfidenceMax, ttpcron.MinConfidence)
	}
	if r := &rs.rules[i]; r.Silent != "" {
		if len(r.Feeds) > 0 && len(r.Claims) == 0 {
			return r.Silent + "; its matches count in " + strings.Join(r.Feeds[:min(len(r.Feeds), 5)], ", ")
		}
		return r.Silent
	}
	if rs.rules[i].Active {
		return "a bound of work was met before its turn came"
	}
	return fmt.Sprintf("its confidence is below %v", ttpcron.MinConfidence)
}
