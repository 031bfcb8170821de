package tagger

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/correlation"
)

// links is the result of linking the correlations of a set to the rules that they name.
type links struct {
	own   ttpcron.Networks
	rules map[string]*correlation.Rule // by id
	bases map[string]*definition       // the rules about single events that feed them, by id
	feeds map[string][]string          // ids of the correlations that name a rule, by its id
	inert map[string]string            // why a correlation can never find anything, by id
}

// linker resolves what correlations name.
type linker struct {
	byID   map[string]*definition
	byName map[string][]*definition
	byFile map[fileName][]*definition
	// refused are the ids and names of rules that were read and cannot be used.
	refused map[string]bool
	out     *links
	// reasons are why a correlation is refused, by id.
	reasons map[string]correlation.Problem
}

// link makes rules of the correlations among definitions, and says why some cannot be
// used.
func link(defs []*definition, refused map[string]bool, own ttpcron.Networks) (*links, map[string]correlation.Problem) {
	l := linker{
		byID: map[string]*definition{}, byName: map[string][]*definition{}, byFile: map[fileName][]*definition{}, refused: refused,
		out:     &links{own: own, rules: map[string]*correlation.Rule{}, bases: map[string]*definition{}, feeds: map[string][]string{}, inert: map[string]string{}},
		reasons: map[string]correlation.Problem{},
	}
	var correlations []*definition
	for _, d := range defs {
		l.byID[d.ID] = d
		file := fileName{d.Folder, d.File}
		l.byFile[file] = append(l.byFile[file], d)
		if d.name != "" {
			l.byName[d.name] = append(l.byName[d.name], d)
		}
		if d.correlation != nil {
			correlations = append(correlations, d)
		}
	}
	if len(correlations) == 0 {
		return l.out, nil
	}
	resolved := map[string]*correlation.Definition{}
	for _, d := range correlations {
		if def, err := l.resolved(d); err == nil {
			resolved[d.ID] = def
		} else {
			l.reasons[d.ID] = *err
		}
	}
	l.refuseDependents(resolved)
	l.inertRules(resolved)
	l.join(resolved)
	return l.out, l.reasons
}

// refuseDependents refuses what names a correlation that is refused.
func (l *linker) refuseDependents(resolved map[string]*correlation.Definition) {
	dependents := map[string][]string{}
	for id, def := range resolved {
		for _, ref := range idsOf(def) {
			dependents[ref] = append(dependents[ref], id)
		}
	}
	for refused := slices.Sorted(maps.Keys(l.reasons)); len(refused) > 0; refused = refused[1:] {
		for _, id := range dependents[refused[0]] {
			if resolved[id] != nil {
				l.reasons[id] = correlation.Problem{RuleID: id, Key: "rules", Reason: fmt.Sprintf("%q is refused itself", shorten(refused[0], 60))}
				delete(resolved, id)
				refused = append(refused, id)
			}
		}
	}
}

// join has the rules made. What names a rule that is refused is refused.
func (l *linker) join(resolved map[string]*correlation.Definition) {
	var defs []*correlation.Definition
	for _, id := range slices.Sorted(maps.Keys(resolved)) {
		if l.out.inert[id] == "" {
			defs = append(defs, resolved[id])
			if inner := l.byID[id].inner; inner != nil {
				defs = append(defs, inner)
			}
		}
	}
	rules, problems := correlation.Link(defs, l.base, l.out.own)
	streams := map[string]map[string]bool{}
	for _, r := range rules {
		def := r.Definition()
		if base := crowded(streams, r); base != "" {
			problems = append(problems, correlation.Problem{RuleID: def.RuleID, Key: "group-by", Reason: fmt.Sprintf("other correlations look at %s in %d ways, with other fields each: more are not allowed", base, maxStreams)})
			continue
		}
		l.out.rules[def.RuleID] = r
		for _, id := range idsOf(def) {
			l.out.feeds[id] = append(l.out.feeds[id], def.RuleID)
			if d := l.find(id); d != nil && d.correlation == nil {
				l.out.bases[id] = d
			}
		}
	}
	for _, p := range problems {
		if outer, is := strings.CutPrefix(p.RuleID, innerPrefix); is {
			p.RuleID, p.Key = outer, ""
		}
		if _, said := l.reasons[p.RuleID]; !said {
			l.reasons[p.RuleID] = p
		}
	}
}

// maxStreams is how many streams of one kind of event a rule may have: each event that it
// matches is kept in all of them.
const maxStreams = 256

// crowded counts the streams of a rule by base rule and kind, and returns the base rule that
// would have too many with them.
func crowded(streams map[string]map[string]bool, r *correlation.Rule) string {
	of := func(s *ttpcron.Stream) string { return string(s.Kind) + "|" + s.Rule }
	more := map[string]int{}
	for _, s := range r.Streams() {
		if !streams[of(s)][s.ID] {
			if more[of(s)]++; len(streams[of(s)])+more[of(s)] > maxStreams {
				return s.Rule
			}
		}
	}
	for _, s := range r.Streams() {
		if streams[of(s)] == nil {
			streams[of(s)] = map[string]bool{}
		}
		streams[of(s)][s.ID] = true
	}
	return ""
}

func (l *linker) base(id string) (correlation.Base, bool) {
	d := l.find(id)
	if d == nil || d.correlation != nil {
		return correlation.Base{}, false
	}
	return correlation.Base{ID: d.ID, Kinds: d.kindsOf(), Digest: d.matching}, true
}

// find returns the rule with an id, including built-in rules.
func (l *linker) find(id string) *definition {
	if d := builtin(id); d != nil {
		return d
	}
	return l.byID[id]
}

// resolved returns a correlation that names rules by their ids.
func (l *linker) resolved(d *definition) (*correlation.Definition, *correlation.Problem) {
	def := *d.correlation
	def.Version, def.Claims, def.Name = d.Version, d.Claims, "" // rules are named by id
	ids := map[string]string{}
	for i, ref := range d.refs() {
		to, reason := l.lookUp(d, ref)
		if reason != "" {
			key := "condition"
			if slices.Contains(d.correlation.Rules, ref) {
				key = index("rules", i)
			}
			return nil, &correlation.Problem{RuleID: d.ID, Key: key, Reason: reason}
		}
		ids[ref] = to.ID
	}
	id := func(ref string) string { return cmp.Or(ids[ref], ref) }
	def.Rules = slices.Clone(def.Rules)
	for i, ref := range def.Rules {
		def.Rules[i] = id(ref)
	}
	def.Condition.Text = ruleName.ReplaceAllStringFunc(def.Condition.Text, id)
	if def.Aliases != nil {
		def.Aliases = maps.Clone(def.Aliases)
		for alias, of := range def.Aliases {
			byID := make(map[string]string, len(of))
			for ref, field := range of {
				byID[id(ref)] = field
			}
			def.Aliases[alias] = byID
		}
	}
	return &def, nil
}

// ruleName finds the names of rules in the text of a condition, and the words between.
var ruleName = regexp.MustCompile(`[^\s()]+`)

// refs are the rules that a correlation names, as it names them, each once.
func (d *definition) refs() []string {
	var refs []string
	add := func(ref string) {
		if !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	for _, ref := range d.correlation.Rules {
		add(ref)
	}
	for _, word := range ruleName.FindAllString(d.correlation.Condition.Text, -1) {
		switch strings.ToLower(word) {
		case "and", "or", "not":
		default:
			add(word)
		}
	}
	return refs
}

// lookUp finds the rule that a correlation names: by id or name in its own file, then by
// id anywhere, and then by name in the folder with the highest precedence. Otherwise it
// says why there is none.
func (l *linker) lookUp(d *definition, ref string) (*definition, string) {
	switch {
	case d.inner != nil && ref == d.inner.RuleID:
		return &definition{Rule: Rule{ID: ref}}, ""
	case d.lifter != "":
		return builtin(ref), ""
	}
	for _, o := range l.byFile[fileName{d.Folder, d.File}] {
		if o.ID == ref || o.name == ref {
			return o, ""
		}
	}
	if o := l.byID[ref]; o != nil {
		return o, ""
	}
	order := -1
	var found []*definition
	for _, o := range l.byName[ref] {
		if o.order > order {
			order, found = o.order, nil
		}
		if o.order == order {
			found = append(found, o)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], ""
	case len(found) > 1:
		return nil, fmt.Sprintf("%q is the name of several rules, %s and %s among them: name one by its id", shorten(ref, 60), found[0].ID, found[1].ID)
	case l.refused[ref]:
		return nil, fmt.Sprintf("%q is refused itself", shorten(ref, 60))
	}
	return nil, fmt.Sprintf("%q is no rule that was loaded", shorten(ref, 60))
}

// inertRules finds the correlations that need a rule that can never match.
func (l *linker) inertRules(resolved map[string]*correlation.Definition) {
	known := map[string]bool{}
	var reasonOf func(id string) string
	reasonOf = func(id string) string {
		d := l.find(id)
		switch {
		case d == nil: // which Link says
			return ""
		case d.correlation == nil:
			if reason := inertReason(d.match); reason != "" {
				return "it needs " + id + ", which is inert: " + reason
			}
			return ""
		case known[id] || resolved[id] == nil:
			return l.out.inert[id]
		}
		known[id] = true
		for _, ref := range idsOf(resolved[id]) {
			if reason := reasonOf(ref); reason != "" {
				l.out.inert[id] = reason
				break
			}
		}
		return l.out.inert[id]
	}
	for id := range resolved {
		reasonOf(id)
	}
}

// idsOf lists the rules that a definition names once their ids are known, each once.
func idsOf(def *correlation.Definition) []string { return (&definition{correlation: def}).refs() }

// describe returns a correlation's description.
func (l *links) describe(d *definition) *Correlation {
	def := d.correlation
	c := &Correlation{Type: def.Type, Rules: d.refs(), GroupBy: def.GroupBy, Timespan: def.Timespan, Condition: conditionText(&def.Condition), Fields: def.Condition.Fields}
	if r := l.rules[d.ID]; r != nil {
		c.Rules, c.Condition, c.Scope = idsOf(r.Definition()), r.Condition(), r.Scope()
	}
	return c
}

func conditionText(c *correlation.Condition) string {
	if c.Text != "" {
		return c.Text
	}
	var parts []string
	for _, o := range c.Comparisons {
		parts = append(parts, o.Op+" "+o.Value)
	}
	return strings.Join(parts, ", ")
}
