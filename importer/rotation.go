package importer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/ttpcron/ttpcron"
)

const (
	// maxEmpty is how many empty files between two are passed over.
	maxEmpty = 8
	// tailWindow is how much of a file's end is read in the hope that its last
	// line lies in it.
	tailWindow = 64 << 10
	// pageOfNames is how many names of a folder are read at once.
	pageOfNames = 4096
)

// edges says what to make of a file's first line and of a last one without newline.
type edges struct {
	path    string // without links; empty when the file has no neighbours
	place   place
	names   *folderNames
	near    []neighbour // the files of the same log, the oldest first
	waiting bool        // a last line waits for its newline
	pending bool        // or for the file that follows to have its first line
}

// neighbour is a file of the same log in the same folder.
type neighbour struct {
	place
	path string
}

// newEdges finds a file's place.
func newEdges(path string, file *os.File, names *folderNames) edges {
	if file == nil {
		return edges{}
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return edges{}
	}
	return edges{path: real, place: placeOf(filepath.Base(real)), names: names}
}

// follows reports whether what did not fit into a file can lie in a newer one. Where
// a number lacks, so does what was in its file. Days may lack: on some, nothing happens.
func (p place) follows(older place) bool {
	switch {
	case p.compare(older) <= 0:
		return false
	case p.form == dated:
		return true
	case p.form == numbered:
		return older.form == numbered && older.number == p.number+1
	}
	return older.form == dated || older.number <= 1
}

// beside returns the places right after or before one. The current log comes after files
// with a date or a number.
func (e *edges) beside(p place, after bool) []place {
	var out []place
	for i := range e.near {
		n := e.near[i].place
		if !after {
			n = e.near[len(e.near)-1-i].place
		}
		if after && n.follows(p) {
			return []place{n}
		}
		if !after && p.follows(n) && !slices.ContainsFunc(out, func(q place) bool { return q.form == n.form }) {
			out = append(out, n)
		}
	}
	return out
}

// reach returns the files right after or before a place, past empty ones. There are
// several where one is there compressed too.
func (e *edges) reach(p place, after bool, past int) []neighbour {
	var out []neighbour
	for _, q := range e.beside(p, after) {
		var files []neighbour
		empty := true
		for _, n := range e.near {
			if n.compare(q) == 0 {
				files = append(files, n)
				info, err := os.Lstat(n.path)
				empty = empty && (err != nil || info.Size() == 0)
			}
		}
		if empty && past > 0 {
			if further := e.reach(q, after, past-1); len(further) > 0 {
				files = further
			}
		}
		out = append(out, files...)
	}
	return out
}

// neighbours returns the files right after or before this one.
func (e *edges) neighbours(ctx context.Context, after bool) []neighbour {
	if e.path == "" {
		return nil
	}
	if e.near == nil {
		e.near = e.names.of(ctx, filepath.Dir(e.path), e.place.log)
	}
	return e.reach(e.place, after, maxEmpty)
}

// open opens a neighbour, unless something else has taken its place meanwhile.
func (n *neighbour) open(moved func()) (*stream, error) {
	info, err := os.Lstat(n.path)
	if err != nil {
		return nil, err
	}
	file, opened, err := ttpcron.OpenRegular(n.path)
	if err != nil {
		return nil, err
	}
	s := &stream{file: file, raw: file, size: opened.Size(), moved: moved}
	if !os.SameFile(info, opened) {
		err = &ttpcron.NotRegularError{Path: n.path, Kind: ttpcron.Irregular(fs.ModeSymlink)}
	} else {
		err = s.decode()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// head returns a file's first line up to a NUL, and whether it has its end.
func (n *neighbour) head(ctx context.Context, moved func()) (text []byte, whole bool, err error) {
	s, err := n.open(moved)
	if err != nil {
		return nil, false, err
	}
	defer s.close()
	lines := newLineReader(s.content)
	if !lines.skipNULs(ctx, maxInflated) {
		return nil, false, errNoPiece
	}
	for _, size := range []int{tailWindow, MaxLine + 1} {
		text = lines.peek(ctx, size)
		if end := bytes.IndexAny(text, "\n\x00"); end >= 0 {
			return text[:end], true, nil
		}
		if len(text) < size {
			break
		}
	}
	if lines.err != io.EOF || len(text) > MaxLine {
		return nil, false, errNoPiece
	}
	return text, s.packed() || willNotGrow(n.path), nil
}

// tail returns a file's last line, behind a NUL, when it lacks its newline.
func (n *neighbour) tail(ctx context.Context, moved func()) ([]byte, error) {
	s, err := n.open(moved)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if s.derived() {
		return lastPiece(ctx, newLineReader(s.content), 0)
	}
	for _, window := range []int64{tailWindow, MaxLine + tailWindow} {
		from := max(0, s.size-window)
		if err := s.rewind(from); err != nil {
			return nil, err
		}
		text, err := lastPiece(ctx, newLineReader(s.content), from)
		if err == nil || from == 0 {
			return text, err
		}
	}
	return nil, errNoPiece
}

var errNoPiece = errors.New("no piece of a record")

// lastPiece reads to the end, which must not lie in the line that it begins with
// when that is not the file's first.
func lastPiece(ctx context.Context, lines *lineReader, from int64) ([]byte, error) {
	for first := from > 0; ; first = false {
		ln, ok := lines.next(ctx)
		switch {
		case !ok:
			return nil, errNoPiece
		case !ln.partial:
			continue
		case first || ln.tooLong || lines.err != io.EOF:
			return nil, errNoPiece
		}
		return behindNULs(ln.text), nil
	}
}

// behindNULs returns what follows the last NUL, other than those at the end.
func behindNULs(text []byte) []byte {
	text = bytes.TrimRight(text, "\x00")
	return text[bytes.LastIndexByte(text, 0)+1:]
}

// beforeNULs returns what precedes the first NUL.
func beforeNULs(text []byte) []byte {
	text, _, _ = bytes.Cut(text, []byte{0})
	return text
}
