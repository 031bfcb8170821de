package control

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// Client calls a server. It keeps no connection between two calls, so that a
// program that waits for its user costs the server nothing.
type Client struct {
	path      string
	ownedLike string
	http      *http.Client
	retry     time.Duration
	fault     func(*Fault) error
	end       context.Context // ends all calls
}

// ClientOptions sets up a client.
type ClientOptions struct {
	// Retry is how long to keep trying when nobody serves the socket, as during a restart
	// of the server; 0 tries once.
	Retry time.Duration
	// Fault turns a fault of a kind that the program knows into an error, and returns nil
	// for others. It may be nil.
	Fault func(*Fault) error
	// OwnedLike names a file, perhaps not there, whose owner may run the server, besides
	// this user, root and the owner of the socket's folder.
	OwnedLike string
	// Interrupt cancels all calls, whatever their own context, InterruptGrace after it has
	// ended, so that a suspended server cannot hold up a caller that wants to exit. It may
	// be nil.
	Interrupt context.Context
}

// InterruptGrace is how long a call may go on after ClientOptions.Interrupt has
// ended, such as one that commits a batch in hand.
const InterruptGrace = 5 * time.Second

// Dial returns a client for the server at a socket. It does not connect yet.
func Dial(path string, o ClientOptions) *Client {
	c := &Client{path: path, ownedLike: o.OwnedLike, retry: o.Retry, fault: o.Fault, end: context.Background()}
	if o.Interrupt != nil {
		end, cancel := context.WithCancel(c.end)
		c.end = end
		context.AfterFunc(o.Interrupt, func() { time.AfterFunc(InterruptGrace, cancel) })
	}
	c.http = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return c.connect(ctx) },
	}}
	return c
}

// dialPoll is how often a socket that nobody serves is tried again.
const dialPoll = 50 * time.Millisecond

// connect connects to the socket, and checks who listens there.
func (c *Client) connect(ctx context.Context) (net.Conn, error) {
	deadline := time.Now().Add(c.retry)
	for {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "unix", c.path)
		if err == nil {
			if err := c.trusted(conn); err != nil {
				conn.Close()
				return nil, err
			}
			reached, ok := ctx.Value(contactKey{}).(*contact)
			if !ok {
				return conn, nil
			}
			reached.connected.Store(true)
			return asking{conn, reached}, nil
		}
		if !absent(err) || time.Now().After(deadline) {
			return nil, &AbsentError{Path: c.path, Err: err}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(dialPoll):
		}
	}
}

// absent reports whether a connection error means that nobody serves the socket.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

// AbsentError says that nobody could be reached at a socket.
type AbsentError struct {
	Path string
	Err  error
}

// Error names the socket.
func (e *AbsentError) Error() string {
	return fmt.Sprintf("nobody answers at the control socket %s: %v", e.Path, e.Err)
}

// Unwrap returns the system's error.
func (e *AbsentError) Unwrap() error { return e.Err }

// trusted refuses a server that another user may have put there, in a folder such as /tmp
// where everyone may create files.
func (c *Client) trusted(conn net.Conn) error {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return errors.New("no unix socket")
	}
	p, err := peerOf(u)
	if err != nil {
		return err
	}
	if c.trusts(p) {
		return nil
	}
	return fmt.Errorf("control socket %s: it is served by %s, who is neither you nor root nor the owner of its folder", c.path, p)
}

func (c *Client) trusts(p Peer) bool {
	return privileged(p.UID) || owns(p.UID, filepath.Dir(c.path)) || c.ownedLike != "" && owns(p.UID, c.ownedLike)
}

// owns reports whether a file is there and belongs to a user.
func owns(user int, path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	uid, _, ok := ownerOf(info)
	return ok && uid == user
}

// Path returns where the socket is.
func (c *Client) Path() string { return c.path }

// post sends a request of limited size and returns its answer, unless that is a fault.
func (c *Client) post(ctx context.Context, name string, req any, limit int) (*http.Response, error) {
	value, err := encode(req)
	if err != nil {
		return nil, err
	}
	if len(value) > limit {
		return nil, fmt.Errorf("request %s has %d bytes and the control socket takes %d", name, len(value), limit)
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.end, cancel)
	var reached contact
	calling := context.WithValue(ctx, contactKey{}, &reached)
	resp, err := c.send(calling, name, value)
	if err != nil && ctx.Err() == nil && reached.connected.Load() && !reached.asked.Load() {
		resp, err = c.send(calling, name, value)
	}
	if err != nil {
		stop()
		cancel()
		return nil, err
	}
	resp.Body = body{resp.Body, func() { stop(); cancel() }}
	return resp, nil
}

// contact is how far a call got. A server hangs up on a caller that connects and then sends
// nothing for some seconds, for example because it was suspended in between. Nothing was
// asked for then, so the call may be made once more.
type contact struct{ connected, asked atomic.Bool }

type contactKey struct{}

// asking is a connection that notes when something is sent.
type asking struct {
	net.Conn
	*contact
}

func (a asking) Write(b []byte) (int, error) {
	before := a.asked.Swap(true) // first, so that no server can know more
	n, err := a.Conn.Write(b)
	if n == 0 && err != nil && !before {
		a.asked.Store(false)
	}
	return n, err
}

// body is the body of an answer. Closing it calls done, too.
type body struct {
	io.ReadCloser
	done func()
}

func (b body) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}

func (c *Client) send(ctx context.Context, name string, value []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://ttpcron/v1/"+name, bytes.NewReader(value))
	if err != nil {
		return nil, err
	}
	r.Header.Set(protocolHeader, strconv.Itoa(Protocol))
	resp, err := c.http.Do(r)
	if err != nil {
		if cerr := ctx.Err(); cerr != nil {
			return nil, cerr
		}
		if inner := errors.Unwrap(err); inner != nil { // url.Error adds a URL that means nothing here
			err = inner
		}
		var away *AbsentError
		if !errors.As(err, &away) {
			err = fmt.Errorf("control socket %s: %s: %w", c.path, name, err)
		}
		return nil, err
	}
	if got := resp.Header.Get(protocolHeader); got != strconv.Itoa(Protocol) {
		resp.Body.Close()
		return nil, &ProtocolError{Client: strconv.Itoa(Protocol), Server: got}
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	var f Fault
	if err := gob.NewDecoder(bytes.NewReader(text)).Decode(&f); err != nil || f.Text == "" {
		return nil, fmt.Errorf("control socket %s: %s: %s", c.path, name, resp.Status)
	}
	return nil, ErrorOf(&f, c.fault)
}
