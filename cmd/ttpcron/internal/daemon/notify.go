package daemon

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// notifier speaks systemd's protocol: datagrams of NAME=value lines to the
// socket that $NOTIFY_SOCKET names. Without one it says nothing. See
// sd_notify(3).
type notifier struct {
	watchdog time.Duration // how long systemd waits for WATCHDOG=1; 0: for ever

	mu     sync.Mutex
	conn   *net.UnixConn
	status string   // as told
	owed   []string // messages that found the socket full, the oldest first
}

// maxOwed is how many owed messages are kept; the oldest are dropped.
const maxOwed = 16

// newNotifier connects to the socket of the environment. A name that begins
// with @ is one of the abstract namespace.
func newNotifier(env map[string]string, pid int) (*notifier, error) {
	n := &notifier{}
	name := env["NOTIFY_SOCKET"]
	if name == "" {
		return n, nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return n, fmt.Errorf("connect to the notify socket: %w", err)
	}
	n.conn = conn
	if meant, err := strconv.Atoi(env["WATCHDOG_PID"]); err == nil && meant != pid {
		return n, nil
	}
	if usec, err := strconv.ParseInt(env["WATCHDOG_USEC"], 10, 64); err == nil && usec > 0 {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n, nil
}

// say sends lines without waiting: if the socket is full, because its reader is slow, they
// are sent before the next ones. What cannot be sent at all is lost: nobody listens then.
func (n *notifier) say(lines ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if text := strings.Join(lines, "\n"); !n.send(text) {
		n.owed = append(n.owed, text)
		n.owed = n.owed[max(0, len(n.owed)-maxOwed):]
	}
}

// send sends what is owed, then text, and reports whether everything was sent. The caller
// holds mu.
func (n *notifier) send(text string) bool {
	for len(n.owed) > 0 {
		if !n.try(n.owed[0]) {
			return false
		}
		n.owed = n.owed[1:]
	}
	return n.try(text)
}

// try sends a message, unless the socket is full.
func (n *notifier) try(text string) bool {
	if n.conn == nil {
		return true
	}
	raw, err := n.conn.SyscallConn()
	if err != nil {
		return true
	}
	full := false
	_ = raw.Write(func(fd uintptr) bool {
		err := writeOnce(fd, text)
		full = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOBUFS)
		return true // else it would wait
	})
	return !full
}

// tell sets the text that systemctl status shows.
func (n *notifier) tell(status string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if status != n.status && n.send("STATUS="+term.Clean(status)) {
		n.status = status // else it is told at the next look
	}
}

// ready says that the start, or a reload, is complete.
func (n *notifier) ready(status string) {
	n.mu.Lock()
	n.status = status
	n.mu.Unlock()
	n.say("READY=1", "STATUS="+term.Clean(status))
}

// reloading announces a reload. systemd compares the time with that of its own request.
func (n *notifier) reloading() {
	if now, ok := host.MonotonicMicros(); ok {
		n.say("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", now))
	}
}

func (n *notifier) stopping() { n.say("STOPPING=1", "STATUS=stopping") }

// feed keeps the watchdog quiet. A sign of life that finds no room is not owed:
// another one follows.
func (n *notifier) feed() {
	if n.watchdog > 0 {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.send("WATCHDOG=1")
	}
}
