package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
)

// clock is a clock that a test sets.
type clock struct{ passed atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(1_700_000_000, c.passed.Load()) }
func (c *clock) pass(d time.Duration) { c.passed.Add(int64(d)) }

// bench is a server whose page says how often it was made, and from which state.
type bench struct {
	t     testing.TB
	s     *Server
	clock clock
	log   nodetest.Buffer
	state atomic.Int64
	made  atomic.Int64
	left  atomic.Int64  // requests over a network that are over
	hold  chan struct{} // making waits for it; nil: for nothing
	fail  atomic.Bool

	mu      sync.Mutex
	refused map[string]int
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t, refused: map[string]int{}}
	ctx, cancel := context.WithCancel(context.Background())
	b.s = New(ctx, Options{
		Log: hclog.New(&hclog.LoggerOptions{Output: &b.log, DisableTime: true}), Now: b.clock.now, AtOnce: 64,
		State: func(context.Context) (any, error) { return b.state.Load(), nil },
		Make: func(ctx context.Context, w io.Writer) error {
			n, state := b.made.Add(1), b.state.Load()
			if b.hold != nil {
				select {
				case <-b.hold:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			if b.fail.Load() {
				return errors.New("no such thing\nas a store")
			}
			_, err := fmt.Fprintf(w, "<!doctype html>%d of %d", n, state)
			return err
		},
		Refused: func(why string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.refused[why]++
		},
	})
	t.Cleanup(func() { cancel(); b.s.Wait() })
	return b
}

func (b *bench) count(why string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refused[why]
}

// door is a server at an address, whatever the test listens on.
func (b *bench) door(address string, p Policy) *Door {
	d := b.s.Door(address, nil, p)
	d.at = at(b.t, address)
	return d
}

func token(t testing.TB) Token {
	t.Helper()
	k, err := NewToken(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// ask makes a request; headers are name and value in turn.
func ask(h http.Handler, method, target, host string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host, r.RemoteAddr = host, "203.0.113.7:4711"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// settle waits for what is bound to happen.
func settle(t *testing.T, done func() bool) {
	t.Helper()
	for until := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("it does not happen")
		}
	}
}
