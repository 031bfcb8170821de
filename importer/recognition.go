package importer

import "slices"

// Recognition is what a file was found to be, and by what.
type Recognition struct {
	Compression []string // the outermost first; none for a file that is not compressed
	Encoding    string   // UTF-8 or UTF-16; empty for a database
	// CarriageReturns says that these, and no newlines, end the lines.
	CarriageReturns bool
	// Wrapped says that records lie in lists, or in objects of something that carried
	// them. Prefixes are what stands before them on a line, such as "syslog".
	Wrapped  bool
	Prefixes []string
	Format   string // empty: none
	Title    string // of the format
	Named    bool   // the user said which format it is
	Records  int    // of the format, in the first Lines lines
	Lines    int
}

// Recognition says what the file was found to be. Of a file that looks as it did in an
// earlier import, and was not read, it knows the format alone.
func (f *File) Recognition() Recognition {
	r := Recognition{Compression: slices.Clone(f.src.layers), Named: f.named}
	if f.format != nil {
		r.Format, r.Title = f.format.Name, f.format.Title
	}
	if f.src.isSQLite() {
		return r
	}
	r.Encoding = "UTF-8"
	if f.src.utf16 {
		r.Encoding = "UTF-16"
	}
	r.CarriageReturns = f.found.newline == '\r'
	r.Records, r.Lines = f.found.records, f.found.lines
	carried := &f.found.framing.carried
	for _, n := range carried.names[:carried.n] {
		r.Prefixes = append(r.Prefixes, prefixes[n-1].name)
	}
	r.Wrapped = f.found.framing.some && carried.n == 0
	return r
}
