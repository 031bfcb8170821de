package live

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/control"
)

func TestForms(t *testing.T) {
	b := newBench(t)
	d := b.door("127.0.0.1:9847", Policy{On: true})
	plain := ask(d, "GET", "/report", "localhost:9847")
	tag := plain.Header().Get("ETag")
	if plain.Header().Get("Content-Length") != fmt.Sprint(plain.Body.Len()) || tag == "" || plain.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("headers %v", plain.Header())
	}
	zipped := ask(d, "GET", "/report", "localhost:9847", "Accept-Encoding", "br, gzip")
	z, err := gzip.NewReader(zipped.Body)
	if err != nil || zipped.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("%v, %v", err, zipped.Header())
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != plain.Body.String() {
		t.Errorf("%q, %v", text, err)
	}
	for header, want := range map[string]int{tag: 304, `"other", ` + strings.TrimPrefix(tag, "W/"): 304, "*": 304, `"other"`: 200, "": 200} {
		w := ask(d, "GET", "/report", "localhost:9847", "If-None-Match", header)
		if w.Code != want || w.Code == 304 && w.Body.Len() > 0 {
			t.Errorf("%q: %d with %d bytes, want %d", header, w.Code, w.Body.Len(), want)
		}
	}
	for header, want := range map[string]bool{"": false, "gzip": true, "GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0.000": false, "gzip;q=x": false, "br": false, "identity, gzip": true, "xgzip": false} {
		if takesGzip(header) != want {
			t.Errorf("%q takes gzip: %t", header, !want)
		}
	}
}

// noise has a server make pages that do not become smaller, which no socket's buffer takes
// whole.
func (b *bench) noise(size int) {
	b.s.o.Make = func(_ context.Context, w io.Writer) error {
		noise := make([]byte, size)
		for i, x := 0, uint32(1); i < len(noise); i++ {
			x = x*1664525 + 1013904223
			noise[i] = byte(x >> 24)
		}
		_, err := w.Write(noise)
		return err
	}
}

// serve serves the page as a daemon does, together with small answers.
func (b *bench) serve(p Policy) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	d := b.s.Door(l.Addr().String(), l.Addr(), p)
	s := control.NewServer(control.Options{Once: true})
	s.Handle("GET /healthz", d.Guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })))
	s.HandleLong(Path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.ServeHTTP(w, r)
		b.left.Add(1)
	}))
	done := make(chan error, 1)
	go func() { done <- s.Serve(control.Bounded(l)) }()
	b.t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // who is still there is cut off
		_ = s.Shutdown(ctx)
		if err := <-done; err != nil {
			b.t.Error(err)
		}
	})
	return l.Addr().String()
}

// slow asks for the page and takes no more of the answer than its status. The connection
// ends with the test.
func slow(t *testing.T, address string) (status string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	head := make([]byte, len("HTTP/1.1 200"))
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if err := c.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c, "GET /report HTTP/1.1\r\nHost: %s\r\n\r\n", address); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	return string(head[len("HTTP/1.1 "):])
}

// However many clients read the page slowly, or not at all, metrics and health are
// answered, and so is the page while there are slots.
func TestSlowReaders(t *testing.T) {
	const size = 1 << 20 // what the kernel would take at once, if it was let
	b := newBench(t)
	b.noise(size)
	address := b.serve(Policy{On: true})
	for range 63 {
		if status := slow(t, address); status != "200" {
			t.Fatalf("the page is answered with %s", status)
		}
	}
	c := &http.Client{Timeout: time.Minute}
	resp, err := c.Get("http://" + address + "/report")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != size {
		t.Errorf("%d bytes, %v", n, err)
	}
	resp.Body.Close()
	settle(t, func() bool { return len(b.s.places) == 63 })
	got := map[string]int{}
	for range 300 {
		got[slow(t, address)]++
	}
	if got["200"] != 1 || got["503"] != 299 || b.count(RefusedBusy) != 299 {
		t.Errorf("answers %v, counted %d", got, b.count(RefusedBusy))
	}
	for range 100 { // more than there are connections
		resp, err := c.Get("http://" + address + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "ok" || !resp.Close {
			t.Errorf("%q, %v, and the connection is kept: %t", text, err, !resp.Close)
		}
		resp.Body.Close()
	}
	if resp, err = c.Get("http://" + address + "/report"); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "5" {
		t.Errorf("%s, %v", resp.Status, resp.Header)
	}
}

// Who does not take the page is left alone in the end.
func TestSlowReadersEnd(t *testing.T) {
	for name, p := range map[string]pace{"a piece": {10 * time.Millisecond, time.Hour}, "all of it": {time.Hour, 10 * time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.noise(1 << 20)
			b.s.pace = p
			address := b.serve(Policy{On: true})
			for range 10 {
				if c, err := net.Dial("tcp", address); err != nil {
					t.Fatal(err)
				} else {
					t.Cleanup(func() { c.Close() })
					fmt.Fprintf(c, "GET /report HTTP/1.1\r\nHost: %s\r\n\r\n", address)
				}
			}
			settle(t, func() bool { return b.left.Load() == 10 })
		})
	}
}

// timed takes down when the time to take an answer was set last.
type timed struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (w *timed) SetWriteDeadline(t time.Time) error { w.until = t; return nil }

// A client that had to wait still has the full time to read the answer.
func TestTimeAfterTheWait(t *testing.T) {
	b := newBench(t)
	b.fail.Store(true)
	var made time.Time
	write := b.s.o.Make
	b.s.o.Make = func(ctx context.Context, w io.Writer) error {
		made = time.Now()
		return write(ctx, w)
	}
	r := httptest.NewRequest("GET", "/report", nil)
	r.Host = "localhost:9847"
	w := &timed{ResponseRecorder: httptest.NewRecorder()}
	b.door("127.0.0.1:9847", Policy{On: true}).ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError || w.until.Before(made.Add(patience.piece)) {
		t.Errorf("%d, and the time ends %s after the making", w.Code, w.until.Sub(made))
	}
}
