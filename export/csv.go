package export

import (
	"context"
	"flag"
	"io"
	"strconv"

	"github.com/ttpcron/ttpcron/csvtext"
)

// csv is RFC 4180, with cells that a spreadsheet does not run.
var csv = Format{
	Name: "csv", Short: "a row for each tag, for spreadsheets; no cell is a formula",
	New: func(fs *flag.FlagSet) Write {
		bom := fs.Bool("bom", false, "csv: begin with a byte order mark, so that Excel recognises UTF-8")
		return func(ctx context.Context, j *Job) error { return writeCSV(ctx, j, *bom) }
	},
}

var csvColumns = []string{
	"event_time", "attacker_ip", "attacker_uuid", "identity_uuid", "session_id", "sensor", "vantage", "source_kind", "source_id",
	"tactic", "tactic_name", "technique", "technique_name", "level", "confidence", "rule_id", "rule_version", "text", "evidence",
	"attack_release", "mitre_url", "attacker_mark", "checked", "created_at", "uuid",
}

// WriteCSV writes an export in the format csv without flags.
func WriteCSV(ctx context.Context, j *Job) error { return writeCSV(ctx, j, false) }

func writeCSV(ctx context.Context, j *Job, bom bool) error {
	if bom {
		if _, err := io.WriteString(j.Out, "\ufeff"); err != nil {
			return err
		}
	}
	w := csvtext.NewWriter(j.Out)
	if err := w.Row(csvColumns...); err != nil {
		return err
	}
	for t, err := range j.Selected(ctx) {
		if err != nil {
			return err
		}
		technique := t.Shown.Technique()
		err := w.Row(
			stamp(t.EventTime), t.AttackerIP, t.AttackerUUID, t.IdentityUUID, t.SessionID, t.DeckyID, t.Vantage.String(), string(t.SourceKind), t.SourceID,
			t.Shown.Tactic, j.Table.TacticName(t.Shown.Tactic), technique, j.Table.TechniqueName(technique), t.Level.String(),
			strconv.FormatFloat(t.Confidence, 'f', -1, 64), t.RuleID, strconv.Itoa(t.RuleVersion), t.Text, string(t.Evidence),
			t.Shown.AttackRelease, t.Shown.MitreURL, string(t.Mark), strconv.FormatBool(t.Checked), stamp(t.CreatedAt), t.UUID)
		if err != nil {
			return err
		}
	}
	return w.Flush()
}
