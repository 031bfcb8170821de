package control

import (
	"context"
	"net"
	"net/http"
	"os"
	"time"
)

// Encode writes a value as a request has it.
func Encode(v any) ([]byte, error) { return encode(v) }

// Stranger is a user who is neither root nor this one.
var Stranger = os.Geteuid() + 12345

// SlowToAsk has a client wait after it connected, long enough for a server to hang up.
func SlowToAsk(c *Client) {
	c.http.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := c.connect(ctx)
		time.Sleep(50 * time.Millisecond)
		return conn, err
	}
}
