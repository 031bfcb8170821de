package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// TestAtOneMoment: results are gathered again if the store changes meanwhile, and a note
// says so if it keeps changing.
func TestAtOneMoment(t *testing.T) {
	ctx := context.Background()
	o := &store.Opener{DB: t.TempDir() + "/t.db", LockTimeout: time.Second, Now: time.Now}
	db, err := o.Write(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	n := 0
	change := func() {
		n++
		e := ttpcron.Event{Kind: ttpcron.Command, Time: time.Unix(int64(1e9+n), 0).UTC(), AttackerIP: "203.0.113.7", Payload: ttpcron.TextPayload("command_text", fmt.Sprint("id ", n))}
		if _, err := db.Archive.Import(ctx, ttpcron.Batch{Events: []ttpcron.Event{e}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ changes, reads int }{{0, 1}, {1, 2}, {2, 3}, {3, 3}, {9, 3}} {
		var out, errs bytes.Buffer
		output := term.NewOutput(&out, &errs, nil)
		reads, last := 0, uint64(0)
		begun, err := db.History.Moment(ctx)
		if err != nil {
			t.Fatal(err)
		}
		err = atOneMoment(ctx, output, db, func(upTo uint64) error {
			if reads++; reads <= tt.changes {
				change()
			}
			last = upTo
			return nil
		})
		noted := strings.Contains(errs.String(), fmt.Sprintf("complete up to arrival %d;", last))
		if err != nil || reads != tt.reads || noted != (tt.changes >= moments) || !noted && errs.Len() > 0 {
			t.Errorf("%d changes: %d reads, %v, noted %q", tt.changes, reads, err, errs.String())
		}
		errs.Reset()
		if err := streamed(ctx, output, db, begun); err != nil || (errs.Len() > 0) != (tt.changes > 0) {
			t.Errorf("%d changes since: %v, noted %q", tt.changes, err, errs.String())
		}
	}
}

// TestBesideImports queries a daemon while it imports and tags: each answer is consistent,
// or says up to which arrival it is complete.
func TestBesideImports(t *testing.T) {
	t.Parallel()
	n := newNode(t, rarely)
	n.serving()
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		for i := range 8 {
			name := fmt.Sprintf("more%d.jsonl", i)
			var lines strings.Builder
			for k := range 300 {
				lines.WriteString(nativeEvent(n.Base, i*1000+k))
			}
			n.Write(name, lines.String())
			if code, _, stderr := n.run("", "run-once", "--input", name); code != exitDone {
				t.Errorf("run %d: %d\n%s", i, code, stderr)
			}
		}
	})
	for going := true; going; {
		select {
		case <-done:
			going = false
		default:
		}
		code, stdout, stderr := n.run("", "status", "--json")
		if code != exitDone {
			t.Errorf("status: %d\n%s", code, stderr)
		}
		var st status
		if err := json.Unmarshal([]byte(stdout), &st); err != nil {
			t.Fatal(err)
		}
		events := 0
		for _, s := range st.Sources {
			events += s.Events
		}
		changed := strings.Contains(stderr, "the store changed while it was read")
		if !changed && (events != st.Store.EventsOfAllKind || uint64(events) != st.Store.LastSeq) {
			t.Errorf("%d events of sources, %d in all, last arrival %d", events, st.Store.EventsOfAllKind, st.Store.LastSeq)
		}
		code, stdout, stderr = n.run("", "tags", "--json")
		if code != exitDone {
			t.Errorf("tags: %d\n%s", code, stderr)
		}
		seen := map[string]bool{}
		for line := range strings.Lines(stdout) {
			var tag struct{ UUID string }
			if err := json.Unmarshal([]byte(line), &tag); err != nil || seen[tag.UUID] {
				t.Fatalf("%v, twice %v: %s", err, seen[tag.UUID], line)
			}
			seen[tag.UUID] = true
		}
		if !going && len(seen) != 8*300 {
			t.Errorf("%d tags in the end, want %d", len(seen), 8*300)
		}
	}
	wg.Wait()
}
