package kv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ttpcron/ttpcron"
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
		err = replaceable(path)
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

// replaceable refuses to replace with a copy what is no file, and what a process
// has open as its store: it would go on with a file that nobody finds again.
func replaceable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil // there is nothing to replace, or newFile says why not
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	f, _, err := ttpcron.OpenRegular(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if free, err := tryLock(f, true); err != nil || free {
		return err
	}
	pid, command := lockHolder(path)
	return &LockedError{Path: path, PID: pid, Command: command}
}

// WriteCopy writes a copy of a store, of size bytes, that a process which has it
// open made with Backup, to a file, as Backup does.
func WriteCopy(ctx context.Context, path string, replace bool, size int64, from io.Reader, progress func(Progress)) error {
	if err := replaceable(path); err != nil {
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

// newFile makes a file under a temporary name beside path, and gives it its name
// when write has succeeded and it is on the disk. Nothing is left of it
// otherwise.
func newFile(path string, replace bool, size int64, write func(f *os.File) error) (err error) {
	dir := filepath.Dir(path)
	if _, err := os.Lstat(path); err == nil && !replace {
		return &ExistsError{Path: path}
	}
	if err := room(dir, size); err != nil {
		return err
	}
	pattern := "." + filepath.Base(path) + ".*.tmp"
	sweep(dir, pattern)
	f, err := os.CreateTemp(dir, pattern) // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			_ = os.Remove(f.Name())
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

// sweep deletes what killed processes left behind a day ago or more.
func sweep(dir, pattern string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		info, err := e.Info()
		if match, _ := filepath.Match(pattern, e.Name()); match && err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > 24*time.Hour {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

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
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("make the folder of the store: %w", err)
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
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
	err = newFile(path, true, src.size, func(f *os.File) error {
		if old != nil {
			if err := dressLike(f, old); err != nil {
				return err
			}
		}
		w := &meter{ctx: ctx, w: f, at: Progress{Place: "copy", Total: src.size}, progress: o.Progress}
		if _, err := io.Copy(w, io.NewSectionReader(src.file, 0, src.size)); err != nil {
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
