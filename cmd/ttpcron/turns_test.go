package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/scheduler"
)

// served is a daemon within the test whose jobs run, and a caller of it. Time
// passes for its turns when the test says so.
type served struct {
	*bench
	client *control.Client
	stop   func()
}

func newServed(t *testing.T, config string) *served {
	t.Helper()
	s := &served{bench: newBench(t, config)}
	if err := s.d.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.d.sched.Run(ctx) }()
	dir, err := os.MkdirTemp("", "ttpcron") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	l, err := control.Listen(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := control.NewServer(control.Options{Fault: faultOf})
	s.d.serveStore(server)
	s.d.serveRuns(ctx, server)
	s.d.serveHolds(server)
	go server.Serve(l)
	s.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		s.stop()
		_ = server.Shutdown(t.Context())
	})
	s.client = control.Dial(path, control.ClientOptions{Fault: errorOf})
	return s
}

// ask asks for a turn.
func (s *served) ask() string {
	s.t.Helper()
	id, err := control.Call[none, string](s.t.Context(), s.client, "turn", none{})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *served) keep(ctx context.Context, id string, begun bool) (bool, error) {
	state, err := control.Call[keeping, turnState](ctx, s.client, "turn-keep", keeping{id, begun})
	return state.Begun, err
}

// begun waits for a turn to begin.
func (s *served) begun(id string) {
	s.t.Helper()
	for {
		begun, err := s.keep(s.t.Context(), id, false)
		if err != nil {
			s.t.Fatal(err)
		}
		if begun {
			return
		}
	}
}

func (s *served) commit(id string) error {
	_, err := control.Call[committing, int](s.t.Context(), s.client, "commit", committing{Turn: id})
	return err
}

// pass lets so many ticks pass.
func (s *served) pass(ticks int) {
	for range ticks {
		s.d.turns.tick()
	}
}

// A caller that is not heard of loses its turn, and what it sends afterwards is
// refused; whoever waits behind it comes next.
func TestTurnIsTakenBack(t *testing.T) {
	s := newServed(t, rarely)
	held := s.ask()
	s.begun(held)
	waiting, next := s.ask(), s.ask()
	s.pass(leaseTicks)
	if err := s.commit(held); err != nil {
		t.Fatalf("within the lease: %v", err)
	}
	s.pass(leaseTicks) // the commit was a sign of life, and those that wait gave none
	for id, want := range map[string]error{held: nil, waiting: errTurnTaken, next: errTurnTaken} {
		if err := s.commit(id); !errors.Is(err, want) {
			t.Errorf("commit of turn %s: %v, want %v", id, err, want)
		}
	}
	after, err := s.d.sched.Queue("after", scheduler.JobFunc(func(context.Context) error { return nil }))
	if err != nil {
		t.Fatal(err)
	}
	s.pass(leaseTicks + 1)
	<-after.Done()
	if err := s.commit(held); !errors.Is(err, errTurnTaken) {
		t.Errorf("a commit after the turn: %v", err)
	}
	if _, err := s.keep(t.Context(), held, true); !errors.Is(err, errTurnTaken) {
		t.Errorf("a sign of life after the turn: %v", err)
	}
	if text := s.n.stderr.String(); strings.Count(text, "was taken back") != 3 {
		t.Errorf("log:\n%s", text)
	}
	// The next turn is another one, and none of the old is.
	id := s.ask()
	s.begun(id)
	if err := s.commit(held); !errors.Is(err, errTurnTaken) {
		t.Errorf("a commit of an old turn in a new one: %v", err)
	}
	if err := s.commit(id); err != nil {
		t.Error(err)
	}
}

// A commit that is at work when its turn ends is finished before anybody else
// comes.
func TestTurnWaitsForItsCommit(t *testing.T) {
	s := newServed(t, rarely)
	id := s.ask()
	s.begun(id)
	working, finish, committed := make(chan bool), make(chan bool), make(chan error, 1)
	go func() {
		committed <- s.d.turns.commit(id, func() error {
			close(working)
			<-finish
			return nil
		})
	}()
	<-working
	if s.d.turns.away() {
		t.Error("a commit at work is work of the daemon")
	}
	s.pass(leaseTicks + 1)
	after, err := s.d.sched.Queue("after", scheduler.JobFunc(func(context.Context) error {
		select {
		case <-finish:
		default:
			t.Error("it runs beside a commit of the turn before it")
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.commit(id); !errors.Is(err, errTurnTaken) {
		t.Errorf("another commit: %v", err)
	}
	close(finish)
	if err := <-committed; err != nil {
		t.Error(err)
	}
	<-after.Done()
}

// While a caller has its turn the watchdog is fed, whatever the caller does.
func TestWatchdogDuringTurn(t *testing.T) {
	s := newServed(t, rarely)
	id := s.ask()
	s.begun(id)
	if !running(s.d.sched.Status()) || !s.d.turns.away() {
		t.Error("the daemon waits for a caller, and takes that for a job of its own that hangs")
	}
	if _, err := control.Call[string, none](t.Context(), s.client, "turn-end", id); err != nil {
		t.Fatal(err)
	}
	s.n.wait("the end of the turn", func() bool { return !s.d.turns.away() })
}

// Nobody commits without the turn of a run, nor keeps the turn of another.
func TestNoTurn(t *testing.T) {
	s := newServed(t, rarely)
	for _, id := range []string{"", "1", "1.1"} {
		if err := s.commit(id); !errors.Is(err, errNoTurn) {
			t.Errorf("commit with turn %q: %v", id, err)
		}
	}
	id := s.ask()
	s.begun(id)
	if err := s.commit(id); err != nil {
		t.Error(err)
	}
	for _, bad := range []struct {
		rest []byte
		want string
	}{{make([]byte, maxRest+1), "are taken"}, {[]byte("nonsense"), "cannot be read"}} {
		if _, err := control.Call[committing, int](t.Context(), s.client, "commit", committing{Turn: id, Rest: bad.rest}); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%d bytes beside the tags: %v", len(bad.rest), err)
		}
	}
	waits := s.ask()
	if err := s.commit(waits); !errors.Is(err, errNoTurn) {
		t.Errorf("a commit before the turn: %v", err)
	}
	// A caller that goes away gives its turn back, one that waits too.
	for _, gone := range []struct {
		id    string
		begun bool
	}{{waits, false}, {id, true}} {
		s.pass(1)
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := s.keep(ctx, gone.id, gone.begun)
			left <- err
		}()
		if _, err := s.keep(t.Context(), gone.id+"x", true); !errors.Is(err, errNoTurn) {
			t.Errorf("a turn of nobody: %v", err)
		}
		s.n.wait("the call", func() bool {
			s.d.turns.mu.Lock()
			defer s.d.turns.mu.Unlock()
			return s.d.turns.byID[gone.id].idle == 0
		})
		leave()
		<-left
		s.n.wait("the end of the turn", func() bool { return errors.Is(s.commit(gone.id), errNoTurn) })
	}
}

// A run whose turn was taken back says so, with an exit code of its own.
func TestRunWithoutItsTurn(t *testing.T) {
	err := turnLost(errors.Join(jobs.ErrInterrupted, control.ErrorOf(control.FaultOf(errTurnTaken, faultOf), errorOf)))
	var h hinted
	if exitCode(err) != exitLocked || !errors.As(err, &h) || !strings.Contains(h.hint, "is kept") || strings.Contains(err.Error(), "interrupted") {
		t.Errorf("exit %d: %v", exitCode(err), err)
	}
}
