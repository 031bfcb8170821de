package tagger

import (
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/canary"
)

// withSignals returns the event with the fields that can be derived from it
// among its own, and those fields.
func (c *Composite) withSignals(e *ttpcron.Event) (*ttpcron.Event, ttpcron.Payload) {
	if e.Kind != ttpcron.CanaryFingerprint {
		return e, nil
	}
	signals := c.signals(e)
	if len(signals) == 0 {
		return e, nil
	}
	merged := *e
	merged.Payload = mergePayload(signals, e.Payload)
	return &merged, signals
}

func (c *Composite) signals(e *ttpcron.Event) (p ttpcron.Payload) {
	defer func() {
		if err := recover(); err != nil {
			p = nil
			if c.warn != nil {
				c.warn(*e, "", fmt.Errorf("signals of the canary cannot be derived: %v", err))
			}
		}
	}()
	return canary.Signals(e)
}

// mergePayload joins two payloads; of a name in both the first's value counts.
func mergePayload(first, second ttpcron.Payload) ttpcron.Payload {
	out := make(ttpcron.Payload, 0, len(first)+len(second))
	for len(first) > 0 && len(second) > 0 {
		switch a, b := first[0], second[0]; {
		case a.Name < b.Name:
			out, first = append(out, a), first[1:]
		case a.Name > b.Name:
			out, second = append(out, b), second[1:]
		default:
			out, first, second = append(out, a), first[1:], second[1:]
		}
	}
	return append(append(out, first...), second...)
}
