package export

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSlots checks that the slot of a correlation's finding is not passed off as the time
// of an event.
func TestSlots(t *testing.T) {
	finding := sampleTag(5)
	finding.EventTime = time.Date(2026, 5, 18, 13, 30, 0, 0, time.UTC)
	finding.Evidence = json.RawMessage(`{"condition":"gte 5","correlation":"event_count","group":{},"slot":2965185,"timespan":"10m"}`)
	if f, ok := finding.FindingEvidence(); !ok {
		t.Fatal("no evidence of a finding")
	} else if w, ok := f.Window(); !ok || !w.Since.Equal(finding.EventTime) {
		t.Fatalf("the slot is %v", w)
	}
	event := finding
	event.SourceKind, event.Seq, event.EventTime = "command", 1, finding.EventTime.Add(-20*time.Minute)
	event.UUID = sampleTag(0).UUID
	for _, tt := range []struct {
		format    string
		tags      []Tag
		want, not string
	}{
		{"stix", []Tag{finding}, `"first_seen":"2026-05-18T13:30:00.000Z","last_seen":"2026-05-18T13:40:00.000Z"`, ""},
		{"stix", []Tag{finding}, `"slot":true`, ""},
		{"stix", []Tag{finding, event}, `"first_seen":"2026-05-18T13:10:00.000Z","last_seen":"2026-05-18T13:10:00.000Z"`, `"slot":`},
		{"misp", []Tag{finding}, `"first_seen":"2026-05-18T13:30:00Z","last_seen":"2026-05-18T13:40:00Z"`, `"object_relation":"timestamp"`},
		{"misp", []Tag{finding}, `whose window ended between first_seen and last_seen`, ""},
		{"ocsf", []Tag{finding}, `"end_time":1779111600000`, ""},
	} {
		i := slices.IndexFunc(Formats(), func(f Format) bool { return f.Name == tt.format })
		out, _ := exportTo(t, Formats()[i], tt.tags)
		if got := string(out); !strings.Contains(got, tt.want) || tt.not != "" && strings.Contains(got, tt.not) {
			t.Errorf("%s of %d tags: want %s and not %q in\n%s", tt.format, len(tt.tags), tt.want, tt.not, got)
		}
	}
}
