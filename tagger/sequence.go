package tagger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/correlation"
	"go.yaml.in/yaml/v3"
)

// step is a part of a correlation's example: an event, or several of the same kind in a
// row.
type step struct {
	event ttpcron.Event // in whose texts {n} stands for the number of the event, from 1
	at    time.Duration // since the example begins
	every time.Duration // between events
	times int
}

// Limits for the examples of one rule.
const (
	maxSteps  = 10_000
	maxEvents = 10_000 // of one example
)

// exampleTime is when examples of correlations begin.
var exampleTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// sequence reads an example of a correlation.
func (r *ruleReader) sequence(n *yaml.Node, field string) example {
	n = r.visit(n)
	var ex example
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.problem(n, field, "%s, want a list of events", kindOf(n))
		return ex
	}
	events := 0
	for i, c := range n.Content {
		s := r.step(c, index(field, i))
		if events += s.times; events > maxEvents || len(ex.steps) == maxSteps {
			r.problem(n, field, "more than %d events", maxEvents)
			return ex
		}
		ex.steps = append(ex.steps, s)
	}
	ex.text = sequenceText(ex.steps)
	return ex
}

func (r *ruleReader) step(n *yaml.Node, field string) step {
	s := step{event: ttpcron.Event{AttackerIP: "203.0.113.1", SessionID: "s1", DeckyID: "sensor-1"}, times: 1}
	for _, m := range r.members(n, field) {
		at := join(field, m.key)
		switch m.key {
		case "at":
			s.at = r.duration(m.value, at)
		case "every":
			s.every = r.duration(m.value, at)
		case "times":
			s.times = r.integer(m.value, at, 1)
		case "kind":
			s.event.Kind = ttpcron.SourceKind(r.text(m.value, at))
		case "command":
			s.event.Kind = ttpcron.Command
			s.event.Payload.Set("command_text", r.text(m.value, at))
		case "payload":
			for _, p := range r.members(m.value, at) {
				r.payload(&s.event.Payload, p, join(at, p.key))
			}
		case "vantage":
			switch name := r.text(m.value, at); name {
			case ttpcron.VantageHoneypot.String():
			case ttpcron.VantageHost.String():
				s.event.Vantage = ttpcron.VantageHost
			default:
				r.problem(m.value, at, "%q, want honeypot or host", shorten(name, 40))
			}
		case "attacker_ip":
			s.event.AttackerIP = r.optional(member{at, m.at, m.value})
		case "attacker_uuid":
			s.event.AttackerUUID = r.optional(member{at, m.at, m.value})
		case "identity_uuid":
			s.event.IdentityUUID = r.optional(member{at, m.at, m.value})
		case "session_id":
			s.event.SessionID = r.optional(member{at, m.at, m.value})
		case "decky_id":
			s.event.DeckyID = r.optional(member{at, m.at, m.value})
		default:
			r.unknown(m, field, []string{"at", "every", "times", "kind", "command", "payload", "vantage", "attacker_ip", "attacker_uuid", "identity_uuid", "session_id", "decky_id"})
		}
	}
	if s.event.Kind == "" && !r.refused() {
		r.problem(n, field, "has neither kind nor command")
	}
	return s
}

// duration reads a number and a unit; at the beginning of an example is 0s.
func (r *ruleReader) duration(n *yaml.Node, field string) time.Duration {
	text := r.text(n, field)
	d, err := ttpcron.ParseTimespan(text)
	if err != nil {
		d, err = time.ParseDuration(text)
	}
	if (err != nil || d < 0 || d > 10*365*24*time.Hour) && !r.saidOf(field) {
		r.problem(n, field, "%q, want a time such as 90s, 10m or 2h", shorten(text, 40))
		return 0
	}
	return d
}

func sequenceText(steps []step) string {
	var parts []string
	for i := range steps {
		s := &steps[i]
		text := string(s.event.Payload.AppendJSON(nil))
		if command, ok := s.event.Payload.Text("command_text"); ok && s.event.Kind == ttpcron.Command {
			text = command
		}
		text = string(s.event.Kind) + " " + shorten(text, 80)
		if s.times > 1 {
			text = strconv.Itoa(s.times) + " × " + text
		}
		if parts = append(parts, text); len(parts) == 4 {
			break
		}
	}
	return strings.Join(parts, "; ")
}

// events are the events of the steps in the order of their times.
func events(steps []step) []ttpcron.Event {
	var out []ttpcron.Event
	for i := range steps {
		s := &steps[i]
		for n := range s.times {
			e := numbered(s.event, strconv.Itoa(n+1))
			e.Time = exampleTime.Add(s.at + time.Duration(n)*s.every)
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b ttpcron.Event) int { return a.Time.Compare(b.Time) })
	for i := range out {
		out[i].Seq, out[i].ID = uint64(i+1), "example-"+strconv.Itoa(i+1)
	}
	return out
}

// numbered puts a number for {n} in the texts of an event.
func numbered(e ttpcron.Event, n string) ttpcron.Event {
	put := func(s string) string { return strings.ReplaceAll(s, "{n}", n) }
	for _, s := range [...]*string{&e.AttackerIP, &e.AttackerUUID, &e.IdentityUUID, &e.SessionID, &e.DeckyID} {
		*s = put(*s)
	}
	e.Payload = slices.Clone(e.Payload)
	for i := range e.Payload {
		f := &e.Payload[i]
		if f.Raw != nil {
			f.Raw = json.RawMessage(put(string(f.Raw)))
		} else {
			f.Text = put(f.Text)
		}
	}
	return e
}

// trial runs examples of a correlation.
type trial struct {
	rule    *correlation.Rule
	streams map[*ttpcron.Stream]int
	tagger  *Composite
	judge   *correlation.Judge
}

func newTrial(rs *RuleSet, rule *correlation.Rule) *trial {
	t := &trial{rule: rule, streams: map[*ttpcron.Stream]int{}, judge: rule.Judge()}
	for i, s := range rule.Streams() {
		t.streams[s] = i
	}
	with := &RuleSet{links: rs.links, warned: rs.warned, streams: slices.Clone(rule.Streams())}
	t.tagger = with.Tagger(nil)
	return t
}

// grouped are the matches of a group.
type grouped struct {
	group   ttpcron.Group
	matches []ttpcron.BaseMatch
}

// outcome is what became of an example.
type outcome struct {
	groups  []grouped // in the order in which they began
	events  int
	found   *grouped
	bounded bool
}

func (t *trial) run(steps []step) outcome {
	var out outcome
	at := map[string]int{}
	list := events(steps)
	out.events = len(list)
	for i := range list {
		_, v := t.tagger.Tag(&list[i], nil)
		out.bounded = out.bounded || v.Bounded
		for _, m := range t.tagger.Matches() {
			m.Group, m.Values = strings.Clone(m.Group), strings.Clone(m.Values)
			n, ok := at[m.Group]
			if !ok {
				n = len(out.groups)
				at[m.Group] = n
				out.groups = append(out.groups, grouped{group: ttpcron.Group(m.Group)})
			}
			out.groups[n].matches = append(out.groups[n].matches, m)
		}
	}
	for i := range out.groups {
		g := &out.groups[i]
		t.judge.Begin(g.group)
		for j := range g.matches {
			t.judge.Match(t.streams[g.matches[j].Stream], &g.matches[j])
		}
		slots, bounded := t.judge.End(nil)
		out.bounded = out.bounded || bounded
		if len(slots) > 0 && out.found == nil {
			out.found = g
		}
	}
	return out
}

// missing says what an example lacks.
func (t *trial) missing(out *outcome) string {
	byRule := map[string]int{}
	for _, s := range t.rule.Streams() {
		byRule[s.Rule] += 0
	}
	largest := 0
	for i := range out.groups {
		for _, m := range out.groups[i].matches {
			byRule[m.Stream.Rule]++
		}
		if len(out.groups[i].matches) > len(out.groups[largest].matches) {
			largest = i
		}
	}
	var parts []string
	for id, n := range byRule {
		parts = append(parts, fmt.Sprintf("%s matches %d", id, n))
	}
	slices.SortFunc(parts, func(a, b string) int { return cmp.Compare(a, b) })
	text := fmt.Sprintf("does not match: of %d events %s", out.events, strings.Join(parts, ", "))
	if len(out.groups) == 0 {
		return text
	}
	g := &out.groups[largest]
	text += "; the group " + shorten(string(g.group.AppendJSON(nil, t.rule.Names())), 300)
	if n := len(out.groups) - 1; n > 0 {
		text += fmt.Sprintf(", the largest of %d,", n+1)
	}
	trace, err := t.rule.Trace(g.group, ttpcron.Window{}, func(yield func(*ttpcron.BaseMatch, error) bool) {
		for i := range g.matches {
			if !yield(&g.matches[i], nil) {
				return
			}
		}
	})
	if err != nil || trace.Satisfied {
		return text + " was judged otherwise than it was traced"
	}
	return text + " comes to " + trace.Reached + ", and lacks " + strings.Join(trace.Missing, ", ")
}

// testCorrelation runs the examples of a correlation.
func testCorrelation(rs *RuleSet, d *definition, fail func(ex *example, text string)) {
	rule := rs.links.rules[d.ID]
	if rule == nil || len(d.examples) == 0 {
		return
	}
	t := newTrial(rs, rule)
	for i := range d.examples {
		ex := &d.examples[i]
		out := t.run(ex.steps)
		switch {
		case out.bounded:
			fail(ex, "met a bound of work or size")
		case ex.want && out.found == nil:
			fail(ex, t.missing(&out))
		case !ex.want && out.found != nil:
			fail(ex, "matches: the group "+shorten(string(out.found.group.AppendJSON(nil, rule.Names())), 300))
		}
	}
}
