package live

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
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
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/report/page"
)

// clock is a clock that a test sets.
type clock struct{ passed atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(1_700_000_000, c.passed.Load()) }
func (c *clock) pass(d time.Duration) { c.passed.Add(int64(d)) }

// safe is a buffer that a log writes to.
type safe struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safe) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// bench is a server whose page says how often it was made, and of which state.
type bench struct {
	t     testing.TB
	s     *Server
	clock clock
	log   safe
	state atomic.Int64
	made  atomic.Int64
	hold  chan struct{} // making waits for it; nil: for nothing
	fail  atomic.Bool

	mu      sync.Mutex
	refused map[string]int
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t, refused: map[string]int{}}
	ctx, cancel := context.WithCancel(context.Background())
	b.s = New(ctx, Options{
		Log: hclog.New(&hclog.LoggerOptions{Output: &b.log, DisableTime: true}), Now: b.clock.now,
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

// door is one at an address, whatever the test listens on.
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

// TestWhoMaySee goes through all that decides whether somebody sees the page.
func TestWhoMaySee(t *testing.T) {
	const loop, far = "127.0.0.1:9847", "192.0.2.7:9847"
	bearer := []string{"Authorization", "Bearer " + secret}
	for _, tt := range []struct {
		name, at     string
		off, token   bool
		method, host string
		headers      []string
		want         int
	}{
		{"on the loopback", loop, false, false, "GET", "localhost:9847", nil, 200},
		{"its head", loop, false, false, "HEAD", "localhost:9847", nil, 200},
		{"turned off", loop, true, false, "GET", "localhost:9847", nil, 404},
		{"a foreign host", loop, false, false, "GET", "evil.example:9847", nil, 421},
		{"a foreign host with the token", far, false, true, "GET", "evil.example:9847", bearer, 421},
		{"another port", loop, false, false, "GET", "localhost:9848", nil, 421},
		{"no host", loop, false, false, "GET", "", nil, 421},
		{"no host that can be", loop, false, false, "GET", "<script>", nil, 421},
		{"a foreign host and method", loop, false, false, "POST", "evil.example:9847", nil, 421},
		{"writing", loop, false, false, "POST", "localhost:9847", nil, 405},
		{"deleting with the token", far, false, true, "DELETE", "192.0.2.7:9847", bearer, 405},
		{"asking what is allowed", loop, false, false, "OPTIONS", "localhost:9847", nil, 405},
		{"tracing", loop, false, false, "TRACE", "localhost:9847", nil, 405},
		{"a token on the loopback, not given", loop, false, true, "GET", "localhost:9847", nil, 401},
		{"a token on the loopback", loop, false, true, "GET", "localhost:9847", bearer, 200},
		{"no token", far, false, true, "GET", "192.0.2.7:9847", nil, 401},
		{"the head without a token", far, false, true, "HEAD", "192.0.2.7:9847", nil, 401},
		{"the token", far, false, true, "GET", "192.0.2.7:9847", bearer, 200},
		{"a wrong token", far, false, true, "GET", "192.0.2.7:9847", []string{"Authorization", "Bearer " + secret + "x"}, 401},
		{"a part of the token", far, false, true, "GET", "192.0.2.7:9847", []string{"Authorization", "Bearer " + secret[:16]}, 401},
		{"an empty token", far, false, true, "GET", "192.0.2.7:9847", []string{"Authorization", "Bearer "}, 401},
		{"the token as a password", far, false, true, "GET", "192.0.2.7:9847", []string{"Authorization", "Basic " + secret}, 401},
		{"the token as a cookie", far, false, true, "GET", "192.0.2.7:9847", []string{"Cookie", "ttpcron_9847=" + secret}, 401},
		{"an empty cookie", far, false, true, "GET", "192.0.2.7:9847", []string{"Cookie", "ttpcron_9847="}, 401},
	} {
		b := newBench(t)
		p := Policy{On: !tt.off}
		if tt.token {
			p.Token = token(t)
		}
		w := ask(b.door(tt.at, p), tt.method, "/report", tt.host, tt.headers...)
		if w.Code != tt.want {
			t.Errorf("%s: %d, want %d: %s", tt.name, w.Code, tt.want, w.Body)
		}
		if seen := strings.Contains(w.Body.String(), "1 of 0"); seen != (tt.want == 200 && tt.method == "GET") {
			t.Errorf("%s: the page is seen: %t", tt.name, seen)
		}
		if tt.want == 404 {
			continue
		}
		for header, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := w.Header().Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", tt.name, header, got, want)
			}
		}
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; ") || !strings.HasSuffix(policy, "; frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", tt.name, policy)
		}
		if tt.want == 200 && !strings.HasPrefix(policy, page.Policy()) {
			t.Errorf("%s: policy %q is not that of the page", tt.name, policy)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: others may read it", tt.name)
		}
	}
}

// The token in the URL becomes a cookie and leaves the URL.
func TestCookie(t *testing.T) {
	const host = "192.0.2.7:9847"
	b := newBench(t)
	d := b.door(host, Policy{On: true, Token: token(t)})
	w := ask(d, "GET", "/report?token="+strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(secret), host)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/report" || len(cookies) != 1 || b.made.Load() != 0 {
		t.Fatalf("%d, %v", w.Code, w.Header())
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/report" || c.Domain != "" || c.Secure || strings.Contains(c.Value, secret[:8]) {
		t.Errorf("cookie %s", c)
	}
	if w := ask(d, "GET", "/report?token="+secret, host, "X-Forwarded-Proto", "https"); !w.Result().Cookies()[0].Secure {
		t.Error("behind TLS, the cookie may go without")
	}
	mine := []string{"Cookie", c.Name + "=" + c.Value}
	if w := ask(d, "GET", "/report", host, mine...); w.Code != http.StatusOK {
		t.Errorf("with the cookie: %d", w.Code)
	}
	if w := ask(d, "GET", "/report?token=wrong", host, mine...); w.Code != http.StatusSeeOther || len(w.Result().Cookies()) != 0 {
		t.Errorf("with the cookie and a token: %d", w.Code)
	}
	// A browser that comes without is asked, and told nothing.
	asked := ask(d, "GET", "/report", host, "Accept", "text/html,*/*")
	if body := asked.Body.String(); asked.Code != http.StatusUnauthorized || !strings.Contains(body, `<input type="password" name="token"`) || len(asked.Result().Cookies()) != 0 {
		t.Errorf("%d, %s", asked.Code, body)
	}
	// Another token, and another process, know the cookie no more. It is taken away.
	other, err := NewToken(secret + "2")
	if err != nil {
		t.Fatal(err)
	}
	d.Change(Policy{On: true, Token: other})
	elsewhere := newBench(t).door(host, Policy{On: true, Token: token(t)})
	for _, d := range []*Door{d, elsewhere} {
		w := ask(d, "GET", "/report", host, mine...)
		if gone := w.Result().Cookies(); w.Code != http.StatusUnauthorized || len(gone) != 1 || gone[0].MaxAge >= 0 || gone[0].Value != "" {
			t.Errorf("%d, %v", w.Code, gone)
		}
	}
	if n := b.count(RefusedToken); n != 0 {
		t.Errorf("%d of these were counted as wrong tokens", n)
	}
	// Where nobody is asked, a token leaves the URL all the same.
	open := b.door("127.0.0.1:9847", Policy{On: true})
	if w := ask(open, "GET", "/report?token=x", "localhost:9847"); w.Code != http.StatusSeeOther || len(w.Result().Cookies()) != 0 {
		t.Errorf("%d", w.Code)
	}
}

func TestIndex(t *testing.T) {
	b := newBench(t)
	d := b.door("127.0.0.1:9847", Policy{On: true})
	if w := ask(d.Index(), "GET", "/", "localhost:9847"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/report" {
		t.Errorf("%d, %v", w.Code, w.Header())
	}
	if w := ask(d.Index(), "GET", "/", "evil.example:9847"); w.Code != http.StatusMisdirectedRequest {
		t.Errorf("a foreign host: %d", w.Code)
	}
	d.Change(Policy{})
	if w := ask(d.Index(), "GET", "/", "localhost:9847"); w.Code != http.StatusNotFound {
		t.Errorf("turned off: %d", w.Code)
	}
}

// Metrics answer to every name, but on the loopback while the report is there.
func TestGuard(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "metrics") })
	for _, tt := range []struct {
		at   string
		on   bool
		host string
		want int
	}{
		{"127.0.0.1:9847", false, "evil.example", 200},
		{"127.0.0.1:9847", true, "evil.example", 421},
		{"127.0.0.1:9847", true, "localhost:9847", 200},
		{"[::1]:9847", true, "evil.example:9847", 421},
		{"192.0.2.7:9847", false, "sensor-7", 200},
		{"192.0.2.7:9847", true, "sensor-7", 200},
		{"0.0.0.0:9847", true, "sensor-7", 200},
	} {
		d := newBench(t).door(tt.at, Policy{On: tt.on})
		w := ask(d.Guard(metrics), "GET", "/metrics", tt.host)
		if w.Code != tt.want || (w.Body.String() == "metrics") != (tt.want == 200) {
			t.Errorf("%+v: %d %s", tt, w.Code, w.Body)
		}
	}
}

// Who tries tokens is held up, counted and logged, and nothing of what was tried is in the
// log, nor in the answers.
func TestWrongTokens(t *testing.T) {
	const host = "192.0.2.7:9847"
	b := newBench(t)
	d := b.door(host, Policy{On: true, Token: token(t)})
	slow := 0
	for i := range 40 {
		guess := fmt.Sprintf("guess-%04d-of-many", i)
		w := ask(d, "GET", "/report?token="+guess, host, "Accept", "text/html")
		if strings.Contains(w.Body.String(), guess) {
			t.Fatalf("the answer shows it: %s", w.Body)
		}
		if w.Code == http.StatusTooManyRequests {
			if slow++; w.Header().Get("Retry-After") == "" {
				t.Error("it does not say when to try again")
			}
		}
	}
	if slow != 40-triesAtOnce || b.count(RefusedSlow) != slow || b.count(RefusedToken) != triesAtOnce {
		t.Errorf("%d were held up; counted %v", slow, b.refused)
	}
	if w := ask(d, "GET", "/report", host, "Authorization", "Bearer "+secret); w.Code != http.StatusTooManyRequests {
		t.Errorf("the right token is let in at once, so that guesses cost nothing: %d", w.Code)
	}
	b.clock.pass(time.Minute)
	if w := ask(d, "GET", "/report", host, "Authorization", "Bearer "+secret); w.Code != http.StatusOK {
		t.Errorf("after a minute: %d", w.Code)
	}
	ask(d, "GET", "/report?token=again-a-wrong-one", host)
	log := b.log.String()
	if strings.Contains(log, "guess") || strings.Contains(log, secret) || strings.Contains(log, "again") {
		t.Errorf("the log shows tokens:\n%s", log)
	}
	if strings.Count(log, "its token is wrong") != 2 || !strings.Contains(log, "from=203.0.113.7 others_since=4") {
		t.Errorf("log:\n%s", log)
	}
}

// What a request names can neither add lines to the log nor act where it is shown.
func TestHostsInLogAndAnswer(t *testing.T) {
	b := newBench(t)
	d := b.door("127.0.0.1:9847", Policy{On: true})
	for _, host := range []string{"evil\n[ERROR] forged", "evil\r\nX: y", "\x1b[2Jevil", "evil\u202eexample", "<script>alert(1)</script>", strings.Repeat("long", 1000), "evil\xff"} {
		b.clock.pass(time.Minute)
		before := len(b.log.String())
		w := ask(d, "GET", "/report", host)
		line := b.log.String()[before:]
		if strings.Count(line, "\n") != 1 || len(line) > 400 || strings.ContainsAny(line, "\r\x1b\u202e") || !utf8.ValidString(line) {
			t.Errorf("%q is logged as %q", host, line)
		}
		if w.Code != http.StatusMisdirectedRequest || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") || strings.ContainsAny(w.Body.String(), "\r\x1b\u202e") || !utf8.ValidString(w.Body.String()) || len(w.Body.String()) > 600 {
			t.Errorf("%q: %d %q", host, w.Code, w.Body)
		}
	}
	for range 100 {
		ask(d, "GET", "/report", "evil.example")
	}
	if n := strings.Count(b.log.String(), "\n"); n != 7 {
		t.Errorf("%d lines, want 7", n)
	}
	// A path is not logged at all.
	r := httptest.NewRequest("GET", "/report?%0a[ERROR]+forged", nil)
	r.Host = "evil.example"
	b.clock.pass(time.Minute)
	d.ServeHTTP(httptest.NewRecorder(), r)
	if strings.Contains(b.log.String(), "+forged") || strings.Contains(b.log.String(), "] forged\n") {
		t.Errorf("log:\n%s", b.log.String())
	}
}

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

// settle waits for what is bound to happen.
func settle(t *testing.T, done func() bool) {
	t.Helper()
	for until := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("it does not happen")
		}
	}
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

// An error is said, is not tried again at once, and gives way to the next page.
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

// What goes wrong in making a page ends neither the process nor the server.
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
		Log: hclog.NewNullLogger(), Now: time.Now, State: func(context.Context) (any, error) { return 0, nil },
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

// Who takes the page slowly, or not at all, keeps nobody else from it, and is left alone in
// the end.
func TestSlowReaders(t *testing.T) {
	b := newBench(t)
	b.s.o.Make = func(_ context.Context, w io.Writer) error {
		noise := make([]byte, page.MaxBytes)
		for i, x := 0, uint32(1); i < len(noise); i++ {
			x = x*1664525 + 1013904223
			noise[i] = byte(x >> 24)
		}
		_, err := w.Write(noise)
		return err
	}
	server := httptest.NewUnstartedServer(nil)
	d := b.s.Door(server.Listener.Addr().String(), server.Listener.Addr(), Policy{On: true})
	server.Config.Handler = d
	server.Start()
	defer server.Close()
	for range 20 {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET /report HTTP/1.1\r\nHost: %s\r\n\r\n", server.Listener.Addr())
	}
	resp, err := http.Get(server.URL + "/report")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != page.MaxBytes {
		t.Errorf("%d bytes, %v", n, err)
	}
	server.CloseClientConnections()
}
