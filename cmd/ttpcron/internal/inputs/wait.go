package inputs

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jobs"
)

// Wait knows which input a job is waiting for, such as a file on a server that is
// gone, where a read does not end.
type Wait struct {
	mu    sync.Mutex
	what  string // empty: none
	since time.Time
}

// slowInput is how long an input is waited for before the status says so.
const slowInput = time.Minute

// Begin notes that something is waited for, until the returned function is called.
func (w *Wait) Begin(what string) (end func()) {
	w.set(what)
	return func() { w.set("") }
}

func (w *Wait) set(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.what, w.since = what, time.Now()
}

// Name is what is waited for, empty for nothing.
func (w *Wait) Name() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.what
}

// Text is the part of it that a status line shows.
func (w *Wait) Text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.what == "" || time.Since(w.since) < slowInput {
		return ""
	}
	return fmt.Sprintf("; TROUBLE: waiting for input %s since %s", w.what, time.Since(w.since).Truncate(slowInput))
}

// Over makes inputs note when they are waited for.
func (w *Wait) Over(inputs []jobs.Input) []jobs.Input {
	var out []jobs.Input
	for _, in := range inputs {
		open := in.Open
		in.Open = func(ctx context.Context, known jobs.Known) (jobs.File, error) {
			defer w.Begin(in.Name)()
			f, err := open(ctx, known)
			if err != nil {
				return nil, err
			}
			return waitedFile{f, w, in.Name}, nil
		}
		out = append(out, in)
	}
	return out
}

// waitedFile is a file that is waited for.
type waitedFile struct {
	jobs.File
	wait *Wait
	name string
}

func (f waitedFile) Batches(ctx context.Context) iter.Seq2[ttpcron.Batch, error] {
	return func(yield func(ttpcron.Batch, error) bool) {
		end := f.wait.Begin(f.name)
		defer func() { end() }()
		for b, err := range f.File.Batches(ctx) {
			end()
			if !yield(b, err) {
				return
			}
			end = f.wait.Begin(f.name)
		}
	}
}
