// Package tagger tags events with ATT&CK techniques, according to rules.
//
// Start with [Load], which reads rule files into a [RuleSet], and [RuleSet.Tagger],
// which returns the [Composite] that tags. docs/rules.md describes the rule language;
// [Embedded] is the pack that ships with the program.
//
// From rule file to tag:
//
//   - load.go, rulefile.go, readcondition.go and sigma.go read a file into definitions,
//     whose match is a tree of conditions (condition.go).
//   - readcorrelation.go and sigmacorrelation.go read rules over several events;
//     lifter.go makes the built-in ones. link.go resolves their references and has
//     package correlation make rules of them. They consume streams of base matches: a
//     base rule is evaluated once for both its tags and its streams
//     ([Composite.Matches]).
//   - compile.go turns conditions into checks; required.go derives the literals, options
//     and programs that each requires.
//   - index.go puts these into a literal index ([literal.Index]); prefilter.go makes a
//     graph of them for each rule.
//   - composite.go takes an event. The verdict is remembered for a command with the same
//     text (cache.go) and for other events with the same fields (memo.go); facets.go
//     rules out many others with a few look-ups. Package shell splits commands into
//     simple commands.
//   - candidates.go scans the text and its parts for literals. A rule is a candidate if
//     its required literals were found and its prefilter passes.
//   - evaluate.go runs the checks of each candidate within a budget of steps; package
//     pattern matches the expressions. process.go handles Sigma rules, which are tried
//     on the processes that a text starts.
//   - carry.go has the rules for commands judge what requests carry; package carried
//     finds it.
//   - verdict.go joins the matches into a verdict, evidence.go quotes what matched, and
//     the verdict's claims become tags.
//
// A rule set is compiled once and never changes, so tagging cannot fail because of a
// rule: [Load] refuses and reports rules that cannot be compiled, and loads the rest.
// Attackers write events, so the work on each is bounded, in steps and not in time. The
// same event and rules therefore give the same tags on any machine, in any order, with
// any number of workers. An event that reached a bound is reported as [Verdict.Bounded]
// and still gets the tags of the rules that finished.
package tagger

import (
	"embed"
	"io/fs"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/correlation"
)

//go:embed rules/*.yaml
var embedded embed.FS

// Embedded returns the rule files that are part of the program.
func Embedded() fs.FS {
	sub, err := fs.Sub(embedded, "rules")
	if err != nil {
		panic(err) // "rules" is a valid path
	}
	return sub
}

// Folder is a folder of rule files.
type Folder struct {
	Name string // as shown to people: "embedded", "/etc/ttpcron/rules"
	FS   fs.FS
}

// Options select what to load.
type Options struct {
	// Beneath are read before Folders, for rules that correlations of these name. The
	// report counts nothing of them, and [Test] leaves them out.
	Beneath []Folder
	// Folders are read in order; a rule replaces one with the same rule_id of
	// an earlier folder.
	Folders []Folder
	// Releases are the releases of ATT&CK in whose names rules may speak, the newest
	// first. Of a rule that names none each claim is of the newest that has it.
	Releases []AttackRelease
	// OwnNetworks are networks whose addresses take no part in groups by address.
	OwnNetworks ttpcron.Networks
	// WithoutCorrelations leaves rules over several events out of the set.
	WithoutCorrelations bool
}

// LoadReport is the result of loading files. It has facts to print, not errors to stop
// at: a fault in one file never keeps another one out.
type LoadReport struct {
	Files    int // rule files read, by their name
	Loaded   int // rules in the set, inert ones among them
	Inert    int // rules in the set that can never match, see Rule.Inert
	Silent   int // rules in the set that make no tag, since they name no technique
	Replaced int // rules that a later folder replaced
	Kept     int // rules that Reload kept, since their files can no longer be used
	Problems []Problem
}

// Refused returns the number of files that gave no rule.
func (r *LoadReport) Refused() int {
	n := 0
	for _, p := range r.Problems {
		if !p.Warning {
			n++
		}
	}
	return n
}

// Problem is a fault in a rule file.
type Problem struct {
	Folder  string // Folder.Name
	File    string // name within the folder
	Line    int    // from 1; 0 when it concerns the whole file
	Field   string // such as "match.pattern"; empty when it concerns the whole file
	Text    string
	Warning bool // a rule was loaded all the same, or is passed over as it should be
	Kept    bool // the rule that the file gave before stays in use, see RuleSet.Reload
}

// String returns the problem on one line: "embedded/x.yaml:3: match.pattern: …".
func (p Problem) String() string {
	s := p.Folder
	if p.File != "" {
		s += "/" + p.File
	}
	if p.Line > 0 {
		s += ":" + itoa(p.Line)
	}
	if p.Warning {
		s += ": warning"
	}
	if p.Field != "" {
		s += ": " + p.Field
	}
	s += ": " + p.Text
	if p.Kept {
		s += " (the rule of before stays in use)"
	}
	return s
}

// Rule describes one rule of a set.
type Rule struct {
	ID           string
	Version      int
	Name         string
	Description  string
	Kinds        []ttpcron.SourceKind
	Level        ttpcron.Level   // that of every claim
	Claims       []ttpcron.Claim // as written, before any state lowers their confidence
	References   []string
	LastReviewed string
	NextReview   string
	Folder       string // Folder.Name
	File         string
	// MatchExamples and MissExamples count the rule's tests.
	MatchExamples, MissExamples int

	release string // attack_release; empty when the file names none

	// Correlation is what there is to know of a rule over several events; nil for
	// others, which alone have Kinds.
	Correlation *Correlation
	// Feeds are the ids of the correlations that name the rule.
	Feeds []string
	// Silent says why a rule makes no tag whatever it matches, such as that it names no
	// technique. Empty for a rule that makes some.
	Silent string

	// State is the operational state in force; Active is false for a rule
	// that can emit nothing: disabled, inert, or without a claim of
	// ttpcron.MinConfidence. A rule that is disabled goes on feeding correlations.
	State  ttpcron.RuleState
	Active bool
	// Inert says why the rule can never match, such as a lifter that the
	// program does not have. Empty for a working rule.
	Inert string
	// Slow says why the rule must be tried on every text that was not seen before.
	// Empty for a rule that the prefilter can rule out.
	Slow string
}

// Correlation describes a rule over several events. For an inert rule it is what the
// file says.
type Correlation struct {
	Type      correlation.Type
	Rules     []string // ids of the rules that it names, as far as they are known
	GroupBy   []string // as written
	Timespan  time.Duration
	Condition string   // such as "gte 10"
	Fields    []string // whose values count
	// Scope says where it can be judged; empty for an inert rule.
	Scope correlation.Scope
}

// Warn is called when a tagger has trouble with an event: a rule failed on it, so that
// its tags are lost; or, with an empty rule, no rule applies to the kind of event, which
// is reported once for each kind.
type Warn func(event ttpcron.Event, rule string, err error)
