package live

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Host is what the header Host of a request names, or what a request may name: an address
// or a name, and a port.
type Host struct {
	Name string     // in lower case, without a dot at its end; empty where there is an Addr
	Addr netip.Addr // without a zone; an IPv4 address is never written as an IPv6 one
	Port uint16     // 0: none was named
}

// maxName is how long a name of the DNS is at most, in bytes.
const maxName = 253

// ParseHost reads a name or an address, with or without a port. An IPv6 address with a port
// stands in brackets; one without may.
func ParseHost(s string) (Host, error) {
	name, port, err := cutPort(s)
	if err != nil {
		return Host{}, err
	}
	h := Host{Port: port}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		if !ok || err != nil || !addr.Is6() || addr.Zone() != "" {
			return Host{}, fmt.Errorf("%q is no IPv6 address", clip(name))
		}
		h.Addr = addr.Unmap()
		return h, nil
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		if addr.Zone() != "" {
			return Host{}, fmt.Errorf("%q names a zone", clip(name))
		}
		h.Addr = addr.Unmap()
		return h, nil
	}
	h.Name = strings.ToLower(strings.TrimSuffix(name, "."))
	if !isName(h.Name) {
		return Host{}, fmt.Errorf("%q is neither a name nor an address", clip(name))
	}
	return h, nil
}

// cutPort separates the port, 0 if there is none.
func cutPort(s string) (name string, port uint16, err error) {
	i := strings.LastIndexByte(s, ':')
	switch {
	case i < 0, strings.HasSuffix(s, "]"):
		return s, 0, nil
	case strings.IndexByte(s, ':') < i && s[i-1] != ']': // an IPv6 address without brackets
		return s, 0, nil
	case i == len(s)-1:
		return s[:i], 0, nil
	}
	for _, c := range []byte(s[i+1:]) {
		if c < '0' || c > '9' {
			return "", 0, fmt.Errorf("%q is no port", clip(s[i+1:]))
		}
	}
	n, err := strconv.ParseUint(s[i+1:], 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("%q is no port", clip(s[i+1:]))
	}
	return s[:i], uint16(n), nil
}

// isName reports whether a text in lower case can be a machine's name. What some programs
// take for a number, such as 127.1, is not one.
func isName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	last := s
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
		last = label
	}
	return last[0] < '0' || last[0] > '9'
}

// String returns what [ParseHost] takes.
func (h Host) String() string {
	name := h.Name
	switch {
	case h.Addr.Is6() && h.Port != 0:
		name = "[" + h.Addr.String() + "]"
	case h.Addr.IsValid():
		name = h.Addr.String()
	}
	if h.Port == 0 {
		return name
	}
	return name + ":" + strconv.Itoa(int(h.Port))
}

// same reports whether two name the same, whatever the port.
func (h Host) same(o Host) bool { return h.Name == o.Name && h.Addr == o.Addr }

// loopback reports whether this machine alone can be meant.
func (h Host) loopback() bool { return h.Addr.IsLoopback() || h.Name == "localhost" }

// maxClip is how much of a client's text is shown, in bytes.
const maxClip = 120

func clip(s string) string {
	if len(s) <= maxClip {
		return s
	}
	return s[:maxClip] + "…"
}

// Hosts is a flag with names and addresses, which can be given more than once.
type Hosts []Host

// String joins them with commas.
func (l *Hosts) String() string {
	var all []string
	for _, h := range *l {
		all = append(all, h.String())
	}
	return strings.Join(all, ",")
}

// Set adds one.
func (l *Hosts) Set(s string) error {
	h, err := ParseHost(s)
	if err != nil {
		return fmt.Errorf("%w; want a name or an address, with its port where it is another one than that of http: honeypots.example.org:8080", err)
	}
	*l = append(*l, h)
	return nil
}

// place is where the daemon listens.
type place struct {
	asked Host // as the config names it
	addr  netip.AddrPort
}

// knows reports whether a request for the host want at the local address means this
// server. An unknown name may have been pointed here by the owner of a foreign page, which
// could then read the answers.
func (p *place) knows(want Host, local netip.Addr, listed []Host) bool {
	port := want.Port == p.addr.Port() || want.Port == 0 && p.addr.Port() == 80
	for _, l := range listed {
		if !l.same(want) {
			continue
		}
		if l.Port == want.Port || l.Port == 0 && port {
			return true
		}
	}
	if !port {
		return false
	}
	addr := p.addr.Addr().WithZone("").Unmap()
	if addr.IsUnspecified() {
		addr = local.WithZone("").Unmap()
	}
	return want.loopback() || want.Addr.IsValid() && want.Addr == addr || p.asked.Name != "" && want.Name == p.asked.Name
}
