//go:build linux || darwin || freebsd

package ttpcron

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// lockFolder takes the lock of a folder, which must still be there then. It
// returns nil where the filesystem has no such locks.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = errFolderHeld
	case err != nil:
		f.Close()
		return nil, nil
	default:
		var is, was os.FileInfo
		if is, err = os.Lstat(dir); err == nil {
			if was, err = f.Stat(); err == nil && !os.SameFile(is, was) {
				err = errFolderHeld
			}
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// ownFolder reports whether a folder belongs to this user and has no forbidden permissions.
func ownFolder(dir string, forbidden fs.FileMode) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm()&forbidden != 0 {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
