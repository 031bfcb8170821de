package importer

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite"
)

// The bounds within which a database is read. It may be damaged, or made to
// never end: its pages can form loops, and views, triggers and computed columns
// are programs.
const (
	// maxQuery is how long one query may take, maxDatabase how long all of one
	// database together, and for each MiB of it the one may take perMiBQuery and the other
	// maxPerMiB longer: an honest database of many million rows takes its time. What
	// is done with the rows does not count.
	maxQuery    = 30 * time.Second
	maxDatabase = 5 * time.Minute
	maxPerMiB   = time.Second
	perMiBQuery = 100 * time.Millisecond
	// minRowBytes is what a row takes of its page at least, so that a file has
	// no more rows than its size divided by it.
	minRowBytes = 4
	// cacheKiB bounds the pages that SQLite keeps.
	cacheKiB = 8 << 10
	// maxKey is the longest address or time, in bytes, that rows are compared by.
	maxKey = 64
)

// limits are given to SQLite before it reads anything of the file, its schema
// neither. (https://www.sqlite.org/c3ref/c_limit_attached.html)
var limits = []struct{ id, value int }{
	{0, MaxRow + 1<<20}, // bytes of a value
	{1, 256 << 10},      // bytes of a statement, those of the schema too
	{2, 500},            // columns
	{3, 100},            // depth of an expression
	{4, 8},              // parts of a compound SELECT
	{5, 100_000},        // steps of a program
	{6, 16},             // arguments of a function
	{7, 0},              // attached databases
	{10, 0},             // triggers within triggers
	{11, 0},             // further threads
}

// functions are those that queries here use; the file can make none other run.
var functions = []string{"coalesce", "octet_length", "max", "count"}

// authorize allows reading tables, and nothing that a file could bring along:
// no view, no trigger, no recursive query, no virtual table.
func authorize(action sqlite.AuthorizerActionCode, arg1, arg2, _, within string) sqlite.AuthorizerReturnCode {
	switch action {
	case sqlite.AuthSelect:
		if within == "" {
			return sqlite.AuthorizerOK
		}
	case sqlite.AuthRead:
		if within == "" {
			return sqlite.AuthorizerOK
		}
	case sqlite.AuthFunction:
		if slices.Contains(functions, arg2) {
			return sqlite.AuthorizerOK
		}
	case sqlite.AuthPragma:
		if arg1 == "table_xinfo" || arg1 == "cache_size" {
			return sqlite.AuthorizerOK
		}
	}
	return sqlite.AuthorizerDeny
}

// restrict bounds a connection before anything of the file is read, and reads
// its schema.
func (d *database) restrict(ctx context.Context) error {
	for _, l := range limits {
		if _, err := sqlite.Limit(d.conn, l.id, l.value); err != nil {
			return err
		}
	}
	err := d.conn.Raw(func(c any) error {
		r, ok := c.(sqlite.AuthorizerRegisterer)
		if !ok {
			return errors.New("the driver takes no authorizer")
		}
		return r.RegisterAuthorizer(authorize)
	})
	if err != nil {
		return err
	}
	// The schema is read when the second statement is prepared. A statement that
	// stands alone would be prepared where ctx does not interrupt it.
	return d.rows(ctx, fmt.Sprintf("SELECT 1; SELECT count(*) FROM sqlite_schema; PRAGMA cache_size = -%d", cacheKiB), nil, nil)
}

// TooLongError says that reading a database was given up.
type TooLongError struct{ Path string }

func (e *TooLongError) Error() string { return e.Path + ": " + e.reason() }

func (e *TooLongError) reason() string {
	return "reading the database takes too long and was given up; it is damaged, or made to never end"
}

// errEnough stops rows.
var errEnough = errors.New("enough")

// rows runs a query and gives each row to scan; errEnough from it ends the query.
// What a query does until its first row is there can be interrupted; what it does
// between two rows cannot, so that queries are written to do all their work
// before the first.
func (d *database) rows(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	left := min(maxQuery+time.Duration(d.src.size>>20)*perMiBQuery, d.budget-d.spent)
	if left <= 0 {
		return &TooLongError{d.name}
	}
	timed, cancel := context.WithCancel(ctx)
	defer cancel()
	timer := time.AfterFunc(left, cancel)
	began, outside := time.Now(), time.Duration(0)
	defer func() { d.spent += time.Since(began) - outside }()
	rows, err := d.query(timed, query, args)
	inTime := timer.Stop()
	if err == nil {
		outside, err = each(rows, scan)
	}
	switch {
	case errors.Is(err, errEnough):
		return nil
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil && !inTime:
		return &TooLongError{d.name}
	}
	return err
}

// each gives the rows of a query to scan, nil for no use of them, and returns how
// long that took apart from the database.
func each(rows *sql.Rows, scan func(*sql.Rows) error) (outside time.Duration, err error) {
	defer rows.Close()
	for err == nil && rows.Next() {
		if scan == nil {
			continue
		}
		began := time.Now()
		err = scan(rows)
		outside += time.Since(began)
	}
	if err == nil {
		err = rows.Err()
	}
	if err == nil {
		err = rows.Close()
	}
	return outside, err
}

// query begins a query. One with parameters is run for each row of a table, and
// stays prepared; the schema has been read by then.
func (d *database) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	if len(args) == 0 {
		return d.conn.QueryContext(ctx, query)
	}
	s, err := d.kept[query], error(nil)
	if s == nil {
		if s, err = d.conn.PrepareContext(ctx, query); err != nil {
			return nil, err
		}
		if d.kept == nil {
			d.kept = map[string]*sql.Stmt{}
		}
		d.kept[query] = s
	}
	return s.QueryContext(ctx, args...)
}

// columns returns the columns of a table, none when there is no such table. What
// is no plain table of stored columns is an error.
func (d *database) columns(ctx context.Context, table string) (map[string]bool, error) {
	entries := 0
	var kind, definition string
	err := d.rows(ctx, "SELECT CAST(type AS TEXT), CASE WHEN octet_length(sql) <= 65536 THEN CAST(sql AS TEXT) ELSE '' END FROM sqlite_schema WHERE type IN ('table','view') AND name = ? COLLATE NOCASE LIMIT 2",
		[]any{table}, func(r *sql.Rows) error {
			entries++
			return r.Scan(&kind, &definition)
		})
	if err != nil || entries == 0 {
		return nil, err
	}
	if entries > 1 || kind != "table" || !strings.HasPrefix(definition, "CREATE TABLE ") {
		return nil, &NotTableError{d.name, table, "not a table", ""}
	}
	found := map[string]bool{}
	err = d.rows(ctx, `PRAGMA table_xinfo("`+table+`")`, nil, func(r *sql.Rows) error {
		var skip any
		var name string
		var hidden int
		if err := r.Scan(&skip, &name, &skip, &skip, &skip, &skip, &hidden); err != nil {
			return err
		}
		if hidden != 0 {
			return &NotTableError{d.name, table, "a table with computed columns", ""}
		}
		found[strings.ToLower(name)] = true
		return nil
	})
	if err == nil && found["_rowid_"] {
		err = &NotTableError{d.name, table, "a table with a column _rowid_", ""}
	}
	if err == nil && d.rows(ctx, `SELECT _rowid_ FROM "`+table+`" LIMIT 0`, nil, nil) != nil {
		err = &NotTableError{d.name, table, "a table without rowids", ""}
	}
	return found, err
}

// NotTableError says that a database has a view, or something else that is a
// program, where a table is expected. It is not read.
type NotTableError struct {
	Path, Table string
	Is          string // what it is
	By          string // the program that makes it a table
}

func (e *NotTableError) Error() string { return e.Path + ": " + e.reason() }

func (e *NotTableError) reason() string {
	return fmt.Sprintf("%s is %s; %s makes it a plain table. The database is not read", e.Table, e.Is, e.By)
}

// maxRows is how many rows the file can have at most; a query that meets more
// goes in circles.
func (d *database) maxRows() int64 { return d.src.size/minRowBytes + 1 }

// count returns how many rows a table has, 0 when that cannot be known.
func (d *database) count(ctx context.Context, table string) (n int64) {
	err := d.rows(ctx, fmt.Sprintf(`SELECT count(*) FROM (SELECT 1 FROM "%s" LIMIT %d)`, table, d.maxRows()), nil,
		func(r *sql.Rows) error { return r.Scan(&n) })
	if err != nil {
		return 0
	}
	return n
}

// allRows stands for maxRows in a rowJoin.
const allRows = ":all"

// each reads the rows that ids lists, each by its own query, whose first column is the size
// of the row.
func (d *database) each(ctx context.Context, q *rowQuery, row func(c []column) error) error {
	columns := make([]column, len(q.columns)+1)
	into := make([]any, len(columns))
	for i := range columns {
		into[i] = &columns[i]
	}
	query := q.byID()
	err := d.ids(ctx, q, func(ids []any) error {
		var given error
		err := d.rows(ctx, query, append(ids, ids...), func(rows *sql.Rows) error {
			if err := rows.Scan(into...); err != nil {
				return err
			}
			given = row(columns)
			return errEnough
		})
		return cmp.Or(err, given)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// byID is the query of one row; its parameters are the rowids of its parts, twice. It asks
// for the size of all columns together first, and for their content only if that is not too
// much, so that no more than q.limit is ever loaded.
func (q *rowQuery) byID() string {
	from, where := "", q.alias+"._rowid_ = ?"
	from = q.table + " " + q.alias
	for _, j := range q.joins {
		table := j.table
		if j.absent {
			table = "(SELECT 1 AS _rowid_)"
		}
		from += fmt.Sprintf(" LEFT JOIN %s %s ON %[2]s._rowid_ = ?", table, j.alias)
	}
	most := q.limit()
	list := []string{"s.size", fmt.Sprintf("CASE WHEN octet_length(%[1]s) <= 255 OR s.size <= %[2]d THEN CAST(%[1]s AS BLOB) END", q.columns[0], most)}
	for _, n := range q.columns[1:] {
		switch {
		case n == "NULL":
		case strings.HasPrefix(n, unconverted):
			n = fmt.Sprintf("CASE WHEN s.size <= %d THEN %s END", most, bare(n))
		default:
			n = fmt.Sprintf("CASE WHEN s.size <= %d THEN CAST(%s AS BLOB) END", most, n)
		}
		list = append(list, n)
	}
	return fmt.Sprintf("SELECT %s FROM (SELECT %s AS size FROM %s WHERE %s LIMIT 1) s CROSS JOIN %[3]s WHERE %[4]s LIMIT 1",
		strings.Join(list, ", "), sizeOf(q.columns...), from, where)
}

// ids yields the rowids of each row of a query: those of what it is joined with, then that
// of the table itself.
func (d *database) ids(ctx context.Context, q *rowQuery, each func(ids []any) error) error {
	if len(q.joins) == 0 {
		return d.ascending(ctx, q.table, each)
	}
	// The query sorts, so all its work is done before its first row, while it can be
	// interrupted. Rows are read when it has ended: while one is open, SQLite lets nobody
	// write to a database that is not in WAL mode, and a sensor that waits for too long loses
	// what it wanted to write.
	n := len(q.joins)
	found := make([]sql.NullInt64, n+1)
	into := make([]any, n+1)
	for i := range found {
		into[i] = &found[i]
	}
	var page []int64
	for from := int64(math.MinInt64); ; {
		page = page[:0]
		met, last, some := 0, int64(0), false
		err := d.rows(ctx, d.idsQuery(q, from), nil, func(rows *sql.Rows) error {
			if err := rows.Scan(into...); err != nil {
				return err
			}
			met++
			if some && found[n].Int64 == last {
				return nil // what it is joined with is there twice
			}
			last, some = found[n].Int64, true
			for _, id := range found {
				if !id.Valid {
					id.Int64 = noID
				}
				page = append(page, id.Int64)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for row := page; len(row) > 0; row = row[n+1:] {
			ids := make([]any, n+1, 2*n+2)
			for i, id := range row[:n+1] {
				if id != noID || i == n {
					ids[i] = id
				}
			}
			if err := each(ids); err != nil {
				return err
			}
		}
		if met < d.sorted || last < from || last == math.MaxInt64 {
			return nil
		}
		from = last + 1
	}
}

// noID stands for a rowid that is NULL.
const noID = math.MinInt64

// idsQuery asks for the rows from a rowid on, at most as many as are read at once.
func (d *database) idsQuery(q *rowQuery, from int64) string {
	joins, list := "", ""
	for i, j := range q.joins {
		id := "NULL"
		if !j.absent {
			find := fmt.Sprintf("%s %s ON %s", j.table, j.alias, j.on)
			if id = j.alias + "._rowid_"; j.find != "" {
				find, id = strings.ReplaceAll(j.find, allRows, strconv.FormatInt(d.maxRows(), 10)), j.id
			}
			joins += " LEFT JOIN " + find
		}
		list += fmt.Sprintf("%s AS j%d, ", id, i)
	}
	where := ""
	if from > math.MinInt64 {
		where = fmt.Sprintf(" WHERE %s._rowid_ >= %d", q.alias, from)
	}
	return fmt.Sprintf("SELECT * FROM (SELECT %s%s._rowid_ AS t FROM %s %[2]s%[4]s%[5]s LIMIT %[6]d) ORDER BY +t LIMIT %[7]d", list, q.alias, q.table, joins, where, d.maxRows(), d.sorted)
}

func (d *database) label() string   { return d.name }
func (d *database) unusual() string { return d.how }

func (d *database) progress(read, all int64) {
	d.src.move()
	if all > 0 {
		d.src.pos.Store(min(d.src.size, int64(float64(d.src.size)*float64(read)/float64(all))))
	}
}

func (d *database) ended(err error) error {
	if d.disturbed() {
		return fmt.Errorf("%s: another program began to write while it was read; import it again", d.name)
	}
	return err
}

const (
	// idsPage is how many rowids are read at once.
	idsPage = 256
	// idsSorted is for how many rows the rowids of what they are joined with are read at
	// once, which takes some 12 MiB.
	idsSorted = 1 << 19
)

// ascending reads the rowids of a table in pages, which ends whatever the pages
// of the file say: rowids must rise.
func (d *database) ascending(ctx context.Context, table string, each func(ids []any) error) error {
	query := fmt.Sprintf(`SELECT id FROM (SELECT _rowid_ AS id FROM "%s" WHERE _rowid_ >= ? ORDER BY _rowid_ LIMIT %d) ORDER BY +id`, table, idsPage)
	page := make([]int64, 0, idsPage)
	for from := int64(math.MinInt64); ; {
		page = page[:0]
		err := d.rows(ctx, query, []any{from}, func(r *sql.Rows) error {
			var id int64
			err := r.Scan(&id)
			if err == nil && (id < from || len(page) > 0 && id == page[len(page)-1]) {
				err = errors.New("its rows are not in order: the database is damaged")
			}
			page = append(page, id)
			return err
		})
		if err != nil {
			return err
		}
		for _, id := range page {
			if err := each([]any{id}); err != nil {
				return err
			}
		}
		if len(page) < idsPage || page[len(page)-1] == math.MaxInt64 {
			return nil
		}
		from = page[len(page)-1] + 1
	}
}
