package importer

import (
	"net/netip"
	"strings"
)

// plainAddress turns an IPv4 address that was mapped into IPv6 (RFC 4291, 2.5.5.2), as a
// sensor with a socket for both families writes it, into plain IPv4, so that an attacker
// has one address. Everything else stays as written.
func plainAddress(s string) string {
	if !strings.HasPrefix(s, "::") || strings.IndexByte(s, '.') < 0 {
		return s
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Is4In6() {
		return a.Unmap().WithZone("").String()
	}
	return s
}
