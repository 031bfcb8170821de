package correlation

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Trace says how a rule came to a finding in a group, or how far it came.
type Trace struct {
	Satisfied bool
	// Since and Until are the window that is shown, both of them in it: the first that
	// satisfies the condition or, where none does, the first of those that come closest.
	// They are zero when no match takes part.
	Since, Until time.Time
	// Steps are the matches of the window that count, the latest that suffice, in the
	// order of time.
	Steps   []Step
	Reached string   // how far the window comes, such as "7 of 10 values"
	Missing []string // what more is needed: nothing when it is satisfied
	// LeftOut counts the matches whose value is negative or no number, where numbers are
	// added up.
	LeftOut int
	// Bounded says that a limit was met, so that there may be more.
	Bounded bool
}

// Step is a match that counts.
type Step struct {
	Rule string // that has matched
	Time time.Time
	// Match is that of a base rule; its event has its Seq and the kind of its Stream. It is
	// nil for the match of another correlation.
	Match *ttpcron.BaseMatch
	Value string // that counts, as JSON; empty where none does
	Note  string // what is reached with it, such as "3rd of 5" or "2nd of 3 in order"
	// Steps are those of the window that ended in the match of another correlation: the
	// same for the first hundred of these, and nil for others.
	Steps []Step
}

// Limits of a trace.
const (
	maxTraced   = 100_000 // matches of a window that are kept
	maxExpanded = 100     // matches of correlations whose steps are shown
)

// Trace explains the finding of a group whose windows end in a span of time, such as that
// of a slot ([Rule.SlotWindow]), or says what is missing. matches are those of the group,
// in the order of time and arrival, from the rule's [Rule.Reach] before the span to its
// end; others do no harm. They are asked for twice. Streams are recognised by their ids.
func (r *Rule) Trace(g ttpcron.Group, w ttpcron.Window, matches iter.Seq2[*ttpcron.BaseMatch, error]) (*Trace, error) {
	t := &tracer{rule: r, group: g, streams: map[string]int{}}
	for i, s := range r.streams {
		t.streams[s.ID] = i
	}
	if err := t.findEnd(w, matches); err != nil {
		return nil, err
	}
	if !t.some {
		t.out.Reached, t.out.Missing = r.root().reached(progress{}), r.root().missing(progress{})
		return &t.out, nil
	}
	if err := t.keep(matches); err != nil {
		return nil, err
	}
	t.run()
	last := len(r.nodes) - 1
	t.out.Since, t.out.Until = t.end.time().Add(-r.def.Timespan), t.end.time()
	t.out.Reached = r.root().reached(t.best)
	if !t.out.Satisfied {
		t.out.Missing = r.root().missing(t.best)
	}
	t.out.Steps = t.steps(last, nil, t.end)
	return &t.out, nil
}

// SlotWindow returns the span of time of a slot.
func (r *Rule) SlotWindow(slot int64) ttpcron.Window {
	return ttpcron.Window{Since: ttpcron.SlotStart(slot, r.def.Timespan), Until: ttpcron.SlotStart(slot+1, r.def.Timespan)}
}

type tracer struct {
	rule    *Rule
	group   ttpcron.Group
	streams map[string]int
	out     Trace

	some bool // a window ends in the span
	end  instant
	best progress

	kept     []kept
	inner    []innerMatch
	expanded int
}

type kept struct {
	stream int
	match  ttpcron.BaseMatch
}

// innerMatch is the match of a correlation below the rule.
type innerMatch struct {
	node   int
	at     instant
	values []byte
	ends   []int32
}

// findEnd finds the end of the window that is shown.
func (t *tracer) findEnd(w ttpcron.Window, matches iter.Seq2[*ttpcron.BaseMatch, error]) error {
	j := t.rule.Judge()
	j.ended = func(satisfied bool) {
		if t.out.Satisfied || !w.Contains(j.now.time()) {
			return
		}
		p := j.nodes[len(j.nodes)-1].single.reached(j.now)
		if satisfied || !t.some || t.best.less(p) {
			t.some, t.end, t.best, t.out.Satisfied = true, j.now, p, satisfied
		}
	}
	j.Begin(t.group)
	for m, err := range matches {
		if err != nil {
			return err
		}
		if i, ok := t.streams[m.Stream.ID]; ok {
			j.Match(i, m)
		}
		if t.out.Satisfied || !w.Until.IsZero() && !m.Time.Before(w.Until) {
			break
		}
	}
	_, t.out.Bounded = j.End(nil)
	return nil
}

// keep keeps the matches that may matter for the window, the latest if they are many.
func (t *tracer) keep(matches iter.Seq2[*ttpcron.BaseMatch, error]) error {
	reach := int64(t.rule.reach / time.Second)
	first := 0
	for m, err := range matches {
		if err != nil {
			return err
		}
		at := instantOf(m.Time)
		if t.end.before(at) {
			break
		}
		i, ok := t.streams[m.Stream.ID]
		if !ok || !at.within(t.end, reach) {
			continue
		}
		k := kept{i, *m}
		k.match.Group, k.match.Values = string(t.group), strings.Clone(m.Values)
		if len(t.kept) < maxTraced {
			t.kept = append(t.kept, k)
			continue
		}
		t.kept[first] = k
		first = (first + 1) % maxTraced
		t.out.Bounded = true
	}
	t.kept = append(t.kept[first:], t.kept[:first]...)
	return nil
}

// run finds the matches of the correlations below the rule.
func (t *tracer) run() {
	j := t.rule.Judge()
	j.matched = func(node int) {
		if len(t.inner) == maxTraced {
			t.out.Bounded = true
			return
		}
		t.inner = append(t.inner, innerMatch{node, j.now, bytes.Clone(j.in.raw), slices.Clone(j.in.ends)})
	}
	j.Begin(t.group)
	for i := range t.kept {
		j.Match(t.kept[i].stream, &t.kept[i].match)
	}
	_, bounded := j.End(nil)
	t.out.Bounded = t.out.Bounded || bounded
	t.out.LeftOut = j.LeftOut()
}

// input is a match that takes part in a node.
type input struct {
	match
	shown string
	base  *ttpcron.BaseMatch
	inner *innerMatch
}

// inputs finds the matches that take part in a window of one of a node's groups, in the
// order of time.
func (t *tracer) inputs(node int, group []byte, end instant) (list []input) {
	n := &t.rule.nodes[node]
	j := t.rule.Judge()
	j.Begin(t.group)
	add := func(f *feed, in input) {
		if f.node != node || end.before(in.at) || !in.at.within(end, n.span) {
			return
		}
		if len(f.values) > 0 {
			if !j.value(n, f, &in.match) {
				return
			}
			in.shown = shown(j.bytes)
		}
		if j.gather(f.key) && bytes.Equal(j.bytes, group) {
			list = append(list, in)
		}
	}
	for i := range t.kept {
		k := &t.kept[i]
		j.in.read(k.match.Values)
		for n := range t.rule.feeds[k.stream] {
			f := &t.rule.feeds[k.stream][n]
			add(f, input{match: match{at: instantOf(k.match.Time), item: f.item, event: true, seq: k.match.Seq}, base: &k.match})
		}
	}
	for i := range t.inner {
		in := &t.inner[i]
		if end.before(in.at) {
			break
		}
		j.in.set(in.values, in.ends)
		up := &t.rule.nodes[in.node].up
		add(up, input{match: match{at: in.at, item: up.item}, inner: in})
	}
	slices.SortStableFunc(list, func(a, b input) int {
		return cmp.Or(cmp.Compare(a.at.sec, b.at.sec), cmp.Compare(a.at.ns, b.at.ns))
	})
	return list
}

// shown writes packed values as JSON.
func shown(packed []byte) string {
	var out []byte
	n := 0
	for rest := string(packed); rest != ""; n++ {
		v, tail, ok := ttpcron.NextPacked(rest)
		if !ok {
			break
		}
		rest = tail
		if n > 0 {
			out = append(out, ',')
		}
		out = v.AppendJSON(out)
	}
	if n > 1 {
		return "[" + string(out) + "]"
	}
	return string(out)
}

// steps are the matches that count in the window of one of a node's groups.
func (t *tracer) steps(node int, group []byte, end instant) (steps []Step) {
	n := &t.rule.nodes[node]
	for _, c := range n.choose(t.inputs(node, group, end)) {
		s := Step{Rule: n.refs[c.in.item], Time: c.in.at.time(), Match: c.in.base, Value: c.in.shown, Note: c.note}
		if in := c.in.inner; in != nil && t.expanded < maxExpanded {
			t.expanded++
			s.Steps = t.steps(in.node, in.values, in.at)
		}
		steps = append(steps, s)
	}
	return steps
}

// choice is a match that counts, and the progress that it makes.
type choice struct {
	in   input
	note string
}

// choose returns the latest of the matches of a window that suffice, or all that count
// where they do not.
func (n *node) choose(list []input) []choice {
	switch n.def.Type {
	case EventCount:
		return n.chooseEvents(list)
	case ValueCount:
		return n.chooseValues(list)
	case ValueSum:
		return n.chooseNumbers(list)
	case Temporal:
		return n.chooseRules(list)
	}
	return n.chooseOrdered(list)
}

// eachEvent returns one match of each event: the one with the greatest number, or that of
// the first rule.
func eachEvent(list []input) (out []input) {
	for _, in := range list {
		if last := len(out) - 1; last >= 0 && in.event && out[last].event && out[last].seq == in.seq && out[last].at == in.at {
			if o := out[last]; o.sum.less(in.sum) || o.sum == in.sum && in.item < o.item {
				out[last] = in
			}
			continue
		}
		out = append(out, in)
	}
	return out
}

func (n *node) chooseEvents(list []input) (out []choice) {
	list = eachEvent(list)
	list = list[max(0, len(list)-n.limit.count):]
	for i, in := range list {
		out = append(out, choice{in, fmt.Sprintf("%s of %d", ordinal(i+1), n.limit.count)})
	}
	return out
}

func (n *node) chooseValues(list []input) (out []choice) {
	seen := map[key]bool{}
	var latest []input
	for _, in := range slices.Backward(list) {
		if len(seen) < n.limit.count && !seen[in.value] {
			seen[in.value] = true
			latest = append(latest, in)
		}
	}
	for _, in := range slices.Backward(latest) {
		out = append(out, choice{in, fmt.Sprintf("%d distinct of %d", len(out)+1, n.limit.count)})
	}
	return out
}

func (n *node) chooseNumbers(list []input) (out []choice) {
	list = eachEvent(list)
	var sum amount
	first := len(list)
	for first > 0 && sum.less(n.limit.sum) {
		first--
		sum = sum.add(list[first].sum).atMost(n.limit.sum)
	}
	sum = amount{}
	for _, in := range list[first:] {
		sum = sum.add(in.sum).atMost(n.limit.sum)
		out = append(out, choice{in, sum.String() + " of " + n.wanted()})
	}
	return out
}

func (n *node) chooseRules(list []input) (out []choice) {
	var seen uint64
	var latest []input
	for _, in := range slices.Backward(list) {
		if seen&(1<<in.item) != 0 || n.limit.expr == nil && bits.OnesCount64(seen) == n.limit.count {
			continue
		}
		seen |= 1 << in.item
		latest = append(latest, in)
	}
	for i, in := range slices.Backward(latest) {
		note := "matched"
		if n.limit.expr == nil {
			note = fmt.Sprintf("%s of %d rules", ordinal(len(latest)-i), n.limit.count)
		}
		out = append(out, choice{in, note})
	}
	return out
}

// chooseOrdered goes backward: of each rule the latest match that is not after that of
// the next one.
func (n *node) chooseOrdered(list []input) (best []choice) {
	ways := n.orders(list)
	for _, way := range ways {
		if out := n.inOrder(list, way, len(way)); out != nil {
			if end := list[len(list)-1]; end.at != out[len(out)-1].in.at {
				out = append(out, choice{end, "ends the window"})
			}
			return out
		}
	}
	for _, way := range ways {
		for length := len(way) - 1; length > len(best); length-- {
			if out := n.inOrder(list, way[:length], len(way)); out != nil {
				best = out
			}
		}
	}
	return best
}

func (n *node) inOrder(list []input, way []int, of int) (out []choice) {
	next := len(list) - 1
	for i := len(way) - 1; i >= 0; i-- {
		// Matches at the same time as the next one count as before it, wherever they are
		// in the list.
		for i < len(way)-1 && next+1 < len(list) && list[next+1].at == out[len(out)-1].in.at {
			next++
		}
		for next >= 0 && list[next].item != way[i] {
			next--
		}
		if next < 0 {
			return nil
		}
		out = append(out, choice{list[next], fmt.Sprintf("%s of %d in order", ordinal(i+1), of)})
	}
	slices.Reverse(out)
	return out
}

// orders are the orders of rules that satisfy the node. If a number of rules is enough, it
// is the longest order in the window, as far as it is needed.
func (n *node) orders(list []input) [][]int {
	if n.ways != nil {
		return n.ways
	}
	// rules[k] are the rules of the longest order that ends with the k-th rule, and at is
	// when it ends at the earliest.
	type order struct {
		rules []int
		at    instant
	}
	best := map[int]order{0: {at: never}}
	for rule := range n.refs {
		next := map[int]order{}
		for length, o := range best {
			for _, in := range list {
				if in.item == rule && !in.at.before(o.at) {
					if was, ok := next[length+1]; !ok || in.at.before(was.at) {
						next[length+1] = order{append(slices.Clone(o.rules), rule), in.at}
					}
					break
				}
			}
		}
		for length, o := range next {
			if was, ok := best[length]; !ok || o.at.before(was.at) {
				best[length] = o
			}
		}
	}
	for length := n.limit.count; length > 0; length-- {
		if o, ok := best[length]; ok {
			return [][]int{o.rules}
		}
	}
	return nil
}

// wanted is a sum's threshold, as shown.
func (n *node) wanted() string {
	op, value, _ := strings.Cut(n.limit.text, " ")
	if op == "gt" {
		return "more than " + value
	}
	return value
}

// reached says how far a window of the node gets.
func (n *node) reached(p progress) string {
	switch n.def.Type {
	case EventCount:
		return fmt.Sprintf("%d of %d events", p.count, n.limit.count)
	case ValueCount:
		return fmt.Sprintf("%d of %d values", p.count, n.limit.count)
	case ValueSum:
		return p.sum.String() + " of " + n.wanted()
	}
	if n.limit.expr != nil {
		return fmt.Sprintf("%d of %d rules, for %s", p.count, len(n.refs), n.limit.text)
	}
	return fmt.Sprintf("%d of %d rules", p.count, n.limit.count)
}

// missing says what a window of the node lacks.
func (n *node) missing(p progress) (list []string) {
	more := n.limit.count - p.count
	switch n.def.Type {
	case EventCount:
		return []string{plural(more, "more event")}
	case ValueCount:
		return []string{plural(more, "more value") + " of " + strings.Join(n.fields, " and ")}
	case ValueSum:
		return []string{n.limit.sum.sub(p.sum).String() + " more of " + n.fields[0]}
	}
	var unseen []string
	for i, ref := range n.refs {
		if p.seen&(1<<i) == 0 {
			unseen = append(unseen, ref)
		}
	}
	switch {
	case n.limit.expr != nil:
		return []string{"what the condition wants of " + strings.Join(unseen, ", ")}
	case n.def.Type == TemporalOrdered && n.ways != nil:
		if p.count == 0 {
			return unseen
		}
		for i, ref := range n.refs[p.count:] {
			list = append(list, ref+" after "+n.refs[p.count+i-1])
		}
		return list
	case more == len(unseen):
		return unseen
	}
	return []string{fmt.Sprintf("%d more of %s", more, strings.Join(unseen, ", "))}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n, suffix)
}
