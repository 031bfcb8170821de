package importer

import (
	"io/fs"
	"syscall"
	"time"
)

// identity returns a file's number, and the time of its last change of any sort, which no
// program can set.
func identity(info fs.FileInfo) (changed time.Time, inode uint64) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, 0
	}
	return time.Unix(int64(s.Ctim.Sec), int64(s.Ctim.Nsec)).UTC(), s.Ino
}
