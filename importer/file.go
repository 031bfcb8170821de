package importer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Options say how a file is opened.
type Options struct {
	Catalog   *Catalog  // of formats; nil: those of this program
	Format    string    // a format's name; "" or "auto" recognises by content
	Settings  Settings  // of what the file leaves out
	Positions Positions // finds what earlier imports stored; nil: nothing
	// Look is what an earlier import remembered of the file, or zero. If the file still
	// looks the same, it is not read.
	Look ttpcron.FileLook
	// Final says that the file will not grow, so that a last line without a newline is read
	// too. It is assumed for compressed files, names with a date or number as rotation
	// gives them, and standard input.
	Final bool
	// Below says that the user named neither the file nor the folder that directly contains
	// it. Formats that can speak for any sensor are then refused with a [*BelowError].
	Below bool
	// Named says that the user named the file itself, not a folder or a pattern. A text log
	// is then read whole, even if a JSON log next to it has the same events.
	Named bool
	// Connect connects to the server of a path for which IsServer is true; nil: it is refused.
	Connect Connect
	// Account makes a file whose format a mapping describes tell [File.Findings].
	Account bool
	Now     func() time.Time // for Reject.At and FilePosition.SeenAt; nil: the clock
	Stdin   io.Reader        // what "-" reads; nil: os.Stdin
	peeks   bool             // only the first event is wanted
	Moved   func()           // called whenever something has been read; may be nil
	// Kinds are the kinds of event to import; nil: all. Other events are counted in
	// ttpcron.ImportReport.LeftOut. A file that was read for other kinds is read again from
	// its beginning.
	Kinds []ttpcron.SourceKind
	// Sequence is shared by the files of one import; nil: the file stands alone.
	Sequence *Sequence
}

// Positions finds the positions that earlier imports stored.
type Positions interface {
	// HeadLengths lists the head lengths of the stored positions.
	HeadLengths(ctx context.Context) ([]int, error)
	// FindPositions returns the positions of a format with one of these heads.
	FindPositions(ctx context.Context, format string, heads []ttpcron.FileHead) ([]ttpcron.FilePosition, error)
}

// Stdin is the path that means standard input.
const Stdin = "-"

// File is an input that has been opened and recognised.
type File struct {
	path     string
	format   *Format // nil: an empty file, which no format can recognise
	src      *stream
	reader   reader
	from     int64 // where reading starts
	line     int
	used     bool
	opts     Options
	position ttpcron.FilePosition // the last that was found or made
	keep     *ttpcron.FileLook    // what is to be remembered
	found    recognition
	named    bool // the user said which format it is
	noText   bool // for an unrecognised file: it is not even text
}

// reader yields the batches of one file.
type reader interface {
	read(ctx context.Context, yield func(ttpcron.Batch, error) bool)
}

// noter is a reader with notes for the user.
type noter interface{ notes() []string }

// closer is a reader that holds something open in addition to the stream.
type closer interface{ close() error }

// Open opens a file, recognises its format and finds out how far it has been
// read. The path "-" is standard input, and one for which IsServer is true names a database
// on a server, which is read whole each time. Close it when done.
//
// The error is an [*UnknownFormatError] if no format fits or the file cannot be a log, a
// [*BelowError] if Options.Below forbids its format, a [*LacksError] if it needs a setting, a [*GivenUpError] if reading it would
// never end, a [*ttpcron.NotRegularError] for FIFOs and devices, an unknown Options.Format,
// or what the system reported. An empty file is not an error: it has no format and no
// batches.
func Open(ctx context.Context, path string, o Options) (*File, error) {
	if o.Now == nil {
		o.Now = utcNow
	}
	var format *Format
	if o.Format != "" && o.Format != Auto {
		known := false
		if format, known = o.Catalog.find(o.Format); !known {
			return nil, fmt.Errorf("unknown format %q", o.Format)
		}
	}
	if IsServer(path) {
		return openDatabaseOn(ctx, path, format, o)
	}
	src, err := openInput(path, &o)
	if err != nil {
		return nil, err
	}
	if f, err := unchanged(path, src, &o); f != nil || err != nil {
		if err != nil {
			src.close()
		}
		return f, err
	}
	f := &File{path: path, format: format, src: src, opts: o, named: format != nil}
	if err = src.decode(); err == nil {
		err = f.recognise(ctx, o)
	}
	if err != nil {
		err = f.notRead(err)
		f.Close()
		return nil, err
	}
	return f, nil
}

// notRead adds to an error what to remember about the file.
func (f *File) notRead(err error) error {
	var unknown *UnknownFormatError
	var below *BelowError
	var lacks *LacksError
	switch {
	case errors.As(err, &lacks):
		lacks.look, lacks.Found = f.outcome(ttpcron.LookLacks, lacks.reason()), f.Recognition()
	case errors.As(err, &unknown):
		unknown.look, unknown.Found = f.outcome(ttpcron.LookUnknown, unknown.Detail), f.Recognition()
	case errors.As(err, &below):
		below.look = f.outcome(ttpcron.LookBelow, below.Title)
	default:
		return f.givenUp(err)
	}
	return err
}

func openInput(path string, o *Options) (s *stream, err error) {
	switch {
	case path != Stdin:
		s, err = openFile(path, o)
	case o.Stdin == nil:
		s = openStream(os.Stdin)
	default:
		s = openStream(o.Stdin)
	}
	if err == nil {
		s.moved = o.Moved
	}
	return s, err
}

// recognise finds the format, if it is not given, and sets up the reader.
func (f *File) recognise(ctx context.Context, o Options) error {
	if f.src.isSQLite() {
		if o.Below {
			return &BelowError{Path: f.path, Title: aDatabase}
		}
		return f.openDatabase(ctx, o)
	}
	if f.format != nil && f.format.lines == nil {
		if len(f.src.magic) == 0 {
			return nil
		}
		detail := "it is not " + f.format.Title
		if like := f.like(newLineReader(f.src.content).beginning(ctx, likeBytes)); like != nil {
			detail += ", " + like.detail()
		}
		return &UnknownFormatError{Path: f.path, Detail: detail}
	}
	lines := newLineReader(f.src.content)
	if f.format == nil {
		if !lines.skipNULs(ctx, maxInflated) {
			return &UnknownFormatError{Path: f.path, Detail: fmt.Sprintf("it begins with more than %d MiB of NUL bytes", maxInflated>>20)}
		}
	}
	var found recognition
	if typed, ok := o.Catalog.find(shellHistory.Name); ok && f.format == nil && (isHistoryName(f.path) || beginsHistory(lines.peek(ctx, sniffBytes))) {
		found = sniff(ctx, lines, o.Catalog, typed) // nothing else: an attacker typed it
	} else {
		objects, as, unread := f.asCSV(ctx, lines, &o)
		switch {
		case objects != nil:
			lines, found = objects, as
		case unread && f.format == nil:
			return f.unknown(lines)
		default:
			found = sniff(ctx, lines, o.Catalog, f.format)
		}
	}
	f.found = found
	switch {
	case f.format == nil:
		f.format = found.format
	case found.format == nil:
		if like := f.like(lines.beginning(ctx, likeBytes)); like != nil && like.never {
			return &UnknownFormatError{Path: f.path, Detail: like.detail()}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.format == nil {
		return f.unknown(lines)
	}
	if o.Below && f.format.speaks() {
		return &BelowError{Path: f.path, Title: f.format.Title}
	}
	if missing := f.src.csv.lacks(); len(missing) > 0 {
		return &LacksError{Path: f.path, Format: f.format.Name + ", as CSV of Kibana", Settings: missing}
	}
	if of := f.format.lines.needs; of != nil {
		if missing := found.needs.or(of(nil, false)).missing(f.source(&o)); len(missing) > 0 {
			return &LacksError{Path: f.path, Format: f.format.Name, Settings: missing}
		}
	}
	lines, err := f.checkYear(ctx, o, lines, found)
	if err != nil {
		return err
	}
	return f.openLog(ctx, o, lines, found)
}

// checkYear refuses a file whose year cannot be right. It reads the file for that, and
// returns a reader at its beginning.
func (f *File) checkYear(ctx context.Context, o Options, lines *lineReader, found recognition) (*lineReader, error) {
	src := f.source(&o)
	if !found.needs.year || o.peeks || f.src.file == nil || src.modified.IsZero() || !src.written().IsZero() {
		return lines, nil
	}
	scan := &yearScan{clock: newYearClock(src)}
	lines.newline = found.newline
	r := &logReader{path: f.path, format: f.format, opts: o, src: f.src, source: src, parser: scan, arena: &arena{}, final: true, framing: found.framing, lines: lines}
	r.read(ctx, func(ttpcron.Batch, error) bool { return true })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if reason, year := scan.doubt(src.modified); reason != "" {
		return nil, &LacksError{Path: f.path, Format: f.format.Name, Settings: []string{settingYear}, Wrong: fmt.Sprintf("%s; year = %d would fit", reason, year)}
	}
	if err := f.src.rewind(0); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.path, err)
	}
	lines = newLineReader(f.src.content)
	if !f.named {
		lines.skipNULs(ctx, maxInflated)
	}
	return lines, nil
}

// willNotGrow reports whether the file is complete.
func (f *File) willNotGrow(o *Options) bool {
	return o.Final || f.src.packed() || f.src.file == nil || willNotGrow(f.path)
}

// oldestChange is the first year in which a file can have been changed. Archives and images
// without times have years before it, and so has a clock that was never set.
const oldestChange = 1981

// source says what is known of the file apart from its content.
func (f *File) source(o *Options) *source {
	s := &source{Settings: o.Settings, path: f.path, modified: f.src.look.Modified}
	if f.path == Stdin {
		s.path, s.modified = "", o.Now()
	}
	if f.src.csv != nil || s.modified.Year() < oldestChange { // exported at any time; not known
		s.modified = time.Time{}
	} else if written := s.written(); written.After(s.modified) { // a copy lost its time
		s.modified = written
	}
	if o.Sequence != nil {
		s.names = &o.Sequence.names
	}
	return s
}

// unknown describes a file of no known format. An empty one is fine, whatever the format.
func (f *File) unknown(lines *lineReader) error {
	if f.src.rawErr != nil {
		return fmt.Errorf("read %s: %w", f.path, f.src.rawErr)
	}
	head, whole := lines.beginning(context.Background(), sniffBytes)
	like := f.like(head, whole)
	switch {
	case isInflates(lines.err):
		return &UnknownFormatError{Path: f.path, Detail: lines.err.Error()}
	case f.src.packed() && lines.err != nil && lines.err != io.EOF && len(head) == 0:
		return &UnknownFormatError{Path: f.path, Detail: lines.err.Error() + ", before any content"}
	case len(bytes.Trim(head, "\x00 \r\n\t")) == 0 && lines.err == io.EOF, csvOnlyHeader(head, whole):
		return nil
	case bytes.HasPrefix(head, sqliteMagic):
		return &UnknownFormatError{Path: f.path, Detail: "it is a compressed SQLite database; decompress it first"}
	}
	unknown := &UnknownFormatError{Path: f.path}
	switch {
	case isHistoryName(f.path) && !f.noText:
		unknown.Detail = "it looks like a shell's history without times, so nothing says when its commands ran; " + setHistoryTimes
	case like != nil:
		unknown.Detail = like.detail()
	case f.src.packed() && lines.err != nil && lines.err != io.EOF:
		unknown.Detail = fmt.Sprintf("%v, after the first %d bytes of content", lines.err, len(head))
	}
	return unknown
}

func (f *File) openDatabase(ctx context.Context, o Options) error {
	if f.src.file == nil {
		return errors.New("a database cannot be read from a stream; give its path")
	}
	if f.format != nil && f.format.database == nil {
		return &UnknownFormatError{Path: f.path, Detail: "it is a SQLite database, not " + f.format.Title}
	}
	// Closing a file drops every lock that the process has on it, SQLite's too.
	if err := f.src.close(); err != nil {
		return err
	}
	db, err := openDatabaseFile(ctx, f.path, f.src)
	if err != nil {
		return err
	}
	r, err := f.recogniseTables(ctx, db, &UnknownFormatError{Path: f.path, Detail: "it is a SQLite database without the tables of a program that is read"}, o)
	if err != nil {
		if unknown := (*UnknownFormatError)(nil); errors.As(err, &unknown) {
			unknown.Detail += db.likeness(ctx)
		}
		db.close()
		return err
	}
	f.reader = r
	if d, ok := r.(interface{ beside(*richer) }); ok && f.format.richer() != "" && !o.peeks {
		d.beside(findRicher(ctx, f.path, f.format.richer(), o))
	}
	return nil
}

// recogniseTables finds the format of a database, if it is not given. The error is unknown
// if there is none.
func (f *File) recogniseTables(ctx context.Context, db tableSource, unknown *UnknownFormatError, o Options) (reader, error) {
	var failed error // of a format that may be the right one
	list := o.Catalog.list()
	for i := range list {
		if list[i].database == nil || f.format != nil && f.format != &list[i] {
			continue
		}
		r, err := list[i].database.open(ctx, &list[i], db, o)
		if err == nil {
			f.format = &list[i]
			return r, nil
		}
		if !errors.As(err, new(*UnknownFormatError)) {
			failed = cmp.Or(failed, err)
		} else if f.format != nil {
			errors.As(err, &unknown)
		}
	}
	if failed == nil {
		failed = unknown
	}
	return nil, failed
}

// openDatabaseOn opens a database on a server. It has no look and no position: each import
// reads all of it.
func openDatabaseOn(ctx context.Context, path string, format *Format, o Options) (*File, error) {
	server, err := ParseServer(path)
	if err != nil {
		return nil, err
	}
	name := server.String()
	if format != nil && (format.database == nil || !format.database.served) {
		return nil, &UnknownFormatError{Path: name, Detail: "it is a database on a server, not " + format.Title}
	}
	if format == nil {
		format, _ = o.Catalog.find(decnet.Name)
	}
	f := &File{path: name, format: format, src: &stream{moved: o.Moved}, opts: o, named: o.Format != "" && o.Format != Auto}
	db, err := openServer(ctx, server, o.Connect, f.src)
	if err != nil {
		return nil, err
	}
	if f.reader, err = format.database.open(ctx, format, db, o); err != nil {
		err = f.notRead(err)
		db.close()
		return nil, err
	}
	return f, nil
}

// openLog finds where an earlier import stopped and continues from there.
func (f *File) openLog(ctx context.Context, o Options, lines *lineReader, found recognition) error {
	if o.Sequence == nil {
		o.Sequence = &Sequence{}
	}
	r := &logReader{
		path: f.path, format: f.format, opts: o, src: f.src, source: f.source(&o), arena: &arena{},
		final:     f.willNotGrow(&o),
		positions: f.src.file != nil,
		edges:     newEdges(f.path, f.src.file, &o.Sequence.names),
		framing:   found.framing,
	}
	if f.src.csv != nil {
		r.edges = edges{} // a row that rotation tore in two is not joined
	}
	r.parser = f.format.lines.parser(r.source)
	if p, ok := r.parser.(*mappedParser); ok && o.Account {
		p.reader.Account()
	}
	o.Sequence.next(&r.edges, f.format, r.parser)
	r.besideRicher(ctx, o)
	lines.newline = found.newline
	f.reader = r
	if f.src.file == nil {
		r.lines = lines
		return nil
	}
	head := bytes.Clone(lines.peek(ctx, headBytes))
	position, lines, err := f.resume(ctx, o.Positions, lines, r.parser)
	if err != nil {
		return fmt.Errorf("read %s: %w", f.path, err)
	}
	f.from, f.line, f.position = position.Offset, position.Line, position
	r.framing.document = position.Offset > 0
	if f.format.lines.joins() && position.Offset > 0 {
		if err := f.src.rewind(0); err != nil {
			return fmt.Errorf("read %s: %w", f.path, err)
		}
		r.lines, r.known = newLineReader(f.src.content), position.Offset
		r.lines.newline = found.newline
		r.follow(ctx, head)
		return nil
	}
	lines.newline = found.newline
	r.lines, r.consumed, r.since, r.line = lines, position.Offset, position.Offset, position.Line
	r.follow(ctx, head)
	return nil
}

// resume returns a reader at the best of the positions, and makes the parser recall what
// came before.
func (f *File) resume(ctx context.Context, positions Positions, lines *lineReader, parser recordParser) (position ttpcron.FilePosition, at *lineReader, err error) {
	for len(lines.head) < headBytes && lines.fill(ctx) {
	}
	head := lines.head
	fit, err := fittingPositions(ctx, positions, f.opts.version(f.format), head)
	if err != nil {
		return position, nil, err
	}
	if !f.src.derived() {
		position, _ = findInFile(f.src.file, f.src.size, f.format, fit)
		recalled := f.recalled(position.Offset)
		from := max(0, position.Offset-recalled-keepBytes)
		if err := f.src.rewind(from); err != nil {
			return position, nil, err
		}
		at = newLineReader(f.src.content)
		at.off, at.newline = from, lines.newline
		at.head = head[:min(int64(len(head)), position.Offset)]
		at.discard(ctx, position.Offset-recalled-from)
		f.recall(ctx, at, recalled, parser)
		return position, at, nil
	}
	for {
		if err := f.src.rewind(0); err != nil {
			return position, nil, err
		}
		at = newLineReader(f.src.content)
		at.newline = lines.newline
		if position.Offset > 0 {
			recalled := f.recalled(position.Offset)
			at.discard(ctx, position.Offset-recalled)
			f.recall(ctx, at, recalled, parser)
			return position, at, nil
		}
		if len(fit) == 0 {
			return position, at, nil
		}
		found, ok, positioned := findInStream(ctx, at, f.format, fit)
		if positioned && (f.recalled(found.Offset) == 0 || len(at.peek(ctx, 1)) == 0) {
			return found, at, nil
		}
		if ok {
			position = found
		}
		fit = nil
	}
}

// Path returns the path that was opened.
func (f *File) Path() string { return f.path }

// Format returns the name of the file's format, empty for an empty file.
func (f *File) Format() string {
	if f.format == nil {
		return ""
	}
	return f.format.Name
}

// Notes returns what the user should know about how the file is read, one sentence each,
// such as a missing table.
func (f *File) Notes() []string {
	if n, ok := f.reader.(noter); ok {
		return n.notes()
	}
	return nil
}

// Resumed returns where reading starts: the bytes of uncompressed content and the lines
// that earlier imports stored. It is zero if the file is read from its start.
func (f *File) Resumed() (offset int64, lines int) { return f.from, f.line }

// Progress returns how many bytes of the file on disk have been read, and the total, 0 if
// unknown. It may be called from another goroutine.
func (f *File) Progress() (read, total int64) { return f.src.pos.Load(), f.src.size }

// Batches reads the file. It can be ranged over once. An error ends it; every batch before
// the error is valid. If ctx is cancelled, it yields what has been read so far as a last
// batch, then ctx's error.
func (f *File) Batches(ctx context.Context) iter.Seq2[ttpcron.Batch, error] {
	return func(yield func(ttpcron.Batch, error) bool) {
		if f.used || f.reader == nil {
			return
		}
		f.used = true
		whole := true
		f.reader.read(ctx, func(b ttpcron.Batch, err error) bool {
			if err != nil {
				whole, err = false, f.givenUp(err)
			}
			f.opts.leaveOut(&b)
			if b.Position != nil {
				f.position = *b.Position
			}
			more := yield(b, err)
			whole = whole && more
			return more
		})
		if log, ok := f.reader.(*logReader); ok && whole && !log.edges.pending && ctx.Err() == nil {
			if f.keep = f.readLook(); f.keep != nil && log.edges.waiting {
				f.keep.Reason = lineWaits
			}
		}
	}
}

// readLook is what to remember of a file that was read to its end.
func (f *File) readLook() *ttpcron.FileLook {
	look := f.src.finish(&f.opts)
	if look != nil {
		look.Format = f.Format()
		if f.position.HeadLen > 0 {
			look.PositionFormat, look.PositionHead = f.position.Format, ttpcron.FileHead{Length: f.position.HeadLen, Sum: f.position.Head}
		}
	}
	return look
}

// Look returns what to remember of the file once all its batches are stored, or nil. An
// import that gets it as [Options.Look] does not read the file again until it changes.
func (f *File) Look() *ttpcron.FileLook {
	if f.reader == nil && !f.used {
		return f.readLook() // there is nothing in it
	}
	return f.keep
}

// Close releases the file. It may be called more than once.
func (f *File) Close() error {
	var err error
	if c, ok := f.reader.(closer); ok {
		err = c.close()
	}
	return errors.Join(err, f.src.close())
}
