package importer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

type databaseFormat struct {
	// open returns an *UnknownFormatError when the database is another one.
	open   func(ctx context.Context, f *Format, db tableSource, o Options) (reader, error)
	served bool // it may also be on a server
	// richer names the format of a log that says more than the database, if there is one.
	richer string
}

// database is a SQLite database that belongs to someone else. It is read without writing to
// it or next to it: a -wal or -shm file made by this program, under its own user, could
// keep the owner from writing.
type database struct {
	db   *sql.DB
	conn *sql.Conn            // the only one
	kept map[string]*sql.Stmt // queries that are run again and again
	name string               // as the user gave it
	path string               // without symbolic links: SQLite's other files lie next to it
	src  *stream              // for progress
	how  string               // a sentence, when it had to be opened in an unusual way

	budget, spent time.Duration // for queries
	sorted        int           // for how many rows rowids are read at once, if they are joined

	frozen bool // opened without locks, because nobody has it open
	before []fileState
	copied *ttpcron.Scratch // of a copy, to be removed
}

// fileState is how a file looked when the database was opened.
type fileState struct {
	size    int64 // -1: missing
	changed time.Time
}

// openDatabaseFile opens a database the way its state demands.
//
// A database in WAL mode that is in use has a -shm file, through which readers
// and the writer agree; readonly_shm lets us take part without the right to
// write. Without a -shm file nobody has it open. Then all is in the main file,
// which can be read as it is, unless a crash left a -wal or a journal behind:
// that can only be applied by writing, which is done to a copy.
func openDatabaseFile(ctx context.Context, path string, src *stream) (*database, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	if real, err = filepath.Abs(real); err != nil {
		return nil, err
	}
	wal, err := usesWAL(real)
	if err != nil {
		return nil, err
	}
	d := &database{name: path, path: real, src: src, before: states(real), sorted: idsSorted}
	d.budget = maxDatabase + time.Duration(src.size>>20)*maxPerMiB
	if odd := d.oddCompanion(); odd != nil {
		return nil, odd
	}
	leftWAL, leftJournal := d.before[1].size > 0, d.before[3].size > 0
	inUse := d.before[2].size >= 0
	switch {
	case wal && !inUse && leftWAL:
		return d, d.connectCopy(ctx)
	case wal && !inUse:
		d.frozen = true
		return d, d.connect(ctx, real, "mode=ro&immutable=1")
	}
	err = d.connect(ctx, real, "mode=ro&readonly_shm=1")
	if err != nil && !wal && leftJournal && !strings.Contains(err.Error(), "locked") {
		return d, d.connectCopy(ctx)
	}
	return d, err
}

// usesWAL reads the file format versions in the header
// (https://www.sqlite.org/fileformat.html, 1.3.3).
func usesWAL(path string) (bool, error) {
	f, _, err := ttpcron.OpenRegular(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	var header [20]byte
	if _, err := io.ReadFull(f, header[:]); err != nil {
		return false, fmt.Errorf("%s: the header of the database is cut off", path)
	}
	return header[18] == 2 || header[19] == 2, nil
}

// oddCompanion finds anything that is not a file where SQLite would open one next to the
// database.
func (d *database) oddCompanion() error {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		info, err := os.Stat(d.path + suffix)
		if err == nil && !info.Mode().IsRegular() {
			return &ttpcron.NotRegularError{Path: d.name + suffix, Kind: ttpcron.Irregular(info.Mode())}
		}
	}
	return nil
}

// states looks at the main file, the -wal, the -shm and the journal.
func states(path string) []fileState {
	var all []fileState
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		state := fileState{size: -1}
		if info, err := os.Stat(path + suffix); err == nil {
			state = fileState{info.Size(), info.ModTime()}
		}
		all = append(all, state)
	}
	return all
}

func (d *database) connect(ctx context.Context, path, mode string) error {
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String() +
		"?" + mode + "&_defensive=1&_pragma=busy_timeout(5000)&_pragma=trusted_schema(0)&_pragma=query_only(1)&_pragma=cell_size_check(1)&_pragma=mmap_size(0)"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return fmt.Errorf("open %s: %w", d.name, err)
	}
	db.SetMaxOpenConns(1)
	if d.conn, err = db.Conn(ctx); err == nil {
		err = d.restrict(ctx)
	}
	if err != nil {
		if d.conn != nil {
			d.conn.Close()
		}
		db.Close()
		return fmt.Errorf("open %s: %w", d.name, err)
	}
	d.db = db
	return nil
}

// connectCopy copies the database with what a crash left next to it, and lets SQLite repair
// the copy.
func (d *database) connectCopy(ctx context.Context) error {
	dir, err := ttpcron.NewScratch(os.TempDir(), "ttpcron-import-", "")
	if err != nil {
		return fmt.Errorf("copy %s: %w", d.name, err)
	}
	d.copied = dir
	copied := dir.File("copy.db")
	for _, suffix := range []string{"", "-wal", "-journal"} {
		if err := copyFile(ctx, copied+suffix, d.path+suffix); err != nil && !(suffix != "" && errors.Is(err, os.ErrNotExist)) {
			_ = dir.Remove()
			return fmt.Errorf("copy %s: %w", d.name, err)
		}
	}
	if err := d.connect(ctx, copied, "mode=rw"); err != nil {
		_ = dir.Remove()
		return err
	}
	d.how = "the program that wrote it was stopped hard; a copy was repaired and read"
	return nil
}

func copyFile(ctx context.Context, to, from string) error {
	in, _, err := ttpcron.OpenRegular(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	for err == nil {
		if err = ctx.Err(); err == nil {
			_, err = io.CopyN(out, in, 16<<20)
		}
	}
	if err == io.EOF {
		err = nil
	}
	return errors.Join(err, out.Close())
}

// disturbed reports whether someone wrote to a database that was opened without
// locks.
func (d *database) disturbed() bool {
	if !d.frozen {
		return false
	}
	now := states(d.path)
	return now[0] != d.before[0] || now[1].size > 0
}

func (d *database) close() error {
	if d.db == nil {
		return nil
	}
	err := error(nil)
	for _, s := range d.kept {
		err = errors.Join(err, s.Close())
	}
	d.kept = nil
	err = errors.Join(err, d.conn.Close(), d.db.Close())
	d.db = nil
	if d.copied != nil {
		err = errors.Join(err, d.copied.Remove())
	}
	return err
}
