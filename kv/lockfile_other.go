//go:build !linux && !darwin && !freebsd

package kv

import "os"

// tryLock cannot tell here; bbolt itself still locks.
func tryLock(*os.File, bool) (bool, error) { return true, nil }

func unlock(*os.File) error { return nil }

func freeSpace(string) (free int64, known bool) { return 0, false }

// dressLike gives a file that takes another's place its mode.
func dressLike(f, old *os.File) error {
	info, err := old.Stat()
	if err != nil {
		return err
	}
	return f.Chmod(info.Mode().Perm())
}
