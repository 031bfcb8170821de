//go:build !linux && !darwin && !freebsd

package kv

import "os"

// tryLock cannot tell here; bbolt itself still locks.
func tryLock(*os.File, bool) (bool, error) { return true, nil }

func freeSpace(string) (free int64, known bool) { return 0, false }
