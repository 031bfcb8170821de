package testlogs

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

// The bundled history is there for everybody, and varied enough to say something.
func TestBundled(t *testing.T) {
	h := All(t)[0]
	commands := h.Commands(t)
	if h.Name != "bundled" || len(commands) < 2000 || h.CommandEvents(t) < 1500 || len(h.CowrieLogs(t)) < 6 {
		t.Errorf("%s: %d commands, %d events, %d logs", h.Name, len(commands), h.CommandEvents(t), len(h.CowrieLogs(t)))
	}
	plain := map[string]bool{}
	for _, text := range commands {
		plain[strings.Join(regexp.MustCompile(`[a-z]+`).FindAllString(strings.ToLower(text), 3), " ")] = true
	}
	if len(plain) < 500 {
		t.Errorf("only %d commands begin with words of their own", len(plain))
	}
}

// Nothing bundled leads to anybody: addresses are documentation's or private.
func TestBundledIsInvented(t *testing.T) {
	h := All(t)[0]
	var nobody []netip.Prefix
	for _, p := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.0.0.0/8", "127.0.0.0/8", "169.254.169.254/32", "0.0.0.0/32"} {
		nobody = append(nobody, netip.MustParsePrefix(p))
	}
	address := regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}\b`)
	check := func(where, text string) {
		for _, s := range address.FindAllString(text, -1) {
			a, err := netip.ParseAddr(s)
			known := err != nil
			for _, p := range nobody {
				known = known || p.Contains(a)
			}
			if !known {
				t.Errorf("%s: %s", where, s)
			}
		}
	}
	for _, path := range h.CowrieLogs(t) {
		check(path, string(Content(t, path)))
	}
	check("lists", strings.Join(h.Listed(t), "\n"))
}
