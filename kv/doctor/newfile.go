package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/record"
	"github.com/ttpcron/ttpcron/kv/storefile"
)

// ExistsError says that a file to be written exists already.
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

// newFile makes a file in a scratch folder next to path, and renames it once write has
// succeeded and it is on the disk. Otherwise nothing is left of it; the next call removes
// what a killed process left.
func newFile(path string, replace bool, size int64, write func(f *os.File) error) (err error) {
	dir := filepath.Dir(path)
	if _, err := os.Lstat(path); err == nil && !replace {
		return &ExistsError{Path: path}
	}
	if err := room(dir, size); err != nil {
		return err
	}
	scratch, err := storefile.NewScratch(path)
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
	return storefile.SyncDir(dir)
}

// appear gives a file its name. Unless replace is set, it never replaces another file,
// even one that was made a moment ago.
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

// room checks that a folder's filesystem has room for that many bytes.
func room(dir string, size int64) error {
	const slack = 1 << 20
	if free, known := storefile.FreeSpace(dir); known && free < size+slack {
		return &NoSpaceError{Dir: dir, Need: size + slack, Enough: free}
	}
	return nil
}

// meter writes, reports progress, and stops on request.
type meter struct {
	ctx      context.Context
	w        io.Writer
	at       kv.Progress
	progress func(kv.Progress)
}

// Write writes, unless the work was cancelled.
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

// replaceable refuses to replace, with a copy, anything but a store of this program, and a
// store that a process has open: that process would go on with a file that nobody can
// find.
func replaceable(ctx context.Context, path string) error {
	return ttpcron.CheckReplace(path, "a store", func(f *os.File) (bool, error) {
		free, err := storefile.TryLock(f, true)
		if err != nil {
			return false, err
		}
		if !free {
			pid, command := storefile.Holder(path)
			return false, &kv.LockedError{Path: path, PID: pid, Command: command}
		}
		if err := storefile.Release(f); err != nil {
			return false, err
		}
		return isStore(ctx, path)
	})
}

// isStore reports whether a file is a store of this program, including damaged ones and
// those of other versions.
func isStore(ctx context.Context, path string) (bool, error) {
	db, err := kv.Open(ctx, path, kv.Options{ReadOnly: true})
	if err == nil {
		return true, db.Close()
	}
	var other *kv.NotStoreError
	if errors.As(err, &other) {
		return false, nil
	}
	var empty *kv.UnfinishedError
	var newer *kv.NewerError
	var newerRecord *record.NewerError
	var older *kv.OlderError
	var damaged *kv.DamagedError
	if errors.As(err, &empty) || errors.As(err, &newer) || errors.As(err, &newerRecord) || errors.As(err, &older) || errors.As(err, &damaged) {
		return true, nil
	}
	return false, err
}
