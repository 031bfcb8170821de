package importer

import "testing"

func TestPlainAddress(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		"203.0.113.7":           "203.0.113.7",
		"::ffff:203.0.113.7":    "203.0.113.7",
		"::FFFF:203.0.113.7":    "203.0.113.7",
		"::ffff:203.0.113.7%e0": "203.0.113.7",
		"::ffff:cb00:7107":      "::ffff:cb00:7107",
		"2001:db8::7":           "2001:db8::7",
		"::203.0.113.7":         "::203.0.113.7",
		"::ffff:203.0.113.700":  "::ffff:203.0.113.700",
		"gateway.example":       "gateway.example",
	} {
		if got := plainAddress(in); got != want {
			t.Errorf("plainAddress(%q) = %q, want %q", in, got, want)
		}
	}
}
