package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Options sets up a server.
type Options struct {
	Log hclog.Logger // nil: none
	// Fault gives a kind to errors that the caller should recognise; nil, or a nil result,
	// gives none.
	Fault func(error) *Fault
	// Quiet is called when calls have been answered and none came for QuietTime;
	// nil for none.
	Quiet func()
	// Once limits each connection to one request, so that idle connections do not keep
	// others out.
	Once bool
}

// QuietTime is how long no call may come before Options.Quiet is called.
const QuietTime = 5 * time.Second

// Server answers calls.
type Server struct {
	o       Options
	mux     *http.ServeMux
	http    *http.Server
	working chan struct{}
	large   chan struct{}
	quiet   *time.Timer // nil for none
	methods []string
}

// NewServer returns a server without methods.
func NewServer(o Options) *Server {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	s := &Server{o: o, mux: http.NewServeMux(), working: make(chan struct{}, maxWorking), large: make(chan struct{}, maxLarge)}
	if o.Quiet != nil {
		s.quiet = time.AfterFunc(QuietTime, o.Quiet)
	}
	s.http = &http.Server{
		Handler: s.mux, ConnContext: withPeer,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: readTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: stdlog.New(io.Discard, "", 0), // peers that go away are no news
	}
	s.http.SetKeepAlivesEnabled(!o.Once)
	return s
}

// Handle adds a plain HTTP handler, such as the one for metrics. Its answer should be
// small: the caller has some seconds to read it.
func (s *Server) Handle(pattern string, h http.Handler) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if !s.acquire(r.Context(), s.working) {
			return
		}
		a := &page{header: w.Header(), status: http.StatusOK}
		func() {
			defer func() { <-s.working }()
			h.ServeHTTP(a, r)
		}()
		// However slowly the answer is read, the call is no longer at work.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime))
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body.Bytes())
	})
}

// HandleLong adds a plain HTTP handler whose answer may be large or take long. Its calls do
// not count as calls at work. The handler limits how much it does at once, and sets its
// connections' deadlines itself.
func (s *Server) HandleLong(pattern string, h http.Handler) { s.mux.Handle(pattern, h) }

// page is an answer that is kept until it is complete.
type page struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (p *page) Header() http.Header         { return p.header }
func (p *page) WriteHeader(status int)      { p.status = status }
func (p *page) Write(b []byte) (int, error) { return p.body.Write(b) }

// Serve answers calls until Shutdown or Close. It returns nil then.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("control socket: %w", err)
	}
	return nil
}

// Shutdown stops listening, waits for calls at work until ctx ends, and then
// ends them.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.quiet != nil {
		s.quiet.Stop()
	}
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	return err
}

// handle adds the handler of a method. A server without methods knows nothing of calls.
func (s *Server) handle(name string, h http.HandlerFunc) {
	if len(s.methods) == 0 {
		s.mux.HandleFunc("POST /v1/", s.unknown)
	}
	s.methods = append(s.methods, name)
	s.mux.HandleFunc("POST /v1/"+name, func(w http.ResponseWriter, r *http.Request) {
		s.o.Log.Trace("call", "method", name)
		h(w, r)
	})
}

// unknown answers a call of a method that does not exist.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(protocolHeader, strconv.Itoa(Protocol))
	s.reply(w, nil, &Fault{Text: fmt.Sprintf("the server does not know %s: it is of another version than the program that calls it", strings.TrimPrefix(r.URL.Path, "/v1/"))})
}

// Methods lists the names of the methods that the server answers.
func (s *Server) Methods() []string { return slices.Clone(s.methods) }

// answer reads a request and lets do work on it. While the call counts as at work, nothing
// happens that the caller could delay.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, limit int, waits bool, work func(ctx context.Context, body []byte) ([]byte, error)) (out []byte, err error) {
	w.Header().Set(protocolHeader, strconv.Itoa(Protocol))
	if got := r.Header.Get(protocolHeader); got != strconv.Itoa(Protocol) {
		return nil, &Fault{Text: (&ProtocolError{Client: got, Server: strconv.Itoa(Protocol)}).Error()}
	}
	switch {
	case r.ContentLength < 0:
		return nil, &Fault{Text: "the request does not say how long it is"}
	case r.ContentLength > int64(limit):
		return nil, &Fault{Text: fmt.Sprintf("the request has %d bytes and %s takes %d", r.ContentLength, r.URL.Path, limit)}
	case r.ContentLength > MaxRequest:
		if !s.acquire(r.Context(), s.large) {
			return nil, r.Context().Err()
		}
		defer func() { <-s.large }()
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTime))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(limit)))
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // the caller may wait as long as the work takes
	if !waits {
		if !s.acquire(r.Context(), s.working) {
			return nil, r.Context().Err()
		}
		defer func() { <-s.working }()
	}
	defer func() {
		if p := recover(); p != nil {
			s.o.Log.Error("a call panicked", "method", r.URL.Path, "panic", fmt.Sprint(p), "stack", hclog.Quote(debug.Stack()))
			out, err = nil, &Fault{Text: fmt.Sprintf("%s panicked: %v; the daemon's log says where", r.URL.Path, p)}
		}
	}()
	return work(r.Context(), body)
}

// acquire waits for a place, until the caller goes away.
func (s *Server) acquire(ctx context.Context, places chan struct{}) bool {
	if s.quiet != nil {
		s.quiet.Reset(QuietTime)
	}
	select {
	case places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Server) reply(w http.ResponseWriter, answer []byte, err error) {
	status, kind := http.StatusOK, "application/x-gob"
	if err != nil {
		status = http.StatusUnprocessableEntity
		answer, _ = encode(FaultOf(err, s.o.Fault))
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime))
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(status)
	_, _ = w.Write(answer) // a caller that is gone needs none
}
