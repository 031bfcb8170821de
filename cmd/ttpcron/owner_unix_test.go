//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestStoreOfAnotherUser makes and restores a store as root in a folder of another user,
// who must be able to open it: it is that of a service.
func TestStoreOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root makes files for others")
	}
	const nobody = 65534
	dir := t.TempDir()
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	db, backup := filepath.Join(dir, "t.db"), filepath.Join(t.TempDir(), "backup.db")
	log := filepath.Join(t.TempDir(), "events.jsonl")
	event := `{"source_kind":"command","time":"2026-05-04T05:49:05Z","attacker_ip":"203.0.113.7","payload":{"command_text":"id"}}` + "\n"
	if err := os.WriteFile(log, []byte(event), 0o600); err != nil {
		t.Fatal(err)
	}
	belongs := func(path string, want uint32) {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Sys().(*syscall.Stat_t).Uid; got != want || info.Mode().Perm() != 0o600 {
			t.Errorf("%s belongs to user %d with mode %v", path, got, info.Mode())
		}
	}
	call := func(args ...string) {
		t.Helper()
		if code, out, stderr := invoke(t, nil, append(args, "--db", db)...); code != exitDone {
			t.Fatalf("%q: exit %d, %s%s", args, code, out, stderr)
		}
	}
	call("import", log)
	belongs(db, nobody)
	call("db", "backup", backup)
	belongs(backup, 0)
	if err := os.Remove(db); err != nil {
		t.Fatal(err)
	}
	call("db", "restore", backup)
	belongs(db, nobody)
	call("db", "compact")
	belongs(db, nobody)
}
