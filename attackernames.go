package ttpcron

import (
	"net/netip"
	"slices"
	"strings"
)

// SelectAttacker makes the query select an attacker by UUID, identity or address. An
// address also selects what was recorded under its other usual spellings (canonical as in
// RFC 5952, in full, in capitals, or as IPv4 mapped into IPv6), and attackers known only by
// the address, in any spelling.
func (q *TagQuery) SelectAttacker(name string) {
	q.Attacker, q.AttackerToo = name, nil
	add := func(others ...string) {
		for _, o := range others {
			if o != name && !slices.Contains(q.AttackerToo, o) {
				q.AttackerToo = append(q.AttackerToo, o)
			}
		}
	}
	if lower := strings.ToLower(name); lower != name {
		if _, ok := ParseUUID(lower); ok {
			add(lower)
		}
	}
	addr, err := netip.ParseAddr(name)
	if err != nil {
		return
	}
	spelled := []string{addr.Unmap().String(), addr.String(), addr.StringExpanded()}
	if a := addr.Unmap(); a.Is4() {
		mapped := netip.AddrFrom16(a.As16())
		spelled = append(spelled, mapped.String(), mapped.StringExpanded())
	}
	for _, s := range spelled {
		add(s, strings.ToUpper(s))
	}
	add(DeriveAttacker(name))
}

// IsAttacker reports whether the query selects an attacker with any of these names.
func (q *TagQuery) IsAttacker(names ...string) bool {
	for _, n := range names {
		if n == q.Attacker || n != "" && slices.Contains(q.AttackerToo, n) {
			return true
		}
	}
	return false
}
