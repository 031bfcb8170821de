package kv_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// TestBackupWhileWriting backs a store up while events and tags are written: each copy is
// intact, and is the state between two calls.
func TestBackupWhileWriting(t *testing.T) {
	db := kvtest.Open(t)
	events := crashEvents(200)
	ctx, stop := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		for n := 0; n < 200 && ctx.Err() == nil; n++ {
			if _, err := db.Import(t.Context(), ttpcron.Batch{Events: events[n*crashBatch : (n+1)*crashBatch], Position: crashPosition(n + 1)}); err != nil {
				t.Error(err)
			}
			if _, err := db.Commit(t.Context(), crashCommit(events, n)); err != nil {
				t.Error(err)
			}
		}
	})
	to := filepath.Join(t.TempDir(), "backup.db")
	last := -1
	for n := 0; n < rounds(12) || last <= 0 && n < 10_000; n++ {
		if err := doctor.Backup(t.Context(), db, to, true, nil); err != nil {
			t.Fatal(err)
		}
		r := checked(t, to)
		if r.Events%crashBatch != 0 || r.Tags%(2*crashBatch) != 0 || r.Events/crashBatch-r.Tags/(2*crashBatch) > 1 || r.Events < last {
			t.Fatalf("%d events and %d tags, %d events before", r.Events, r.Tags, last)
		}
		last = r.Events
	}
	stop()
	writer.Wait()
	if last <= 0 {
		t.Error("nothing was written meanwhile")
	}
}

func TestBackupRefuses(t *testing.T) {
	path := write(t, tiny(t))
	db := kvtest.OpenAt(t, path)
	to := filepath.Join(t.TempDir(), "b.db")
	if err := doctor.Backup(t.Context(), db, path, true, nil); err == nil {
		t.Error("a store was backed up to itself")
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := doctor.Backup(t.Context(), db, link, true, nil); err == nil {
		t.Error("a store was backed up to itself by another name")
	}
	var locked *kv.LockedError
	inUse := write(t, tiny(t))
	kvtest.OpenAt(t, inUse)
	if err := doctor.Backup(t.Context(), db, inUse, true, nil); !errors.As(err, &locked) {
		t.Errorf("a backup over a store in use: %v", err)
	}
	if err := doctor.WriteCopy(t.Context(), inUse, true, 1, bytes.NewReader([]byte("x")), nil); !errors.As(err, &locked) {
		t.Errorf("a copy over a store in use: %v", err)
	}
	if err := doctor.Backup(t.Context(), db, os.DevNull, true, nil); err == nil {
		t.Error("a device was replaced")
	}
	if err := doctor.Backup(t.Context(), db, to, false, nil); err != nil {
		t.Fatal(err)
	}
	var exists *doctor.ExistsError
	if err := doctor.Backup(t.Context(), db, to, false, nil); !errors.As(err, &exists) {
		t.Errorf("a backup over another: %v", err)
	}
	before := readAt(t, to)
	ctx, cancel := context.WithCancel(t.Context())
	err := doctor.Backup(ctx, db, to, true, func(p kv.Progress) {
		if p.Place == "verify" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("stopped while it verifies: %v", err)
	}
	if !bytes.Equal(readAt(t, to), before) {
		t.Error("a backup that was stopped has changed the one before")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(to), ".*")); len(left) > 0 {
		t.Errorf("%v is left behind", left)
	}
}

// TestLeftovers deletes what killed processes left of copies of this file, and nothing
// else: not what a live process still holds.
func TestLeftovers(t *testing.T) {
	db := kvtest.OpenAt(t, write(t, tiny(t)))
	dir := t.TempDir()
	for _, name := range []string{".b.db.1.tmp", ".b.db.2.tmp", ".c.db.1.tmp", "b.db.1.tmp"} {
		folder := filepath.Join(dir, name)
		if err := errors.Join(os.Mkdir(folder, 0o700), os.WriteFile(filepath.Join(folder, "new"), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	held, err := os.Open(filepath.Join(dir, ".b.db.2.tmp"))
	if err == nil {
		err = syscall.Flock(int(held.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := doctor.Backup(t.Context(), db, filepath.Join(dir, "b.db"), false, nil); err != nil {
		t.Fatal(err)
	}
	var names []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != ".b.db.2.tmp .c.db.1.tmp b.db b.db.1.tmp" {
		t.Errorf("left are %s", got)
	}
}

// TestCompact gives free room back, and keeps content, mode and owner.
func TestCompact(t *testing.T) {
	path := write(t, rich(t))
	db := kvtest.OpenAt(t, path)
	g := newGenerator(4)
	g.unique, g.now = true, noon
	importAll(t, db, g.events(20_000))
	if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: ttpcron.DayOf(g.now) + 1}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	owner := os.Geteuid()
	if owner == 0 {
		owner = 12345
		if err := os.Chown(path, owner, owner); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	before := dumpAllFile(t, path)
	c, err := doctor.Compact(t.Context(), link, doctor.Options{})
	if err != nil || c.After >= c.Before/2 {
		t.Fatalf("%+v, %v", c, err)
	}
	if got := dumpAllFile(t, path); !bytes.Equal(got, before) {
		t.Error(firstDifference(got, before))
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 || info.Size() != c.After || int(info.Sys().(*syscall.Stat_t).Uid) != owner {
		t.Errorf("%v, %v", info, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is no link any more: %v, %v", info, err)
	}
	checked(t, path)
}

// TestWritersOfOldFile: who opened a store before it was replaced, and gets the
// lock after, works on the new one.
func TestWritersOfOldFile(t *testing.T) {
	path := write(t, tiny(t))
	db := kvtest.OpenAt(t, path)
	waiting := make(chan error)
	go func() {
		c, err := kv.Open(t.Context(), path, kv.Options{LockTimeout: time.Minute, NoSync: true})
		if err == nil {
			_, err = c.Import(t.Context(), ttpcron.Batch{Events: newGenerator(50).events(10)})
			err = errors.Join(err, c.Close())
		}
		waiting <- err
	}()
	time.Sleep(20 * time.Millisecond)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := doctor.Compact(t.Context(), path, doctor.Options{Options: kv.Options{LockTimeout: time.Minute}}); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err != nil {
		t.Fatal(err)
	}
	if r := checked(t, path); r.Events != 710 {
		t.Errorf("%d events", r.Events)
	}
}

// TestRestoreOld restores a backup that the first version made.
func TestRestoreOld(t *testing.T) {
	from := write(t, unpack(t, "v1.db.gz"))
	path := write(t, tiny(t))
	kept := dumpAllFile(t, path)
	aside, err := doctor.Restore(t.Context(), from, path, doctor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	checked(t, path)
	if got, want := upgraded(dumpFile(t, path)), upgraded(unpack(t, "v1.golden.gz")); !bytes.Equal(got, want) {
		t.Error(firstDifference(got, want))
	}
	if got := dumpAllFile(t, aside); !bytes.Equal(got, kept) {
		t.Error("what was there is not what is kept")
	}
	if !bytes.Equal(readAt(t, from), unpack(t, "v1.db.gz")) {
		t.Error("the backup has been changed")
	}
}

// TestNoRoom: if there is too little room, no copy is written, and the error says how much
// is needed.
func TestNoRoom(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1600k"); err != nil {
		t.Skipf("no filesystem can be mounted here: %v; TestDiskFull fills the disk without one", err)
	}
	defer syscall.Unmount(dir, 0)
	path := filepath.Join(dir, "t.db")
	if err := os.WriteFile(path, small(t), 0o600); err != nil {
		t.Fatal(err)
	}
	want := dumpAllFile(t, path)
	var room *doctor.NoSpaceError
	if _, err := doctor.Compact(t.Context(), path, doctor.Options{}); !errors.As(err, &room) || room.Need <= room.Enough {
		t.Errorf("compacting: %v", err)
	}
	if _, err := doctor.Restore(t.Context(), write(t, small(t)), path, doctor.Options{}); !errors.As(err, &room) {
		t.Errorf("restoring: %v", err)
	}
	if got := dumpAllFile(t, path); !bytes.Equal(got, want) {
		t.Error("the store has changed")
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 1 {
		t.Errorf("%v is left behind", entries)
	}
}

// TestPruneStopped stops a pruning: each of its steps is complete, and the next pruning
// does the rest.
func TestPruneStopped(t *testing.T) {
	path := write(t, rich(t))
	db := kvtest.OpenAt(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	days := 0
	all := kv.Prune{EventsBefore: 1 << 20, TagsBefore: 1 << 20}
	p := all
	p.Progress = func(kv.Progress) {
		if days++; days == 1 {
			cancel()
		}
	}
	if _, err := db.Prune(ctx, p); !errors.Is(err, context.Canceled) {
		t.Fatalf("a pruning that was stopped: %v", err)
	}
	s, err := db.Stats(t.Context())
	if err != nil || len(s.Kinds) == 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := db.Prune(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if r := checked(t, path); r.Events+r.Tags != 0 {
		t.Errorf("%d events and %d tags are left", r.Events, r.Tags)
	}
}

// TestPruneCountsWaiting counts the events that no run has looked at.
func TestPruneCountsWaiting(t *testing.T) {
	g := newGenerator(1)
	g.pace = 10 * time.Minute
	events := g.events(300) // two days and a bit
	day := ttpcron.DayOf(events[0].Time)
	n := 0
	for _, e := range events {
		if ttpcron.DayOf(e.Time) == day {
			n++
		}
	}
	cover := func(c ttpcron.Coverage) ttpcron.Commit {
		c.Kind, c.Day, c.RuleSet = ttpcron.Command, day, "r"
		return ttpcron.Commit{Coverage: []ttpcron.Coverage{c}}
	}
	cursor := func(seq int) ttpcron.Commit {
		return ttpcron.Commit{Cursors: []ttpcron.Cursor{{Kind: ttpcron.Command, Seq: uint64(seq)}}}
	}
	for name, tt := range map[string]struct {
		commit ttpcron.Commit
		want   int
	}{
		"nothing was looked at":     {ttpcron.Commit{}, n},
		"all by resumed runs":       {cursor(n), 0},
		"half by resumed runs":      {cursor(n / 2), n - n/2},
		"all by a window":           {cover(ttpcron.Coverage{UpTo: uint64(n)}), 0},
		"a part by a window":        {cover(ttpcron.Coverage{UpTo: 10}), n - 10},
		"the end by a window":       {cover(ttpcron.Coverage{After: 10, UpTo: uint64(n)}), n},
		"the afternoon by a window": {cover(ttpcron.Coverage{UpTo: uint64(n), Since: day.Start().Add(12 * time.Hour)}), n},
	} {
		db := kvtest.Open(t)
		importAll(t, db, events)
		if _, err := db.Commit(t.Context(), tt.commit); err != nil {
			t.Fatal(err)
		}
		r, err := db.Prune(t.Context(), kv.Prune{EventsBefore: day + 1, DryRun: true})
		if err != nil || len(r.Kinds) != 1 || r.Kinds[0].Waiting != tt.want || r.Kinds[0].Events != n {
			t.Errorf("%s: %+v, %v, want %d of %d", name, r, err, tt.want, n)
		}
	}
}

// TestMeasureSpace: the parts of a file and its free space add up to the whole.
func TestMeasureSpace(t *testing.T) {
	path := write(t, rich(t))
	s, err := doctor.MeasureSpace(t.Context(), path, doctor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum := s.FreeBytes
	names := map[string]doctor.BucketSpace{}
	for _, b := range s.Buckets {
		sum += b.Bytes
		names[b.Name] = b
		if b.Entries > 0 && b.Data == 0 || b.Bytes > 0 && b.Data > b.Bytes {
			t.Errorf("%+v", b)
		}
	}
	// The headers, the root and the free list belong to no part.
	if left := s.FileBytes - sum; left < 3*4096 || left > 6*4096 {
		t.Errorf("%d bytes of %d belong to nothing: %+v", left, s.FileBytes, s)
	}
	r := checked(t, path)
	if names["tags"].Entries != r.Tags {
		t.Errorf("%d tags, want %d", names["tags"].Entries, r.Tags)
	}
	content := readAt(t, path)
	for at := 2 * 4096; at < len(content); at += 4096 {
		content[at] ^= 1
	}
	var damaged *kv.DamagedError
	if _, err := doctor.MeasureSpace(t.Context(), write(t, content), doctor.Options{}); !errors.As(err, &damaged) {
		t.Errorf("a damaged store: %v", err)
	}
	if _, err := doctor.MeasureSpace(t.Context(), write(t, []byte(fmt.Sprint("no store", strings.Repeat("x", 9000)))), doctor.Options{}); err == nil {
		t.Error("a file that is no store was measured")
	}
}

// TestReplacesNoOther: neither a backup nor a restore replaces a file of another kind.
func TestReplacesNoOther(t *testing.T) {
	store := write(t, tiny(t))
	db := kvtest.OpenAt(t, store)
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	other, err := bbolt.Open(foreign, 0o600, nil)
	if err == nil {
		err = errors.Join(other.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err }), other.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	theirs := readAt(t, foreign)
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := doctor.Backup(t.Context(), db, backup, false, nil); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		content []byte
		restore bool // whether a restore refuses it too
	}{
		{"text", []byte("db = \"t.db\"\n"), true},
		{"a SQLite database", append([]byte("SQLite format 3\x00"), make([]byte, 4096)...), true},
		{"another program's bbolt file", theirs, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.content)
			var want *ttpcron.ForeignFileError
			if err := doctor.Backup(t.Context(), db, path, true, nil); !errors.As(err, &want) {
				t.Errorf("backup: %v", err)
			}
			if _, err := doctor.Restore(t.Context(), backup, path, doctor.Options{}); tt.restore && !errors.As(err, &want) {
				t.Errorf("restore: %v", err)
			}
			if tt.restore && !bytes.Equal(readAt(t, path), tt.content) {
				t.Error("it has changed")
			}
		})
	}
	for _, path := range []string{backup, write(t, nil)} { // a backup, and an empty file
		if err := doctor.Backup(t.Context(), db, path, true, nil); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}
