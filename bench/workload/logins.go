package workload

import (
	"cmp"
	"container/heap"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Login attempts come in bursts: an address guesses for a while, at a pace of its own,
// in sessions of a few attempts each. Half of the bursts have fewer than four attempts,
// and a few have thousands.

// burst is a run of attempts of one address.
type burst struct {
	number    uint64
	at        time.Time // when its next session starts
	ip        string
	sensor    string
	telnet    bool
	left      int // attempts
	inSession int // attempts in each of its sessions
	pace      time.Duration
	way       int
	first     int // where in the lists of names and passwords it begins
	done      int
}

// The ways of bursts.
const (
	guessing = iota // many passwords for one account
	spraying        // few passwords for many accounts
	stuffing        // pairs that leaked elsewhere
	defaults        // accounts that devices are delivered with
)

// longestBurst is a bound that the largest botnets keep to as well.
const longestBurst = 20_000

// meanBurst is about how many attempts a burst has.
const meanBurst = 18

// loginsOfCommands is for how many commands there is a login in the sessions that leave
// some, and in scans.
const loginsOfCommands = 5

// newBurst makes a burst that starts now.
func (g *generator) newBurst(now time.Time) *burst {
	g.bursts++
	b := &burst{number: g.bursts, at: now, ip: g.attacker(), sensor: sensors[g.n(len(sensors))], telnet: g.n(5) == 0}
	b.left = min(2*65536/(1+g.n(65536)), longestBurst)
	b.inSession = 1 + g.n(6)
	b.pace = 500 * time.Millisecond << g.n(6)
	switch n := g.n(10); {
	case n < 6:
		b.way = guessing
	case n < 8:
		b.way = spraying
	case n < 9:
		b.way = stuffing
	default:
		b.way = defaults
	}
	b.first = g.n(1 << g.n(13))
	return b
}

// attempt returns the next account and password of a burst.
func (g *generator) attempt(b *burst) (user, password string) {
	n := b.done
	b.done++
	switch b.way {
	case guessing:
		return userOf(b.first), g.passwordOf(n)
	case spraying:
		return userOf(n), passwordOf(b.first + n/500)
	case stuffing:
		return userOf(g.n(1 << g.n(16))), g.token(8)
	}
	pair := g.n(len(users) * len(passwords))
	return users[pair%len(users)], passwords[pair/len(users)]
}

// next returns the next session of a burst.
func (g *generator) burstSession(b *burst) *session {
	g.sessions++
	s := &session{number: g.sessions, start: b.at, id: g.hex(12), ip: b.ip, sensor: b.sensor, telnet: b.telnet}
	at := time.Duration(0)
	add := func(st step, pause time.Duration) {
		at += pause/4 + g.upTo(pause)
		st.after = at
		s.steps = append(s.steps, st)
	}
	s.steps = append(s.steps, step{kind: connect})
	if !s.telnet {
		add(step{kind: version}, 200*time.Millisecond)
	}
	for range min(b.inSession, b.left, g.loginsLeft()) {
		kind := loginFailed
		if g.n(200) == 0 {
			kind = loginSucceeded
		}
		user, password := g.attempt(b)
		add(step{kind: kind, user: user, text: password}, b.pace)
		b.left--
		g.attempts++
	}
	add(step{kind: closed}, time.Second)
	b.at = b.at.Add(at + g.upTo(b.pace))
	return s
}

// sessionOrBurst returns the next session of the history, be it one that leaves
// commands or part of a burst, by ascending start.
func (g *generator) sessionOrBurst() *session {
	if g.upcoming == nil {
		if g.upcoming = g.session(); g.upcoming != nil {
			g.attempts += g.upcoming.logins()
		}
	}
	if g.loginsLeft() > 0 {
		for len(g.open) == 0 || !g.burstsAt.After(g.open[0].at) {
			heap.Push(&g.open, g.newBurst(g.burstsAt))
			g.burstsAt = g.burstsAt.Add(g.upTo(2 * g.burstGap))
		}
		b := g.open[0]
		if b.at.Before(g.latest) { // it waited for commands
			b.at = g.latest
		}
		if g.upcoming == nil || !g.upcoming.start.Before(b.at) {
			g.latest = b.at
			s := g.burstSession(b)
			if b.left == 0 {
				heap.Pop(&g.open)
			} else {
				heap.Fix(&g.open, 0)
			}
			return s
		}
	}
	s := g.upcoming
	g.upcoming = nil
	if s != nil {
		g.latest = s.start
	}
	return s
}

// loginsLeft is how many attempts bursts still have to make, beside those that sessions
// with commands can be expected to.
func (g *generator) loginsLeft() int {
	return g.Logins - g.attempts - (g.Commands-g.made)/loginsOfCommands
}

func (s *session) logins() int {
	n := 0
	for i := range s.steps {
		if s.steps[i].kind.login() {
			n++
		}
	}
	return n
}

// spread makes the attempts of Options.Addresses: each address in turn has a session with
// one attempt, at even intervals.
func (g *generator) spread() *session {
	n := g.attempts
	if n >= g.Logins {
		return nil
	}
	g.attempts++
	g.sessions++
	gap := time.Duration(g.Days) * 24 * time.Hour / time.Duration(g.Logins)
	s := &session{
		number: g.sessions, start: g.Start.Add(time.Duration(n) * gap).Truncate(time.Microsecond),
		id: g.hex(12), ip: address(0), sensor: sensors[n%len(sensors)],
	}
	if g.Addresses > 1 {
		who := n % g.Addresses
		s.ip = fmt.Sprintf("10.%d.%d.%d", who>>16&255, who>>8&255, who&255)
	}
	s.steps = []step{
		{kind: connect},
		{kind: loginFailed, after: g.upTo(gap / 4), user: userOf(g.n(1 << g.n(6))), text: g.passwordOf(g.n(1 << g.n(16)))},
	}
	s.steps = append(s.steps, step{kind: closed, after: s.steps[1].after + g.upTo(gap/4)})
	return s
}

// burstHeap has the burst whose next session starts first at its top.
type burstHeap []*burst

func (h burstHeap) Len() int { return len(h) }
func (h burstHeap) Less(i, j int) bool {
	return cmp.Or(h[i].at.Compare(h[j].at), cmp.Compare(h[i].number, h[j].number)) < 0
}
func (h burstHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *burstHeap) Push(x any)   { *h = append(*h, x.(*burst)) }
func (h *burstHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}

// userOf returns a name of the list of accounts that everybody tries.
func userOf(n int) string {
	if n < len(users)-3 {
		return users[n+3]
	}
	return strings.ToLower(letters(uint64(n)*7919+11, 3+n%6))
}

// passwordOf returns a password of the list that everybody has.
func passwordOf(n int) string {
	if n < len(passwords) {
		return passwords[n]
	}
	word := strings.ToLower(letters(uint64(n)*104729+17, 4+n%5))
	if n%3 == 0 {
		return word
	}
	return word + strconv.Itoa(n%2030)
}

// passwordOf returns the password that comes next, of one guess in five one of its own.
func (g *generator) passwordOf(n int) string {
	if g.n(5) == 0 {
		return g.token(6 + g.n(6))
	}
	return passwordOf(n)
}
