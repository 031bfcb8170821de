package importer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/ttpcron/ttpcron"
)

// csvLayer is what a stream needs to be read as CSV.
type csvLayer struct {
	shape *csvShape
	zone  *time.Location
	done  bool // a last row without its newline counts
}

// asCSV recognises a file whose rows, read as objects, are records of a format. It returns
// the reader of these objects, or nil. If the file is CSV that no format reads, unread is
// true: none of its lines may be taken for a record, because rows may have newlines, and
// attackers write cells.
func (f *File) asCSV(ctx context.Context, lines *lineReader, o *Options) (objects *lineReader, found recognition, unread bool) {
	var shape *csvShape
	for _, size := range []int{sniffBytes, sniffMore} {
		head, whole := lines.beginning(ctx, size)
		if shape = csvOf(head, whole); shape == nil {
			return nil, found, false
		}
		if found = probeHead(ctx, csvObjects(head, shape, whole), o.Catalog, f.format); found.format != nil {
			break
		}
		if len(head) < size {
			return nil, found, shape.strong() && shape.rows > 0
		}
	}
	if found.format == nil {
		return nil, found, shape.strong() && shape.rows > 0
	}
	f.src.csv = &csvLayer{shape: shape, zone: o.Settings.Zone, done: f.willNotGrow(o) || isIdle(o.Now(), f.src.look.Modified) && f.src.file != nil}
	rest := io.MultiReader(bytes.NewReader(bytes.Clone(lines.buf[lines.start:lines.end])), lines.r)
	f.src.content = f.src.csv.open(rest)
	return newLineReader(f.src.content), found, false
}

func (l *csvLayer) open(r io.Reader) io.Reader { return newCSV(r, l.shape, l.zone, l.done) }

// lacks names the setting that the file needs.
func (l *csvLayer) lacks() []string {
	if l != nil && l.shape.zoneless && l.zone == nil {
		return []string{settingZone}
	}
	return nil
}

// csvObjects are the rows of a file's beginning, as objects.
func csvObjects(head []byte, shape *csvShape, whole bool) []byte {
	all, err := io.ReadAll(&untilSomething{newCSV(bytes.NewReader(head), shape, nil, whole)})
	if err != nil {
		return nil
	}
	objects := all[:0]
	for line := range bytes.Lines(all) {
		if line[0] != csvMark {
			objects = append(objects, line...)
		}
	}
	return objects
}

// untilSomething reads on while there is nothing yet.
type untilSomething struct{ r io.Reader }

func (u *untilSomething) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err == errNothingYet {
		err = nil
	}
	return n, err
}

// csvOnlyHeader reports whether a file is a log as CSV in which nothing was logged yet.
func csvOnlyHeader(head []byte, whole bool) bool {
	shape := csvOf(head, whole)
	if shape == nil || !whole || shape.rows > 0 || shape.implied || shape.open {
		return false
	}
	for _, names := range [][]string{{"eventid", "timestamp"}, {"auth_id", "session_id"}, {"num_auth_attempts", "session_id"}} {
		if hasColumn(shape.header, names[0]) && hasColumn(shape.header, names[1]) {
			return true
		}
	}
	return false
}

var typeCSVHeader = []byte("(header line)")

// csvLine reads a line of the decoded content that is no object.
func (r *logReader) csvLine(ln line) {
	text := ln.text
	switch {
	case len(text) == 1:
	case text[1] == csvHeaderIs:
		r.types.add(typeCSVHeader)
		r.count(false)
	case text[1] == csvRejected:
		parts := bytes.SplitN(text[2:], []byte{csvPart}, 3)
		if len(parts) < 3 {
			return
		}
		raw := plainCSVText(parts[2])
		id := ttpcron.NewRejectID(r.format.Name, raw)
		if more := plainCSVText(parts[1]); len(more) > 0 || ln.tooLong {
			id = ttpcron.NewRejectID(r.format.Name, raw, more, ln.rest[:])
		}
		r.reject(r.line, raw, errors.New(string(plainCSVText(parts[0]))), id)
	default:
		r.rejectText(plainCSVText(text[2:]), errUnfinished)
	}
}

// unmarked is the text of a row that waits.
func unmarked(text []byte) []byte {
	if len(text) > 1 && text[0] == csvMark && text[1] == csvWaits {
		return plainCSVText(text[2:])
	}
	return text
}
