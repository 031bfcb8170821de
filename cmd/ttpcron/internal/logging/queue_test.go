package logging

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
)

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
	q := &queue{w: w, lost: func(n int) { lost <- n }}
	line := strings.Repeat("x", 1023)
	nodetest.Soon(t, "the log", func() {
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
