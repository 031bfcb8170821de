//go:build unix

package correlation

import (
	"syscall"
	"time"
)

// cpuTime returns the processor time that this process has used: on a machine
// that is shared it says more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
