//go:build linux || darwin || freebsd

package host

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// FreeBytes returns how much an unprivileged process may still write to the
// filesystem of a folder.
func FreeBytes(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// MonotonicMicros reads the clock that systemd compares with, in microseconds.
func MonotonicMicros() (int64, bool) {
	var now unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return now.Nano() / 1000, err == nil
}

// IsJournal reports whether a writer is the file that $JOURNAL_STREAM names by
// device and inode, and not one that has taken its place since.
func IsJournal(w io.Writer, stream string) bool {
	f, ok := w.(*os.File)
	var st unix.Stat_t
	if !ok || stream == "" || unix.Fstat(int(f.Fd()), &st) != nil {
		return false
	}
	return stream == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// IgnoreFileLimit makes a write beyond the limit on the size of a file
// (ulimit -f) an error like that of a full disk, instead of a signal.
func IgnoreFileLimit() { signal.Ignore(unix.SIGXFSZ) }

// MayWrite reports whether this process may make files in a folder.
func MayWrite(dir string) bool { return unix.Access(dir, unix.W_OK|unix.X_OK) == nil }

// OwnerOf returns the user and the group that a file belongs to.
func OwnerOf(info fs.FileInfo) (uid, gid int, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(stat.Uid), int(stat.Gid), true
}
