package kv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/page"
)

// ExistsError says that a file which would be written exists.
type ExistsError struct{ Path string }

// Error names the file.
func (e *ExistsError) Error() string { return fmt.Sprintf("%s exists", e.Path) }

// NoSpaceError says that a filesystem has too little room for a copy.
type NoSpaceError struct {
	Dir          string
	Need, Enough int64 // bytes that are needed, and that are free
}

// Error says how much is missing.
func (e *NoSpaceError) Error() string {
	return fmt.Sprintf("%s has %d MiB free and the copy needs %d MiB", e.Dir, e.Enough>>20, e.Need>>20)
}

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

// Backup writes a copy of the store to a file, as it stood at one moment; other
// calls go on meanwhile. The copy is synced and checked like [Check] does before
// it appears under its name, all of it at once. A file that exists is an
// *[ExistsError] unless replace is set.
func (db *DB) Backup(ctx context.Context, path string, replace bool, progress func(Progress)) error {
	var size int64
	err := db.view(ctx, func(tx *txn) error {
		size = tx.bolt.Size()
		if info, err := os.Stat(db.path); err == nil && sameAs(info, path) {
			return errors.New("it is the store itself")
		}
		return nil
	})
	if err == nil {
		err = replaceable(ctx, path)
	}
	if err == nil {
		err = newFile(path, replace, size, func(f *os.File) error {
			if err := db.copyInto(ctx, f, progress); err != nil {
				return err
			}
			return verify(ctx, f, db.path, progress)
		})
	}
	if err != nil {
		return fmt.Errorf("back up the store to %s: %w", path, err)
	}
	return nil
}

// Snapshot returns a copy of the store, as Backup makes one, in a file without a
// name: it is gone when it is closed, or when the process ends. progress may be nil.
func (db *DB) Snapshot(ctx context.Context, progress func(Progress)) (f *os.File, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("copy the store: %w", err)
		}
	}()
	scratch, err := db.scratch()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, scratch.Remove()) }()
	f, err = os.OpenFile(scratch.File("copy"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err = db.copyInto(ctx, f, progress); err == nil {
		err = verify(ctx, f, db.path, progress)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// scratch makes a folder for a copy beside the store, if there is room for one.
func (db *DB) scratch() (*ttpcron.Scratch, error) {
	path := followed(db.path)
	if info, err := os.Stat(path); err == nil {
		if err := room(filepath.Dir(path), info.Size()); err != nil {
			return nil, err
		}
	}
	return ttpcron.NewScratch(filepath.Dir(path), scratchPrefix(path), scratchSuffix)
}

// followed is a path without symbolic links, as far as it leads anywhere.
func followed(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// replaceable refuses to replace with a copy what is no store of this program,
// and what a process has open as its store: it would go on with a file that
// nobody finds again.
func replaceable(ctx context.Context, path string) error {
	return ttpcron.CheckReplace(path, "a store", func(f *os.File) (bool, error) {
		free, err := tryLock(f, true)
		if err != nil {
			return false, err
		}
		if !free {
			pid, command := lockHolder(path)
			return false, &LockedError{Path: path, PID: pid, Command: command}
		}
		if err := f.Close(); err != nil { // gives back the lock
			return false, err
		}
		return isStore(ctx, path)
	})
}

// isStore reports whether a file is a store of this program, damaged ones and
// those of other versions among them.
func isStore(ctx context.Context, path string) (bool, error) {
	db, err := Open(ctx, path, Options{ReadOnly: true})
	if err == nil {
		return true, db.Close()
	}
	var other *NotStoreError
	if errors.As(err, &other) {
		return false, nil
	}
	var empty *UnfinishedError
	var newer *NewerError
	var older *OlderError
	var damaged *DamagedError
	if errors.As(err, &empty) || errors.As(err, &newer) || errors.As(err, &older) || errors.As(err, &damaged) {
		return true, nil
	}
	return false, err
}

// WriteCopy writes a copy of a store, of size bytes, that a process which has it
// open made with Backup, to a file, as Backup does.
func WriteCopy(ctx context.Context, path string, replace bool, size int64, from io.Reader, progress func(Progress)) error {
	if err := replaceable(ctx, path); err != nil {
		return err
	}
	return newFile(path, replace, size, func(f *os.File) error {
		w := &meter{ctx: ctx, w: f, at: Progress{Place: "copy", Total: size}, progress: progress}
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

// copyInto writes the store to a file as it stands at one moment. What is
// deleted or replaced meanwhile stays in the store's file until the copy is
// done: nothing but the copy is made under the transaction.
func (db *DB) copyInto(ctx context.Context, f *os.File, progress func(Progress)) error {
	return db.view(ctx, func(tx *txn) error {
		_, err := tx.bolt.WriteTo(&meter{ctx: ctx, w: f, at: Progress{Place: "copy", Total: tx.bolt.Size()}, progress: progress})
		return err
	})
}

// meter writes, tells how far it has come, and stops when it is told to.
type meter struct {
	ctx      context.Context
	w        io.Writer
	at       Progress
	progress func(Progress)
}

func (m *meter) Write(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.w.Write(p)
	m.at.Done += int64(n)
	if m.progress != nil {
		m.progress(m.at)
	}
	return n, err
}

// newFile makes a file in a scratch folder beside path, and gives it its name
// when write has succeeded and it is on the disk. Nothing is left of it
// otherwise, or of a process that was killed after the next one.
func newFile(path string, replace bool, size int64, write func(f *os.File) error) (err error) {
	dir := filepath.Dir(path)
	if _, err := os.Lstat(path); err == nil && !replace {
		return &ExistsError{Path: path}
	}
	if err := room(dir, size); err != nil {
		return err
	}
	scratch, err := ttpcron.NewScratch(dir, scratchPrefix(path), scratchSuffix)
	if err != nil {
		return err
	}
	defer func() { _ = scratch.Remove() }()
	f, err := os.OpenFile(scratch.File("new"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := appear(f.Name(), path, replace); err != nil {
		return err
	}
	return syncDir(dir)
}

// Copies are written in a folder beside the file that they become, named
// .NAME.123.tmp: on its filesystem, and out of the way of what watches the folder.
const scratchSuffix = ".tmp"

func scratchPrefix(path string) string { return "." + filepath.Base(path) + "." }

// appear gives a file its name. Unless replace is set it never takes the place
// of another, even of one that was made a moment ago.
func appear(temporary, path string, replace bool) error {
	if !replace {
		switch err := os.Link(temporary, path); {
		case err == nil:
			return os.Remove(temporary)
		case errors.Is(err, fs.ErrExist):
			return &ExistsError{Path: path}
		}
		// A filesystem without hard links.
		if _, err := os.Lstat(path); err == nil {
			return &ExistsError{Path: path}
		}
	}
	return os.Rename(temporary, path)
}

// room checks that a folder's filesystem has room for so many bytes.
func room(dir string, size int64) error {
	const slack = 1 << 20
	if free, known := freeSpace(dir); known && free < size+slack {
		return &NoSpaceError{Dir: dir, Need: size + slack, Enough: free}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// verify checks a copy of the store at from.
func verify(ctx context.Context, f *os.File, from string, progress func(Progress)) error {
	if err := f.Sync(); err != nil {
		return err
	}
	r, err := Check(ctx, f.Name(), FileOptions{Progress: func(p Progress) {
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

// Restore puts a copy of the store at from in the place of the store at path,
// which is kept beside it under the name returned, empty when there was none.
// The copy is checked like [Check] does before it takes that place, all of it
// at once. It waits for the lock of the store that is replaced.
func Restore(ctx context.Context, from, path string, o FileOptions) (aside string, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	src, err := openSource(ctx, from, o.Options, false)
	if err != nil {
		return "", err
	}
	defer src.close()
	if sameFile(src.file, path) {
		return "", fmt.Errorf("restore %s: it is the store itself", from)
	}
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return "", fmt.Errorf("make the folder of the store: %w", err)
	}
	path = followed(path)
	if err := ttpcron.CheckReplace(path, "a store", mayHaveBeenStore); err != nil {
		return "", fmt.Errorf("restore %s: %w", from, err)
	}
	old, err := lockFile(ctx, path, o.LockTimeout, true)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return "", err
	}
	if old != nil {
		defer old.Close() // keeps others out until the new file is there
	}
	err = newFile(path, true, src.Bytes, func(f *os.File) error {
		if old != nil {
			if err := dressLike(f, old); err != nil {
				return err
			}
		}
		w := &meter{ctx: ctx, w: f, at: Progress{Place: "copy", Total: src.Bytes}, progress: o.Progress}
		if _, err := io.Copy(w, io.NewSectionReader(src.file, 0, src.Bytes)); err != nil {
			return err
		}
		err := verify(ctx, f, from, o.Progress)
		if older := (*OlderError)(nil); errors.As(err, &older) {
			if err = upgrade(ctx, f.Name()); err == nil {
				err = verify(ctx, f, from, o.Progress)
			}
		}
		if err != nil || old == nil {
			return err
		}
		aside, err = setAside(path, o.Now())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("restore %s: %w", from, err)
	}
	return aside, nil
}

// mayHaveBeenStore tells a store that damage has made unknowable from a file of
// another kind, which somebody named by mistake. Pages of a store are full of
// zeros; text has none.
func mayHaveBeenStore(f *os.File) (bool, error) {
	head := make([]byte, page.Size)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return false, err
	}
	head = head[:n]
	return bytes.IndexByte(head, 0) >= 0 && !bytes.HasPrefix(head, []byte("SQLite format 3\x00")), nil
}

// upgrade brings a store of an earlier schema up to date.
func upgrade(ctx context.Context, path string) error {
	db, err := Open(ctx, path, Options{})
	if err != nil {
		return err
	}
	return db.Close()
}

// setAside gives a store a second name, by which it stays when another takes its
// place.
func setAside(path string, now time.Time) (string, error) {
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s.%s", path, now.UTC().Format("20060102T150405Z"))
		if n > 1 {
			name = fmt.Sprintf("%s-%d", name, n)
		}
		err := os.Link(path, name)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil { // a filesystem without hard links
			if _, serr := os.Lstat(name); serr == nil {
				continue
			}
			err = os.Rename(path, name)
		}
		return name, err
	}
}
