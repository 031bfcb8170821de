package page

func (d *document) activity() {
	d.heading("activity", "Activity")
}
