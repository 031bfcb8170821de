package main

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKillExport kills exports with SIGKILL at random moments. Each file must be the old
// one or the new one, never a part, and the next export completes the rest.
func TestKillExport(t *testing.T) {
	t.Parallel()
	size, kills := 40_000, 8
	if testing.Short() {
		size, kills = 20_000, 5
	}
	k := newKiller(t, size)
	k.rnd = rand.New(rand.NewPCG(1, 9))
	history, err := os.ReadFile(k.log)
	if err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(k.dir, "part.json")
	if err := os.WriteFile(part, history[:bytes.LastIndexByte(history[:len(history)*2/3], '\n')+1], 0o600); err != nil {
		t.Fatal(err)
	}
	older, newer := k.store("older.db"), k.store("newer.db")
	k.run(older, "run-once", "--embedded", "--input", part)
	k.run(newer, "run-once", "--embedded", "--input", k.log)
	for _, format := range []string{"jsonl", "stix", "parquet"} {
		t.Run(format, func(t *testing.T) {
			to := filepath.Join(t.TempDir(), "out")
			export := []string{"export", "--format", format, "--min-level", "informational", "--output"}
			k.run(older, append(export, to)...)
			before := readTree(t, to)
			whole := k.time(newer, append(export, to+".new")...)
			after := readTree(t, to+".new")
			if len(after) < len(before) || bytes.Equal(after[""], before[""]) && format != "parquet" {
				t.Fatalf("the exports are alike: %d files, %d files", len(before), len(after))
			}
			left := 0
			for range kills {
				k.kill(newer, whole, append(export, to)...)
				now := readTree(t, to)
				for name, is := range now {
					if !bytes.Equal(is, before[name]) && !bytes.Equal(is, after[name]) {
						t.Fatalf("%s: %d bytes, which are neither the %d of before nor the %d of after", name, len(is), len(before[name]), len(after[name]))
					}
				}
				for name := range before {
					if _, is := now[name]; !is {
						t.Fatalf("%s is gone", name)
					}
				}
				left += len(scratches(t, filepath.Dir(to)))
			}
			if left == 0 {
				t.Errorf("no kill landed while an export was written")
			}
			k.run(newer, append(export, to)...)
			now := readTree(t, to)
			for name, is := range after {
				if !bytes.Equal(now[name], is) {
					t.Errorf("%s is not what it is to be in the end", name)
				}
			}
			if len(now) != len(after) {
				t.Errorf("%d files, want %d", len(now), len(after))
			}
			if s := scratches(t, filepath.Dir(to)); len(s) > 0 {
				t.Errorf("left behind: %v", s)
			}
		})
	}
}

// readTree reads a file, or the files below a folder, by their paths within.
func readTree(t *testing.T, root string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, root)] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// scratches are what a killed export left next to its destination.
func scratches(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
