package kv

import (
	"context"
	"syscall"
)

// Release gives up the memory in which pages of the file are mapped. The kernel
// keeps them as it keeps those of any file, and they come back when they are
// read: a process that will be idle for long does not look as if it needed them.
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
