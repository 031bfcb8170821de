package importer

import (
	"errors"
)

// textIn reads a line of a text log. It may be wrapped if the file's first lines were;
// otherwise, what looks like a wrapper is an attacker's text.
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

// carriedRecord reads a record that had a prefix.
func (r *logReader) carriedRecord(ln line, text []byte) {
	text = r.framing.python.json(trimLine(text))
	if used, err := r.parse(text); err == nil {
		r.count(used)
	} else if !r.opened(text) && !r.piecesOrNone(text) {
		r.rejectText(text, err)
	}
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

// noRecord rejects an element of a list of records that is not a record.
func (r *logReader) noRecord(text []byte) {
	_, err := r.try(text)
	if err == nil {
		err = errForeign
	}
	r.rejectText(text, err)
	r.flush()
}

// inner reads a possible record in a shipper's object.
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
