//go:build !linux

package host

// FilesystemOf never knows: this system is not asked.
func FilesystemOf(string) (Filesystem, bool) { return Filesystem{}, false }

// ClockSynchronised never knows.
func ClockSynchronised() (is, known bool) { return false, false }

// MemoryLimit knows of none.
func MemoryLimit() (int64, bool) { return 0, false }

// FileSizeLimit knows of none.
func FileSizeLimit() (int64, bool) { return 0, false }
