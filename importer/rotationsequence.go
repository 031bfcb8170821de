package importer

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Sequence carries what a log said about open sessions from one file to the next, such as
// the attacker's address, which old sensors wrote only at the beginning of a session. It
// also remembers the names in the folder. The zero value is ready to use. Use one for the
// files of one import, read one after the other; it is not safe for concurrent use.
type Sequence struct {
	folder string
	place  place
	format *Format
	parser recordParser

	names folderNames
}

// continuer is a parser that knows something of sessions.
type continuer interface {
	recordParser
	// continues takes over what the parser of an earlier file knows, which is not used
	// any more.
	continues(from recordParser)
}

// next gives a parser what the last file told, if its log continues in this file. Files of
// other logs may have other sessions of the same names.
func (s *Sequence) next(e *edges, f *Format, p recordParser) {
	c, ok := p.(continuer)
	if !ok || e.path == "" {
		return
	}
	folder := filepath.Dir(e.path)
	if s.format == f && s.folder == folder && s.place.log == e.place.log && e.place.follows(s.place) {
		c.continues(s.parser)
	}
	s.folder, s.place, s.format, s.parser = folder, e.place, f, p
}

// maxNames is how many names a folder may have for the files of one log to be looked
// for among them.
const maxNames = 1 << 16

// folderNames are the files of a folder, by the log that they are of.
type folderNames struct {
	folder string
	at     time.Time // when the folder changed last
	files  map[string][]neighbour
}

// of returns the files that rotation made of a log, the oldest first. Links are none
// of them.
func (f *folderNames) of(ctx context.Context, folder, log string) []neighbour {
	info, err := os.Stat(folder)
	if err != nil {
		return nil
	}
	if f.folder != folder || !f.at.Equal(info.ModTime()) {
		*f = folderNames{folder: folder, at: info.ModTime(), files: map[string][]neighbour{}}
		if !f.read(ctx) {
			f.files = nil
		}
		if ctx.Err() != nil {
			f.folder = ""
		}
	}
	return f.files[log]
}

// read reads the names. It is false when there are too many.
func (f *folderNames) read(ctx context.Context) bool {
	dir, err := os.Open(f.folder)
	if err != nil {
		return false
	}
	defer dir.Close()
	for n := 0; n <= maxNames && ctx.Err() == nil; {
		entries, err := dir.ReadDir(pageOfNames)
		for _, entry := range entries {
			if n++; entry.Type().IsRegular() {
				p := placeOf(entry.Name())
				f.files[p.log] = append(f.files[p.log], neighbour{p, filepath.Join(f.folder, entry.Name())})
			}
		}
		if err != nil || len(entries) == 0 {
			for _, files := range f.files {
				slices.SortFunc(files, func(a, b neighbour) int { return a.compare(b.place) })
			}
			return n <= maxNames
		}
	}
	return false
}
