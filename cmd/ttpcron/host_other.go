//go:build !linux && !darwin && !freebsd

package main

import (
	"io"
	"io/fs"
	"math"
)

// freeBytes does not know how to ask here.
func freeBytes(string) (int64, error) { return math.MaxInt64, nil }

// monotonicMicros is for systemd, which is not here.
func monotonicMicros() (int64, bool) { return 0, false }

// isJournal is never so where there is no systemd.
func isJournal(io.Writer, string) bool { return false }

// ignoreFileLimit has nothing to do where there is no such limit.
func ignoreFileLimit() {}

// mayWrite does not know how to ask here.
func mayWrite(string) bool { return true }

// ownerOf does not know of owners.
func ownerOf(fs.FileInfo) (uid, gid int, known bool) { return 0, 0, false }
