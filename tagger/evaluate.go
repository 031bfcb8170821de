package tagger

import (
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/canary"
	"github.com/ttpcron/ttpcron/tagger/carried"
	"github.com/ttpcron/ttpcron/tagger/literal"
	"github.com/ttpcron/ttpcron/tagger/pattern"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

// stepsPerEvent is the work that the rules may do on one event, in the steps of
// a [pattern.Budget].
const stepsPerEvent = 12_000_000

// stepsPerRule is the part of the budget that one rule may use, so a text made for one
// rule does not use up the others' share.
const stepsPerRule = 3_000_000

// evaluation evaluates rules on one event after another, and keeps the memory for it.
type evaluation struct {
	text   string
	script *shell.Script
	event  *ttpcron.Event // nil while only the text may be looked at
	// signals are the derived fields of the event; proof is the evidence of the first
	// predicate that held.
	signals ttpcron.Payload
	proof   *canary.Evidence

	command  int      // index of the simple command at hand; -1 for none
	process  int      // index of the process at hand
	form     form     // in which it is looked at
	programs []uint16 // of the simple commands, as the index numbers them
	// seen are the rules and terms whose requirements the index found; nil if the index
	// was not used.
	seen       literal.IDs
	unscanned  bool // the index has not looked at all
	once       []answer
	budget     pattern.Budget
	values     map[string][]string // of payload fields that were asked for
	texts      []carried.Text      // that the event carries, once looked into
	lookedInto bool
	computed   *computed // nil until something was

	// trace collects the tests that held; nil if it is not needed.
	trace *trace
}

// answer is what a checkOnce remembers.
type answer uint8

const (
	notAsked answer = iota
	yes
	no
)

// trace is the list of tests that held on the way to a match.
type trace struct{ hits []held }

// held is a test that held, in a form that is cheap to record: most records are discarded.
type held struct {
	field      fieldRef
	test       *valueTest // nil for one without a value
	value      string
	start, end int // the part that satisfied it, unless a pattern did
	command    int
}

func (c checkConst) holds(*evaluation) bool { return bool(c) }

func (c *checkAll) holds(ev *evaluation) bool {
	if !ev.sawAll(c.terms) {
		return false
	}
	noted := ev.noted()
	for _, sub := range c.list {
		if !sub.holds(ev) {
			ev.rewind(noted)
			return false
		}
	}
	return true
}

// sawAll reports whether all of the terms were seen, as far as is known.
func (ev *evaluation) sawAll(terms []int) bool {
	if ev.seen == nil {
		return true
	}
	for _, g := range terms {
		if !ev.seen.Has(g) {
			return false
		}
	}
	return true
}

func (c checkAny) holds(ev *evaluation) bool {
	for _, sub := range c {
		if sub.holds(ev) {
			return true
		}
	}
	return false
}

func (c checkNone) holds(ev *evaluation) bool {
	saved := ev.trace
	ev.trace = nil
	defer func() { ev.trace = saved }()
	for _, sub := range c {
		if sub.holds(ev) {
			return false
		}
	}
	return true
}

func (c *checkSome) holds(ev *evaluation) bool {
	if ev.script == nil {
		return false
	}
	saved := ev.command
	defer func() { ev.command = saved }()
	for i := range ev.script.Commands {
		ev.command = i
		if c.is.holds(ev) {
			return true
		}
	}
	return false
}

func (c *checkOnce) holds(ev *evaluation) bool {
	if ev.trace != nil {
		return c.is.holds(ev) // its hits are wanted each time
	}
	if ev.once[c.slot] == notAsked {
		ev.once[c.slot] = no
		if c.is.holds(ev) {
			ev.once[c.slot] = yes
		}
	}
	return ev.once[c.slot] == yes
}

func (c *checkFlag) holds(ev *evaluation) bool {
	if ev.command < 0 {
		return false
	}
	if ev.script.Commands[ev.command].Background != c.want {
		return false
	}
	ev.hit(fieldRef{field: c.field}, nil, "", 0, 0)
	return true
}

func (c *checkValue) holds(ev *evaluation) bool {
	if !ev.sawAll(c.terms) {
		return false
	}
	if ev.seen != nil && c.programs != nil && (ev.command < 0 || !c.programs.Has(int(ev.programs[ev.command]))) {
		return false
	}
	switch c.field.field {
	case fieldText:
		return c.one(ev, ev.text)
	case fieldDecoded:
		if ev.script == nil {
			return false
		}
		left := c.test.wanted()
		for i := range ev.script.Decoded {
			if c.passes(ev, ev.script.Decoded[i].Text) {
				if left--; left == 0 {
					return true
				}
			}
		}
		return false
	case fieldPayload:
		return c.payload(ev)
	}
	if c.field.field.ofProcess() {
		value, ok := ev.ofProcess(c.field.field)
		return ok && (value != "" || !c.test.empty()) && c.one(ev, value)
	}
	if ev.command < 0 {
		return false
	}
	value, many := c.field.field.of(&ev.script.Commands[ev.command])
	if c.field.field.single() {
		return (value != "" || !c.test.empty()) && c.one(ev, value)
	}
	return c.many(ev, many)
}

func (c *checkValue) payload(ev *evaluation) bool {
	if ev.event == nil {
		return false
	}
	if c.field.stringOnly {
		text, ok := ev.event.Payload.Text(c.field.name)
		return ok && c.one(ev, text)
	}
	if value, has, plain := payloadScalar(ev.event.Payload, c.field.name); plain {
		return has && c.one(ev, value)
	}
	return c.many(ev, ev.payloadValues(c.field.name))
}

// payloadValues returns the values of a payload field of the event; JSON is
// decoded once for all rules.
func (ev *evaluation) payloadValues(name string) []string {
	values, ok := ev.values[name]
	if !ok {
		values = payloadValues(nil, ev.event.Payload, name)
		if ev.values == nil {
			ev.values = map[string][]string{}
		}
		ev.values[name] = values
	}
	if len(values) >= maxElements {
		ev.budget.Met = true
	}
	return values
}

// wanted is how many values must pass.
func (t *valueTest) wanted() int { return max(t.countMin, 1) }

func (c *checkValue) one(ev *evaluation, value string) bool {
	return c.test.wanted() == 1 && c.passes(ev, value)
}

func (c *checkValue) many(ev *evaluation, values []string) bool {
	left := c.test.wanted()
	noted := ev.noted()
	for _, v := range values {
		if c.passes(ev, v) {
			if left--; left == 0 {
				return true
			}
		}
	}
	ev.rewind(noted)
	return false
}

// passes tests one value and records the part that satisfied the test.
func (c *checkValue) passes(ev *evaluation, value string) bool {
	start, end, ok := c.test.passes(ev, c.field.field, value)
	if ok {
		ev.hit(c.field, c.test, value, start, end)
	}
	return ok
}

// passes tests one value. start and end are the part of it that the last of the tests with
// a position matched.
func (t *valueTest) passes(ev *evaluation, from field, value string) (start, end int, ok bool) {
	if !ev.spend(16 + len(value)/4) {
		return 0, 0, false
	}
	end = len(value)
	folded := value
	if t.ignoreCase {
		if folded, ok = ev.folded(from, value); !ok {
			return 0, 0, false
		}
	}
	if len(t.equals) > 0 && !t.equalsAny(folded) {
		return 0, 0, false
	}
	for _, p := range t.startsWith {
		if ok = strings.HasPrefix(folded, p); ok {
			end = min(len(p), len(value))
			break
		}
	}
	if len(t.startsWith) > 0 && !ok {
		return 0, 0, false
	}
	ok = len(t.endsWith) == 0
	for _, s := range t.endsWith {
		if strings.HasSuffix(folded, s) {
			start, end, ok = max(len(value)-len(s), 0), len(value), true
			break
		}
	}
	if !ok {
		return 0, 0, false
	}
	return t.searches(ev, from, value, folded, start, end)
}

// manyValues is the number of values from which a test for equality uses a map.
const manyValues = 16

func (t *valueTest) equalsAny(s string) bool {
	if len(t.equals) < manyValues {
		return slices.Contains(t.equals, s)
	}
	t.listed.Do(func() {
		t.exact = make(map[string]struct{}, len(t.equals))
		for _, e := range t.equals {
			t.exact[e] = struct{}{}
		}
	})
	_, ok := t.exact[s]
	return ok
}

// searches does the tests that look anywhere in the value.
func (t *valueTest) searches(ev *evaluation, from field, value, folded string, start, end int) (int, int, bool) {
	ok := len(t.contains) == 0
	for _, s := range t.contains {
		if !ev.spend(len(value) / 8) {
			return 0, 0, false
		}
		if i := strings.Index(folded, s); i >= 0 {
			start, end, ok = i, i+len(s), true
			break
		}
	}
	if !ok {
		return 0, 0, false
	}
	for _, s := range t.containsAll {
		i := strings.Index(folded, s)
		if !ev.spend(len(value)/8) || i < 0 {
			return 0, 0, false
		}
		start, end = i, i+len(s)
	}
	ok = len(t.globs) == 0
	for _, g := range t.globs {
		if !ev.spend(8 * len(value)) {
			return 0, 0, false
		}
		if ok = globMatches(g, folded); ok {
			break
		}
	}
	if !ok {
		return 0, 0, false
	}
	ok = len(t.patterns) == 0
	for _, p := range t.patterns {
		if ok = p.Match(value, &ev.budget); ok {
			break
		}
	}
	if !ok {
		return 0, 0, false
	}
	if t.not != nil {
		if _, _, hit := t.not.passes(ev, from, value); hit {
			return 0, 0, false
		}
	}
	if end > len(value) || start > end { // folding changed the length
		start, end = 0, len(value)
	}
	return start, end, true
}

// spend pays for work, and is false when nothing is left to pay with.
func (ev *evaluation) spend(steps int) bool {
	if ev.budget.Steps < steps {
		ev.budget.Met = true
		return false
	}
	ev.budget.Steps -= steps
	return true
}

// noted returns the position in the trace, for rewind.
func (ev *evaluation) noted() int {
	if ev.trace == nil {
		return 0
	}
	return len(ev.trace.hits)
}

func (ev *evaluation) rewind(noted int) {
	if ev.trace != nil {
		ev.trace.hits = ev.trace.hits[:noted]
	}
}

// hit records a test that the part [start, end) of a value passed.
func (ev *evaluation) hit(f fieldRef, test *valueTest, value string, start, end int) {
	if ev.trace != nil {
		h := held{f, test, value, start, end, ev.command}
		if f.field.ofProcess() {
			h.command = int(ev.script.Processes[ev.process].Command)
		}
		ev.trace.hits = append(ev.trace.hits, h)
	}
}

// part returns where the part of the value is that satisfied the test.
func (h *held) part() (start, end int) {
	if h.test != nil {
		for _, p := range h.test.patterns {
			if start, end, ok := p.Find(h.value, &pattern.Budget{Steps: stepsPerRule}); ok {
				return start, end
			}
		}
	}
	return h.start, h.end
}

// String names the field as a rule does.
func (f fieldRef) String() string {
	if f.field == fieldPayload {
		return f.name
	}
	return f.field.String()
}
