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

// A format of databases lists its tables and, for each query, what a row gives. This file
// has what they share: the shape of the tables, batches, rejects and progress.

// tableSource is a database with tables that can be read.
type tableSource interface {
	// label is the database as the user named it, without secrets.
	label() string
	// unusual is a sentence if it had to be opened in an unusual way, or empty.
	unusual() string
	// columns returns the columns of a table, in lower case; none if there is no such table.
	columns(ctx context.Context, table string) (map[string]bool, error)
	// count returns how many rows a table has, 0 if that cannot be known.
	count(ctx context.Context, table string) int64
	// each runs a query and passes each row to row; errEnough from it ends the query. No
	// more than q.most bytes of a row are ever loaded.
	each(ctx context.Context, q *rowQuery, row func(c []column) error) error
	// progress is called after each row, with how many of them all have been read.
	progress(read, all int64)
	// ended says what became of a reading, apart from err.
	ended(err error) error
	close() error
}

// rowQuery reads the rows of a table, each with the rows of other tables that belong to it.
type rowQuery struct {
	table, alias string
	columns      []string // the first names the row; "NULL" is a column that is missing
	joins        []rowJoin
	most         int // bytes of a row that is read; 0: MaxRow
}

// rowJoin is a row of another table, at most one.
type rowJoin struct {
	table, alias, on string
	absent           bool // there is nothing to join
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

// column is one value of a row; it is overwritten by the next row.
type column struct {
	raw   sql.RawBytes
	given bool // it is not NULL
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

// unconverted marks a column that is read as the value that it is, not as SQLite's text
// of it, which has only 15 digits of a number.
const unconverted = "="

// bare is the expression of a column, without the mark.
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

// optional is a column, or NULL in a version that does not have it.
func optional(columns map[string]bool, alias, name string) string {
	if !columns[name] {
		return "NULL"
	}
	return alias + "." + name
}

// tableShape is a table that a format reads, as its newest version has it.
type tableShape struct {
	name    string
	needs   []string // columns without which it is not read
	columns []string // the others
	without string   // what is lost if there is no such table
}

// shape is what a database has of the tables of a format.
type shape struct {
	columns map[string]map[string]bool // of each table
	odd     map[string]*NotTableError  // what is called like a table and is none
}

// shapeOf finds out which of the tables and columns there are. by names the program that
// makes them.
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

// has reports whether a table has some columns. What is no table might.
func (s *shape) has(table string, columns ...string) bool {
	return s.odd[table] != nil || s.is(table, columns...)
}

// is reports whether there is a table that has some columns.
func (s *shape) is(table string, columns ...string) bool {
	t := tableShape{needs: columns}
	return len(s.columns[table]) > 0 && t.usable(s.columns[table])
}

// programs returns an error if anything that is called like a table is none.
func (s *shape) programs() error {
	for _, name := range slices.Sorted(maps.Keys(s.odd)) {
		return s.odd[name]
	}
	return nil
}

// usable reports whether a table has the columns without which it cannot be read.
func (t *tableShape) usable(found map[string]bool) bool {
	return !slices.ContainsFunc(t.needs, func(c string) bool { return !found[c] })
}

// gaps says what is missing and what that means.
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

// tableGaps says what is missing of many tables, none of which is needed.
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

// tableReader reads one table after the other, a row at a time.
type tableReader struct {
	db     tableSource
	format *Format
	opts   Options
	said   []string
	richer *richer // a log beside it that says more
	left   int     // events that are left to it

	// tables reads the tables, in turn.
	tables func() error
	// more says what turned out while reading; may be nil.
	more func() []string

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

func newTableReader(db tableSource, f *Format, o Options) tableReader {
	r := tableReader{db: db, format: f, opts: o, arena: &arena{}}
	if how := db.unusual(); how != "" {
		r.said = append(r.said, how)
	}
	return r
}

// beside sets a richer log that lies beside the database, or nil.
func (r *tableReader) beside(found *richer) { r.richer = found }

// counts counts the rows of the tables that will be read.
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

// read yields the rows of all tables.
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

// table reads the rows of a query.
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

// add keeps an event made from raw, a value at where in the row with that name.
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

// ignore counts a row, or a part of one, that gives no event.
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

// room makes room for another event, and returns false when the caller wants no
// more.
func (r *tableReader) room() bool { return !r.full() || r.flush() }

// flush gives the batch out. It returns false when the caller wants no more.
func (r *tableReader) flush() bool {
	b := r.batch
	b.Report.File, b.Report.Format = r.db.label(), r.format.Name
	r.batch, r.arena, r.events = ttpcron.Batch{}, &arena{}, len(b.Events)
	if !r.yield(b, nil) {
		r.stopped = true
	}
	return !r.stopped
}
