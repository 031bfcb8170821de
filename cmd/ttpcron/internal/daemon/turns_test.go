package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/scheduler"
)

// served is a daemon inside the test whose jobs run, and a caller. The test advances the
// time for its turns.
type served struct {
	*bench
	path   string // of the socket
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
	s.path = filepath.Join(dir, "s")
	l, err := control.Listen(s.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := control.NewServer(control.Options{Fault: store.FaultOf})
	store.Serve(server, s.d.holder)
	s.d.serveRuns(ctx, server)
	s.d.serveTurns(server)
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
	s.client = control.Dial(s.path, control.ClientOptions{Fault: store.ErrorOf})
	return s
}

// store is the daemon's store, as a caller sees it.
func (s *served) store() *store.Store {
	s.t.Helper()
	o := store.Opener{DB: s.d.db.Path(), Sockets: []string{s.path}, LockTimeout: nodetest.Patience, Log: s.d.log, Now: s.d.now}
	db, ok := o.OfDaemon(s.t.Context())
	if !ok {
		s.t.Fatal("no daemon has the store")
	}
	return db
}

// ask asks for a turn.
func (s *served) ask() string {
	s.t.Helper()
	id, err := calls.Turn.Call(s.t.Context(), s.client, none{})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *served) keep(ctx context.Context, id string, begun bool) (bool, error) {
	state, err := calls.TurnKeep.Call(ctx, s.client, keeping{id, begun})
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
	_, err := calls.Commit.Call(s.t.Context(), s.client, committing{Turn: id})
	return err
}

// pass lets so many ticks pass.
func (s *served) pass(ticks int) {
	for range ticks {
		s.d.turns.tick()
	}
}

// A caller that makes no calls loses its turn, and its later calls are refused; the next
// in line gets the turn.
func TestTurnIsTakenBack(t *testing.T) {
	s := newServed(t, nodetest.Rarely)
	held := s.ask()
	s.begun(held)
	waiting, next := s.ask(), s.ask()
	s.pass(leaseTicks)
	if err := s.commit(held); err != nil {
		t.Fatalf("within the lease: %v", err)
	}
	s.pass(leaseTicks) // the commit was a sign of life, and those that wait gave none
	for id, want := range map[string]error{held: nil, waiting: store.ErrTurnTaken, next: store.ErrTurnTaken} {
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
	if err := s.commit(held); !errors.Is(err, store.ErrTurnTaken) {
		t.Errorf("a commit after the turn: %v", err)
	}
	if _, err := s.keep(t.Context(), held, true); !errors.Is(err, store.ErrTurnTaken) {
		t.Errorf("a sign of life after the turn: %v", err)
	}
	if text := s.stderr.String(); strings.Count(text, "was taken back") != 3 {
		t.Errorf("log:\n%s", text)
	}
	// The next turn is another one, and none of the old is.
	id := s.ask()
	s.begun(id)
	if err := s.commit(held); !errors.Is(err, store.ErrTurnTaken) {
		t.Errorf("a commit of an old turn in a new one: %v", err)
	}
	if err := s.commit(id); err != nil {
		t.Error(err)
	}
}

// A commit that is at work when its turn ends is finished before anybody else
// comes.
func TestTurnWaitsForItsCommit(t *testing.T) {
	s := newServed(t, nodetest.Rarely)
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
	if err := s.commit(id); !errors.Is(err, store.ErrTurnTaken) {
		t.Errorf("another commit: %v", err)
	}
	close(finish)
	if err := <-committed; err != nil {
		t.Error(err)
	}
	<-after.Done()
}

// While a caller has its turn, the watchdog is fed, whatever the caller does.
func TestWatchdogDuringTurn(t *testing.T) {
	s := newServed(t, nodetest.Rarely)
	id := s.ask()
	s.begun(id)
	if !running(s.d.sched.Status()) || !s.d.turns.away() {
		t.Error("the daemon waits for a caller, and takes that for a job of its own that hangs")
	}
	if _, err := calls.TurnEnd.Call(t.Context(), s.client, id); err != nil {
		t.Fatal(err)
	}
	s.wait("the end of the turn", func() bool { return !s.d.turns.away() })
}

// committingRest is committing from a caller that sends anything next to the lists.
type committingRest struct {
	Turn string
	Rest sent
}

// sent is what travels in the place of a value.
type sent []byte

func (b sent) GobEncode() ([]byte, error) { return b, nil }

// Nobody can commit without a turn, or keep another's turn.
func TestNoTurn(t *testing.T) {
	s := newServed(t, nodetest.Rarely)
	for _, id := range []string{"", "1", "1.1"} {
		if err := s.commit(id); !errors.Is(err, store.ErrNoTurn) {
			t.Errorf("commit with turn %q: %v", id, err)
		}
	}
	id := s.ask()
	s.begun(id)
	if err := s.commit(id); err != nil {
		t.Error(err)
	}
	commit := control.NewMethod[committingRest, int]("commit", control.Large)
	for _, bad := range []struct {
		rest sent
		want string
	}{{make(sent, control.MaxSmall+1), "are taken"}, {sent("nonsense"), "cannot be read"}} {
		if _, err := commit.Call(t.Context(), s.client, committingRest{id, bad.rest}); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%d bytes beside the tags: %v", len(bad.rest), err)
		}
	}
	waits := s.ask()
	if err := s.commit(waits); !errors.Is(err, store.ErrNoTurn) {
		t.Errorf("a commit before the turn: %v", err)
	}
	// A caller that goes away returns its turn, or its place in the queue.
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
		if _, err := s.keep(t.Context(), gone.id+"x", true); !errors.Is(err, store.ErrNoTurn) {
			t.Errorf("a turn of nobody: %v", err)
		}
		s.wait("the call", func() bool {
			s.d.turns.mu.Lock()
			defer s.d.turns.mu.Unlock()
			return s.d.turns.byID[gone.id].idle == 0
		})
		leave()
		<-left
		s.wait("the end of the turn", func() bool { return errors.Is(s.commit(gone.id), store.ErrNoTurn) })
	}
}

// A run whose turn was revoked says so.
func TestRunWithoutItsTurn(t *testing.T) {
	err := turnLost(errors.Join(jobs.ErrInterrupted, control.ErrorOf(control.FaultOf(store.ErrTurnTaken, store.FaultOf), store.ErrorOf)))
	var h cli.Hinted
	if !errors.Is(err, store.ErrTurnTaken) || !errors.As(err, &h) || !strings.Contains(h.Hint, "is kept") || strings.Contains(err.Error(), "interrupted") {
		t.Error(err)
	}
}
