// Package correlation judges rules over several events: techniques that no single
// event shows.
//
// Start with [Link], which takes the definitions of all correlations and makes rules of
// them. A [Rule] says which streams of base matches it looks at; its [Judge] is given
// the matches of one group after another, in the order of time, and finds the slots in
// which a window ends that satisfies the rule's condition. What it finds is a function
// of the group's matches alone, whatever the order in which events arrived.
package correlation

import (
	"time"

	"github.com/ttpcron/ttpcron"
)

// Type is what a correlation asks of the matches in a window, in Sigma's words.
type Type string

// The types.
const (
	EventCount      Type = "event_count"      // how many events there are
	ValueCount      Type = "value_count"      // how many values of a field, or of several together, differ
	ValueSum        Type = "value_sum"        // what the numbers of a field add up to
	Temporal        Type = "temporal"         // which of the rules have matched
	TemporalOrdered Type = "temporal_ordered" // which of the rules have matched, in the order in which they are listed
)

// Definition is a correlation as a file gives it. Whatever is wrong with it, [Link] says.
type Definition struct {
	RuleID  string
	Version int
	// Name is a second name by which other correlations may refer to this one, if any.
	Name   string
	Claims []ttpcron.Claim
	Type   Type
	// Rules are ids or names of base rules and of other correlations.
	Rules     []string
	GroupBy   []string
	Timespan  time.Duration // see [ParseTimespan]
	Condition Condition
	// Aliases gives a field of groups another name in each rule: alias, rule as in Rules,
	// field.
	Aliases map[string]map[string]string
}

// Condition is when the matches in a window satisfy a correlation: a comparison or, for
// the temporal types, a text. The zero value is that of a temporal correlation that
// wants all of its rules.
type Condition struct {
	Comparisons []Comparison // as the file gives them; one of gt and gte is allowed
	Fields      []string     // whose values count
	Text        string       // of rules with and, or and parentheses
}

// Comparison is an entry of a condition, such as gte 10.
type Comparison struct {
	Op    string
	Value string
}

// Base is a rule about single events, as far as correlations need to know it.
type Base struct {
	ID    string
	Kinds []ttpcron.SourceKind // to which it applies
	// Digest is over everything that decides which events the rule matches.
	Digest [16]byte
}

// Problem is why a definition is refused.
type Problem struct {
	RuleID string
	Key    string // of the definition, such as condition.lt; empty for all of it
	Reason string
}

func (p Problem) Error() string {
	if p.Key == "" {
		return p.Reason
	}
	return p.Key + ": " + p.Reason
}

// Rule is a correlation that can be judged. It is immutable.
type Rule struct {
	def      *Definition
	digest   [16]byte
	names    []string // of the fields of its groups, ascending
	grouping string
	streams  []*ttpcron.Stream
	need     int // how many events
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

// Reach is how long before the end of a window matches may lie that matter for it.
func (r *Rule) Reach() time.Duration { return r.def.Timespan }

// Scope says where a rule can be judged.
type Scope string

// The scopes.
const (
	ScopeAddress Scope = "address" // where all events of an address meet
	ScopeWhole   Scope = "whole"   // only where all events meet
)

// Scope says where the rule can be judged.
func (r *Rule) Scope() Scope {
	for _, n := range r.names {
		if n == ttpcron.FieldAttackerIP {
			return ScopeAddress
		}
	}
	return ScopeWhole
}
