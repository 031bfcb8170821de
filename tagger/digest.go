package tagger

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/ttpcron/ttpcron"
)

// engineVersion is part of every rule's digest. Raise it with every change of
// the program after which a rule may give an event another tag than before: of
// the shell parser and its fields, of the tests, the derived canary signals, the
// evidence. Stored history is then tagged again with all rules.
const engineVersion = 4

// digester writes a definition in a form that is the same for the same meaning
// and differs for another: every value is preceded by its length or count.
type digester struct{ all []byte }

// digestOf returns the digest of everything in a definition that decides which tags it
// makes: kinds, condition, claims and evidence. Names, descriptions, references, reviews,
// tests and layout do not count.
func digestOf(d *definition) (sum [16]byte) {
	w := &digester{}
	w.number(engineVersion)
	w.text(d.ID)
	w.number(d.Version)
	w.number(len(d.Kinds))
	for _, k := range d.Kinds {
		w.text(string(k))
	}
	w.condition(d.match)
	if slices.Contains(d.Kinds, ttpcron.Command) {
		w.text("carried")
		w.number(carriedVersion)
	}
	w.number(len(d.Claims))
	for _, c := range d.Claims {
		for _, s := range [...]string{c.Tactic, c.TechniqueID, c.SubTechniqueID, c.AttackRelease, c.MitreURL, c.Level.String()} {
			w.text(s)
		}
		w.bits(math.Float64bits(c.Confidence))
	}
	w.texts(d.evidence)
	whole := sha256.Sum256(w.all)
	return [16]byte(whole[:16])
}

// matchingOf returns the digest of everything in a definition that decides which events
// it matches.
func matchingOf(d *definition) [16]byte {
	w := &digester{}
	w.text("matches")
	w.number(engineVersion)
	kinds := d.kindsOf()
	w.number(len(kinds))
	for _, k := range kinds {
		w.text(string(k))
	}
	w.condition(d.match)
	whole := sha256.Sum256(w.all)
	return [16]byte(whole[:16])
}

func (w *digester) bits(n uint64) {
	w.all = binary.LittleEndian.AppendUint64(w.all, n)
}

func (w *digester) number(n int) { w.bits(uint64(n)) }

func (w *digester) text(s string) {
	w.number(len(s))
	w.all = append(w.all, s...)
}

func (w *digester) texts(list []string) {
	w.number(len(list))
	for _, s := range list {
		w.text(s)
	}
}

func (w *digester) flag(v bool) {
	n := 0
	if v {
		n = 1
	}
	w.number(n)
}

func (w *digester) conditions(name string, list []condition) {
	w.text(name)
	w.number(len(list))
	for _, c := range list {
		w.condition(c)
	}
}

func (w *digester) condition(c condition) {
	switch c := c.(type) {
	case allOf:
		w.conditions("all", c)
	case anyOf:
		w.conditions("any", c)
	case noneOf:
		w.conditions("none", c)
	case someCommand:
		w.text("some")
		w.condition(c.is)
	case fieldTest:
		if c.field.field.ofProcess() {
			w.text("process")
		} else {
			w.text("field")
		}
		w.text(c.field.field.String()) // the number may change with the program
		w.text(c.field.name)
		w.flag(c.field.stringOnly)
		w.test(c.test)
	case flagTest:
		w.text("flag")
		w.text(c.field.String())
		w.flag(c.want)
	case predicateTest:
		w.text("lifter")
		w.text(c.name)
		w.text(fmt.Sprintf("%#v", c.settings)) // fmt sorts the keys of maps
		if p, known, err := predicateOf(c.name, c.settings); known && err == nil && p.digest != "" {
			w.text(p.digest)
		}
	default:
		panic("unknown condition")
	}
}

func (w *digester) test(t *valueTest) {
	w.flag(t != nil)
	if t == nil {
		return
	}
	for _, list := range [...][]string{t.equals, t.contains, t.containsAll, t.startsWith, t.endsWith, t.globs, patternTexts(t.patterns)} {
		w.texts(list)
	}
	w.flag(t.ignoreCase)
	w.number(t.countMin)
	w.test(t.not)
}

// Definitions returns what is in force, by id, in the form that a store remembers: the
// rules, and the streams of the correlations. Disabled and inert rules are left out.
// Rules that emit nothing because their confidence is too low are included, since that
// is their verdict on an event.
func (rs *RuleSet) Definitions() []ttpcron.RuleDef {
	var out []ttpcron.RuleDef
	for i := range rs.rules {
		r := &rs.rules[i]
		switch {
		case r.Inert != "" || r.State.Status == ttpcron.StatusDisabled:
		case r.Correlation != nil:
			out = append(out, rs.links.rules[r.ID].Def())
		default:
			out = append(out, ttpcron.RuleDef{ID: r.ID, Version: r.Version, Digest: rs.defs[i].digest})
		}
	}
	for _, s := range rs.streams {
		out = append(out, s.Def())
	}
	slices.SortFunc(out, func(a, b ttpcron.RuleDef) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
