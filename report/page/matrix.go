package page

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

// square is a place of the matrix: a technique under a tactic.
type square struct {
	id, name string
	of       []int // indices of Report.Techniques; none: unseen
	tags     int
	level    ttpcron.Level
	subs     []*square // of a technique: its sub-techniques
}

// tactic is a column of the matrix.
type tactic struct {
	attack.Tactic
	squares []*square
}

// columns lays out the matrix. What has no place in it is elsewhere.
func (d *document) columns() (columns []*tactic, elsewhere []*square) {
	byTactic := map[string]*tactic{}
	bySquare := map[[2]string]*square{}
	for _, t := range d.o.Under.Tactics() {
		c := &tactic{Tactic: t}
		columns, byTactic[t.ID] = append(columns, c), c
	}
	place := func(c *tactic, id string) *square {
		if s := bySquare[[2]string{c.ID, id}]; s != nil {
			return s
		}
		return c.add(bySquare, d.o.Under, id)
	}
	for t := range d.o.Under.All() {
		for _, tactic := range t.Tactics {
			if c := byTactic[tactic]; c != nil && t.Live() {
				place(c, t.ID)
			}
		}
	}
	for i, t := range d.r.Techniques {
		c := byTactic[t.Tactic]
		if c == nil || !d.o.Under.Has(t.ID) {
			elsewhere = append(elsewhere, &square{id: t.ID, name: d.nameOf(t.ID), of: []int{i}, tags: t.Tags, level: t.Level})
			continue
		}
		s := place(c, t.ID)
		s.of, s.tags, s.level = append(s.of, i), s.tags+t.Tags, max(s.level, t.Level)
	}
	return columns, elsewhere
}

// add makes the square of a technique, and that of the technique that it is part of.
func (c *tactic) add(all map[[2]string]*square, table *attack.Table, id string) *square {
	t, _ := table.Lookup(id)
	s := &square{id: id, name: t.Name}
	all[[2]string{c.ID, id}] = s
	parent := t.Parent()
	if parent == "" {
		c.squares = append(c.squares, s)
		return s
	}
	over := all[[2]string{c.ID, parent}]
	if over == nil {
		over = c.add(all, table, parent)
	}
	over.subs = append(over.subs, s)
	return s
}

// family is the sum of a technique and its sub-techniques, and how many of them were seen.
func (s *square) family() (of []int, tags, seen int, level ttpcron.Level) {
	for _, x := range append([]*square{s}, s.subs...) {
		of, tags, level = append(of, x.of...), tags+x.tags, max(level, x.level)
		if len(x.of) > 0 {
			seen++
		}
	}
	return of, tags, seen, level
}

// seen counts what of a tactic was seen: techniques, by themselves or by a sub-technique,
// and sub-techniques.
func (c *tactic) seen() (techniques, subs int) {
	for _, s := range c.squares {
		if _, _, seen, _ := s.family(); seen > 0 {
			techniques++
		}
		for _, sub := range s.subs {
			if len(sub.of) > 0 {
				subs++
			}
		}
	}
	return techniques, subs
}

// matrix writes the matrix as a heat map.
func (d *document) matrix() {
	d.heading("matrix", "Matrix")
	columns, elsewhere := d.columns()
	most := 0
	for _, c := range columns {
		for _, s := range c.squares {
			_, tags, _, _ := s.family()
			most = max(most, tags)
		}
	}
	for _, s := range elsewhere {
		most = max(most, s.tags)
	}
	scale := scaleFor(most)
	d.el("div", class("tools"), flag("hidden", true), flag("data-js", true))
	d.button("matrix-all", "Show all techniques", is("aria-pressed", "false"))
	d.button("matrix-unfold", "Unfold sub-techniques", is("aria-pressed", "false"))
	d.button("matrix-svg", "Save as SVG")
	d.button("matrix-png", "Save as PNG")
	d.end()
	d.legend(scale)
	d.el("div", class("scroll"), num("tabindex", 0), is("role", "region"), said("aria-label", "ATT&CK matrix"))
	d.el("ol", class("matrix"), nums("data-scale", scale))
	for _, c := range columns {
		d.tactic(c, scale)
	}
	if len(elsewhere) > 0 {
		d.el("li", class("tactic elsewhere"))
		d.columnHead("Not in ATT&CK "+d.o.Under.Number(), len(elsewhere), 0)
		d.el("ol")
		for _, s := range elsewhere {
			d.el("li")
			d.cell(s, s.name, scale)
			d.end()
		}
		d.end()
		d.end()
	}
	d.end()
	d.end()
	d.nl()
}

func (d *document) button(as name, text string, attrs ...attr) {
	d.with("button", text, append(attrs, is("type", "button"), is("id", as))...)
}

// legend says what colours and letters mean.
func (d *document) legend(scale scale) {
	d.scaleLegend(scale)
	d.el("p", class("legend"))
	d.with("span", "Highest level:")
	for level := ttpcron.LevelCritical; level >= ttpcron.LevelInformational; level-- {
		d.text(" ")
		d.level(level)
	}
	d.end()
}

// scaleLegend says what colours mean.
func (d *document) scaleLegend(scale scale) {
	d.el("p", class("legend"))
	d.with("span", "Tags:")
	for i, from := range scale {
		text := count(from)
		switch {
		case i == len(scale)-1:
			text += " or more"
		case scale[i+1]-1 > from:
			text += "–" + count(scale[i+1]-1)
		}
		d.text(" ")
		d.with("span", text, class("key "+heatClass[i+1]))
	}
	d.end()
}

func (d *document) tactic(c *tactic, scale scale) {
	seen, subs := c.seen()
	classes := name("tactic")
	if seen == 0 {
		classes = "tactic idle"
	}
	d.el("li", class(classes), said("data-tactic", c.ID))
	d.columnHead(c.Name, seen, subs)
	d.el("ol")
	for _, s := range c.squares {
		d.square(s, scale)
	}
	d.end()
	d.end()
	d.nl()
}

// columnHead writes a column's head with its count. The script recounts it under a filter.
func (d *document) columnHead(title string, techniques, subs int) {
	d.el("h3")
	d.text(title)
	d.text(" ")
	d.el("span", class("of"))
	d.text(plural(techniques, "technique"))
	if subs > 0 {
		d.text(",")
		d.nl()
		d.text(plural(subs, "sub-technique"))
	}
	d.end()
	d.end()
}

// square writes a technique: a link to its evidence or, if any of its sub-techniques was
// seen, an element that unfolds to such links.
func (d *document) square(s *square, scale scale) {
	of, tags, seen, level := s.family()
	if len(of) == 0 {
		d.el("li", class("unseen"))
		d.unseen(s)
		for _, sub := range s.subs {
			d.unseen(sub)
		}
		d.end()
		return
	}
	d.el("li")
	defer d.end()
	if len(s.of) > 0 && seen == 1 { // itself alone
		d.cell(s, s.name, scale)
		for _, sub := range s.subs {
			d.el("div", class("unseen"))
			d.unseen(sub)
			d.end()
		}
		return
	}
	whole := &square{id: s.id, name: s.name, of: of, tags: tags, level: level}
	d.el("details")
	d.el("summary", class("cell "+scale.class(tags)), nums("data-t", of),
		said("aria-label", whole.label(s.name)+", unfolds"))
	d.inside(whole, s.name)
	d.end()
	d.el("ol")
	if len(s.of) > 0 {
		d.el("li")
		d.cell(s, "itself, no sub-technique", scale)
		d.end()
	}
	for _, sub := range s.subs {
		if len(sub.of) == 0 {
			d.el("li", class("unseen"))
			d.unseen(sub)
		} else {
			d.el("li")
			d.cell(sub, sub.name, scale)
		}
		d.end()
	}
	d.end()
	d.end()
}

// cell writes a technique that was seen as a link to its evidence, if that is on the page.
func (d *document) cell(s *square, title string, scale scale) {
	heat, of := class("cell "+scale.class(s.tags)), nums("data-t", s.of)
	if link := d.evidenceRef(s.of[0]); link.name != "" {
		d.el("a", heat, link, of, said("aria-label", s.label(title)))
	} else {
		d.el("span", heat, of)
	}
	d.inside(s, title)
	d.end()
}

// inside writes what is in a cell.
func (d *document) inside(s *square, title string) {
	d.with("span", s.id, class("id"))
	d.text(" ")
	d.with("span", title, class("name"))
	d.text(" ")
	d.el("span", class("sum"))
	d.with("span", count(s.tags), class("count"))
	d.text(" ")
	d.mark(s.level)
	d.end()
}

// label is the text of a cell for screen readers.
func (s *square) label(title string) string {
	return fmt.Sprintf("%s %s, %s, highest level %s", s.id, title, plural(s.tags, "tag"), s.level)
}

func (d *document) unseen(s *square) {
	d.el("span", class("cell h0"))
	d.with("span", s.id, class("id"))
	d.text(" ")
	d.with("span", s.name, class("name"))
	d.end()
}

// mark writes a level as a letter, which the style adds: screen readers get the word.
func (d *document) mark(level ttpcron.Level) {
	d.with("b", "", class(levels[rank(level)].class), is("aria-hidden", "true"), said("title", "highest level: "+level.String()))
}

// levelNames are the names of levels; 0 is none.
func levelNames() []string {
	names := []string{""}
	for level := ttpcron.LevelInformational; level <= ttpcron.LevelCritical; level++ {
		names = append(names, level.String())
	}
	return names
}

// nameOf names a technique: as the release has it, or another one.
func (d *document) nameOf(id string) string {
	if name := d.o.Under.TechniqueName(id); name != "" {
		return name
	}
	return "unknown technique"
}

// scale has the number of tags at which each heat begins; the first is 1.
type scale []int

// scales are tried in this order; the first that reaches far enough is used.
var scales = []struct {
	below int
	scale scale
}{
	{100, scale{1, 2, 5, 10, 20, 50}},
	{1_000, scale{1, 3, 10, 30, 100, 300}},
	{20_000, scale{1, 5, 25, 100, 500, 2_500}},
	{200_000, scale{1, 10, 100, 1_000, 5_000, 25_000}},
}

// scaleFor returns a scale that distinguishes counts up to most.
func scaleFor(most int) scale {
	for _, s := range scales {
		if most < s.below {
			return s.scale
		}
	}
	return scale{1, 10, 100, 1_000, 10_000, 100_000}
}

// evenScale returns a scale with equal steps, which shows outliers among similar counts.
func evenScale(most int) scale {
	step := max(1, (most+5)/6)
	for unit := 1; step >= 10*unit; unit *= 10 { // two digits that matter
		step = (step + unit - 1) / unit * unit
	}
	if step == 1 {
		return scale{1, 2, 3, 4, 5, 6}
	}
	return scale{1, step, 2 * step, 3 * step, 4 * step, 5 * step}
}

// heatClass are the classes of heats. 0 is none.
var heatClass = [7]name{"h0", "h1", "h2", "h3", "h4", "h5", "h6"}

// class is that of a count.
func (s scale) class(n int) name {
	i, found := slices.BinarySearch(s, n)
	if found {
		i++
	}
	return heatClass[i]
}

// String lists where heats begin, for the script.
func (s scale) String() string {
	var b []string
	for _, n := range s {
		b = append(b, strconv.Itoa(n))
	}
	return strings.Join(b, " ")
}
