package tagger

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/correlation"
)

// definition is one rule as its file says, checked and with its patterns
// compiled, but not yet made ready to run.
type definition struct {
	Rule
	match    condition // nil for a correlation
	evidence []string  // payload fields
	examples []example
	digest   [16]byte // not of a correlation
	matching [16]byte // the part of the digest that decides which events match
	order    int      // index of the folder it came from
	document int      // index in the file
	line     int      // on which it begins

	sigma bool
	name  string // by which correlations may refer to it beside its id: Sigma's name
	// correlation is nil for a rule about single events. Its names are as in the file.
	correlation *correlation.Definition
	generate    bool                    // of Sigma's correlation
	generates   bool                    // the file says something of it
	lifter      string                  // that the correlation is made of, or empty
	inner       *correlation.Definition // what such a correlation names besides; nil for none
	lines       map[string]int          // of the keys of a correlation
}

type example struct {
	want  bool
	event ttpcron.Event
	steps []step // of a correlation, which has no event
	text  string // for messages
}

var ruleKeys = []string{
	"rule_id", "rule_version", "name", "description", "applies_to", "match", "correlation", "emits", "level", "evidence_fields",
	"attack_release", "last_reviewed", "next_review", "references", "tests",
}

type ruleReader struct {
	reader
	options *Options
	def     *definition
	events  *sigmaEvents // that a Sigma rule is about
	absent  []string     // fields of a Sigma rule that no event has
}

// readRules reads the rules of a file, each a document. An error in one does not keep the
// others out.
func readRules(data []byte, o *Options) (out fileResult) {
	roots, err := documents(data)
	if err != nil {
		p := Problem{Text: err.Error()}
		if at, ok := err.(*lineError); ok {
			p.Line = at.line
		}
		return fileResult{problems: []Problem{p}}
	}
	if p := madeOfParts(roots); p != nil {
		return fileResult{problems: []Problem{*p}}
	}
	left := maxVisitedOfFile
	for i, root := range roots {
		r := &ruleReader{reader: reader{left: min(left, maxVisited)}, options: o, def: &definition{document: i, line: root.Line}}
		left -= r.left
		if r.read(root) {
			out.defs = append(out.defs, r.def)
		} else {
			out.names = append(out.names, r.def.ID, r.def.name)
		}
		left += max(r.left, 0)
		out.problems = append(out.problems, r.problems...)
	}
	silence(out.defs)
	out.problems = append(out.problems, idleGenerate(out.defs)...)
	for _, d := range out.defs {
		if d.correlation == nil {
			d.digest, d.matching = digestOf(d), matchingOf(d)
		}
	}
	return out
}

// read reads the rule of a document, and reports whether it can be used.
func (r *ruleReader) read(root *yaml.Node) (usable bool) {
	defer func() {
		if err := recover(); err != nil {
			if err != errAliases {
				panic(err)
			}
			usable, r.problems = false, append(r.problems, Problem{Text: errAliases.Error()})
		}
	}()
	if isSigma(root) {
		r.sigma(root)
	} else {
		r.rule(root)
	}
	return !r.refused()
}

func (r *ruleReader) rule(root *yaml.Node) {
	d, m := r.def, r.ruleMembers(root)
	r.required(root, "rule_id", d.ID != "")
	r.required(root, "rule_version", m.version)
	r.required(root, "name", d.Name != "")
	r.required(root, "emits", m.emits != nil)
	switch {
	case m.correlation != nil && m.match != nil:
		r.problem(m.match, "match", "a rule has either match or correlation")
	case m.correlation != nil:
		r.overSeveral(m)
	default:
		r.required(root, "applies_to", len(d.Kinds) > 0)
		r.required(root, "match", m.match != nil)
		if m.match != nil {
			if d.match = r.condition(m.match, "match", 0); !r.lift(m.match) {
				r.checkKinds(m.match)
			}
		}
	}
	if m.emits != nil {
		r.emits(m.emits)
	}
	if m.tests != nil {
		r.tests(m.tests)
	}
}

// overSeveral reads a correlation, and refuses keys next to it that are for single events.
func (r *ruleReader) overSeveral(m ruleMembers) {
	if m.appliesTo != nil {
		r.problem(m.appliesTo, "applies_to", "a correlation applies to what its rules apply to: leave this out")
	}
	if m.evidence != nil {
		r.problem(m.evidence, "evidence_fields", "a correlation shows its group: leave this out")
	}
	r.correlation(m.correlation, false)
}

// ruleMembers are the members of a rule that are read once all have been seen.
type ruleMembers struct {
	match, correlation, emits, tests, appliesTo, evidence *yaml.Node // nil when missing
	version                                               bool       // there is one
}

// ruleMembers reads the members that stand for themselves.
func (r *ruleReader) ruleMembers(root *yaml.Node) (found ruleMembers) {
	d := r.def
	for _, m := range r.members(root, "") {
		switch m.key {
		case "rule_id":
			d.ID = r.text(m.value, m.key)
			r.checkID(m.value, d.ID)
		case "rule_version":
			d.Version, found.version = r.integer(m.value, m.key, 0), true
		case "name":
			d.Name = oneLine(r.text(m.value, m.key))
		case "description":
			d.Description = r.optional(m)
		case "applies_to":
			found.appliesTo = m.value
			for _, kind := range r.texts(m.value, m.key) {
				d.Kinds = append(d.Kinds, ttpcron.SourceKind(kind))
			}
		case "match":
			found.match = m.value
		case "correlation":
			found.correlation = m.value
		case "emits":
			found.emits = m.value
		case "level":
			if name := r.optional(m); name != "" {
				d.Level = r.level(m.value, name)
			}
		case "evidence_fields":
			found.evidence = m.value
			if m.value.Kind != yaml.SequenceNode || len(m.value.Content) > 0 {
				d.evidence = r.texts(m.value, m.key)
				r.checkFieldNames(m.value, d.evidence)
			}
		case "attack_release":
			d.release = r.optional(m)
		case "last_reviewed":
			d.LastReviewed = r.optional(m)
		case "next_review":
			d.NextReview = r.optional(m)
		case "references":
			if m.value.Kind != yaml.SequenceNode || len(m.value.Content) > 0 {
				d.References = r.texts(m.value, m.key)
			}
		case "tests":
			found.tests = m.value
		default:
			r.unknown(m, "", ruleKeys)
		}
	}
	return found
}

// required reports a field that is missing, unless it was there and is the
// subject of a problem already.
func (r *ruleReader) required(root *yaml.Node, field string, ok bool) {
	if ok {
		return
	}
	for _, p := range r.problems {
		if p.Field == field || strings.HasPrefix(p.Field, field+"[") {
			return
		}
	}
	r.problem(root, field, "is missing")
}

// optional reads a text that may be left empty.
func (r *ruleReader) optional(m member) string {
	if m.value.Tag == "!!null" {
		return ""
	}
	return strings.TrimSpace(r.text(m.value, m.key))
}

// level reads the name of a level. medium is the zero value, as if there were no level.
func (r *ruleReader) level(n *yaml.Node, name string) ttpcron.Level {
	l, ok := ttpcron.ParseLevel(name)
	if !ok {
		r.problem(n, "level", "%q, want informational, low, medium, high or critical", shorten(name, 40))
	}
	if l == ttpcron.LevelMedium {
		l = 0
	}
	return l
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (r *ruleReader) checkID(n *yaml.Node, id string) {
	if id == "" {
		return
	}
	// The id is a part of every tag's identity, where | separates.
	if len(id) > 128 || strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c == '|' || c == 0x7f }) {
		r.problem(n, "rule_id", "%q has a blank, a | or more than 128 bytes", shorten(id, 40))
	}
	if strings.HasPrefix(id, builtinPrefix) {
		r.problem(n, "rule_id", "%q begins with %s, as those of the program do", shorten(id, 40), builtinPrefix)
	}
}

// checkFieldNames reports names that were meant to be several.
func (r *ruleReader) checkFieldNames(n *yaml.Node, names []string) {
	for i, name := range names {
		if strings.ContainsAny(name, " ,") {
			r.warning(n, index("evidence_fields", i), "%q has a blank or a comma in it: are commas missing between names?", shorten(name, 60))
		}
	}
}

// checkKinds reports conditions that none of the rule's kinds can satisfy.
func (r *ruleReader) checkKinds(n *yaml.Node) {
	if r.def.match == nil || r.refused() {
		return
	}
	if scopeOf(r.def.match).shell && !slices.Contains(r.def.Kinds, ttpcron.Command) {
		r.problem(n, "match", "tests the parts of a shell command, but applies_to has no command")
	}
	if usesDefaultField(r.def.match) {
		for _, k := range r.def.Kinds {
			if patternFields[k] == "" {
				r.warning(n, "match.field", "is missing, and events of kind %q have no usual field: the rule never matches them", shorten(string(k), 40))
			}
		}
	}
}

func usesDefaultField(c condition) bool {
	switch c := c.(type) {
	case allOf:
		return anyUsesDefault(c)
	case anyOf:
		return anyUsesDefault(c)
	case noneOf:
		return anyUsesDefault(c)
	case someCommand:
		return usesDefaultField(c.is)
	case fieldTest:
		return c.field.field == fieldText
	}
	return false
}

func anyUsesDefault(list []condition) bool {
	for _, c := range list {
		if usesDefaultField(c) {
			return true
		}
	}
	return false
}

var (
	tacticForm    = regexp.MustCompile(`^TA\d{4}$`)
	techniqueForm = regexp.MustCompile(`^T\d{4}$`)
	subForm       = regexp.MustCompile(`^T\d{4}\.\d{3}$`)
)

func (r *ruleReader) emits(n *yaml.Node) {
	n = r.visit(n)
	if n.Kind != yaml.SequenceNode {
		r.problem(n, "emits", "%s, want a list of {tactic, technique_id, sub_technique_id, confidence}", kindOf(n))
		return
	}
	if len(n.Content) > 100 {
		r.problem(n, "emits", "list of %d, at most 100 are allowed", len(n.Content))
		return
	}
	for i, c := range n.Content {
		field := index("emits", i)
		claim, ok := r.claim(c, field)
		if !ok {
			continue
		}
		for _, earlier := range r.def.Claims {
			if earlier.TechniqueID == claim.TechniqueID && earlier.SubTechniqueID == claim.SubTechniqueID {
				r.warning(c, field, "repeats %s, which would be the same tag: only the first counts", claim.Technique())
				ok = false
				break
			}
		}
		if ok {
			r.def.Claims = append(r.def.Claims, claim)
		}
	}
}

func (r *ruleReader) claim(n *yaml.Node, field string) (ttpcron.Claim, bool) {
	c := ttpcron.Claim{RuleID: r.def.ID, RuleVersion: r.def.Version, Level: r.def.Level, AttackRelease: r.def.release}
	before := len(r.problems)
	var confidence, technique, tactic *yaml.Node
	for _, m := range r.members(n, field) {
		at := join(field, m.key)
		switch m.key {
		case "tactic":
			tactic, c.Tactic = m.value, r.text(m.value, at)
		case "technique_id":
			technique, c.TechniqueID = m.value, r.text(m.value, at)
		case "sub_technique_id":
			if m.value.Tag != "!!null" {
				technique, c.SubTechniqueID = m.value, r.text(m.value, at)
			}
		case "confidence":
			confidence = m.value
			v, err := strconv.ParseFloat(m.value.Value, 64)
			if m.value.Kind != yaml.ScalarNode || err != nil || !(v >= 0 && v <= 1) {
				r.problem(m.value, at, "%s, want a number from 0 to 1", kindOf(m.value))
			}
			c.Confidence = v
		default:
			r.unknown(m, field, []string{"tactic", "technique_id", "sub_technique_id", "confidence"})
		}
	}
	switch {
	case len(r.problems) > before:
		return c, false
	case tactic == nil:
		r.problem(n, join(field, "tactic"), "is missing")
	case !tacticForm.MatchString(c.Tactic):
		r.problem(tactic, join(field, "tactic"), "%q is not of the form TA0000", shorten(c.Tactic, 40))
	case c.TechniqueID == "":
		r.problem(n, join(field, "technique_id"), "is missing")
	case subForm.MatchString(c.TechniqueID):
		r.problem(technique, join(field, "technique_id"), "%q is a sub-technique: put %s here and the whole id into sub_technique_id", c.TechniqueID, c.TechniqueID[:5])
	case !techniqueForm.MatchString(c.TechniqueID):
		r.problem(n, join(field, "technique_id"), "%q is not of the form T0000", shorten(c.TechniqueID, 40))
	case c.SubTechniqueID != "" && (!subForm.MatchString(c.SubTechniqueID) || c.SubTechniqueID[:5] != c.TechniqueID):
		r.problem(technique, join(field, "sub_technique_id"), "%q is not a sub-technique of %s", shorten(c.SubTechniqueID, 40), c.TechniqueID)
	case confidence == nil:
		r.problem(n, join(field, "confidence"), "is missing")
	}
	if len(r.problems) > before {
		return c, false
	}
	if c.Confidence < ttpcron.MinConfidence {
		r.warning(confidence, join(field, "confidence"), "%v is below %v: no tag is ever written", c.Confidence, ttpcron.MinConfidence)
	}
	c.MitreURL = mitreURL(c.Technique())
	return c, r.checkTechnique(n, field, &c)
}

func mitreURL(id string) string {
	return "https://attack.mitre.org/techniques/" + strings.Replace(id, ".", "/", 1) + "/"
}

func (r *ruleReader) tests(n *yaml.Node) {
	for _, m := range r.members(n, "tests") {
		field := join("tests", m.key)
		if m.key != "match" && m.key != "no_match" {
			r.unknown(m, "tests", []string{"match", "no_match"})
			continue
		}
		if m.value.Kind != yaml.SequenceNode {
			r.problem(m.value, field, "%s, want a list", kindOf(m.value))
			continue
		}
		for i, c := range m.value.Content {
			var ex example
			if r.def.correlation != nil {
				ex = r.sequence(c, index(field, i))
			} else {
				ex.event, ex.text = r.example(c, index(field, i))
			}
			ex.want = m.key == "match"
			r.def.examples = append(r.def.examples, ex)
			if m.key == "match" {
				r.def.MatchExamples++
			} else {
				r.def.MissExamples++
			}
		}
	}
}

// example reads a command's text, or {kind, payload}.
func (r *ruleReader) example(n *yaml.Node, field string) (ttpcron.Event, string) {
	n = r.visit(n)
	e := ttpcron.Event{ID: "example", AttackerIP: "203.0.113.1"}
	if len(r.def.Kinds) > 0 {
		e.Kind = r.def.Kinds[0]
	}
	if n.Kind != yaml.MappingNode {
		text := r.text(n, field)
		if name := patternFields[e.Kind]; name != "" {
			e.Payload = ttpcron.TextPayload(name, text)
		} else {
			r.problem(n, field, "events of kind %q have no usual field: write {payload: {…}}", shorten(string(e.Kind), 40))
		}
		return e, text
	}
	for _, m := range r.members(n, field) {
		switch m.key {
		case "kind":
			e.Kind = ttpcron.SourceKind(r.text(m.value, join(field, m.key)))
		case "payload":
			for _, p := range r.members(m.value, join(field, m.key)) {
				r.payload(&e.Payload, p, join(join(field, m.key), p.key))
			}
		case "attacker_ip":
			e.AttackerIP = r.optional(member{join(field, m.key), m.at, m.value})
		default:
			r.unknown(m, field, []string{"kind", "payload", "attacker_ip"})
		}
	}
	return e, string(e.Payload.AppendJSON(nil))
}

func (r *ruleReader) payload(p *ttpcron.Payload, m member, field string) {
	v := r.plain(m.value, field)
	if s, ok := v.(string); ok {
		p.Set(m.key, s)
		return
	}
	raw, err := marshalPlain(v)
	if err == nil {
		err = p.SetRaw(m.key, raw)
	}
	if err != nil {
		r.problem(m.value, field, "cannot be JSON: %s", fmt.Sprint(err))
	}
}
