// Package workload makes synthetic command histories for benchmarks. The same Options
// give the same history on every machine. Nothing in them was recorded; the shapes are
// those that SSH and Telnet honeypots see.
//
// The real kind has the duplication of a real honeypot: sessions are scripts that bots
// replay, and about nine commands in ten repeat an earlier text exactly, since sessions
// differ only in a password, a host or a marker. The unique kind has the same sessions
// with a unique detail in every command, so that remembering texts gains nothing.
//
// Histories are made as they are read, in memory that does not depend on their length.
package workload

import (
	"cmp"
	"container/heap"
	"encoding/json"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Options says which history to make.
type Options struct {
	Commands int  // how many command events
	Unique   bool // every text different; see the package comment
	// Whole makes a log of all that a sensor sees, in the proportions of sensors on
	// the internet: most of its lines are connections and guesses, with key exchanges,
	// files and tunnels among them. Events are the same commands at other times.
	Whole bool
	// Logins is how many login attempts there are, those of the sessions with commands
	// among them, and in bursts; 0 leaves the attempts out of Events.
	Logins int
	// Addresses makes a history of nothing but the Logins, which so many addresses make in
	// turn, each time in a session of its own.
	Addresses int
	Seed      uint64 // another seed, another history
	// Start is when the history begins; zero means 2026-01-01 UTC.
	Start time.Time
	// Days is how long it lasts; zero means a day for every 25,000 commands, or logins
	// where these are more, at least one and at most 365.
	Days int
}

// Events yields the commands of a history, and the Logins, as the events that importing
// it gives, in the order of their times. IDs are empty: they follow from the content.
func Events(o Options) iter.Seq[ttpcron.Event] {
	return func(yield func(ttpcron.Event) bool) {
		for r := range records(o) {
			s := r.session
			e := ttpcron.Event{Time: r.at, AttackerIP: s.ip, SessionID: s.id, DeckyID: s.sensor}
			switch {
			case r.step.kind == command:
				e.Kind, e.Payload = ttpcron.Command, ttpcron.TextPayload("command_text", r.step.text)
			case o.Logins > 0 && r.step.kind.login():
				e.Kind, e.Payload = ttpcron.AuthAttempt, r.login()
			default:
				continue
			}
			if !yield(e) {
				return
			}
		}
	}
}

// record is one thing that a sensor would log.
type record struct {
	at      time.Time
	session *session
	step    step
}

// login returns the payload of a login attempt, as importing Cowrie's log gives it.
func (r *record) login() ttpcron.Payload {
	user, password := r.credentials()
	success := "false"
	if r.step.kind == loginSucceeded {
		success = "true"
	}
	return ttpcron.Payload{
		{Name: "method", Text: "password"}, {Name: "password", Text: password},
		{Name: "success", Raw: json.RawMessage(success)}, {Name: "username", Text: user},
	}
}

// credentials returns account and password of an attempt.
func (r *record) credentials() (user, password string) {
	return cmp.Or(r.step.user, r.session.user), cmp.Or(r.step.text, r.session.password)
}

// session is one connection with all that happens in it.
type session struct {
	number         uint64
	id, ip, sensor string
	telnet         bool
	user, password string
	start          time.Time
	steps          []step
	next           int // index of the step that comes next
}

func (s *session) at() time.Time { return s.start.Add(s.steps[s.next].after) }

type step struct {
	after time.Duration // since the session's start
	kind  stepKind
	text  string // of a command; the URL of a download; the hash of a file; the password of a guess, the session's when empty
	user  string // of a guess, the session's when empty
}

type stepKind uint8

const (
	connect stepKind = iota
	version
	loginFailed
	loginSucceeded
	command
	download
	closed
	exchange
	upload
	downloaded
	tunnel
)

func (k stepKind) login() bool { return k == loginFailed || k == loginSucceeded }

// records merges the sessions, which overlap in time, into one history.
func records(o Options) iter.Seq[record] {
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if o.Days == 0 {
		o.Days = min(max(max(o.Commands, o.Logins)/25_000, 1), 365)
	}
	return func(yield func(record) bool) {
		g := newGenerator(o)
		var open sessionHeap
		next := g.session
		switch {
		case o.Addresses > 0:
			next = g.spread
		case o.Logins > 0:
			next = g.sessionOrBurst
		}
		upcoming := next()
		for upcoming != nil || len(open) > 0 {
			for upcoming != nil && (len(open) == 0 || upcoming.start.Before(open[0].at())) {
				heap.Push(&open, upcoming)
				upcoming = next()
			}
			s := open[0]
			if !yield(record{s.at(), s, s.steps[s.next]}) {
				return
			}
			if s.next++; s.next == len(s.steps) {
				heap.Pop(&open)
			} else {
				heap.Fix(&open, 0)
			}
		}
	}
}

// sessionHeap has the session whose next step comes first at its top.
type sessionHeap []*session

func (h sessionHeap) Len() int { return len(h) }
func (h sessionHeap) Less(i, j int) bool {
	a, b := h[i].at(), h[j].at()
	return a.Before(b) || a.Equal(b) && h[i].number < h[j].number
}
func (h sessionHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *sessionHeap) Push(x any)   { *h = append(*h, x.(*session)) }
func (h *sessionHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}

// generator makes one session after another, by ascending start.
type generator struct {
	Options
	rng      *rand.Rand
	weights  int
	sessions uint64
	made     int    // commands so far
	tokens   uint64 // unique tokens so far
	now      time.Time
	gap      time.Duration // mean time between sessions

	attempts int // logins so far
	bursts   uint64
	upcoming *session  // the next that leaves commands, where there are bursts
	latest   time.Time // when the session before started
	open     burstHeap
	burstsAt time.Time     // when the next burst starts
	burstGap time.Duration // mean time between bursts
}

// guess returns the password of a failed login: of a whole log one in three is of a
// list that everybody has, the rest are their own.
func (g *generator) guess() string {
	if !g.Whole || g.n(3) == 0 {
		return ""
	}
	return g.token(4 + g.n(8))
}

// meanCommands is about how many commands a session has, scans included; it
// spreads the sessions over the days that were asked for.
const meanCommands = 5

func newGenerator(o Options) *generator {
	source := rand.NewPCG(o.Seed, 0x747470_63726f6e)
	g := &generator{Options: o, rng: rand.New(source), now: o.Start}
	for _, s := range scripts {
		g.weights += s.weight
	}
	if o.Whole {
		g.weights += moreScans
	}
	g.gap = time.Duration(o.Days) * 24 * time.Hour * meanCommands / time.Duration(max(o.Commands, 1))
	g.burstsAt = o.Start
	g.burstGap = time.Duration(o.Days) * 24 * time.Hour * meanBurst / time.Duration(max(g.loginsLeft(), 1))
	return g
}

// n returns a random number under n. The 32 bits are on purpose: IntN may give
// other numbers where an int is smaller, and a float where it is rounded
// otherwise.
func (g *generator) n(n int) int { return int(g.rng.Uint32N(uint32(n))) }

// upTo returns a random time under d, in whole microseconds.
func (g *generator) upTo(d time.Duration) time.Duration {
	return time.Duration(g.rng.Uint64()%uint64(max(d/time.Microsecond, 1))) * time.Microsecond
}

// session returns the next session, or nil once there are commands enough.
func (g *generator) session() *session {
	left := g.Commands - g.made
	if left <= 0 {
		return nil
	}
	g.sessions++
	g.now = g.now.Add(g.upTo(2 * g.gap))
	s := &session{number: g.sessions, start: g.now, id: g.hex(12), ip: g.attacker(), sensor: sensors[g.n(len(sensors))]}
	s.user, s.password = g.credentials()
	script := g.pick()
	s.telnet = script.telnet
	at := time.Duration(0)
	add := func(kind stepKind, text string, pause time.Duration) {
		at += pause/4 + g.upTo(pause)
		s.steps = append(s.steps, step{after: at, kind: kind, text: text})
	}
	s.steps = append(s.steps, step{kind: connect})
	if !s.telnet {
		add(version, "", 200*time.Millisecond)
		if g.Whole {
			add(exchange, exchanges[g.n(len(exchanges))], 100*time.Millisecond)
		}
	}
	if script.commands == nil { // a scan, or a guess that failed
		guesses := g.n(3)
		if g.Whole {
			guesses = g.n(1 + g.n(9))
		}
		for range guesses {
			add(loginFailed, g.guess(), 2*time.Second)
		}
		if g.Whole && !s.telnet && g.n(40) == 0 {
			add(tunnel, address(g.rng.Uint64()), time.Second)
		}
		add(closed, "", time.Second)
		return s
	}
	add(loginSucceeded, "", time.Second)
	if g.Whole && g.n(12) == 0 {
		add(upload, g.hex(16)+g.hex(16)+g.hex(16)+g.hex(16), time.Second)
	}
	for _, text := range g.fill(script, left) {
		add(command, text, 900*time.Millisecond)
		g.made++
		if url := downloadURL(text); url != "" {
			kind := download
			if g.Whole && g.n(3) == 0 {
				kind = downloaded
			}
			add(kind, url, 300*time.Millisecond)
		}
	}
	add(closed, "", time.Second)
	return s
}

// moreScans is how much more weight scans have in a whole log: there some five
// connections in six leave no command.
const moreScans = 700

func (g *generator) pick() *script {
	n := g.n(g.weights)
	if g.Whole {
		n = max(0, n-moreScans) // the first script is a scan
	}
	for i := range scripts {
		if n -= scripts[i].weight; n < 0 {
			return &scripts[i]
		}
	}
	panic("unreachable")
}
