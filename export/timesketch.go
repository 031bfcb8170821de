package export

import (
	"context"
	"flag"
	"strconv"
	"time"

	"github.com/ttpcron/ttpcron/csvtext"
)

// timesketch is a timeline as Timesketch, Plaso and similar programs import it: three
// required columns, and others.
var timesketch = Format{
	Name: "timesketch", Short: "a timeline in JSON lines or CSV, for Timesketch",
	New: func(fs *flag.FlagSet) Write {
		rows := fs.Bool("timesketch-csv", false, "timesketch: write CSV instead of JSON lines")
		return func(ctx context.Context, j *Job) error {
			if *rows {
				return timelineRows(ctx, j)
			}
			return timelineLines(ctx, j)
		}
	},
}

var timelineColumns = []string{
	"message", "datetime", "timestamp_desc", "uuid", "source_kind", "source_id", "src_ip", "attacker_uuid", "identity_uuid", "session_id", "sensor",
	"tactic", "tactic_name", "technique", "technique_name", "level", "confidence", "rule_id", "rule_version", "text", "evidence", "attack_release", "created_at",
}

// timeline is the columns of a tag.
func timeline(cells []string, t *Tag, names Names) []string {
	technique := t.Shown.Technique()
	return append(cells[:0],
		t.headline(names), timelineTime(t.EventTime), "Event Seen by "+map[bool]string{false: "Honeypot", true: "Host"}[t.Vantage.String() == "host"], t.UUID,
		string(t.SourceKind), t.SourceID, t.AttackerIP, t.AttackerUUID, t.IdentityUUID, t.SessionID, t.DeckyID,
		t.Shown.Tactic, names.TacticName(t.Shown.Tactic), technique, names.TechniqueName(technique), t.Level.String(),
		strconv.FormatFloat(t.Confidence, 'f', -1, 64), t.RuleID, strconv.Itoa(t.RuleVersion), t.Text, string(unicodeJSON(nil, t.Evidence)),
		t.Shown.AttackRelease, timelineTime(t.CreatedAt))
}

// timelineTime writes a time as Timesketch's own examples do; it refuses some spellings of
// RFC 3339.
func timelineTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000+00:00") }

func timelineLines(ctx context.Context, j *Job) error {
	var o object
	var cells []string
	for t, err := range j.Selected(ctx) {
		if err != nil {
			return err
		}
		o.b = o.b[:0]
		o.begin()
		cells = timeline(cells, t, j.Table)
		for i, name := range timelineColumns {
			o.text(name, cells[i])
		}
		o.end()
		if _, err := j.json().Write(append(o.b, '\n')); err != nil {
			return err
		}
	}
	return nil
}

func timelineRows(ctx context.Context, j *Job) error {
	w := csvtext.NewWriter(j.Out)
	if err := w.Row(timelineColumns...); err != nil {
		return err
	}
	var cells []string
	for t, err := range j.Selected(ctx) {
		if err != nil {
			return err
		}
		if cells = timeline(cells, t, j.Table); w.Row(cells...) != nil {
			break // Flush has the error
		}
	}
	return w.Flush()
}
