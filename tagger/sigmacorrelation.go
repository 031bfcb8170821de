package tagger

import (
	"slices"
	"strings"
	"unicode"

	"github.com/ttpcron/ttpcron"
	"go.yaml.in/yaml/v3"
)

// sigmaCorrelation reads Sigma's rule over several events.
func (r *ruleReader) sigmaCorrelation(root *yaml.Node, m sigmaMembers) {
	d := r.def
	r.required(root, "title", d.Name != "")
	for _, other := range []struct {
		key string
		at  *yaml.Node
	}{{"detection", m.detection}, {"logsource", m.logsource}} {
		if other.at != nil {
			r.problem(other.at, other.key, "a document has either correlation or detection")
		}
	}
	for _, other := range m.misplaced {
		r.warning(other.at, other.key, "has no effect here: it is a key of correlation")
	}
	if d.ID == "" { // Sigma asks for none
		d.ID = plainName(d.name)
	}
	if d.ID == "" {
		d.ID = plainName(d.Name)
	}
	r.required(root, "id", d.ID != "")
	r.sigmaDate(root, m)
	if r.refused() {
		return
	}
	d.Level = r.level(m.levelAt, strings.ToLower(m.level))
	r.correlation(m.correlation, true)
	r.sigmaClaims(m.tags)
}

// plainName makes an id of a name.
func plainName(name string) string {
	id := strings.Join(strings.FieldsFunc(name, func(c rune) bool { return c <= ' ' || c == '|' || unicode.IsSpace(c) || unicode.IsControl(c) }), "_")
	return ttpcron.Shorten(id, 120)
}

// idleGenerate warns of Sigma's generate where it has no effect: it is about rules of the
// same file.
func idleGenerate(defs []*definition) (problems []Problem) {
	for _, c := range defs {
		if c.correlation == nil || !c.generates {
			continue
		}
		refs := c.refs()
		if !slices.ContainsFunc(defs, func(d *definition) bool {
			return d != c && (slices.Contains(refs, d.ID) || slices.Contains(refs, d.name))
		}) {
			problems = append(problems, Problem{Line: c.lineOf("generate"), Field: c.fieldOf("generate"), Text: "has no effect: none of the rules is in this file, and others keep their tags", Warning: true})
		}
	}
	return problems
}

// silence takes the claims of rules that a correlation of the same file names which does
// not let them have any of their own: Sigma's generate, false where it is missing.
func silence(defs []*definition) {
	for _, c := range defs {
		if c.correlation == nil || !c.sigma || c.generate {
			continue
		}
		for _, ref := range c.refs() {
			for _, d := range defs {
				if d != c && d.sigma && (d.ID == ref || d.name == ref) {
					d.Claims, d.Silent = nil, "it feeds "+c.ID+", which has no generate: true"
				}
			}
		}
	}
}
