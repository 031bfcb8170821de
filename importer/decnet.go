package importer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// DECNET's database: its attackers' commands and its canary tokens' triggers.
var decnet = Format{
	Name: "decnet", Title: "DECNET's SQLite database", Version: 2,
	Records: []RecordType{
		{Name: "attackers.commands", Kinds: []ttpcron.SourceKind{ttpcron.Command}, Why: "each entry of the list; an entry with an empty text is ignored"},
		{Name: "canary_triggers", Kinds: []ttpcron.SourceKind{ttpcron.CanaryFingerprint}},
		{Name: "canary_tokens", Why: "says of which token a trigger is"},
	},
	database: &databaseFormat{open: openDecnet},
}

// decnetReader reads one table after the other, a row at a time. Each entry of a
// list of commands, and each trigger, counts as a line.
type decnetReader struct {
	db     *database
	format *Format
	opts   Options
	shape  decnetShape
	said   []string
	badAt  int // commands whose own time cannot be read

	ctx     context.Context
	yield   func(ttpcron.Batch, error) bool
	stopped bool
	batch   ttpcron.Batch
	arena   *arena
	events  int // capacity that the next batch will need
	row     int // of the current table, from 1
	rows    int64
	all     int64
	counted map[string]int64 // rows of each table when it was opened
}

// decnetShape says which of the tables and columns there are: older versions
// have fewer.
type decnetShape struct {
	attackers, triggers, tokens map[string]bool
}

func openDecnet(ctx context.Context, f *Format, db *database, o Options) (reader, error) {
	r := &decnetReader{db: db, format: f, opts: o, arena: &arena{}}
	for table, columns := range map[string]*map[string]bool{
		"attackers": &r.shape.attackers, "canary_triggers": &r.shape.triggers, "canary_tokens": &r.shape.tokens,
	} {
		found, err := db.columns(ctx, table)
		if odd := (*NotTableError)(nil); errors.As(err, &odd) {
			return nil, odd
		}
		if err != nil {
			return nil, fmt.Errorf("%s: columns of table %s: %w", db.name, table, err)
		}
		*columns = found
	}
	if !r.shape.commandsUsable() && !r.shape.triggersUsable() {
		return nil, &UnknownFormatError{Path: db.name, Detail: "it is a SQLite database without the tables attackers and canary_triggers of DECNET"}
	}
	if db.how != "" {
		r.said = append(r.said, db.how)
	}
	r.said = append(r.said, r.shape.gaps()...)
	r.counted = map[string]int64{}
	for _, table := range []string{"attackers", "canary_triggers"} {
		r.counted[table] = db.count(ctx, table)
		r.all += r.counted[table]
	}
	return r, nil
}

func (s *decnetShape) commandsUsable() bool { return s.attackers["uuid"] && s.attackers["commands"] }
func (s *decnetShape) triggersUsable() bool {
	return s.triggers["uuid"] && s.triggers["occurred_at"]
}

// gaps says what is missing and what that means.
func (s *decnetShape) gaps() []string {
	var gaps []string
	missing := func(columns map[string]bool, table, consequence string, names ...string) {
		var absent []string
		for _, n := range names {
			if !columns[n] {
				absent = append(absent, n)
			}
		}
		switch {
		case len(columns) == 0:
			gaps = append(gaps, fmt.Sprintf("there is no table %s: %s", table, consequence))
		case len(absent) > 0:
			gaps = append(gaps, fmt.Sprintf("table %s has no %s, as in older versions of DECNET: read without", table, strings.Join(absent, ", ")))
		}
	}
	missing(s.attackers, "attackers", "no commands are read", "uuid", "ip", "identity_id", "first_seen", "last_seen", "commands", "country_code")
	missing(s.triggers, "canary_triggers", "no canary events are read", "uuid", "token_uuid", "occurred_at", "src_ip", "user_agent", "request_path", "dns_qname", "raw_headers", "attacker_id")
	if len(s.triggers) > 0 {
		missing(s.tokens, "canary_tokens", "triggers are read without what their tokens are", "uuid", "kind", "generator", "instrumenter", "placement_path", "decky_name")
	}
	return gaps
}

func (r *decnetReader) notes() []string {
	if r.badAt == 0 {
		return r.said
	}
	return append(r.said[:len(r.said):len(r.said)],
		fmt.Sprintf("commands whose time cannot be read: %d; they got the time when their attacker was last seen", r.badAt))
}

func (r *decnetReader) close() error { return r.db.close() }

// read yields the commands, then the triggers.
func (r *decnetReader) read(ctx context.Context, yield func(ttpcron.Batch, error) bool) {
	r.ctx, r.yield = ctx, yield
	var err error
	if r.shape.commandsUsable() {
		err = r.table("attackers", r.commandsQuery(), r.attacker)
	}
	if err == nil && !r.stopped && r.shape.triggersUsable() {
		err = r.table("canary_triggers", r.triggersQuery(), r.trigger)
	}
	if r.stopped {
		return
	}
	if r.batch.Report.Lines > 0 && !r.flush() {
		return
	}
	switch {
	case r.db.disturbed():
		err = fmt.Errorf("%s: another program began to write while it was read; import it again", r.db.name)
	case err != nil && ctx.Err() != nil:
		err = ctx.Err()
	}
	if err != nil {
		yield(ttpcron.Batch{}, err)
	}
}

// table reads the rows that ids lists, each by its own query, whose first columns are the
// size of the row and a name for it.
func (r *decnetReader) table(name string, q rowQuery, row func(c []column)) error {
	columns := make([]column, len(q.columns)+1)
	into := make([]any, len(columns))
	for i := range columns {
		into[i] = &columns[i].raw
	}
	query := q.String()
	r.row = 0
	err := q.ids(r.ctx, func(ids []any) error {
		r.row++
		err := r.db.rows(r.ctx, query, append(ids, ids...), func(rows *sql.Rows) error {
			if err := rows.Scan(into...); err != nil {
				return err
			}
			r.progress()
			if size, _ := strconv.ParseInt(columns[0].text(), 10, 64); size > MaxRow {
				r.reject(columns[1].text(), nil, fmt.Errorf("table %s: the row of %.80q has %d bytes, more than %d", name, columns[1].text(), size, MaxRow), name)
				return errEnough
			}
			row(columns)
			return errEnough
		})
		if err == nil && (r.stopped || r.full() && !r.flush()) {
			err = errEnough
		}
		return err
	})
	switch {
	case errors.Is(err, errEnough), r.stopped:
		return nil
	case err == nil:
		if n := r.counted[name]; int64(r.row) < n {
			r.said = append(r.said, fmt.Sprintf("%d rows of table %s were counted and %d found: they were removed meanwhile, or the database is damaged", n, name, r.row))
		}
		return nil
	case errors.As(err, new(*TooLongError)):
		return err
	}
	return fmt.Errorf("%s: read table %s after row %d: %w", r.db.name, name, max(0, r.row-1), err)
}

// rowQuery reads one row; the parameters are the rowids of its parts.
type rowQuery struct {
	columns     []string // the first names the row
	from, where string
	ids         func(ctx context.Context, each func(ids []any) error) error
}

// String is the query. It asks for the size of all columns together first, and
// for their content only if that is not too much, so that no more than MaxRow is
// ever loaded.
func (q *rowQuery) String() string {
	list := []string{"s.size", fmt.Sprintf("CASE WHEN octet_length(%[1]s) <= 255 OR s.size <= %[2]d THEN CAST(%[1]s AS BLOB) END", q.columns[0], MaxRow)}
	for _, n := range q.columns[1:] {
		if n != "NULL" {
			n = fmt.Sprintf("CASE WHEN s.size <= %d THEN CAST(%s AS BLOB) END", MaxRow, n)
		}
		list = append(list, n)
	}
	return fmt.Sprintf("SELECT %s FROM (SELECT %s AS size FROM %s WHERE %s LIMIT 1) s CROSS JOIN %[3]s WHERE %[4]s LIMIT 1",
		strings.Join(list, ", "), sizeOf(q.columns...), q.from, q.where)
}

func (r *decnetReader) progress() {
	r.rows++
	r.db.src.move()
	if r.all > 0 {
		r.db.src.pos.Store(min(r.db.src.size, int64(float64(r.db.src.size)*float64(r.rows)/float64(r.all))))
	}
}

// column is one value of a row; it is overwritten by the next row.
type column struct{ raw sql.RawBytes }

func (c column) text() string { return string(c.raw) }

func sizeOf(names ...string) string {
	terms := []string{"0"}
	for _, n := range names {
		if n != "NULL" {
			terms = append(terms, fmt.Sprintf("coalesce(octet_length(%s),0)", n))
		}
	}
	return strings.Join(terms, "+")
}

// optional is a column, or NULL in a version that does not have it.
func optional(columns map[string]bool, alias, name string) string {
	if !columns[name] {
		return "NULL"
	}
	return alias + "." + name
}

// add keeps an event made from raw, a value at where in the row with that uuid.
func (r *decnetReader) add(e ttpcron.Event, uuid string, raw []byte, where func() string) {
	if err := e.Validate(); err != nil {
		r.reject(uuid, raw, fmt.Errorf("%s: %w", where(), err), "event")
		return
	}
	if r.batch.Events == nil {
		r.batch.Events = make([]ttpcron.Event, 0, r.events)
	}
	r.batch.Events = append(r.batch.Events, e)
	r.batch.Report.Lines++
}

// reject rejects text, a value in the row with that uuid. If it has no text of its own,
// more describes it. Its position in a list is not part of its identity: lists are
// trimmed.
func (r *decnetReader) reject(uuid string, text []byte, reason error, more ...string) {
	what := [][]byte{text, []byte(uuid)}
	for _, m := range more {
		what = append(what, []byte(m))
	}
	r.batch.Report.Lines++
	r.batch.Report.Rejected++
	r.batch.Rejects = append(r.batch.Rejects, ttpcron.Reject{
		File: r.db.name, Line: r.row, Format: r.format.Name, Reason: reason.Error(),
		Excerpt: excerpt(text), At: r.opts.Now(), ID: ttpcron.NewRejectID(r.format.Name, what...),
	})
}

func (r *decnetReader) full() bool {
	return len(r.batch.Events) >= MaxBatchEvents || r.arena.size >= MaxBatchBytes || len(r.batch.Rejects) >= maxBatchRejects
}

// flush gives the batch out. It returns false when the caller wants no more.
func (r *decnetReader) flush() bool {
	b := r.batch
	b.Report.File, b.Report.Format = r.db.name, r.format.Name
	r.batch, r.arena, r.events = ttpcron.Batch{}, &arena{}, len(b.Events)
	if !r.yield(b, nil) {
		r.stopped = true
	}
	return !r.stopped
}

// firstTime returns the first of the texts that can be read as a time.
func firstTime(texts ...sql.RawBytes) (time.Time, bool) {
	for _, s := range texts {
		if t, ok := parseTime(string(s)); ok {
			return t, true
		}
		if t, ok := epoch(string(s)); ok {
			return t, true
		}
	}
	return time.Time{}, false
}
