package live

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// However many ask, a page is made once, and no sooner again than the pause allows.
func TestOnePageForAll(t *testing.T) {
	b := newBench(t)
	b.hold = make(chan struct{})
	d := b.door("127.0.0.1:9847", Policy{On: true})
	var answers sync.WaitGroup
	bodies := make(chan string, 50)
	for range 50 {
		answers.Go(func() { w := ask(d, "GET", "/report", "localhost:9847"); bodies <- fmt.Sprint(w.Code, w.Body) })
	}
	settle(t, func() bool {
		return b.waiting() == maxWaiting && len(bodies) == 50-maxWaiting
	})
	close(b.hold)
	answers.Wait()
	close(bodies)
	got := map[string]int{}
	for body := range bodies {
		got[body[:3]]++
	}
	if b.made.Load() != 1 || got["200"] != maxWaiting || got["503"] != 50-maxWaiting {
		t.Errorf("made %d times, answers %v", b.made.Load(), got)
	}
	if n := b.count(RefusedBusy); n != 50-maxWaiting {
		t.Errorf("%d are counted as too many", n)
	}
	// The state changes all the time.
	says := func() string {
		return strings.TrimPrefix(ask(d, "GET", "/report", "localhost:9847").Body.String(), "<!doctype html>")
	}
	for i := range 20 {
		b.state.Store(int64(i + 1))
		if text := says(); text != "1 of 0" {
			t.Errorf("made again: %s", text)
		}
	}
	b.clock.pass(minPause)
	if text := says(); text != "2 of 20" {
		t.Errorf("after the pause: %s", text)
	}
	b.clock.pass(time.Hour)
	if text := says(); text != "2 of 20" {
		t.Errorf("made again, and nothing has changed: %s", text)
	}
}

func (b *bench) waiting() int {
	b.s.keep.mu.Lock()
	defer b.s.keep.mu.Unlock()
	if b.s.keep.making == nil {
		return 0
	}
	return b.s.keep.making.waiting
}

// A making that takes long is followed by a pause as long.
func TestPauseIsAsLongAsTheMaking(t *testing.T) {
	b := newBench(t)
	b.hold = make(chan struct{})
	d := b.door("127.0.0.1:9847", Policy{On: true})
	done := make(chan struct{})
	go func() { defer close(done); ask(d, "GET", "/report", "localhost:9847") }()
	settle(t, func() bool { return b.made.Load() == 1 })
	b.clock.pass(time.Minute)
	close(b.hold)
	<-done
	b.state.Store(1)
	for _, tt := range []struct {
		pass time.Duration
		want int64
	}{{0, 1}, {59 * time.Second, 1}, {time.Second, 2}} {
		b.clock.pass(tt.pass)
		ask(d, "GET", "/report", "localhost:9847")
		if n := b.made.Load(); n != tt.want {
			t.Errorf("made %d times, want %d", n, tt.want)
		}
	}
}

// Whoever goes away does not take the page from the others who wait for it.
func TestGoingAway(t *testing.T) {
	b := newBench(t)
	b.hold = make(chan struct{})
	d := b.door("127.0.0.1:9847", Policy{On: true})
	ctx, leave := context.WithCancel(t.Context())
	gone, stayed := make(chan struct{}), make(chan string)
	go func() {
		defer close(gone)
		r := httptest.NewRequestWithContext(ctx, "GET", "/report", nil)
		r.Host = "localhost:9847"
		d.ServeHTTP(httptest.NewRecorder(), r)
	}()
	settle(t, func() bool { return b.waiting() == 1 })
	go func() { stayed <- ask(d, "GET", "/report", "localhost:9847").Body.String() }()
	settle(t, func() bool { return b.waiting() == 2 })
	leave()
	<-gone
	if n := b.waiting(); n != 1 {
		t.Errorf("%d wait", n)
	}
	close(b.hold)
	if text := <-stayed; !strings.Contains(text, "1 of 0") {
		t.Errorf("the other one got %q", text)
	}
}

// An error is shown, is not retried at once, and is replaced by the next page.
func TestFailure(t *testing.T) {
	b := newBench(t)
	d := b.door("127.0.0.1:9847", Policy{On: true})
	b.fail.Store(true)
	for range 5 {
		w := ask(d, "GET", "/report", "localhost:9847")
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "no such thing") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if n := b.made.Load(); n != 1 {
		t.Errorf("tried %d times", n)
	}
	if log := b.log.String(); !strings.Contains(log, `no such thing\nas a store`) {
		t.Errorf("log: %s", log)
	}
	b.fail.Store(false)
	b.clock.pass(minPause)
	if w := ask(d, "GET", "/report", "localhost:9847"); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A failure in making a page ends neither the process nor the server.
func TestPanicAndEndlessPage(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"panic": func(io.Writer) error { panic("at the disco") },
		"endless": func(w io.Writer) error {
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return err
				}
			}
		},
	} {
		b := newBench(t)
		b.s.o.Make = func(_ context.Context, w io.Writer) error { return write(w) }
		if w := ask(b.door("127.0.0.1:9847", Policy{On: true}), "GET", "/report", "localhost:9847"); w.Code != http.StatusInternalServerError {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

// The end of the server ends the making, and none begins after it.
func TestEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var made atomic.Int64
	s := New(ctx, Options{
		Log: hclog.NewNullLogger(), Now: time.Now, AtOnce: 1, State: func(context.Context) (any, error) { return 0, nil },
		Make: func(ctx context.Context, _ io.Writer) error { made.Add(1); <-ctx.Done(); return ctx.Err() },
	})
	d := s.Door("127.0.0.1:9847", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9847}, Policy{On: true})
	done := make(chan struct{})
	go func() { defer close(done); ask(d, "GET", "/report", "localhost:9847") }()
	settle(t, func() bool { return made.Load() == 1 })
	cancel()
	s.Wait()
	<-done
	ask(d, "GET", "/report", "localhost:9847")
	if n := made.Load(); n != 1 {
		t.Errorf("made %d times", n)
	}
}

// A page that is turned off is forgotten, and made anew when it is turned on.
func TestTurnedOffAndOn(t *testing.T) {
	b := newBench(t)
	d := b.door("127.0.0.1:9847", Policy{On: true})
	for want := int64(1); want < 4; want++ {
		if w := ask(d, "GET", "/report", "localhost:9847"); w.Code != http.StatusOK || b.made.Load() != want {
			t.Errorf("%d, made %d times, want %d", w.Code, b.made.Load(), want)
		}
		d.Change(Policy{})
		if b.s.keep.last != nil {
			t.Error("it is kept")
		}
		d.Change(Policy{On: true})
	}
}
