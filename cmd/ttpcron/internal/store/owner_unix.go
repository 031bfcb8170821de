//go:build unix

package store

import (
	"io/fs"
	"syscall"
)

// inode returns what names a file on this machine, whatever path leads to it.
func inode(info fs.FileInfo) (device, number uint64) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return uint64(stat.Dev), stat.Ino
}

// ownerOf returns the user who owns a file, false when the system does not know.
func ownerOf(info fs.FileInfo) (uid int, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
