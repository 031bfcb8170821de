package tagger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/carried"
	"github.com/ttpcron/ttpcron/tagger/pattern"
)

// verdict is the rules' result on a command's text. It depends only on the text; anything
// that depends on more of the event is left open.
type verdict struct {
	findings []finding // by rule id
	open     bool      // a finding is open
	tags     bool      // a finding gives tags
	streams  []int     // in which the findings are matches, see kindRules.streams
	bounded  bool
	failed   bool           // a rule panicked: not to be kept
	steps    int            // what the rules took of the budget
	event    *ttpcron.Event // with the fields that were derived; nil for a text
}

// finding is a rule that matched a text.
type finding struct {
	rule    *runnable
	matched quote
	// open says that the text matches, and that the rule also looks at other fields
	// of the event, which decide.
	open bool
}

func (v *verdict) add(f finding) {
	v.findings = append(v.findings, f)
	v.open = v.open || f.open
	v.tags = v.tags || len(f.rule.claims) > 0
	v.streams = append(v.streams, f.rule.streams...)
}

// evaluate makes the verdict on a text, which the next one overwrites.
func (c *Composite) evaluate(s *lookup, text string) *verdict {
	ev := &c.ev
	ev.begin(text, nil)
	c.lookUp(s, ev)
	v := &c.fresh
	*v = verdict{findings: v.findings[:0], streams: v.streams[:0]}
	s.candidates(func(r *runnable, check *prepared) {
		if matched, ok := c.try(r, check, ev, v); ok {
			v.add(finding{rule: r, matched: matched, open: r.payload})
		}
	})
	v.bounded = ev.budget.Met || s.bounded() || ev.script != nil && ev.script.Bounded
	v.steps = stepsPerEvent - ev.budget.Steps
	return v
}

// kept returns a copy of the verdict that may outlive the page of events it came from.
func (v *verdict) kept() *verdict {
	copied := *v
	copied.event = nil
	copied.findings, copied.streams = slices.Clone(v.findings), slices.Clone(v.streams)
	for i := range copied.findings {
		// What matched must not keep the page it came in.
		q := &copied.findings[i].matched
		q.literal, q.value = strings.Clone(q.literal), ""
	}
	return &copied
}

// lookUp parses the text and looks for candidates.
func (c *Composite) lookUp(s *lookup, ev *evaluation) {
	s.begin()
	s.text(ev.text)
	if s.index.shell {
		ev.script = c.parser.View(ev.text)
		ev.programs = s.script(ev.text, ev.script, ev.programs[:0])
	}
	ev.seen, ev.unscanned = s.seen, s.bounded()
}

// judge gives the verdict on an event that is no command.
func (c *Composite) judge(s *lookup, e *ttpcron.Event) *verdict {
	if v := s.facets.verdict(e); v != nil {
		return v
	}
	key, ok := c.memo.keyOf(s.index, e)
	if !ok {
		return c.evaluateOther(s, e)
	}
	if v := c.memo.get(key); v != nil {
		return v
	}
	v := c.evaluateOther(s, e)
	if c.memo.admits(key) && !v.failed {
		v = v.kept()
		c.memo.put(key, v)
	}
	return v
}

// evaluateOther makes the verdict on an event that is no command.
func (c *Composite) evaluateOther(s *lookup, e *ttpcron.Event) *verdict {
	ev := &c.ev
	e, signals := c.withSignals(e)
	ev.begin("", e)
	ev.signals = signals
	ev.texts, ev.lookedInto = c.texts, carried.Carries(e.Kind)
	s.begin()
	s.payload(e.Payload)
	ev.seen = s.seen
	v := &c.other
	*v = verdict{findings: v.findings[:0], streams: v.streams[:0]}
	s.candidates(func(r *runnable, check *prepared) {
		if matched, ok := c.try(r, check, ev, v); ok {
			v.add(finding{rule: r, matched: matched})
		}
	})
	v.bounded, v.event = ev.budget.Met, e
	return v
}

// settled decides the open findings of a verdict for one event.
func (c *Composite) settled(s *lookup, v *verdict, text string, e *ttpcron.Event) *verdict {
	ev := &c.ev
	ev.begin(text, e)
	c.lookUp(s, ev)
	out := &c.other
	*out = verdict{findings: out.findings[:0], streams: out.streams[:0], bounded: v.bounded}
	for i := range v.findings {
		f := v.findings[i]
		if f.open {
			var ok bool
			if f.matched, ok = c.try(f.rule, &f.rule.check, ev, out); !ok {
				continue
			}
			f.open = false
		}
		out.add(f)
	}
	out.bounded = out.bounded || ev.budget.Met || s.bounded()
	return out
}

// begin makes the evaluation ready for a text or an event.
func (ev *evaluation) begin(text string, e *ttpcron.Event) {
	*ev = evaluation{
		text: text, event: e, command: -1, budget: pattern.Budget{Steps: stepsPerEvent},
		once: ev.once, programs: ev.programs[:0], computed: ev.computed,
	}
	ev.computed.forget()
}

// try evaluates one rule. A panic of the evaluator loses this rule's tags of
// this event.
func (c *Composite) try(r *runnable, check *prepared, ev *evaluation, v *verdict) (matched quote, ok bool) {
	defer func() {
		if err := recover(); err != nil {
			matched, ok = quote{}, false
			v.failed, ev.trace = true, nil
			if c.warn != nil && c.event != nil {
				c.warn(*c.event, r.ID, fmt.Errorf("rule failed on this event: %v", err))
			}
		}
	}()
	return r.try(check, ev)
}

// try evaluates the rule on the text or event, and returns what it matched.
func (r *runnable) try(check *prepared, ev *evaluation) (quote, bool) {
	ev.proof = nil
	total, met := ev.budget.Steps, ev.budget.Met
	ev.budget.Steps, ev.budget.Met = min(total, stepsPerRule), false
	ev.once = ev.once[:0]
	for range check.slots {
		ev.once = append(ev.once, notAsked)
	}
	matched, ok := quote{}, false
	switch {
	case r.perCommand:
		matched, ok = r.tryCommands(check, ev)
	case r.perProcess:
		matched, ok = r.tryProcesses(check, ev)
	default:
		ev.command = -1
		if ok = check.is.holds(ev); ok && len(r.claims) > 0 {
			matched = ev.witness(check) // which tags show
		}
	}
	if (ev.budget.Met || ev.unscanned) && !r.positive {
		ok = false
	}
	ev.budget.Steps += total - min(total, stepsPerRule)
	ev.budget.Met = ev.budget.Met || met
	return matched, ok
}

func (r *runnable) tryCommands(check *prepared, ev *evaluation) (quote, bool) {
	for i := range ev.script.Commands {
		if r.programs != nil {
			if id := ev.programs[i]; id == noProgram || int(id)>>6 >= len(r.programs) || !r.programs.Has(int(id)) {
				continue
			}
		}
		if ev.budget.Steps < leastSteps {
			ev.budget.Met = true
			return quote{}, false
		}
		ev.command = i
		if check.is.holds(ev) {
			return quoteLine(ev.text, &ev.script.Commands[i]), true
		}
	}
	return quote{}, false
}

// leastSteps is less than any test costs.
const leastSteps = 16

// witness returns the part of the event that a check on the whole event matched, with its
// field.
func (ev *evaluation) witness(check *prepared) quote {
	if ev.proof != nil {
		q := literally(ev.proof.MatchedSignature)
		q.metric, q.value = ev.proof.Metric, ev.proof.MatchedSignature
		return q
	}
	if ev.trace != nil {
		return quote{} // Explain looks at the hits itself
	}
	saved := ev.budget
	ev.trace = &trace{}
	check.is.holds(ev)
	hits := ev.trace.hits
	ev.trace, ev.budget = nil, saved
	if len(hits) == 0 {
		return quote{}
	}
	return ev.quote(ev.telling(hits))
}

// telling is the most informative hit on an event: usually the first. A hit on a field
// that was tested for equality only repeats the rule, so the first other one is better.
func (ev *evaluation) telling(hits []held) *held {
	if ev.event != nil && ev.event.Kind != ttpcron.CanaryFingerprint {
		for i := range hits {
			if t := hits[i].test; t == nil || len(t.equals) == 0 {
				return &hits[i]
			}
		}
	}
	return &hits[0]
}
