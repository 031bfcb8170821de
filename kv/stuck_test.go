package kv_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// patience is how long a test waits before it fails.
const patience = 2 * time.Minute

// comes fails the test when something waits for ever.
func comes(t *testing.T, what string, do func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatalf("%s: it does not return", what)
		return nil
	}
}

// overwrite changes a file in place, as another program or the medium does.
func overwrite(t *testing.T, path string, at int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt(b, at)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestStuck destroys the headers of an open store, so that bbolt panics while it holds its
// locks. Every later call fails at once, the file is free to be repaired, and closing does
// not wait for a transaction in progress.
func TestStuck(t *testing.T) {
	content := tiny(t)
	path, whole := write(t, content), write(t, content)
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	inside, leave, left := make(chan bool), make(chan bool), make(chan error, 1)
	go func() {
		told := false
		left <- doctor.Backup(t.Context(), db, filepath.Join(t.TempDir(), "b.db"), false, func(kv.Progress) {
			if !told {
				told = true
				inside <- true
				<-leave
			}
		})
	}()
	<-inside // a transaction is open
	for page := range int64(2) {
		overwrite(t, path, page*4096+32, []byte("no header"))
	}
	calls := map[string]func() error{
		"stats": func() error { _, err := db.Stats(t.Context()); return err },
		"import": func() error {
			_, err := db.Import(t.Context(), ttpcron.Batch{Events: newGenerator(9).events(3)})
			return err
		},
		"summary": func() error {
			_, err := db.Under(nil).Summary(t.Context(), ttpcron.Window{}, ttpcron.MinLevels{}, nil)
			return err
		},
		"space":   func() error { _, err := doctor.MeasureOpen(t.Context(), db, nil); return err },
		"backup":  func() error { return doctor.Backup(t.Context(), db, path+".b", false, nil) },
		"release": func() error { return db.Release(context.Background()) },
	}
	for range 2 {
		for name, do := range calls {
			var damaged *kv.DamagedError
			if err := comes(t, name, do); !errors.As(err, &damaged) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	// The handle is still there, and the store can be put in order.
	if _, err := doctor.Check(t.Context(), path, doctor.Options{Options: kv.Options{LockTimeout: patience}}); err != nil {
		t.Error(err)
	}
	if _, err := doctor.Restore(t.Context(), whole, path, doctor.Options{Options: kv.Options{LockTimeout: patience}}); err != nil {
		t.Error(err)
	}
	works(t, "restored", path)
	if err := comes(t, "close", db.Close); err != nil {
		t.Error(err)
	}
	close(leave)
	<-left // whatever came of it
}

// TestDamagedLetsGo opens stores that bbolt panics over: after the failure, no lock is
// left.
func TestDamagedLetsGo(t *testing.T) {
	content := tiny(t)
	panicked := 0
	for at := 8192; at < len(content); at += 4096 {
		bad := bytes.Clone(content)
		bad[at+8] ^= 0xff // what sort of page it is
		path := write(t, bad)
		for _, readOnly := range []bool{false, true} {
			db, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: readOnly, NoSync: true})
			if err == nil {
				touch(t, db)
				if err := comes(t, "close", db.Close); err != nil {
					t.Error(err)
				}
			} else {
				panicked++
			}
		}
		if _, err := doctor.Recover(t.Context(), path, path+".new", doctor.Options{}); err != nil {
			t.Errorf("page at %d: %v", at, err)
		}
		db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
		if locked := (*kv.LockedError)(nil); errors.As(err, &locked) {
			t.Errorf("page at %d: %v", at, err)
		}
		if err == nil {
			db.Close()
		}
	}
	if panicked == 0 {
		t.Error("every one opened")
	}
}
