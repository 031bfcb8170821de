package importer

import "path/filepath"

// Sessions carries what is known of sessions from one file of a log to the next, as
// the address of an attacker that the sensor wrote when the session began. One is for
// the files of one import, which are read one after the other.
type Sessions struct {
	folder string
	place  place
	format *Format
	parser recordParser
}

// continuer is a parser that knows something of sessions.
type continuer interface {
	recordParser
	// continues takes over what the parser of an earlier file knows, which is not used
	// any more.
	continues(from recordParser)
}

// next gives a parser what the last file told, if its log goes on in this file. Files
// of other logs may have other sessions of the same names.
func (s *Sessions) next(e *edges, f *Format, p recordParser) {
	c, ok := p.(continuer)
	if s == nil || !ok || e.path == "" {
		return
	}
	folder := filepath.Dir(e.path)
	if s.format == f && s.folder == folder && s.place.log == e.place.log && e.place.follows(s.place) {
		c.continues(s.parser)
	}
	*s = Sessions{folder, e.place, f, p}
}
