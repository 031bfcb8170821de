package correlation

import "github.com/ttpcron/ttpcron"

// Judge judges one group after another. It is for one goroutine. Its memory depends on
// the thresholds, not on how many matches there are.
type Judge struct {
	rule  *Rule
	keyer keyer

	now     instant // of the matches that came last
	some    bool    // there are such
	slots   []int64
	bounded bool
	leftOut int
	counted ttpcron.Window // of which time leftOut is

	nodes []nodeState
	of    pieces // the values of the group
	in    pieces // those of a match
	match match
	bytes []byte
	ends  []int32
	size  int // of all groups of nodes

	// For Trace: called for windows of the rule's own group that end now, and for matches
	// of the correlations that it names, whose values are in j.in. Nil otherwise.
	ended   func(satisfied bool)
	matched func(node int)
}

// nodeState is a node in the group that is judged.
type nodeState struct {
	single  counter // nil where the node has groups within the rule's
	touched bool    // it has matches of now
	used    bool    // it has matches of the group
	groups  groups
}

// maxSize is about how many bytes the groups within a group may take.
const maxSize = 16 << 20

// Judge returns a judge.
func (r *Rule) Judge() *Judge {
	j := &Judge{rule: r, keyer: newKeyer(), nodes: make([]nodeState, len(r.nodes))}
	for i := range r.nodes {
		if len(r.nodes[i].keys) == 0 {
			j.nodes[i].single = newCounter(&r.nodes[i])
		}
	}
	return j
}

// Begin begins with a group.
func (j *Judge) Begin(g ttpcron.Group) {
	j.slots, j.bounded, j.some, j.leftOut = j.slots[:0], false, false, 0
	for i := range j.nodes {
		n := &j.nodes[i]
		if !n.used {
			continue
		}
		n.used, n.touched = false, false
		if n.single != nil {
			n.single.clear()
		} else {
			j.size -= n.groups.clear()
		}
	}
	if j.rule.ofGroup {
		if len(g) > 0 {
			g = g[1:]
		}
		j.of.read(string(g))
	}
}

// Match takes the next match of the group, in the order of time and arrival. The stream
// is given by its index in [Rule.Streams]. It keeps nothing of m.
func (j *Judge) Match(stream int, m *ttpcron.BaseMatch) {
	if at := instantOf(m.Time); at != j.now || !j.some {
		j.settle()
		j.now, j.some = at, true
	}
	if len(j.rule.streams[stream].Values) > 0 {
		j.in.read(m.Values)
	}
	j.match.at, j.match.event, j.match.seq = j.now, true, m.Seq
	feeds := j.rule.feeds[stream]
	for i := range feeds {
		j.feed(&feeds[i])
	}
}

// End appends the slots in which windows ended that satisfy the condition, ascending,
// and reports whether a limit was met, so that there may be more of them.
func (j *Judge) End(slots []int64) (_ []int64, bounded bool) {
	j.settle()
	j.some = false
	return append(slots, j.slots...), j.bounded
}

// CountLeftOut says of which time LeftOut counts matches, of the groups that begin after
// it. Without it that is any.
func (j *Judge) CountLeftOut(w ttpcron.Window) { j.counted = w }

// LeftOut counts the matches of the group that took no part in a value_sum because their
// value is negative or no number.
func (j *Judge) LeftOut() int { return j.leftOut }

// feed gives j.match, whose values are in j.in, to a node.
func (j *Judge) feed(f *feed) {
	n, m := &j.rule.nodes[f.node], &j.match
	m.item = f.item
	if len(f.values) > 0 && !j.value(n, f, m) {
		return
	}
	st := &j.nodes[f.node]
	st.used = true
	if st.single != nil {
		st.touched = true
		if st.single.add(m) {
			j.bounded = true
		}
		return
	}
	if !j.gather(f.key) {
		return
	}
	gr := st.groups.find(j.keyer.key(j.bytes), j.now, n, j.bytes, j.ends)
	if gr.counter.add(m) {
		j.bounded = true
	}
	size := gr.bytes()
	j.size += size - gr.size
	gr.size = size
	for j.size > maxSize && st.groups.order.n > 1 {
		j.size -= st.groups.forget()
		j.bounded = true
	}
}

// value finds the value by which a match counts in a node. It is false if the match takes
// no part.
func (j *Judge) value(n *node, f *feed, m *match) bool {
	if !j.gather(f.values) {
		return false
	}
	if n.def.Type == ValueCount {
		m.value = j.keyer.key(j.bytes)
		return true
	}
	text, ok := ttpcron.PackedText(j.bytes)
	if ok {
		var d decimal
		if d, ok = readDecimal(text); ok && !d.negative {
			m.sum = d.amount(n.limit.sum)
			return true
		}
	}
	if j.counted.Contains(j.match.at.time()) {
		j.leftOut++
	}
	return false
}

// gather puts values one after another into j.bytes, and where they end into j.ends. It
// is false when one is missing that is required.
func (j *Judge) gather(sources []source) bool {
	j.bytes, j.ends = j.bytes[:0], j.ends[:0]
	for _, s := range sources {
		p := &j.in
		if s.ofGroup {
			p = &j.of
		}
		before := len(j.bytes)
		j.bytes = p.append(j.bytes, s.index)
		if one := j.bytes[before:]; s.required && (len(one) == 0 || ttpcron.PackedNull(one)) {
			return false
		}
		j.ends = append(j.ends, int32(len(j.bytes)))
	}
	return true
}

// settle evaluates the matches of one time, inner correlations first.
func (j *Judge) settle() {
	if !j.some {
		return
	}
	last := len(j.nodes) - 1
	for i := range last {
		n, st := &j.rule.nodes[i], &j.nodes[i]
		if st.single != nil {
			if st.touched {
				st.touched = false
				if st.single.satisfied(j.now) {
					j.in.set(nil, nil)
					j.raise(i)
				}
			}
			continue
		}
		if !st.used {
			continue
		}
		for gr := range st.groups.seenAt(j.now) {
			if gr.counter.satisfied(j.now) {
				j.in.set(gr.values, gr.ends)
				j.raise(i)
			}
		}
		j.size -= st.groups.forgetIdle(j.now, n.span)
	}
	root := &j.nodes[last]
	if !root.touched {
		return
	}
	root.touched = false
	satisfied := root.single.satisfied(j.now)
	if satisfied {
		if s := ttpcron.Slot(j.now.time(), j.rule.def.Timespan); len(j.slots) == 0 || j.slots[len(j.slots)-1] != s {
			j.slots = append(j.slots, s)
		}
	}
	if j.ended != nil {
		j.ended(satisfied)
	}
}

// raise passes a correlation's match, whose values are in j.in, to the outer one.
func (j *Judge) raise(node int) {
	if j.matched != nil {
		j.matched(node)
	}
	j.match.at, j.match.event = j.now, false
	j.feed(&j.rule.nodes[node].up)
}
