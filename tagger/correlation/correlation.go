// Package correlation judges rules over several events: techniques that no single
// event shows.
//
// Start with [Link], which takes the definitions of all correlations and makes rules of
// them. A [Rule] says which streams of base matches it looks at; its [Judge] is given
// the matches of one group after another, in the order of time, and finds the slots in
// which a window ends that satisfies the rule's condition. [Rule.Tags] makes the tags of
// a finding, and [Rule.Trace] says how it came about.
//
// What a judge finds is a function of the group's matches alone, whatever the order in
// which events arrived, and more matches never take a finding back. The language is
// Sigma's; where Sigma leaves something open, this is what holds:
//
//   - A window is as long as the timespan and has both its edges: a match that is exactly
//     one timespan old counts. It ends at a match of a listed rule that takes part.
//   - Matches at the same time count as in order, since many sources have seconds only.
//   - A match that lacks a field of the group takes no part, nor does one without the
//     field whose values count, or one of several. Null is as good as missing, an empty
//     text is a value, and an object or a list is one by its content.
//   - An event that matches several of the rules is one event for event_count, has one
//     number for value_sum (the greatest, where aliases give it several), and shows all of
//     these rules to the temporal types.
//   - value_sum adds up numbers, and texts that are decimal numbers, exactly, up to the
//     18th digit after the point. What is negative or no number takes no part and is
//     counted, see [Judge.LeftOut].
//   - A temporal correlation with gte 2 wants two of its rules; temporal_ordered then
//     wants them in the order of the list, whatever is left out. With a text as its
//     condition it wants rules that satisfy the text, in the order of the list.
//   - A correlation that names another sees a match of it at each instant at which a
//     satisfying window of one of its groups ends. Such a match has the fields by which
//     the other groups, and no others.
//   - Groups by session_id have attacker_ip, attacker_uuid, decky_id and identity_uuid
//     besides, null where they are missing: ids of sessions are used again.
//   - Where a correlation groups by attacker_ip, addresses of own networks and of
//     resolvers take no part in it, nor in those that it names. In groups by session they
//     do take part.
//   - Names of fields are those of events. What Sigma calls src_ip, SourceIp or source.ip
//     is attacker_ip; User, user and TargetUserName are username, or user where events of
//     the kind have that; host, hostname, Computer and ComputerName are decky_id, unless
//     the rule looks at http_request, which has a host; session and SessionId are
//     session_id. An alias goes before all that. Where it stands for the same field of
//     every event in all of the rules, groups have that field.
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
