package daemon

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
	"github.com/ttpcron/ttpcron/scheduler"
)

// The watchdog is fed while the daemon is idle, and while a job shows progress.
func TestWatchdog(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	notify, err := newNotifier(map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "7"}, 7)
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{notify: notify, turns: &turns{}}
	if d.wake() != 30*time.Second {
		t.Errorf("looks every %v", d.wake())
	}
	fed := func() bool {
		notify.say("end")
		found := false
		for b := make([]byte, 1000); ; {
			n, err := socket.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			if string(b[:n]) == "end" {
				return found
			}
			found = found || string(b[:n]) == "WATCHDOG=1"
		}
	}
	idle, busy := []scheduler.Status{{Name: "a"}}, []scheduler.Status{{Name: "a", Running: true}}
	for i, step := range []struct {
		status []scheduler.Status
		moves  bool
		want   bool
	}{{idle, false, true}, {busy, true, true}, {busy, false, false}, {busy, false, false}, {busy, true, true}, {idle, false, true}} {
		if step.moves {
			d.moved.Add(1)
		}
		d.awake(step.status)
		if got := fed(); got != step.want {
			t.Errorf("step %d: fed %v", i, got)
		}
	}
	// The watchdog of another process is not ours to feed.
	other, err := newNotifier(map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "8"}, 7)
	if err != nil || other.watchdog != 0 {
		t.Errorf("%v, %v", other.watchdog, err)
	}
	if n, err := newNotifier(map[string]string{"NOTIFY_SOCKET": "/nowhere/at/all"}, 7); err == nil || n == nil {
		t.Error("no error of a socket that is not there")
	}
}

// The daemon does not wait for a notify socket that nobody reads. Important messages are
// sent, in order, when there is room again, with the status at that time.
func TestNotifySocketIsFull(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	n, err := newNotifier(map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "90000000"}, 7)
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{notify: n, turns: &turns{}}
	nodetest.Soon(t, "looks at the clock", func() {
		for i := range 3000 {
			d.awake([]scheduler.Status{{Name: fmt.Sprint(i), Running: true}})
			d.notify.feed()
		}
		n.reloading()
		n.ready("status at the reload")
		n.tell("the last status")
	})
	if err := socket.SetReadDeadline(time.Now().Add(nodetest.Patience)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for b := make([]byte, 4096); len(got) == 0 || !strings.Contains(got[len(got)-1], "the last status"); {
		if len(got) > 0 && strings.HasPrefix(got[len(got)-1], "RELOADING=1") || len(got)%7 == 6 {
			n.tell("the last status") // as at every look at the clock
		}
		k, err := socket.Read(b)
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		got = append(got, string(b[:k]))
	}
	tail := strings.Join(got[max(0, len(got)-3):], "\n")
	if i, j := strings.Index(tail, "RELOADING=1"), strings.Index(tail, "READY=1"); i < 0 || j < i {
		t.Errorf("sent in the end:\n%s", tail)
	}
}
