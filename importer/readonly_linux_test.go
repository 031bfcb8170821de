package importer

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// asNobody runs do in a thread that may not write to files of root's. Tests are
// often run as root, whom no permission stops.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		do()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		if _, _, errno := unix.RawSyscall(unix.SYS_SETFSUID, 65534, 0, 0); errno != 0 {
			t.Errorf("setfsuid: %v", errno)
			return
		}
		do()
	}()
	<-done
}

// TestReadOnlyFolder reads databases from a folder, and files, to which it may
// not write.
func TestReadOnlyFolder(t *testing.T) {
	for name, journal := range map[string]string{"wal": "PRAGMA journal_mode=wal", "journal": ""} {
		path := buildDecnet(t, decnetDir, journal)
		readOnly(t, path)
		asNobody(t, func() {
			if os.WriteFile(path+"-probe", nil, 0o600) == nil {
				t.Error("the folder is not read-only")
			}
			if r := readAll(t, path, Options{}); r.Err != nil || len(r.Events) != goldenEvents {
				t.Errorf("%s: %d events, error %v", name, len(r.Events), r.Err)
			}
		})
	}
}

// TestReadOnlyFolderWhileWritten reads a live database without the right to
// write to anything of it.
func TestReadOnlyFolderWhileWritten(t *testing.T) {
	path := buildDecnet(t, decnetDir, "")
	exec(t, openWriter(t, path), `INSERT INTO attackers VALUES ('wal-1', '192.0.2.50', NULL, '2026-05-04', '2026-05-04 01:00:00', '[{"command":"in the wal"}]', NULL, NULL)`)
	readOnly(t, path)
	asNobody(t, func() {
		if r := readAll(t, path, Options{}); r.Err != nil || len(r.Events) != goldenEvents+1 {
			t.Errorf("%d events, error %v", len(r.Events), r.Err)
		}
	})
}

// readOnly takes away the right to write from a database and its folder.
func readOnly(t *testing.T, path string) {
	t.Helper()
	dir := filepath.Dir(path)
	for _, p := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Chmod(p, 0o444); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	// Above it lies the test's own folder, which others may not enter.
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
}

func TestPermissionDenied(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.json", []byte(commands(0, 1)))
	secret := filepath.Join(dir, "secret")
	if err := os.Mkdir(secret, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "b.json", []byte(commands(0, 1)))
	if os.Geteuid() != 0 {
		if err := os.Chmod(secret, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(secret, 0o700) })
	}
	os.Chmod(filepath.Dir(dir), 0o755)
	os.Chmod(filepath.Join(dir, "a.json"), 0o644)
	asNobody(t, func() {
		paths, err := Expand([]string{dir})
		if len(paths.Files) != 2 || err == nil {
			t.Errorf("%v, %v", paths.Files, err)
		}
		if r := readAll(t, filepath.Join(dir, "a.json"), Options{}); len(r.Events) != 1 {
			t.Error(r.Err)
		}
		if os.Geteuid() == 0 {
			if r := readAll(t, filepath.Join(dir, "b.json"), Options{}); !os.IsPermission(r.Err) {
				t.Error(r.Err)
			}
		}
	})
}
