package page

import (
	"cmp"
	"maps"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/report"
)

// techniques writes the table of techniques and the evidence of each.
func (d *document) techniques() {
	d.heading("techniques", "Techniques")
	if len(d.r.Techniques) == 0 {
		d.el("p", class("nothing"))
		d.say("No tag shows a technique. ")
		d.command("ttpcron tags misses")
		d.say(" lists commands that no rule matches.")
		d.end()
		return
	}
	order := make([]int, len(d.r.Techniques))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return d.r.Techniques[b].Tags - d.r.Techniques[a].Tags })
	most := d.r.Techniques[order[0]].Tags
	d.list(list{
		name: "techniques", label: "Techniques", rows: len(order), one: "technique", by: "with the most tags", command: "ttpcron techniques",
		note: "A technique with several tactics has a row for each. Its id links to the evidence.",
		columns: []column{
			{"Technique", "", ""}, {"Level", "", "the highest of a tag"}, {"Tactic", "", ""}, {"Tags", "n", "an event may have several tags"},
			{"Events", "n", "different events with such a tag"}, {"Attackers", "n", ""}, {"Sessions", "n", ""},
			{"First", "t", ""}, {"Last", "t", ""}, {"Rules", "n", "rules that found it"},
		},
		row: func(i int) { d.techniqueRow(order[i], most) },
	})
	d.with("h3", "Evidence by technique", class("ev"))
	left := d.shares("details", len(d.r.Techniques), d.evidence)
	if left > 0 {
		d.el("p", class("left"))
		d.say("The page has no room for the evidence of ", plural(left, "more technique"), ": ")
		d.example("ttpcron tags" + d.r.Flags + " --technique ID")
		d.end()
	}
}

func (d *document) techniqueRow(i, most int) {
	t := d.r.Techniques[i]
	d.tr(itself(t, i))
	d.first(func() { d.techniqueLink(i) })
	d.levelCell(t.Level)
	d.short("td", d.tacticName(t.Tactic))
	d.barCell(t.Tags, most)
	d.numberCell(t.Events)
	d.numberCell(t.Attackers)
	d.numberCell(t.Sessions)
	d.momentCell(t.First)
	d.momentCell(t.Last)
	d.numberCell(t.RuleCount)
	d.end()
}

// itself is when and where a technique was seen, and no other technique.
func itself(t *report.Technique, i int) *report.Seen {
	s := t.Seen
	s.Techniques = []int{i}
	return &s
}

// tacticName returns the name of a tactic, or its id if the release has none.
func (d *document) tacticName(id string) string {
	if n := d.o.Under.TacticName(id); n != "" {
		return n
	}
	return id
}

// evidence writes tags as evidence for a technique's count, within a number of bytes.
func (d *document) evidence(i, most int) {
	t, start := d.r.Techniques[i], d.size()
	d.el("details", append(d.filtered(itself(t, i)), id("t", i), class("tech"))...)
	d.el("summary")
	d.short("span", t.ID, class("tid"))
	d.text(" ")
	d.with("span", d.o.Under.TechniqueName(t.ID), class("tname"))
	d.text(" ")
	d.short("span", d.tacticName(t.Tactic), class("aside"))
	d.aside(t.Tags, "tag")
	d.atLevel(&t.Seen)
	d.end()
	d.el("p", class("how"))
	d.say(capital(plural(t.Tags, "tag")))
	for _, of := range []struct {
		n           int
		before, one string
	}{{t.Events, " in ", "event"}, {t.Attackers, " by ", "attacker"}, {t.Sessions, " in ", "session"}} {
		if of.n > 0 {
			d.say(of.before, plural(of.n, of.one))
		}
	}
	if t.Events == 0 && t.Tags > 0 {
		d.say(", each found over several events")
	}
	d.say(".")
	d.whoShowed(i)
	d.rulesOf(t)
	d.nextLine()
	d.commandOn("All tags: ", "ttpcron tags"+d.r.Flags+" --technique", t.ID)
	if link := byTechnique(t.ID); link.name != "" {
		d.say(" ")
		d.with("a", "Filter by it: who did this?", link, flag("hidden", true), flag("data-js", true))
	}
	if link := outside(t.ID); link.name != "" {
		d.say(" ")
		d.with("a", "attack.mitre.org on "+t.ID, link, is("rel", "noreferrer"), class("out"))
	}
	d.end()
	d.nl()
	d.el("ol", class("evidence"))
	left := d.rows(part{"evidence", i}, len(t.Evidence), most-(d.size()-start), func(n int) {
		d.evidenceItem(i, t.Evidence[n])
		d.nl()
	})
	d.end()
	if left > 0 {
		d.with("p", "The page has no room for "+plural(left, "more example")+".", class("left"))
	}
	d.end()
	d.nl()
}

// nextLine begins another paragraph.
func (d *document) nextLine() {
	d.end()
	d.nl()
	d.el("p", class("how"))
}

// mostShowing is how many attackers of a technique are named.
const mostShowing = 30

// showing are those with the most tags of a technique.
type showing []struct{ attacker, tags int } // the attacker by its place in the cube

// showingOf returns the distinguished attackers by technique.
func showingOf(r *report.Report) []showing {
	of := make([][]uint32, len(r.Techniques)) // indices of cells
	for i := range r.Cube.Cells {
		if c := &r.Cube.Cells[i]; c.Attacker > 0 {
			of[c.Technique] = append(of[c.Technique], uint32(i))
		}
	}
	all := make([]showing, len(of))
	for technique, cells := range of {
		tags := map[int]int{}
		for _, i := range cells {
			tags[r.Cube.Cells[i].Attacker] += r.Cube.Cells[i].Tags
		}
		places := slices.SortedFunc(maps.Keys(tags), func(a, b int) int { return cmp.Or(tags[b]-tags[a], a-b) })
		for _, place := range places[:min(len(places), mostShowing)] {
			all[technique] = append(all[technique], struct{ attacker, tags int }{place, tags[place]})
		}
	}
	return all
}

// whoShowed names the attackers with the most tags of a technique.
func (d *document) whoShowed(technique int) {
	list := d.showed[technique]
	if len(list) == 0 {
		return
	}
	d.nextLine()
	d.say("Attackers: ")
	for i, of := range list {
		if i > 0 {
			d.say(", ")
		}
		d.attackerLink(of.attacker, "")
		d.aside(of.tags, "tag")
	}
	if left := d.r.Techniques[technique].Attackers - len(list); left > 0 {
		d.say(" and ", plural(left, "other"))
	}
	d.say(".")
}

// rulesOf names the rules that found a technique.
func (d *document) rulesOf(t *report.Technique) {
	if len(t.Rules) == 0 {
		return
	}
	d.nextLine()
	d.say(capital(noun(t.RuleCount, "rule")), ": ")
	for i, r := range t.Rules {
		if i > 0 {
			d.say(", ")
		}
		d.ruleLink(r.Name)
		d.aside(r.Times, "tag")
	}
	if left := t.RuleCount - len(t.Rules); left > 0 {
		d.say(" and ", plural(left, "other"))
	}
	d.say(".")
}

// evidenceItem writes a tag: when, who, where, by which rule, and the text.
func (d *document) evidenceItem(technique int, e *report.Evidence) {
	t := &e.Tag
	s := report.Seen{First: t.EventTime, Last: t.EventTime, Techniques: []int{technique}, Level: t.Level.Rank(), Attacker: e.Attacker}
	if sensor, known := d.sensorAt[t.DeckyID]; known {
		s.Sensors = []int{sensor}
	}
	d.el("li", d.filtered(&s)...)
	d.el("p", class("when"))
	d.moment(t.EventTime)
	d.say(" ")
	d.level(t.Level)
	d.say(" ")
	d.attackerLink(e.Attacker, t.AttackerIP)
	if t.DeckyID != "" {
		d.say(" at ")
		d.name(t.DeckyID)
	}
	d.say(", rule ")
	d.ruleLink(t.RuleID)
	if e.Rule != "" {
		d.say(" ")
		d.el("q")
		d.name(e.Rule)
		d.end()
	}
	if t.SourceKind == ttpcron.Correlation {
		d.say(", found over several events")
	}
	d.inSession(t.DeckyID, t.SessionID)
	d.end()
	d.code(e.Text)
	d.end()
}

// inSession links to a session's story, or names the command that shows it.
func (d *document) inSession(sensor, session string) {
	if session == "" {
		return
	}
	if row, told := d.storyOf(sensor, session); told {
		d.say(", session ")
		d.linked(ref("s", row), session)
		return
	}
	d.commandOn(", ", "ttpcron session", session)
}
