package kv

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/ttpcron/ttpcron/kv/block"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
	"github.com/ttpcron/ttpcron/kv/storefile"
)

// Options says how to open a store.
type Options struct {
	// ReadOnly opens an existing store for reading, together with other readers.
	ReadOnly bool
	// LockTimeout is how long to wait for a process that holds the store; 0
	// tries once.
	LockTimeout time.Duration
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// NoSync does not wait for the disk after a commit, so that a crash of the
	// machine may destroy the store. For tests and benchmarks only.
	NoSync bool
	// Upgrading is called before a store of an earlier schema is upgraded, which may take
	// minutes; it may be nil.
	Upgrading func(from, to int)
}

// Schema is the version of the layout that this program writes.
const Schema = 5

// Open opens the store at path. Unless ReadOnly is set, it creates what is missing: folders
// with mode 0700, the file with mode 0600. What exists keeps its mode. An empty file, or
// one left by a process that was killed while creating it, becomes a store; with ReadOnly
// it is an *[UnfinishedError], and a missing one an error that wraps [fs.ErrNotExist].
// Other errors are *[LockedError], *[NewerError], *[NotStoreError], *[DamagedError], or the
// system's.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if !o.ReadOnly {
		if err := storefile.MakeFolder(filepath.Dir(path)); err != nil {
			return nil, fmt.Errorf("make the folder of the store: %w", err)
		}
		storefile.SweepScratch(storefile.Followed(path))
		if err := born(ctx, path, o); err != nil {
			return nil, err
		}
	}
	db := newDB(path, o.Now)
	if err := db.openCodecs(); err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	if err := db.openFile(ctx, o); err != nil {
		return nil, err
	}
	err := db.openSchema(ctx, o)
	if err == nil {
		err = db.migrate(ctx, o)
	}
	if err != nil {
		db.closeFile() // the first error says more
		return nil, err
	}
	return db, nil
}

// openCodecs makes the compressor and the decompressor. They take memory when
// they are first used.
func (db *DB) openCodecs() (err error) {
	if db.encoder, err = block.NewEncoder(); err != nil {
		return err
	}
	db.blocks, err = block.NewReader(0)
	return err
}

// openFile opens the file, waiting for its lock.
func (db *DB) openFile(ctx context.Context, o Options) error {
	deadline := time.Now().Add(o.LockTimeout)
	for {
		err := db.tryOpen(o)
		if errors.Is(err, errReplaced) {
			continue
		}
		if !errors.Is(err, berrors.ErrTimeout) {
			return err
		}
		wait := min(lockPoll, time.Until(deadline))
		if wait <= 0 {
			pid, command := storefile.Holder(db.path)
			return &LockedError{Path: db.path, PID: pid, Command: command}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for store %s: %w", db.path, ctx.Err())
		case <-time.After(wait):
		}
	}
}

// tryOpen opens the file unless it is locked. bbolt panics over some damaged files and
// leaves them open, so a handle of the file is kept.
func (db *DB) tryOpen(o Options) error {
	var file *os.File
	freelist := bbolt.FreelistMapType
	if o.ReadOnly {
		freelist = bbolt.FreelistArrayType // smaller, and it is only counted
	}
	err := db.guard(func() (err error) {
		db.bolt, err = bbolt.Open(db.path, 0o600, &bbolt.Options{
			Timeout:         time.Nanosecond, // one try
			ReadOnly:        o.ReadOnly,
			NoSync:          o.NoSync,
			NoGrowSync:      o.NoSync,
			PreLoadFreelist: true,
			FreelistType:    freelist,
			PageSize:        page.Size,
			MaxSize:         int(growLimit()),
			OpenFile: func(path string, flag int, mode os.FileMode) (f *os.File, err error) {
				if f, db.fresh, err = openLocked(path, flag, mode); err != nil {
					return nil, err
				}
				if err = fits(f, db.path); err != nil {
					_ = storefile.Release(f)
					return nil, err
				}
				if o.ReadOnly {
					if db.shared, err = storefile.SameLock(f); err != nil {
						_ = storefile.Release(f)
						return nil, err
					}
				}
				file = f
				return f, nil
			},
		})
		return err
	})
	if err != nil && db.shared != nil {
		_ = storefile.Release(db.shared)
	}
	damage, other, empty := (*DamagedError)(nil), (*NotStoreError)(nil), (*UnfinishedError)(nil)
	large := (*TooLargeError)(nil)
	switch {
	case err == nil && !storefile.Same(file, db.path):
		return errors.Join(errReplaced, db.closeFile())
	case err == nil:
		db.file = file
		return nil
	case errors.As(err, &damage):
		if file != nil && damage.panicked {
			_ = storefile.Release(file)
		}
		return damage
	case errors.As(err, &other):
		return other
	case errors.As(err, &empty):
		return empty
	case errors.As(err, &large):
		return large
	case errors.Is(err, berrors.ErrTimeout):
		return err
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return &NotStoreError{Path: db.path, Reason: "it has no valid header"}
	}
	return fmt.Errorf("open store %s: %w", db.path, err)
}

// errReplaced says that another file has replaced the opened one.
var errReplaced = errors.New("the store was replaced while it was opened")

// openSchema reads the store's basic records, and makes an empty file a new store.
func (db *DB) openSchema(ctx context.Context, o Options) error {
	empty := false
	err := db.view(ctx, func(tx *txn) error {
		if k, _ := tx.Cursor().First(); k == nil {
			empty = true
			return nil
		}
		return db.readMeta(tx)
	})
	if err != nil || !empty {
		return err
	}
	if !db.fresh {
		return &NotStoreError{Path: db.path, Reason: "it is the database of another program, and holds nothing"}
	}
	if err := db.update(ctx, makeStore); err != nil {
		return fmt.Errorf("make store %s: %w", db.path, err)
	}
	return db.view(ctx, db.readMeta)
}

// makeStore makes the buckets of a new store.
func makeStore(tx *txn) error {
	for i := range layout.Buckets {
		if b := &layout.Buckets[i]; !b.Late {
			if _, err := tx.CreateBucket([]byte(b.Name)); err != nil {
				return err
			}
		}
	}
	meta := tx.top(layout.Meta)
	if err := meta.Put(record.KeySchema, record.AppendSchema(nil, Schema)); err != nil {
		return err
	}
	var s record.Secret
	rand.Read(s[:]) // never fails, see crypto/rand
	return meta.Put(record.KeySecret, record.AppendSecret(nil, &s))
}

// readMeta checks the schema and reads the secret.
func (db *DB) readMeta(tx *txn) error {
	meta := tx.top(layout.Meta)
	if meta == nil || meta.Get(record.KeySchema) == nil {
		return &NotStoreError{Path: db.path, Reason: "it is the database of another program"}
	}
	var err error
	if db.schema, err = record.ReadSchema(meta.Get(record.KeySchema)); err != nil {
		return db.damaged("schema", err)
	}
	if db.schema > Schema {
		return &NewerError{Path: db.path, Schema: db.schema, Highest: Schema}
	}
	if db.schema == Schema && meta.Get(record.KeyUpgrade) != nil {
		db.schema-- // it has begun to become of this one
	}
	for i := range layout.Buckets {
		b := &layout.Buckets[i]
		if _, _, ok := tx.find([]byte(b.Name)); !ok && !b.Late && db.schema == Schema {
			return db.damaged("buckets", fmt.Errorf("%q is missing", b.Name))
		}
	}
	if db.secret, err = record.ReadSecret(meta.Get(record.KeySecret)); err != nil {
		return db.damaged("secret", err)
	}
	return nil
}

func (db *DB) damaged(what string, err error) error {
	if newer := (*record.NewerError)(nil); errors.As(err, &newer) {
		return fmt.Errorf("open store %s: %w", db.path, err)
	}
	return &DamagedError{Path: db.path, Reason: fmt.Sprintf("%s: %v", what, err)}
}
