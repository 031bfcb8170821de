package importer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// A database format lists its tables, and for each query what becomes of a row. This file has what
// these formats share: the shape of the tables, batches, rejects and progress.

// tableSource is a database with tables that can be read.
type tableSource interface {
	// label is the database as the user named it, without secrets.
	label() string
	// unusual says in a sentence how the database was opened, if that was unusual.
	unusual() string
	// columns returns the names of a table's columns in lower case, none if the table is missing.
	columns(ctx context.Context, table string) (map[string]bool, error)
	// count returns how many rows a table has, 0 if that cannot be known.
	count(ctx context.Context, table string) int64
	// each runs a query and calls row for each row, until row returns errEnough. It never loads
	// more than q.most bytes of a row.
	each(ctx context.Context, q *rowQuery, row func(c []column) error) error
	// progress is called after each row with the number of rows read so far, and of all rows.
	progress(read, all int64)
	// ended turns err into the error to return when reading has ended.
	ended(err error) error
	close() error
}

// rowQuery reads the rows of a table, joined with those of other tables.
type rowQuery struct {
	table, alias string
	columns      []string // the first identifies the row; "NULL" stands for a missing column
	joins        []rowJoin
	most         int // bytes of a row at most; 0: MaxRow
}

// rowJoin joins at most one row of another table.
type rowJoin struct {
	table, alias, on string
	absent           bool // the table is missing
	// In SQLite a row is found by its rowid. find is a table expression to join with instead
	// of table, and id the rowid in it; empty: table and its own.
	find, id string
}

func (q *rowQuery) limit() int {
	if q.most > 0 {
		return q.most
	}
	return MaxRow
}

// column is a value of the current row. The next row overwrites it.
type column struct {
	raw   sql.RawBytes
	given bool // not NULL
	room  []byte
}

// Scan takes a value of any type. (sql.RawBytes cannot tell an empty text from NULL.)
func (c *column) Scan(value any) error {
	c.given = value != nil
	switch v := value.(type) {
	case nil:
		c.raw = nil
		return nil
	case []byte:
		c.raw = v
		return nil
	case string:
		c.room = append(c.room[:0], v...)
	case int64:
		c.room = strconv.AppendInt(c.room[:0], v, 10)
	case float64:
		c.room = strconv.AppendFloat(c.room[:0], v, 'g', -1, 64)
	case bool:
		c.room = strconv.AppendBool(c.room[:0], v)
	case time.Time:
		c.room = v.UTC().AppendFormat(c.room[:0], time.RFC3339Nano)
	default:
		return fmt.Errorf("a value of type %T", value)
	}
	c.raw = c.room
	return nil
}

func (c column) text() string { return string(c.raw) }

// unconverted marks a column whose value is read as it is. Otherwise it is read as the text that
// SQLite makes of it, which has only 15 digits of a number.
const unconverted = "="

// bare removes the mark from a column's expression.
func bare(c string) string { return strings.TrimPrefix(c, unconverted) }

func sizeOf(names ...string) string {
	terms := []string{"0"}
	for _, n := range names {
		if n != "NULL" {
			terms = append(terms, fmt.Sprintf("coalesce(octet_length(%s),0)", bare(n)))
		}
	}
	return strings.Join(terms, "+")
}

// optional returns the column, or NULL if this version of the table lacks it.
func optional(columns map[string]bool, alias, name string) string {
	if !columns[name] {
		return "NULL"
	}
	return alias + "." + name
}

// tableShape describes the newest version of a table that a format reads.
type tableShape struct {
	name    string
	needs   []string // without these columns the table is not read
	columns []string // its other columns
	without string   // what the user should know if the table is missing
}

// shape says which tables and columns of a format a database has.
type shape struct {
	columns map[string]map[string]bool // by table
	odd     map[string]*NotTableError  // what has a table's name but is not a table
}

// shapeOf finds out which tables and columns a database has. by is the program that makes them.
func shapeOf(ctx context.Context, db tableSource, by string, tables []tableShape) (shape, error) {
	s := shape{columns: map[string]map[string]bool{}, odd: map[string]*NotTableError{}}
	for _, t := range tables {
		found, err := db.columns(ctx, t.name)
		var odd *NotTableError
		switch {
		case errors.As(err, &odd):
			odd.By = by
			s.odd[t.name] = odd
		case err != nil:
			return s, fmt.Errorf("%s: columns of table %s: %w", db.label(), t.name, err)
		default:
			s.columns[t.name] = found
		}
	}
	return s, nil
}

// has reports whether a table has all these columns. Something else with its name may, too.
func (s *shape) has(table string, columns ...string) bool {
	return s.odd[table] != nil || s.is(table, columns...)
}

// is reports whether there is a table with all these columns.
func (s *shape) is(table string, columns ...string) bool {
	t := tableShape{needs: columns}
	return len(s.columns[table]) > 0 && t.usable(s.columns[table])
}

// programs returns an error if something with a table's name is not a table.
func (s *shape) programs() error {
	for _, name := range slices.Sorted(maps.Keys(s.odd)) {
		return s.odd[name]
	}
	return nil
}

// usable reports whether a table has the columns that it needs.
func (t *tableShape) usable(found map[string]bool) bool {
	return !slices.ContainsFunc(t.needs, func(c string) bool { return !found[c] })
}

// gaps says what is missing, and what that means for the user.
func (t *tableShape) gaps(found map[string]bool, by string) []string {
	if len(found) == 0 {
		return []string{fmt.Sprintf("there is no table %s: %s", t.name, t.without)}
	}
	var absent []string
	for _, n := range append(slices.Clone(t.needs), t.columns...) {
		if !found[n] {
			absent = append(absent, n)
		}
	}
	if len(absent) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("table %s has no %s, as in older versions of %s: read without", t.name, strings.Join(absent, ", "), by)}
}

// tableGaps says which of many optional tables are missing.
func tableGaps(tables []tableShape, found map[string]map[string]bool, by string) (gaps []string) {
	var absent []string
	for _, t := range tables {
		if len(found[t.name]) == 0 {
			absent = append(absent, t.name)
			continue
		}
		gaps = append(gaps, t.gaps(found[t.name], by)...)
	}
	switch len(absent) {
	case 0:
		return gaps
	case 1:
		return append(gaps, fmt.Sprintf("there is no table %s, as in older versions of %s: read without", absent[0], by))
	}
	return append(gaps, fmt.Sprintf("there are no tables %s, as in older versions of %s: read without", strings.Join(absent, ", "), by))
}

// tableReader reads the tables one after the other, row by row.
type tableReader struct {
	db     tableSource
	format *Format
	opts   Options
	said   []string
	richer *richer // a log in the same folder that says more; nil: none
	left   int     // how many events that log has

	// tables reads the tables in order.
	tables func() error
	// more returns notes about what was found while reading; may be nil.
	more func() []string

	ctx     context.Context
	yield   func(ttpcron.Batch, error) bool
	stopped bool
	batch   ttpcron.Batch
	arena   *arena
	events  int // capacity for the next batch
	row     int // row number in the current table, from 1
	rows    int64
	all     int64
	counted map[string]int64 // rows of each table when the database was opened
}

func newTableReader(db tableSource, f *Format, o Options) tableReader {
	r := tableReader{db: db, format: f, opts: o, arena: &arena{}}
	if how := db.unusual(); how != "" {
		r.said = append(r.said, how)
	}
	return r
}

// beside sets the richer log in the database's folder, or nil.
func (r *tableReader) beside(found *richer) { r.richer = found }

// counts counts the rows of these tables, for the progress.
func (r *tableReader) counts(ctx context.Context, tables ...string) {
	if r.counted == nil {
		r.counted = map[string]int64{}
	}
	for _, table := range tables {
		r.counted[table] = r.db.count(ctx, table)
		r.all += r.counted[table]
	}
}

func (r *tableReader) notes() []string {
	said := r.said[:len(r.said):len(r.said)]
	if r.more != nil {
		said = append(said, r.more()...)
	}
	if r.left > 0 {
		said = append(said, r.richer.note(r.opts.Named))
	}
	return said
}

func (r *tableReader) close() error { return r.db.close() }

// read reads all tables.
func (r *tableReader) read(ctx context.Context, yield func(ttpcron.Batch, error) bool) {
	r.ctx, r.yield = ctx, yield
	err := r.tables()
	if r.stopped {
		return
	}
	if r.batch.Report.Lines > 0 && !r.flush() {
		return
	}
	if err = r.db.ended(err); err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		yield(ttpcron.Batch{}, err)
	}
}

// table reads the rows of one query.
func (r *tableReader) table(q rowQuery, row func(c []column)) error {
	if r.stopped {
		return nil
	}
	r.row = 0
	err := r.db.each(r.ctx, &q, func(c []column) error {
		r.row++
		r.rows++
		r.db.progress(r.rows, r.all)
		if size, _ := strconv.ParseInt(c[0].text(), 10, 64); size > int64(q.limit()) {
			r.reject(c[1].text(), nil, fmt.Errorf("table %s: the row of %.80q has %d bytes, more than %d", q.table, c[1].text(), size, q.limit()), q.table)
		} else {
			row(c)
		}
		if r.stopped || r.full() && !r.flush() {
			return errEnough
		}
		return nil
	})
	switch {
	case r.stopped:
		return nil
	case err == nil:
		if n := r.counted[q.table]; int64(r.row) < n {
			r.said = append(r.said, fmt.Sprintf("%d rows of table %s were counted and %d found: they were removed meanwhile, or the database is damaged", n, q.table, r.row))
		}
		return nil
	case errors.As(err, new(*TooLongError)):
		return err
	}
	return fmt.Errorf("%s: read table %s after row %d: %w", r.db.label(), q.table, max(0, r.row-1), err)
}

// add keeps an event made from raw, which is at where in the row called name.
func (r *tableReader) add(e ttpcron.Event, name string, raw []byte, where func() string) {
	r.opts.Settings.nameSensor(&e)
	if err := e.Validate(); err != nil {
		r.reject(name, raw, fmt.Errorf("%s: %w", where(), err), "event")
		return
	}
	if r.richer != nil && r.richer.has(e.Time) {
		if r.left++; !r.opts.Named {
			r.ignore(leftToRicher)
			return
		}
	}
	if r.batch.Events == nil {
		r.batch.Events = make([]ttpcron.Event, 0, r.events)
	}
	r.batch.Events = append(r.batch.Events, e)
	r.batch.Report.Lines++
}

// ignore counts a row, or a part of one, that becomes no event.
func (r *tableReader) ignore(what string) {
	r.batch.Report.Lines++
	r.batch.Report.Ignored++
	r.batch.Report.IgnoredTypes.Count(what, 1)
}

// reject rejects text, a value in the row with that name. If it has no text of its own,
// more describes it. Its position in a list is not part of its identity: lists are
// trimmed.
func (r *tableReader) reject(name string, text []byte, reason error, more ...string) {
	what := [][]byte{text, []byte(name)}
	for _, m := range more {
		what = append(what, []byte(m))
	}
	r.batch.Report.Lines++
	r.batch.Report.Rejected++
	r.batch.Rejects = append(r.batch.Rejects, ttpcron.Reject{
		File: r.db.label(), Line: r.row, Format: r.format.Name, Reason: reason.Error(),
		Excerpt: excerpt(text), At: r.opts.Now(), ID: ttpcron.NewRejectID(r.format.Name, what...),
	})
}

func (r *tableReader) full() bool {
	return len(r.batch.Events) >= MaxBatchEvents || r.arena.size >= MaxBatchBytes || len(r.batch.Rejects) >= maxBatchRejects
}

// room makes room for another event. It returns false if the caller wants no more.
func (r *tableReader) room() bool { return !r.full() || r.flush() }

// flush yields the batch. It returns false if the caller wants no more.
func (r *tableReader) flush() bool {
	b := r.batch
	b.Report.File, b.Report.Format = r.db.label(), r.format.Name
	r.batch, r.arena, r.events = ttpcron.Batch{}, &arena{}, len(b.Events)
	if !r.yield(b, nil) {
		r.stopped = true
	}
	return !r.stopped
}
