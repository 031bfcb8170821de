package daemon

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/scheduler"
)

// A turn is a lease. Its caller renews it with calls apart from its work. If there is no
// call for leaseTicks, the turn is over, and nothing more is committed under it. So a
// caller that is suspended, or whose machine is too busy, holds up others no longer than
// that.
//
// The daemon counts ticks and does not compare times: setting the clock has no effect, and
// a daemon that was suspended, or whose machine slept, has counted at most one tick when
// it wakes and finds the calls made meanwhile.
const (
	leaseTick  = time.Second
	leaseTicks = int(store.Lease / leaseTick)
	// keepTime is the longest that one renewing call waits: a caller calls at least that
	// often.
	keepTime = 5 * time.Second
)

// maxGone is how many revoked turns are remembered.
const maxGone = 256

// turns are the turns that callers have, or wait for.
type turns struct {
	log   hclog.Logger
	sched *scheduler.Scheduler
	name  string // tells the turns of this daemon from those of an earlier one

	mu   sync.Mutex
	n    uint64
	byID map[string]*turn
	now  *turn    // in progress; nil: none
	gone []string // taken back, the latest last
}

// turn is a turn that a caller has or waits for. Its fields after over are guarded
// by turns.mu.
type turn struct {
	id     string
	peer   control.Peer
	ticket *scheduler.Ticket
	begun  chan struct{}
	over   chan struct{}

	ended   bool
	idle    int            // ticks since its caller was last heard from
	working int            // commits at work
	done    sync.WaitGroup // of these
}

// ask queues a turn.
func (ts *turns) ask(peer control.Peer) (id string, err error) {
	t := &turn{peer: peer, begun: make(chan struct{}), over: make(chan struct{})}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.n++
	t.id = fmt.Sprintf("%s.%d", ts.name, ts.n)
	t.ticket, err = ts.sched.Queue("run-once with other rules", scheduler.JobFunc(func(ctx context.Context) error {
		ts.have(ctx, t)
		return nil
	}))
	if err != nil {
		return "", err
	}
	ts.byID[t.id] = t
	return t.id, nil
}

// have takes the place of a run in the queue for as long as a caller has its turn.
// When it returns, nothing of the turn is at work and nothing will be.
func (ts *turns) have(ctx context.Context, t *turn) {
	ts.mu.Lock()
	ts.now = t
	close(t.begun)
	ts.mu.Unlock()
	select {
	case <-t.over:
	case <-ctx.Done():
		ts.end(t.id)
	}
	t.done.Wait()
	ts.mu.Lock()
	ts.now = nil
	ts.mu.Unlock()
}

// end ends a turn, or the wait for it.
func (ts *turns) end(id string) {
	ts.mu.Lock()
	t := ts.byID[id]
	ts.drop(t)
	ts.mu.Unlock()
	if t != nil {
		t.ticket.Withdraw()
	}
}

// drop marks a turn as over, so that no later call finds it. The caller holds mu.
func (ts *turns) drop(t *turn) {
	if t == nil || t.ended {
		return
	}
	t.ended = true
	close(t.over)
	delete(ts.byID, t.id)
}

// tick counts that time has passed, and takes back the turns of callers that have
// not been heard from for too long.
func (ts *turns) tick() {
	ts.mu.Lock()
	var late []*turn
	for _, t := range ts.byID {
		if t.idle++; t.idle > leaseTicks {
			late = append(late, t)
			ts.drop(t)
			ts.gone = append(ts.gone, t.id)
		}
	}
	ts.gone = ts.gone[max(0, len(ts.gone)-maxGone):]
	ts.mu.Unlock()
	for _, t := range late {
		waited := t.ticket.Withdraw()
		ts.log.Warn("a turn for a run was taken back: its command is suspended, or too slow to show that it lives",
			"process", t.peer.PID, "user", t.peer.UID, "unheard_of", store.Lease.String(), "waiting", waited)
	}
}

// count ticks until ctx ends.
func (ts *turns) count(ctx context.Context) {
	ticker := time.NewTicker(leaseTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			ts.tick()
		}
	}
}

// find returns a turn, and records that its caller has just called. The caller holds mu.
func (ts *turns) find(id string) (*turn, error) {
	if t := ts.byID[id]; t != nil {
		t.idle = 0
		return t, nil
	}
	for _, gone := range ts.gone {
		if gone == id {
			return nil, store.ErrTurnTaken
		}
	}
	return nil, store.ErrNoTurn
}

// keep takes a sign of life, and answers when there is news or some time has
// passed. A caller that goes away meanwhile gives its turn back.
func (ts *turns) keep(call context.Context, q keeping) (turnState, error) {
	ts.mu.Lock()
	t, err := ts.find(q.ID)
	ts.mu.Unlock()
	if err != nil {
		return turnState{}, err
	}
	begun := t.begun
	if q.Begun {
		begun = nil // the caller knows
	}
	timer := time.NewTimer(keepTime)
	defer timer.Stop()
	select {
	case <-begun:
		return turnState{Begun: true}, nil
	case <-timer.C:
		return turnState{Begun: q.Begun}, nil
	case <-t.over:
	case <-t.ticket.Done(): // it never began: the daemon stops
		if !q.Begun {
			ts.end(q.ID)
		}
	case <-call.Done():
		ts.end(q.ID)
		return turnState{}, call.Err()
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if _, err = ts.find(q.ID); err == nil {
		err = store.ErrNoTurn
	}
	return turnState{}, err
}

// commit calls do if the turn with that id is in progress. The turn does not end
// before do returns.
func (ts *turns) commit(id string, do func() error) error {
	ts.mu.Lock()
	t, err := ts.find(id)
	if err == nil && t != ts.now {
		err = store.ErrNoTurn
	}
	if err != nil {
		ts.mu.Unlock()
		return err
	}
	t.working++
	t.done.Add(1)
	ts.mu.Unlock()
	defer func() {
		ts.mu.Lock()
		t.working--
		ts.mu.Unlock()
		t.done.Done()
	}()
	return do()
}

// away reports whether a caller has the turn and no call of it is at work in this process
// right now.
func (ts *turns) away() bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.now != nil && ts.now.working == 0
}
