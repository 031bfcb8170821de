package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
)

// get asks the daemon of a node by HTTP, over its socket or a network address.
func (n *node) get(network, address, path string) (status int, body string) {
	n.T.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}}
	resp, err := c.Get("http://ttpcron" + path)
	if err != nil {
		n.T.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		n.T.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestMetricsOfDaemon(t *testing.T) {
	n := newNode(t, rarely)
	for i := range 3 {
		n.Event(i, 0)
	}
	n.start("--http", "127.0.0.1:0", "--metrics-file", n.Path("ttpcron.prom"))
	n.told(`\AREADY=1`)
	n.run("", "run-once")
	n.wait("the file of metrics", func() bool {
		b, _ := os.ReadFile(n.Path("ttpcron.prom"))
		return strings.Contains(string(b), `ttpcron_tags_inserted_total{source="command"} 3`)
	})
	_, web, _ := strings.Cut(n.stderr.String(), "http=")
	web, _, _ = strings.Cut(web, "\n")
	for network, address := range map[string]string{"unix": n.Path("t.db.sock"), "tcp": web} {
		status, body := n.get(network, address, "/metrics")
		if status != http.StatusOK {
			t.Errorf("%s: %d: %s", network, status, body)
		}
		for _, line := range []string{
			`ttpcron_tags_inserted_total{source="command"} 3`, `ttpcron_import_records_total{result="new"} 3`, `ttpcron_lag_events{source="command"} 0`,
			`ttpcron_store_tags_by_technique{technique="T1082"} 3`, `ttpcron_store_tags_by_level{level="medium"} 3`, `ttpcron_store_host_tags_by_level{level="low"} 0`, `ttpcron_batch_duration_seconds_count 1`, `ttpcron_healthy 1`, `ttpcron_job_runs_total{name="rarely"} 0`,
			`ttpcron_rules_in_force 3`, `ttpcron_rules_refused 0`, `ttpcron_memo_lookups_total{result="miss"} 3`,
		} {
			if !strings.Contains(body, line+"\n") {
				t.Errorf("%s: no %s in\n%s", network, line, body)
			}
		}
		if status, body := n.get(network, address, "/healthz"); status != http.StatusOK || body != "ok\n" {
			t.Errorf("%s: %d %s", network, status, body)
		}
	}
	// Nothing but these two is there for the network, and no calls.
	for _, path := range []string{"/", "/debug/pprof/", "/v1/stats"} {
		if status, body := n.get("tcp", web, path); status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, status, body)
		}
		resp, err := http.Post("http://"+web+path, "application/x-gob", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("POST %s: %s", path, resp.Status)
		}
	}
}

func TestUnhealthyDaemon(t *testing.T) {
	n := newNode(t, rarely)
	n.Env = append(n.Env, "TTPCRON_HEALTH_LIMIT=1ns")
	n.serving()
	if status, body := n.get("unix", n.Path("t.db.sock"), "/healthz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "no run has ended well for") {
		t.Errorf("%d %s", status, body)
	}
	if _, body := n.get("unix", n.Path("t.db.sock"), "/metrics"); !strings.Contains(body, "ttpcron_healthy 0\n") {
		t.Error(body)
	}
}
