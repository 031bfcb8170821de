package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// framing is what a logReader of a format whose records are JSON knows of where the
// next record begins. A line that is a record needs none of it.
type framing struct {
	value matcher
	open  openRecord
	// document says that the records are a list in a document that is too long to be
	// held; what follows the list is no record.
	document bool
	// debris says that what comes next may be what is left of a record that was
	// rejected.
	debris bool
	reread int64 // bytes that were put back to look for a record in them

	carried carried // the prefixes of the last line that had some
	unwrap  *unwrapper
	wrapped bool // records are looked for in wrappers first
	some    bool // a record had a wrapper or a prefix
	chunks  []chunk
	held    []byte // the content before the read position, while that stays behind
	heldOff int64  // the read position then,
	heldAt  int    // and the lines before it
	anyText bool   // a text that is no JSON may be a record
	inside  bool   // the record at hand is in something
	typed   bool   // the last line was a record of a text log, which may go on in the next
	stopped bool   // no more batches are wanted
	waiting bool   // a line that waits for its newline holds more than what was read of it
}

// openRecord is a record that goes on with the next line.
type openRecord struct {
	text   []byte // from where it begins, newlines too
	match  matcher
	line   int
	breaks []int // where lines begin like records of their own
	skip   bool  // it is rejected already
}

// chunk is a line that a container wrote, of which only the beginning was logged.
type chunk struct {
	stream string
	text   []byte
	json   bool // it begins like JSON
	skip   bool // it is none of a record, or has been rejected
	line   int  // where it began
	last   int  // where its last piece is
	match  matcher
}

const (
	// dockerChunk is how long the pieces are into which Docker cuts a line,
	// journalChunk those of systemd's journal.
	dockerChunk  = 16 << 10
	journalChunk = 48 << 10
	// journalStream stands for the stream of pieces that do not name theirs.
	journalStream = "journal"
	maxChunks     = 8
	// maxChunkWait is how many lines after its last piece a line is waited for.
	maxChunkWait = 1000
)

var (
	typeText       = []byte("(text)")
	errTooLong     = fmt.Errorf("the record is longer than %d bytes", MaxLine)
	errUnfinished  = errors.New("the record does not end")
	errNoRecord    = errors.New("it begins within a record")
	errManyRecords = errors.New("its beginning is followed by another record")
)

// jsonLine reads a line of a format whose records are JSON.
func (r *logReader) jsonLine(ln line) {
	if ln.list {
		r.framing.document = true
		return
	}
	if r.framing.open.match.n > 0 && r.goOn(ln) {
		return
	}
	text := trimLine(ln.text)
	switch {
	case ln.tooLong:
		r.rejectLong(ln)
		return
	case r.framing.typed && startsWith(ln.text, '\t'):
		r.ignoreText()
		return
	case len(text) == 0:
		if !ln.later && !r.framing.document {
			r.record(nil)
		}
		return
	}
	if text[0] == '{' {
		r.framing.typed = false
		if r.framing.wrapped && r.opened(text) {
			return
		}
		if used, err := r.parse(text); err == nil {
			r.framing.debris = false
			r.count(used)
			return
		}
	}
	r.jsonText(ln, text)
}

// textIn reads a line of a text log, which may be wrapped where the first lines of the
// file were: in a log that is not, what looks like a wrapper is an attacker's text.
func (r *logReader) textIn(text []byte) {
	f := &r.framing
	switch {
	case !f.wrapped || len(text) == 0:
		r.record(text)
	case f.carried.n > 0:
		c := carryMost(text, &f.carried, f.carried.n)
		if c.names != f.carried.names {
			r.ignoreText()
			return
		}
		if !r.pieced(&c) {
			return
		}
		if startsWith(c.text, '{') && r.opened(c.text) {
			return
		}
		r.record(c.text)
	case !r.opened(text):
		r.release()
		r.rejectText(text, errForeign)
	}
}

// jsonText reads what a line holds that is no record as a whole: several of them, an
// element of a list, the beginning of a record, a record behind a prefix.
func (r *logReader) jsonText(ln line, text []byte) {
	m := &r.framing.value
	for !r.framing.stopped {
		whole := text
		if text = skipGlue(text); len(text) == 0 {
			return
		}
		switch text[0] {
		default:
			if r.framing.waiting = ln.waits; !ln.waits {
				r.noJSON(ln, whole)
			}
			return
		case '{', '"':
		}
		m.reset()
		n := m.feed(text)
		if m.state != matchWhole {
			switch {
			case ln.waits:
				r.framing.waiting = true
			case m.open() && !m.inString() && !ln.nuls && !ln.partial:
				r.begin(ln, text)
			default:
				r.torn(text)
			}
			return
		}
		value := text[:n]
		text = text[n:]
		if value[0] == '"' {
			if behind := trimLine(text); startsWith(behind, ':') {
				if text = r.member(ln, value, behind[1:]); text == nil {
					return
				}
				continue
			}
		}
		r.valueOf(value)
	}
}

// member goes past a member that stands in no object: of a document that was too
// long, behind its list, or of a record of which the beginning is missing.
func (r *logReader) member(ln line, name, text []byte) []byte {
	text = bytes.TrimLeft(text, " \t\r\n")
	if startsWith(text, '[') && listNames[string(bytes.Trim(name, `"`))] && r.framing.document {
		return text
	}
	if !r.framing.document && !r.framing.debris {
		r.rejectText(name, errNoRecord)
		r.framing.debris = true
	}
	m := &r.framing.value
	m.reset()
	n := m.feed(text)
	if m.state == matchWord {
		m.ended()
	}
	if m.open() && !m.inString() && n > 0 {
		r.begin(ln, text)
		r.framing.open.skip = true
		return nil
	}
	return text[n:]
}

// noJSON reads a line that begins like no JSON.
func (r *logReader) noJSON(ln line, text []byte) {
	if r.framing.anyText && len(r.framing.chunks) == 0 && r.textProbed(text) {
		return
	}
	r.framing.typed = isTextLog(text)
	c := carry(text, &r.framing.carried)
	if c.n > 0 {
		if !r.pieced(&c) {
			return
		}
		if startsWith(c.text, '{') {
			r.framing.carried, r.framing.wrapped, r.framing.some = c, true, true
			r.carriedRecord(ln, c.text)
			return
		}
	}
	if r.framing.carried.n > 0 {
		r.ignoreText()
		return
	}
	r.torn(text)
}

// pieced joins what is behind a prefix with the pieces before it. It is false when
// the rest is yet to come.
func (r *logReader) pieced(c *carried) bool {
	switch {
	case !c.partial && len(r.framing.chunks) == 0:
		return true
	case c.stream == "":
		c.stream = journalStream
	}
	if !c.partial {
		c.text = append(c.text[:len(c.text):len(c.text)], '\n')
	}
	whole, ok := r.chunk([]byte(c.stream), c.text, c.partial, c.partial)
	c.text = trimEnd(whole)
	return ok
}

// textProbed looks, at the beginning of a file, whether a line is a record of a text
// log, perhaps behind a prefix.
func (r *logReader) textProbed(text []byte) bool {
	if _, err := r.parse(text); err == nil {
		return true
	}
	for n := 1; n <= maxPrefixes; n++ {
		c := carryMost(text, &r.framing.carried, n)
		if c.n < n || startsWith(c.text, '{') {
			break
		}
		r.framing.inside = true
		_, err := r.parse(c.text)
		r.framing.inside = false
		if err == nil {
			r.framing.carried, r.framing.some = c, true
			if c.partial {
				r.pieced(&c)
			}
			return true
		}
	}
	return false
}

// carriedRecord reads a record that had a prefix.
func (r *logReader) carriedRecord(ln line, text []byte) {
	text = trimLine(text)
	if used, err := r.parse(text); err == nil {
		r.count(used)
	} else if !r.opened(text) && !r.piecesOrNone(text) {
		r.rejectText(text, err)
	}
}

func (r *logReader) ignoreText() {
	r.types.add(typeText)
	r.count(false)
}

// valueOf reads a JSON value that stands where a record does.
func (r *logReader) valueOf(value []byte) {
	if value[0] == '"' {
		r.stringOf(value)
		return
	}
	if r.framing.wrapped && r.opened(value) {
		return
	}
	used, err := r.parse(value)
	switch {
	case err == nil:
		r.framing.debris = false
		r.count(used)
	case !r.framing.wrapped && r.opened(value):
	case r.texts() && r.framing.some:
		r.ignoreText()
	default:
		r.rejectText(value, err)
	}
	r.flush()
}

// texts reports whether the last object that was opened held a text under a name
// that records lie under.
func (r *logReader) texts() bool { return r.framing.unwrap != nil && r.framing.unwrap.text }

// torn reads a text of which some is no JSON.
func (r *logReader) torn(text []byte) {
	if r.piecesOrNone(text) {
		return
	}
	if used, err := r.parse(text); err != nil {
		r.rejectText(text, err)
	} else {
		r.count(used)
	}
}

func (r *logReader) piecesOrNone(text []byte) bool {
	return startsWith(text, '{') && r.format.lines.begins != "" && r.pieces(text)
}

// begin keeps the beginning of a record that goes on with the next line.
func (r *logReader) begin(ln line, text []byte) {
	o := &r.framing.open
	// Both end where the buffer does.
	at := cap(ln.text) - cap(text)
	raw := ln.text[at:]
	*o = openRecord{text: append(append(o.text[:0], raw...), r.lines.newline), match: matcher{name: o.match.name[:0]}, line: r.line, breaks: o.breaks[:0]}
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

// goOn reads the next line of a record. It is false when the line is none of it, and
// is to be read as another.
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

// resynchronise ends a record that is none. What it holds from the next line that
// begins like a record is read again.
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

// tooLong deals with a record that is longer than is held: one that is a document
// with a list is read element by element.
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

// early reads what is whole of a last line without newline, in a list or a document.
// It is false when some of the line is yet to come.
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

// atEnd deals with what is open when no more comes. It is true when there is more to
// read after all.
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

// opened reads the record that a shipper's object holds.
func (r *logReader) opened(text []byte) bool {
	f := &r.framing
	if f.unwrap == nil {
		f.unwrap = newUnwrapper()
		f.unwrap.parse, f.unwrap.chunk, f.unwrap.reject = r.inner, r.logged, r.noRecord
		f.unwrap.any = r.format.lines.joins() || f.anyText
	}
	f.unwrap.text, f.inside = false, true
	some := f.unwrap.open(text, 0)
	f.inside = false
	if !some {
		return false
	}
	f.wrapped, f.some, f.debris = true, true, false
	r.flush()
	return true
}

// stringOf reads a JSON string that is an element of a list.
func (r *logReader) stringOf(value []byte) {
	text, err := jsontext.DecodeString(value)
	if err == nil && !r.opened([]byte(`{"line":`+string(value)+`}`)) {
		r.rejectText([]byte(text), errForeign)
	}
}

// noRecord rejects an element of a list of records that is none.
func (r *logReader) noRecord(text []byte) {
	_, err := r.try(text)
	if err == nil {
		err = errForeign
	}
	r.rejectText(text, err)
	r.flush()
}

// inner reads what may be a record that a shipper's object holds.
func (r *logReader) inner(text []byte) bool {
	if r.format.lines.joins() {
		if !startsWith(text, '{') {
			r.record(text)
			return true
		}
		return false
	}
	used, err := r.parse(text)
	switch {
	case err == nil:
		r.count(used)
	case !errors.Is(err, errForeign) && r.format.lines.recognises(text):
		r.rejectText(text, err)
	default:
		return false
	}
	r.flush()
	return true
}

// logged takes the text of a member that a container's output lies in. Docker logs a
// line of more than 16 KiB in pieces, of which the last alone has the newline; cut
// says that the shipper itself names it a piece.
func (r *logReader) logged(stream, text []byte, cut bool) ([]byte, bool) {
	return r.chunk(stream, text, cut || !bytes.HasSuffix(text, []byte("\n")), cut)
}

// chunk returns the whole line that text is the last piece of, or false. What comes
// behind the first piece is never read by itself: an attacker may have typed it.
func (r *logReader) chunk(stream, text []byte, partial, cut bool) ([]byte, bool) {
	f := &r.framing
	at := -1
	for i := range f.chunks {
		if f.chunks[i].stream == string(stream) {
			at = i
		}
	}
	if at < 0 {
		if !partial || !cut && !r.isCut(stream, text) {
			return text, true
		}
		if len(f.chunks) == maxChunks {
			r.dropChunk(0)
		}
		r.hold()
		c := chunk{stream: string(stream), text: bytes.Clone(text), line: r.line, last: r.line}
		c.json = startsWith(carry(text, &carried{}).text, '{')
		c.skip = !c.json && !r.format.lines.joins() && !r.framing.anyText
		if c.match.state = matchBroken; startsWith(text, '{') && !r.format.lines.joins() {
			c.match = matcher{}
			c.match.feed(text)
		}
		f.chunks = append(f.chunks, c)
		return nil, false
	}
	c := &f.chunks[at]
	c.last = r.line
	if c.json && !c.skip && (!partial || !cut && len(text) < dockerChunk) && r.isValue(text) {
		r.dropChunk(at) // which was cut off for good
		return text, true
	}
	if !c.skip {
		c.text = append(c.text, text...)
		c.match.feed(text)
	}
	if !c.skip && len(c.text) > MaxLine {
		r.rejectChunk(c)
		c.skip, c.text = true, nil
	}
	if partial && (c.skip || cut || c.match.state != matchWhole) {
		return nil, false
	}
	whole, skip := c.text, c.skip
	f.chunks = append(f.chunks[:at], f.chunks[at+1:]...)
	r.letGo()
	if skip {
		r.ignoreText()
		return nil, false
	}
	return whole, true
}

// isCut reports whether a piece of a container's output without newline goes on.
func (r *logReader) isCut(stream, text []byte) bool {
	if startsWith(text, '{') && !r.format.lines.joins() {
		return !r.wholeValue(text)
	}
	return len(stream) > 0 && len(text) >= dockerChunk
}

// isValue reports whether a text is an object and nothing else.
func (r *logReader) isValue(text []byte) bool {
	return r.wholeValue(text) && len(trimLine(text[r.framing.value.n:])) == 0
}

// wholeValue reports whether a text begins with an object that has its end.
func (r *logReader) wholeValue(text []byte) bool {
	if !startsWith(text, '{') || r.format.lines.joins() {
		return false
	}
	m := &r.framing.value
	m.reset()
	m.feed(text)
	return m.state == matchWhole
}

// dropChunk forgets the beginning of a line that was never completed.
func (r *logReader) dropChunk(at int) {
	c := r.framing.chunks[at]
	r.framing.chunks = append(r.framing.chunks[:at], r.framing.chunks[at+1:]...)
	if c.skip {
		r.ignoreText()
	} else {
		r.rejectChunk(&c)
	}
	r.letGo()
}

func (r *logReader) rejectChunk(c *chunk) {
	reason := errUnfinished
	if len(c.text) > MaxLine {
		reason = errTooLong
	}
	r.reject(c.line, c.text, reason, ttpcron.NewRejectID(r.format.Name, c.text))
}

// waitedEnough forgets pieces whose line was not completed for long.
func (r *logReader) waitedEnough() {
	for i := len(r.framing.chunks) - 1; i >= 0; i-- {
		if r.line-r.framing.chunks[i].last > maxChunkWait {
			r.dropChunk(i)
		}
	}
}

// flush gives out a batch that is full in the middle of a line. Its position is
// before the line.
func (r *logReader) flush() {
	if r.full() && !r.framing.stopped {
		r.framing.stopped = !r.yield(r.take(), nil)
	}
}

// carriageReturns reports whether lines end with \r alone, in what a file begins with.
func carriageReturns(head []byte) bool {
	return bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0
}

// probe reads the beginning of a file as its records will be read, and counts which
// formats know them.
type probe struct {
	known   []int
	plain   []int // of these, as a line of their own
	only    *Format
	wrapped func() bool // whether the record was in something
	goesOn  *Format     // of the last record, if such may go on in further lines
}

func (p *probe) parse(record []byte, _ *parsed) error {
	if p.goesOn != nil && startsWith(record, '\t') {
		return nil // it is the last record's, whatever an attacker made it look like
	}
	var goesOn *Format
	some := false
	for i := range formats {
		f := &formats[i]
		if f.lines != nil && (p.only == nil || p.only == f) && f.lines.recognises(record) {
			p.known[i]++
			some = true
			if f.lines.joins() {
				goesOn = f
			}
			if !p.wrapped() {
				p.plain[i]++
			}
		}
	}
	if !some {
		return errForeign
	}
	p.goesOn = goesOn
	return nil
}

// recognition is what the beginning of a file tells of all of it.
type recognition struct {
	format  *Format // nil: none
	newline byte
	framing framing // whether records are wrapped, and in what
	records int     // of the format
	lines   int     // looked at
}

// probeHead recognises the beginning of a file, among all formats or as one of them.
func probeHead(ctx context.Context, head []byte, only *Format) recognition {
	p := &probe{known: make([]int, len(formats)), plain: make([]int, len(formats)), only: only}
	format := &Format{Name: Auto, lines: &lineFormat{recognises: func([]byte) bool { return false }, parser: func() recordParser { return p }}}
	r := &logReader{format: format, parser: p, arena: &arena{}, final: true, src: &stream{}, opts: Options{Now: utcNow}}
	r.framing.anyText, r.framing.wrapped = true, true
	p.wrapped = func() bool { return r.framing.inside }
	found := recognition{newline: '\n'}
	if carriageReturns(head) {
		found.newline = '\r'
	}
	head = withoutTyped(head)
	r.lines = &lineReader{r: bytes.NewReader(head), buf: make([]byte, min(readSize, len(head)+2*keepBytes)), ending: -1}
	r.lines.newline = found.newline
	r.read(ctx, func(ttpcron.Batch, error) bool { return true })
	best := -1
	for i, n := range p.known {
		if n > 0 && (best < 0 || n > p.known[best]) {
			best = i
		}
	}
	if best >= 0 {
		best = p.inMix(best, found.newline)
		found.format, found.records = &formats[best], p.known[best]
	}
	found.lines = bytes.Count(head, []byte{found.newline})
	if n := len(head); n > 0 && head[n-1] != found.newline {
		found.lines++
	}
	if f := found.format; f == nil || !f.lines.joins() || 2*p.plain[best] < p.known[best] {
		found.framing.wrapped, found.framing.some, found.framing.carried = r.framing.some, r.framing.some, r.framing.carried
	}
	if f := found.format; f != nil && f.lines.joins() {
		found.newline = '\n' // what an attacker types may hold the other
	}
	return found
}

// inMix returns which of the formats of a file is taken, when most of its records are of
// one: in the output of a container that has both forms of a sensor's log it is the
// richer one. What stands behind a carriage return in a text log is typed.
func (p *probe) inMix(most int, newline byte) int {
	for i := range formats {
		switch f := &formats[i]; {
		case p.known[i] == 0:
		case newline == '\r' && f.lines.joins():
			return i
		case newline == '\n' && f.Name == formats[most].lines.richer && 4*p.known[i] >= p.known[most]:
			return i
		}
	}
	return most
}

// withoutTyped is the beginning of a file without the lines that go on with a record of
// a text log.
func withoutTyped(head []byte) []byte {
	if !bytes.Contains(head, []byte("\n\t")) {
		return head
	}
	var out []byte
	text := false
	for line := range bytes.Lines(head) {
		if startsWith(line, '\t') && text {
			continue
		}
		text = isTextLog(trimLine(line))
		out = append(out, line...)
	}
	return out
}

func isTextLog(line []byte) bool {
	for i := range formats {
		if f := formats[i].lines; f != nil && f.joins() && f.recognises(line) {
			return true
		}
	}
	return false
}
