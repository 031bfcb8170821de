package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Only its owner can read a new report, whatever the umask; a replacement keeps the
// earlier file's mode.
func TestReportIsPrivate(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	env := []string{"TTPCRON_CONFIG=" + os.DevNull, "HOME=" + dir, "TTPCRON_DB=" + filepath.Join(dir, "t.db"), "TTPCRON_EMBEDDED=false", "TTPCRON_RULES=testdata/rules"}
	does := func(args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(t.Context(), time.Now, args, strings.NewReader(""), &out, &errs, env); code != exitDone {
			t.Fatalf("%v: %d\n%s", args, code, errs.String())
		}
	}
	mode := func(want fs.FileMode) {
		t.Helper()
		if info, err := os.Stat(page); err != nil || info.Mode().Perm() != want {
			t.Errorf("%v, %v, want %v", info.Mode(), err, want)
		}
	}
	does("import", "--format", "events", "-")
	does("report", "-o", page)
	mode(0o600)
	if err := os.Chmod(page, 0o644); err != nil {
		t.Fatal(err)
	}
	does("report", "-o", page)
	mode(0o644)
}
