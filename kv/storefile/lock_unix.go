//go:build linux || darwin || freebsd

package storefile

import (
	"errors"
	"os"
	"syscall"
)

// TryLock takes the lock that bbolt takes, if it is free.
func TryLock(f *os.File, exclusive bool) (bool, error) {
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// Unlock releases the lock of a file even if others have the file open. A lock ends by
// itself only when nobody does. A mapping counts, and so does a child process that was
// forked a moment ago and does not run its own program yet.
func Unlock(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var uerr error
	err = c.Control(func(fd uintptr) { uerr = syscall.Flock(int(fd), syscall.LOCK_UN) })
	return errors.Join(err, uerr)
}

// SameLock returns another handle of an open file, through which its lock can be given
// back when the first is closed.
func SameLock(f *os.File) (*os.File, error) {
	c, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var handle int
	var derr error
	err = c.Control(func(fd uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		if handle, derr = syscall.Dup(int(fd)); derr == nil {
			syscall.CloseOnExec(handle)
		}
	})
	if err = errors.Join(err, derr); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(handle), f.Name()), nil
}

// FreeSpace returns how many bytes may be written to the filesystem of a folder.
func FreeSpace(dir string) (free int64, known bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}

// OwnLike gives a new file the owner of its folder if root makes it in a folder of somebody
// else, who could not open it otherwise: a service's user, for example, in whose state
// folder an administrator makes or restores the store.
func OwnLike(f *os.File, dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid != 0 {
		return f.Chown(int(s.Uid), int(s.Gid))
	}
	return nil
}

// DressLike gives a file the mode and owner of the file that it replaces, so that everybody
// who could open the store still can. Only root can change owners; other users own both
// files.
func DressLike(f, old *os.File) error {
	info, err := old.Stat()
	if err != nil {
		return err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := f.Chown(int(s.Uid), int(s.Gid)); err != nil {
			return err
		}
	}
	return f.Chmod(info.Mode().Perm())
}
