//go:build !linux

package storefile

// Holder finds a process that holds the lock of a file; this system does
// not say.
func Holder(string) (pid int, command string) { return 0, "" }
