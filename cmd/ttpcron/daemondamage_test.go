package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDaemonMeetsDamage breaks a daemon's store in every way that matters to it: the
// daemon reports it in the log, the status and /healthz, keeps trying on its schedule and
// no more often, lets others repair the file once it cannot use it any more, and stops
// when asked to.
func TestDaemonMeetsDamage(t *testing.T) {
	t.Parallel()
	for _, how := range []struct {
		name   string
		damage func(f *os.File) error
		says   string
		letsGo bool
	}{
		{"headers", func(f *os.File) error {
			for page := range int64(2) {
				if _, err := f.WriteAt([]byte("no header"), page*4096+32); err != nil {
					return err
				}
			}
			return nil
		}, "no header is whole", true},
		{"cut", func(f *os.File) error { return f.Truncate(9000) }, "is damaged", false},
		{"pages", func(f *os.File) error {
			info, err := f.Stat()
			if err == nil {
				_, err = f.WriteAt(make([]byte, info.Size()-8192), 8192)
			}
			return err
		}, "is damaged", false},
	} {
		t.Run(how.name, func(t *testing.T) {
			n := newNode(t, everySecond)
			n.Event(1, 0)
			n.serving()
			n.told(`; last run `)
			if code, _, errs := n.run("", "db", "backup", "b.db"); code != exitDone {
				t.Fatal(errs)
			}
			f, err := os.OpenFile(n.Path("t.db"), os.O_RDWR, 0)
			if err == nil {
				err = how.damage(f)
				f.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			n.Event(2, 0)
			n.told(`TROUBLE: .*` + how.says)
			n.wait("the health", func() bool {
				status, body := n.get("unix", n.Path("t.db.sock"), "/healthz")
				return status == http.StatusServiceUnavailable && strings.Contains(body, how.says)
			})
			n.logged(how.says)
			if code, _, errs := n.run("", "status"); code != exitFailed || !strings.Contains(errs, how.says) {
				t.Errorf("status: exit %d: %s", code, errs)
			}
			if how.letsGo {
				if code, _, errs := n.run("", "db", "recover", "--lock-timeout", "1m", "r.db"); code != exitDone {
					t.Errorf("recover: exit %d: %s", code, errs)
				}
				if code, _, errs := n.run("", "db", "restore", "--lock-timeout", "1m", "b.db"); code != exitDone {
					t.Errorf("restore: exit %d: %s", code, errs)
				}
			}
			if code := n.stop(); code != exitDone {
				t.Errorf("the daemon exits with %d\n%s", code, n.stderr.String())
			}
			if strings.Contains(n.stderr.String(), "goroutine ") {
				t.Errorf("it crashed:\n%s", n.stderr.String())
			}
		})
	}
}

// TestToolsObeySignals: commands on a large store, and on a damaged one, end at their
// first signal, whatever they are doing.
func TestToolsObeySignals(t *testing.T) {
	t.Parallel()
	n := newNode(t, rarely)
	n.Env = append(n.Env, "TTPCRON_INPUT=")
	var events strings.Builder
	for i := range busyEvents() {
		fmt.Fprintf(&events, `{"source_kind":"command","time":"2026-05-04T05:49:05Z","attacker_ip":"203.0.113.7","payload":{"command_text":"uname -a; %d"}}`+"\n", i)
	}
	n.Write("many.jsonl", events.String())
	if code, _, errs := n.run("", "import", "many.jsonl"); code != exitDone {
		t.Fatal(errs)
	}
	whole, err := os.ReadFile(n.Path("t.db"))
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte{}, whole...)
	for at := 16 * 4096; at < len(damaged); at += 64 * 4096 {
		damaged[at+8] ^= 0xff
	}
	n.Write("whole.db", string(whole))
	n.Write("damaged.db", string(damaged))
	for _, store := range []string{"whole.db", "damaged.db"} {
		for i, args := range []string{"db check", "db stats", "db recover r.db", "db backup b.db", "db compact", "export-events", "run-once --since-days 3650"} {
			os.Remove(n.Path("r.db"))
			os.Remove(n.Path("b.db"))
			sig := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}[i%2]
			c := n.begin(nil, append(strings.Fields(args), "--db", store)...)
			time.Sleep(30 * time.Millisecond)
			_ = c.cmd.Process.Signal(sig) // it may have ended
			select {
			case <-c.ended:
			case <-time.After(patience):
				t.Errorf("%s of %s does not obey %v", args, store, sig)
			}
		}
	}
}
