package importer

import (
	"fmt"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

func TestOrdinals(t *testing.T) {
	event := func(text string, second int) ttpcron.Event {
		return ttpcron.Event{Kind: ttpcron.Command, Time: time.Unix(int64(second), 0), AttackerIP: "203.0.113.7", Payload: ttpcron.TextPayload("command_text", text)}
	}
	var o ordinals
	ids := map[string]bool{}
	for i, want := range []uint32{0, 1, 2} {
		e := event("id", 1)
		o.number(&e)
		if e.Ordinal != want || ids[e.ContentID()] {
			t.Errorf("event %d has the ordinal %d", i, e.Ordinal)
		}
		ids[e.ContentID()] = true
	}
	// Others in between, as many as are remembered; among them the clock goes back.
	for i := range maxOrdinals {
		e := event(fmt.Sprint(i), i%3)
		if o.number(&e); e.Ordinal != 0 {
			t.Fatalf("%d has the ordinal %d", i, e.Ordinal)
		}
	}
	e := event("id", 1)
	if o.number(&e); e.Ordinal != 3 {
		t.Errorf("the last has the ordinal %d", e.Ordinal)
	}
	for i := range 5 * maxOrdinals {
		e := event(fmt.Sprint("x", i), 1)
		o.number(&e)
		if len(o.seen)+len(o.before) > 2*maxOrdinals {
			t.Fatalf("%d events are remembered", len(o.seen)+len(o.before))
		}
	}
}
