//go:build !linux

package kv

import "context"

// Release does nothing here.
func (db *DB) Release(context.Context) error { return nil }
