package tagger

import (
	"encoding/json"
	"sort"
	"strings"

	"github.com/ttpcron/ttpcron/tagger/pattern"
	"go.yaml.in/yaml/v3"
)

// marshalPlain writes what reader.plain read as JSON.
func marshalPlain(v any) ([]byte, error) { return json.Marshal(v) }

// condition reads a mapping, all of whose keys must hold.
func (r *ruleReader) condition(n *yaml.Node, field string, depth int) condition {
	if depth > maxNested {
		r.problem(n, field, "conditions are nested deeper than %d", maxNested)
		return nil
	}
	members := r.members(n, field)
	if name := lifterName(members); name != "" {
		return r.predicate(members, field, name)
	}
	var all allOf
	var patternField *string
	hasPattern := false
	for _, m := range members {
		hasPattern = hasPattern || m.key == "pattern"
		if m.key == "field" && m.value.Kind == yaml.ScalarNode {
			name := r.text(m.value, join(field, "field"))
			patternField = &name
		}
	}
	if patternField != nil && !hasPattern {
		r.problem(n, join(field, "field"), "needs a pattern beside it, or write field: {name: …, contains: …}")
	}
	for _, m := range members {
		if c := r.conditionKey(m, field, depth, patternField); c != nil {
			all = append(all, c)
		}
	}
	if len(members) == 0 && !r.refused() {
		r.problem(n, field, "is empty: it would match everything")
	}
	if len(all) == 1 {
		return all[0]
	}
	return all
}

func (r *ruleReader) conditionKey(m member, outer string, depth int, patternField *string) condition {
	field := join(outer, m.key)
	switch m.key {
	case "all":
		return allOf(r.conditions(m.value, field, depth))
	case "any":
		return anyOf(r.conditions(m.value, field, depth))
	case "not":
		if m.value.Kind == yaml.SequenceNode {
			return noneOf(r.conditions(m.value, field, depth))
		}
		return noneOf{r.condition(m.value, field, depth+1)}
	case "some":
		return someCommand{r.condition(m.value, field, depth+1)}
	case "pattern":
		ref := fieldRef{field: fieldText, stringOnly: true}
		if patternField != nil {
			ref = fieldRef{field: fieldPayload, name: *patternField, stringOnly: true}
		}
		p := r.pattern(m.value, field, false)
		if p == nil {
			return nil
		}
		return fieldTest{ref, &valueTest{patterns: []*pattern.Pattern{p}}}
	case "field":
		if m.value.Kind != yaml.ScalarNode {
			return r.payloadTest(m.value, field)
		}
		return nil // read with pattern
	case "kind":
		r.problem(m.value, field, "%s, want lifter:NAME", kindOf(m.value))
		return nil
	}
	f, ok := fieldNames[m.key]
	if !ok {
		r.unknown(m, outer, conditionKeys())
		return nil
	}
	if f == fieldBackground {
		return flagTest{f, r.boolean(m.value, field)}
	}
	t := r.test(m.value, field, nil, depth)
	return fieldTest{fieldRef{field: f}, t}
}

func conditionKeys() []string {
	keys := []string{"all", "any", "not", "some", "pattern", "field", "kind"}
	for name := range fieldNames {
		keys = append(keys, name)
	}
	sort.Strings(keys)
	return keys
}

func (r *ruleReader) conditions(n *yaml.Node, field string, depth int) []condition {
	n = r.visit(n)
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.problem(n, field, "%s, want a list of conditions", kindOf(n))
		return nil
	}
	var out []condition
	for i, c := range n.Content {
		if c := r.condition(c, index(field, i), depth+1); c != nil {
			out = append(out, c)
		}
	}
	return out
}

func lifterName(members []member) string {
	for _, m := range members {
		if name, ok := strings.CutPrefix(m.value.Value, "lifter:"); ok && m.key == "kind" && m.value.Kind == yaml.ScalarNode {
			return name
		}
	}
	return ""
}

// predicate reads a built-in predicate: all other keys are its settings.
func (r *ruleReader) predicate(members []member, field, name string) condition {
	l := predicateTest{name: name, settings: map[string]any{}}
	for _, m := range members {
		if m.key != "kind" {
			l.settings[m.key] = r.plain(m.value, join(field, m.key))
		}
	}
	if _, _, err := predicateOf(name, l.settings); err != nil {
		r.problem(members[0].at, field, "%v", err)
	}
	return l
}

// payloadTest reads field: {name: …, tests}.
func (r *ruleReader) payloadTest(n *yaml.Node, field string) condition {
	var name string
	t := r.test(n, field, &name, 0)
	if name == "" {
		r.problem(n, join(field, "name"), "is missing")
	}
	return fieldTest{fieldRef{field: fieldPayload, name: name}, t}
}

func (r *ruleReader) pattern(n *yaml.Node, field string, ignoreCase bool) *pattern.Pattern {
	expr := r.text(n, field)
	if ignoreCase {
		expr = "(?i)" + expr
	}
	p, err := pattern.Compile(expr)
	if err != nil {
		r.problem(n, field, "%s in %q", err, shorten(expr, 60))
		return nil
	}
	return p
}

var testKeys = []string{
	"equals", "in", "contains", "contains_all", "starts_with", "ends_with", "glob", "pattern", "not", "ignore_case", "count_min",
}

// test reads a string, a list, or a mapping of tests. With name, the mapping
// also names the payload field.
func (r *ruleReader) test(n *yaml.Node, field string, name *string, depth int) *valueTest {
	n = r.visit(n)
	t := &valueTest{}
	if n.Kind != yaml.MappingNode {
		if name != nil {
			r.problem(n, field, "%s, want {name: …, and a test}", kindOf(n))
			return t
		}
		t.equals = r.texts(n, field)
		return t
	}
	if depth > maxNested {
		r.problem(n, field, "tests are nested deeper than %d", maxNested)
		return t
	}
	members := r.members(n, field)
	for _, m := range members {
		if m.key == "ignore_case" {
			t.ignoreCase = r.boolean(m.value, join(field, m.key))
		}
	}
	for _, m := range members {
		at := join(field, m.key)
		switch m.key {
		case "equals", "in":
			t.equals = append(t.equals, r.texts(m.value, at)...)
		case "contains":
			t.contains = r.texts(m.value, at)
		case "contains_all":
			t.containsAll = r.texts(m.value, at)
		case "starts_with":
			t.startsWith = r.texts(m.value, at)
		case "ends_with":
			t.endsWith = r.texts(m.value, at)
		case "glob":
			t.globs = r.texts(m.value, at)
		case "pattern":
			t.patterns = r.patterns(m.value, at, t.ignoreCase)
		case "not":
			t.not = r.test(m.value, at, nil, depth+1)
		case "count_min":
			t.countMin = r.integer(m.value, at, 1)
		case "ignore_case":
		case "name":
			if name != nil {
				*name = r.text(m.value, at)
				continue
			}
			r.unknown(m, field, testKeys)
		default:
			r.unknown(m, field, testKeys)
		}
	}
	t.fold()
	return t
}

// fold prepares a test that ignores case: values are folded before they are compared.
func (t *valueTest) fold() {
	if !t.ignoreCase {
		return
	}
	for _, list := range [...][]string{t.equals, t.contains, t.containsAll, t.startsWith, t.endsWith, t.globs} {
		for i, s := range list {
			list[i] = pattern.Fold(s)
		}
	}
}

func (r *ruleReader) patterns(n *yaml.Node, field string, ignoreCase bool) []*pattern.Pattern {
	n = r.visit(n)
	if n.Kind != yaml.SequenceNode {
		if p := r.pattern(n, field, ignoreCase); p != nil {
			return []*pattern.Pattern{p}
		}
		return nil
	}
	var out []*pattern.Pattern
	for i, c := range n.Content {
		if p := r.pattern(c, index(field, i), ignoreCase); p != nil {
			out = append(out, p)
		}
	}
	return out
}
