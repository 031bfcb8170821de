package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// notifier speaks systemd's protocol: datagrams of NAME=value lines to the
// socket that $NOTIFY_SOCKET names. Without one it says nothing. See
// sd_notify(3).
type notifier struct {
	watchdog time.Duration // how long systemd waits for WATCHDOG=1; 0: for ever

	mu     sync.Mutex
	conn   *net.UnixConn
	status string
}

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
	if for_, err := strconv.Atoi(env["WATCHDOG_PID"]); err == nil && for_ != pid {
		return n, nil
	}
	if usec, err := strconv.ParseInt(env["WATCHDOG_USEC"], 10, 64); err == nil && usec > 0 {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n, nil
}

// say sends lines. What cannot be sent is lost: nobody listens then.
func (n *notifier) say(lines ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conn != nil {
		_, _ = n.conn.Write([]byte(strings.Join(lines, "\n")))
	}
}

// tell sets the text that systemctl status shows.
func (n *notifier) tell(status string) {
	n.mu.Lock()
	same := status == n.status
	n.status = status
	n.mu.Unlock()
	if !same {
		n.say("STATUS=" + clean(status))
	}
}

// ready says that the start, or a reload, is complete.
func (n *notifier) ready(status string) {
	n.mu.Lock()
	n.status = status
	n.mu.Unlock()
	n.say("READY=1", "STATUS="+clean(status))
}

// reloading says that a reload has begun. systemd compares the time with that
// of its own request.
func (n *notifier) reloading() {
	if now, ok := monotonicMicros(); ok {
		n.say("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", now))
	}
}

func (n *notifier) stopping() { n.say("STOPPING=1", "STATUS=stopping") }

// feed keeps the watchdog quiet.
func (n *notifier) feed() {
	if n.watchdog > 0 {
		n.say("WATCHDOG=1")
	}
}
