package tagger

import (
	"crypto/sha256"
	"testing"
)

// TestWatchSettles: a change is reported once, when it has settled.
func TestWatchSettles(t *testing.T) {
	var w watch
	got := ""
	for i, letter := range "aabbbcdeeebbaaefaa" {
		now := sha256.Sum256([]byte(string(letter)))
		if i == 0 {
			w = watch{reported: now, seen: now}
		}
		if w.look(now) {
			got += string(letter)
		} else {
			got += "."
		}
	}
	if want := "...b....e..b.a...."; got != want {
		t.Errorf("reported %s, want %s", got, want)
	}
}
