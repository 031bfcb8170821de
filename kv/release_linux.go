package kv

import (
	"context"
	"syscall"
)

// Release gives up the memory in which pages of the file are mapped, so that a process that
// will be idle for long does not seem to need it. The kernel keeps the pages in its cache
// as for any file, and they come back when they are read.
func (db *DB) Release(ctx context.Context) error {
	// The mapping stays where it is while a transaction is open.
	return db.view(ctx, func(tx *txn) error {
		_, _, errno := syscall.Syscall(syscall.SYS_MADVISE, db.bolt.Info().Data, uintptr(tx.bolt.Size()), syscall.MADV_DONTNEED)
		if errno != 0 {
			return errno
		}
		return nil
	})
}
