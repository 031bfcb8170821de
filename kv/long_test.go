package kv_test

import (
	"os"
	"strconv"
	"testing"
)

// rounds is how often a test repeats something random: a tenth in short mode, and
// KV_TEST_LONG times as often for a run over night.
func rounds(n int) int {
	if testing.Short() {
		return max(2, n/10)
	}
	if f, err := strconv.Atoi(os.Getenv("KV_TEST_LONG")); err == nil && f > 0 {
		return n * f
	}
	return n
}
