package correlation

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// expr is a condition over the rules of a temporal correlation: one of them, or and/or of
// others.
type expr struct {
	op   byte // 0, '&' or '|'
	item int
	list []*expr
}

// Limits of a condition that is a text.
const (
	maxConditionText = 4096 // bytes
	maxNesting       = 64   // parentheses within each other
	maxWays          = 256  // ways in which the rules of temporal_ordered may satisfy it
)

// holds reports whether the condition holds once the rules whose bits are set were seen.
func (e *expr) holds(seen uint64) bool {
	switch e.op {
	case '&':
		for _, sub := range e.list {
			if !sub.holds(seen) {
				return false
			}
		}
		return true
	case '|':
		for _, sub := range e.list {
			if sub.holds(seen) {
				return true
			}
		}
		return false
	}
	return seen&(1<<e.item) != 0
}

// String writes the condition with the numbers of its rules.
func (e *expr) String() string {
	switch {
	case e == nil:
		return ""
	case e.op == 0:
		return strconv.Itoa(e.item)
	}
	text := "(" + e.list[0].String()
	for _, sub := range e.list[1:] {
		text += string(e.op) + sub.String()
	}
	return text + ")"
}

var errWays = fmt.Errorf("there are more than %d ways to satisfy it, which temporal_ordered cannot follow", maxWays)

// ways returns the smallest sets of rules that satisfy the condition, as bits.
func (e *expr) ways() ([]uint64, error) {
	if e.op == 0 {
		return []uint64{1 << e.item}, nil
	}
	var all []uint64
	for i, sub := range e.list {
		ways, err := sub.ways()
		if err != nil {
			return nil, err
		}
		if e.op == '&' && i > 0 {
			if len(all)*len(ways) > 4*maxWays {
				return nil, errWays
			}
			var both []uint64
			for _, a := range all {
				for _, b := range ways {
					both = append(both, a|b)
				}
			}
			all = both
		} else {
			all = append(all, ways...)
		}
		if all = smallest(all); len(all) > maxWays {
			return nil, errWays
		}
	}
	return all, nil
}

func smallest(sets []uint64) []uint64 {
	slices.Sort(sets)
	sets = slices.Compact(sets)
	return slices.DeleteFunc(slices.Clone(sets), func(s uint64) bool {
		return slices.ContainsFunc(sets, func(o uint64) bool { return o != s && o&s == o })
	})
}

// conditionTerms splits a condition into parentheses and words.
func conditionTerms(text string) []string {
	text = strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text)
	return strings.Fields(text)
}

// conditionRules lists the rules that a condition names, in order.
func conditionRules(text string) (rules []string) {
	for _, t := range conditionTerms(text) {
		switch strings.ToLower(t) {
		case "(", ")", "and", "or", "not":
		default:
			if !slices.Contains(rules, t) {
				rules = append(rules, t)
			}
		}
	}
	return rules
}

type exprReader struct {
	terms []string
	depth int
	item  func(name string) (int, error)
}

// readExpr reads a condition; item finds a rule by its name.
func readExpr(text string, item func(name string) (int, error)) (*expr, error) {
	if len(text) > maxConditionText {
		return nil, fmt.Errorf("has more than %d bytes", maxConditionText)
	}
	r := &exprReader{terms: conditionTerms(text), item: item}
	e, err := r.either()
	if err == nil && len(r.terms) > 0 {
		err = fmt.Errorf("%q is not expected", r.terms[0])
	}
	return e, err
}

func (r *exprReader) next(word string) bool {
	if len(r.terms) == 0 || !strings.EqualFold(r.terms[0], word) {
		return false
	}
	r.terms = r.terms[1:]
	return true
}

func (r *exprReader) either() (*expr, error) { return r.joined('|', "or", r.both) }
func (r *exprReader) both() (*expr, error)   { return r.joined('&', "and", r.one) }

func (r *exprReader) joined(op byte, word string, read func() (*expr, error)) (*expr, error) {
	e, err := read()
	if err != nil {
		return nil, err
	}
	list := []*expr{e}
	for r.next(word) {
		if e, err = read(); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return &expr{op: op, list: list}, nil
}

func (r *exprReader) one() (*expr, error) {
	switch {
	case len(r.terms) == 0:
		return nil, errors.New("ends where a rule is expected")
	case r.next("not"):
		return nil, errors.New("not is refused: " + takesBack)
	case r.next("("):
		if r.depth++; r.depth > maxNesting {
			return nil, fmt.Errorf("parentheses are nested deeper than %d", maxNesting)
		}
		e, err := r.either()
		if err != nil {
			return nil, err
		}
		r.depth--
		if !r.next(")") {
			return nil, errors.New("a parenthesis is not closed")
		}
		return e, nil
	}
	name := r.terms[0]
	if len(r.terms) > 1 && strings.EqualFold(r.terms[1], "of") {
		return nil, fmt.Errorf("%q is no condition here: name each rule", name+" of")
	}
	switch strings.ToLower(name) {
	case ")", "and", "or":
		return nil, fmt.Errorf("%q stands where a rule is expected", name)
	}
	i, err := r.item(name)
	if err != nil {
		return nil, err
	}
	r.terms = r.terms[1:]
	return &expr{item: i}, nil
}
