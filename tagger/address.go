package tagger

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/canary"
	"github.com/ttpcron/ttpcron/tagger/carried"
)

// The scopes of an attacker's address.
const (
	privateAddress = "private" // of a network that the internet does not route to: the attacker is inside
	publicAddress  = "public"
)

// attackerAddress makes a predicate for where an attacker comes from. Its setting is of:
// private or public. An event without an address has neither.
func attackerAddress(settings map[string]any) (predicate, error) {
	of, _ := settings["of"].(string)
	if of != privateAddress && of != publicAddress {
		return predicate{}, fmt.Errorf("of: %v, want private or public", settings["of"])
	}
	return predicate{
		holds: func(e *ttpcron.Event, _ ttpcron.Payload) (canary.Evidence, bool) {
			return canary.Evidence{Metric: "attacker_address", MatchedSignature: of}, scopeOfAddress(e) == of
		},
		reads:   []string{},
		besides: true,
		outcome: scopeOfAddress,
		accepts: func(scope string) bool { return scope == of },
	}, nil
}

// shared is the address space of carriers, RFC 6598.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// scopeOfAddress returns the scope of the attacker's address, or "".
func scopeOfAddress(e *ttpcron.Event) string {
	a, err := netip.ParseAddr(e.AttackerIP)
	if err != nil {
		return ""
	}
	if a = a.Unmap(); a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || shared.Contains(a) {
		return privateAddress
	}
	return publicAddress
}

// carriedReads are the payload fields that decide whether an event carries a command.
func carriedReads() (names []string) {
	for _, kind := range carried.Kinds() {
		names = append(names, carried.Fields(kind)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// readsBesides reports whether a condition asks a predicate that reads more than the payload.
func readsBesides(c condition) bool {
	switch c := c.(type) {
	case allOf:
		return slices.ContainsFunc(c, readsBesides)
	case anyOf:
		return slices.ContainsFunc(c, readsBesides)
	case noneOf:
		return slices.ContainsFunc(c, readsBesides)
	case predicateTest:
		p, known, err := predicateOf(c.name, c.settings)
		return known && err == nil && p.besides
	}
	return false
}
