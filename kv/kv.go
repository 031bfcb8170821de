// Package kv keeps the history of events, their tags and the state of the replay in one
// bbolt file.
//
// Start with [Open]. [DB.Import] adds events, [DB.Events] reads them back page by page,
// [DB.Commit] adds tags together with the records that say how far the replay got,
// [DB.Tags] and [View.Summary] answer questions. A tag is stored as a reference to its event,
// which is read with it. The bytes of keys and values are in package record, the list of
// buckets is in package layout, and package doctor checks, recovers and copies the file.
//
// After a crash of the process or the machine, everything written by a call that returned
// without error is there. A call that did not return has taken effect wholly or not at all.
// Tags, coverage, cursors and the run that belong together are one call.
//
// Everything returned is a copy that the caller may keep. Events of one page
// share the memory of their text, so one kept event keeps its page.
//
// Iterators read each page in a short transaction of its own and hold none while the caller
// works, so a caller may write to the store in the middle of a loop. A page shows one state
// of the store; two pages may show different states.
//
// # Sizes
//
// bbolt keeps every page that a transaction changes in memory until it commits, and
// [DB.Import] and [DB.Commit] are one transaction each, so the caller bounds memory by the
// size of a call. A call needs about twice the bytes of its events or tags and 4 KiB for
// each (kind, day) that it touches; merging the identity index adds up to 32 MiB now and
// then. 4,096 events or 20,000 tags a call are a good size: larger calls gain little, and
// much smaller ones pay more for the disk's sync. On 32-bit machines a store cannot grow
// beyond 1.9 GiB, see [MaxBytes].
package kv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/ttpcron/ttpcron/kv/block"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
	"github.com/ttpcron/ttpcron/kv/storefile"
	"github.com/ttpcron/ttpcron/kv/tree"
)

// DB is an open store. Its methods may be called from several goroutines at
// once; writers wait for one another.
type DB struct {
	sums   int // how many attackers Summary adds up at once, 0: maxSums
	taken  int // how many tags reviews remove in a transaction, 0: reviewTags
	runs   runLimits
	path   string
	bolt   *bbolt.DB
	file   *os.File // that bolt has open
	shared *os.File // the lock of a store that is only read: bolt closes it, and does not unlock it
	now    func() time.Time
	schema int
	secret record.Secret
	fresh  bool // the file was made, or made anew, when it was opened

	writing   sync.Mutex   // held from a writer's first look to its commit
	commits   atomic.Int64 // when the commit in progress began, in Unix nanoseconds; 0 for none
	broken    error        // a write that panicked; guarded by writing
	stuck     stuck
	claims    claimTable
	streams   streamTable
	shown     shownTable
	lengthsMu sync.Mutex
	lengths   map[int]bool   // of the heads of positions; nil: not known; guarded by lengthsMu, which is locked after writing
	encoder   *block.Encoder // guarded by writing
	room      matchRoom      // guarded by writing
	blocks    *block.Reader

	tagReaders sync.Pool                  // *tagReader, that nobody uses
	scans      sync.Pool                  // *matchScan
	last       atomic.Pointer[tree.State] // that a transaction saw
	lastSpared atomic.Pointer[lastSpared]
}

// Path returns the path that the store was opened with.
func (db *DB) Path() string { return db.path }

// stuck is set when bbolt panicked outside the work of a transaction. It may hold its
// locks for ever, so nothing may wait for it any more.
type stuck struct {
	once  sync.Once
	why   *DamagedError // set before known is closed
	known chan struct{}
}

// err is what calls return from then on, nil as long as all is well.
func (s *stuck) err() error {
	select {
	case <-s.known:
		return &DamagedError{Path: s.why.Path, Reason: s.why.Reason + " (this process reads it no more; it has let go of the file, start it again when the store is mended)", panicked: true, unmapped: s.why.unmapped}
	default:
		return nil
	}
}

func newDB(path string, now func() time.Time) *DB {
	return &DB{path: path, now: now, stuck: stuck{known: make(chan struct{})}}
}

// hasHeader is called before a transaction begins. If no header is intact, bbolt panics
// there while it holds locks, and all others would wait for these, even to end a
// transaction.
func (db *DB) hasHeader() error {
	if err := db.stuck.err(); err != nil {
		return err
	}
	var m [page.HeaderBytes]byte
	for n := range int64(2) {
		if _, err := db.file.ReadAt(m[:], n*page.Size+page.HeaderOffset); err != nil && err != io.EOF {
			return nil // the transaction meets it too
		} else if err == nil && page.WholeHeader(m[:]) {
			return nil
		}
	}
	db.giveUp(&DamagedError{Path: db.path, Reason: "no header is whole"})
	return db.stuck.err()
}

// Close waits for calls in progress and closes the store.
func (db *DB) Close() error {
	db.writing.Lock()
	defer db.writing.Unlock()
	if err := db.closeFile(); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// closeFile closes bbolt, which waits for its transactions to end. After a panic
// that may be for ever: then the file is unlocked and closed, and the mapping
// stays until the process ends.
func (db *DB) closeFile() error {
	closed := make(chan error, 1)
	if db.stuck.err() == nil {
		go func() { closed <- db.guard(db.bolt.Close) }()
	}
	select {
	case err := <-closed:
		if db.shared != nil {
			_ = storefile.Release(db.shared)
		}
		return err
	case <-db.stuck.known:
		return storefile.Release(db.file)
	}
}

// giveUp records that bbolt is stuck. Once nobody writes any more, the file's lock is
// released, so that others can repair it while this process lives.
func (db *DB) giveUp(why *DamagedError) {
	db.stuck.once.Do(func() {
		db.stuck.why = why
		close(db.stuck.known)
		if db.file == nil {
			return // still being opened
		}
		go func() {
			db.writing.Lock()
			defer db.writing.Unlock()
			_ = storefile.Unlock(db.file) // closed already, or given back with the process
		}()
	})
}

// update runs do in a write transaction. The caller holds db.writing.
func (db *DB) update(ctx context.Context, do func(tx *txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if db.broken != nil {
		return db.broken
	}
	if err := db.hasHeader(); err != nil {
		return err
	}
	err := db.changeFile(do)
	if errors.Is(err, berrors.ErrMaxSizeReached) {
		return db.grown() // nothing was written
	}
	if damage := (*DamagedError)(nil); errors.As(err, &damage) && damage.panicked {
		db.broken = err // what bbolt holds in memory cannot be trusted any more
	}
	if unsynced(err) {
		err = &UnsyncedError{Path: db.path, Err: err}
		db.broken = err
	}
	return err
}

// change runs do in its own write transaction.
func (db *DB) change(ctx context.Context, do func(tx *txn) error) error {
	db.writing.Lock()
	defer db.writing.Unlock()
	return db.update(ctx, do)
}

// unsynced reports whether an error comes from the disk's sync. Other disk errors of bbolt
// name the file, and leave the data untouched.
func unsynced(err error) bool {
	var errno syscall.Errno
	var path *fs.PathError
	return errors.As(err, &errno) && !errors.As(err, &path)
}

// guard turns a panic of bbolt into a *DamagedError, after which the store is
// stuck.
func (db *DB) guard(do func() error) error {
	panicked, err := db.caught(do)
	if panicked {
		found := (*DamagedError)(nil)
		errors.As(err, &found)
		db.giveUp(found)
	}
	return err
}

// within calls do, the work of a transaction. A panic becomes a *DamagedError
// before it reaches bbolt, which then ends the transaction as after any error.
func (db *DB) within(do func() error) error {
	_, err := db.caught(do)
	return err
}

// caught turns a panic into a *DamagedError: bbolt panics over pages that make no
// sense, and reading a mapped page that the disk cannot give is a memory fault.
// Errors that show damage become one too, but do not count as a panic.
func (db *DB) caught(do func() error) (panicked bool, err error) {
	before := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(before)
	defer func() {
		p := recover()
		if found, ok := p.(record.Damage); ok {
			err = found
		} else if p != nil {
			panicked = true
			err = &DamagedError{Path: db.path, Reason: fmt.Sprintf("reading it failed: %v", p), panicked: true, unmapped: !db.isMapped()}
			return
		}
		if d := record.Damage(""); errors.As(err, &d) {
			err = &DamagedError{Path: db.path, Reason: err.Error()}
		}
	}()
	return false, do()
}
