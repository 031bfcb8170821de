package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/export"
)

// shownTag is a tag under the names of an ATT&CK release. The tag itself is as recorded,
// since its UUID follows from that.
type shownTag struct {
	ttpcron.Tag
	Shown ttpcron.Claim
	under *attack.Table
}

func showTag(table *attack.Table, t ttpcron.Tag) shownTag {
	return shownTag{t, table.Shown(&t.Claim), table}
}

// MarshalJSON gives what ttpcron.Tag.AppendShown does, with the names of technique and tactic.
func (t shownTag) MarshalJSON() ([]byte, error) {
	b := t.AppendShown(nil, &t.Shown)
	return append(export.AppendNames(b[:len(b)-1], &t.Shown, t.under), '}'), nil
}

// lacks reports whether the release has no name for a technique, though another has, so
// that a claim is shown under its own.
func lacks(table *attack.Table, shown *ttpcron.Claim) bool {
	if table.Has(shown.Technique()) { // nearly all
		return false
	}
	_, has := table.Counterpart(shown.Technique())
	_, known := attack.Newest(shown.Technique())
	return known && !has
}

// lacking says for how many tags the release lacks the technique; nothing if none.
func lacking(table *attack.Table, n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s of techniques that %s does not have, shown under the ids of a later release", term.Plural(n, "tag is", "tags are"), table.Release())
}

// shownTags yields tags under a release's names, each valid until the next, and counts
// those whose technique the release lacks.
func shownTags(tags iter.Seq2[ttpcron.Tag, error], table *attack.Table, without *int) iter.Seq2[*shownTag, error] {
	return func(yield func(*shownTag, error) bool) {
		s := &shownTag{under: table}
		for t, err := range tags {
			s.Tag, s.Shown = t, table.Shown(&t.Claim)
			if lacks(table, &s.Shown) {
				*without++
			}
			if !yield(s, err) {
				return
			}
		}
	}
}

// shownOnce shows the tags that the rules give an event now. Of those that are equal under
// the release's names, it shows one.
func shownOnce(table *attack.Table, tags []ttpcron.Tag) []shownTag {
	out := make([]shownTag, 0, len(tags))
next:
	for _, t := range tags {
		s := showTag(table, t)
		for i := range out {
			if o := &out[i]; o.RuleID == s.RuleID && o.RuleVersion == s.RuleVersion && o.Shown.Technique() == s.Shown.Technique() {
				if s.StandsFor(&o.Claim) {
					*o = s
				}
				continue next
			}
		}
		out = append(out, s)
	}
	return out
}

// recordedJSON is a claim under the names of its rule, null if it is shown under the same.
func recordedJSON(c, shown *ttpcron.Claim) json.RawMessage {
	if c.SameNames(shown) {
		return nil
	}
	return c.AppendNames(nil)
}

var techniqueForm = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)

// selectTechnique makes a query select a technique by its name in any release, and says
// what it is in the shown release, if that differs.
func selectTechnique(q *ttpcron.TagQuery, name string, table *attack.Table) (note string, err error) {
	id := strings.ToUpper(pastedID(name))
	if id != "" && !techniqueForm.MatchString(id) {
		return "", cli.Usage(fmt.Sprintf("--technique %q is no technique id", name), "an id looks like T1059 or T1059.004")
	}
	q.Technique, q.Counterparts = id, table.Counterparts(id)
	x, known := table.Lookup(id)
	_, elsewhere := attack.Newest(id)
	switch {
	case id == "" || known && x.Live():
		return "", nil
	case len(q.Counterparts) > 0:
		return fmt.Sprintf("%s is %s in %s", id, strings.Join(q.Counterparts, ", "), table.Release()), nil
	case known && x.Deprecated:
		return fmt.Sprintf("%s was withdrawn in %s", id, table.Release()), nil
	case elsewhere:
		return fmt.Sprintf("%s does not have %s: it is shown under that id", table.Release(), id), nil
	}
	return fmt.Sprintf("%s is no technique of %s", id, table.Release()), nil
}

var tacticForm = regexp.MustCompile(`^TA\d{4}$`)

// tacticIDs finds a tactic by id, name or short name in any release, and says what it is
// in the shown release, if that differs. A tactic that was divided gives several.
func tacticIDs(s string, table *attack.Table) (ids []string, note string, err error) {
	if s = pastedID(s); s == "" {
		return nil, "", nil
	}
	meant := func(t attack.Tactic) bool {
		return strings.EqualFold(s, t.ID) || strings.EqualFold(s, t.Name) || strings.EqualFold(s, t.ShortName)
	}
	var names []string
	for _, t := range table.Tactics() {
		if meant(t) {
			return []string{t.ID}, "", nil
		}
		names = append(names, t.ShortName)
	}
	for _, other := range attack.Tables() {
		for _, t := range other.Tactics() {
			if !meant(t) {
				continue
			}
			ids, names := counterparts(t, other, table)
			if !slices.Contains(ids, t.ID) {
				ids = append(ids, t.ID) // that of a technique which the release lacks
			}
			return ids, fmt.Sprintf("%s of %s is %s in %s", t.Name, other.Release(), strings.Join(names, " and "), table.Release()), nil
		}
	}
	if id := strings.ToUpper(s); tacticForm.MatchString(id) {
		return []string{id}, "", nil
	}
	e := cli.Usage(fmt.Sprintf("--tactic %q is no tactic", s), "tactics are "+strings.Join(names, ", "))
	if near := cli.Nearest(s, names); near != "" {
		e.Hint = fmt.Sprintf("did you mean %s?", near)
	}
	return nil, "", e
}

// counterparts are the tactics of a table that are one of another, with their names.
func counterparts(t attack.Tactic, of, table *attack.Table) (ids, names []string) {
	add := func(x attack.Tactic) {
		if !slices.Contains(ids, x.ID) {
			ids, names = append(ids, x.ID), append(names, x.ID+" "+x.Name)
		}
	}
	if x, ok := table.CounterpartTactic(t.ID); ok {
		add(x)
	}
	for _, x := range table.Tactics() {
		if back, ok := of.CounterpartTactic(x.ID); ok && back.ID == t.ID {
			add(x)
		}
	}
	return ids, names
}

func tacticName(table *attack.Table, id string) string { return cmp.Or(table.TacticName(id), id) }

// techniqueName is a technique's name, for a sub-technique with its parent's, or the id
// when no release knows it.
func techniqueName(table *attack.Table, id string) string {
	t, ok := lookup(table, id)
	if !ok {
		return term.Clean(id)
	}
	return t.FullName()
}

// lookup returns a technique as a table has it, or else as the newest release that does.
func lookup(table *attack.Table, id string) (attack.Technique, bool) {
	if t, ok := table.Lookup(id); ok {
		return t, true
	}
	if newest, ok := attack.Newest(id); ok {
		return newest.Lookup(id)
	}
	return attack.Technique{}, false
}

// shortName leaves out the parent's name where both do not fit; 0 is no limit.
func shortName(table *attack.Table, id string, width int) string {
	name := techniqueName(table, id)
	if t, ok := lookup(table, id); ok && width > 0 && term.Cells(name) > width {
		return t.Name
	}
	return name
}
