// Package export writes tags in the formats of other systems.
//
// Start with [Formats]. A [Format] is one file of this package and one line in that
// list: it has a name, defines its own flags, and writes. It is given a [Job]: the tags
// in the order of the store (newest first), with the ids of one ATT&CK release, and
// without captured passwords unless they were asked for.
//
// Every format guarantees, and tests that range over the list check: the same store
// gives the same bytes; tags keep their UUIDs, so loading twice makes no duplicates;
// memory does not grow with the number of tags; an attacker's text stays a value; and
// nothing is set that a receiver would take for an alert of today, because the events
// are old.
package export

import (
	"context"
	"flag"
	"io"
	"iter"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/jsontext"
)

// Format is one export format.
type Format struct {
	Name  string // as --format has it
	Short string // one line of help: what it is, and who reads it
	To    Target
	// OneSession says that it is of the tags of a session, which the query must name.
	OneSession bool
	// New defines the flags that only this format has, and returns what writes it once
	// they are parsed. Their help begins with the name of the format.
	New func(fs *flag.FlagSet) Write
	// Place puts what was made at Path to where it is to be, Job.To. Without it that takes
	// the place of the file that is there.
	Place func(j *Job) error
}

// Write writes one export. It returns when everything is written, or with the error of
// the tags or of the output.
type Write func(ctx context.Context, j *Job) error

// Target is what a format writes to.
type Target int

// The targets.
const (
	Stream Target = iota // bytes, one after another: standard output, or a file
	File                 // a file that is written at several places, such as a database
	Folder               // several files
)

// formats are all there are, in the order of help.
var formats = []Format{
	jsonl,
	csv,
	ecs,
	ocsf,
	timesketch,
	navigator,
	stix,
	misp,
	parquetFormat,
	decnet,
	attackFlow,
}

// Formats returns the formats.
func Formats() []Format { return formats }

// Tag is an exported tag.
type Tag struct {
	ttpcron.Tag               // as it is recorded, but for masked passwords
	Shown       ttpcron.Claim // under the names of the release
	UUID        string        // of the tag as it is recorded
	Mark        ttpcron.Mark  // of the attacker's address
	Checked     bool          // rules look at its event again when they change
}

// Job is one export.
type Job struct {
	// Tags yields the tags that were selected, or those of another query. A tag is good
	// until the next.
	Tags func(context.Context, ttpcron.TagQuery) iter.Seq2[*Tag, error]
	// Query is what was selected.
	Query ttpcron.TagQuery
	Table *attack.Table // the release whose names are shown

	// Out takes what a Stream is. Path is where a File or a Folder is made: it is put in
	// its place when Write has returned without an error.
	Out  io.Writer
	Path string
	// To is where that is; empty if nobody knows. A format that does not take whatever is
	// there looks before it writes.
	To string
	// Scratch makes a folder for files that are of no use afterwards, at most once.
	Scratch func() (string, error)

	// Window reads a period as --since and --until are read.
	Window func(since, until string) (ttpcron.Window, error)

	Passwords bool   // captured passwords are not masked
	Version   string // of the program
	// Note says something to the person who exports: what was left out, and how much.
	Note func(format string, args ...any)

	visible visibleJSON
}

// Selected yields the selected tags.
func (j *Job) Selected(ctx context.Context) iter.Seq2[*Tag, error] { return j.Tags(ctx, j.Query) }

// json is Out for JSON. Attackers' text in it is safe for a terminal: what a terminal
// would obey and what a reader could not see is escaped, with the same meaning. Each write
// ends between characters.
func (j *Job) json() io.Writer {
	j.visible.w = j.Out
	return &j.visible
}

type visibleJSON struct {
	w   io.Writer
	buf []byte
}

func (v *visibleJSON) Write(p []byte) (int, error) {
	v.buf = jsontext.AppendVisible(v.buf[:0], p)
	if _, err := v.w.Write(v.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}

// stamp writes a time in UTC as RFC 3339, with as many digits of the second as it has.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// eachDay passes the selected tags to each, day by day, newest first, and calls end after
// each day. Days without selected tags are skipped.
func (j *Job) eachDay(ctx context.Context, each func(*Tag) error, end func(ttpcron.Day) error) error {
	day, some := ttpcron.Day(0), false
	for t, err := range j.Selected(ctx) {
		if err != nil {
			return err
		}
		if d := ttpcron.DayOf(t.EventTime); some && d != day {
			if err := end(day); err != nil {
				return err
			}
		}
		day, some = ttpcron.DayOf(t.EventTime), true
		if err := each(t); err != nil {
			return err
		}
	}
	if !some {
		return nil
	}
	return end(day)
}
