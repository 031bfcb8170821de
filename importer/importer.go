// Package importer reads honeypot logs and turns them into events.
//
// Start with [ParseInput] for what a user typed, [Expand] for folders and
// patterns, then [Open] each path and range over [File.Batches]. A format is
// recognised by content; the list of them is [Formats].
//
// Records are found inside their wrappers: compression, an encoding, a list, an object or a
// prefix. docs/wrappers.md has the rules, and docs/events.md says how records that rotation
// tore in two are joined.
//
// A batch and its position belong together: once the events and rejects of a batch are
// stored, [ttpcron.Batch.Position] says how far the file has been read, and returning it in
// [Options.Positions] makes the next Open continue from there, even if the file was
// renamed, rotated or compressed in between. Reading something twice is harmless, because
// events have an id from their source or their own content; positions only save time.
//
// Attackers may have written everything that is read. A line that cannot be used becomes a
// [ttpcron.Reject] and reading continues; memory is bounded by [MaxLine], the limits of a
// batch and, for a database, [MaxRow], whatever the input holds. Strings in events are
// never overwritten, so callers may keep them. The package opens no network connection (for
// a database on a server it is given one, see [Connect]) and writes to no file that it is
// given.
package importer

import (
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer/mapping"
)

const (
	// MaxLine is the longest line or record, in bytes, that is read; longer ones are
	// rejected. NUL bytes do not count.
	MaxLine = 4 << 20
	// MaxRow is the size of the largest row, in bytes, that is read from a database.
	MaxRow = 16 << 20
	// MaxBatchEvents is the most events of a batch.
	MaxBatchEvents = 4096
	// MaxBatchBytes is the size of a batch's texts, in bytes, at which it is complete. Its
	// last event may exceed it.
	MaxBatchBytes = 4 << 20
	// maxDepth is how deep the arrays and objects of a line may nest. Honeypots
	// write four levels at most.
	maxDepth = 128
)

// Auto is the format name that asks for recognition by content.
const Auto = "auto"

// Format is a kind of input that can be read.
type Format struct {
	Name  string // as in --format
	Title string // a few words for help
	// Version is raised whenever the format yields more events from the same input.
	// Positions of another version are not used, so files that an older program read are
	// read again from the start.
	Version int

	// anyone says that a file of the format can speak for any sensor and attacker, so
	// anyone who can write to a folder could have made it.
	anyone bool

	// Records lists the format's record types and how each is handled. Other types, which a
	// later version of the sensor may write, are ignored.
	Records []RecordType

	lines    *lineFormat             // for a log of one record a line, or
	database *databaseFormat         // for a database
	sum      string                  // of a user's description, which has a new one with every change
	mapping  func() *mapping.Mapping // for records that a mapping describes; else nil
}

// RecordType says how records of one type are handled.
type RecordType struct {
	Name  string               // as the source calls it, such as its eventid
	Kinds []ttpcron.SourceKind // of the events that such a record gives
	// Why says why a record gives no event, or on which condition it does; empty if each
	// gives an event.
	Why string
}

// formats is the only list of formats; help, recognition and tests range over it. The files
// in presets add to it. If
// several recognise a file, the one that recognises most of its first lines counts, then
// the first in this list.
var formats = append([]Format{
	cowrie,
	cowrieTextLog,
	decnet,
	cowrieDatabase,
	dionaeaDatabase,
	auditd,
	sshdLog,
	shellHistory,
	accessLog,
	events,
}, presets()...)

// Formats returns the formats that this program knows, in the order of the help.
func Formats() []Format { return (*Catalog)(nil).Formats() }

// versionName is a position's format.
func (f *Format) versionName() string {
	name := fmt.Sprintf("%s/%d", f.Name, f.Version)
	if f.sum != "" {
		name += "-" + f.sum
	}
	return name
}

// speaks reports whether a file of the format is read only if the user named it or its
// folder.
func (f *Format) speaks() bool { return f.anyone || f.database != nil }

// BelowError says that a file was not read because its format can speak for any sensor, and
// the user named only a folder further up.
type BelowError struct {
	Path  string
	Title string // what the file contains, in a few words
	look  *ttpcron.FileLook
	said  bool
}

// SaidBefore reports whether an earlier import met the file as it is.
func (e *BelowError) SaidBefore() bool { return e.said }

// aDatabase is the Title of a database that was not opened.
const aDatabase = "a SQLite database"

// Look returns what to remember of the file, or nil.
func (e *BelowError) Look() *ttpcron.FileLook { return e.look }

func (e *BelowError) Error() string {
	return fmt.Sprintf("%s: it contains %s; to read it, name the file or its folder", e.Path, e.Title)
}

// UnknownFormatError says that no format recognises a file. In a folder such a file is
// skipped and reported; if the user named the file, it is a failure.
type UnknownFormatError struct {
	Path   string
	Detail string // what the file looks like, and what to do; may be empty
	// Found is what is known of the file anyway; zero if SaidBefore.
	Found Recognition
	look  *ttpcron.FileLook
	said  bool
}

// SaidBefore reports whether an earlier import met the file as it is.
func (e *UnknownFormatError) SaidBefore() bool { return e.said }

// Look returns what to remember of the file, or nil.
func (e *UnknownFormatError) Look() *ttpcron.FileLook { return e.look }

func (e *UnknownFormatError) Error() string {
	s := e.Path + ": no format recognises it"
	if e.Detail != "" {
		s += "; " + e.Detail
	}
	return s
}

// utcNow is the clock of Options without Now.
func utcNow() time.Time { return time.Now().UTC() }
