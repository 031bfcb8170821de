//go:build !race

package tagger

// raced is 1 in tests that run under the race detector.
const raced = 0
