package importer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/ttpcron/ttpcron"
)

type lineFormat struct {
	// recognises reports whether a line, perhaps cut at its end, is of this
	// format.
	recognises func(line []byte) bool
	// begins is how a record begins in text, so that a whole record which
	// follows a torn one on the same line can be found. It must not occur in the
	// middle of a valid record other than as the beginning of a nested one. A format
	// whose records cannot be told from what an attacker wrote into one has none.
	begins string
	// continues reports whether a line continues the record before, and with which text.
	// Only formats whose records may hold newlines have it; see held.
	continues func(record, line []byte) (more []byte, ok bool)
	parser    func(src *source) recordParser
	// needs says which settings a record needs, such as the zone of a time that names none,
	// or, without a record, which every record needs. first says that it is the file's first
	// record. A file is refused without the settings that the records at its beginning need.
	// It is nil if the format needs no setting.
	needs func(record []byte, first bool) needs
	// richer is the name of the format in which the same sensor says the same and more.
	richer string
	// carries says that such a log may carry the records of a sensor too. If it does, it
	// is taken for the sensor's.
	carries bool
	// recalls says that what a record gives depends on records before it.
	recalls bool
	// many is how many events a record gives at most; 0: maxRecordEvents.
	many int
}

// recordParser turns a record into events. It may keep what helps it with the next
// record; it is used by one goroutine.
type recordParser interface {
	// parse reads one record, which is not empty, and gives its events to to. For an
	// ignored record it returns the type instead. An error says why the record cannot be
	// used, and what was given before does not count. It is or wraps errForeign if the
	// record is not one of the format's at all.
	parse(record []byte, to *parsed) error
}

// ender is a parser that may know of an event which a later record may add to. At the end of
// a file that will not grow, end gives these events; it is called until it returns false. In
// a file that may grow they wait: a text log is read from its beginning again, so that they
// are given when what comes later ends them.
type ender interface {
	recordParser
	end(to *parsed) (more bool)
	// waits reports whether there is such an event, and where the oldest begins, as
	// [parsed.at] said.
	waits() (from int64, ok bool)
}

// errForeign says that a text is not a record of the format.
var errForeign = errors.New("not a record of this format")

// parsed takes what a parser makes of one record.
type parsed struct {
	arena  *arena // of the strings of the events
	events []ttpcron.Event
	// ignored is the type of a record that gave no events.
	ignored []byte
	at      int64 // where the record begins in the file
	// gathers says that several lines make an event. An event may end when a line of another
	// comes, and counts even if that line is rejected. lines is how many lines are in
	// events, and others are those that are in none.
	gathers bool
	lines   int
	others  []typeCount
}

// typeCount is a number of lines of one type.
type typeCount struct {
	name string
	n    int
}

// maxRecordEvents is how many events a record gives at most in formats that do not say so.
// A batch that could not take as many more is complete.
const maxRecordEvents = 64

// room reports whether the parser may give another event with this record.
func (p *parsed) room() bool { return len(p.events)+len(p.others) < maxRecordEvents-1 }

// ignoreAnother says of a parser that gathers that n lines of this type gave no event.
func (p *parsed) ignoreAnother(name string, n int) { p.others = append(p.others, typeCount{name, n}) }

// add takes an event.
func (p *parsed) add(e *ttpcron.Event) { p.events = append(p.events, *e) }

// ignore says that the record is of a type of no interest, which the source calls
// name: an attacker's text, perhaps. The bytes need stay no longer than the record.
func (p *parsed) ignore(name []byte) { p.ignored = name }

func (p *parsed) reset(a *arena) { *p = parsed{arena: a, events: p.events[:0], others: p.others[:0]} }

const (
	maxBatchRejects = 512
	maxBatchInput   = 32 << 20
	sniffBytes      = 64 << 10
	sniffMore       = MaxLine + sniffBytes
)

// logReader reads a file of a lineFormat.
type logReader struct {
	path      string
	format    *Format
	opts      Options
	src       *stream
	lines     *lineReader
	parser    recordParser
	source    *source
	final     bool // the file will not grow
	positions bool // the file may have a position
	consumed  int64
	line      int   // lines of the file read, also by earlier imports
	known     int64 // up to where an earlier import has stored what is read again
	held      held

	batch  ttpcron.Batch
	arena  *arena
	since  int64  // where the batch began
	parsed parsed // of the record in hand
	edges  edges
	types  typeCounts // of the records that the batch ignores
	events int        // capacity that the next batch will need

	readLines int // lines before consumed
	framing   framing
	yield     func(ttpcron.Batch, error) bool
}

var rotated = newExpression(`(\.\d{1,5}|[._-](\d{8}|\d{4}[-_.]\d{1,2}[-_.]\d{1,2})([-_.T]?\d{1,6})?)$`)

// willNotGrow reports whether a name is one that rotation gives to a log that is
// complete: cowrie.json.2024-05-31, cowrie.json.1, cowrie.json-20240531.
func willNotGrow(path string) bool {
	name := filepath.Base(path)
	for _, suffix := range []string{".gz", ".zst", ".bz2", ".xz"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return rotated.MatchString(name)
}

// read gives out the file in batches.
func (r *logReader) read(ctx context.Context, yield func(ttpcron.Batch, error) bool) {
	r.yield = yield
	r.readLines = r.line
	for {
		r.lines.match.sessions = r.framing.sessions
		r.lines.values = !r.format.lines.joins() && r.framing.open.match.n == 0
		ln, ok := r.lines.next(ctx)
		if !ok {
			if r.goesOn() {
				continue
			}
			break
		}
		if r.format.lines.joins() {
			if !r.textLine(ctx, ln) {
				break
			}
		} else if !r.atEdge(&ln) {
			r.wholeLine(ln)
		} else if !r.edge(ctx, ln) {
			break
		}
		if r.framing.stopped {
			return
		}
		if r.full() && !yield(r.take(), nil) {
			return
		}
	}
	if !r.lastRecord(ctx) {
		return
	}
	err := r.ended(ctx)
	if (r.batch.Report.Lines > 0 || r.batch.Report.Waiting > 0 || r.consumed > r.since) && !yield(r.take(), nil) {
		return
	}
	if err != nil {
		yield(ttpcron.Batch{}, err)
	}
}

// ended says why reading ended; damage to compressed data becomes a reject.
func (r *logReader) ended(ctx context.Context) error {
	err := r.lines.err
	switch {
	case err == nil || err == io.EOF:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case isInflates(err):
		return err
	case r.src.packed() && r.src.rawErr == nil:
		if !r.lines.cut {
			r.damaged(line{}, fmt.Errorf("the file ends here: %w", err))
		}
		return nil
	}
	return fmt.Errorf("read %s: %w", r.path, err)
}

// wholeLine reads a line, or a last one to which nothing will be added.
func (r *logReader) wholeLine(ln line) {
	if !ln.later {
		r.line++
	}
	rejected := r.batch.Report.Rejected
	r.records(ln)
	// What is rejected without its newline may have become whole the next time.
	r.advance(ln, !ln.partial || r.batch.Report.Rejected == rejected)
}

// advance moves the read position behind a line, unless something that began before
// its end waits.
func (r *logReader) advance(ln line, used bool) {
	switch {
	case r.framing.held != nil:
		r.consumed, r.readLines = r.framing.heldOff, r.framing.heldAt
		if len(r.framing.chunks) > 0 {
			r.waitedEnough()
		}
	case used:
		r.consumed, r.readLines = r.lines.off, r.line
		if ln.more {
			r.readLines--
		}
	}
}

// goesOn deals, at the end of the file, with a record that has not ended. It is true
// when there is more to read after all.
func (r *logReader) goesOn() bool {
	if r.lines.err != io.EOF {
		return false
	}
	if (r.final || r.framing.held != nil && isIdle(r.opts.Now(), r.src.look.Modified)) && r.atEnd() {
		return true
	}
	if r.framing.held != nil {
		r.edges.waiting = true
		r.batch.Report.Waiting = r.lines.off - r.consumed
	}
	return false
}

// cut deals with a last line that lacks its newline: one that may be completed
// waits, one that damage cut off never will be.
func (r *logReader) cut(ln line) {
	if err := r.lines.err; r.src.packed() && err != io.EOF && r.src.rawErr == nil && !isContextError(err) && !isInflates(err) {
		r.lines.cut = true
		if r.src.csv != nil {
			ln.text = unmarked(ln.text)
		}
		r.damaged(ln, fmt.Errorf("the file ends within this line: %w", err))
	}
}

// damaged rejects what is left of compressed data that end too early. It is the
// same damage wherever it is met again: in content that begins alike, after as
// many bytes. Of a file that gave no content only its first bytes and its size
// are known.
func (r *logReader) damaged(ln line, reason error) {
	begin, at := r.lines.head, r.lines.off
	if len(begin) == 0 {
		begin, at = r.src.magic, r.src.size
	}
	where := binary.BigEndian.AppendUint64(nil, uint64(at))
	r.reject(r.line+1, ln.text, reason, ttpcron.NewRejectID(r.format.Name, ln.text, ln.rest[:], []byte(reason.Error()), begin, where))
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// records reads what a line holds: one record, or what a crash made of several.
func (r *logReader) records(ln line) {
	switch {
	case r.src.csv != nil && startsWith(ln.text, csvMark):
		r.csvLine(ln)
		return
	case r.format.lines.joins() && ln.tooLong:
		r.release()
		r.rejectLong(ln)
		return
	case r.format.lines.joins():
		r.textIn(trimText(ln.text))
		return
	case !ln.nuls || ln.tooLong:
		r.jsonLine(ln)
		return
	}
	some := false
	for piece := range bytes.SplitSeq(ln.text, []byte{0}) {
		if piece = trimLine(piece); len(piece) > 0 {
			r.jsonLine(line{text: piece, nuls: true, partial: ln.partial})
			some = true
		}
	}
	if !some {
		r.record(nil)
	}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

func trimLine(text []byte) []byte {
	if n := len(text); n > 0 && text[n-1] <= ' ' || n > 0 && (text[0] <= ' ' || text[0] == 0xef) {
		text = bytes.TrimSpace(bytes.TrimPrefix(text, byteOrderMark))
	}
	return text
}

func (r *logReader) record(text []byte) {
	if r.format.lines.joins() {
		r.gather(text)
	} else {
		r.one(text)
	}
}

// one reads a record that is whole.
func (r *logReader) one(text []byte) {
	if len(text) == 0 {
		r.types.add(emptyLine)
		r.count(false)
		return
	}
	used, err := r.parse(text)
	if r.parsed.gathers {
		r.keepGathered(text)
	}
	switch {
	case err == nil && r.parsed.gathers:
	case err == nil:
		r.count(used)
	case !r.pieces(text):
		r.rejectText(text, err)
	}
}

// keepGathered adds the events to the batch that ended with a line, which may be of another
// one, and counts their lines.
func (r *logReader) keepGathered(text []byte) {
	for i := range r.parsed.events {
		r.opts.Settings.nameSensor(&r.parsed.events[i])
		if err := r.parsed.events[i].Validate(); err != nil {
			r.rejectText(text, err)
			continue
		}
		r.add(r.parsed.events[i : i+1])
	}
	r.batch.Report.Lines += r.parsed.lines
	for _, t := range r.parsed.others {
		r.types.addSome([]byte(t.name), t.n)
		r.batch.Report.Lines += t.n
		r.batch.Report.Ignored += t.n
	}
}

// maxPieces bounds into how many records a line is taken apart.
const maxPieces = 64

// pieces takes apart a line that is not a record. If only the beginning of a record was
// written before the sensor was killed, the next one follows on the same line. It returns
// false, having done nothing, if no piece is a record.
func (r *logReader) pieces(text []byte) bool {
	begins := []byte(r.format.lines.begins)
	if len(begins) == 0 {
		return false
	}
	if n := bytes.Count(text[1:], begins); n == 0 || n >= maxPieces {
		return false
	}
	type piece struct {
		text []byte
		used bool
		err  error
	}
	var all []piece
	good := false
	for len(text) > 0 {
		end := len(text)
		if n := bytes.Index(text[1:], begins); n >= 0 {
			end = n + 1
		}
		p := piece{text: trimLine(text[:end])}
		p.used, p.err = r.parse(p.text)
		good = good || p.err == nil
		all = append(all, p)
		text = text[end:]
	}
	for _, p := range all {
		if p.err == nil {
			r.count(p.used)
		} else if good {
			r.rejectText(p.text, p.err)
		}
	}
	return good
}

func (r *logReader) count(used bool) {
	r.batch.Report.Lines++
	if !used {
		r.batch.Report.Ignored++
	}
}

// parse reads one record and keeps its events.
func (r *logReader) parse(text []byte) (used bool, err error) {
	r.parsed.reset(r.arena)
	r.parsed.at = r.held.start.offset
	if err := r.parser.parse(text, &r.parsed); err != nil {
		return false, err
	}
	switch {
	case r.parsed.gathers: // keepGathered keeps the events
		return true, nil
	case len(r.parsed.events) == 0:
		r.types.add(r.parsed.ignored)
		return false, nil
	}
	return true, r.keep()
}

// keep adds the events of the last record to the batch.
func (r *logReader) keep() error {
	for i := range r.parsed.events {
		r.opts.Settings.nameSensor(&r.parsed.events[i])
		if err := r.parsed.events[i].Validate(); err != nil {
			return err
		}
	}
	r.add(r.parsed.events)
	return nil
}

// add adds valid events to the batch.
func (r *logReader) add(events []ttpcron.Event) {
	if r.batch.Events == nil && r.events > 0 {
		r.batch.Events = make([]ttpcron.Event, 0, r.events)
	}
	r.batch.Events = append(r.batch.Events, events...)
}

// rejectLong rejects a line whose beginning alone was kept.
func (r *logReader) rejectLong(ln line) {
	r.reject(r.line, ln.text, fmt.Errorf("the line is longer than %d bytes", MaxLine), ttpcron.NewRejectID(r.format.Name, ln.text, ln.rest[:]))
}

// rejectText rejects a record of the current line.
func (r *logReader) rejectText(text []byte, reason error) {
	if errors.Is(reason, errForeign) {
		if f := r.otherFormat(text); f != nil {
			reason = fmt.Errorf("it looks like a record of %s: put such lines into another file, since a file is read as one format", f.Name)
		}
	}
	r.reject(r.line, text, reason, ttpcron.NewRejectID(r.format.Name, text))
}

// otherFormat returns the format that recognises an object which is no record of the file's.
func (r *logReader) otherFormat(text []byte) *Format {
	if !startsWith(text, '{') {
		return nil // in a text log, it may be anything that an attacker typed
	}
	list := r.opts.Catalog.list()
	for i := range list {
		if f := &list[i]; f.lines != nil && f.Name != r.format.Name && f.lines.recognises(text) {
			return f
		}
	}
	return nil
}

func (r *logReader) reject(line int, text []byte, reason error, id ttpcron.RejectID) {
	r.batch.Report.Lines++
	r.batch.Report.Rejected++
	r.batch.Rejects = append(r.batch.Rejects, ttpcron.Reject{
		File: r.path, Line: line, Format: r.format.Name, Reason: reason.Error(),
		Excerpt: excerpt(text), At: r.opts.Now(), ID: id,
	})
}

func (r *logReader) full() bool {
	if r.opts.peeks && (len(r.batch.Events) > 0 || r.consumed > maxPeeked) {
		return true
	}
	return len(r.batch.Events) > MaxBatchEvents-max(maxRecordEvents, r.format.lines.many) || r.arena.size >= MaxBatchBytes ||
		len(r.batch.Rejects) >= maxBatchRejects || r.consumed-r.since >= maxBatchInput
}

// take finishes the batch and begins another.
func (r *logReader) take() ttpcron.Batch {
	b := r.batch
	b.Report.File, b.Report.Format = r.path, r.format.Name
	b.Report.IgnoredTypes = r.types.take()
	if r.positions && r.consumed > 0 {
		at := boundary{r.consumed, r.readLines, r.framing.held}
		if at.tail == nil {
			at.tail = r.lines.tailAt(r.consumed, tailBytes)
		}
		if r.held.any {
			at = r.held.start
		}
		if len(at.tail) > 0 {
			b.Position = makePosition(r.path, r.opts.version(r.format), r.lines.head, at.tail, at.offset, at.line, r.opts.Now())
		}
	}
	r.events = len(b.Events)
	r.batch, r.arena, r.since = ttpcron.Batch{}, &arena{}, r.consumed
	return b
}

// sniff recognises a log by its first records: as the line format that knows most of
// them, unless it is to be a certain one.
func sniff(ctx context.Context, l *lineReader, c *Catalog, only *Format) recognition {
	found := probeHead(ctx, l.peek(ctx, sniffBytes), c, only)
	if found.format == nil && l.end-l.start >= sniffBytes {
		found = probeHead(ctx, l.peek(ctx, sniffMore), c, only)
	}
	return found
}
