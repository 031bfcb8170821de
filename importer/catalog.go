package importer

// Catalog lists the formats that files are recognised as: those of this program, and those
// that a user describes. A nil Catalog has only the first.
type Catalog struct {
	formats []Format
}

// Formats returns the formats, in the order of the help.
func (c *Catalog) Formats() []Format { return append([]Format(nil), c.list()...) }

// list is Formats without a copy. Formats in it are told apart by their place.
func (c *Catalog) list() []Format {
	if c == nil {
		return formats
	}
	return c.formats
}

func (c *Catalog) find(name string) (*Format, bool) {
	list := c.list()
	for i := range list {
		if list[i].Name == name {
			return &list[i], true
		}
	}
	return nil, false
}
