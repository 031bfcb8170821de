//go:build !linux && !darwin && !freebsd

package main

import "math"

// freeBytes does not know how to ask here.
func freeBytes(string) (int64, error) { return math.MaxInt64, nil }

// monotonicMicros is for systemd, which is not here.
func monotonicMicros() (int64, bool) { return 0, false }
