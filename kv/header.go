package kv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	berrors "go.etcd.io/bbolt/errors"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/storefile"
)

// CheckFile looks at the header of the file at a path without opening it as a
// store. It returns nil for a file that is missing, or that would become a store;
// otherwise a *[NotStoreError] or a *[DamagedError].
func CheckFile(path string) error {
	err := checkFile(path)
	if empty := (*UnfinishedError)(nil); errors.As(err, &empty) {
		return nil
	}
	return err
}

// checkFile checks the file at a path as CheckHeader does. If it cannot be opened, other
// code reports that.
func checkFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil // bbolt's own attempt gives the error
	}
	if !info.Mode().IsRegular() {
		return irregular(path, info.Mode())
	}
	f, _, err := ttpcron.OpenRegular(path)
	if odd := (*ttpcron.NotRegularError)(nil); errors.As(err, &odd) {
		return &NotStoreError{Path: path, Reason: "it is no regular file"}
	}
	if err != nil {
		return nil
	}
	defer f.Close()
	return CheckHeader(f, path)
}

// CheckHeader looks at a file before bbolt does, which maps it into memory and
// would fault on one that has been cut short. Errors are *[UnfinishedError],
// *[NotStoreError] and *[DamagedError].
func CheckHeader(f *os.File, path string) error {
	buf := make([]byte, 2*page.Size)
	n, _ := f.ReadAt(buf, 0)
	buf = buf[:n]
	// The size is read after the header: a file that is being written grows first.
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if unfinished(f, info.Size()) {
		return &UnfinishedError{Path: path, Bytes: info.Size()}
	}
	found := false
	var used int64
	var newest uint64
	for n := range 2 {
		at := n*page.Size + page.HeaderOffset
		if len(buf) < at+page.HeaderBytes {
			break
		}
		m := buf[at : at+page.HeaderBytes]
		if binary.LittleEndian.Uint32(m) != page.Magic {
			continue
		}
		found = true
		if page.FNV64a(m[:page.HeaderBytes-8]) != binary.LittleEndian.Uint64(m[page.HeaderBytes-8:]) {
			continue
		}
		size, pages, txid := binary.LittleEndian.Uint32(m[8:]), binary.LittleEndian.Uint64(m[40:]), binary.LittleEndian.Uint64(m[48:])
		if used == 0 || txid > newest {
			newest, used = txid, int64(min(pages, 1<<40))*int64(size)
		}
	}
	switch {
	case !found && zeros(buf):
		return &NotStoreError{Path: path, Reason: "it holds nothing but zeros"}
	case !found:
		return &NotStoreError{Path: path, Reason: "it does not begin like one"}
	case used == 0:
		return &DamagedError{Path: path, Reason: "no header is whole"}
	case info.Size() < used:
		return &DamagedError{Path: path, Reason: fmt.Sprintf("it has %d bytes where %d are in use: it was cut short", info.Size(), used)}
	}
	return nil
}

// openLocked opens a file for bbolt. It takes bbolt's lock, so that nobody writes while it
// checks the file. A file in which nothing was ever stored is emptied, and bbolt starts it
// anew.
func openLocked(path string, flag int, mode os.FileMode) (f *os.File, fresh bool, err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, false, irregular(path, info.Mode())
	}
	if f, err = os.OpenFile(path, flag, mode); err != nil {
		return nil, false, err
	}
	defer func() {
		if err != nil {
			_ = storefile.Release(f)
		}
	}()
	writes := flag&os.O_RDWR != 0
	locked, err := storefile.TryLock(f, writes)
	if err != nil {
		return nil, false, err
	}
	if !locked {
		return nil, false, berrors.ErrTimeout
	}
	err = CheckHeader(f, path)
	if empty := (*UnfinishedError)(nil); writes && errors.As(err, &empty) {
		if empty.Bytes > 0 {
			err = f.Truncate(0)
		} else {
			err = nil
		}
		return f, true, err
	}
	return f, false, err
}
