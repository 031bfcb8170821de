package daemon

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/live"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
)

// metrics are those of the daemon.
func (s *served) metrics() string {
	s.t.Helper()
	state, err := s.d.moment(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.d.observer.Write(&b, state); err != nil {
		s.t.Fatal(err)
	}
	return b.String()
}

// Each reason to refuse the report is there before the first request is refused for it, and
// is documented.
func TestReasonsAreThere(t *testing.T) {
	text := newServed(t, nodetest.Rarely).metrics()
	docs, err := os.ReadFile("../../../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, row, _ := strings.Cut(string(docs), "| `ttpcron_report_refused_total` |")
	row, _, _ = strings.Cut(row, "\n")
	for _, reason := range live.Reasons() {
		if !strings.Contains(text, "ttpcron_report_refused_total{reason=\""+reason+"\"} 0\n") {
			t.Errorf("no %s in\n%s", reason, text)
		}
		if !strings.Contains(row, "`"+reason+"`") {
			t.Errorf("docs/metrics.md does not name %s", reason)
		}
	}
}

// What is imported counts once, whether a job imports it or a caller, with or
// without a run for the caller.
func TestImportsCountOnce(t *testing.T) {
	s := newServed(t, nodetest.Rarely)
	counted := func(after string, want int) {
		t.Helper()
		text := s.metrics()
		if line := fmt.Sprintf("ttpcron_import_records_total{result=\"new\"} %d\n", want); !strings.Contains(text, line) {
			t.Errorf("%s: no %s in\n%s", after, line, text)
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
