package tagger

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ttpcron/ttpcron"
)

// Sigma rules (https://github.com/SigmaHQ/sigma-specification, version 2) are read into
// the same conditions as our own. A log source for Linux process creation means the
// processes of a shell text; one for logins or requests means events of these kinds.
// docs/sigma.md lists the fields. If a rule needs what these events cannot show, that is a
// problem: no Sigma rule loads and then does nothing.

// isSigma reports whether a document has the shape of a Sigma rule.
func isSigma(root *yaml.Node) bool {
	return hasKey(root, "detection", "logsource") || hasKey(root, "correlation") && !hasKey(root, "rule_id")
}

func hasKey(root *yaml.Node, keys ...string) bool {
	if root.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if slices.Contains(keys, root.Content[i].Value) {
			return true
		}
	}
	return false
}

// madeOfParts is the problem of a file whose documents are parts of one rule, as in
// Sigma's first version.
func madeOfParts(roots []*yaml.Node) *Problem {
	for _, root := range roots {
		if hasKey(root, "action") && !hasKey(root, "rule_id") {
			return &Problem{Line: root.Line, Field: "action", Text: "rules that several documents make together are not supported: each document is a rule by itself"}
		}
	}
	return nil
}

// The confidence of a Sigma rule's claims: how likely a technique describes what the rule
// matches. Sigma's level is something else. Authors put first the technique that they
// wrote the rule for, and after it what the same act may also be.
const (
	sigmaMain  = 0.8
	sigmaOther = 0.5
)

// sigma reads a Sigma rule. Attributes that say nothing about what to match are
// passed over, as the specification allows any.
func (r *ruleReader) sigma(root *yaml.Node) {
	d := r.def
	m := r.sigmaMembers(root)
	if r.refused() {
		return
	}
	if d.sigma = true; m.correlation != nil {
		r.sigmaCorrelation(root, m)
		return
	}
	if d.ID == "" { // one that correlations name needs none
		d.ID = plainName(d.name)
	}
	r.required(root, "id", d.ID != "")
	r.required(root, "title", d.Name != "")
	r.required(root, "logsource", m.logsource != nil)
	r.required(root, "detection", m.detection != nil)
	r.sigmaDate(root, m)
	var besides condition
	if m.logsource != nil {
		r.events, besides = r.sigmaSource(m.logsource)
	}
	if r.refused() {
		return
	}
	d.Kinds, d.evidence = []ttpcron.SourceKind{r.events.kind}, r.events.evidence
	d.Level = r.level(m.levelAt, strings.ToLower(m.level))
	if d.match = r.sigmaDetection(m.detection); besides != nil && d.match != nil {
		d.match = allOf{besides, d.match}
	}
	r.sigmaClaims(m.tags)
}

// sigmaDate sets the rule's version from its dates.
func (r *ruleReader) sigmaDate(root *yaml.Node, m sigmaMembers) {
	d := r.def
	if d.Version = sigmaVersion(m.modified); d.Version == 0 {
		d.Version = sigmaVersion(m.date)
	}
	if d.Version == 0 {
		d.Version = 1 // Sigma asks for no date
		if date := cmp.Or(m.modified, m.date); date != "" {
			r.problem(root, "date", "%q, want YYYY-MM-DD: the rule's version comes from it", shorten(date, 40))
		}
	}
}

// sigmaMembers are the members of a rule that are read once all have been seen.
type sigmaMembers struct {
	tags, logsource, detection, correlation, levelAt *yaml.Node // nil when missing
	level, date, modified                            string
	misplaced                                        []member // which belong under correlation
}

// sigmaMembers reads the members that stand for themselves.
func (r *ruleReader) sigmaMembers(root *yaml.Node) sigmaMembers {
	d, found := r.def, sigmaMembers{level: "medium"}
	for _, m := range r.members(root, "") {
		switch m.key {
		case "id":
			d.ID = r.text(m.value, m.key)
			r.checkID(m.value, d.ID)
		case "title":
			d.Name = oneLine(r.text(m.value, m.key))
		case "description":
			d.Description = r.optional(m)
		case "references":
			if m.value.Kind == yaml.SequenceNode && len(m.value.Content) > 0 {
				d.References = r.texts(m.value, m.key)
			}
		case "date":
			found.date = r.optional(m)
		case "modified":
			found.modified = r.optional(m)
		case "level":
			found.level, found.levelAt = r.optional(m), m.value
		case "tags":
			found.tags = m.value
		case "logsource":
			found.logsource = m.value
		case "detection":
			found.detection = m.value
		case "status":
			r.sigmaStatus(m)
		case "correlation":
			found.correlation = m.value
		case "name":
			d.name = r.optional(m)
		case "filter":
			r.problem(m.at, m.key, "filters for other rules are not supported")
		case "generate", "group-by", "timespan", "condition", "aliases", "type", "rules":
			found.misplaced = append(found.misplaced, m)
		}
	}
	return found
}

func (r *ruleReader) sigmaStatus(m member) {
	switch r.optional(m) {
	case "unsupported":
		r.problem(m.at, m.key, "the rule says of itself that it cannot be used")
	case "deprecated":
		r.warning(m.at, m.key, "the rule is deprecated")
	}
}

// sigmaVersion turns a date into a rule's version: 20231105 for 2023-11-05 or 2023/11/05,
// 0 if it is not a date.
func sigmaVersion(date string) int {
	if len(date) < 10 {
		return 0
	}
	n, err := strconv.Atoi(date[:4] + date[5:7] + date[8:10])
	if err != nil || n < 20000101 || n > 29991231 {
		return 0
	}
	return n
}

// sigmaClaims makes a claim of every technique among the tags. A rule that names none
// makes no tag.
func (r *ruleReader) sigmaClaims(tags *yaml.Node) {
	var tactics, techniques []string
	if tags != nil && tags.Kind == yaml.SequenceNode {
		for i, n := range tags.Content {
			tag, ok := strings.CutPrefix(strings.ToLower(r.text(n, index("tags", i))), "attack.")
			if !ok {
				continue
			}
			switch id := strings.ToUpper(tag); {
			case techniqueForm.MatchString(id), subForm.MatchString(id):
				if !slices.Contains(techniques, id) {
					techniques = append(techniques, id)
				}
			case tacticForm.MatchString(id):
				tactics = append(tactics, id)
			default:
				if id := r.options.tactic(strings.ReplaceAll(tag, "_", "-")); id != "" {
					tactics = append(tactics, id)
				}
			}
		}
	}
	for _, id := range techniques {
		c := ttpcron.Claim{
			RuleID: r.def.ID, RuleVersion: r.def.Version, TechniqueID: id[:5], Confidence: sigmaOther, Level: r.def.Level,
			MitreURL: mitreURL(id), Tactic: r.sigmaTactic(id, tactics),
		}
		if c.TechniqueID == techniques[0][:5] { // T1059 and T1059.004 are one reading
			c.Confidence = sigmaMain
		}
		if len(id) > 5 {
			c.SubTechniqueID = id
		}
		switch {
		case !r.checkTechnique(tags, "tags", &c):
		case c.Tactic == "":
			r.problem(tags, "tags", "name no tactic for %s", id)
		default:
			r.def.Claims = append(r.def.Claims, c)
		}
	}
}

// sigmaTactic picks a technique's tactic: the first tagged one that it has in the release
// of the tags' names, or else its first.
func (r *ruleReader) sigmaTactic(id string, tagged []string) string {
	_, technique, _ := r.options.releaseOf(id, tagged...)
	own := technique.Tactics
	for _, t := range tagged {
		if len(own) == 0 || slices.Contains(own, t) {
			return t
		}
	}
	if len(own) > 0 {
		return own[0]
	}
	return ""
}
