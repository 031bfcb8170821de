package live

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/jsontext"
)

// Why a request was refused, as [Options] are told.
const (
	RefusedHost  = "host"  // it names a host that is not known
	RefusedToken = "token" // its token is wrong
	RefusedSlow  = "slow"  // it came with a token, too soon after wrong ones
	RefusedBusy  = "busy"  // too many wait for the page or take it
)

// Reasons are all of these.
func Reasons() []string { return []string{RefusedHost, RefusedToken, RefusedSlow, RefusedBusy} }

// How fast tokens may be tried from one address: some at once, and then one each time.
const (
	triesAtOnce = 5
	tryEvery    = 2 * time.Second
)

// tries slows down clients that try tokens. Its memory has a fixed size, however many
// addresses try: those that share an entry slow each other down.
type tries struct {
	mu    sync.Mutex
	seed  maphash.Seed
	until [1024]time.Time // when all that was tried is forgotten
}

// begin records a try. If it comes too soon, it returns how long to wait.
func (t *tries) begin(from netip.Addr, now time.Time) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.entry(from)
	if at.Before(now) {
		*at = now
	}
	if wait = at.Sub(now) - (triesAtOnce-1)*tryEvery; wait > 0 {
		return wait
	}
	*at = at.Add(tryEvery)
	return 0
}

// forget takes back a try that was right.
func (t *tries) forget(from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.entry(from)
	*at = at.Add(-tryEvery)
}

// entry is that of an address; one network of IPv6, which is one customer's, has one.
func (t *tries) entry(from netip.Addr) *time.Time {
	if from = from.WithZone("").Unmap(); from.Is6() {
		if p, err := from.Prefix(64); err == nil {
			from = p.Addr()
		}
	}
	return &t.until[maphash.Comparable(t.seed, from)%uint64(len(t.until))]
}

// sayEvery is how often a reason is logged while requests are refused for it.
const sayEvery = 10 * time.Second

// refusals logs why requests were refused: a line for the first, and then one at
// intervals, with how many it stands for.
type refusals struct {
	log hclog.Logger

	mu   sync.Mutex
	said map[string]time.Time // by reason
	more map[string]int       // not logged yet
}

// add logs a refusal. What it takes from the request is made fit for the log.
func (r *refusals) add(why string, now time.Time, text string, from netip.Addr, host string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.said[why]) < sayEvery {
		r.more[why]++
		return
	}
	args := []any{"from", from.String()}
	if host != "" {
		args = append(args, "host", jsontext.Clean(clip(host)))
	}
	if n := r.more[why]; n > 0 {
		args = append(args, "others_since", n)
	}
	r.said[why], r.more[why] = now, 0
	r.log.Warn(text, args...)
}
