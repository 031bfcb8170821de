package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Lists of events, tags and rejects travel to the daemon in a form of their own,
// in which nothing short means something large: a caller cannot make the daemon
// take more memory than a small multiple of what it sent. Everything comes back
// as it was, whatever bytes attackers wrote.

// wireEvents writes events one after the other.
func wireEvents(events []ttpcron.Event) []byte {
	var w wireWriter
	for i := range events {
		w.event(&events[i])
	}
	return w.b
}

func wireTags(tags []ttpcron.Tag) []byte {
	var w wireWriter
	for i := range tags {
		w.tag(&tags[i])
	}
	return w.b
}

func wireRejects(rejects []ttpcron.Reject) []byte {
	var w wireWriter
	for i := range rejects {
		w.reject(&rejects[i])
	}
	return w.b
}

func readEvents(b []byte) ([]ttpcron.Event, error)   { return readAll(b, (*wireReader).event) }
func readTags(b []byte) ([]ttpcron.Tag, error)       { return readAll(b, (*wireReader).tag) }
func readRejects(b []byte) ([]ttpcron.Reject, error) { return readAll(b, (*wireReader).reject) }

func readAll[T any](b []byte, read func(*wireReader) T) ([]T, error) {
	var all []T
	r := wireReader{b: b}
	for len(r.b) > 0 {
		v := read(&r)
		if r.err != nil {
			return nil, fmt.Errorf("item %d of the request: %w", len(all)+1, r.err)
		}
		all = append(all, v)
	}
	return all, nil
}

type wireWriter struct{ b []byte }

func (w *wireWriter) text(s string)   { w.b = append(binary.AppendUvarint(w.b, uint64(len(s))), s...) }
func (w *wireWriter) number(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

func (w *wireWriter) time(t time.Time) {
	w.b = binary.AppendVarint(w.b, t.Unix())
	w.number(uint64(t.Nanosecond()))
}

func (w *wireWriter) event(e *ttpcron.Event) {
	for _, s := range [...]string{string(e.Kind), e.ID, e.AttackerUUID, e.AttackerIP, e.IdentityUUID, e.SessionID, e.DeckyID} {
		w.text(s)
	}
	w.time(e.Time)
	w.number(uint64(e.TimeOrigin))
	w.number(uint64(e.AttackerOrigin))
	w.number(uint64(len(e.Payload)))
	for _, f := range e.Payload {
		w.text(f.Name)
		if f.Raw == nil {
			w.number(0)
			w.text(f.Text)
		} else {
			w.number(1)
			w.text(string(f.Raw))
		}
	}
}

func (w *wireWriter) tag(t *ttpcron.Tag) {
	for _, s := range [...]string{t.RuleID, t.Tactic, t.TechniqueID, t.SubTechniqueID, t.AttackRelease, t.MitreURL, string(t.SourceKind), t.SourceID,
		t.AttackerUUID, t.AttackerIP, t.IdentityUUID, t.SessionID, t.DeckyID, string(t.Evidence)} {
		w.text(s)
	}
	w.b = binary.AppendVarint(w.b, int64(t.RuleVersion))
	w.number(math.Float64bits(t.Confidence))
	w.time(t.CreatedAt)
	w.time(t.EventTime)
}

func (w *wireWriter) reject(r *ttpcron.Reject) {
	w.text(r.File)
	w.b = binary.AppendVarint(w.b, int64(r.Line))
	w.text(r.Format)
	w.text(r.Reason)
	w.text(string(r.Excerpt))
	w.time(r.At)
	w.text(string(r.ID[:]))
}

var errCutShort = errors.New("it is cut short")

// wireReader reads what a wireWriter wrote. After an error it gives zero values.
type wireReader struct {
	b   []byte
	err error
}

func (r *wireReader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *wireReader) signed() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *wireReader) fail() { r.b, r.err = nil, errCutShort }

func (r *wireReader) text() string {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.fail()
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *wireReader) time() time.Time {
	seconds, nanos := r.signed(), r.number()
	if nanos >= uint64(time.Second) {
		r.fail()
		return time.Time{}
	}
	return time.Unix(seconds, int64(nanos)).UTC()
}

func (r *wireReader) event() (e ttpcron.Event) {
	var kind string
	for _, s := range [...]*string{&kind, &e.ID, &e.AttackerUUID, &e.AttackerIP, &e.IdentityUUID, &e.SessionID, &e.DeckyID} {
		*s = r.text()
	}
	e.Kind = ttpcron.SourceKind(kind)
	e.Time = r.time()
	e.TimeOrigin = ttpcron.Origin(r.number())
	e.AttackerOrigin = ttpcron.Origin(r.number())
	fields := r.number()
	if fields > uint64(len(r.b)) { // each has three bytes at least
		r.fail()
	}
	e.Payload = ttpcron.Payload{}
	for range fields {
		f := ttpcron.Field{Name: r.text()}
		if raw := r.number() == 1; raw {
			f.Raw = []byte(r.text())
		} else {
			f.Text = r.text()
		}
		if r.err != nil {
			break
		}
		e.Payload = append(e.Payload, f)
	}
	return e
}

func (r *wireReader) tag() (t ttpcron.Tag) {
	var kind, evidence string
	for _, s := range [...]*string{&t.RuleID, &t.Tactic, &t.TechniqueID, &t.SubTechniqueID, &t.AttackRelease, &t.MitreURL, &kind, &t.SourceID,
		&t.AttackerUUID, &t.AttackerIP, &t.IdentityUUID, &t.SessionID, &t.DeckyID, &evidence} {
		*s = r.text()
	}
	t.SourceKind = ttpcron.SourceKind(kind)
	if evidence != "" {
		t.Evidence = []byte(evidence)
	}
	t.RuleVersion = int(r.signed())
	t.Confidence = math.Float64frombits(r.number())
	t.CreatedAt, t.EventTime = r.time(), r.time()
	return t
}

func (r *wireReader) reject() ttpcron.Reject {
	out := ttpcron.Reject{File: r.text(), Line: int(r.signed()), Format: r.text(), Reason: r.text(), Excerpt: []byte(r.text()), At: r.time()}
	if copy(out.ID[:], r.text()) < len(out.ID) {
		r.fail()
	}
	return out
}
