package correlation

import (
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Rule is a correlation that can be judged. It is immutable.
type Rule struct {
	def      *Definition
	digest   [16]byte
	names    []string // of the fields of its groups, ascending
	grouping string
	terms    *ttpcron.Terms
	reach    time.Duration
	streams  []*ttpcron.Stream
	feeds    [][]feed // by stream: the nodes that its matches go to
	nodes    []node   // those below another before it; the rule itself is the last
	ofGroup  bool     // some node needs values of the group
	least    int      // see Least
}

// node is the rule itself, or a correlation that it names.
type node struct {
	def    *Definition
	names  []string // of the fields of its groups
	span   int64    // seconds
	limit  threshold
	ways   [][]int // of temporal_ordered: rules that satisfy it in this order
	refs   []string
	keys   []string // the names of those fields that tell its groups apart within one of the rule's
	up     feed     // where its own matches go
	fields []string // whose values count
}

// feed says what becomes of a match in a node.
type feed struct {
	node   int
	item   int // which of the node's rules has matched
	key    []source
	values []source
}

// source is where a value is.
type source struct {
	ofGroup  bool // among those of the rule's group, else among those of the match
	index    int
	required bool
}

// Definition returns the definition of which the rule was made.
func (r *Rule) Definition() *Definition { return r.def }

// Def returns id, version, and a digest of everything that decides what the rule finds.
func (r *Rule) Def() ttpcron.RuleDef {
	return ttpcron.RuleDef{ID: r.def.RuleID, Version: r.def.Version, Digest: r.digest}
}

// Names lists the fields of the rule's groups, ascending.
func (r *Rule) Names() []string { return r.names }

// Grouping names the fields of the rule's groups, see [ttpcron.Stream.Grouping].
func (r *Rule) Grouping() string { return r.grouping }

// Streams are those whose matches the rule looks at.
func (r *Rule) Streams() []*ttpcron.Stream { return r.streams }

// Timespan is how long the rule's windows and slots are.
func (r *Rule) Timespan() time.Duration { return r.def.Timespan }

// Reach is how long before the end of a window matches may lie that matter for it: the
// timespan or, where the rule names other correlations, the most that the spans come to.
func (r *Rule) Reach() time.Duration { return r.reach }

// Least is from how many matches of a group on the rule may find something: of fewer it
// need not be asked.
func (r *Rule) Least() int { return r.least }

// leastOf works out [Rule.Least], from the nodes below up.
func leastOf(nodes []node, feeds [][]feed) int {
	items := make([][]int, len(nodes)) // how many matches one of each rule of a node takes
	for i := range nodes {
		items[i] = make([]int, len(nodes[i].refs))
	}
	for _, of := range feeds {
		for i := range of {
			items[of[i].node][of[i].item] = 1
		}
	}
	least := 1
	for i := range nodes {
		inner := slices.ContainsFunc(nodes[:i], func(below node) bool { return below.up.node == i })
		least = nodes[i].least(items[i], inner)
		if i < len(nodes)-1 {
			up := &nodes[i].up
			items[up.node][up.item] = least
		}
	}
	return least
}

// least is at most the number of base matches that satisfy the node, given how many each
// of its rules needs. Rules that are correlations may share theirs.
func (n *node) least(items []int, inner bool) int {
	slices.Sort(items)
	switch {
	case n.def.Type == ValueSum || n.limit.expr != nil:
		return items[0]
	case !inner:
		return n.limit.count
	case n.def.Type.temporal():
		return items[n.limit.count-1]
	}
	return items[0]
}

// Condition returns the rule's condition as it is shown, such as gte 10.
func (r *Rule) Condition() string { return r.root().limit.text }

// Scope says where a rule can be judged.
type Scope string

// The scopes.
const (
	ScopeAddress Scope = "address" // where all events of an address meet
	ScopeWhole   Scope = "whole"   // only where all events meet
)

// Scope says where the rule can be judged. Groups by session hold the address too.
func (r *Rule) Scope() Scope {
	if slices.Contains(r.names, ttpcron.FieldAttackerIP) {
		return ScopeAddress
	}
	return ScopeWhole
}

func (r *Rule) root() *node { return &r.nodes[len(r.nodes)-1] }
