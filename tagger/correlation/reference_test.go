package correlation

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// history is the input of the judge: events, the base rules that each matches, and
// correlations.
type history struct {
	events  []ttpcron.Event
	matched [][]string // base rules by event
	bases   map[string]Base
	defs    []*Definition
	own     ttpcron.Networks
}

func (h *history) base(ref string) (Base, bool) { b, ok := h.bases[ref]; return b, ok }

func (h *history) link() ([]*Rule, []Problem) { return Link(h.defs, h.base, h.own) }

// finding is a group and a slot.
type finding struct {
	group string // its vantage, and its fields as JSON
	slot  int64
}

// streamed is a match with the number of its stream.
type streamed struct {
	stream int
	m      ttpcron.BaseMatch
}

// grouped are the matches of a rule's groups, each in the order of time and arrival.
func (h *history) grouped(r *Rule) map[ttpcron.Group][]streamed {
	groups := map[ttpcron.Group][]streamed{}
	for i, s := range r.Streams() {
		for n := range h.events {
			e := &h.events[n]
			if e.Kind != s.Kind || !slices.Contains(h.matched[n], s.Rule) {
				continue
			}
			if packed, group, ok := s.Append(nil, e, h.own); ok {
				g := ttpcron.Group(packed[:group])
				groups[g] = append(groups[g], streamed{i, ttpcron.BaseMatch{Stream: s, Group: string(g), Values: string(packed[group:]), Time: e.Time, Seq: e.Seq}})
			}
		}
	}
	for _, matches := range groups {
		slices.SortFunc(matches, func(a, b streamed) int {
			return cmp.Or(a.m.Time.Compare(b.m.Time), cmp.Compare(a.m.Seq, b.m.Seq), cmp.Compare(a.stream, b.stream))
		})
	}
	return groups
}

// judged are the findings of a rule as the judge finds them.
func (h *history) judged(r *Rule) (found []finding) {
	j := r.Judge()
	for g, matches := range h.grouped(r) {
		j.Begin(g)
		for i := range matches {
			j.Match(matches[i].stream, &matches[i].m)
		}
		slots, bounded := j.End(nil)
		if bounded {
			panic("bounded")
		}
		for _, s := range slots {
			found = append(found, finding{fmt.Sprint(g.Vantage(), string(g.AppendJSON(nil, r.Names()))), s})
		}
	}
	sortFindings(found)
	return found
}

func sortFindings(list []finding) {
	slices.SortFunc(list, func(a, b finding) int { return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.slot, b.slot)) })
}

// The reference judges by definition, from the events, and shares no code with the judge.

// refMatch is a match of a rule.
type refMatch struct {
	at    time.Time
	id    string // of the event, or of the window
	field func(name string) string
}

// byReference are the findings of a definition.
func (h *history) byReference(d *Definition) (found []finding) {
	for _, w := range h.windows(d, map[string]bool{}) {
		names := h.names(d)
		var group []byte
		group = append(group, w.field("vantage")[0])
		for _, n := range names {
			v := w.field(n)
			if v == "" {
				v = "n"
			}
			group = append(group, v...)
		}
		g := ttpcron.Group(group)
		f := finding{fmt.Sprint(g.Vantage(), string(g.AppendJSON(nil, names))), w.at.Unix() / int64(d.Timespan/time.Second)}
		if !slices.Contains(found, f) {
			found = append(found, f)
		}
	}
	sortFindings(found)
	return found
}

// names are the fields that a definition groups by; session adds others.
func (h *history) names(d *Definition) []string {
	names := slices.Clone(d.GroupBy)
	if slices.Contains(names, "session_id") {
		for _, n := range []string{"attacker_ip", "attacker_uuid", "decky_id", "identity_uuid"} {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	slices.Sort(names)
	return names
}

// windows are a correlation's matches: groups, and instants at which a satisfied window
// ends. unmarked are the fields that outer correlations group by.
func (h *history) windows(d *Definition, unmarked map[string]bool) (out []refMatch) {
	byField := map[string]bool{}
	for n := range unmarked {
		byField[n] = true
	}
	for _, n := range d.GroupBy {
		byField[n] = true
	}
	type listed struct {
		refMatch
		rule int
	}
	groups := map[string][]listed{}
	for i, ref := range d.Rules {
		to := func(name string) string {
			if of, ok := d.Aliases[name][ref]; ok {
				return of
			}
			return name
		}
		below := map[string]bool{}
		for n := range byField {
			below[to(n)] = true
		}
		for _, m := range h.matches(ref, below) {
			field := func(name string) string { return m.field(to(name)) }
			group, whole := field("vantage"), true
			for _, n := range h.names(d) {
				v := field(n)
				whole = whole && (v != "" || !slices.Contains(d.GroupBy, n))
				group += "\x00" + v
			}
			if whole {
				groups[group] = append(groups[group], listed{refMatch{m.at, m.id, field}, i})
			}
		}
	}
	for group, list := range groups {
		list = slices.DeleteFunc(list, func(m listed) bool { return !takesPart(d, m.field) })
		done := map[time.Time]bool{}
		for _, end := range list {
			if done[end.at] {
				continue
			}
			done[end.at] = true
			var window []listed
			for _, m := range list {
				if !m.at.After(end.at) && !m.at.Before(end.at.Add(-d.Timespan)) {
					window = append(window, m)
				}
			}
			slices.SortStableFunc(window, func(a, b listed) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.rule, b.rule)) })
			rules := make([][]refMatch, len(d.Rules))
			order := []int{}
			for _, m := range window {
				rules[m.rule] = append(rules[m.rule], m.refMatch)
				order = append(order, m.rule)
			}
			if satisfiedBy(d, rules, order) {
				out = append(out, refMatch{end.at, d.RuleID + group + end.at.String(), end.field})
			}
		}
	}
	return out
}

func (h *history) matches(ref string, unmarked map[string]bool) (out []refMatch) {
	for _, d := range h.defs {
		if d.RuleID == ref {
			return h.windows(d, unmarked)
		}
	}
	for n := range h.events {
		e := &h.events[n]
		if !slices.Contains(h.matched[n], ref) || !slices.Contains(h.bases[ref].Kinds, e.Kind) {
			continue
		}
		if unmarked["attacker_ip"] && (h.own.Contains(e.AttackerIP) || e.ByResolver()) {
			continue
		}
		out = append(out, refMatch{e.Time, fmt.Sprint("event ", e.Seq), func(name string) string {
			if name == "vantage" {
				return string(rune(e.Vantage))
			}
			if v := string(e.AppendField(nil, name)); v != "n" {
				return v
			}
			return ""
		}})
	}
	return out
}

func takesPart(d *Definition, field func(string) string) bool {
	for _, n := range d.Condition.Fields {
		if field(n) == "" {
			return false
		}
		if d.Type == ValueSum {
			if n, ok := number(field(n)); !ok || n.Sign() < 0 {
				return false
			}
		}
	}
	return true
}

func number(packed string) (*big.Rat, bool) {
	v, _, ok := ttpcron.NextPacked(packed)
	if !ok || v.Text == "" || strings.Trim(v.Text, "+-.0123456789eE") != "" {
		return nil, false
	}
	n, ok := new(big.Rat).SetString(v.Text)
	if !ok {
		return nil, false
	}
	// Digits after the 18th do not count.
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil)
	whole := new(big.Rat).Mul(n, new(big.Rat).SetInt(unit))
	cut := new(big.Rat).SetFrac(new(big.Int).Quo(whole.Num(), whole.Denom()), unit)
	if n.Sign() < 0 && cut.Sign() == 0 {
		return n, true
	}
	return cut, true
}

// satisfiedBy reports whether the matches of a window, by rule, satisfy a condition. order
// lists the rules of all the matches, in the order of time and of the rules.
func satisfiedBy(d *Definition, rules [][]refMatch, order []int) bool {
	if d.Condition.Text != "" {
		for set := range 1 << len(rules) {
			has := func(i int) bool { return set>>i&1 == 1 }
			if textHolds(d, d.Condition.Text, has) && seenAll(d, rules, order, has) {
				return true
			}
		}
		return false
	}
	need, n := new(big.Rat).SetInt64(int64(len(rules))), new(big.Rat)
	strict := false
	for _, c := range d.Condition.Comparisons {
		need.SetString(c.Value)
		strict = c.Op == "gt"
	}
	switch d.Type {
	case EventCount:
		n.SetInt64(int64(len(distinct(rules, func(m refMatch) string { return m.id }))))
	case ValueCount:
		n.SetInt64(int64(len(distinct(rules, func(m refMatch) string {
			v := ""
			for _, f := range d.Condition.Fields {
				v += m.field(f)
			}
			return v
		}))))
	case ValueSum:
		most := map[string]*big.Rat{} // of an event the greatest number counts
		for _, list := range rules {
			for _, m := range list {
				if v, ok := number(m.field(d.Condition.Fields[0])); ok && (most[m.id] == nil || most[m.id].Cmp(v) < 0) {
					most[m.id] = v
				}
			}
		}
		for _, v := range most {
			n.Add(n, v)
		}
	default:
		most := 0
		for set := range 1 << len(rules) {
			size := 0
			for i := range rules {
				size += set >> i & 1
			}
			if size > most && seenAll(d, rules, order, func(i int) bool { return set>>i&1 == 1 }) {
				most = size
			}
		}
		n.SetInt64(int64(most))
	}
	return n.Cmp(need) > 0 || n.Cmp(need) == 0 && !strict
}

// seenAll reports whether all rules of a set have matched, in their order where it counts.
func seenAll(d *Definition, rules [][]refMatch, order []int, has func(int) bool) bool {
	if d.Type == Temporal {
		for i, list := range rules {
			if has(i) && len(list) == 0 {
				return false
			}
		}
		return true
	}
	var at time.Time // of the rule before; the earliest match of each is the best
	for i, list := range rules {
		if !has(i) {
			continue
		}
		found := false
		var first time.Time
		for _, m := range list {
			if !m.at.Before(at) && (!found || m.at.Before(first)) {
				found, first = true, m.at
			}
		}
		if !found {
			return false
		}
		at = first
	}
	return true
}

// textHolds reads conditions such as "a and (b or c)" anew, with Go's own words.
func textHolds(d *Definition, text string, has func(int) bool) bool {
	text = strings.TrimSpace(text)
	for _, word := range []string{" or ", " and "} {
		depth := 0
		for i := range text {
			switch {
			case text[i] == '(':
				depth++
			case text[i] == ')':
				depth--
			case depth == 0 && strings.HasPrefix(text[i:], word):
				a, b := textHolds(d, text[:i], has), textHolds(d, text[i+len(word):], has)
				if word == " or " {
					return a || b
				}
				return a && b
			}
		}
	}
	if text[0] == '(' {
		return textHolds(d, text[1:len(text)-1], has)
	}
	return has(slices.Index(d.Rules, text))
}

func distinct(rules [][]refMatch, of func(refMatch) string) map[string]bool {
	set := map[string]bool{}
	for _, list := range rules {
		for _, m := range list {
			set[of(m)] = true
		}
	}
	return set
}
