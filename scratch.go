package ttpcron

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Scratch is a folder for files that are useless once the process that made them has ended.
// A lock on it shows that its owner lives, and ends with the process however that ends. So
// the next process can recognise and remove what a killed one left behind.
type Scratch struct {
	Dir string

	lock *os.File
}

// NewScratch makes a folder in parent whose name begins and ends as given, with a number
// between. It first removes what dead processes of this user left under such names, see
// [SweepScratch].
func NewScratch(parent, prefix, suffix string) (*Scratch, error) {
	SweepScratch(parent, prefix, suffix)
	for range 100 {
		dir, err := os.MkdirTemp(parent, strings.ReplaceAll(prefix, "*", "_")+"*"+suffix) // mode 0700
		if err != nil {
			return nil, err
		}
		lock, err := lockFolder(dir)
		if err == nil {
			return &Scratch{Dir: dir, lock: lock}, nil
		}
		// Somebody who sweeps was quicker than the lock.
		_ = os.Remove(dir)
		if !errors.Is(err, errFolderHeld) && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("lock %s: %w", dir, err)
		}
	}
	return nil, fmt.Errorf("make a folder in %s: others keep taking it away", parent)
}

// File returns the path of a file in the folder.
func (s *Scratch) File(name string) string { return filepath.Join(s.Dir, name) }

// Remove removes the folder and everything in it.
func (s *Scratch) Remove() error {
	err := os.RemoveAll(s.Dir)
	if s.lock != nil {
		s.lock.Close()
	}
	return err
}

// SweepScratch removes the folders that NewScratch made under such a name and whose owners
// are gone, with the plain files in them and in their folders. Folders of other users, and
// anything else, stay.
func SweepScratch(parent, prefix, suffix string) {
	prefix = strings.ReplaceAll(prefix, "*", "_")
	d, err := os.Open(parent)
	if err != nil {
		return
	}
	defer d.Close()
	for {
		entries, err := d.ReadDir(256)
		for _, e := range entries {
			if e.IsDir() && len(e.Name()) > len(prefix)+len(suffix) && strings.HasPrefix(e.Name(), prefix) && strings.HasSuffix(e.Name(), suffix) {
				if dir := filepath.Join(parent, e.Name()); ownFolder(dir, 0o077) {
					sweepFolder(dir, 2)
				}
			}
		}
		if err != nil || len(entries) == 0 {
			return
		}
	}
}

// sweepFolder removes a folder whose owner is gone, and folders in it down to a depth: a
// store that is made in a scratch folder has one of its own meanwhile, and an export has
// folders in a folder.
func sweepFolder(dir string, depth int) {
	lock, err := lockFolder(dir)
	if err != nil || lock == nil {
		return
	}
	defer lock.Close()
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		switch path := filepath.Join(dir, e.Name()); {
		case e.Type().IsRegular():
			_ = os.Remove(path)
		case e.IsDir() && depth > 0 && ownFolder(path, 0): // an export opens its folders to others before it puts them in place
			sweepFolder(path, depth-1)
		}
	}
	_ = os.Remove(dir)
}

// errFolderHeld says that the owner of a folder lives.
var errFolderHeld = errors.New("another process holds it")
