package kv

import (
	"fmt"
	"io/fs"
)

// LockedError says that another process has the store open. Readers share a
// store, a writer needs it alone.
type LockedError struct {
	Path    string
	PID     int    // of a process that holds it, 0 when it cannot be known
	Command string // that process's name, empty when it cannot be known
}

// Error names the holder.
func (e *LockedError) Error() string {
	switch {
	case e.PID == 0:
		return fmt.Sprintf("store %s is in use by another process", e.Path)
	case e.Command == "":
		return fmt.Sprintf("store %s is in use by process %d", e.Path, e.PID)
	}
	return fmt.Sprintf("store %s is in use by process %d (%q)", e.Path, e.PID, e.Command)
}

// NewerError says that a later version of the program wrote the store.
type NewerError struct {
	Path            string
	Schema, Highest int // the store's schema, and the highest that this program knows
}

// Error says what to do.
func (e *NewerError) Error() string {
	return fmt.Sprintf("store %s has schema %d and this program knows schemas up to %d: install the version of ttpcron that wrote it, or a later one, or restore a backup that this version made (ttpcron db restore FILE)", e.Path, e.Schema, e.Highest)
}

// NotStoreError says that a file is not a store.
type NotStoreError struct {
	Path   string
	Reason string
}

// Error says why.
func (e *NotStoreError) Error() string {
	return fmt.Sprintf("%s is not a ttpcron store: %s", e.Path, e.Reason)
}

// irregular says that a path leads to no file that could hold a store.
func irregular(path string, mode fs.FileMode) *NotStoreError {
	if mode.IsDir() {
		return &NotStoreError{Path: path, Reason: "it is a folder"}
	}
	return &NotStoreError{Path: path, Reason: "it is no regular file"}
}

// DamagedError says that a store's content contradicts itself: the medium or
// another program changed it. Nothing that was read from the damaged place has
// been returned.
type DamagedError struct {
	Path   string
	Reason string

	panicked bool
	unmapped bool // nothing is wrong with the file: there was no address space to map it again
}

// Error says what was found and what to do.
func (e *DamagedError) Error() string {
	if e.unmapped {
		return fmt.Sprintf("store %s grew and the system has no address space left to map it again; what was committed is kept: start ttpcron again", e.Path)
	}
	return fmt.Sprintf("store %s is damaged: %s; keep the file, see what ttpcron db check finds, and restore a backup or save the rest with ttpcron db recover", e.Path, e.Reason)
}

// UnsyncedError says that the disk did not confirm what was written. It is unknown whether
// it was written, and writing more could destroy what was there before, so the store
// refuses writes until it is opened again.
type UnsyncedError struct {
	Path string
	Err  error
}

// Error says what to do.
func (e *UnsyncedError) Error() string {
	return fmt.Sprintf("store %s: the disk did not confirm a write: %v; look at the disk and the system's log, then run ttpcron db check before anything else", e.Path, e.Err)
}

// Unwrap returns the system's error.
func (e *UnsyncedError) Unwrap() error { return e.Err }
