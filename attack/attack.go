// Package attack knows the techniques and tactics of MITRE ATT&CK for
// Enterprise: ids, names, the tactics that each serves, and what became of ids
// that are no longer used. It is one release, named by [Release], embedded as
// facts; there are no descriptions in it.
//
// Start with [Lookup]. The table is read on first use, once, in well under a
// millisecond; nothing happens before that.
//
// © 2025 The MITRE Corporation. This work is reproduced and distributed with
// the permission of The MITRE Corporation. ATT&CK's licence is in the file
// LICENSE-MITRE-ATTACK.txt beside this one.
package attack

import (
	_ "embed"
	"iter"
	"slices"
	"strings"
	"sync"
)

//go:generate go run ./internal/gen -o enterprise.tsv $ATTACK_STIX_BUNDLE

// Release is the ATT&CK release of the embedded table, in the spelling that
// rules use for attack_release.
const Release = "enterprise-v18.1"

// licence travels with the table, as it asks.
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
}

// Live reports whether the id is in use: neither revoked nor deprecated.
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
	if parent, ok := Lookup(t.Parent()); ok {
		return parent.Name + ": " + t.Name
	}
	return t.Name
}

// Tactic is one column of the matrix.
type Tactic struct {
	ID        string // TAnnnn
	Name      string // "Initial Access"
	ShortName string // "initial-access", as STIX and the Navigator have it
}

// Lookup returns the technique or sub-technique with an id, which may be one
// that is no longer used. It is false for an id that the release does not have.
func Lookup(id string) (Technique, bool) {
	c := load()
	i, ok := c.byID[id]
	if !ok {
		return Technique{}, false
	}
	return c.techniques[i], true
}

// All yields every technique and sub-technique in the order of their ids, those
// no longer used among them.
func All() iter.Seq[Technique] { return slices.Values(load().techniques) }

// Tactics returns the tactics in matrix order, from Reconnaissance to Impact.
func Tactics() []Tactic { return slices.Clone(load().tactics) }

// TacticName returns the name of a tactic, or "" for an unknown id.
func TacticName(id string) string {
	for _, t := range load().tactics {
		if t.ID == id {
			return t.Name
		}
	}
	return ""
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

// table has a line for each tactic (id, name, short name) in matrix order, and
// one for each technique (id, name, tactics, platforms, successor) in id order.
// The successor is empty for a live technique and "-" for a deprecated one.
//
//go:embed enterprise.tsv
var table string

var load = sync.OnceValue(func() *catalogue {
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
	for line := range strings.Lines(table) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch len(f) {
		case 3:
			c.tactics = append(c.tactics, Tactic{ID: f[0], Name: f[1], ShortName: f[2]})
		case 5:
			t := Technique{ID: f[0], Name: f[1], Tactics: list(f[2]), Platforms: list(f[3])}
			switch f[4] {
			case "":
			case "-":
				t.Deprecated = true
			default:
				t.Revoked, t.RevokedBy = true, f[4]
			}
			c.byID[t.ID] = len(c.techniques)
			c.techniques = append(c.techniques, t)
		}
	}
	return c
})
