package main

import (
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// TestFindingText: a tag without an event has a short text about what was found.
func TestFindingText(t *testing.T) {
	for evidence, want := range map[string]string{
		`{"correlation":"event_count","condition":"gte 5","group":{"attacker_ip":"203.0.113.7","username":"root"},"slot":1,"timespan":"10m"}`:                                                                                                "5+ events in 10m, username root",
		`{"correlation":"event_count","condition":"gt 5","group":{},"slot":1,"timespan":"36h"}`:                                                                                                                                              "more than 5 events in 36h",
		`{"correlation":"value_count","condition":"gte 20","field":["username","password"],"group":{"attacker_ip":"203.0.113.7","attacker_uuid":null,"decky_id":"sensor-1","identity_uuid":null,"session_id":"7"},"slot":1,"timespan":"1d"}`: "20+ values of username and password in 1d",
		`{"correlation":"value_count","condition":"gte 20","field":"username","group":{"vantage":"host"},"slot":1,"timespan":"90s"}`:                                                                                                         "20+ values of username in 90s",
		`{"correlation":"value_sum","condition":"gte 1000","field":"size","group":{"x":{"sha256":"00ff"}},"slot":1,"timespan":"7d"}`:                                                                                                         `sum of size 1000+ in 7d, x {"sha256":"00ff"}`,
		`{"correlation":"temporal","condition":"a and (b or c)","group":{"user":"\u001b[31m"},"slot":1,"timespan":"1h"}`:                                                                                                                     `a and (b or c) in 1h, user \x1b[31m`,
		`{"correlation":"temporal_ordered","condition":"gte 3","group":{"attacker_ip":"203.0.113.7"},"slot":1,"timespan":"5m"}`:                                                                                                              "3+ rules in order in 5m",
		`{"correlation":"event_count","condition":"gte 5","group":{"decky_id":"sensor-1"},"slot":1,"timespan":"1m"}`:                                                                                                                         "5+ events in 1m, decky_id sensor-1",
		`{}`:         "",
		`{"other":1`: `{"other":1`,
	} {
		tag := ttpcron.Tag{SourceKind: ttpcron.Correlation, Evidence: []byte(evidence)}
		if got := excerpt(&tag, term.Terminal{}); got != want {
			t.Errorf("%s is shown as %q, want %q", evidence, got, want)
		}
	}
}
