//go:build !unix

package control

import "io/fs"

// ownerOf knows no owner: files of this system have none with a number.
func ownerOf(fs.FileInfo) (uid, gid int, ok bool) { return 0, 0, false }
