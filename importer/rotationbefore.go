package importer

import (
	"bytes"
	"context"
	"io"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// What a record of a host's log means may depend on the records before it: whether the client
// of a connection has tried something, how many equal records the second has, which records
// of an event of the kernel came first. When the log is rotated, those are at the end of
// another file. So the end of the file before is read too, if it is there, but gives no
// events. The order of import does not matter then, nor whether the file before is imported.
// What an event at the end of a file lacks is looked for in the file that follows. Both files
// give that event then.

// follower is a parser that wants to know what came before a file.
type follower interface {
	recordParser
	after(records [][]byte)
}

// leftover are the last records of the file before, the oldest first. A parser that follows
// has them until the first record of this file; nil: there is no file before.
type leftover struct{ records [][]byte }

func (l *leftover) after(records [][]byte) { l.records = records }

// recall has a parser read the records that until returns, for what they say of this file. Their
// events are dropped, and what is wrong with a record is said where it is.
func (l *leftover) recall(first []byte, now time.Time, within time.Duration, at func(record []byte) (time.Time, bool), parse func(record []byte, to *parsed) error) {
	var unused parsed
	for _, record := range l.until(first, now, within, at) {
		unused.reset(&arena{})
		_ = parse(record, &unused)
	}
}

// until returns the records that came before the first one of this file, whose time is now,
// if their time is within some of it, and forgets them all. at tells the time of a record; one
// without a time is left out.
//
// A log that is rotated by copying may begin with lines that are in the file before, too.
// Those are not before it: they are known by what comes later there than the first line here.
func (l *leftover) until(first []byte, now time.Time, within time.Duration, at func(record []byte) (time.Time, bool)) (before [][]byte) {
	var last time.Time
	for _, record := range l.records {
		if t, ok := at(record); ok && now.Sub(t).Abs() <= within {
			before, last = append(before, record), t
		}
	}
	l.records = nil
	if last.After(now) {
		if i := slices.IndexFunc(before, func(r []byte) bool { return bytes.Equal(r, first) }); i >= 0 {
			before = before[:i]
		}
	}
	return before
}

const (
	// maxBefore is how many bytes of the file before are read, from its end, and
	// maxRecordsBefore how many records of these are kept.
	maxBefore        = 1 << 20
	maxRecordsBefore = 1 << 14
	// maxKnownBefore is up to where a file must be known for a compressed file before it to
	// be unpacked. What is known gives no events.
	maxKnownBefore = 4 << 20
	// recalled is how long before a record others play a part. sshd gives a client two
	// minutes to log in, unless LoginGraceTime is set.
	recalled = 10 * time.Minute
)

// isRecalled reports whether what was at one time plays a part at another. Clocks may be set.
func isRecalled(before, now time.Time) bool {
	return now.Sub(before).Abs() <= recalled
}

// follow tells the parser what came before the file that begins with head.
func (r *logReader) follow(ctx context.Context, head []byte) {
	p, ok := r.parser.(follower)
	if !ok || r.opts.peeks {
		return
	}
	for _, n := range r.edges.neighbours(ctx, false) {
		if records := r.recordsAtEnd(ctx, &n, head); len(records) > 0 {
			if whole := r.tornBefore(ctx, &n, head); whole != nil {
				records[len(records)-1] = whole
			}
			p.after(records)
			return
		}
	}
}

// tornBefore returns the last record of the file before as a whole, if rotation tore it: its
// rest is what this file begins with.
func (r *logReader) tornBefore(ctx context.Context, n *neighbour, head []byte) []byte {
	line, _, ended := bytes.Cut(head, []byte{'\n'})
	if !ended || r.isRecord(trimText(line)) {
		return nil
	}
	tail, err := n.tail(ctx, r.opts.Moved)
	if err != nil {
		return nil
	}
	j, _ := r.join(n.place, tail, beforeNULs(line))
	return j.text
}

// recordsAtEnd returns the last records of the file before.
func (r *logReader) recordsAtEnd(ctx context.Context, n *neighbour, head []byte) [][]byte {
	s, err := n.open(r.opts.Moved)
	if err != nil {
		return nil
	}
	defer s.close()
	if s.derived() && r.known > maxKnownBefore {
		return nil
	}
	lines := newLineReader(s.content)
	begins := lines.peek(ctx, headBytes)
	if both := min(len(begins), len(head)); bytes.Equal(begins[:both], head[:both]) {
		return nil // the log was copied, and is not emptied yet
	}
	if from := s.size - maxBefore; from > 0 && !s.derived() {
		if s.rewind(from) != nil {
			return nil
		}
		lines = newLineReader(s.content)
		lines.next(ctx) // which begins before
	}
	return r.recordsOf(ctx, lines)
}

// recordsOf returns the last records that lines have, without what they are wrapped in.
func (r *logReader) recordsOf(ctx context.Context, lines *lineReader) [][]byte {
	k := &keeper{}
	trial := &logReader{format: r.format, source: r.source, parser: k, arena: &arena{}, final: true, src: &stream{}, opts: Options{Now: r.opts.Now}, lines: lines}
	trial.framing.wrapped, trial.framing.carried = r.framing.wrapped, r.framing.carried
	trial.read(ctx, func(ttpcron.Batch, error) bool { return true })
	if lines.err != io.EOF {
		return nil
	}
	return k.records
}

// followed is a parser whose last events may go on in the file that follows. goesOn gets the
// first records of that file.
type followed interface {
	ender
	goesOn(records [][]byte, to *parsed)
}

// maxAfter is how many bytes of the file that follows are read.
const maxAfter = 64 << 10

// lookAhead tells the parser how the file that follows begins.
func (r *logReader) lookAhead(ctx context.Context) {
	p, ok := r.parser.(followed)
	if !ok || !r.final {
		return
	}
	for _, n := range r.edges.neighbours(ctx, true) {
		s, err := n.open(r.opts.Moved)
		if err != nil {
			continue
		}
		begins := newLineReader(s.content).peek(ctx, maxAfter)
		s.close()
		begins = begins[:bytes.LastIndexByte(begins, '\n')+1]
		if records := r.recordsOf(ctx, newLineReader(bytes.NewReader(begins))); len(records) > 0 {
			r.parsed.reset(r.arena)
			p.goesOn(records, &r.parsed)
			r.keepGathered(nil)
			return
		}
	}
}

// keeper is a parser that keeps the last records.
type keeper struct {
	records [][]byte
	size    int
}

func (k *keeper) parse(record []byte, to *parsed) error {
	k.records, k.size = append(k.records, bytes.Clone(record)), k.size+len(record)
	for k.size > maxBefore || len(k.records) > maxRecordsBefore {
		k.size -= len(k.records[0])
		k.records = k.records[1:]
	}
	to.ignore(nil)
	return nil
}
