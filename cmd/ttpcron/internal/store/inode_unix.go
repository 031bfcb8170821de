//go:build unix

package store

import (
	"io/fs"
	"syscall"
)

// inode identifies a file on this machine, whatever path leads to it.
func inode(info fs.FileInfo) (device, number uint64) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return uint64(stat.Dev), stat.Ino
}
