package tagger

import "github.com/ttpcron/ttpcron"

// Failure is an example of a rule that does not give the expected result.
type Failure struct {
	Rule    string
	Folder  string
	File    string
	Example string // shortened
	Want    bool   // that the rule matches
	Text    string // what is wrong
}

// Test runs the examples of every rule of the set and returns those that fail. Each rule
// is tried by itself, whatever its state; a correlation is tried with the rules that
// feed it. Inert rules and those of Options.Beneath are left out.
func Test(rs *RuleSet) []Failure {
	var out []Failure
	for i, d := range rs.defs {
		if rs.rules[i].Inert != "" || d.order < rs.beneath {
			continue
		}
		fail := func(ex *example, text string) {
			out = append(out, Failure{d.ID, d.Folder, d.File, shorten(ex.text, 200), ex.want, text})
		}
		if d.correlation != nil {
			testCorrelation(rs, d, fail)
			continue
		}
		c := byItself(d.certain()).Tagger(nil)
		for i := range d.examples {
			ex := &d.examples[i]
			e := ex.event
			tags, v := c.Tag(&e, nil)
			switch {
			case v.Skipped && ex.want:
				fail(ex, "no rule looks at such an event")
			case v.Bounded:
				fail(ex, "met a bound of work or size")
			case ex.want && len(tags) == 0:
				fail(ex, "does not match")
			case !ex.want && len(tags) > 0:
				fail(ex, "matches")
			}
		}
	}
	return out
}

// certain returns the rule with claims that no minimum keeps from being tags.
func (d *definition) certain() *definition {
	copied := *d
	copied.Claims = []ttpcron.Claim{{RuleID: d.ID, RuleVersion: d.Version, Tactic: "TA0000", TechniqueID: "T0000", Confidence: 1}}
	return &copied
}
