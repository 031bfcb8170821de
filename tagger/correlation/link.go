package correlation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Link makes rules from the definitions: it resolves references among them and through
// base, makes the streams, and refuses whatever cannot be judged on a history to which
// events may still be added. own are networks whose addresses take no part in groups by
// address. Rules and problems are ordered by id.
//
// A reference is first the id of a rule, with correlations before others, and then a
// second name, which must be unambiguous. base need not know correlations.
func Link(defs []*Definition, base func(ref string) (Base, bool), own ttpcron.Networks) (rules []*Rule, problems []Problem) {
	l := &linker{base: base, byID: map[string]*linked{}, byName: map[string][]*linked{}}
	defs = slices.Clone(defs)
	slices.SortStableFunc(defs, func(a, b *Definition) int { return strings.Compare(a.RuleID, b.RuleID) })
	var all []*linked
	for _, d := range defs {
		if l.byID[d.RuleID] != nil {
			problems = append(problems, Problem{d.RuleID, "rule_id", "is there twice"})
			continue
		}
		c := &linked{def: d}
		all = append(all, c)
		l.byID[d.RuleID] = c
		if d.Name != "" && d.Name != d.RuleID {
			l.byName[d.Name] = append(l.byName[d.Name], c)
		}
	}
	for _, c := range all {
		l.link(c)
	}
	var builders []*builder
	shared := valueSets{}
	for _, c := range all {
		if len(c.problems) == 0 {
			r, b := c.rule(ownText(own))
			for _, s := range b.streams {
				shared.share(s)
			}
			rules, builders = append(rules, r), append(builders, b)
		}
		problems = append(problems, c.problems...)
	}
	for i, b := range builders {
		b.finish(rules[i])
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return strings.Compare(a.RuleID, b.RuleID) })
	return rules, problems
}

type linker struct {
	base   func(ref string) (Base, bool)
	byID   map[string]*linked
	byName map[string][]*linked
	path   []*linked // that is being linked
}

// linked is a definition with the rules that it names.
type linked struct {
	def      *Definition
	done     bool
	problems []Problem

	items  []item
	fields []groupField // ascending by name
	limit  threshold
	kinds  []ttpcron.SourceKind // of all events that matter for it
	depth  int                  // of the tree of correlations, 1 without others
	parts  int                  // how many there are in the tree
	reach  time.Duration
}

// item is a rule that a correlation lists: a base rule or another correlation.
type item struct {
	ref     string
	base    Base
	inner   *linked           // nil for a base rule
	aliases map[string]string // alias to field
}

func (it *item) id() string {
	if it.inner != nil {
		return it.inner.def.RuleID
	}
	return it.base.ID
}

// groupField is a field by which a correlation groups.
type groupField struct {
	name     string
	written  string // as the definition, and aliases, have it
	optional bool
}

func (c *linked) fail(key, format string, args ...any) {
	c.problems = append(c.problems, Problem{c.def.RuleID, key, fmt.Sprintf(format, args...)})
}

// link resolves a definition and all that it names.
func (l *linker) link(c *linked) {
	if c.done {
		return
	}
	l.path = append(l.path, c)
	defer func() {
		l.path = l.path[:len(l.path)-1]
		c.done = true
	}()
	d := c.def
	if err := checkType(d.Type); err != nil {
		c.fail("type", "%v", err)
	}
	switch {
	case d.Timespan == 0:
		c.fail("timespan", "is missing")
	case d.Timespan < time.Second || d.Timespan%time.Second != 0:
		c.fail("timespan", "must be whole seconds, one or more")
	case d.Timespan > MaxReach:
		c.fail("timespan", "is longer than 31 days")
	}
	refs := d.Rules
	if len(refs) == 0 && d.Type.temporal() {
		refs = conditionRules(d.Condition.Text)
	}
	switch {
	case len(refs) == 0:
		c.fail("rules", "is missing")
	case len(refs) > MaxRules:
		c.fail("rules", "there are more than %d", MaxRules)
	}
	if len(c.problems) > 0 {
		return
	}
	l.items(c, refs)
	if len(c.problems) > 0 {
		return
	}
	limit, key, err := d.readCondition(refs, c.find)
	if err != nil {
		c.fail(strings.TrimSuffix("condition."+key, "."), "%v", err)
	}
	c.limit = limit
	c.aliases()
	c.group()
	c.checkInner()
}

// items resolves what a correlation lists.
func (l *linker) items(c *linked, refs []string) {
	c.depth, c.parts, c.reach = 1, 1, c.def.Timespan
	for _, ref := range refs {
		it := item{ref: ref}
		if err := l.resolve(&it); err != "" {
			c.fail("rules", "%s", err)
			continue
		}
		if slices.ContainsFunc(c.items, func(o item) bool { return o.id() == it.id() }) {
			c.fail("rules", "%.80q is named twice", ref)
			continue
		}
		slices.Sort(it.base.Kinds)
		kinds, parts := slices.Compact(it.base.Kinds), 1
		it.base.Kinds = kinds
		if in := it.inner; in != nil {
			if at := slices.Index(l.path, in); at >= 0 {
				l.circle(at)
				continue
			}
			l.link(in)
			if len(in.problems) > 0 {
				if len(c.problems) == 0 { // else it may be in one circle with the other
					c.fail("rules", "%.80q is refused itself", ref)
				}
				continue
			}
			kinds, parts = in.kinds, in.parts
			c.depth = max(c.depth, in.depth+1)
			c.reach = max(c.reach, c.def.Timespan+in.reach)
		} else if len(kinds) == 0 {
			c.fail("rules", "%.80q looks at no kind of event", ref)
		}
		c.parts += parts
		c.items = append(c.items, it)
		c.kinds = append(c.kinds, kinds...)
	}
	slices.Sort(c.kinds)
	c.kinds = slices.Compact(c.kinds)
	switch {
	case c.depth > MaxDepth:
		c.fail("rules", "correlations name each other more than %d deep", MaxDepth)
	case c.parts > MaxParts:
		c.fail("rules", "the correlation is made of more than %d rules, each as often as it is named", MaxParts)
	case c.reach > MaxReach:
		c.fail("timespan", "together with those of the correlations it names it is longer than 31 days")
	}
}

// circle refuses all correlations in the path from the first one that the last one names.
func (l *linker) circle(from int) {
	path := l.path[from:]
	const shown = 6
	for i, c := range path {
		var text []string
		for n := range min(len(path), shown) {
			text = append(text, path[(i+n)%len(path)].def.RuleID)
		}
		if len(path) > shown {
			text = append(text, "…")
		}
		c.fail("rules", "lead in a circle: %s", strings.Join(append(text, c.def.RuleID), " → "))
	}
}

// resolve finds the rule of a name, or says what is wrong with it.
func (l *linker) resolve(it *item) string {
	if it.inner = l.byID[it.ref]; it.inner != nil {
		return ""
	}
	b, isBase := l.base(it.ref)
	named := l.byName[it.ref]
	switch {
	case isBase && (b.ID == it.ref || len(named) == 0):
		it.base = b
		it.base.Kinds = slices.Clone(b.Kinds)
	case !isBase && len(named) == 1:
		it.inner = named[0]
	case len(named) > 0:
		return fmt.Sprintf("%.80q is the name of several rules; use an id", it.ref)
	default:
		return fmt.Sprintf("%.80q is no rule", it.ref)
	}
	return ""
}

// find returns the number of the item that a name in the definition stands for.
func (c *linked) find(name string) (int, error) {
	i := slices.IndexFunc(c.items, func(it item) bool { return it.ref == name })
	if i < 0 {
		i = slices.IndexFunc(c.items, func(it item) bool { return it.id() == name })
	}
	if i < 0 {
		return 0, fmt.Errorf("%.80q is not among the rules", name)
	}
	return i, nil
}

// aliases gives each item the aliases that are about it.
func (c *linked) aliases() {
	for alias, of := range c.def.Aliases {
		for ref, field := range of {
			i, err := c.find(ref)
			if err == nil {
				err = checkField(field)
			}
			if err != nil {
				c.fail("aliases."+alias, "%v", err)
				continue
			}
			it := &c.items[i]
			if it.aliases == nil {
				it.aliases = map[string]string{}
			}
			it.aliases[alias] = field
		}
	}
	slices.SortFunc(c.problems, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Reason, b.Reason))
	})
}

// group finds the fields that the correlation groups by.
func (c *linked) group() {
	add := func(f groupField) {
		if slices.ContainsFunc(c.fields, func(o groupField) bool { return o.name == f.name }) {
			c.fail("group-by", "%q is named twice", f.written)
			return
		}
		c.fields = append(c.fields, f)
	}
	for _, written := range c.def.GroupBy {
		if err := checkField(written); err != nil {
			c.fail("group-by", "%v", err)
			continue
		}
		name, one := c.groupName(written)
		if !one && ofEveryEvent(written) {
			c.fail("aliases."+written, "is the name of a field that every event has; choose another")
			continue
		}
		add(groupField{name: name, written: written})
	}
	if slices.ContainsFunc(c.fields, func(f groupField) bool { return f.name == ttpcron.FieldSessionID }) {
		for _, name := range ofSession {
			if !slices.ContainsFunc(c.fields, func(o groupField) bool { return o.name == name }) {
				c.fields = append(c.fields, groupField{name: name, written: name, optional: true})
			}
		}
	}
	if len(c.fields) > MaxFields {
		c.fail("group-by", "there are more than %d fields", MaxFields)
	}
	slices.SortFunc(c.fields, func(a, b groupField) int { return strings.Compare(a.name, b.name) })
}

// groupName returns the name of a field in groups: usually the one in the definition, or
// the common field if that name means it in all of the rules. one is false for an alias
// with several meanings, or for a field of another sort.
func (c *linked) groupName(written string) (name string, one bool) {
	if c.def.Aliases[written] == nil {
		return groupName(written, c.kinds), true
	}
	for i := range c.items {
		field := groupName(c.items[i].field(written), c.kinds)
		if !ofEveryEvent(field) || i > 0 && field != name {
			return written, false
		}
		name = field
	}
	return name, true
}

// field returns what a field of the correlation is called in the item.
func (it *item) field(written string) string {
	if to, ok := it.aliases[written]; ok {
		return to
	}
	return written
}

// groupField returns the index of the group-by field that a name means, or -1.
func (c *linked) groupField(name string) int {
	for _, n := range []string{name, groupName(name, c.kinds)} {
		if i := slices.IndexFunc(c.fields, func(f groupField) bool { return f.name == n || f.written == n }); i >= 0 {
			return i
		}
	}
	return -1
}

// checkInner checks that inner correlations have the fields that this one needs: those
// that they group by.
func (c *linked) checkInner() {
	check := func(key, written string) {
		for i := range c.items {
			it := &c.items[i]
			if it.inner == nil {
				continue
			}
			if f := it.field(written); it.inner.groupField(f) < 0 {
				c.fail(key, "%q is no field by which %s groups, so its matches have none", f, it.ref)
			}
		}
	}
	for _, f := range c.fields {
		if !f.optional { // who groups by session has the others
			check("group-by", f.written)
		}
	}
	for _, f := range c.def.Condition.Fields {
		check("condition.field", f)
	}
}
