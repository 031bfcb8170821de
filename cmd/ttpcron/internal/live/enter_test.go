package live

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// The token in the URL becomes a cookie and leaves the URL.
func TestCookie(t *testing.T) {
	const host = "192.0.2.7:9847"
	b := newBench(t)
	d := b.door(host, Policy{On: true, Token: token(t)})
	w := ask(d, "GET", "/report?token="+strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(secret), host)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "report" || len(cookies) != 1 || b.made.Load() != 0 {
		t.Fatalf("%d, %v", w.Code, w.Header())
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "" || c.Domain != "" || c.Secure || strings.Contains(c.Value, secret[:8]) {
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
	// A browser without the token is asked for it, and learns nothing else.
	asked := ask(d, "GET", "/report", host, "Accept", "text/html,*/*")
	if body := asked.Body.String(); asked.Code != http.StatusUnauthorized || !strings.Contains(body, `<input type="password" name="token"`) || len(asked.Result().Cookies()) != 0 {
		t.Errorf("%d, %s", asked.Code, body)
	}
	// With another token or in another process, the cookie is invalid and is removed.
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
	// Without a check of tokens, a token leaves the URL all the same.
	open := b.door("127.0.0.1:9847", Policy{On: true})
	if w := ask(open, "GET", "/report?token=x", "localhost:9847"); w.Code != http.StatusSeeOther || len(w.Result().Cookies()) != 0 {
		t.Errorf("%d", w.Code)
	}
}

// proxied is the address of a proxy that serves a door under its own path.
func proxied(t *testing.T, prefix string) (address string) {
	t.Helper()
	var d *Door
	behind := http.NewServeMux()
	behind.HandleFunc(Path, func(w http.ResponseWriter, r *http.Request) { d.ServeHTTP(w, r) })
	behind.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { d.Index().ServeHTTP(w, r) })
	backend := httptest.NewServer(behind)
	t.Cleanup(backend.Close)
	to, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.StripPrefix(prefix, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}}))
	t.Cleanup(proxy.Close)
	known, err := ParseHost(proxy.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d = newBench(t).s.Door(backend.Listener.Addr().String(), backend.Listener.Addr(), Policy{On: true, Token: token(t), Hosts: []Host{known}})
	return proxy.URL
}

// Behind a proxy, under any path, all links and redirects work.
func TestBehindProxy(t *testing.T) {
	action := regexp.MustCompile(`<form action="([^"]*)">`)
	for _, prefix := range []string{"", "/honeypot", "/a/b"} {
		top := proxied(t, prefix) + prefix + "/"
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		c := &http.Client{Jar: jar}
		browse := func(target string) (status int, at *url.URL, body string) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept", "text/html")
			resp, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if want := prefix + Path; resp.Request.URL.Path != want || resp.Request.URL.RawQuery != "" {
				t.Errorf("%s leads to %s, want %s", target, resp.Request.URL, want)
			}
			return resp.StatusCode, resp.Request.URL, string(text)
		}
		status, at, body := browse(top)
		form := action.FindStringSubmatch(body)
		if status != http.StatusUnauthorized || form == nil {
			t.Fatalf("%s: %d, %s", prefix, status, body)
		}
		sent, err := at.Parse(form[1] + "?" + url.Values{"token": {secret}}.Encode())
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range []string{sent.String(), top} {
			if status, _, body := browse(target); status != http.StatusOK || !strings.Contains(body, "1 of 0") {
				t.Errorf("%s: %d, %s", target, status, body)
			}
		}
	}
}
