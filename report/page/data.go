package page

// filters writes the form by which the script filters; without it nobody sees the form.
func (d *document) filters() {
	d.el("form", named("filters"), flag("hidden", true), is("aria-label", "Filters"))
	d.with("output", "", named("shown"), is("aria-live", "polite"))
	d.end()
	d.nl()
}

// data writes what the script counts by.
func (d *document) data() {
}
