package page

import "github.com/ttpcron/ttpcron"

// filters writes the script's form for filters, which is hidden without the script. The
// script fills in the choices.
func (d *document) filters() {
	d.el("form", named("filters"), flag("hidden", true), is("aria-label", "Filters"))
	d.dated("f-from", "from", "From")
	d.dated("f-to", "to", "To")
	d.typed("f-attacker", "attacker", "Attacker", "f-attackers", "address or prefix")
	d.choice("f-sensor", "sensor", "Sensor", "all")
	d.choice("f-tactic", "tactic", "Tactic", "all")
	d.typed("f-technique", "technique", "Technique", "f-techniques", "id, such as T1105")
	d.label("f-level", "Level")
	d.el("select", named("f-level"), is("name", "level"))
	d.with("option", "all", is("value", "0"))
	for level := ttpcron.LevelLow; level <= ttpcron.LevelCritical; level++ {
		text := level.String()
		if level < ttpcron.LevelCritical {
			text += " or higher"
		}
		d.with("option", text, num("value", int(level)))
	}
	d.end()
	d.end()
	d.with("p", "", named("caveats"))
	d.end()
	d.nl()
	d.el("div", named("status"), flag("hidden", true), flag("data-js", true)) // stays in sight while a filter is set
	d.with("output", "", named("shown"), is("aria-live", "polite"))
	d.el("span")
	d.with("a", "Change", at("filters"))
	d.with("button", "Reset", is("type", "reset"), is("form", "filters"))
	d.end()
	d.end()
	d.nl()
}

// still writes what does not change while a filter is set.
func (d *document) still(words string) { d.with("p", words, class("still")) }

// label opens the label of a control.
func (d *document) label(of, text name) {
	d.el("label", is("for", of))
	d.text(string(text) + " ")
}

func (d *document) dated(as, field, text name) {
	d.label(as, text)
	d.void("input", named(as), is("name", field), is("type", "date"))
	d.end()
}

// typed writes a field with a list of choices.
func (d *document) typed(as, field, text, list name, hint string) {
	d.label(as, text)
	d.void("input", named(as), is("name", field), is("list", list), is("autocomplete", "off"),
		is("spellcheck", "false"), said("placeholder", hint))
	d.el("datalist", named(list))
	d.end()
	d.end()
}

func (d *document) choice(as, field, text name, all string) {
	d.label(as, text)
	d.el("select", named(as), is("name", field))
	d.with("option", all, is("value", ""))
	d.end()
	d.end()
}
