package correlation

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// takesBack is why conditions are refused that hold only as long as something is missing.
const takesBack = "an event that arrives later could take the finding back"

// Limits of a correlation.
const (
	MaxCount  = 100_000 // the threshold of event_count and value_count
	MaxRules  = 64      // that it may list
	MaxFields = 16      // by which it may group, or whose values it may count together
	MaxDepth  = 10      // correlations within each other
	MaxParts  = 256     // rules and correlations that it is made of, each as often as it is named
)

// threshold is what a condition requires.
type threshold struct {
	count int    // of events, values or rules
	sum   amount // of value_sum
	expr  *expr  // of a temporal correlation whose condition is a text
	text  string // the condition as it is shown
}

// checkType says why a type is refused.
func checkType(t Type) error {
	switch t {
	case EventCount, ValueCount, ValueSum, Temporal, TemporalOrdered:
		return nil
	case "value_avg", "value_percentile", "value_median":
		return fmt.Errorf("%s is refused: %s", t, takesBack)
	case "":
		return errors.New("is missing")
	}
	return fmt.Errorf("%.40q is none of event_count, value_count, value_sum, temporal and temporal_ordered", string(t))
}

func (t Type) temporal() bool { return t == Temporal || t == TemporalOrdered }
func (t Type) ofValues() bool { return t == ValueCount || t == ValueSum }

// readCondition reads the condition of a definition that lists rules under these names.
// item finds one by its name. An error names the key within the condition, if it is about
// one.
func (d *Definition) readCondition(refs []string, item func(string) (int, error)) (th threshold, key string, err error) {
	rules := len(refs)
	c := &d.Condition
	if key, err = d.checkFields(); err != nil {
		return th, key, err
	}
	if c.Text != "" {
		switch {
		case !d.Type.temporal():
			return th, "", fmt.Errorf("only temporal and temporal_ordered have a condition that is a text; %s needs gt or gte", d.Type)
		case len(c.Comparisons) > 0:
			return th, "", errors.New("is a text and a comparison")
		}
		th.text = strings.Join(strings.Fields(c.Text), " ")
		th.expr, err = d.readText(refs, item)
		return th, "", err
	}
	if len(c.Comparisons) == 0 {
		if !d.Type.temporal() {
			return th, "", errors.New("is missing: gt or gte")
		}
		th.count, th.text = rules, "gte "+strconv.Itoa(rules)
		return th, "", nil
	}
	for _, cmp := range c.Comparisons {
		if err := checkOp(cmp.Op); err != nil {
			return th, cmp.Op, err
		}
	}
	if len(c.Comparisons) > 1 {
		return th, "", errors.New("has more than one comparison; one of gt and gte is enough")
	}
	cmp := c.Comparisons[0]
	th.text = cmp.Op + " " + cmp.Value
	if d.Type == ValueSum {
		th.sum, err = readSum(cmp)
		return th, cmp.Op, err
	}
	th.count, err = d.readCount(cmp, rules)
	return th, cmp.Op, err
}

func checkOp(op string) error {
	switch op {
	case "gt", "gte":
		return nil
	case "lt", "lte", "eq", "neq":
		return fmt.Errorf("%s is refused: %s; only gt and gte are there", op, takesBack)
	case "percentile":
		return fmt.Errorf("value_percentile is refused: %s", takesBack)
	}
	return errors.New("is no comparison; gt and gte are")
}

func (d *Definition) readCount(c Comparison, rules int) (int, error) {
	n, err := strconv.ParseInt(c.Value, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		n = MaxCount + 1
		if strings.HasPrefix(c.Value, "-") {
			n = -1
		}
	case err != nil:
		return 0, fmt.Errorf("%.40q is no whole number", c.Value)
	}
	if c.Op == "gt" && n <= MaxCount {
		n++
	}
	switch {
	case n < 1:
		return 0, fmt.Errorf("%s %s is always true", c.Op, c.Value)
	case d.Type.temporal() && n > int64(rules):
		return 0, fmt.Errorf("%s %s can never be true: there are %d rules", c.Op, c.Value, rules)
	case n > MaxCount:
		return 0, fmt.Errorf("%s %.40s is more than the %d that may be counted", c.Op, c.Value, MaxCount)
	}
	return int(n), nil
}

func readSum(c Comparison) (a amount, err error) {
	const most = "10^18"
	n, ok := readDecimal([]byte(c.Value))
	limit := amount{}.digit(1)
	for range integer + fraction {
		limit = limit.digit(0)
	}
	switch {
	case !ok:
		return a, fmt.Errorf("%.40q is no number", c.Value)
	case n.negative || len(n.digits) == 0 && c.Op == "gte":
		return a, fmt.Errorf("%s %.40s is always true", c.Op, c.Value)
	case len(n.digits)-n.point > fraction:
		return a, fmt.Errorf("%.40q has more than %d digits after the point", c.Value, fraction)
	}
	if a = n.amount(limit.add(amount{0, 1})); limit.less(a) {
		return a, fmt.Errorf("%s %.40s is more than the %s that may be added up", c.Op, c.Value, most)
	}
	if c.Op == "gt" {
		a = a.add(amount{0, 1})
	}
	return a, nil
}

func (d *Definition) checkFields() (key string, err error) {
	fields := d.Condition.Fields
	switch {
	case !d.Type.ofValues() && len(fields) > 0:
		return "field", fmt.Errorf("%s has none; value_count and value_sum do", d.Type)
	case d.Type.ofValues() && len(fields) == 0:
		return "field", errors.New("is missing: the field whose values count")
	case d.Type == ValueSum && len(fields) > 1:
		return "field", errors.New("value_sum adds up the numbers of one field")
	case len(fields) > MaxFields:
		return "field", fmt.Errorf("there are more than %d", MaxFields)
	}
	for i, f := range fields {
		if slices.Contains(fields[:i], f) {
			return "field", fmt.Errorf("%q is named twice", f)
		}
		if f != "vantage" {
			err = checkField(f)
		}
		if err != nil {
			return "field", err
		}
	}
	return "", nil
}

// readText reads a condition that is a text. Every rule must occur in it.
func (d *Definition) readText(refs []string, item func(string) (int, error)) (*expr, error) {
	var seen uint64
	e, err := readExpr(d.Condition.Text, func(name string) (int, error) {
		i, err := item(name)
		if err == nil {
			seen |= 1 << i
		}
		return i, err
	})
	if err != nil {
		return nil, err
	}
	for i, ref := range refs {
		if seen&(1<<i) == 0 {
			return nil, fmt.Errorf("%q is among the rules but not in the condition", ref)
		}
	}
	if d.Type == TemporalOrdered {
		_, err = e.ways()
	}
	return e, err
}

// RefusedKey returns why a key that others have proposed for correlations is refused, or
// nil for a key that is merely unknown.
func RefusedKey(key string) error {
	switch key {
	case "window", "gap":
		return fmt.Errorf("%s is refused: Sigma has no such key; windows slide, and end at a match of a listed rule", key)
	}
	return nil
}

// ownText lists networks in a form that does not depend on their order.
func ownText(own ttpcron.Networks) string {
	var list []string
	for _, p := range own {
		list = append(list, p.String())
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ",")
}
