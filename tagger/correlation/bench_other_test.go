//go:build !unix

package correlation

import "time"

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }
