//go:build unix

package ttpcron_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/ttpcron/ttpcron"
)

// TestOpenRegularRefuses opens what would block, never end or have effects.
// Opening any of them would hang the test, or open what is no file.
func TestOpenRegularRefuses(t *testing.T) {
	dir := t.TempDir()
	fifo, socket, link := filepath.Join(dir, "fifo"), filepath.Join(dir, "s"), filepath.Join(dir, "link")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(fifo, link); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	paths := map[string]string{
		fifo: " is a FIFO, not a file", link: " is a FIFO, not a file", socket: " is a socket, not a file",
		dir: " is a folder", "/dev/zero": " is a device, not a file", os.DevNull: " is a device, not a file",
	}
	if runtime.GOOS == "linux" {
		paths["/proc/self/mem"] = " is a file of the kernel, not a file"
		paths["/proc/kmsg"] = " is a file of the kernel, not a file"
		paths["/sys/kernel/mm/transparent_hugepage/enabled"] = " is a file of the kernel, not a file"
	}
	for path, want := range paths {
		if _, err := os.Stat(path); err != nil {
			continue // this machine has none
		}
		_, _, err := ttpcron.OpenRegular(path)
		if odd := (*ttpcron.NotRegularError)(nil); !errors.As(err, &odd) || err.Error() != path+want {
			t.Errorf("OpenRegular(%s): %v", path, err)
		}
		if _, err := ttpcron.ReadRegular(path, 10); err == nil || err.Error() != path+want {
			t.Errorf("ReadRegular(%s): %v", path, err)
		}
	}
	if f, err := ttpcron.RegularFS(dir).Open("link"); err == nil || !strings.Contains(err.Error(), "a FIFO") {
		t.Errorf("a FIFO within a folder: %v, %v", f, err)
	}
}

func TestReadRegular(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ttpcron.ReadRegular(path, 10); err != nil || string(got) != "0123456789" {
		t.Errorf("%q, %v", got, err)
	}
	large := (*ttpcron.TooLargeError)(nil)
	if got, err := ttpcron.ReadRegular(path, 9); !errors.As(err, &large) || got != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := ttpcron.ReadRegular(path+"x", 9); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	got, err := fs.ReadFile(ttpcron.RegularFS(filepath.Dir(path)), "f")
	if err != nil || string(got) != "0123456789" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := ttpcron.RegularFS(filepath.Dir(path)).Open("../f"); err == nil {
		t.Error("a name that leads out of the folder was opened")
	}
}
