//go:build !linux && !darwin && !freebsd

package host

import (
	"io"
	"io/fs"
	"math"
)

// FreeBytes names no limit: this system cannot be asked.
func FreeBytes(string) (int64, error) { return math.MaxInt64, nil }

// MonotonicMicros is for systemd, which is not here.
func MonotonicMicros() (int64, bool) { return 0, false }

// IsJournal is never so where there is no systemd.
func IsJournal(io.Writer, string) bool { return false }

// IgnoreFileLimit has nothing to do where there is no such limit.
func IgnoreFileLimit() {}

// MayWrite is always true: this system cannot be asked.
func MayWrite(string) bool { return true }

// OwnerOf never knows the owner.
func OwnerOf(fs.FileInfo) (uid, gid int, known bool) { return 0, 0, false }
