package importer

import (
	"bytes"

	"github.com/ttpcron/ttpcron"
)

// openRecord is a record that continues on the next line.
type openRecord struct {
	text   []byte // from where it begins, newlines too
	match  matcher
	line   int
	breaks []int // where lines begin like records of their own
	skip   bool  // it is rejected already
}

// begin keeps the beginning of a record that continues on the next line.
func (r *logReader) begin(ln line, text []byte) {
	o := &r.framing.open
	// Both end where the buffer does.
	at := cap(ln.text) - cap(text)
	raw := ln.text[at:]
	*o = openRecord{text: append(append(o.text[:0], raw...), r.lines.newline), match: matcher{name: o.match.name[:0], sessions: r.framing.sessions}, line: r.line, breaks: o.breaks[:0]}
	o.match.feed(o.text)
	r.hold()
}

// hold keeps the read position where the last line begins.
func (r *logReader) hold() {
	if r.framing.held == nil && !r.format.lines.joins() {
		r.framing.held = append([]byte{}, r.lines.beforeLine(tailBytes)...)
		r.framing.heldOff, r.framing.heldAt = r.lines.lineOff, r.line-1
		r.consumed, r.readLines = r.framing.heldOff, r.framing.heldAt
	}
}

// goOn reads the next line of a record. It returns false if the line does not belong to it
// and must be read as another.
func (r *logReader) goOn(ln line) bool {
	o := &r.framing.open
	if ln.tooLong || ln.nuls || ln.more || ln.later {
		r.broken(errUnfinished)
		return false
	}
	if startsWith(ln.text, '{') && !(o.match.list > 0 && o.match.depth <= maxListDepth) {
		if o.match.state != matchValue && o.match.state != matchFirst {
			return r.resynchronise(ln)
		}
		if isClosed(ln.text) && r.isRecord(ln.text) {
			r.broken(errManyRecords)
			return false
		}
		o.breaks = append(o.breaks, len(o.text))
	}
	n := o.match.feed(ln.text)
	switch {
	case o.match.state == matchWhole:
		text, skip := append(o.text, ln.text[:n]...), o.skip
		o.text, o.match = nil, matcher{}
		r.letGo()
		if !skip {
			r.valueOf(text)
		}
		r.jsonText(ln, ln.text[n:])
		if o.text == nil {
			o.text = text[:0]
		}
		return true
	case !o.match.open() || o.match.inString():
		return r.resynchronise(ln)
	}
	o.match.feed([]byte{r.lines.newline})
	if o.skip {
		return true
	}
	o.text = append(append(o.text, ln.text...), r.lines.newline)
	if len(o.text) > MaxLine {
		r.tooLong()
	}
	return true
}

// resynchronise ends what is not a record after all. Its content is read again from the
// next line that begins like a record.
func (r *logReader) resynchronise(ln line) bool {
	o := &r.framing.open
	if len(o.breaks) == 0 || o.skip || r.framing.reread > 4*r.lines.off+readSize {
		r.broken(errUnfinished)
		return false
	}
	at := o.breaks[0]
	back := append(bytes.Clone(o.text[at:]), ln.text...)
	if !ln.partial {
		back = append(back, r.lines.newline)
	}
	r.framing.reread += int64(len(back))
	before := append(bytes.Clone(r.framing.held), o.text[:at]...)
	line := o.line + bytes.Count(o.text[:at], []byte{r.lines.newline})
	o.text = o.text[:at]
	r.broken(errUnfinished)
	r.lines.unread(before, back)
	r.line = line - 1
	return true
}

// broken rejects the record that is open.
func (r *logReader) broken(reason error) {
	o := &r.framing.open
	if !o.skip {
		text := trimLine(o.text)
		if _, err := r.try(text); err != nil {
			reason = err
		}
		r.reject(o.line, text, reason, ttpcron.NewRejectID(r.format.Name, text))
	}
	r.framing.debris = true
	o.text, o.match, o.skip = o.text[:0], matcher{}, false
	r.letGo()
}

// tooLong handles a record that is too long to hold: a document with a list is read
// element by element.
func (r *logReader) tooLong() {
	o := &r.framing.open
	if o.match.list > 0 && !ownRecord(o.text[:o.match.list]) {
		r.stream()
		return
	}
	r.reject(o.line, o.text, errTooLong, ttpcron.NewRejectID(r.format.Name, o.text))
	o.skip, o.text = true, o.text[:0]
}

// stream reads on within the list of the document that is open.
func (r *logReader) stream() {
	o := &r.framing.open
	at := o.match.list
	before := append(bytes.Clone(r.framing.held), o.text[:at]...)
	r.lines.unread(before, bytes.Clone(o.text[at:]))
	r.line = o.line + bytes.Count(o.text[:at], []byte{r.lines.newline}) - 1
	o.text, o.match, r.framing.document = nil, matcher{}, true
	r.letGo()
}

// early reads the complete part of a last line without newline, in a list or a document.
// It is false if some of the line is yet to come.
func (r *logReader) early(ln line) bool {
	ln.waits, r.framing.waiting = true, false
	text := trimLine(ln.text)
	o := &r.framing.open
	m := &r.framing.value
	switch {
	case ln.nuls || ln.tooLong || len(r.framing.chunks) > 0:
		return false
	case o.match.n > 0:
		*m = o.match
		m.name = bytes.Clone(m.name)
		if m.feed(text); m.state != matchWhole {
			return false
		}
		r.goOn(ln)
	case startsWith(text, '[') || startsWith(text, ']') || ln.later || r.framing.document:
		r.jsonText(ln, text)
	case startsWith(text, '{'):
		m.reset()
		if m.feed(text); m.state != matchWhole || m.list == 0 || !r.opened(text) {
			return false
		}
	default:
		return false
	}
	return !r.framing.waiting
}

// letGo lets the read position go on, unless something else waits.
func (r *logReader) letGo() {
	if r.framing.open.match.n == 0 && len(r.framing.chunks) == 0 {
		r.framing.held = nil
	}
}

// atEnd handles what is open at the end. It is true if there is more to read after all.
func (r *logReader) atEnd() bool {
	f := &r.framing
	if f.open.match.n > 0 {
		if o := &f.open; !o.skip && o.match.list > 0 && !ownRecord(o.text[:o.match.list]) {
			r.stream()
			return true
		}
		r.broken(errUnfinished)
	}
	for len(f.chunks) > 0 {
		r.dropChunk(0)
	}
	r.letGo()
	return false
}
