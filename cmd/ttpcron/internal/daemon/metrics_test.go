package daemon

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
)

// What is imported counts once, whether a job imports it or a caller, with or
// without a run for the caller.
func TestImportsCountOnce(t *testing.T) {
	s := newServed(t, nodetest.Rarely)
	counted := func(after string, want int) {
		t.Helper()
		state, err := s.d.moment(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := s.d.observer.Write(&b, state); err != nil {
			t.Fatal(err)
		}
		if line := fmt.Sprintf("ttpcron_import_records_total{result=\"new\"} %d\n", want); !strings.Contains(b.String(), line) {
			t.Errorf("%s: no %s in\n%s", after, line, b.String())
		}
	}
	s.n.Event(0, 0)
	s.n.Event(1, 0)
	s.run("rarely")
	counted("a job", 2)
	e := ttpcron.Event{Kind: ttpcron.Command, Time: s.clock, AttackerIP: "203.0.113.7", Payload: ttpcron.TextPayload("command_text", "id")}
	if r, err := s.store().Archive.Import(t.Context(), ttpcron.Batch{Events: []ttpcron.Event{e}}); err != nil || r.New != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	counted("a caller", 3)
}
