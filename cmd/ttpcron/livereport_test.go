package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
)

// web is the last address at which a daemon said that it listens.
func (n *node) web() string {
	n.T.Helper()
	all := regexp.MustCompile(`(?m) listening: http=(\S+)$`).FindAllStringSubmatch(n.stderr.String(), -1)
	if len(all) == 0 {
		n.T.Fatalf("it does not listen:\n%s", n.stderr.String())
	}
	return all[len(all)-1][1]
}

// browsed is what a browser gets.
type browsed struct {
	status int
	header http.Header
	body   string
}

// browse asks for a path as a host, with headers that are name and value in turn.
func (n *node) browse(address, host, path string, headers ...string) browsed {
	n.T.Helper()
	c := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(n.T.Context(), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		n.T.Fatal(err)
	}
	req.Host = host
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		n.T.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		n.T.Fatal(err)
	}
	return browsed{resp.StatusCode, resp.Header, string(body)}
}

// sees looks what status each path has, for a host.
func (n *node) sees(address, host string, want map[string]int) {
	n.T.Helper()
	for path, status := range want {
		got := n.browse(address, host, path)
		body := got.body
		if got.status != status {
			n.T.Errorf("%s as %s: %d, want %d: %.200s", path, host, got.status, status, body)
		}
		if path == "/report" && status == http.StatusOK && !strings.HasSuffix(body, "</html>\n") {
			n.T.Errorf("the page is not whole: …%s", body[max(0, len(body)-100):])
		}
	}
}

// The report is there for whom the configuration lets see it, and a reload decides anew.
func TestLiveReport(t *testing.T) {
	const token = "0123456789abcdef0123456789abcdef"
	n := newNode(t, rarely)
	n.Env = append(n.Env, "TTPCRON_INPUT=", "TTPCRON_RULES=")
	n.Write("token", token+"\n")
	if err := os.Chmod(n.Path("token"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		n.Event(i, 0)
	}
	config := "inputs = [\"" + n.Path("events.jsonl") + "\"]\nrules = [\"" + n.Path("rules") + "\"]\n" + rarely + "[daemon]\n"
	port := freePort(t)
	loop, all := "http = \"127.0.0.1:"+port+"\"\n", "http = \"0.0.0.0:"+port+"\"\nhttp-exposed = true\n"
	here, name := "127.0.0.1:"+port, "localhost:"+port
	nothing := map[string]int{"/report": 404, "/": 404, "/metrics": 200, "/healthz": 200}

	n.Write("ttpcron.toml", config+loop)
	n.start()
	n.told(`\AREADY=1`)
	n.run("", "run-once")
	n.sees(here, name, nothing)
	n.sees(here, "evil.example", nothing)

	n.reload(config+loop+"http-report = true\n", `added http-report true`)
	n.sees(here, name, map[string]int{"/report": 200, "/": 303, "/metrics": 200, "/healthz": 200, "/other": 404})
	n.sees(here, "evil.example:"+port, map[string]int{"/report": 421, "/": 421, "/metrics": 421, "/healthz": 421})
	if body := n.browse(here, name, "/metrics").body; !strings.Contains(body, "ttpcron_report_refused_total{reason=\"host\"} 4\n") || !strings.Contains(body, "ttpcron_report_pages_total{result=\"made\"} 1\n") {
		t.Errorf("metrics:\n%s", body)
	}
	n.reload(config+loop+"http-report = true\nhttp-hosts = [\"proxy.example\"]\n", `added http-hosts proxy.example`)
	n.sees(here, "proxy.example", map[string]int{"/report": 200})

	// Others could reach it: nothing changes until there is a token.
	n.reload(config+all+"http-report = true\n", `TROUBLE: reload: .*whoever reaches 0\.0\.0\.0`)
	n.sees(here, "proxy.example", map[string]int{"/report": 200})
	n.reload(config+all, `added http 0.0.0.0`)
	n.sees(here, name, nothing)
	n.sees(here, "sensor-7", nothing)
	n.reload(config+all+"http-report = true\nhttp-token-file = \""+n.Path("token")+"\"\n", `added http-report true, http-token-file`)
	n.sees(here, name, map[string]int{"/report": 401, "/metrics": 200})
	n.sees(here, "sensor-7", map[string]int{"/report": 421, "/metrics": 200})
	if status := n.browse(here, name, "/report", "Authorization", "Bearer "+token).status; status != http.StatusOK {
		t.Errorf("with the token: %d", status)
	}
	led := n.browse(here, name, "/report?token="+token)
	cookie := strings.Split(led.header.Get("Set-Cookie"), ";")[0]
	if led.status != http.StatusSeeOther || led.header.Get("Location") != "report" || cookie == "" {
		t.Fatalf("%d, %v", led.status, led.header)
	}
	if status := n.browse(here, name, "/report", "Cookie", cookie).status; status != http.StatusOK {
		t.Errorf("with the cookie: %d", status)
	}
	// Another token, in the same file.
	n.Write("token", strings.ToUpper(token))
	n.reload(config+all+"http-report = true\nhttp-token-file = \""+n.Path("token")+"\"\n", `changed the token of the report`)
	for _, header := range [][]string{{"Cookie", cookie}, {"Authorization", "Bearer " + token}} {
		if status := n.browse(here, name, "/report", header...).status; status != http.StatusUnauthorized {
			t.Errorf("with the earlier token: %d", status)
		}
	}
	n.reload(config+loop, `gone .*http-report true`)
	n.sees(here, name, nothing)
	if code := n.stop(); code != exitDone {
		t.Errorf("exit %d", code)
	}
	if log := n.stderr.String(); strings.Contains(strings.ToLower(log), token) || strings.Contains(log, "panic") {
		t.Errorf("log:\n%s", log)
	}
}

// During imports and runs each page is whole, and its counts never decrease.
func TestLiveReportBesideImports(t *testing.T) {
	const runs, each = 12, 50
	n := newNode(t, rarely)
	n.start("--http", "127.0.0.1:0", "--http-report")
	n.told(`\AREADY=1`)
	address := n.web()
	stores := store.Opener{DB: n.Path("t.db"), Sockets: []string{settings.SocketOf(n.Path("t.db"))}, LockTimeout: patience, Log: hclog.NewNullLogger(), Now: time.Now}
	db, ok := stores.OfDaemon(t.Context())
	if !ok {
		t.Fatal("the store is not a daemon's")
	}
	folders, err := ruleset.Folders(false, []string{n.Path("rules")})
	if err != nil {
		t.Fatal(err)
	}
	rules, _ := ruleset.Load(ruleset.Options(folders, nil), ruleset.GCQuick)
	done := make(chan bool)
	go func() {
		defer close(done)
		for i := range runs {
			for j := range each {
				n.Event(i*each+j, 0)
			}
			n.run("", "run-once")
		}
	}()
	var made, served tally
	last := func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
	pages := 0
	for ended := false; !ended; pages++ {
		ended = last()
		var page strings.Builder
		if err := liveReport(t.Context(), db, &settings.Daemon{Settings: settings.Settings{Attack: attack.Current()}}, rules, time.Now(), &page); err != nil {
			t.Fatal(err)
		}
		made.grow(t, page.String())
		got := n.browse(address, address, "/report")
		if got.status != http.StatusOK {
			t.Fatalf("%d %.200s", got.status, got.body)
		}
		served.grow(t, got.body)
	}
	if want := (tally{runs * each, runs * each}); made != want || pages < 2 {
		t.Errorf("the last of %d pages counts %+v, want %+v", pages, made, want)
	}
	if code := n.stop(); code != exitDone {
		t.Errorf("exit %d\n%s", code, n.stderr.String())
	}
}

// tally is a page's counts.
type tally struct{ events, tags int }

// grow reads a page, which must be whole and count no less than the one before.
func (c *tally) grow(t *testing.T, page string) {
	t.Helper()
	if !strings.HasPrefix(page, "<!doctype html>") || !strings.HasSuffix(page, "</html>\n") {
		t.Fatalf("the page is not whole: %.50s … %s", page, page[max(0, len(page)-50):])
	}
	_, text, _ := strings.Cut(page, `<script type="application/json" id="data">`)
	text, _, _ = strings.Cut(text, "</script>")
	if !json.Valid([]byte(text)) {
		t.Errorf("its data are no JSON: %.100s", text)
	}
	number := func(of string) int {
		found := regexp.MustCompile(`<strong>([0-9,]+)</strong> <span>` + of + `s?</span>`).FindStringSubmatch(page)
		if found == nil {
			return 0 // it says in words that there is nothing
		}
		k, err := strconv.Atoi(strings.ReplaceAll(found[1], ",", ""))
		if err != nil {
			t.Error(err)
		}
		return k
	}
	now := tally{number("event"), number("tag")}
	if now.events < c.events || now.tags < c.tags || now.tags > now.events {
		t.Errorf("a page counts %+v after one with %+v", now, *c)
	}
	*c = now
}

// freePort is a port at which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Whoever asks in a way that no browser does gets no answer that helps, and adds no line to
// the log.
func TestRawRequests(t *testing.T) {
	n := newNode(t, rarely)
	n.start("--http", "127.0.0.1:0", "--http-report")
	n.told(`\AREADY=1`)
	address := n.web()
	for _, request := range []string{
		"GET /report HTTP/1.0\r\n\r\n",
		"GET /report HTTP/1.1\r\n\r\n",
		"GET /report HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"GET http://evil.example/report HTTP/1.1\r\nHost: " + address + "\r\n\r\n",
		"GET /report HTTP/1.1\r\nHost: " + address + "\r\nHost: evil.example\r\n\r\n",
		"GET /report HTTP/1.1\r\nHost: evil.example\x1b[2J\r\n\r\n",
		"GET /report%0a[ERROR]%20forged HTTP/1.1\r\nHost: " + address + "\r\n\r\n",
		"GET /report?x=\x01\n HTTP/1.1\r\nHost: " + address + "\r\n\r\n",
		"GET //report HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"GET /x/../report HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"POST /report HTTP/1.1\r\nHost: " + address + "\r\nContent-Length: 5\r\n\r\nhello",
		"CONNECT /report HTTP/1.1\r\nHost: " + address + "\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"GET /report HTTP/1.1\r\nHost: " + address + "\r\nX: " + strings.Repeat("a", 64<<10) + "\r\n\r\n",
	} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(nodetest.Patience))
		_, _ = io.WriteString(c, request)
		_ = c.(*net.TCPConn).CloseWrite()
		answer, _ := io.ReadAll(c) // it may be cut off
		c.Close()
		if strings.Contains(string(answer), "<main") || strings.HasPrefix(string(answer), "HTTP/1.1 200") {
			t.Errorf("%.80q is answered with %.300q", request, answer)
		}
	}
	n.sees(address, address, map[string]int{"/report": 200})
	for line := range strings.Lines(n.stderr.String()) {
		if !strings.Contains(line, " ttpcron: ") || strings.Contains(line, "forged") || strings.ContainsRune(line, '\x1b') {
			t.Errorf("log: %q", line)
		}
	}
}
