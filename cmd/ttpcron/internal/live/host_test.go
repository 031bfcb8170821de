package live

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestParseHost(t *testing.T) {
	for in, want := range map[string]string{
		"localhost":                     "localhost",
		"LocalHost.:9847":               "localhost:9847",
		"127.0.0.1:9847":                "127.0.0.1:9847",
		"127.0.0.1:":                    "127.0.0.1",
		"[::1]:9847":                    "[::1]:9847",
		"[::1]":                         "::1",
		"::1":                           "::1",
		"[::ffff:127.0.0.1]:9847":       "127.0.0.1:9847",
		"honeypots.example.org:00080":   "honeypots.example.org:80",
		"a_b-c.example":                 "a_b-c.example",
		"":                              "",
		":9847":                         "",
		"127.1":                         "",
		"0x7f000001.1":                  "",
		"2130706433":                    "",
		"127.0.0.1.":                    "",
		"[127.0.0.1]":                   "",
		"[::1":                          "",
		"::1]":                          "",
		"[fe80::1%eth0]:80":             "",
		"fe80::1%eth0":                  "",
		"a:b":                           "",
		"a:0":                           "",
		"a:65536":                       "",
		"a:+80":                         "",
		"a:8 0":                         "",
		"a b":                           "",
		"a/b":                           "",
		"user@localhost":                "",
		"localhost\r\nX: y":             "",
		"localhost,localhost":           "",
		"localhost#.example":            "",
		"local\x00host":                 "",
		"ｌocalhost":                     "",
		"a..b":                          "",
		".":                             "",
		strings.Repeat("a", 64):         "",
		strings.Repeat("a.", 126) + "a": strings.Repeat("a.", 126) + "a",
		strings.Repeat("a.", 127) + "a": "",
	} {
		h, err := ParseHost(in)
		got := h.String()
		if err != nil {
			got = ""
		}
		if got != want {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
}

// at is the place of an address, as a daemon that listens there has it.
func at(t testing.TB, address string) place {
	t.Helper()
	host, err := ParseHost(address)
	if err != nil {
		t.Fatal(err)
	}
	p := place{asked: host}
	if host.Addr.IsValid() {
		p.addr = netip.AddrPortFrom(host.Addr, host.Port)
	} else {
		p.addr = netip.AddrPortFrom(netip.MustParseAddr("192.0.2.7"), host.Port) // as it is resolved
	}
	return p
}

func TestKnownHosts(t *testing.T) {
	for _, tt := range []struct {
		listens, local, listed string
		known, foreign         string
	}{
		{"127.0.0.1:9847", "127.0.0.1", "",
			"127.0.0.1:9847 localhost:9847 LOCALHOST.:9847 127.9.9.9:9847 [::1]:9847 [::ffff:127.0.0.1]:9847",
			"127.0.0.1 localhost localhost:80 localhost:9848 evil.example:9847 evil.example localhost.evil.example:9847 0.0.0.0:9847 192.0.2.7:9847 [::]:9847"},
		{"127.0.0.1:80", "127.0.0.1", "", "localhost localhost:80 127.0.0.1", "localhost:9847 evil.example"},
		{"127.0.0.1:9847", "127.0.0.1", "honeypots.example.org localhost:8080",
			"honeypots.example.org honeypots.example.org:9847 localhost:8080 localhost:9847",
			"honeypots.example.org:443 www.honeypots.example.org localhost:8081 localhost"},
		{"192.0.2.7:9847", "192.0.2.7", "", "192.0.2.7:9847 localhost:9847", "192.0.2.8:9847 evil.example:9847 192.0.2.7"},
		{"0.0.0.0:9847", "192.0.2.7", "", "192.0.2.7:9847 localhost:9847 127.0.0.1:9847", "192.0.2.8:9847 0.0.0.0:9847 evil.example:9847"},
		{"[::]:9847", "::ffff:192.0.2.7", "", "192.0.2.7:9847 [::ffff:192.0.2.7]:9847", "192.0.2.8:9847 [::]:9847"},
		{"sensor.example:9847", "192.0.2.7", "", "sensor.example:9847 192.0.2.7:9847", "evil.example:9847 sensor.example"},
		{"0.0.0.0:9847", "192.0.2.7", "198.51.100.1 [2001:db8::1]:8080", "198.51.100.1:9847 198.51.100.1 [2001:db8::1]:8080", "[2001:db8::1]:9847 198.51.100.1:80"},
	} {
		p := at(t, tt.listens)
		var listed Hosts
		for _, s := range strings.Fields(tt.listed) {
			if err := listed.Set(s); err != nil {
				t.Fatal(err)
			}
		}
		try := func(names string, want bool) {
			for _, name := range strings.Fields(names) {
				h, err := ParseHost(name)
				if got := err == nil && p.knows(h, netip.MustParseAddr(tt.local), listed); got != want {
					t.Errorf("at %s, with %q listed, %s is known: %t, want %t", tt.listens, tt.listed, name, got, want)
				}
			}
		}
		try(tt.known, true)
		try(tt.foreign, false)
	}
}

// FuzzHost: an accepted host has a single spelling, which other programs read in the same
// way, and only this machine's names are known.
func FuzzHost(f *testing.F) {
	for _, s := range []string{"localhost:9847", "127.0.0.1:9847", "[::1]:9847", "::1", "a.b:1", "[::ffff:7f00:1]:9847", "127.1:9847", "localhost.:9847", "localhost\t:9847", "evil@localhost:9847", "[::1]evil:9847"} {
		f.Add(s)
	}
	p := at(f, "127.0.0.1:9847")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHost(s)
		if err != nil {
			if h != (Host{}) {
				t.Errorf("%q: %v with an error", s, h)
			}
			return
		}
		again, err := ParseHost(h.String())
		if err != nil || again != h {
			t.Errorf("%q is %v, which is %v, %v", s, h, again, err)
		}
		if strings.ContainsAny(h.String(), " \t\r\n\x00/@\\\"'<>#?,;%") {
			t.Errorf("%q: %q", s, h.String())
		}
		if h.Port != 0 {
			name, _, err := net.SplitHostPort(s)
			if err != nil {
				t.Fatalf("%q has a port: %v", s, err)
			}
			if addr, err := netip.ParseAddr(name); (err == nil) != h.Addr.IsValid() || err == nil && addr.Unmap() != h.Addr {
				t.Errorf("%q: %v, and to others %v, %v", s, h, addr, err)
			}
		}
		if p.knows(h, netip.Addr{}, nil) && h.Name != "localhost" && !h.Addr.IsLoopback() {
			t.Errorf("%q is known", s)
		}
	})
}
