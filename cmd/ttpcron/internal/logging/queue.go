package logging

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// queue passes writes on to a writer that may block, such as a pipe that nobody reads. A
// write waits until it has been passed on, but not for long: the daemon continues without
// its log. What finds no room is dropped, counted, and reported when the log flows again.
type queue struct {
	w    io.Writer
	lost func(n int) // says how many writes were dropped

	mu      sync.Mutex
	waiting []*logWrite
	bytes   int
	dropped int
	stuck   bool // a write was waited for in vain, and has not gone on since
	working bool
}

type logWrite struct {
	text []byte
	done chan struct{}
}

// maxLogQueue is how much waits at most, in bytes.
const maxLogQueue = 1 << 20

// Write never fails.
func (q *queue) Write(p []byte) (int, error) {
	q.mu.Lock()
	if q.bytes+len(p) > maxLogQueue {
		q.dropped++
		q.mu.Unlock()
		return len(p), nil
	}
	l := &logWrite{bytes.Clone(p), make(chan struct{})}
	q.waiting = append(q.waiting, l)
	q.bytes += len(p)
	if !q.working {
		q.working = true
		go q.work()
	}
	stuck := q.stuck
	q.mu.Unlock()
	if stuck {
		return len(p), nil
	}
	timer := time.NewTimer(sayTime)
	defer timer.Stop()
	select {
	case <-l.done:
	case <-timer.C:
		q.mu.Lock()
		q.stuck = len(q.waiting) > 0
		q.mu.Unlock()
	}
	return len(p), nil
}

// work passes on what waits, until nothing does.
func (q *queue) work() {
	for {
		q.mu.Lock()
		if len(q.waiting) == 0 {
			q.working, q.stuck, q.waiting = false, false, nil
			dropped := q.dropped
			q.dropped = 0
			q.mu.Unlock()
			if dropped > 0 {
				q.lost(dropped)
			}
			return
		}
		l := q.waiting[0]
		q.mu.Unlock()
		_, _ = q.w.Write(l.text) // there is nowhere to say that it failed
		close(l.done)
		q.mu.Lock()
		q.waiting = q.waiting[1:]
		q.bytes -= len(l.text)
		q.mu.Unlock()
	}
}
