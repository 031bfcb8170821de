//go:build !unix

package kv

// mappable is what bbolt maps at most where less than 4 GiB can be addressed.
func mappable() int64 { return mapSizes[1] }
