package importer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// mysqlSource is a database on a server of MySQL or MariaDB. It is read within one
// transaction that can only read, and sees all tables as they were when it began.
//
// The server may be broken, or in an attacker's hands: no row loads more than MaxRow, a
// table has no more rows than were counted, and nothing is waited for without end.
type mysqlSource struct {
	conn    ServerConn
	server  *Server
	src     *stream
	counted map[string]int64
	waited  time.Duration
}

const (
	// serverStart is the time for a connection and the first questions.
	serverStart = 30 * time.Second
	// maxAnswer is how many bytes an answer may have that is no row.
	maxAnswer = 1 << 20
	// charsetGrowth is how much a text may grow when the server turns it into UTF-8, and
	// rowSlack what a row has beside its values.
	rowSlack      = 1 << 20
	charsetGrowth = 3
	// maxServerWait is how long all answers of a server together may be waited for, and
	// each row adds perServerRow.
	maxServerWait = 10 * time.Minute
	perServerRow  = 10 * time.Millisecond
)

// openServer begins to read a database on a server.
func openServer(ctx context.Context, server *Server, connect Connect, src *stream) (*mysqlSource, error) {
	if connect == nil {
		return nil, fmt.Errorf("%s: databases on servers cannot be read here", server)
	}
	timed, cancel := context.WithTimeout(ctx, serverStart)
	defer cancel()
	conn, err := connect(timed, server)
	if err != nil {
		return nil, fromServer(ctx, server, err)
	}
	m := &mysqlSource{conn: conn, server: server, src: src, counted: map[string]int64{}}
	for _, statement := range []string{
		"SET SESSION time_zone = '+00:00'", "SET SESSION net_write_timeout = 600",
		"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
	} {
		if err := m.query(timed, statement, maxAnswer, nil); err != nil {
			conn.Close()
			return nil, fromServer(ctx, server, err)
		}
	}
	return m, nil
}

// fromServer names the server, and bounds what it says.
func fromServer(ctx context.Context, server *Server, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("the server took longer than %s to answer", serverStart)
	}
	if !errors.As(err, new(*saidError)) {
		err = &saidError{err}
	}
	return fmt.Errorf("%s: %w", server, err)
}

// saidError is an error whose text a server may have made.
type saidError struct{ err error }

func (e *saidError) Unwrap() error { return e.err }

func (e *saidError) Error() string {
	text := e.err.Error()
	if len(text) > 300 {
		text = text[:300] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, text)
}

// query runs a query and passes each row to row, which must have as many values as the
// query asks for. The time that row takes does not count.
func (m *mysqlSource) query(ctx context.Context, query string, most int, row func(values [][]byte) error) error {
	left := maxServerWait - m.waited
	if left <= 0 {
		return &TooLongError{m.server.String()}
	}
	timed, cancel := context.WithCancel(ctx)
	defer cancel()
	timer, began := time.AfterFunc(left, cancel), time.Now()
	err := m.conn.Query(timed, query, most, func(values [][]byte) error {
		inTime := timer.Stop()
		m.waited += time.Since(began)
		defer func() {
			began = time.Now()
			timer.Reset(max(0, maxServerWait-m.waited))
		}()
		if !inTime {
			return context.Canceled
		}
		if row == nil {
			return nil
		}
		return row(values)
	})
	late := !timer.Stop() && timed.Err() != nil
	m.waited += time.Since(began)
	switch {
	case err == nil, errors.Is(err, errEnough):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case late:
		return &TooLongError{m.server.String()}
	}
	return &saidError{err}
}

// some is query for an answer of few rows with so many values.
func (m *mysqlSource) some(ctx context.Context, query string, n int, row func(values [][]byte) error) error {
	return m.query(ctx, query, maxAnswer, func(values [][]byte) error {
		if len(values) != n {
			return errOtherAnswer
		}
		return row(values)
	})
}

var errOtherAnswer = errors.New("the server answers something else than it was asked")

func (m *mysqlSource) label() string       { return m.server.String() }
func (m *mysqlSource) unusual() string     { return "" }
func (m *mysqlSource) ended(e error) error { return e }
func (m *mysqlSource) close() error        { return m.conn.Close() }

func (m *mysqlSource) progress(_, _ int64) { m.src.move() }

// columns returns the columns of a table, whose name is one of ours, none when there is no such table. What is no
// plain table of stored columns is an error.
func (m *mysqlSource) columns(ctx context.Context, table string) (map[string]bool, error) {
	found := map[string]bool{}
	var odd error
	n := 0
	err := m.some(ctx, "SELECT c.column_name, t.table_type, c.extra FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name) WHERE c.table_schema = DATABASE() AND c.table_name = '"+table+"' LIMIT 501", 3,
		func(values [][]byte) error {
			extra := strings.ToUpper(string(values[2]))
			switch n++; {
			case n > 500:
				return fmt.Errorf("table %s has too many columns", table)
			case string(values[1]) != "BASE TABLE":
				odd = &NotTableError{m.label(), table, "not a table", ""}
			case strings.Contains(extra, "GENERATED") && !strings.Contains(extra, "DEFAULT_GENERATED"):
				odd = &NotTableError{m.label(), table, "a table with computed columns", ""}
			}
			found[strings.ToLower(string(values[0]))] = true
			return nil
		})
	if err == nil {
		err = odd
	}
	return found, err
}

func (m *mysqlSource) count(ctx context.Context, table string) (n int64) {
	known := false
	err := m.some(ctx, "SELECT count(*) FROM "+table, 1, func(values [][]byte) (err error) {
		n, err = strconv.ParseInt(string(values[0]), 10, 64)
		known = err == nil
		return err
	})
	if err != nil || !known {
		return 0
	}
	m.counted[table] = n
	return n
}

// each reads the rows of a query in one answer, of which the server sends as much as is
// read. It asks for no content of a row that is too large.
func (m *mysqlSource) each(ctx context.Context, q *rowQuery, row func(c []column) error) error {
	columns := make([]column, len(q.columns)+1)
	most, known := m.counted[q.table]
	if !known {
		return fmt.Errorf("the server does not say how many rows table %s has", q.table)
	}
	n := int64(0)
	err := m.query(ctx, q.whole(), charsetGrowth*q.limit()+rowSlack, func(values [][]byte) error {
		if len(values) != len(columns) {
			return errOtherAnswer
		}
		for i, v := range values {
			columns[i].raw, columns[i].given = v, v != nil
		}
		if n++; n > most {
			return fmt.Errorf("the server sends more than the %d rows that it counted", most)
		}
		m.waited = max(0, m.waited-perServerRow)
		return row(columns)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// whole is the query of all rows.
func (q *rowQuery) whole() string {
	size := sizeOf(q.columns...)
	list := []string{size}
	for i, n := range q.columns {
		switch {
		case n == "NULL":
		case i == 0:
			n = fmt.Sprintf("CASE WHEN octet_length(%[1]s) <= 255 OR %[2]s <= %[3]d THEN %[1]s END", n, size, q.limit())
		default:
			n = fmt.Sprintf("CASE WHEN %s <= %d THEN %s END", size, q.limit(), bare(n))
		}
		list = append(list, n)
	}
	from := q.table + " " + q.alias
	for _, j := range q.joins {
		if j.absent {
			from += fmt.Sprintf(" LEFT JOIN (SELECT 1 AS nothing) %s ON FALSE", j.alias)
			continue
		}
		from += fmt.Sprintf(" LEFT JOIN %s %s ON %s", j.table, j.alias, j.on)
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + from
}
