package kv_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// dumpAll is dump with the records of rules, coverage and horizons.
func dumpAll(t *testing.T, db *kv.DB) []byte {
	t.Helper()
	ctx := t.Context()
	var b strings.Builder
	b.Write(dump(t, db))
	note := func(v any, err error) {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%+v\n", v)
	}
	note(db.Retirements(ctx))
	note(db.RuleVersions(ctx))
	note(db.Audit(ctx, 0))
	kinds, err := db.Kinds(ctx)
	note(kinds, err)
	for _, k := range kinds {
		days, err := db.Days(ctx, k)
		note(days, err)
		for _, d := range days {
			for _, c := range d.Coverage {
				set, ok, err := db.RuleSet(ctx, c.RuleSet)
				if note(ok, err); ok {
					note(set, err)
				}
			}
		}
	}
	// Pruned events are skipped, and others are not.
	old := newGenerator(3).events(400)
	note(db.Known(ctx, old))
	return []byte(b.String())
}

// step is a call that writes in one transaction.
type step struct {
	name string
	do   func(db *kv.DB) error
}

// life is a series of calls that touch every part of a store, each of which writes.
func life(t *testing.T) []step {
	g := newGenerator(3)
	g.pace = 5 * time.Minute
	ctx := t.Context()
	events := g.events(900)
	for i := range events {
		if i%3 == 0 {
			events[i].ID = fmt.Sprint("id", i)
		}
		if i%7 == 0 && ttpcron.DayOf(events[i].Time) > ttpcron.DayOf(events[0].Time) {
			events[i].Kind = ttpcron.CanaryFingerprint
		}
	}
	var tags []ttpcron.Tag
	for i := range events {
		e := events[i]
		if i%5 > 0 && ttpcron.DayOf(e.Time) > ttpcron.DayOf(events[0].Time) {
			e.Seq = uint64(i + 1) // the others are whole tags, of events that are pruned too
		}
		tags = append(tags, tagOf(&e, i%9), tagOf(&e, i%9+1))
	}
	day := ttpcron.DayOf(events[0].Time)
	session := purgeable(t, events)
	var findings []ttpcron.Tag
	for i := 0; len(findings) < len(events)/4; i++ {
		if events[i].SessionID != session {
			findings = append(findings, findingOf(&events[i], i))
		}
	}
	imports := func(from, to, n int) step {
		return step{fmt.Sprint("import ", from), func(db *kv.DB) error {
			_, err := db.Import(ctx, ttpcron.Batch{Events: events[from:to], Position: crashPosition(n), Rejects: []ttpcron.Reject{{File: "f", Line: n, Reason: "odd", Excerpt: fmt.Append(nil, "{", n), At: noon}}})
			return err
		}}
	}
	commits := func(from, to, n int) step {
		return step{fmt.Sprint("commit ", from), func(db *kv.DB) error {
			_, err := db.Commit(ctx, ttpcron.Commit{
				Tags:     slices.Concat(tags[from:to], findings[from/8:to/8]),
				Coverage: []ttpcron.Coverage{{Kind: ttpcron.Command, Day: day + 1, RuleSet: "set", UpTo: uint64(n), Events: n}},
				RuleSets: []ttpcron.RuleSet{{Fingerprint: "set", Rules: []ttpcron.RuleDef{{ID: "R0001", Version: 1}}}},
				Cursors:  []ttpcron.Cursor{{Kind: ttpcron.Command, Seq: uint64(n), UpdatedAt: noon, RunID: "r"}},
				Run:      &ttpcron.Run{ID: fmt.Sprint("run", n), Started: noon, Finished: noon.Add(time.Duration(n))},
			})
			return err
		}}
	}
	prune := func(name string, p kv.Prune) step {
		return step{name, func(db *kv.DB) error { _, err := db.Prune(ctx, p); return err }}
	}
	return []step{
		imports(0, 400, 1), commits(0, 500, 2), imports(350, 700, 3),
		{"retire", func(db *kv.DB) error {
			return db.Retire(ctx, ttpcron.Retirement{RuleID: "R0002", Version: 1, Reason: "bad", SetBy: "me", SetAt: noon})
		}},
		{"state", func(db *kv.DB) error {
			return db.SetRuleState(ctx, ttpcron.RuleState{RuleID: "R0001", Status: ttpcron.StatusClipped, ConfidenceMax: 0.5, SetBy: "me", SetAt: noon})
		}},
		commits(500, 1400, 700),
		prune("prune events", kv.Prune{EventsBefore: day + 1}),
		imports(700, 900, 5),
		prune("prune tags", kv.Prune{EventsBefore: day + 1, TagsBefore: day + 1}),
		commits(1400, 1800, 900),
		{"jobs", func(db *kv.DB) error { return db.SetJobTimes(ctx, map[string]time.Time{"import": noon}) }},
		{"purge", func(db *kv.DB) error {
			_, err := db.Purge(ctx, kv.Purge{Session: session, By: "me"})
			return err
		}},
	}
}

// purgeable returns a session of commands without a whole tag.
func purgeable(t *testing.T, events []ttpcron.Event) string {
	t.Helper()
	bad := map[string]bool{}
	for i := range events {
		if i < 700 || i%5 == 0 || events[i].Kind != ttpcron.Command {
			bad[events[i].SessionID] = true
		}
	}
	for i := range events {
		if !bad[events[i].SessionID] {
			return events[i].SessionID
		}
	}
	t.Fatal("there is no such session")
	return ""
}

// rich is the content of a store with something in each part.
func rich(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rich.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range life(t) {
		if s.name == "purge" {
			continue // what is gone lies in free pages, where recovering without a header finds it
		}
		if err := s.do(db); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// isHeader reports whether a write is that of a header, which commits.
func isHeader(off int64) bool { return off < 2*4096 }

// openOnDisk opens a new store with a disk of the test's beneath it.
func openOnDisk(t *testing.T) (*kv.DB, *kv.Disk, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := kv.Open(t.Context(), path, kv.Options{Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, kv.TakeDisk(t, db), path
}

// TestFailedWrites lets each write of each transaction fail in turn, before, after and
// during it. The call fails, and the store is unchanged; once the disk works, the call
// succeeds as if nothing had failed.
func TestFailedWrites(t *testing.T) {
	reference, _, _ := openOnDisk(t)
	db, disk, path := openOnDisk(t)
	rnd := rand.New(rand.NewPCG(1, 1))
	failures := 0
	for _, s := range life(t) {
		if err := s.do(reference); err != nil {
			t.Fatal(err)
		}
		before := dumpAll(t, db)
		for n, done := 0, false; !done; n++ {
			if testing.Short() && n > 3 {
				n += 7
			}
			at := 0
			wrote := errors.New("none")
			disk.Write = func(b []byte, off int64) (int, error) {
				at++
				if at-1 != n {
					return disk.File.WriteAt(b, off)
				}
				k := 0
				if !isHeader(off) {
					k = rnd.IntN(len(b) + 1)
				} else if rnd.IntN(2) == 0 {
					k = rnd.IntN(80) // in the middle of what it says
				}
				disk.File.WriteAt(b[:k], off)
				wrote = &os.PathError{Op: "write", Path: path, Err: []syscall.Errno{syscall.EIO, syscall.ENOSPC}[rnd.IntN(2)]}
				return k, wrote
			}
			err := s.do(db)
			disk.Write = disk.File.WriteAt
			if at <= n {
				if done = true; err != nil {
					t.Fatalf("%s: %v", s.name, err)
				}
				continue
			}
			failures++
			if errno := errors.Unwrap(wrote); !errors.Is(err, errno) {
				t.Fatalf("%s, write %d: %v, want %v", s.name, n, err, errno)
			}
			if got := dumpAll(t, db); !bytes.Equal(got, before) {
				t.Fatalf("%s, write %d has failed: %s", s.name, n, firstDifference(got, before))
			}
		}
		if got, want := dumpAll(t, db), dumpAll(t, reference); !bytes.Equal(got, want) {
			t.Fatalf("%s after failures: %s", s.name, firstDifference(got, want))
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	checked(t, path)
	t.Logf("%d writes have failed", failures)
	if failures < 30 {
		t.Errorf("only %d writes have failed", failures)
	}
}

// TestFailedSync: the disk fails to sync a transaction's data, or its header. The call
// fails, and the store refuses to write from then on and says so. When it is opened again,
// it has its earlier content, or the whole call's.
func TestFailedSync(t *testing.T) {
	for _, header := range []bool{false, true} {
		for i, s := range life(t) {
			db, disk, path := openOnDisk(t)
			reference, _, _ := openOnDisk(t)
			for _, earlier := range life(t)[:i] {
				for _, db := range []*kv.DB{db, reference} {
					if err := earlier.do(db); err != nil {
						t.Fatal(err)
					}
				}
			}
			before := dumpAll(t, db)
			if err := s.do(reference); err != nil {
				t.Fatal(err)
			}
			after := dumpAll(t, reference)
			disk.Write = func(b []byte, off int64) (int, error) {
				// The next sync is the one after this write.
				if isHeader(off) == header {
					disk.BreakSync()
				}
				return disk.File.WriteAt(b, off)
			}
			var unsynced *kv.UnsyncedError
			if err := s.do(db); !errors.As(err, &unsynced) || !strings.Contains(err.Error(), "db check") {
				t.Fatalf("%s, header %t: %v", s.name, header, err)
			}
			more := ttpcron.Batch{Rejects: []ttpcron.Reject{{Reason: "odd", Excerpt: []byte("more")}}}
			if _, err := db.Import(t.Context(), more); i > 1 && err == nil {
				t.Fatalf("%s, header %t: writing goes on", s.name, header)
			}
			db.Close()
			checked(t, path)
			again, err := kv.Open(t.Context(), path, kv.Options{NoSync: true, Now: func() time.Time { return noon }})
			if err != nil {
				t.Fatal(err)
			}
			got := dumpAll(t, again)
			want := before
			if header {
				want = after // it is in the file, but nobody can know whether it is on the disk
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("%s, header %t: %s", s.name, header, firstDifference(got, want))
			}
			if err := s.do(again); err != nil {
				t.Fatal(err)
			}
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
			checked(t, path)
			if testing.Short() && i == 2 {
				break
			}
		}
	}
}

// written is one write of a transaction.
type diskWrite struct {
	off  int64
	data []byte
}

// TestPowerCut cuts the power at every stage of every transaction: a disk may have written
// any of the data that was not synced, in any order, each 512-byte sector as a whole or
// not at all. The store has the transaction or not, and is intact.
func TestPowerCut(t *testing.T) {
	db, disk, path := openOnDisk(t)
	var writes []diskWrite
	disk.Write = func(b []byte, off int64) (int, error) {
		writes = append(writes, diskWrite{off, slices.Clone(b)})
		return disk.File.WriteAt(b, off)
	}
	rnd := rand.New(rand.NewPCG(5, 5))
	cuts := 0
	durable := readAt(t, path)
	before := dumpAll(t, db)
	for _, s := range life(t) {
		writes = nil
		if err := s.do(db); err != nil {
			t.Fatal(err)
		}
		after := dumpAll(t, db)
		whole := readAt(t, path)
		if n := len(writes); n < 2 || !isHeader(writes[n-1].off) || slices.ContainsFunc(writes[:n-1], func(w diskWrite) bool { return isHeader(w.off) }) {
			t.Fatalf("%s is not one transaction: %d writes", s.name, len(writes))
		}
		data, header := writes[:len(writes)-1], writes[len(writes)-1]
		for range rounds(30) {
			image := slices.Clone(durable)
			if rnd.IntN(2) == 0 { // the file has grown already
				image = append(image, make([]byte, max(0, len(whole)-len(image)))...)
			}
			share := rnd.Float64()
			for _, w := range data {
				for from := 0; from < len(w.data); from += 512 {
					if rnd.Float64() < share {
						image = put(image, w.off+int64(from), w.data[from:min(from+512, len(w.data))])
					}
				}
			}
			cuts++
			holds(t, s.name+", data cut", image, before, 0)
		}
		image := slices.Clone(durable)
		for _, w := range data {
			image = put(image, w.off, w.data)
		}
		image = append(image, make([]byte, max(0, len(whole)-len(image)))...)
		cuts += 3
		holds(t, s.name+", without header", image, before, 0)
		holds(t, s.name+", header written", put(slices.Clone(image), header.off, header.data[:512]), after, 0)
		// A sector is whole on every disk that is sold; a header would bear more.
		holds(t, s.name+", torn header", put(slices.Clone(image), header.off, header.data[:24+rnd.IntN(50)]), before, 1)
		durable, before = whole, after
	}
	t.Logf("%d cuts", cuts)
}

func readAt(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func put(image []byte, off int64, b []byte) []byte {
	if need := int(off) + len(b); need > len(image) {
		image = append(image, make([]byte, need-len(image))...)
	}
	copy(image[off:], b)
	return image
}

// holds checks that a file is a store with the wanted content, that a check finds at most
// that many things in it, and that it can be written to.
func holds(t *testing.T, where string, image, want []byte, findings int) {
	t.Helper()
	path := write(t, image)
	defer os.Remove(path)
	r, err := doctor.Check(t.Context(), path, doctor.Options{})
	if err != nil || len(r.Findings) > findings {
		t.Fatalf("%s: %v, %+v", where, err, r.Findings)
	}
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	defer db.Close()
	if got := dumpAll(t, db); !bytes.Equal(got, want) {
		t.Fatalf("%s: %s", where, firstDifference(got, want))
	}
	e := command("after the cut", "192.0.2.1", "id")
	if r, err := db.Import(t.Context(), ttpcron.Batch{Events: []ttpcron.Event{e}}); err != nil || r.New != 1 {
		t.Fatalf("%s: %+v, %v", where, r, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := doctor.Check(t.Context(), path, doctor.Options{}); err != nil || r.Damaged() {
		t.Fatalf("%s, after writing: %v, %+v", where, err, r.Findings)
	}
}

// TestFailedReads takes away the disk beneath a check: it says so, or finds
// damage, and does not panic.
func TestFailedReads(t *testing.T) {
	content := rich(t)
	rnd := rand.New(rand.NewPCG(2, 2))
	for range rounds(60) {
		f := &failingReader{r: bytes.NewReader(content), after: rnd.IntN(len(content) / 4096), once: rnd.IntN(2) == 0}
		report, err := doctor.CheckReader(t.Context(), f, int64(len(content)), doctor.Options{})
		if !f.failed {
			continue
		}
		if err == nil && !report.Damaged() {
			t.Fatalf("a read has failed after %d and nothing says so", f.after)
		}
	}
}

type failingReader struct {
	r      io.ReaderAt
	after  int
	once   bool
	failed bool
}

func (f *failingReader) ReadAt(b []byte, off int64) (int, error) {
	if f.after--; f.after == -1 || f.after < 0 && !f.once {
		f.failed = true
		return 0, syscall.EIO
	}
	return f.r.ReadAt(b, off)
}
