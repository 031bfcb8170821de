// Package live serves the report of a store as a page that is made while the store changes,
// to those who may see it.
//
// Start with [New]. A [Server] keeps the page and has it made anew, at most so often
// (keep.go). A [Door] is one address at which it is asked for: it looks at which host is
// asked for, since a foreign page could lead a name of its own here (host.go), and at who
// asks (token.go), and it slows down and counts who is refused (refused.go).
package live

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/jsontext"
)

// Path is where the page is.
const Path = "/" + here

// here is the page's relative URL from itself and from its neighbours, under whatever path
// a proxy has them.
const here = "report"

// Options set up a server.
type Options struct {
	// Make writes the page, until ctx ends. One is made at a time.
	Make func(ctx context.Context, w io.Writer) error
	// State returns what the page shows: the same state, the same page. It can be
	// compared, and is asked for at every request.
	State func(ctx context.Context) (any, error)
	// AtOnce is how many requests may wait for the page or take it at once. It leaves
	// connections to whoever asks for something else.
	AtOnce int
	Log    hclog.Logger
	Now    func() time.Time
	// Refused is told why a request was refused, such as [RefusedHost]; nil for nobody.
	Refused func(why string)
	// Made is told how long making a page took, and what went wrong; nil for nobody.
	Made func(took time.Duration, err error)
}

// Policy says who may see the page.
type Policy struct {
	On    bool   // whether there is a page at all
	Hosts []Host // that may be asked for, beside the loopback and where the daemon listens
	Token Token  // that must be known
}

// Server has the page.
type Server struct {
	o       Options
	keep    keeper
	tries   tries
	refused refusals
	places  chan struct{} // of those who wait for the page or take it
	pace    pace
	key     []byte // of cookies: they end with the process
}

// New returns a server. Pages are made until ctx ends.
func New(ctx context.Context, o Options) *Server {
	s := &Server{
		o: o, tries: tries{seed: maphash.MakeSeed()}, key: make([]byte, 32),
		refused: refusals{log: o.Log, said: map[string]time.Time{}, more: map[string]int{}},
		places:  make(chan struct{}, o.AtOnce), pace: patience,
	}
	s.keep.o, s.keep.ctx = &s.o, ctx
	_, _ = rand.Read(s.key) // it never fails
	return s
}

// Wait waits until no page is being made, when ctx of [New] has ended: none is begun then.
func (s *Server) Wait() { s.keep.wait() }

// Door is an address at which the page is asked for.
type Door struct {
	s      *Server
	at     place
	policy atomic.Pointer[Policy]
}

// Door returns a door for a listener. Asked is the address as the config names it.
func (s *Server) Door(asked string, at net.Addr, p Policy) *Door {
	d := &Door{s: s}
	d.at.asked, _ = ParseHost(asked)
	if tcp, ok := at.(*net.TCPAddr); ok {
		d.at.addr = tcp.AddrPort()
	}
	d.Change(p)
	return d
}

// Change puts another policy in force. The page that was kept is forgotten if it is not
// shown any more.
func (d *Door) Change(p Policy) {
	d.policy.Store(&p)
	if !p.On {
		d.s.keep.drop()
	}
}

// Guard lets a handler answer whoever may ask for it. While there is a page, on the
// loopback, that is nobody who asks for a foreign host: what listens there is not meant for
// others. Anywhere else, and without a page, everybody may.
func (d *Door) Guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := d.policy.Load()
		if p.On && d.at.addr.Addr().IsLoopback() && !d.known(w, r, p) {
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Index leads whoever asks for nothing in particular to the page.
func (d *Door) Index() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.open(w, r) != nil {
			leadTo(w)
		}
	})
}

// ServeHTTP answers with the page.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := d.open(w, r)
	if p == nil || !d.letIn(w, r, p) {
		return
	}
	select {
	case d.s.places <- struct{}{}:
		defer func() { <-d.s.places }()
	default:
		d.busy(w, r)
		return
	}
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Time{}) // or the wait would end with the time to send a request
	m, err := d.s.keep.get(r.Context())
	until := time.Now().Add(d.s.pace.piece) // however long the wait was
	_, _ = conn.SetReadDeadline(until), conn.SetWriteDeadline(until)
	switch {
	case r.Context().Err() != nil:
	case errors.Is(err, errBusy):
		d.busy(w, r)
	case err != nil:
		w.Header().Set("Retry-After", strconv.Itoa(int(minPause.Seconds())))
		say(w, http.StatusInternalServerError, "The report could not be made. The daemon's log says why.")
	default:
		d.s.pace.send(w, r, m)
	}
}

// busy turns clients away if there are too many.
func (d *Door) busy(w http.ResponseWriter, r *http.Request) {
	d.s.refuse(RefusedBusy, "a request was refused: too many wait for the report or take it already", r, "")
	w.Header().Set("Retry-After", "5")
	say(w, http.StatusServiceUnavailable, "Too many wait for the report or take it already. Try again in a few seconds.")
}

// open refuses clients that cannot be let in whatever they know. It then returns nil.
func (d *Door) open(w http.ResponseWriter, r *http.Request) *Policy {
	p := d.policy.Load()
	if !p.On {
		http.NotFound(w, r)
		return nil
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d.s.pace.piece))
	if !d.known(w, r, p) {
		return nil
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		say(w, http.StatusMethodNotAllowed, "The report can be read, and nothing else.")
		return nil
	}
	return p
}

// known refuses requests for an unknown host, and returns false.
func (d *Door) known(w http.ResponseWriter, r *http.Request, p *Policy) bool {
	var local netip.Addr
	if tcp, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		local = tcp.AddrPort().Addr()
	}
	want, err := ParseHost(r.Host)
	if err == nil && d.at.knows(want, local, p.Hosts) {
		return true
	}
	d.s.refuse(RefusedHost, "a request was refused: it asks for a host that is not known here", r, r.Host)
	text := "This request names no host that could be known here."
	if err == nil {
		text = fmt.Sprintf("This daemon is not known as %s. A foreign page may have led you here.\n\nIf the name is right, list it under [daemon] in its config:\n\n    http-hosts = [\"%s\"]",
			want, want)
	}
	say(w, http.StatusMisdirectedRequest, text)
	return false
}

// refuse counts and logs a request that is refused.
func (s *Server) refuse(why, text string, r *http.Request, host string) {
	if s.o.Refused != nil {
		s.o.Refused(why)
	}
	s.refused.add(why, s.o.Now(), text, from(r), host)
}

// from is the client's address.
func from(r *http.Request) netip.Addr {
	at, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero address for what is none
	return at.Addr()
}

// say answers in a few words.
func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintln(w, jsontext.Clean(line))
	}
}
