package importer

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// A sensor may write the same events to two logs, one of which says more. If both are in a
// folder, the poorer log must not add events that the richer one has, because nothing shows
// that they are the same. So only what is earlier than the richer log's first record, or
// later than its last write, is taken from the poorer one. A file that the user named is
// read whole.

const (
	// maxLogsBeside is how many logs in a folder are looked at.
	maxLogsBeside = 16
	// maxLogFiles is of how many files of a log the first record is looked for.
	maxLogFiles = 4
	// maxPeeked is how many bytes of a file are read in search of its first event.
	maxPeeked = 1 << 20
	// settling is how long after the last change of a log its sensor may have gone on
	// with the other.
	settling = 24 * time.Hour
)

// richer is what a folder has of a format that tells more.
type richer struct {
	name        string // of the file with the first record
	from, until time.Time
}

// has reports whether a log has what happened at a time. The time of the poorer log may
// lack the fraction of its second.
func (r *richer) has(at time.Time) bool {
	return !at.Before(r.from.Truncate(time.Second)) && at.Before(r.until)
}

// findRicher looks for logs of a format in the folder of a file. It is nil if there are
// none.
func findRicher(ctx context.Context, path, format string, o Options) *richer {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil
	}
	var found *richer
	for _, log := range logsBeside(ctx, real) {
		r := firstRecord(ctx, log, format, o)
		if r == nil {
			continue
		}
		for _, n := range log {
			if until := n.modified.Add(settling); until.After(r.until) {
				r.until = until
			}
		}
		if found == nil {
			found = r
			continue
		}
		if r.from.Before(found.from) {
			found.name, found.from = r.name, r.from
		}
		if r.until.After(found.until) {
			found.until = r.until
		}
	}
	return found
}

// logFile is a file of another log in the folder.
type logFile struct {
	neighbour
	modified time.Time
}

// logsBeside lists the other logs in a folder, each from its oldest file on: those whose
// names say that they are JSON come first.
func logsBeside(ctx context.Context, path string) [][]logFile {
	folder, own := filepath.Dir(path), placeOf(filepath.Base(path)).log
	dir, err := os.Open(folder)
	if err != nil {
		return nil
	}
	defer dir.Close()
	logs := map[string][]logFile{}
	for seen := 0; seen < maxFound && ctx.Err() == nil; {
		entries, err := dir.ReadDir(pageOfNames)
		seen += len(entries)
		for _, entry := range entries {
			p := placeOf(entry.Name())
			if p.log == own || !entry.Type().IsRegular() || logs[p.log] == nil && len(logs) >= pageOfNames {
				continue
			}
			if info, err := entry.Info(); err == nil && info.Size() > 0 {
				logs[p.log] = append(logs[p.log], logFile{neighbour{p, filepath.Join(folder, entry.Name())}, info.ModTime()})
			}
		}
		if err != nil || len(entries) == 0 {
			break
		}
	}
	var all [][]logFile
	for _, log := range logs {
		slices.SortFunc(log, func(a, b logFile) int { return a.compare(b.place) })
		all = append(all, log)
	}
	json := func(log []logFile) int {
		if strings.Contains(strings.ToLower(log[0].log), "json") {
			return 0
		}
		return 1
	}
	slices.SortFunc(all, func(a, b []logFile) int {
		return cmp.Or(cmp.Compare(json(a), json(b)), strings.Compare(a[0].log, b[0].log))
	})
	return all[:min(len(all), maxLogsBeside)]
}

// richer names the format in which the same sensor says the same and more.
func (f *Format) richer() string {
	switch {
	case f.mapping != nil:
		return f.mapping().Richer
	case f.lines != nil:
		return f.lines.richer
	case f.database != nil:
		return f.database.richer
	}
	return ""
}

// firstRecord finds the first event of a log, if it is of the format.
func firstRecord(ctx context.Context, log []logFile, format string, o Options) *richer {
	wanted, known := o.Catalog.find(format)
	database := known && wanted.database != nil
	for _, n := range log[:min(len(log), maxLogFiles)] {
		f, err := Open(ctx, n.path, Options{Catalog: o.Catalog, Settings: o.Settings, Final: true, Below: !database || o.Below && !new(tpotFolder).names(n.path), Now: o.Now, Moved: o.Moved, peeks: true})
		if err != nil {
			return nil
		}
		var first *richer
		if f.Format() == format {
			for b, err := range f.Batches(ctx) {
				if err != nil || len(b.Events) == 0 {
					break
				}
				first = &richer{name: filepath.Base(n.path), from: earliest(b.Events)}
				break
			}
		}
		of := f.Format()
		f.Close()
		if first != nil {
			return first
		}
		if of != format {
			return nil
		}
	}
	return nil
}

func earliest(events []ttpcron.Event) time.Time {
	at := events[0].Time
	for i := range events {
		if events[i].Time.Before(at) {
			at = events[i].Time
		}
	}
	return at
}

// unlessRicher is a parser of the poorer format.
type unlessRicher struct {
	recordParser
	richer *richer
	own    []ttpcron.SourceKind // which the richer log lacks
	twice  bool                 // the file was named: what the richer log has is not left to it
	n      int                  // events that the richer log has
}

// leftToRicher is the type of records that a richer log has.
const leftToRicher = "(in the log beside it)"

func (u *unlessRicher) parse(record []byte, to *parsed) error {
	if err := u.recordParser.parse(record, to); err != nil {
		return err
	}
	kept := to.events[:0]
	for i := range to.events {
		if u.richer.has(to.events[i].Time) && !slices.Contains(u.own, to.events[i].Kind) {
			if u.n++; !u.twice {
				continue
			}
		}
		kept = append(kept, to.events[i])
	}
	if len(to.events) > 0 && len(kept) == 0 {
		to.ignore([]byte(leftToRicher))
	}
	to.events = kept
	return nil
}

// besideRicher looks for a richer log next to the one that is opened.
func (r *logReader) besideRicher(ctx context.Context, o Options) {
	format := r.format.richer()
	if format == "" || r.src.file == nil || o.peeks {
		return
	}
	if found := findRicher(ctx, r.path, format, o); found != nil {
		u := &unlessRicher{recordParser: r.parser, richer: found, twice: o.Named}
		if r.format.mapping != nil {
			u.own = r.format.mapping().Own
		}
		r.parser = u
	}
}

// notes says what is left to a richer log, or may come twice, when a file is read for the
// first time, and whether a setting seems to be wrong.
func (r *logReader) notes() []string {
	if p, ok := r.parser.(*sshdParser); ok {
		return p.clock.notes(r.src.look.Modified)
	}
	u, ok := r.parser.(*unlessRicher)
	if !ok || u.n == 0 || r.known > 0 {
		return nil
	}
	return []string{u.richer.note(u.twice)}
}

// note says that events are left to a richer log, or if the poorer one was named, that they
// come twice.
func (r *richer) note(twice bool) string {
	since := r.from.UTC().Format(time.RFC3339)
	if twice {
		return fmt.Sprintf("%s beside it has what happened since %s too, and says more of it: import that one alone, or these events come twice", r.name, since)
	}
	return fmt.Sprintf("what happened since %s is left to %s beside it, which says more; import --again with the file's own name reads all of it", since, r.name)
}
