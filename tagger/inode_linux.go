package tagger

import (
	"io/fs"
	"syscall"
)

// inode distinguishes one file from another of the same name, size and time, as
// reproducible images hold them: which it is, and when anything of it changed
// last.
func inode(info fs.FileInfo) [3]int64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return [3]int64{}
	}
	return [3]int64{int64(st.Dev), int64(st.Ino), st.Ctim.Nano()}
}
