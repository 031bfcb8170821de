package storefile

import (
	"slices"
	"strings"
	"testing"
)

func TestParseLocks(t *testing.T) {
	got := parseLocks(strings.NewReader(`1: FLOCK  ADVISORY  WRITE 1234 08:1f:5678 0 EOF
1: -> FLOCK  ADVISORY  WRITE 99 08:1f:5678 0 EOF
2: POSIX  ADVISORY  READ 1235 08:01:5679 128 128
3: FLOCK  ADVISORY  READ 7 fe:00:12 0 EOF
4: FLOCK  ADVISORY  WRITE -1 fe:00:12 0 EOF
5: FLOCK  ADVISORY  WRITE 8 fe:00 0 EOF
6: FLOCK
`))
	want := []fileLock{{1234, 8, 0x1f, 5678}, {7, 0xfe, 0, 12}}
	if !slices.Equal(got, want) {
		t.Errorf("locks %v, want %v", got, want)
	}
}

func FuzzParseLocks(f *testing.F) {
	f.Add("1: FLOCK  ADVISORY  WRITE 1234 08:1f:5678 0 EOF\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, l := range parseLocks(strings.NewReader(text)) {
			if l.pid <= 0 {
				t.Errorf("process %d", l.pid)
			}
		}
	})
}
