package live

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/report/page"
)

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

func TestIndex(t *testing.T) {
	b := newBench(t)
	d := b.door("127.0.0.1:9847", Policy{On: true})
	if w := ask(d.Index(), "GET", "/", "localhost:9847"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "report" {
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
