// Package storefile handles what surrounds a store's file: its lock, its folder, the
// scratch folders next to it, and free space. It does not know what is in the file.
package storefile

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// fileLock is a line of /proc/locks.
type fileLock struct {
	pid          int
	major, minor uint64
	inode        uint64
}

// parseLocks reads /proc/locks: lines such as
//
//	1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF
//
// with the process, the device in hexadecimal and the inode. A line of a process
// that waits for the lock has "->" after the number and is left out. Other lines
// are ignored.
func parseLocks(r io.Reader) []fileLock {
	var locks []fileLock
	s := bufio.NewScanner(r)
	for s.Scan() {
		f := strings.Fields(s.Text())
		if len(f) < 6 || f[1] != "FLOCK" {
			continue
		}
		place := strings.Split(f[5], ":")
		pid, err := strconv.Atoi(f[4])
		if err != nil || pid <= 0 || len(place) != 3 {
			continue
		}
		major, err1 := strconv.ParseUint(place[0], 16, 32)
		minor, err2 := strconv.ParseUint(place[1], 16, 32)
		inode, err3 := strconv.ParseUint(place[2], 10, 64)
		if err1 == nil && err2 == nil && err3 == nil {
			locks = append(locks, fileLock{pid, major, minor, inode})
		}
	}
	return locks
}
