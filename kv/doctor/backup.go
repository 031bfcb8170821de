package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/storefile"
)

// DamagedCopyError says that the copy of a store was checked and is damaged.
type DamagedCopyError struct {
	Path   string // of what was copied
	Report CheckReport
}

// Error tells the first finding.
func (e *DamagedCopyError) Error() string {
	f := e.Report.Findings[0]
	return fmt.Sprintf("the copy of %s is damaged (%d findings, the first in %s: %s) and has been deleted", e.Path, len(e.Report.Findings)+e.Report.More, f.Place, f.What)
}

// Backup writes a copy of an open store, as of one moment, to a file; other calls continue
// meanwhile. The copy is synced, and checked as by [Check], before it atomically appears
// under its name. A file that exists is an *[ExistsError] unless replace is set.
func Backup(ctx context.Context, db *kv.DB, path string, replace bool, progress func(kv.Progress)) error {
	size, _, err := db.Size(ctx)
	if info, serr := os.Stat(db.Path()); err == nil && serr == nil && storefile.SameAs(info, path) {
		err = ErrStoreItself
	}
	if err == nil {
		err = replaceable(ctx, path)
	}
	if err == nil {
		err = newFile(path, replace, size, func(f *os.File) error {
			if err := copyInto(ctx, db, f, progress); err != nil {
				return err
			}
			return verify(ctx, f, db.Path(), progress)
		})
	}
	if err != nil {
		return fmt.Errorf("back up the store to %s: %w", path, err)
	}
	return nil
}

// Snapshot returns a copy of an open store, as Backup makes one, in a file without a name,
// which is gone when it is closed or the process ends. progress may be nil.
func Snapshot(ctx context.Context, db *kv.DB, progress func(kv.Progress)) (f *os.File, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("copy the store: %w", err)
		}
	}()
	path := storefile.Followed(db.Path())
	if info, err := os.Stat(path); err == nil {
		if err := room(filepath.Dir(path), info.Size()); err != nil {
			return nil, err
		}
	}
	scratch, err := storefile.NewScratch(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, scratch.Remove()) }()
	f, err = os.OpenFile(scratch.File("copy"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err = copyInto(ctx, db, f, progress); err == nil {
		err = verify(ctx, f, db.Path(), progress)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// copyInto writes a store's state at one moment to a file.
func copyInto(ctx context.Context, db *kv.DB, f *os.File, progress func(kv.Progress)) error {
	return db.CopyTo(ctx, func(size int64) (io.Writer, error) {
		return &meter{ctx: ctx, w: f, at: kv.Progress{Place: "copy", Total: size}, progress: progress}, nil
	})
}

// WriteCopy writes to a file, as Backup does, the size bytes of a copy that the
// process which has the store open made with Snapshot.
func WriteCopy(ctx context.Context, path string, replace bool, size int64, from io.Reader, progress func(kv.Progress)) error {
	if err := replaceable(ctx, path); err != nil {
		return err
	}
	return newFile(path, replace, size, func(f *os.File) error {
		w := &meter{ctx: ctx, w: f, at: kv.Progress{Place: "copy", Total: size}, progress: progress}
		n, err := io.Copy(w, from)
		if err == nil && n != size {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		return verify(ctx, f, path, progress)
	})
}

// verify checks a copy of the store at from.
func verify(ctx context.Context, f *os.File, from string, progress func(kv.Progress)) error {
	if err := f.Sync(); err != nil {
		return err
	}
	r, err := Check(ctx, f.Name(), Options{Progress: func(p kv.Progress) {
		if progress != nil {
			p.Place = "verify"
			progress(p)
		}
	}})
	if err != nil {
		return err
	}
	if r.Damaged() {
		r.Path = from
		return &DamagedCopyError{Path: from, Report: r}
	}
	return nil
}
