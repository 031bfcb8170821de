package control_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/control"
)

type question struct {
	Text string
	N    int
}

type reply struct {
	Text string
	Peer control.Peer
}

var errKnown = errors.New("known to both")

// The methods of the server of the tests.
var (
	echo     = control.NewMethod[question, reply]("echo")
	large    = control.NewMethod[question, int]("large", control.Large)
	fail     = control.NewMethod[question, reply]("fail")
	wait     = control.NewMethod[question, reply]("wait", control.Waits)
	block    = control.NewMethod[question, reply]("block")
	much     = control.NewMethod[question, []byte]("much")
	nonsense = control.NewMethod[question, reply]("nonsense") // nobody serves it
	file     = control.Name(struct{ File control.FileMethod[question] }{}).File
)

// socket returns a path for a socket that is short enough.
func socket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "control")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// serve runs a server until the test ends.
func serve(t *testing.T, path string, s *control.Server) {
	t.Helper()
	l, err := control.Listen(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Shutdown(ctx)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is left behind: %v", err)
		}
	})
}

// hangsUp is a listener that ends some connections: of callers that have asked, when it
// reads first, or that have not.
type hangsUp struct {
	net.Listener
	left  int
	reads bool
}

func (l *hangsUp) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || l.left == 0 {
			return c, err
		}
		l.left--
		if l.reads {
			_, _ = c.Read(make([]byte, 1<<10))
		}
		c.Close()
	}
}

// A server hangs up on a caller that was suspended before it asked anything. That call is
// repeated once; one that may have been heard never is.
func TestCallsAgain(t *testing.T) {
	for _, c := range []struct {
		hangUp         int
		asked, answers bool
	}{
		{0, false, true}, {1, false, true}, {2, false, false}, {1, true, false},
	} {
		path := socket(t)
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		s := newServer()
		done := make(chan error, 1)
		go func() { done <- s.Serve(&hangsUp{l, c.hangUp, c.asked}) }()
		slow := control.Dial(path, control.ClientOptions{})
		if !c.asked {
			control.SlowToAsk(slow)
		}
		got, err := echo.Call(t.Context(), slow, question{Text: "x"})
		if (err == nil) != c.answers || err == nil && got.Text != "x" {
			t.Errorf("%+v: %q, %v", c, got.Text, err)
		}
		s.Shutdown(t.Context())
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func newServer() *control.Server {
	s := control.NewServer(control.Options{Fault: func(err error) *control.Fault {
		if errors.Is(err, errKnown) {
			return &control.Fault{Kind: "known", Text: err.Error(), Detail: []byte("x")}
		}
		return nil
	}})
	echo.Serve(s, func(ctx context.Context, q question) (reply, error) {
		p, _ := control.PeerOf(ctx)
		return reply{strings.Repeat(q.Text, max(1, q.N)), p}, nil
	})
	large.Serve(s, func(_ context.Context, q question) (int, error) { return len(q.Text), nil })
	fail.Serve(s, func(_ context.Context, q question) (reply, error) {
		switch q.Text {
		case "known":
			return reply{}, fmt.Errorf("it went wrong: %w", errKnown)
		case "canceled":
			return reply{}, fmt.Errorf("stopped: %w", context.Canceled)
		case "panic":
			panic("ouch")
		}
		return reply{}, errors.New(q.Text)
	})
	wait.Serve(s, func(ctx context.Context, _ question) (reply, error) {
		<-ctx.Done()
		return reply{}, ctx.Err()
	})
	file.Serve(s, func(_ context.Context, q question) (control.File, error) {
		if q.N < 0 {
			return control.File{}, fmt.Errorf("no file: %w", errKnown)
		}
		return control.File{ReadCloser: io.NopCloser(bytes.NewReader(make([]byte, q.N))), Size: int64(q.N)}, nil
	})
	s.Handle("GET /healthz", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "fine\n") }))
	return s
}

func client(path string) *control.Client {
	return control.Dial(path, control.ClientOptions{Fault: func(f *control.Fault) error {
		if f.Kind == "known" && string(f.Detail) == "x" {
			return control.Known(f.Text, errKnown)
		}
		return nil
	}})
}

func TestCalls(t *testing.T) {
	path := socket(t)
	serve(t, path, newServer())
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != control.SocketMode {
		t.Errorf("socket %v, %v", info.Mode(), err)
	}
	c := client(path)
	ctx := t.Context()
	r, err := echo.Call(ctx, c, question{Text: "a\x00\xff"})
	if err != nil || r.Text != "a\x00\xff" {
		t.Errorf("%q, %v", r.Text, err)
	}
	if r.Peer.PID != os.Getpid() || r.Peer.UID != os.Geteuid() || r.Peer.GID != os.Getegid() {
		t.Errorf("the server took us for %+v", r.Peer)
	}
	big := strings.Repeat("x", 5<<20)
	if n, err := large.Call(ctx, c, question{Text: big}); err != nil || n != len(big) {
		t.Errorf("%d, %v", n, err)
	}
	for text, want := range map[string]error{"known": errKnown, "canceled": context.Canceled, "other": nil} {
		_, err := fail.Call(ctx, c, question{Text: text})
		if err == nil || !strings.Contains(err.Error(), text) && text != "known" || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	// A panic ends the call and not the server.
	for _, text := range []string{"panic", "after"} {
		if _, err := fail.Call(ctx, c, question{Text: text}); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, refused := range []struct {
		call func(question) error
		q    question
		want string
	}{
		{func(q question) error { _, err := echo.Call(ctx, c, q); return err }, question{Text: big[:100_000]}, "takes"},
		{func(q question) error { _, err := large.Call(ctx, c, q); return err }, question{Text: big + big}, "takes"},
		{func(q question) error { _, err := nonsense.Call(ctx, c, q); return err }, question{}, "does not know nonsense"},
	} {
		if err := refused.call(refused.q); err == nil || !strings.Contains(err.Error(), refused.want) {
			t.Errorf("%v, want %q", err, refused.want)
		}
	}
	var size int
	take := func(_ int64, r io.Reader) error {
		b, err := io.ReadAll(r)
		size = len(b)
		return err
	}
	if err := file.Call(ctx, c, question{N: 3 << 20}, take); err != nil || size != 3<<20 {
		t.Errorf("a file of %d bytes, %v", size, err)
	}
	if err := file.Call(ctx, c, question{N: -1}, take); !errors.Is(err, errKnown) {
		t.Errorf("no file: %v", err)
	}
}

// A request that is too large is refused by its declared size, before it is read.
func TestTooLarge(t *testing.T) {
	path := socket(t)
	serve(t, path, newServer())
	for name, limit := range map[string]int{"echo": control.MaxRequest, "large": control.MaxLargeRequest, "file": control.MaxRequest} {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /v1/%s HTTP/1.1\r\nHost: x\r\nTtpcron-Protocol: %d\r\nContent-Length: %d\r\n\r\n", name, control.Protocol, limit+1)
		go c.Write(make([]byte, limit+1)) // of which some may be read
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(string(answer), fmt.Sprintf("has %d bytes and /v1/%s takes %d", limit+1, name, limit)) {
			t.Errorf("%s: %s %q", name, resp.Status, answer)
		}
	}
}

// A caller that goes away ends the context of its call.
func TestCancel(t *testing.T) {
	path := socket(t)
	s := newServer()
	ended := make(chan struct{})
	block.Serve(s, func(ctx context.Context, _ question) (reply, error) {
		<-ctx.Done()
		close(ended)
		return reply{}, ctx.Err()
	})
	serve(t, path, s)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := block.Call(ctx, client(path), question{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	<-ended
}

// raw sends some bytes and leaves the connection open.
func raw(t *testing.T, path, text string) {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// Callers that never finish their request, never read their answer or never stop waiting
// keep nobody else from working.
func TestSlowCallers(t *testing.T) {
	path := socket(t)
	s := newServer()
	served := make(chan struct{}, 100)
	much.Serve(s, func(context.Context, question) ([]byte, error) {
		served <- struct{}{}
		return make([]byte, 1<<20), nil
	})
	serve(t, path, s)
	head := func(name string, length int) string {
		return fmt.Sprintf("POST /v1/%s HTTP/1.1\r\nHost: x\r\nTtpcron-Protocol: %d\r\nContent-Length: %d\r\n\r\n", name, control.Protocol, length)
	}
	body := gobQuestion(t)
	for range 16 { // twice as many as may work at once
		raw(t, path, "POST /v1/echo HTTP/1.1\r\n")
		raw(t, path, head("echo", 100))
		raw(t, path, head("much", len(body))+body)
	}
	for range 16 {
		<-served
	}
	var waiting sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for range 16 {
		waiting.Go(func() { wait.Call(ctx, client(path), question{}) })
	}
	if _, err := echo.Call(t.Context(), client(path), question{Text: "x"}); err != nil {
		t.Error(err)
	}
	cancel()
	waiting.Wait()
}

func gobQuestion(t *testing.T) string {
	t.Helper()
	b, err := control.Encode(question{Text: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHostileRequests(t *testing.T) {
	path := socket(t)
	serve(t, path, newServer())
	hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	for _, c := range []struct {
		name, method, path, protocol string
		body                         io.Reader
		want                         string
	}{
		{"other protocol", "POST", "/v1/echo", "99", strings.NewReader("x"), "version"},
		{"no protocol", "POST", "/v1/echo", "", strings.NewReader("x"), "version"},
		{"no length", "POST", "/v1/echo", fmt.Sprint(control.Protocol), io.MultiReader(strings.NewReader("x")), "how long"},
		{"nonsense", "POST", "/v1/echo", fmt.Sprint(control.Protocol), strings.NewReader("\xff\xff\xff\xff"), "cannot be read"},
		{"wrong method", "GET", "/v1/echo", fmt.Sprint(control.Protocol), nil, "Not Allowed"},
		{"long header", "POST", "/v1/echo", strings.Repeat("1", 1<<20), nil, "Too Large"},
		{"plain", "GET", "/healthz", "", nil, "fine"},
	} {
		req, err := http.NewRequest(c.method, "http://x"+c.path, c.body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Ttpcron-Protocol", c.protocol)
		resp, err := hc.Do(req)
		if err != nil {
			if c.name != "long header" { // the server may close before it has read all
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(resp.Status+string(text), c.want) {
			t.Errorf("%s: %s %s, want %q", c.name, resp.Status, text, c.want)
		}
	}
}

func TestListen(t *testing.T) {
	path := socket(t)
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Listen(path, nil); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("over a file: %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "precious" {
		t.Error("the file is gone")
	}
	os.Remove(path)
	// A server that was killed leaves its socket.
	u, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	u.SetUnlinkOnClose(false)
	u.Close()
	var away *control.AbsentError
	if _, err := echo.Call(t.Context(), client(path), question{}); !errors.As(err, &away) {
		t.Errorf("nobody serves: %v", err)
	}
	l, err := control.Listen(path, nil)
	if err != nil {
		t.Fatalf("after a server that was killed: %v", err)
	}
	if _, err := control.Listen(path, nil); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second server: %v", err)
	}
	l.Close()
	if _, err := control.Listen("/tmp/"+strings.Repeat("x", 120), nil); err == nil || !strings.Contains(err.Error(), "allows") {
		t.Errorf("a long path: %v", err)
	}
}

// A client waits for a server that is restarted.
func TestRetry(t *testing.T) {
	path := socket(t)
	c := control.Dial(path, control.ClientOptions{Retry: time.Minute})
	done := make(chan error, 1)
	go func() {
		_, err := echo.Call(t.Context(), c, question{})
		done <- err
	}()
	time.Sleep(20 * time.Millisecond)
	serve(t, path, newServer())
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Slow readers of pages keep nobody from working.
func TestSlowReadersOfPages(t *testing.T) {
	path := socket(t)
	s := newServer()
	asked := make(chan bool, 100)
	s.Handle("GET /page", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write(make([]byte, 4<<20))
		asked <- true
	}))
	serve(t, path, s)
	for range 12 { // more than can be at work
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /page HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-asked:
		case <-time.After(20 * time.Second):
			t.Fatal("a page waits for those who do not take theirs")
		}
	}
	if r, err := echo.Call(t.Context(), client(path), question{Text: "a"}); err != nil || r.Text != "a" {
		t.Errorf("%q, %v", r.Text, err)
	}
}

// A server that has pages alone knows nothing of calls.
func TestPagesAlone(t *testing.T) {
	path := socket(t)
	s := control.NewServer(control.Options{})
	s.Handle("GET /healthz", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "fine") }))
	serve(t, path, s)
	hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	for _, call := range []string{"/v1/", "/v1/echo"} {
		resp, err := hc.Post("http://x"+call, "application/x-gob", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound || resp.Header.Get("Ttpcron-Protocol") != "" {
			t.Errorf("%s: %s, %v", call, resp.Status, resp.Header)
		}
	}
}
