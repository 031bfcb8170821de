package tagger

import (
	"io/fs"
	"syscall"
)

// inode distinguishes files with the same name, size and time, as in reproducible images:
// by its number and its last change.
func inode(info fs.FileInfo) [3]int64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return [3]int64{}
	}
	return [3]int64{int64(st.Dev), int64(st.Ino), st.Ctim.Nano()}
}
