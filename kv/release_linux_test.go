package kv_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// mapped returns how many KiB of a file this process has in memory.
func mapped(t *testing.T, path string) (kib int) {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ours := false
	for s := bufio.NewScanner(f); s.Scan(); {
		n := 0
		if head, _, _ := strings.Cut(s.Text(), " "); strings.Contains(head, "-") && !strings.Contains(head, ":") {
			ours = strings.HasSuffix(s.Text(), path)
		} else if _, err := fmt.Sscanf(s.Text(), "Rss: %d kB", &n); err == nil && ours {
			kib += n
		}
	}
	return kib
}

func TestRelease(t *testing.T) {
	path, ctx := filepath.Join(t.TempDir(), "t.db"), t.Context()
	db := kvtest.OpenAt(t, path)
	var events []ttpcron.Event
	for i := range 20_000 {
		events = append(events, command(fmt.Sprint("id", i), "203.0.113.7", fmt.Sprintf("echo %d %x", i, i*7919)))
	}
	if _, err := db.Import(ctx, ttpcron.Batch{Events: events}); err != nil {
		t.Fatal(err)
	}
	count := func() (n int) {
		for page, err := range db.Events(ctx, ttpcron.Command, ttpcron.DayOf(noon), 0, 1<<40) {
			if err != nil {
				t.Fatal(err)
			}
			n += len(page)
		}
		return n
	}
	if n := count(); n != len(events) {
		t.Fatalf("%d events", n)
	}
	before := mapped(t, path)
	if err := db.Release(ctx); err != nil {
		t.Fatal(err)
	}
	if after := mapped(t, path); after >= before {
		t.Errorf("%d KiB are mapped, of %d before", after, before)
	}
	if n := count(); n != len(events) {
		t.Errorf("%d events afterwards, want %d", n, len(events))
	}
}
