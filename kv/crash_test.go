package kv_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// The test binary runs itself as the process that is killed, or that holds a
// store's lock.
const (
	envChild = "KV_TEST_CHILD" // what to do, see child
	envStore = "KV_TEST_STORE"
)

func TestMain(m *testing.M) {
	switch what := os.Getenv(envChild); what {
	case "":
		os.Exit(m.Run())
	default:
		if err := child(what, os.Getenv(envStore)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// The child writes batches of known content for as long as it lives, and says
// the number of each when it has been acknowledged.
const (
	crashBatch = 300
	crashSeed  = 11
)

func crashEvents(batches int) []ttpcron.Event {
	g := newGenerator(crashSeed)
	g.pace = 20 * time.Second
	return g.events(batches * crashBatch)
}

func crashPosition(batch int) *ttpcron.FilePosition {
	return &ttpcron.FilePosition{Path: "crash", Format: "test", Offset: int64(batch)}
}

func crashTags(events []ttpcron.Event, batch int) (tags []ttpcron.Tag) {
	for i := batch * crashBatch; i < (batch+1)*crashBatch; i++ {
		e := events[i]
		e.ID = e.ContentID()
		tags = append(tags, tagOf(&e, i%7), tagOf(&e, i%7+1))
	}
	return tags
}

func crashCommit(events []ttpcron.Event, batch int) ttpcron.Commit {
	tags := crashTags(events, batch)
	return ttpcron.Commit{
		Tags:     tags,
		Coverage: []ttpcron.Coverage{{Kind: ttpcron.Command, Day: ttpcron.DayOf(tags[0].EventTime), RuleSet: "r", UpTo: uint64(batch + 1)}},
		Cursors:  []ttpcron.Cursor{{Kind: ttpcron.Command, Seq: uint64(batch + 1)}},
		Run:      &ttpcron.Run{ID: "run", Finished: time.Unix(int64(batch+1), 0).UTC()},
	}
}

func child(what, path string) error {
	// The parent's death must not leave the child behind.
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(2)
	}()
	ctx := context.Background()
	switch what {
	case "tools":
		return childTools(ctx, path)
	case "birth", "finish":
		return childBirth(ctx, path, what == "finish")
	case "creator":
		return childCreator(ctx, path)
	}
	db, err := kv.Open(ctx, path, kv.Options{})
	if err != nil {
		return err
	}
	if what == "hold" {
		fmt.Println("held")
		select {}
	}
	const most = 400
	events := crashEvents(most)
	from := 0
	if cursors, err := db.Cursors(ctx); err != nil {
		return err
	} else if len(cursors) > 0 {
		from = int(cursors[0].Seq)
	}
	for batch := from; batch < most; batch++ {
		if what == "import" {
			_, err = db.Import(ctx, ttpcron.Batch{Events: events[batch*crashBatch : (batch+1)*crashBatch], Position: crashPosition(batch + 1)})
		} else {
			_, err = db.Commit(ctx, crashCommit(events, batch))
		}
		if err != nil {
			return err
		}
		fmt.Println(batch + 1)
	}
	return nil
}

// childTools puts other files in the place of the store for as long as it lives.
func childTools(ctx context.Context, path string) error {
	backup := path + ".backup"
	for n := 1; ; n++ {
		if _, err := doctor.Compact(ctx, path, doctor.Options{}); err != nil {
			return err
		}
		db, err := kv.Open(ctx, path, kv.Options{ReadOnly: true})
		if err != nil {
			return err
		}
		if err := doctor.Backup(ctx, db, backup, true, nil); err != nil {
			return err
		}
		if err := db.Close(); err != nil {
			return err
		}
		fmt.Println(n)
		aside, err := doctor.Restore(ctx, backup, path, doctor.Options{})
		if err != nil {
			return err
		}
		if err := os.Remove(aside); err != nil {
			return err
		}
	}
}

// TestKilledTools kills a process that compacts, backs up and restores: the store is there
// and intact at every moment, and so is the backup once it exists.
func TestKilledTools(t *testing.T) {
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 3))
	content := rich(t)
	want := dumpAllFile(t, write(t, content))
	for range rounds(50) {
		path := write(t, content)
		killAfter(t, "tools", path, 1, time.Duration(rnd.IntN(60_000))*time.Microsecond)
		for _, file := range []string{path, path + ".backup"} {
			checked(t, file)
			if got := dumpAllFile(t, file); !bytes.Equal(got, want) {
				t.Fatalf("%s: %s", file, firstDifference(got, want))
			}
		}
		// What the killed process left behind does no harm.
		if _, err := doctor.Compact(t.Context(), path, doctor.Options{Options: kv.Options{NoSync: true}}); err != nil {
			t.Fatal(err)
		}
		os.RemoveAll(filepath.Dir(path))
	}
}

// start runs the test binary as a child.
func start(t *testing.T, what, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), envChild+"="+what, envStore+"="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}

// killAfter lets a child acknowledge some batches, kills it during the next one, and
// returns how many it acknowledged.
func killAfter(t *testing.T, what, path string, batches int, more time.Duration) (acknowledged int) {
	cmd, out := start(t, what, path)
	for out.Scan() {
		fmt.Sscan(out.Text(), &acknowledged)
		if batches--; batches == 0 {
			time.AfterFunc(more, func() { cmd.Process.Kill() })
		}
	}
	cmd.Wait()
	return acknowledged
}

// TestKilledImport kills a process during an import: everything that was acknowledged is
// there, and nothing is there in part.
func TestKilledImport(t *testing.T) {
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	for range rounds(50) {
		path := filepath.Join(t.TempDir(), "test.db")
		acknowledged := killAfter(t, "import", path, 1+rnd.IntN(12), time.Duration(rnd.IntN(20_000))*time.Microsecond)
		kvtest.Check(t, path)
		db := kvtest.OpenAt(t, path)
		last, err := db.LastSeq(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		marks, err := db.FilePositions(t.Context())
		if err != nil || len(marks) != 1 {
			t.Fatal(marks, err)
		}
		batches := int(last) / crashBatch
		if int(last)%crashBatch != 0 || batches < acknowledged || batches > acknowledged+1 || marks[0].Offset != int64(batches) {
			t.Fatalf("%d batches acknowledged, %d events stored, mark at %d", acknowledged, last, marks[0].Offset)
		}
		var stored []ttpcron.Event
		readAll(t, db, func(page []ttpcron.Event) { stored = append(stored, page...) })
		events := crashEvents(batches + 1)
		for i, e := range stored {
			if e.Seq != uint64(i+1) || e.ID != events[i].ContentID() {
				t.Fatalf("event %d is %+v", i, e)
			}
		}
		r, err := db.Import(t.Context(), ttpcron.Batch{Events: events})
		if err != nil || r.Known != len(stored) || r.New != crashBatch {
			t.Fatalf("importing again: %+v, %v", r, err)
		}
	}
}

// TestKilledCommit kills a process that commits tags: tags and cursor are those of the
// same number of batches.
func TestKilledCommit(t *testing.T) {
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 2))
	for range rounds(30) {
		path := filepath.Join(t.TempDir(), "test.db")
		killAfter(t, "commit", path, 1+rnd.IntN(6), time.Duration(rnd.IntN(20_000))*time.Microsecond)
		acknowledged := killAfter(t, "commit", path, 1+rnd.IntN(6), time.Duration(rnd.IntN(20_000))*time.Microsecond)
		kvtest.Check(t, path)
		db := kvtest.OpenAt(t, path)
		cursors, err := db.Cursors(t.Context())
		if err != nil || len(cursors) != 1 {
			t.Fatal(cursors, err)
		}
		batches := int(cursors[0].Seq)
		if batches < acknowledged || batches > acknowledged+1 {
			t.Fatalf("%d batches acknowledged, cursor at %d", acknowledged, batches)
		}
		events := crashEvents(batches + 1)
		for batch := range batches {
			tags := crashTags(events, batch)
			if n, err := known(db, tags); err != nil || n != len(tags) {
				t.Fatalf("batch %d of %d has %d tags of %d, %v", batch, batches, n, len(tags), err)
			}
		}
		if n, err := known(db, crashTags(events, batches)); err != nil || n != 0 {
			t.Fatalf("%d tags of a batch that is not there, %v", n, err)
		}
		s, err := db.Under(nil).Summary(t.Context(), ttpcron.Window{}, ttpcron.MinLevels{}, nil)
		if err != nil || s.Tags != batches*crashBatch*2 {
			t.Fatalf("%d tags counted, want %d, %v", s.Tags, batches*crashBatch*2, err)
		}
		runs, err := db.Runs(t.Context(), 0)
		if err != nil || len(runs) != 1 || runs[0].Finished.Unix() != int64(batches) {
			t.Fatalf("runs %+v, %v", runs, err)
		}
	}
}

// TestLocked opens a store that another process holds.
func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	cmd, out := start(t, "hold", path)
	if !out.Scan() || out.Text() != "held" {
		t.Fatal("the child does not hold the store")
	}
	for _, readOnly := range []bool{false, true} {
		_, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: readOnly, LockTimeout: 120 * time.Millisecond})
		var locked *kv.LockedError
		if !errors.As(err, &locked) {
			t.Fatalf("opening a store that is held: %v", err)
		}
		if locked.Path != path || locked.PID != cmd.Process.Pid && locked.PID != 0 {
			t.Errorf("%+v, want process %d", locked, cmd.Process.Pid)
		}
		if _, err := os.Stat("/proc/locks"); err == nil && (locked.PID == 0 || !strings.Contains(locked.Error(), fmt.Sprint(locked.PID))) {
			t.Errorf("the holder is not named: %v", locked)
		}
	}
	opened := make(chan error, 1)
	go func() {
		db, err := kv.Open(t.Context(), path, kv.Options{LockTimeout: time.Minute})
		if err == nil {
			err = db.Close()
		}
		opened <- err
	}()
	time.Sleep(60 * time.Millisecond)
	cmd.Process.Kill()
	if err := <-opened; err != nil {
		t.Errorf("waiting for the store: %v", err)
	}
}
