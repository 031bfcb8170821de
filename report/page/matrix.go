package page

func (d *document) matrix() {
	d.heading("matrix", "Matrix")
	d.el("ol", class("matrix"))
	for _, tactic := range d.o.Under.Tactics() {
		d.el("li")
		d.with("h3", tactic.Name)
		d.el("ol")
		for i, t := range d.r.Techniques {
			if t.Tactic != tactic.ID {
				continue
			}
			d.el("li")
			d.el("a", ref("t", i), class("h3"), nums("data-t", []int{i}))
			d.text(t.ID + " " + d.o.Under.TechniqueName(t.ID) + " " + count(t.Tags))
			d.end()
			d.end()
		}
		d.end()
		d.end()
		d.nl()
	}
	d.end()
}
