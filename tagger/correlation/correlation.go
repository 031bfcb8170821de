// Package correlation judges rules over several events, for techniques that no single
// event shows.
//
// Start with [Link], which turns the definitions of all correlations into rules. A
// [Rule] lists the streams of base matches that it needs. Its [Judge] takes the matches
// of one group after another, in order of time, and finds the slots in which a satisfied
// window ends. [Rule.Tags] makes the tags of a finding, and [Rule.Trace] shows how it
// came about.
//
// A judge's findings depend only on the group's matches, not on the order in which
// events arrived, and more matches never undo a finding. The language is Sigma's. Where
// Sigma leaves something open, these rules apply:
//
//   - A window is as long as the timespan and includes both ends: a match exactly one
//     timespan old counts. It ends at a match of a listed rule.
//   - Matches at the same time count as in order, since many sources record whole
//     seconds.
//   - A match that lacks a group field takes no part, nor does one that lacks a field
//     whose values count. Null counts as missing, an empty text is a value, and objects
//     and lists are compared by content.
//   - An event that matches several of the rules is one event for event_count, has one
//     number for value_sum (the greatest, if aliases give it several), and counts for
//     all of these rules in the temporal types.
//   - value_sum adds numbers, and texts that are decimal numbers, exactly to 18 decimal
//     places. Values that are negative or not numbers are skipped and counted, see
//     [Judge.LeftOut].
//   - A temporal correlation with gte 2 needs two of its rules; temporal_ordered needs
//     them in the order of the list, with others left out. If the condition is a text,
//     it needs rules that satisfy the text, in the order of the list.
//   - A correlation over another one sees a match at each time at which a satisfied
//     window of the inner one ends. Such a match has only the fields of the inner group.
//   - Groups by session_id also have attacker_ip, attacker_uuid, decky_id and
//     identity_uuid, null if missing, because session ids are reused.
//   - If a correlation groups by attacker_ip, addresses of own networks and of resolvers
//     take no part in it, nor in the correlations that it refers to. They do take part
//     in groups by session.
//   - Field names are those of events. Sigma's src_ip, SourceIp and source.ip are
//     attacker_ip. User, user and TargetUserName are username, or user for kinds of
//     event that have that. host, hostname, Computer and ComputerName are decky_id,
//     except in rules for http_request, which has a host. session and SessionId are
//     session_id. An alias takes precedence; if it means the same field in all of the
//     rules, groups have that field.
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
	Timespan  time.Duration // see [ttpcron.ParseTimespan]
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
