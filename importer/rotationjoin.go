package importer

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// A record that rotation tore in two has its beginning at the end of one file and its rest
// at the beginning of the next. Reading either file looks at the other one too, so the
// order of import does not matter: both give the same event.
//
// A join cannot be used to forge an event. The sensor wrote both pieces and escaped what an
// attacker typed. At most, the cut leaves one of the attacker's quotation marks without its
// backslash at the beginning of the rest, and with what follows, which is still escaped,
// that is not JSON. If bytes between the pieces are lost, as when a log is copied and then
// emptied, the pieces may be of two records that were cut within the same member. The
// joined record then has the words of one and the session of the other.

// atEdge reports whether a line is the first of a file, or a last one without its
// newline: either may be a piece of a record.
func (r *logReader) atEdge(ln *line) bool { return r.line == 0 || ln.partial }

// edge reads such a line. It returns false when the line is not done with.
func (r *logReader) edge(ctx context.Context, ln line) bool {
	if ln.partial && r.lines.err != io.EOF {
		r.cut(ln)
		return false
	}
	done := !ln.partial || r.final
	joined := !ln.tooLong && r.line == 0 && r.firstLine(ctx, ln, done)
	if ctx.Err() != nil {
		r.lines.err = ctx.Err()
		return false
	}
	switch {
	case joined:
	case !ln.partial:
		r.wholeLine(ln)
		return true
	default:
		return r.lastLine(ctx, ln)
	}
	if !done {
		r.line--
		return false
	}
	r.advance(ln, true)
	return true
}

// firstLine reads the first line of a file if it begins with the rest of a record.
func (r *logReader) firstLine(ctx context.Context, ln line, done bool) bool {
	head := beforeNULs(ln.text)
	if len(trimLine(head)) == 0 || r.edges.path == "" || r.isRecord(head) {
		return false
	}
	for _, n := range r.edges.neighbours(ctx, false) {
		tail, err := n.tail(ctx, r.opts.Moved)
		if err != nil {
			continue
		}
		if j, ok := r.join(n.place, tail, head); ok && (done || isClosed(j.text)) {
			r.line++
			r.records(line{text: j.text})
			if rest := ln.text[j.end:]; len(bytes.Trim(rest, "\x00")) > 0 {
				r.records(line{text: rest, nuls: ln.nuls})
			}
			return true
		}
	}
	return false
}

// lastLine reads a last line that lacks its newline, if nothing can follow that
// belongs to it. Of a file that may grow the position stays before the line, so that
// what is added to the line is met with it.
func (r *logReader) lastLine(ctx context.Context, ln line) bool {
	r.line++
	tail := behindNULs(ln.text)
	closed := !ln.tooLong && isClosed(tail) && r.isRecord(tail)
	final := r.final
	if !closed && !ln.tooLong && len(tail) > 0 && (final || r.edges.place.form == dated) {
		for _, n := range r.edges.neighbours(ctx, true) {
			final = true
			switch j, found := r.seek(ctx, n, tail); {
			case found == pieceJoined:
				if before := ln.text[:bytes.LastIndex(ln.text, tail)+j.start]; len(bytes.Trim(before, "\x00")) > 0 {
					r.records(line{text: before, nuls: ln.nuls})
				}
				r.records(line{text: j.text})
				r.advance(ln, true)
				return true
			case found == pieceAwaited:
				r.edges.pending = true
			}
		}
	}
	switch {
	case ctx.Err() != nil:
		r.lines.err = ctx.Err()
	case final && !r.edges.pending:
		r.line--
		r.wholeLine(ln)
		return true
	case closed || !final && isIdle(r.opts.Now(), r.src.look.Modified):
		r.records(ln)
		r.goesOn()
	case !final && r.early(ln):
		r.advance(ln, true)
	default:
		r.edges.waiting = true
		r.batch.Report.Waiting = r.lines.off - r.consumed
	}
	r.line--
	return false
}

// sought is what became of looking for the rest of a record.
type sought int

const (
	pieceMissing sought = iota
	pieceAwaited        // it may be written yet
	pieceJoined
)

// seek looks for the rest of a record at the beginning of a file that follows.
func (r *logReader) seek(ctx context.Context, n neighbour, tail []byte) (joint, sought) {
	head, whole, err := n.head(ctx, r.opts.Moved)
	if err != nil {
		return joint{}, pieceMissing
	}
	whole = whole || r.opts.Final
	if len(head) > 0 && !r.isRecord(head) {
		if j, ok := r.join(r.edges.place, tail, head); ok && (whole || isClosed(j.text)) {
			return j, pieceJoined
		}
	}
	if info, err := os.Lstat(n.path); !whole && err == nil && !isIdle(r.opts.Now(), info.ModTime()) {
		return joint{}, pieceAwaited
	}
	return joint{}, pieceMissing
}

// joint is a record in two pieces, which are the first one from start and the second
// one up to end.
type joint struct {
	text       []byte
	start, end int
}

// join tries to make a record of the last piece of one file and the first one of the
// next. Either may have on its line what a crash left there.
func (r *logReader) join(older place, tail, head []byte) (joint, bool) {
	if len(tail) == 0 || isClosed(tail) && r.isRecord(tail) {
		return joint{}, false
	}
	begins := []byte(r.format.lines.begins)
	starts, ends := []int{0}, []int{len(head)}
	if n := bytes.LastIndex(tail, begins); n > 0 && len(begins) > 0 {
		starts = append(starts, n)
	}
	if n := bytes.Index(head, begins); n > 0 {
		ends = append(ends, n)
	}
	for _, start := range starts {
		for _, end := range ends {
			if len(tail)-start+end > MaxLine {
				continue
			}
			text := slices.Concat(tail[start:], head[:end])
			if events, ok := r.tryLine(text); ok && !namesTwice(text) && older.held(events) {
				return joint{text, start, end}, true
			}
		}
	}
	return joint{}, false
}

// try reads a record and keeps nothing of it.
func (r *logReader) try(text []byte) ([]ttpcron.Event, error) {
	got := parsed{arena: &arena{}}
	if err := r.format.lines.parser(r.source).parse(trimLine(text), &got); err != nil {
		return nil, err
	}
	for i := range got.events {
		r.opts.Settings.nameSensor(&got.events[i])
		if err := got.events[i].Validate(); err != nil {
			return nil, err
		}
	}
	return got.events, nil
}

// tryLine reads a line as the file's are read, and keeps nothing of it. It is false unless
// there is a record in it, and nothing else.
func (r *logReader) tryLine(text []byte) ([]ttpcron.Event, bool) {
	trial := &logReader{format: r.format, source: r.source, parser: r.format.lines.parser(r.source), arena: &arena{}, final: true, src: &stream{}, opts: Options{Now: r.opts.Now, Settings: r.opts.Settings}}
	trial.framing.wrapped, trial.framing.carried = r.framing.wrapped, r.framing.carried
	whole := append(bytes.Clone(text), '\n')
	trial.lines = &lineReader{r: bytes.NewReader(whole), buf: make([]byte, min(readSize, len(whole)+2*keepBytes)), newline: '\n'}
	var events []ttpcron.Event
	var all ttpcron.ImportReport
	trial.read(context.Background(), func(b ttpcron.Batch, err error) bool {
		events = append(events, b.Events...)
		all.Add(b.Report)
		return err == nil
	})
	none := all.IgnoredTypes[string(typeText)] + all.IgnoredTypes[EmptyLine]
	return events, all.Lines > 0 && all.Rejected == 0 && none == 0
}

func (r *logReader) isRecord(text []byte) bool {
	_, ok := r.tryLine(text)
	return ok
}

// isClosed reports whether a record shows by itself that nothing is missing at its
// end, as an object of JSON does.
func isClosed(text []byte) bool {
	text = trimLine(text)
	return len(text) > 1 && text[0] == '{' && text[len(text)-1] == '}'
}

// namesTwice reports whether an object repeats a member. No sensor writes that, but two
// halves of different records may have it.
func namesTwice(text []byte) bool {
	s := jsontext.Scanner{MaxDepth: maxDepth}
	s.Reset(trimLine(text))
	seen := map[string]bool{}
	for s.Object(); s.Member(); {
		if seen[string(s.Name())] {
			return true
		}
		seen[string(s.Name())] = true
	}
	return false
}

// held reports whether a file of that place can have the beginnings of events:
// what has another date than the file was never in it. Dates of files may be those
// of another time zone.
func (p place) held(events []ttpcron.Event) bool {
	if p.form != dated {
		return true
	}
	day := time.Date(p.stamp[0], time.Month(p.stamp[1]), p.stamp[2], 0, 0, 0, 0, time.UTC)
	return !slices.ContainsFunc(events, func(e ttpcron.Event) bool {
		return e.Time.Before(day.AddDate(0, 0, -1)) || !e.Time.Before(day.AddDate(0, 0, 2))
	})
}
