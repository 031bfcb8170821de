//go:build !unix

package tagger

import "time"

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }
