package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
)

// nativeEvent is a line with an event that the test rules tag.
func nativeEvent(at time.Time, i int) string { return nodetest.EventLine(at, i) }

// If a folder is full of files without a known format, a command's log has a line for each
// reason, and the table of import only their number; with --json every file is listed.
func TestPassedOverByHand(t *testing.T) {
	n := newNode(t, everySecond)
	for folder, files := range map[string]int{"strays": 300, "more": 1} {
		if err := os.MkdirAll(n.Path("logs/"+folder), 0o777); err != nil {
			t.Fatal(err)
		}
		for i := range files {
			n.Write(fmt.Sprintf("logs/%s/\x1b[31m%03d", folder, i), "hello\n")
		}
	}
	n.Write("logs/strays/events.jsonl", nativeEvent(n.Base, 1))
	code, stdout, stderr := n.run("", "import", "--db", "other.db", "logs")
	if code != exitDone || strings.Count(stderr, "passed over: files=301 ")+strings.Count(stderr, "passed over: file=") != 2 || stdout != "" || !strings.Contains(stderr, "\n302 files passed over\n") || strings.Contains(stdout+stderr, "\x1b") {
		t.Errorf("%d, %q and:\n%s", code, stdout, stderr)
	}
	code, _, stderr = n.run("", "run-once", "--db", "other.db", "--input", "logs")
	if code != exitDone || strings.Count(stderr, "passed over") != 2 {
		t.Errorf("%d\n%s", code, stderr)
	}
	code, stdout, stderr = n.run("", "import", "--db", "other.db", "--json", "logs")
	if code != exitDone || strings.Count(stdout, "\n") != 302 {
		t.Errorf("%d, %d objects\n%s", code, strings.Count(stdout, "\n"), stderr)
	}
}
