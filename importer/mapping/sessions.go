package mapping

import (
	"strings"

	"github.com/ttpcron/ttpcron/importer/recent"
)

// addresses has the attackers of the sessions that were used last.
type addresses struct {
	recent.Map[uint64, string]
	hash recent.Hash
}

// find returns the address of a session, empty if it is not known.
func (a *addresses) find(session, sensor string) string {
	address, _ := a.Get(a.hash.Key(session, sensor))
	return address
}

// put remembers the address of a session.
func (a *addresses) put(session, sensor, address string) {
	const longest = 64 // bytes; no address has more
	if len(address) > longest {
		return
	}
	key := a.hash.Key(session, sensor)
	if known, _ := a.Get(key); known != address {
		a.Put(key, strings.Clone(address))
	}
}
