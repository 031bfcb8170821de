package export

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

// decnet is DECNET's table ttp_tag, as SQL for its master's database. Statements insert
// what is missing and change nothing that is there.
var decnet = Format{
	Name: "decnet", Short: "SQL for DECNET's tables attackers and ttp_tag",
	New: func(fs *flag.FlagSet) Write {
		var o decnetOptions
		fs.StringVar(&o.dialect, "dialect", "sqlite", "decnet: write SQL for `DB`: sqlite, or mysql (also MariaDB)")
		fs.StringVar(&o.database, "decnet-db", "", "decnet: map attackers by address to those in `FILE`, the master's SQLite database (opened read-only)")
		fs.StringVar(&o.attackers, "attackers", "make", "decnet: `make` rows for attackers that DECNET does not have, or skip their tags, which needs --decnet-db")
		fs.BoolVar(&o.eventTime, "created-at-event", false, "decnet: set created_at to when it happened, not when the tag was made")
		return func(ctx context.Context, j *Job) error {
			if err := o.check(); err != nil {
				return err
			}
			return writeDECNET(ctx, j, &o)
		}
	},
}

type decnetOptions struct {
	dialect, database, attackers string
	eventTime                    bool
}

func (o *decnetOptions) check() error {
	switch {
	case o.dialect != "sqlite" && o.dialect != "mysql":
		return fmt.Errorf("--dialect %q is not known: sqlite or mysql", o.dialect)
	case o.attackers != "make" && o.attackers != "skip":
		return fmt.Errorf("--attackers %q is not known: make or skip", o.attackers)
	case o.attackers == "skip" && o.database == "":
		return fmt.Errorf("--attackers skip needs --decnet-db: nothing else says which attackers DECNET has")
	}
	return nil
}

// decnetRelease is the release of ATT&CK that DECNET pins.
const decnetRelease = "19.1"

// decnetWriter writes statements.
type decnetWriter struct {
	out    io.Writer
	mysql  bool
	insert string // the verb
	b      []byte
	rows   int
	lost   map[string]int    // tags that were left out, by why
	made   map[string]string // attackers whose rows were written, and from when
}

// decnetBatch is how many rows one transaction has.
const decnetBatch = 1000

// decnetMade is how many attackers are remembered.
const decnetMade = 10000

func writeDECNET(ctx context.Context, j *Job, o *decnetOptions) error {
	known, err := readDECNET(ctx, o.database)
	if err != nil {
		return err
	}
	if known != nil {
		defer known.close()
	}
	w := &decnetWriter{out: j.Out, mysql: o.dialect == "mysql", insert: "INSERT OR IGNORE INTO ", lost: map[string]int{}, made: map[string]string{}}
	begin := "BEGIN;\n"
	if w.mysql {
		w.insert = "INSERT IGNORE INTO "
		begin = "SET NAMES utf8mb4;\nSTART TRANSACTION;\n"
	}
	if j.Table.Number() != decnetRelease {
		j.Note("DECNET knows ATT&CK %s: its matrix has no row for ids that only %s has", decnetRelease, j.Table.Number())
	}
	w.b = append(w.b, begin...)
	for t, err := range j.Selected(ctx) {
		if err != nil {
			return err
		}
		if err := w.tag(ctx, t, known, o); err != nil {
			return err
		}
		if w.rows >= decnetBatch {
			w.rows = 0
			w.b = append(w.b, "COMMIT;\n"...)
			w.b = append(w.b, begin...)
		}
		if len(w.b) > 32<<10 {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	w.b = append(w.b, "COMMIT;\n"...)
	for _, why := range []string{decnetUnknown, decnetNobody} {
		if n := w.lost[why]; n > 0 {
			j.Note("tags left out, because %s: %d", why, n)
		}
	}
	return w.flush()
}

const (
	decnetUnknown = "DECNET does not have their attacker"
	decnetNobody  = "they have an identity alone, which DECNET does not have"
)

func (w *decnetWriter) flush() error {
	_, err := w.out.Write(w.b)
	w.b = w.b[:0]
	return err
}

// tag writes the attacker of a tag, unless DECNET has it, and the tag.
func (w *decnetWriter) tag(ctx context.Context, t *Tag, known *decnetDB, o *decnetOptions) error {
	attacker := t.AttackerUUID
	if attacker == "" {
		// An identity of ours is none that DECNET clustered.
		has, err := known.identity(ctx, t.IdentityUUID)
		if err != nil {
			return err
		}
		if !has {
			w.lost[decnetNobody]++
			return nil
		}
	} else {
		theirs, err := known.attacker(ctx, t.AttackerUUID, t.AttackerIP)
		switch {
		case err != nil:
			return err
		case theirs != "":
			attacker = theirs
		case o.attackers == "skip" || t.AttackerIP == "":
			w.lost[decnetUnknown]++
			return nil
		default:
			w.attacker(t, known)
		}
	}
	created := t.CreatedAt
	if o.eventTime {
		created = t.EventTime
	}
	identity := t.IdentityUUID
	if attacker != "" {
		has, err := known.identity(ctx, identity)
		if err != nil {
			return err
		}
		if !has {
			identity = ""
		}
	}
	c := &t.Shown
	w.row("ttp_tag (uuid, source_kind, source_id, attacker_uuid, identity_uuid, session_id, decky_id, tactic, technique_id, sub_technique_id, confidence, rule_id, rule_version, evidence, attack_release, mitre_url, created_at)",
		t.UUID, string(t.SourceKind), t.SourceID, null(attacker), null(identity), null(t.SessionID), null(t.DeckyID), c.Tactic, c.TechniqueID, null(c.SubTechniqueID),
		number(strconv.FormatFloat(t.Confidence, 'f', -1, 64)), t.RuleID, number(strconv.Itoa(t.RuleVersion)), decnetEvidence(t), c.AttackRelease, null(attack.URL(c.Technique())), decnetTime(created))
	return nil
}

// attacker writes a row for an attacker that DECNET does not have, and again for an
// earlier first sighting, which each tag may bring: tags come newest first. A row under a
// UUID that we did not derive is DECNET's own, and is not changed.
func (w *decnetWriter) attacker(t *Tag, known *decnetDB) {
	at := decnetTime(t.EventTime)
	before, made := w.made[t.AttackerUUID]
	if made && before == at {
		return
	}
	if !made {
		into, values := "attackers (uuid, ip, first_seen, last_seen", []any{t.AttackerUUID, t.AttackerIP, at, at}
		if known != nil {
			for _, c := range known.demands {
				into, values = into+", "+c.name, append(values, c.value(at))
			}
		}
		w.row(into+")", values...)
	}
	if t.AttackerUUID == ttpcron.DeriveAttacker(t.AttackerIP) {
		w.b = append(w.b, "UPDATE attackers SET first_seen = "...)
		w.literal(at)
		w.b = append(w.b, " WHERE uuid = "...)
		w.literal(t.AttackerUUID)
		w.b = append(w.b, " AND first_seen > "...)
		w.literal(at)
		w.b = append(w.b, ";\n"...)
	}
	if len(w.made) >= decnetMade {
		clear(w.made) // written again, which changes nothing
	}
	w.made[t.AttackerUUID] = at
}

// decnetEvidence is the evidence with the event's time, for which the table has no column.
func decnetEvidence(t *Tag) string {
	var o object
	o.begin()
	o.text("event_time", stamp(t.EventTime))
	o.text("level", t.Level.String())
	rest := strings.TrimSpace(string(unicodeJSON(nil, t.Evidence)))
	if len(rest) > 2 && rest[0] == '{' {
		return string(o.b) + "," + rest[1:]
	}
	o.end()
	return string(o.b)
}

// decnetTime is how DECNET writes times: UTC, without a zone.
func decnetTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000000") }

type null string
type number string

// row writes an insert.
func (w *decnetWriter) row(into string, values ...any) {
	w.b = append(append(append(w.b, w.insert...), into...), " VALUES ("...)
	for i, v := range values {
		if i > 0 {
			w.b = append(w.b, ", "...)
		}
		switch v := v.(type) {
		case number:
			w.b = append(w.b, v...)
		case null:
			if v == "" {
				w.b = append(w.b, "NULL"...)
			} else {
				w.literal(string(v))
			}
		case string:
			w.literal(v)
		}
	}
	w.b = append(w.b, ");\n"...)
	w.rows++
}

// literal writes a text. One with anything but printable ASCII is written as the
// hexadecimal of its UTF-8, so no reader of the file can misread it. That includes
// backslashes for MySQL, where their meaning depends on a setting.
func (w *decnetWriter) literal(s string) {
	s = unicodeText(s)
	plain := true
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '\\' && w.mysql {
			plain = false
			break
		}
	}
	switch {
	case plain:
		w.b = append(w.b, '\'')
		w.b = append(w.b, strings.ReplaceAll(s, "'", "''")...)
		w.b = append(w.b, '\'')
	case w.mysql:
		w.b = fmt.Appendf(w.b, "_utf8mb4 X'%x'", s)
	default:
		w.b = fmt.Appendf(w.b, "CAST(X'%x' AS TEXT)", s)
	}
}
