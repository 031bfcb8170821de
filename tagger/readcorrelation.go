package tagger

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/correlation"
)

// maxAliases is how many aliases a correlation may have, counted once for each rule.
const maxAliases = 1000

var (
	correlationKeys = []string{"type", "rules", "group-by", "timespan", "condition", "aliases"}
	comparisons     = []string{"gt", "gte", "lt", "lte", "eq", "neq"}
)

// correlation reads a rule over several events. It reports faults of form;
// [correlation.Link] reports faults of meaning, once all rules are known.
func (r *ruleReader) correlation(n *yaml.Node, sigma bool) {
	d := r.def
	def := &correlation.Definition{RuleID: d.ID, Version: d.Version, Name: d.name}
	d.correlation, d.lines = def, map[string]int{"": n.Line}
	for _, m := range r.members(n, "correlation") {
		field := join("correlation", m.key)
		d.lines[m.key] = m.at.Line
		switch m.key {
		case "type":
			def.Type = correlation.Type(r.text(m.value, field))
		case "rules":
			def.Rules = r.named(m.value, field, correlation.MaxRules)
			for i := range m.value.Content {
				d.lines[index("rules", i)] = m.value.Content[i].Line
			}
		case "group-by":
			if m.value.Kind != yaml.SequenceNode || len(m.value.Content) > 0 {
				def.GroupBy = r.named(m.value, field, correlation.MaxFields)
			}
		case "timespan":
			var err error
			if def.Timespan, err = ttpcron.ParseTimespan(r.text(m.value, field)); err != nil && !r.saidOf(field) {
				r.problem(m.value, field, "%v", err)
			}
		case "condition":
			r.correlationCondition(m.value, field)
		case "aliases":
			def.Aliases = r.aliases(m.value, field)
		case "generate":
			if generate := r.boolean(m.value, field); sigma {
				d.generate, d.generates = generate, true
			} else {
				r.problem(m.at, field, "is a key of Sigma's files: a base rule that is to make no tag has emits: []")
			}
		default:
			if err := correlation.RefusedKey(m.key); err != nil {
				r.problem(m.at, field, "%v", err)
			} else {
				r.unknown(m, "correlation", slices.Clone(correlationKeys))
			}
		}
	}
	r.unusedAliases()
	r.required(n, "correlation.type", def.Type != "")
	r.required(n, "correlation.timespan", def.Timespan > 0)
	r.required(n, "correlation.rules", len(def.Rules) > 0 || def.Condition.Text != "")
}

// saidOf reports whether a problem of a field was found.
func (r *reader) saidOf(field string) bool {
	return slices.ContainsFunc(r.problems, func(p Problem) bool { return p.Field == field })
}

// named reads a list of names.
func (r *ruleReader) named(n *yaml.Node, field string, most int) []string {
	names := r.texts(n, field)
	if len(names) > most {
		r.problem(n, field, "list of %d, at most %d are allowed", len(names), most)
		return nil
	}
	return names
}

// correlationCondition reads a mapping of comparisons, or rules joined by and and or.
func (r *ruleReader) correlationCondition(n *yaml.Node, field string) {
	c := &r.def.correlation.Condition
	n = r.visit(n)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		if c.Text = strings.TrimSpace(n.Value); c.Text == "" || len(c.Text) > 16<<10 {
			r.problem(n, field, "text of %d bytes, want 1 to %d", len(c.Text), 16<<10)
		}
		return
	}
	for _, m := range r.members(n, field) {
		at := join(field, m.key)
		r.def.lines[join("condition", m.key)] = m.at.Line
		switch {
		case slices.Contains(comparisons, m.key):
			c.Comparisons = append(c.Comparisons, correlation.Comparison{Op: m.key, Value: r.text(m.value, at)})
		case m.key == "field":
			c.Fields = r.named(m.value, at, correlation.MaxFields)
		case m.key == "percentile" && r.def.correlation.Type == "value_percentile": // which is refused by itself
		default:
			r.unknown(m, field, append([]string{"field"}, comparisons...))
		}
	}
}

func (r *ruleReader) aliases(n *yaml.Node, field string) map[string]map[string]string {
	all := map[string]map[string]string{}
	count := 0
	for _, alias := range r.members(n, field) {
		at := join(field, alias.key)
		of := map[string]string{}
		for _, m := range r.members(alias.value, at) {
			of[m.key] = r.text(m.value, join(at, m.key))
			count++
		}
		all[alias.key] = of
		r.def.lines[join("aliases", alias.key)] = alias.at.Line
	}
	if most := max(count, len(all)); most > maxAliases {
		r.problem(n, field, "are %d, at most %d are allowed", most, maxAliases)
		return nil
	}
	return all
}

// lineOf returns the line of a key of a correlation, or of the key that contains it.
func (d *definition) lineOf(key string) int {
	for {
		if line, ok := d.lines[key]; ok {
			return line
		}
		i := strings.LastIndexAny(key, ".[")
		if i < 0 {
			return cmp.Or(d.lines[""], d.line)
		}
		key = key[:i]
	}
}

// unusedAliases warns of aliases that change nothing.
func (r *ruleReader) unusedAliases() {
	d := r.def
	def := d.correlation
	for _, alias := range slices.Sorted(maps.Keys(def.Aliases)) {
		why := ""
		switch {
		case !slices.Contains(def.GroupBy, alias) && !slices.Contains(def.Condition.Fields, alias):
			why = "is not in group-by, nor the field of the condition: it has no effect"
		case len(def.Aliases[alias]) == 0:
			why = "stands for no field of any rule: it has no effect"
		default:
			continue
		}
		key := join("aliases", alias)
		r.problems = append(r.problems, Problem{Line: d.lineOf(key), Field: d.fieldOf(key), Text: why, Warning: true})
	}
}

// fieldOf returns the field of the file that a key of a correlation is.
func (d *definition) fieldOf(key string) string {
	switch {
	case d.lifter != "":
		return "match"
	case key == "":
		return "correlation"
	}
	return join("correlation", key)
}
