package importer

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

const (
	// settled is how long ago a file must have changed for its look to be kept:
	// file systems tell times apart by ticks of up to two seconds, and another
	// change within one would leave no trace.
	settled = 10 * time.Second
	// seenAgain is how old a look is when it is kept again.
	seenAgain = 24 * time.Hour
	// judging is raised when what is taken for a log changes otherwise than by a
	// format's version.
	judging = 4
)

// how says what a look depends on in addition to the file: what was asked for, and the
// formats that this program knows.
func (o *Options) how() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s final=%t", judging, o.Format, o.Final)
	list := o.Catalog.list()
	for i := range list {
		b.WriteString(" " + list[i].versionName())
	}
	b.WriteString(o.kindNames())
	b.WriteString(o.settingNames())
	return b.String()
}

// lookAt describes an open file as it is on disk, and returns its first bytes.
func lookAt(f *os.File, info fs.FileInfo, path string, o *Options) (l ttpcron.FileLook, magic []byte, err error) {
	l = ttpcron.FileLook{Path: path, How: o.how(), Size: info.Size(), Modified: info.ModTime().UTC()}
	l.Changed, l.Inode = identity(info)
	buf := make([]byte, keepBytes)
	for _, part := range []struct {
		sum *[32]byte
		at  int64
	}{{&l.Head, 0}, {&l.Tail, max(0, l.Size-keepBytes)}} {
		n, err := f.ReadAt(buf, part.at)
		if err != nil && err != io.EOF {
			return l, nil, err
		}
		*part.sum = sha256.Sum256(buf[:n])
		if part.at == 0 && magic == nil {
			magic = bytes.Clone(buf[:min(n, len(sqliteMagic))])
		}
	}
	return l, magic, nil
}

// same reports whether a file looks as it did. What came of it is not compared.
func same(a, b *ttpcron.FileLook) bool {
	return a.Path == b.Path && a.How == b.How && a.Size == b.Size && a.Modified.Equal(b.Modified) && a.Changed.Equal(b.Changed) &&
		a.Inode == b.Inode && a.Head == b.Head && a.Tail == b.Tail
}

// unchanged opens a file that looks as it did when an import was done with it: a
// file without batches, or the error of then.
func unchanged(path string, s *stream, o *Options) (*File, error) {
	if o.Look.Path == "" || !same(&o.Look, &s.look) {
		return nil, nil
	}
	look := o.Look
	format, _ := o.Catalog.find(look.Format)
	kept := &look
	if age := o.Now().Sub(look.SeenAt); age >= 0 && age < seenAgain {
		kept = nil
	} else {
		look.SeenAt = o.Now()
	}
	switch {
	case o.Below && s.isSQLite():
		return nil, &BelowError{path, aDatabase, kept, look.Outcome == ttpcron.LookBelow}
	case o.Below && format != nil && format.speaks() && look.Outcome != ttpcron.LookUnknown: // it may have been named then
		return nil, &BelowError{path, format.Title, kept, look.Outcome == ttpcron.LookBelow}
	}
	switch look.Outcome {
	case ttpcron.LookRead:
		if look.Reason == lineWaits && isIdle(o.Now(), look.Modified) {
			return nil, nil
		}
	case ttpcron.LookUnknown:
		return nil, &UnknownFormatError{Path: path, Detail: look.Reason, look: kept, said: true}
	case ttpcron.LookLacks:
		if format != nil && format.lines != nil {
			return nil, lacksAgain(path, format.Name, kept, look.Reason)
		}
		return nil, nil
	case ttpcron.LookGivenUp:
		return nil, &GivenUpError{Path: path, Reason: look.Reason, look: kept}
	default:
		return nil, nil // it was not named then
	}
	s.pos.Store(s.size)
	return &File{path: path, format: format, src: s, keep: kept, used: true}, nil
}

// lineWaits is why a file that may grow was not read to its end.
const lineWaits = "its last line waits for its newline"

// idleFor is how long a file must not have changed for its last line, which lacks a
// newline, to be taken as it is.
const idleFor = 24 * time.Hour

func isIdle(now, modified time.Time) bool { return now.Sub(modified) > idleFor }

// stat looks at the file again. A database is closed by then.
func (s *stream) stat() (fs.FileInfo, error) {
	if s.file == nil {
		return os.Stat(s.look.Path)
	}
	return s.file.Stat()
}

// beside describes the parts of a database in files next to it, and says when they last
// changed.
func beside(path string) (parts string, last time.Time, err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", last, err
	}
	for _, suffix := range []string{"-wal", "-journal"} {
		info, err := os.Stat(path + suffix)
		if err != nil || info.Size() == 0 {
			continue
		}
		changed, inode := identity(info)
		parts += fmt.Sprintf(" %s=%d/%d/%d/%d", suffix, info.Size(), info.ModTime().UnixNano(), changed.UnixNano(), inode)
		for _, at := range []time.Time{info.ModTime(), changed} {
			if at.After(last) {
				last = at
			}
		}
	}
	return parts, last, nil
}

// finish returns the look of a file with which an import is done, nil when it
// cannot be relied on: the file is still changing, or has only just.
func (s *stream) finish(o *Options) *ttpcron.FileLook {
	if s.look.Path == "" {
		return nil
	}
	info, err := s.stat()
	if err != nil {
		return nil
	}
	l := s.look
	now := ttpcron.FileLook{Size: info.Size(), Modified: info.ModTime()}
	now.Changed, now.Inode = identity(info)
	last := l.Modified
	if l.Changed.After(last) {
		last = l.Changed
	}
	if s.isSQLite() {
		parts, changed, err := beside(l.Path)
		if err != nil || parts != s.beside {
			return nil
		}
		if changed.After(last) {
			last = changed
		}
	}
	if now.Size != l.Size || now.Inode != l.Inode || !now.Modified.Equal(l.Modified) || !now.Changed.Equal(l.Changed) || o.Now().Sub(last) < settled {
		return nil
	}
	l.SeenAt = o.Now()
	return &l
}

// outcome is the look of a file that is not read, with why, or nil.
func (f *File) outcome(what ttpcron.LookOutcome, reason string) *ttpcron.FileLook {
	look := f.src.finish(&f.opts)
	if look != nil {
		look.Outcome, look.Reason, look.Format = what, reason, f.Format()
	}
	return look
}

// GivenUpError says that a file was not read to its end because that would take practically
// for ever, for example because it expands far more than any log, or because it contains
// programs instead of data.
type GivenUpError struct {
	Path   string
	Reason string
	look   *ttpcron.FileLook
	err    error // nil when it was given up in an earlier import
}

// Unwrap returns what made it be given up.
func (e *GivenUpError) Unwrap() error { return e.err }

func (e *GivenUpError) Error() string { return e.Path + ": " + e.Reason }

// Look returns what to remember of the file, or nil.
func (e *GivenUpError) Look() *ttpcron.FileLook { return e.look }

// givenUp returns a *GivenUpError for an error that will come back however often the
// file is read, so that the next import need not try. Other errors stay as they are.
func (f *File) givenUp(err error) error {
	var long *TooLongError
	var odd *NotTableError
	var inflates *inflatesError
	reason := ""
	switch {
	case errors.As(err, &inflates):
		reason = inflates.Error()
	case errors.As(err, &long):
		reason = long.reason()
	case errors.As(err, &odd):
		reason = odd.reason()
	default:
		return err
	}
	return &GivenUpError{f.path, reason, f.outcome(ttpcron.LookGivenUp, reason), err}
}
