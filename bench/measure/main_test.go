package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestRssAnon(t *testing.T) {
	if got := rssAnon([]byte("Name:\tx\nVmRSS:\t  900 kB\nRssAnon:\t     1234 kB\nRssFile:\t1 kB\n")); got != 1234<<10 {
		t.Errorf("RssAnon %d", got)
	}
	if got := rssAnon([]byte("Name:\tx\n")); got != 0 {
		t.Errorf("RssAnon %d of a status without it", got)
	}
}

// The test runs itself as a program that holds and writes what is known.
func TestMeasure(t *testing.T) {
	if os.Getenv("MEASURE_CHILD") != "" {
		held := make([]byte, 64<<20)
		for i := range held {
			held[i] = 1
		}
		fmt.Fprintln(os.Stderr, held[len(held)-1])
		os.Exit(3)
	}
	t.Setenv("MEASURE_CHILD", "1")
	line, code, err := measure([]string{os.Args[0], "-test.run=^TestMeasure$"})
	if err != nil || code != 3 {
		t.Fatalf("exit code %d, %v", code, err)
	}
	var seconds, user, system float64
	var written, anon int64
	if _, err := fmt.Sscanf(strings.TrimSpace(line), "seconds=%f user=%f system=%f written=%d anon=%d", &seconds, &user, &system, &written, &anon); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if anon > 512<<20 || seconds <= 0 {
		t.Errorf("figures %q", line)
	}
}
