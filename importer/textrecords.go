package importer

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/ttpcron/ttpcron"
)

// A record of a text log ends where the next one begins, because a message with newlines
// continues in the following lines. So the last line is held until another record, or the
// end of the file, shows that it is complete.
//
// What a record means may depend on those before it: whose connection it is, how many equal
// ones there were. So a text log that has grown is read from its beginning again, without
// yielding what an earlier import stored.

// held is a record that may go on.
type held struct {
	text  []byte
	rest  hash.Hash // of what is beyond MaxLine; nil if nothing is
	any   bool
	start boundary // where it begins
	end   int64    // where it ends, as far as was read
	line  int      // in which it begins
	// goesOn says that it continues in a last line that waits for its newline.
	goesOn bool

	next boundary // where the line that comes next begins
}

// boundary is a place between two lines.
type boundary struct {
	offset int64
	line   int    // that ends there
	tail   []byte // the bytes before
}

func (b *boundary) set(offset int64, line int, tail []byte) {
	b.offset, b.line, b.tail = offset, line, append(b.tail[:0], tail...)
}

// joins reports whether records may go on in further lines.
func (f *lineFormat) joins() bool { return f.continues != nil }

// trimText removes from a line of a text log what is not part of its text: NULs that a
// power loss left before it, a byte order mark, and the carriage return of a file of DOS.
func trimText(text []byte) []byte {
	text = bytes.TrimPrefix(bytes.TrimLeft(text, "\x00"), byteOrderMark)
	return bytes.TrimSuffix(text, []byte("\r"))
}

// gather takes a line of a text log.
func (r *logReader) gather(text []byte) {
	h := &r.held
	if h.any {
		if more, ok := r.format.lines.continues(h.text, text); ok {
			h.more(more)
			h.end = r.lines.off
			return
		}
		r.release()
	}
	if len(text) == 0 {
		r.one(nil)
		return
	}
	h.text, h.rest, h.any = append(h.text[:0], text...), nil, true
	if h.next.offset > h.start.offset { // not the second record of a line
		h.start, h.next = h.next, h.start
	}
	h.line, h.end = r.line, r.lines.off
}

// more adds a line.
func (h *held) more(line []byte) {
	if h.rest == nil && len(h.text)+1+len(line) <= MaxLine {
		h.text = append(append(h.text, '\n'), line...)
		return
	}
	if h.rest == nil {
		h.rest = sha256.New()
	}
	h.rest.Write([]byte{'\n'})
	h.rest.Write(line)
}

// release reads the record that is held.
func (r *logReader) release() {
	h := &r.held
	if !h.any {
		return
	}
	h.any = false
	now := r.line
	r.line = h.line
	if h.rest != nil {
		reason := fmt.Errorf("the record is longer than %d bytes", MaxLine)
		r.reject(r.line, h.text, reason, ttpcron.NewRejectID(r.format.Name, h.text, h.rest.Sum(nil)))
	} else {
		r.one(h.text)
	}
	r.line = now
	if h.end <= r.known {
		r.forget()
	}
	if cap(h.text) > maxKept {
		h.text = nil
	}
}

// maxKept is how much room for a record is kept for the next one.
const maxKept = 64 << 10

// textLine reads a line of a text log. It returns false when the line is the last one,
// lacks its newline, and may be completed.
func (r *logReader) textLine(ctx context.Context, ln line) bool {
	if ln.partial && (!r.final || r.lines.err != io.EOF) {
		r.lastTextLine(ln)
		return false
	}
	rest := r.line == 0 && r.lines.off > r.known && r.isRest(ctx, ln)
	if ln.partial && !rest && !r.completed(ctx, &ln) || ctx.Err() != nil {
		r.lines.err = cmp.Or(ctx.Err(), r.lines.err)
		return false
	}
	r.consumed = r.lines.off
	r.line++
	r.readLines = r.line
	if rest {
		r.types.add(restOfRecord)
		r.count(false)
	} else {
		r.records(ln)
	}
	if r.positions {
		r.held.next.set(r.consumed, r.line, r.lines.tail(tailBytes))
	}
	if r.consumed <= r.known {
		r.forget()
	}
	return true
}

// restOfRecord is the type of a first line that belongs to the last record of the file
// before, which gives the event: what it means depends on those before it.
var restOfRecord = []byte("(rest of a record in the file before)")

// isRest reports whether the first line of a file continues a record that rotation tore in
// two.
func (r *logReader) isRest(ctx context.Context, ln line) bool {
	text := trimText(ln.text)
	if ln.tooLong || r.edges.path == "" || len(text) == 0 {
		return false
	}
	record := r.isRecord(text)
	for _, n := range r.edges.neighbours(ctx, false) {
		if tail, err := n.tail(ctx, r.opts.Moved); err == nil {
			if record { // or looks like one, but was torn behind the tab of a line that goes on
				tail = behindNULs(tail)
				if _, ok := r.format.lines.continues(text, tail); ok && startsWith(tail, '\t') {
					return true
				}
				continue
			}
			if _, ok := r.join(n.place, tail, beforeNULs(ln.text)); ok {
				return true
			}
		}
	}
	return false
}

// completed adds to a last line without newline the rest that lies in the file that
// follows. It is false while that has no first line yet.
func (r *logReader) completed(ctx context.Context, ln *line) bool {
	tail := behindNULs(ln.text)
	if ln.tooLong || len(tail) == 0 {
		return true
	}
	for _, n := range r.edges.neighbours(ctx, true) {
		switch j, found := r.seek(ctx, n, tail); found {
		case pieceJoined:
			before := ln.text[:bytes.LastIndex(ln.text, tail)]
			ln.text = slices.Concat(before, j.text)
			return true
		case pieceAwaited:
			r.edges.pending = true
		}
	}
	if r.edges.pending {
		r.awaits(*ln)
	}
	return !r.edges.pending
}

// lastTextLine deals with a last line that may be completed. If nobody has written for
// long it is read, and the position stays before it.
func (r *logReader) lastTextLine(ln line) {
	switch {
	case r.lines.err != io.EOF:
		r.cut(ln)
	case isIdle(r.opts.Now(), r.src.look.Modified):
		r.line++
		r.records(ln)
		r.line--
	default:
		r.awaits(ln)
	}
}

// awaits leaves a last line, and the record that continues in it, for a later import.
func (r *logReader) awaits(ln line) {
	from := r.consumed
	if r.held.any {
		if _, r.held.goesOn = r.format.lines.continues(r.held.text, trimText(ln.text)); r.held.goesOn {
			from = r.held.start.offset
		}
	}
	r.edges.waiting = true
	r.batch.Report.Waiting = r.lines.off - from
}

// forget drops what was read only for what follows.
func (r *logReader) forget() {
	r.batch.Events, r.batch.Rejects, r.batch.Report = r.batch.Events[:0], nil, ttpcron.ImportReport{}
	r.types, r.since = typeCounts{}, r.consumed
	if r.arena.size > MaxBatchBytes/2 {
		r.arena = &arena{}
	}
}

// lastRecord reads the record that is held at the end of a file, unless it continues in a
// line that waits, or reading ended before. It returns false when no more batches are wanted.
func (r *logReader) lastRecord(ctx context.Context) bool {
	if r.lines.err != io.EOF || r.held.goesOn {
		return true
	}
	r.release()
	e, ok := r.parser.(ender)
	if !ok {
		return true
	}
	switch from, waits := e.waits(); {
	case !waits:
		return true
	case !r.final && !isIdle(r.opts.Now(), r.src.look.Modified):
		r.edges.waiting = true
		r.batch.Report.Waiting = r.lines.off - from
		return true
	}
	if r.lookAhead(ctx); ctx.Err() != nil {
		r.lines.err = ctx.Err()
		return true
	}
	for more := true; more; {
		if r.full() && !r.yield(r.take(), nil) {
			return false
		}
		r.parsed.reset(r.arena)
		more = e.end(&r.parsed)
		r.keepGathered(nil)
	}
	return true
}
