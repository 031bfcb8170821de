// Package host asks the machine that the program runs on: how much room its disk
// has, who owns a file, what a user is called, whether a process is suspended. Each
// function stands alone. What differs between systems is in host_unix.go, and
// host_other.go has answers for systems that cannot be asked.
package host

import (
	"bytes"
	"fmt"
	"os"
)

// Suspended reports whether a process was stopped, as by Ctrl-Z; false when the
// system does not say.
func Suspended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// The name before the state is in brackets, and may hold brackets itself.
	after := stat[bytes.LastIndexByte(stat, ')')+1:]
	return bytes.HasPrefix(after, []byte(" T"))
}
