package importer

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/ttpcron/ttpcron/jsontext"
)

// framing finds where the next record begins, for a logReader of a JSON format. A line
// that is a record does not need it.
type framing struct {
	value matcher
	open  openRecord
	// document says that the records are a list in a document that is too long to be
	// held; what follows the list is no record.
	document bool
	// sessions says that the records of each session are a list under the session's name.
	sessions bool
	// debris says that the next text may be the rest of a rejected record.
	debris bool
	reread int64 // bytes that were put back to look for a record in them

	python  pythonText
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

var (
	typeText       = []byte("(text)")
	errTooLong     = fmt.Errorf("the record is longer than %d bytes", MaxLine)
	errUnfinished  = errors.New("the record does not end")
	errNoRecord    = errors.New("it begins within a record")
	errManyRecords = errors.New("its beginning is followed by another record")
)

// jsonLine reads a line of a JSON format.
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
	text = r.framing.python.json(text)
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

// jsonText reads a line that is not a single record: several of them, an element of a
// list, the beginning of a record, a record after a prefix.
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

// member skips a member outside of any object: of a document that was too long, after its
// list, or of a record without its beginning.
func (r *logReader) member(ln line, name, text []byte) []byte {
	text = bytes.TrimLeft(text, " \t\r\n")
	if startsWith(text, '[') && (listNames[string(bytes.Trim(name, `"`))] || r.framing.sessions) && r.framing.document {
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

func (r *logReader) ignoreText() {
	r.types.add(typeText)
	r.count(false)
}

// valueOf reads a JSON value in the place of a record.
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

// texts reports whether the last opened object had a text in a member that may contain
// records.
func (r *logReader) texts() bool { return r.framing.unwrap != nil && r.framing.unwrap.text }

// torn reads a text that is only partly JSON.
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

// stringOf reads a JSON string that is an element of a list.
func (r *logReader) stringOf(value []byte) {
	text, err := jsontext.DecodeString(value)
	if err == nil && !r.opened([]byte(`{"line":`+string(value)+`}`)) {
		r.rejectText([]byte(text), errForeign)
	}
}

// flush yields a batch that is full in the middle of a line. Its position is before the
// line.
func (r *logReader) flush() {
	if r.full() && !r.framing.stopped {
		r.framing.stopped = !r.yield(r.take(), nil)
	}
}
