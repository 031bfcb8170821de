// Package attack has the techniques and tactics of MITRE ATT&CK for Enterprise: ids,
// names, the tactics of each technique, and what became of revoked ids. Two releases are
// embedded, without descriptions: [Current], and the one before it for readers that lag
// behind.
//
// Start with [Lookup] for the current release, or [In] for another. [Table.Translate]
// finds the id of one release in another. A table is parsed on first use, once, in well
// under a millisecond.
//
// © 2026 The MITRE Corporation. This work is reproduced and distributed with the
// permission of The MITRE Corporation. ATT&CK's licence is in the file
// LICENSE-MITRE-ATTACK.txt in this folder.
package attack

import (
	_ "embed"
	"iter"
	"slices"
	"strings"
	"sync"
)

// Release is the current release, in the spelling that rules use for attack_release.
const Release = "enterprise-v19.1"

// Table is one release.
type Table struct {
	release string
	text    string // see parse
	read    func() *catalogue

	crossing sync.Once
	newer    map[string]string // by id that the table does not know, one of its own; see crosswalk
}

// tables are the embedded releases, the current one first.
var tables = [...]*Table{newTable(Release, table191), newTable("enterprise-v18.1", table181)}

func newTable(release, text string) *Table {
	t := &Table{release: release, text: text}
	t.read = sync.OnceValue(t.parse)
	return t
}

// Current returns the release named by Release.
func Current() *Table { return tables[0] }

// Tables returns the embedded releases, the current one first.
func Tables() []*Table { return slices.Clone(tables[:]) }

// Releases returns the embedded releases as users name them, the current one first:
// "19.1", "18.1".
func Releases() []string {
	out := make([]string, len(tables))
	for i, t := range tables {
		out[i] = t.Number()
	}
	return out
}

// In returns an embedded release by its name: "18.1", "v18.1" or "enterprise-v18.1".
func In(release string) (*Table, bool) {
	number := strings.TrimPrefix(strings.TrimPrefix(release, "enterprise-"), "v")
	for _, t := range tables {
		if t.Number() == number {
			return t, true
		}
	}
	return nil, false
}

// Release returns the release's name as rules spell it, such as "enterprise-v19.1".
func (t *Table) Release() string { return t.release }

// Number returns the release's number, such as "19.1".
func (t *Table) Number() string { return strings.TrimPrefix(t.release, "enterprise-v") }

// licence travels with the tables, as it asks.
//
//go:embed LICENSE-MITRE-ATTACK.txt
var licence string

// Licence returns MITRE's notice and terms for ATT&CK, which a program that
// shows the table should be able to print.
func Licence() string { return licence }

// Technique is one technique or sub-technique. Its slices belong to the table
// and must not be changed.
type Technique struct {
	ID string // Tnnnn or Tnnnn.nnn
	// Name is ATT&CK's own name. That of a sub-technique says little without
	// its parent's: see FullName.
	Name      string
	Tactics   []string // TAnnnn, in matrix order
	Platforms []string // as ATT&CK spells them, such as "Linux" or "Network Devices"

	// Revoked says that another technique took this one's place, and RevokedBy
	// which: the id of a live one, after following every step.
	Revoked   bool
	RevokedBy string
	// Deprecated says that the technique was withdrawn and nothing took its
	// place.
	Deprecated bool

	// STIX is the id of MITRE's own STIX object, attack-pattern--<uuid>, and Created is
	// when that was made, RFC 3339 with milliseconds. Created is empty for the techniques
	// that 19 brought, of which the source of that table does not say it.
	STIX, Created string

	parent string // its name
}

// Live reports whether the technique is active: neither revoked nor deprecated.
func (t Technique) Live() bool { return !t.Revoked && !t.Deprecated }

// Parent returns the id of the technique that a sub-technique refines, or ""
// for a technique.
func (t Technique) Parent() string {
	parent, _, sub := strings.Cut(t.ID, ".")
	if !sub {
		return ""
	}
	return parent
}

// FullName is Name, with the parent's name before that of a sub-technique:
// "Brute Force: Password Spraying".
func (t Technique) FullName() string {
	if t.parent != "" {
		return t.parent + ": " + t.Name
	}
	return t.Name
}

// Tactic is one column of the matrix.
type Tactic struct {
	ID        string // TAnnnn
	Name      string // "Initial Access"
	ShortName string // "initial-access", as STIX and the Navigator have it
}

// Lookup returns the technique or sub-technique of the current release with an id,
// including revoked and deprecated ones. It is false for an id that the release does not
// have.
func Lookup(id string) (Technique, bool) { return Current().Lookup(id) }

// Lookup returns the technique or sub-technique of the table with an id, including
// revoked and deprecated ones. It is false for an id that the table does not have.
func (t *Table) Lookup(id string) (Technique, bool) {
	if x := t.find(id); x != nil {
		return *x, true
	}
	return Technique{}, false
}

// Has reports whether Lookup finds an id.
func (t *Table) Has(id string) bool { return t.find(id) != nil }

// find returns what Lookup does, nil where that is false. It is the table's own.
func (t *Table) find(id string) *Technique {
	c := t.read()
	i, ok := c.byID[id]
	if !ok {
		return nil
	}
	return &c.techniques[i]
}

// All yields every technique and sub-technique in order of id, including revoked and
// deprecated ones.
func (t *Table) All() iter.Seq[Technique] { return slices.Values(t.read().techniques) }

// Tactics returns the tactics in matrix order, from Reconnaissance to Impact.
func (t *Table) Tactics() []Tactic { return slices.Clone(t.read().tactics) }

// TacticName returns the name of a tactic, or "" for an unknown id.
func (t *Table) TacticName(id string) string {
	for _, tactic := range t.read().tactics {
		if tactic.ID == id {
			return tactic.Name
		}
	}
	return ""
}

// TechniqueName returns the full name of a technique or sub-technique (see
// [Technique.FullName]) in the table, or else in the newest release that has it, or ""
// for an unknown id.
func (t *Table) TechniqueName(id string) string {
	x, ok := t.Lookup(id)
	if !ok {
		if newest, known := Newest(id); known {
			x, _ = newest.Lookup(id)
		}
	}
	return x.FullName()
}

// URL returns the page of a technique, sub-technique or tactic on
// attack.mitre.org, or "" for an id of neither form. It does not look the id up.
func URL(id string) string {
	switch {
	case isNumbered(id, "TA"):
		return "https://attack.mitre.org/tactics/" + id + "/"
	case isNumbered(id, "T"):
		return "https://attack.mitre.org/techniques/" + id + "/"
	}
	parent, sub, ok := strings.Cut(id, ".")
	if ok && isNumbered(parent, "T") && len(sub) == 3 && digits(sub) {
		return "https://attack.mitre.org/techniques/" + parent + "/" + sub + "/"
	}
	return ""
}

func isNumbered(id, prefix string) bool {
	number, ok := strings.CutPrefix(id, prefix)
	return ok && len(number) == 4 && digits(number)
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

type catalogue struct {
	tactics    []Tactic
	techniques []Technique    // by id
	byID       map[string]int // index into techniques
}

//go:embed enterprise-19.1.tsv
var table191 string

//go:embed enterprise-18.1.tsv
var table181 string

// parse reads a table: a line for each tactic (id, name, short name) in matrix
// order, and one for each technique (id, name, tactics, platforms, successor, UUID of its STIX
// object, when that was made) in id order. The successor is empty for a live technique
// and "-" for a deprecated one.
func (t *Table) parse() *catalogue {
	c := &catalogue{byID: make(map[string]int, 1024)}
	shared := map[string][]string{} // few combinations of tactics and platforms occur
	list := func(s string) []string {
		l, ok := shared[s]
		if !ok && s != "" {
			l = strings.Split(s, ",")
			shared[s] = l
		}
		return l
	}
	for line := range strings.Lines(t.text) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch len(f) {
		case 3:
			c.tactics = append(c.tactics, Tactic{ID: f[0], Name: f[1], ShortName: f[2]})
		case 7:
			x := Technique{ID: f[0], Name: f[1], Tactics: list(f[2]), Platforms: list(f[3]), STIX: "attack-pattern--" + f[5], Created: f[6]}
			if parent, ok := c.byID[x.Parent()]; ok {
				x.parent = c.techniques[parent].Name
			}
			switch f[4] {
			case "":
			case "-":
				x.Deprecated = true
			default:
				x.Revoked, x.RevokedBy = true, f[4]
			}
			c.byID[x.ID] = len(c.techniques)
			c.techniques = append(c.techniques, x)
		}
	}
	return c
}
