package host

import (
	"strings"
	"testing"
)

func TestAuthor(t *testing.T) {
	for sudo, want := range map[string]string{
		"": "(uid 4294967, process 7)", "ann": "(uid 4294967, process 7, sudo by ann)", "a.b-c@x": "(uid 4294967, process 7, sudo by a.b-c@x)",
		"ann) (uid 0": "(uid 4294967, process 7)", "\x1b[31m": "(uid 4294967, process 7)", strings.Repeat("a", 65): "(uid 4294967, process 7)",
	} {
		if got := AuthorOf(4294967, 7, sudo); got != "somebody "+want {
			t.Errorf("%q: %q, want %q", sudo, got, want)
		}
	}
}
