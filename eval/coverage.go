package eval

import (
	"bufio"
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ttpcron/ttpcron"
)

// Technique is what coverage needs to know about an active technique or sub-technique.
type Technique struct {
	ID, Name  string
	Current   string   // its id in the current release, which Reasons have; empty: ID
	Tactics   []string // TAnnnn
	Platforms []string // as ATT&CK spells them
}

// Rule is what coverage needs to know about a rule.
type Rule struct {
	ID     string
	Kinds  []ttpcron.SourceKind
	Claims []ttpcron.Claim
}

// Covered is one row of the matrix.
type Covered struct {
	Technique Technique
	// Rules claim this very id, in the order of their ids.
	Rules []string
	// SubRules, of a technique, is how many rules claim a sub-technique of it.
	SubRules int
	Kinds    []ttpcron.SourceKind // that Rules apply to, sorted
	// Reason says why there is no rule. It is empty where there is one, and
	// where nobody gave a reason.
	Reason Reason
}

// Reason says why a technique has no rule.
type Reason struct {
	Group string // of Groups; empty where the rules are those of sub-techniques
	Text  string
}

// Group is a kind of reason.
type Group struct{ Name, Text string }

// AlikeGroup is for techniques that a sensor sees but cannot distinguish from others.
// Techniques in other groups are not visible to any sensor.
const AlikeGroup = "alike"

// Groups are the kinds of reasons why techniques have no rule.
func Groups() []Group {
	return []Group{
		{"platform", "needs a platform that no sensor emulates: Windows, macOS, an office suite, SaaS, an identity provider"},
		{"elsewhere", "happens away from the sensor: bought, rented, built, or read on web pages"},
		{"people", "happens to a person: a message, a conversation, a click"},
		{"device", "concerns hardware or firmware"},
		{"inside", "happens inside a program or a file: an exploit, content, code that changes"},
		{"traffic", "shows only in traffic, or over many connections"},
		{"console", "is done in the console of another service"},
		{AlikeGroup, "looks like another technique, and is tagged as that one"},
	}
}

// Shown reports whether a rule can show the technique or, of a technique, one of
// its sub-techniques.
func (c *Covered) Shown() bool { return len(c.Rules) > 0 || c.SubRules > 0 }

// Cover compares rules with techniques. Rows come in the order of techniques.
func Cover(techniques []Technique, rules []Rule) []Covered {
	rows := make([]Covered, len(techniques))
	at := map[string]int{}
	for i, t := range techniques {
		rows[i].Technique = t
		at[t.ID] = i
	}
	for _, r := range rules {
		subOf := map[string]bool{}
		for _, c := range r.Claims {
			if i, ok := at[c.Technique()]; ok {
				rows[i].add(r)
			}
			if i, ok := at[c.TechniqueID]; ok && c.SubTechniqueID != "" && !subOf[c.TechniqueID] {
				subOf[c.TechniqueID] = true
				rows[i].SubRules++
			}
		}
	}
	for i := range rows {
		if c := &rows[i]; len(c.Rules) == 0 {
			c.Reason = reason(c)
		}
		slices.Sort(rows[i].Rules)
		slices.Sort(rows[i].Kinds)
	}
	return rows
}

func (c *Covered) add(r Rule) {
	if !slices.Contains(c.Rules, r.ID) {
		c.Rules = append(c.Rules, r.ID)
	}
	for _, k := range r.Kinds {
		if !slices.Contains(c.Kinds, k) {
			c.Kinds = append(c.Kinds, k)
		}
	}
}

// reason says why a technique without a rule has none: what reasons.tsv says, or
// that its rules are those of its sub-techniques, or that it needs a platform
// that no sensor plays.
func reason(c *Covered) Reason {
	if r := Reasons()[cmp.Or(c.Technique.Current, c.Technique.ID)]; r.Text != "" {
		return r
	}
	if c.SubRules > 0 {
		return Reason{Text: "shown by its sub-techniques"}
	}
	if !slices.ContainsFunc(c.Technique.Platforms, played) {
		return Reason{"platform", "only on " + strings.Join(c.Technique.Platforms, ", ")}
	}
	return Reason{}
}

// played reports whether a sensor of ours can be, or can be used against, a
// platform.
func played(platform string) bool {
	switch platform {
	case "Windows", "macOS", "Office Suite", "SaaS", "Identity Provider":
		return false
	}
	return true
}

// reasonsFile has a line for each technique that no rule shows although a sensor
// might be thought to: id, group and reason, with tabs between them.
//
//go:embed reasons.tsv
var reasonsFile string

// Reasons returns, by id, why techniques have no rule in the embedded pack. It
// must not be changed.
var Reasons = sync.OnceValue(func() map[string]Reason {
	out := map[string]Reason{}
	in := bufio.NewScanner(strings.NewReader(reasonsFile))
	for n := 1; in.Scan(); n++ {
		if strings.HasPrefix(in.Text(), "#") {
			continue
		}
		fields := strings.Split(in.Text(), "\t")
		if len(fields) != 3 || fields[2] == "" || out[fields[0]].Text != "" || !slices.ContainsFunc(Groups(), func(g Group) bool { return g.Name == fields[1] }) {
			panic(fmt.Sprintf("reasons.tsv:%d: want a technique's id, a group and a reason, each id once", n))
		}
		out[fields[0]] = Reason{fields[1], fields[2]}
	}
	return out
})
