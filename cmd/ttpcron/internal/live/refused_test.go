package live

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A client that tries tokens is slowed down, counted and logged. The tokens are neither in
// the log nor in the answers.
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

// A host in a request can neither add lines to the log nor act where it is shown.
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
