//go:build unix

package control

import (
	"io/fs"
	"syscall"
)

// ownerOf returns the user and the group that own a file, false when the system
// does not know them.
func ownerOf(info fs.FileInfo) (uid, gid int, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(stat.Uid), int(stat.Gid), true
}
