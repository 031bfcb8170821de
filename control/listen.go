package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
)

// SocketMode is the mode of a socket: its user and its group.
const SocketMode = 0o660

// maxSocketPath is how long the path of a socket may be on Linux, in bytes.
const maxSocketPath = 107

// Listener accepts connections from users who may call.
type Listener struct {
	unix  *net.UnixListener
	path  string
	info  fs.FileInfo // of the socket
	group int
	log   hclog.Logger
	slots chan struct{}

	mu    sync.Mutex
	users map[int]int // connections by user
}

// Listen makes a socket at a path. A socket that nobody serves any more is
// replaced; one that somebody serves, and any other file, is an error. It logs who
// may connect.
func Listen(path string, log hclog.Logger) (*Listener, error) {
	if log == nil {
		log = hclog.NewNullLogger()
	}
	if err := CheckPath(path); err != nil {
		return nil, err
	}
	if err := makeWay(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the socket: %w", err)
	}
	u, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	u.SetUnlinkOnClose(false) // Close first checks whose it is
	l := &Listener{unix: u, path: path, log: log, slots: make(chan struct{}, MaxConnections), users: map[int]int{}}
	if err = os.Chmod(path, SocketMode); err == nil {
		l.info, err = os.Lstat(path)
	}
	if err != nil {
		u.Close()
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	l.group = groupOf(l.info)
	return l, nil
}

// CheckPath refuses a path at which no socket can be made.
func CheckPath(path string) error {
	if len(path) > maxSocketPath {
		return fmt.Errorf("socket %s: the path has %d bytes and the system allows %d", path, len(path), maxSocketPath)
	}
	return nil
}

// groupOf returns the group that a file belongs to, -1 when it is not known.
func groupOf(info fs.FileInfo) int {
	if _, gid, ok := ownerOf(info); ok {
		return gid
	}
	return -1
}

// makeWay removes a socket that nobody serves.
func makeWay(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("socket %s: a file that is no socket has this name; name another place", path)
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
		return fmt.Errorf("socket %s: another process serves it", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("socket %s: %w", path, err)
	}
	return os.Remove(path)
}

// Path returns where the socket is.
func (l *Listener) Path() string { return l.path }

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return l.unix.Addr() }

// Close stops listening and removes the socket, unless another one has taken
// its place.
func (l *Listener) Close() error {
	if info, err := os.Lstat(l.path); err == nil && os.SameFile(info, l.info) {
		_ = os.Remove(l.path)
	}
	return l.unix.Close()
}

// Accept waits for a connection from somebody who may call. Connections beyond the limits
// wait in the kernel's queue.
func (l *Listener) Accept() (net.Conn, error) {
	l.slots <- struct{}{}
	for {
		c, err := l.unix.AcceptUnix()
		if err != nil {
			<-l.slots
			return nil, err
		}
		p, err := peerOf(c)
		if err == nil && !l.allowed(p) {
			err = fmt.Errorf("%s is not of the group of the socket", p)
		}
		if err == nil && !l.enter(p.UID) {
			err = fmt.Errorf("%s has %d connections already", p, maxOfUser)
		}
		if err != nil {
			l.log.Warn("a connection to the control socket was refused", "reason", err)
			c.Close()
			continue
		}
		return &conn{UnixConn: c, peer: p, leave: sync.OnceFunc(func() { l.leave(p.UID) })}, nil
	}
}

// allowed reports whether somebody may call. The mode of the socket says the same,
// but a process that was given an open connection, or that came before the mode was
// set, is caught only here.
func (l *Listener) allowed(p Peer) bool {
	group := l.group
	if info, err := os.Lstat(l.path); err == nil && os.SameFile(info, l.info) {
		group = groupOf(info) // somebody may have given it to another one
	}
	return privileged(p.UID) || group >= 0 && p.in(group)
}

// privileged are the server's user and root.
func privileged(uid int) bool { return uid == 0 || uid == os.Geteuid() }

func (l *Listener) enter(uid int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users[uid] >= maxOfUser && !privileged(uid) {
		return false
	}
	l.users[uid]++
	return true
}

func (l *Listener) leave(uid int) {
	l.mu.Lock()
	if l.users[uid]--; l.users[uid] <= 0 {
		delete(l.users, uid)
	}
	l.mu.Unlock()
	<-l.slots
}

// sendBuffer is how much of an answer the kernel takes before its reader does, in bytes.
const sendBuffer = 64 << 10

// Bounded limits a listener to as many connections at once as a control socket; others
// wait. It also keeps the kernel's send buffers small. Otherwise the kernel would hold
// megabytes of unread answers for each connection, even for closed ones, where the server
// cannot count them.
func Bounded(l net.Listener) net.Listener {
	return &bounded{Listener: l, slots: make(chan struct{}, MaxConnections)}
}

type bounded struct {
	net.Listener
	slots chan struct{}
}

func (b *bounded) Accept() (net.Conn, error) {
	b.slots <- struct{}{}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.slots
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer) // a dead connection is noticed soon
	}
	return &boundedConn{c, sync.OnceFunc(func() { <-b.slots })}, nil
}

type boundedConn struct {
	net.Conn
	leave func()
}

func (c *boundedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// conn is a connection with the peer at its other end.
type conn struct {
	*net.UnixConn
	peer  Peer
	leave func()
}

func (c *conn) Close() error {
	defer c.leave()
	return c.UnixConn.Close()
}
