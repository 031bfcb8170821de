package kv_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/storefile"
)

// A child process has each descriptor of its parent for a moment, between fork and exec. A
// store that is closed meanwhile is free nevertheless.
func TestClosedStoreIsFree(t *testing.T) {
	for name, use := range map[string]func(path string, fork func()) error{
		"write": func(path string, fork func()) error {
			db, err := kv.Open(t.Context(), path, kv.Options{})
			if err != nil {
				return err
			}
			fork()
			return db.Close()
		},
		"read": func(path string, fork func()) error {
			db, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: true})
			if err != nil {
				return err
			}
			fork()
			return db.Close()
		},
		"lock": func(path string, fork func()) error {
			f, err := kv.LockFile(t.Context(), path, 0, true)
			if err != nil {
				return err
			}
			fork()
			return storefile.Release(f)
		},
		"check": func(path string, fork func()) error {
			forked := false
			_, err := doctor.Check(t.Context(), path, doctor.Options{Progress: func(kv.Progress) {
				if !forked {
					fork()
				}
				forked = true
			}})
			if !forked {
				return fmt.Errorf("no progress was told (%w)", err)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "t.db")
			db, err := kv.Open(t.Context(), path, kv.Options{})
			if err == nil {
				err = db.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			forked := 0
			err = use(path, func() {
				for _, fd := range descriptors(t, path) {
					child, err := syscall.Dup(fd)
					if err != nil {
						t.Fatal(err)
					}
					forked++
					t.Cleanup(func() { syscall.Close(child) })
				}
			})
			if err != nil || forked == 0 {
				t.Fatalf("%d descriptors, %v", forked, err)
			}
			if db, err = kv.Open(t.Context(), path, kv.Options{}); err != nil {
				t.Fatal(err)
			}
			db.Close()
		})
	}
}

// descriptors returns this process's descriptors of a file.
func descriptors(t *testing.T, path string) (fds []int) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if to, _ := os.Readlink(l); to == path {
			var fd int
			fmt.Sscan(filepath.Base(l), &fd)
			fds = append(fds, fd)
		}
	}
	return fds
}
