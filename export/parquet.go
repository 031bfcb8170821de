package export

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"time"

	parquetformat "github.com/parquet-go/parquet-go/format"
	"github.com/ttpcron/ttpcron"
)

// parquet is Apache Parquet, a file for each day on which something happened, in folders
// of the style that Hive began: date=2026-11-27/part-0.parquet.
var parquetFormat = Format{
	Name: "parquet", Short: "a folder of Parquet files, one a day, for DuckDB, Spark, Trino", To: Folder,
	New:   func(*flag.FlagSet) Write { return writeParquet },
	Place: placeDays,
}

// parquetRow are the columns, under the names that tags --json has. A UUID is a text:
// Spark reads none of Parquet's own type.
type parquetRow struct {
	eventTime, createdAt                                                    *parquetColumn
	uuid, sourceID, evidence, text                                          *parquetColumn
	kind, attacker, ip, identity, session, sensor, vantage, mark            *parquetColumn
	tactic, tacticName, technique, sub, techniqueName, level, rule, release *parquetColumn
	confidence, version, checked                                            *parquetColumn
}

func newParquetRow() (*parquetRow, []*parquetColumn) {
	r := &parquetRow{
		eventTime: timeColumn("event_time"), createdAt: timeColumn("created_at"), uuid: textColumn("uuid"), sourceID: textColumn("source_id"), evidence: textColumn("evidence"), text: textColumn("text"),
		kind: textColumn("source_kind"), attacker: maybeTextColumn("attacker_uuid"), ip: maybeTextColumn("attacker_ip"), identity: maybeTextColumn("identity_uuid"),
		session: maybeTextColumn("session_id"), sensor: maybeTextColumn("decky_id"), vantage: textColumn("vantage"), mark: maybeTextColumn("attacker_mark"),
		tactic: textColumn("tactic"), tacticName: textColumn("tactic_name"), technique: textColumn("technique_id"), sub: maybeTextColumn("sub_technique_id"), techniqueName: textColumn("technique_name"),
		level: textColumn("level"), rule: textColumn("rule_id"), release: textColumn("attack_release"),
		confidence: &parquetColumn{name: "confidence", kind: parquetformat.Double}, version: &parquetColumn{name: "rule_version", kind: parquetformat.Int32},
		checked: &parquetColumn{name: "checked", kind: parquetformat.Boolean},
	}
	r.uuid.once = true
	return r, []*parquetColumn{r.eventTime, r.uuid, r.kind, r.sourceID, r.ip, r.attacker, r.identity, r.session, r.sensor, r.vantage, r.tactic, r.tacticName, r.technique, r.sub, r.techniqueName,
		r.level, r.confidence, r.rule, r.version, r.text, r.evidence, r.release, r.mark, r.checked, r.createdAt}
}

func (r *parquetRow) add(t *Tag, names Names) {
	c := &t.Shown
	r.eventTime.time(t.EventTime)
	r.createdAt.time(t.CreatedAt)
	for _, x := range [...]struct {
		column *parquetColumn
		text   string
	}{
		{r.uuid, t.UUID}, {r.kind, string(t.SourceKind)}, {r.sourceID, t.SourceID}, {r.ip, t.AttackerIP}, {r.attacker, t.AttackerUUID}, {r.identity, t.IdentityUUID},
		{r.session, t.SessionID}, {r.sensor, t.DeckyID}, {r.vantage, t.Vantage.String()}, {r.tactic, c.Tactic}, {r.tacticName, names.TacticName(c.Tactic)},
		{r.technique, c.TechniqueID}, {r.sub, c.SubTechniqueID}, {r.techniqueName, names.TechniqueName(c.Technique())}, {r.level, t.Level.String()},
		{r.rule, t.RuleID}, {r.text, t.Text}, {r.evidence, string(unicodeJSON(nil, t.Evidence))}, {r.release, c.AttackRelease}, {r.mark, string(t.Mark)},
	} {
		x.column.text(x.text)
	}
	r.confidence.float(t.Confidence)
	r.version.int(t.RuleVersion)
	r.checked.bool(t.Checked)
}

const (
	dayPrefix = "date="
	dayFile   = "part-0.parquet"
)

func writeParquet(ctx context.Context, j *Job) error {
	if err := checkPlace(j); err != nil {
		return err
	}
	row, columns := newParquetRow()
	w, err := newParquetWriter(columns, 0)
	if err != nil {
		return err
	}
	defer w.abandon()
	if err := os.Mkdir(j.Path, 0o700); err != nil {
		return err
	}
	// Days come one after another because tags come by time; the files say that they are sorted.
	createdBy, last := "ttpcron version "+j.Version, time.Time{}
	for t, err := range j.Selected(ctx) {
		if err != nil {
			return err
		}
		if !last.IsZero() && t.EventTime.After(last) {
			return errors.New("tags do not come in the order of time")
		}
		if day := ttpcron.DayOf(t.EventTime); last.IsZero() || day != ttpcron.DayOf(last) {
			if err := w.close(createdBy); err != nil {
				return err
			}
			folder := filepath.Join(j.Path, dayPrefix+day.String())
			if err := os.Mkdir(folder, 0o700); err != nil {
				return err
			}
			if err := w.create(filepath.Join(folder, dayFile)); err != nil {
				return err
			}
		}
		last = t.EventTime
		row.add(t, j.Table)
		if err := w.row(); err != nil {
			return err
		}
	}
	if err := w.close(createdBy); err != nil {
		return err
	}
	return writeMarker(j)
}
