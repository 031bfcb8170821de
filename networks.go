package ttpcron

import (
	"fmt"
	"net/netip"
	"strings"
)

// Networks are networks that somebody lists as their own: addresses in them are
// marked where attackers are shown, see [Tag.Mark]. Marks are made when something is
// read and are never stored.
type Networks []netip.Prefix

// ParseNetworks reads a list of addresses and networks in CIDR notation, separated
// by commas or blanks. An address stands for itself alone; bits after a network's
// prefix do not count.
func ParseNetworks(list string) (Networks, error) {
	var out Networks
	for _, s := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			addr, addrErr := netip.ParseAddr(s)
			if addrErr != nil || addr.Zone() != "" {
				return nil, fmt.Errorf("%.80q is neither an address nor a network such as 192.0.2.0/24", s)
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		if a := p.Addr(); a.Is4In6() {
			if p.Bits() < 96 {
				return nil, fmt.Errorf("%.80q is a network of IPv4 addresses mapped into IPv6 with less than 96 bits", s)
			}
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// Contains reports whether an address is in one of the networks. What is no address
// is in none.
func (n Networks) Contains(ip string) bool {
	if len(n) == 0 {
		return false
	}
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	for _, p := range n {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// String lists the networks as ParseNetworks reads them.
func (n Networks) String() string {
	var b strings.Builder
	for i, p := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(p.String())
	}
	return b.String()
}

// Mark says that an address is probably not an attacker's. Marked events are kept and
// shown, but take no part in groups by address.
type Mark string

// The marks. An address without one is an attacker's, even if it is private.
const (
	MarkNone       Mark = ""
	MarkOwnNetwork Mark = "own-network" // it lies in a network that the user lists
	MarkResolver   Mark = "resolver"    // it looked up the name of a DNS token for somebody else
)

// Mark returns the mark of the tag's address. A listed network takes precedence over what
// the event says.
func (t *Tag) Mark(own Networks) Mark {
	switch {
	case own.Contains(t.AttackerIP):
		return MarkOwnNetwork
	case t.ByResolver:
		return MarkResolver
	}
	return MarkNone
}

// ByResolver reports whether the event is a hit of a DNS token, so that its address is a
// resolver's. Either the record says so, or it does not say how the canary was triggered,
// and has a name that was looked up but no request.
func (e *Event) ByResolver() bool {
	if e.Kind != CanaryFingerprint {
		return false
	}
	text := func(names ...string) string {
		for _, name := range names {
			if s, ok := e.Payload.Text(name); ok && s != "" {
				return s
			}
		}
		return ""
	}
	how := text("channel", "input_channel", "token_kind")
	for _, known := range [...]string{"http", "https", "smtp", "aws", "aws_passive"} {
		if strings.EqualFold(how, known) {
			return false
		}
	}
	return strings.EqualFold(how, "dns") ||
		text("dns_qname") != "" && text("request_path", "user_agent", "useragent", "ua_signature") == ""
}
