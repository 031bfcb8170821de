package kv

import (
	"context"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// Release gives up the memory in which pages of the file are mapped. The kernel
// keeps them as it keeps those of any file, and they come back when they are
// read: a process that will be idle for long does not look as if it needed them.
func (db *DB) Release(ctx context.Context) error {
	// The mapping stays where it is while a transaction is open.
	return db.view(ctx, func(tx *bbolt.Tx) error {
		_, _, errno := unix.Syscall(unix.SYS_MADVISE, db.bolt.Info().Data, uintptr(tx.Size()), unix.MADV_DONTNEED)
		if errno != 0 {
			return errno
		}
		return nil
	})
}
