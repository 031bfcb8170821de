package importer

import "slices"

// Recognition says what a file was found to be, and why.
type Recognition struct {
	Compression []string // the outermost first; none for a file that is not compressed
	Encoding    string   // UTF-8 or UTF-16; empty for a database, and for anything that is not text
	// CarriageReturns says that lines end with carriage returns instead of newlines.
	CarriageReturns bool
	// Table says that records are the rows of a CSV file.
	Table bool
	// Wrapped says that records are inside lists or a shipper's objects, without Prefixes.
	Wrapped  bool
	Prefixes []string // what stands before records on a line, such as "syslog"
	Format   string   // its name; empty if none was recognised
	Title    string   // of the format
	Named    bool     // the user said which format it is
	Records  int      // how many of the first Lines lines are records of the format
	Lines    int
}

// Recognition says what the file was found to be. If a file looks as it did in an earlier
// import and was not read, only the format is known.
func (f *File) Recognition() Recognition {
	r := Recognition{Compression: slices.Clone(f.src.layers), Named: f.named}
	if f.format != nil {
		r.Format, r.Title = f.format.Name, f.format.Title
	}
	if f.src.isSQLite() || f.noText || f.format != nil && f.format.database != nil {
		return r
	}
	r.Encoding = "UTF-8"
	if f.src.utf16 {
		r.Encoding = "UTF-16"
	}
	r.Table = f.src.csv != nil
	r.CarriageReturns = f.found.newline == '\r'
	r.Records, r.Lines = f.found.records, f.found.lines
	carried := &f.found.framing.carried
	for _, n := range carried.names[:carried.n] {
		r.Prefixes = append(r.Prefixes, prefixes[n-1].name)
	}
	r.Wrapped = f.found.framing.some && carried.n == 0
	return r
}

// like says what content resembles, going by its beginning, or returns nil. It notes
// whether that is text.
func (f *File) like(text []byte, whole bool) *likeness {
	f.noText = !isText(text, whole)
	return likenessOf(text, whole)
}
