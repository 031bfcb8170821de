package mapping

import (
	"hash/maphash"
	"math/bits"
)

// addresses has the attackers of the sessions that were used last: at least maxSessions,
// at most twice as many.
type addresses struct {
	seed       maphash.Seed
	made       bool
	young, old map[uint64]string
}

const maxSessions = 8192

func (a *addresses) key(session, sensor string) uint64 {
	if !a.made {
		a.seed, a.made = maphash.MakeSeed(), true
	}
	return maphash.String(a.seed, session) ^ bits.RotateLeft64(maphash.String(a.seed, sensor), 23)
}

// find returns the address of a session, empty if it is not known.
func (a *addresses) find(session, sensor string) string {
	key := a.key(session, sensor)
	if s, ok := a.young[key]; ok {
		return s
	}
	return a.old[key]
}

// put remembers the address of a session.
func (a *addresses) put(session, sensor, address string) {
	const longest = 64 // bytes; no address has more
	if len(address) > longest {
		return
	}
	key := a.key(session, sensor)
	if a.young[key] == address {
		return
	}
	if len(a.young) >= maxSessions {
		a.old, a.young = a.young, nil
	}
	if a.young == nil {
		a.young = map[uint64]string{}
	}
	a.young[key] = address
}
