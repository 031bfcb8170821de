package control

import (
	"context"
	"fmt"
	"net"
	"slices"
)

// Peer is the process at the other end of a connection, as the kernel knows it:
// who it was when it connected.
type Peer struct {
	PID    int
	UID    int
	GID    int
	Groups []int // supplementary ones
}

// String names the process and its user.
func (p Peer) String() string { return fmt.Sprintf("process %d of user %d", p.PID, p.UID) }

// in reports whether the peer is a member of a group.
func (p Peer) in(gid int) bool { return p.GID == gid || slices.Contains(p.Groups, gid) }

type peerKey struct{}

// PeerOf returns who made the call that a context belongs to.
func PeerOf(ctx context.Context) (Peer, bool) {
	p, ok := ctx.Value(peerKey{}).(Peer)
	return p, ok
}

// withPeer is the ConnContext of the HTTP server.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	if c, ok := c.(*conn); ok {
		return context.WithValue(ctx, peerKey{}, c.peer)
	}
	return ctx
}
