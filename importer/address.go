package importer

import (
	"net/netip"
	"strings"
)

// plainAddress returns an IPv4 address as such that a sensor with a socket for
// both families wrote down as mapped into IPv6 (RFC 4291, 2.5.5.2), so that one
// attacker has one address. Everything else stays as it was written.
func plainAddress(s string) string {
	if !strings.HasPrefix(s, "::") || strings.IndexByte(s, '.') < 0 {
		return s
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Is4In6() {
		return a.Unmap().WithZone("").String()
	}
	return s
}
