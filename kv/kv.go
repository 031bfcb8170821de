// Package kv keeps the history of events, the tags made of them and the place
// where replay stands in one bbolt file.
//
// Start with [Open]. [DB.Import] adds events, [DB.Events] reads them back page
// by page, [DB.Commit] adds tags together with the marks that say how far the
// replay came, [DB.Tags] and [DB.Summary] answer questions.
//
// What holds after a crash, of the process or of the machine: a call that
// returned without error is there wholly; a call that did not return is there
// wholly or not at all. Tags, coverage, cursors and the run that belong together
// are one call.
//
// Everything returned is a copy that the caller may keep. Events of one page
// share the memory of their text, so one kept event keeps its page.
//
// Iterators read a page in a short transaction of its own and hold none while
// the caller works, so a caller may write to the store in the middle of a loop.
// A page shows one state of the store; two pages may show two.
//
// # Sizes
//
// bbolt keeps every page that a transaction changes in memory until it commits,
// and [DB.Import] and [DB.Commit] are one transaction each, so the caller bounds
// memory by the size of a call. A call needs about twice the bytes of its events
// or tags and 4 KiB for each (kind, day) that it touches; merging the identity
// index adds up to 32 MiB now and then. 4,096 events or 20,000 tags a call are
// good: larger ones gain little, much smaller ones pay more for the disk's sync.
// On 32-bit machines bbolt cannot map more than 2 GiB, and a store cannot grow
// beyond that.
package kv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.etcd.io/bbolt"
)

// DB is an open store. Its methods may be called from several goroutines at
// once; writers wait for one another.
type DB struct {
	sums   int // attackers that Summary adds up at once, 0: maxSums
	path   string
	bolt   *bbolt.DB
	file   *os.File // that bolt has open
	now    func() time.Time
	schema int
	secret secret
	fresh  bool // the file was made, or made anew, when it was opened

	writing   sync.Mutex  // held from a writer's first look to its commit
	broken    error       // a write that panicked; guarded by writing
	stuck     atomic.Bool // bbolt panicked, and may hold its locks for ever
	claims    claimTable
	lengthsMu sync.Mutex
	lengths   map[int]bool  // of the heads of marks; nil: not known; guarded by lengthsMu
	encoder   *zstd.Encoder // guarded by writing
	blocks    blockReader
	last      atomic.Pointer[snapshot]
}

// Path returns the path that the store was opened with.
func (db *DB) Path() string { return db.path }

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
// that may be for ever: then the file is closed, which gives back its lock, and
// the mapping stays until the process ends.
func (db *DB) closeFile() error {
	if db.stuck.Load() {
		return db.file.Close()
	}
	return db.guard(db.bolt.Close)
}

// update runs do in a write transaction. The caller holds db.writing.
func (db *DB) update(ctx context.Context, do func(tx *txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if db.broken != nil {
		return db.broken
	}
	err := db.changeFile(do)
	if damage := (*DamagedError)(nil); errors.As(err, &damage) && damage.panicked {
		db.broken = err // what bbolt holds in memory cannot be trusted any more
	}
	if unsynced(err) {
		err = &UnsyncedError{Path: db.path, Err: err}
		db.broken = err
	}
	return err
}

// unsynced reports whether an error comes from the disk's sync. bbolt's other
// errors of a disk name the file, and what they concern has not been touched.
func unsynced(err error) bool {
	var errno syscall.Errno
	var path *fs.PathError
	return errors.As(err, &errno) && !errors.As(err, &path)
}

// guard turns a panic into a *DamagedError: bbolt panics over pages that make no
// sense, and a page that the disk cannot give is a fault of memory. Errors that
// show damage become one too.
func (db *DB) guard(do func() error) (err error) {
	before := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(before)
	defer func() {
		p := recover()
		if found, ok := p.(damage); ok {
			err = found
		} else if p != nil {
			db.stuck.Store(true)
			err = &DamagedError{Path: db.path, Reason: fmt.Sprintf("reading it failed: %v", p), panicked: true}
			return
		}
		if d := damage(""); errors.As(err, &d) {
			err = &DamagedError{Path: db.path, Reason: err.Error()}
		}
	}()
	return do()
}
