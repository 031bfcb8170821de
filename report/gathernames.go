package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"math/bits"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// maxName is how many bytes are kept of a group's text. A longer one is kept as its
// beginning and a hash of the whole.
const maxName = 256

func bounded(s string) string {
	if len(s) <= maxName {
		return s
	}
	h := sha256.Sum256([]byte(s))
	return ttpcron.CutText(s, maxName-40) + "… sha256:" + hex.EncodeToString(h[:8])
}

// hasher hashes names, in the same way for events and tags.
type hasher struct{ seed, second maphash.Seed }

func newHasher() hasher { return hasher{maphash.MakeSeed(), maphash.MakeSeed()} }

func (h *hasher) of(name string) uint64 { return maphash.String(h.seed, name) }

// both is the hash of two names.
func (h *hasher) both(a, b string) uint64 {
	return mix(maphash.String(h.seed, a), maphash.String(h.second, b))
}

// mix combines two hashes in order.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b|1)
	return (hi ^ lo) + bits.RotateLeft64(a, 29) + b*0xd6e8feb86659fd93
}

// spelled is an address in the one spelling that counts, see [ttpcron.DeriveAttacker].
func spelled(address string) string {
	if addr, err := netip.ParseAddr(address); err == nil {
		return addr.Unmap().String()
	}
	return address
}

// names numbers names in the order in which they appear, up to a limit.
type names struct {
	list   []string
	number map[string]uint16
	last   uint16
	most   int
	lost   bool
}

// nameless is the number of what has no name.
const nameless = ^uint16(0)

func newNames(most int) names { return names{number: map[string]uint16{}, last: nameless, most: most} }

func (n *names) of(name string) uint16 {
	if n.last != nameless && n.list[n.last] == name {
		return n.last
	}
	i, has := n.number[name]
	if !has {
		if len(n.list) == n.most {
			n.lost = true
			return nameless
		}
		i = uint16(len(n.list))
		name = strings.Clone(name)
		n.list, n.number[name] = append(n.list, name), i
	}
	n.last = i
	return i
}

// span is from when to when something was seen, in microseconds since 1970.
type span struct{ first, last int64 }

// never is the span of what was not seen.
var never = span{1<<63 - 1, -1 << 63}

func (s *span) see(at int64) {
	s.first, s.last = min(s.first, at), max(s.last, at)
}

func (s *span) add(o span) { s.first, s.last = min(s.first, o.first), max(s.last, o.last) }

func (s *span) times() (first, last time.Time) {
	if s.first > s.last {
		return first, last
	}
	return time.UnixMicro(s.first).UTC(), time.UnixMicro(s.last).UTC()
}

// favourite is the name that was there most often, as far as one is that was there first.
type favourite struct {
	hash  uint32
	text  uint32
	times uint32
}

// best keeps the first of a list, in an order.
type best[T any] struct {
	most   int
	before func(a, b *T) bool
	list   []T
}

func (b *best[T]) add(x T) {
	if len(b.list) == b.most {
		if b.most == 0 || !b.before(&x, &b.list[b.most-1]) {
			return
		}
		b.list = b.list[:b.most-1]
	}
	i, _ := slices.BinarySearchFunc(b.list, x, func(y, x T) int {
		if b.before(&x, &y) {
			return 1
		}
		return -1
	})
	b.list = slices.Insert(b.list, i, x)
}

// named sorts what has names, the most frequent first.
func named(times map[string]int) []Named {
	list := make([]Named, 0, len(times))
	for name, n := range times {
		list = append(list, Named{name, n})
	}
	slices.SortFunc(list, func(a, b Named) int { return cmp.Or(cmp.Compare(b.Times, a.Times), strings.Compare(a.Name, b.Name)) })
	return list
}
