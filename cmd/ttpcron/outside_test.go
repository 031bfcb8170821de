package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/scheduler"
)

// What is outside of the daemon, and slow or stopped, does not stop its signs of
// life.

// soon fails the test when do does not return.
func soon(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan bool)
	go func() { do(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s: it waits", what)
	}
}

// A notify socket that nobody reads is not waited for; what matters is sent when
// there is room again, in order, and the status that holds then.
func TestNotifySocketIsFull(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	n, err := newNotifier(map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "90000000"}, 7)
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{notify: n, turns: &turns{}}
	soon(t, "looks at the clock", func() {
		for i := range 3000 {
			d.awake([]scheduler.Status{{Name: fmt.Sprint(i), Running: true}})
			d.notify.feed()
		}
		n.reloading()
		n.ready("status at the reload")
		n.tell("the last status")
	})
	if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for b := make([]byte, 4096); len(got) == 0 || !strings.Contains(got[len(got)-1], "the last status"); {
		if len(got) > 0 && strings.HasPrefix(got[len(got)-1], "RELOADING=1") || len(got)%7 == 6 {
			n.tell("the last status") // as at every look at the clock
		}
		k, err := socket.Read(b)
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		got = append(got, string(b[:k]))
	}
	tail := strings.Join(got[max(0, len(got)-3):], "\n")
	if i, j := strings.Index(tail, "RELOADING=1"), strings.Index(tail, "READY=1"); i < 0 || j < i {
		t.Errorf("sent in the end:\n%s", tail)
	}
}

// blocked is a writer that waits until it is let go.
type blocked struct {
	wait chan struct{}
	mu   sync.Mutex
	b    bytes.Buffer
}

func (b *blocked) Write(p []byte) (int, error) {
	<-b.wait
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *blocked) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestLogThatNobodyReads(t *testing.T) {
	w := &blocked{wait: make(chan struct{})}
	lost := make(chan int, 1)
	q := &logQueue{w: w, lost: func(n int) { lost <- n }}
	line := strings.Repeat("x", 1023)
	soon(t, "the log", func() {
		for i := range 2000 {
			fmt.Fprintf(q, "%d%s\n", i%10, line[:1022])
		}
	})
	close(w.wait)
	if n := <-lost; n != 2000-1024 {
		t.Errorf("%d lines were lost, want %d", n, 2000-1024)
	}
	if n := strings.Count(w.String(), "\n"); n != 1024 {
		t.Errorf("%d lines were written, want 1024", n)
	}
	// It flows again: a write is passed on when it returns.
	fmt.Fprint(q, "last")
	if !strings.HasSuffix(w.String(), "last") {
		t.Error("a line is held back")
	}
}

// The daemon lives on, runs and stops although its log goes into a pipe that is
// full.
func TestDaemonWithFullLog(t *testing.T) {
	n := newNode(t, everySecond)
	n.event(1, 0)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fill(t, w)
	n.errs = w
	n.start("--log-level", "debug")
	n.told(`\AREADY=1`)
	n.told(`STATUS=.*last run .*: 1 new event, 1 new tag`)
	n.event(2, 0)
	n.told(`STATUS=.*last run .*: 1 new event, 1 new tag`)
	n.told(`\AWATCHDOG=1\z`)
	if code := n.stop(); code != exitDone {
		t.Errorf("exit %d", code)
	}
}

// stuck is an input that gives nothing until it is let go.
type stuck struct {
	jobs.File
	reads, wait chan struct{}
}

func (s stuck) Batches(context.Context) iter.Seq2[ttpcron.Batch, error] {
	return func(yield func(ttpcron.Batch, error) bool) {
		close(s.reads)
		<-s.wait
		yield(ttpcron.Batch{}, nil)
	}
}

// An input that hangs, such as one on a server that is gone, is no reason to kill
// the daemon: it would hang again.
func TestInputThatHangs(t *testing.T) {
	d := &daemon{notify: &notifier{}, turns: &turns{}}
	f := stuck{reads: make(chan struct{}), wait: make(chan struct{})}
	in := d.input.over([]jobs.Input{{Name: "/mnt/log", Open: func(context.Context, jobs.Known) (jobs.File, error) { return f, nil }}})
	open, err := in[0].Open(t.Context(), jobs.Known{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan bool)
	go func() {
		for range open.Batches(t.Context()) {
			if d.input.name() != "" {
				t.Error("what is done with a batch counts as waiting for the input")
			}
		}
		close(ended)
	}()
	<-f.reads
	if d.input.name() != "/mnt/log" {
		t.Errorf("it waits for %q", d.input.name())
	}
	d.input.mu.Lock()
	d.input.since = d.input.since.Add(-3 * slowInput)
	d.input.mu.Unlock()
	if text := d.state([]scheduler.Status{{Name: "a", Running: true}}); !strings.Contains(text, "TROUBLE: waiting for input /mnt/log since 3m") {
		t.Errorf("status: %s", text)
	}
	close(f.wait)
	<-ended
	if text := d.state(nil); strings.Contains(text, "TROUBLE") {
		t.Errorf("status: %s", text)
	}
}

// A commit may wait while a caller has the store copied or measured, which is
// progress too.
func TestBackupIsProgress(t *testing.T) {
	s := newServed(t, rarely)
	before := s.d.moved.Load()
	err := control.CallFile(t.Context(), s.client, "backup", none{}, func(_ int64, r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	copied := s.d.moved.Load()
	if _, err := control.Call[none, struct{}](t.Context(), s.client, "space", none{}); err != nil && !strings.Contains(err.Error(), "gob") {
		t.Fatal(err)
	}
	if copied == before || s.d.moved.Load() == copied {
		t.Errorf("no progress is counted: %d, %d, %d", before, copied, s.d.moved.Load())
	}
}
