//go:build !linux && !darwin && !freebsd

package storefile

import "os"

// TryLock cannot tell here; bbolt itself still locks.
func TryLock(*os.File, bool) (bool, error) { return true, nil }

// Unlock does nothing here.
func Unlock(*os.File) error { return nil }

// SameLock returns no handle here.
func SameLock(*os.File) (*os.File, error) { return nil, nil }

// FreeSpace cannot tell here.
func FreeSpace(string) (free int64, known bool) { return 0, false }

// OwnLike does nothing here.
func OwnLike(*os.File, string) error { return nil }

// DressLike gives a file the mode of the file that it replaces.
func DressLike(f, old *os.File) error {
	info, err := old.Stat()
	if err != nil {
		return err
	}
	return f.Chmod(info.Mode().Perm())
}
