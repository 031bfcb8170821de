package main

import "testing"

// Above what a run counts exactly, it says that the number is approximate.
func TestGroups(t *testing.T) {
	for n, want := range map[int]string{1: "1 group", 65_536: "65,536 groups", 65_538: "about 65,538 groups"} {
		if got := groups(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
