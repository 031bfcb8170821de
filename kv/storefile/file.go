package storefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ttpcron/ttpcron"
)

// Same reports whether an open file is still the one at its path: compacting and restoring
// replace it, and a lock on the old one protects nothing.
func Same(f *os.File, path string) bool {
	a, err := f.Stat()
	return err == nil && SameAs(a, path)
}

// SameAs reports whether a file is the one at a path.
func SameAs(a os.FileInfo, path string) bool {
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}

// Release unlocks a file and closes it.
func Release(f *os.File) error { return errors.Join(Unlock(f), f.Close()) }

// Followed returns a path with symbolic links resolved, as far as it exists.
func Followed(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// MakeFolder makes a folder and those above it, and syncs each to disk.
func MakeFolder(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := MakeFolder(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); errors.Is(err, fs.ErrExist) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return nil // another process made it
		}
		return err
	} else if err != nil {
		return err
	}
	if err := SyncDir(parent); !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil // a folder that may be written and not read
}

// SyncDir makes sure that what was created or renamed in a folder is on disk.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Files that become a store, or a copy of one, are written in a folder next to it, named
// .NAME.123.tmp: on the same filesystem, and hidden from programs that watch the folder.
func scratchName(path string) (dir, prefix, suffix string) {
	return filepath.Dir(path), "." + filepath.Base(path) + ".", ".tmp"
}

// NewScratch makes a scratch folder beside a file.
func NewScratch(path string) (*ttpcron.Scratch, error) { return ttpcron.NewScratch(scratchName(path)) }

// SweepScratch removes the scratch folders that killed processes left next to a file; their
// content may be as large as the store.
func SweepScratch(path string) { ttpcron.SweepScratch(scratchName(path)) }
