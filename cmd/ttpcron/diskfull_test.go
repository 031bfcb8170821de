//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ttpcron/ttpcron/kv/doctor"
)

// ended runs a command that may fail.
func ended(t *testing.T, cmd *exec.Cmd) (code int, stderr string) {
	t.Helper()
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &b
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), b.String()
}

// TestDiskFull lets the disk run full, at another moment each time, under imports
// and runs of the real program: at the end of the limit on the size of a file,
// and where this process may mount a small filesystem on that too. The program
// says so and exits 1; with room again it ends where it would have ended.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	size := 30_000
	if testing.Short() {
		size = 8_000
	}
	k := newKiller(t, size)
	whole := k.store("whole.db")
	k.run(whole, "import", k.log)
	k.run(whole, "run-once", "--since-days", "3650")
	wantEvents, wantTags := allEvents(t, whole), k.tags(whole)
	info, err := os.Stat(whole)
	if err != nil {
		t.Fatal(err)
	}
	full := map[string]func(db string, size int64, args ...string) (int, string){
		"limit": func(db string, size int64, args ...string) (int, string) {
			cmd := k.command(db, args...)
			script := fmt.Sprintf("ulimit -f %d; exec \"$0\" \"$@\"", size/512)
			limited := exec.Command("sh", append([]string{"-c", script, k.binary}, args...)...)
			limited.Env = cmd.Env
			return ended(t, limited)
		},
	}
	small := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(small, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=1m"); err == nil {
		defer syscall.Unmount(small, 0)
		resize := func(size int64) {
			if err := syscall.Mount("tmpfs", small, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%d", size)); err != nil {
				t.Fatal(err)
			}
		}
		full["small filesystem"] = func(db string, size int64, args ...string) (int, string) {
			resize(size)
			defer resize(1 << 30)
			return ended(t, k.command(db, args...))
		}
	} else {
		t.Logf("no filesystem can be mounted here (%v): the limit on the size of a file stands for it", err)
	}
	for name, run := range full {
		db := k.store("full.db")
		if name != "limit" {
			db = filepath.Join(small, "full.db")
		}
		failed := 0
		for _, args := range [][]string{{"import", k.log}, {"run-once", "--since-days", "3650"}} {
			for share := int64(1); share <= 6; share++ {
				size := max(64<<10, info.Size()*share/8)
				if have, err := os.Stat(db); err == nil {
					size = max(size, have.Size()+16<<10)
				}
				code, stderr := run(db, size, args...)
				switch {
				case code == exitDone:
				case code != exitFailed || !strings.Contains(stderr, "no space left") && !strings.Contains(stderr, "file too large") || strings.Contains(stderr, "goroutine"):
					t.Fatalf("%s, %v: exit %d: %s", name, args, code, stderr)
				default:
					failed++
				}
				if _, err := os.Stat(db); err != nil {
					continue
				}
				if r, err := doctor.Check(t.Context(), db, doctor.Options{}); err != nil || r.Damaged() {
					t.Fatalf("%s, %v: after a full disk: %v, %+v", name, args, err, r.Findings)
				}
			}
			k.run(db, args...)
		}
		if failed < 2 {
			t.Errorf("%s: the disk was full %d times", name, failed)
		}
		if got := allEvents(t, db); !slices.Equal(got, wantEvents) {
			t.Errorf("%s: %d events, want %d, or others", name, len(got), len(wantEvents))
		}
		if got := k.tags(db); !slices.Equal(got, wantTags) {
			t.Errorf("%s: %d tags, want %d, or others", name, len(got), len(wantTags))
		}
		t.Logf("%s: the disk was full %d times", name, failed)
	}
}
