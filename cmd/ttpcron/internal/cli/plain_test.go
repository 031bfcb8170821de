package cli

import (
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

func TestPlain(t *testing.T) {
	for _, tt := range []struct {
		op, path string
		err      error
		want     string
	}{
		{"stat", "/x", syscall.ENOENT, "write: there is no file or folder /x"},
		{"open", "/x", syscall.ENOENT, "write: there is no file or folder /x"},
		{"open", "/x", syscall.EACCES, "write: open /x: permission denied"},
		{"lstat", "/x", syscall.EACCES, "write: /x cannot be reached: permission denied"},
		{"mkdir", "a/.b.123.tmp", syscall.EACCES, "write: nothing can be made in the folder a: permission denied"},
		{"mkdir", "/proc/.b.123.tmp", syscall.ENOENT, "write: nothing can be made in the folder /proc"},
		{"write", "/x", syscall.ENOSPC, "write: write /x: no space left on device"},
	} {
		err := fmt.Errorf("write: %w", &fs.PathError{Op: tt.op, Path: tt.path, Err: tt.err})
		if got := Plain(err); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
