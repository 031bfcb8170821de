package control

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestWhoMayCall(t *testing.T) {
	l := &Listener{group: 4242}
	for _, c := range []struct {
		peer Peer
		want bool
	}{
		{Peer{UID: os.Geteuid(), GID: 1}, true},
		{Peer{UID: 0, GID: 1}, true},
		{Peer{UID: Stranger, GID: 4242}, true},
		{Peer{UID: Stranger, GID: 1, Groups: []int{7, 4242}}, true},
		{Peer{UID: Stranger, GID: 1, Groups: []int{7}}, false},
		{Peer{UID: Stranger, GID: -1}, false},
	} {
		if got := l.allowed(c.peer); got != c.want {
			t.Errorf("%+v: %t", c.peer, got)
		}
	}
	l.group = -1 // it could not be found out
	if l.allowed(Peer{UID: Stranger, GID: -1}) {
		t.Error("a stranger of group -1")
	}
}

// A command tells its events to no stranger who has put a socket where a daemon's is looked
// for.
func TestWhoMayServe(t *testing.T) {
	c := &Client{path: filepath.Join(t.TempDir(), "s"), ownedLike: filepath.Join(t.TempDir(), "t.db")} // in folders of ours
	owner := Stranger - 1
	if err := os.WriteFile(c.ownedLike, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		uid  int
		want bool
	}{{os.Geteuid(), true}, {0, true}, {owner, false}, {Stranger, false}} {
		if got := c.trusts(Peer{UID: test.uid}); got != test.want {
			t.Errorf("user %d serves: %t", test.uid, got)
		}
	}
	if os.Geteuid() != 0 {
		return
	}
	if err := errors.Join(os.Chown(filepath.Dir(c.path), Stranger, -1), os.Chown(c.ownedLike, owner, -1)); err != nil {
		t.Fatal(err)
	}
	if !c.trusts(Peer{UID: Stranger}) || !c.trusts(Peer{UID: owner}) {
		t.Error("whose folder it is, or whose store, does not count")
	}
	missing := filepath.Join(c.path, "missing", "s")
	if c.path, c.ownedLike = missing, missing; c.trusts(Peer{UID: Stranger}) || c.trusts(Peer{UID: owner}) {
		t.Error("a file that is not there counts")
	}
}

// The group of the socket may be changed while it is served.
func TestGroupOfSocketIsChanged(t *testing.T) {
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		groups = append(groups, 4242)
	}
	l, err := Listen(filepath.Join(t.TempDir(), "s"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, g := range groups {
		if err := os.Chown(l.Path(), -1, g); err != nil {
			t.Fatal(err)
		}
		if !l.allowed(Peer{UID: Stranger, GID: 1, Groups: []int{g}}) || l.allowed(Peer{UID: Stranger, GID: g + 1}) {
			t.Errorf("group %d of the socket is not the one that counts", g)
		}
	}
}

func TestConnectionsOfOneUser(t *testing.T) {
	l := &Listener{users: map[int]int{}, slots: make(chan struct{}, 1000)}
	for n := range 2 * maxOfUser {
		l.slots <- struct{}{}
		if got, want := l.enter(Stranger), n < maxOfUser; got != want {
			t.Fatalf("connection %d of a stranger: %t", n+1, got)
		}
		l.slots <- struct{}{}
		if !l.enter(os.Geteuid()) {
			t.Fatalf("connection %d of the server's user was refused", n+1)
		}
	}
	l.leave(Stranger)
	if !l.enter(Stranger) {
		t.Error("a connection that ended counts on")
	}
}

func TestPeerOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(path, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	p := s.(*conn).peer
	for _, g := range groups {
		if !p.in(g) {
			t.Errorf("group %d is missing in %+v", g, p)
		}
	}
	if p.in(Stranger) {
		t.Errorf("%+v is said to be in every group", p)
	}
}
