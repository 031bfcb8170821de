package importer

import (
	"context"
	"fmt"
	"strconv"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// Dionaea's database (logsql.py in its sources): a row for each connection, and others for
// what happened in it, which have no time of their own but that of their connection.
//
// dionaea.json has the connections and logins too. So that both give the same events, a
// login has service (the connection's protocol), username and password, and no session,
// which the JSON log does not name; equal logins of one connection are one event. An
// accepted connection is a session's opened; a rejected one is a scan "probe" with the
// transport as its protocol and dst_port. What only the database has is numbered where it
// is equal.
var dionaeaDatabase = Format{
	Name: "dionaea-sqlite", Title: "Dionaea's SQLite database (logsql)", Version: 1,
	Records: []RecordType{
		{Name: "connections", Kinds: []ttpcron.SourceKind{ttpcron.SessionFact, ttpcron.Scan}, Why: "a session for accept, a scan for reject; connect and listen are the sensor's own"},
		{Name: "logins", Kinds: authKind},
		{Name: "downloads", Kinds: fileKind},
		{Name: "offers", Kinds: fileKind, Why: "the same event as a download of the same URL in the same connection"},
		{Name: "mssql_commands", Kinds: []ttpcron.SourceKind{ttpcron.ServiceRequest}, Why: "one without text is ignored"},
		{Name: "mysql_command_args", Kinds: []ttpcron.SourceKind{ttpcron.ServiceRequest}, Why: "one without text is ignored"},
		{Name: "mysql_commands", Why: "says of which connection and operation an argument is"},
		{Name: "mysql_command_ops", Why: "says what an operation is called"},
		{Name: "sip_commands", Kinds: []ttpcron.SourceKind{ttpcron.ServiceRequest}, Why: "one without a method is ignored"},
		{Name: "dcerpcrequests", Kinds: []ttpcron.SourceKind{ttpcron.ServiceRequest}},
	},
	database: &databaseFormat{open: openDionaeaDatabase},
}

const byDionaea = "Dionaea"

var dionaeaTables = []tableShape{
	{"connections", []string{"connection", "connection_type", "connection_timestamp", "remote_host"},
		[]string{"connection_transport", "connection_protocol", "connection_root", "local_host", "local_port", "remote_hostname", "remote_port"}, ""},
	{"logins", []string{"connection"}, []string{"login_username", "login_password"}, ""},
	{"downloads", []string{"connection"}, []string{"download_url", "download_md5_hash"}, ""},
	{"offers", []string{"connection", "offer_url"}, nil, ""},
	{"mssql_commands", []string{"connection", "mssql_command_cmd"}, []string{"mssql_command_status"}, ""},
	{"mysql_commands", []string{"mysql_command", "connection"}, []string{"mysql_command_cmd"}, ""},
	{"mysql_command_args", []string{"mysql_command", "mysql_command_arg_data"}, nil, ""},
	{"mysql_command_ops", []string{"mysql_command_cmd", "mysql_command_op_name"}, nil, ""},
	{"sip_commands", []string{"connection", "sip_command_method"}, []string{"sip_command_user_agent"}, ""},
	{"dcerpcrequests", []string{"connection", "dcerpcrequest_uuid", "dcerpcrequest_opnum"}, nil, ""},
}

// dionaeaRows reads the tables of a Dionaea database.
type dionaeaRows struct {
	tableReader
	shape    map[string]map[string]bool
	ordinals ordinals
}

func openDionaeaDatabase(ctx context.Context, f *Format, db tableSource, o Options) (reader, error) {
	found, err := shapeOf(ctx, db, byDionaea, dionaeaTables)
	if err != nil {
		return nil, err
	}
	known := found.is("connections", dionaeaTables[0].needs...) || found.is("logins", "login_username") || found.is("downloads", "download_md5_hash")
	if !known || !found.has("connections", dionaeaTables[0].needs...) {
		return nil, &UnknownFormatError{Path: db.label(), Detail: "it is a database without the table connections of Dionaea"}
	}
	if err := found.programs(); err != nil {
		return nil, err
	}
	r := &dionaeaRows{tableReader: newTableReader(db, f, o), shape: found.columns}
	r.tables = r.each
	r.said = append(r.said, tableGaps(dionaeaTables, found.columns, byDionaea)...)
	for _, q := range r.queries() {
		r.counts(ctx, q.table)
	}
	return r, nil
}

// The columns that every query begins with, after the size of the row.
const (
	dionaeaConnection = iota + 1 // names the row
	dionaeaTime
	dionaeaType
	dionaeaProtocol
	dionaeaHost     // of the other side
	dionaeaRootType // of the connection that led to this one
	dionaeaRootHost
	dionaeaFirst
)

type dionaeaQuery struct {
	rowQuery
	row func(c []column)
}

// queries are those whose tables there are. Downloads come before offers, so that an event
// of both has the file's hash at once.
func (r *dionaeaRows) queries() (all []dionaeaQuery) {
	connections := r.shape["connections"]
	common := func(q *rowQuery, of string) {
		root := connections["connection_root"]
		if root {
			q.joins = append(q.joins, rowJoin{table: "connections", alias: "r", on: "r.connection = " + of + ".connection_root"})
		}
		q.columns = []string{of + ".connection", unconverted + of + ".connection_timestamp", of + ".connection_type", optional(connections, of, "connection_protocol"), of + ".remote_host", "NULL", "NULL"}
		if root {
			copy(q.columns[dionaeaRootType-1:], []string{"r.connection_type", "r.remote_host"})
		}
	}
	add := func(q rowQuery, row func([]column)) { all = append(all, dionaeaQuery{q, row}) }

	q := rowQuery{table: "connections", alias: "c"}
	common(&q, "c")
	for _, name := range []string{"connection_transport", "local_host", "local_port", "remote_hostname", "remote_port"} {
		q.columns = append(q.columns, optional(connections, "c", name))
	}
	add(q, r.connection)
	for _, child := range []struct {
		table   string
		columns []string
		row     func([]column)
	}{
		{"logins", []string{"login_username", "login_password"}, r.login},
		{"downloads", []string{"download_url", "download_md5_hash"}, r.download},
		{"offers", []string{"offer_url"}, r.offer},
		{"mssql_commands", []string{"mssql_command_cmd", "mssql_command_status"}, r.mssql},
		{"sip_commands", []string{"sip_command_method", "sip_command_user_agent"}, r.sip},
		{"dcerpcrequests", []string{"dcerpcrequest_uuid", "dcerpcrequest_opnum"}, r.dcerpc},
	} {
		found := r.shape[child.table]
		if !r.usable(child.table) {
			continue
		}
		q := rowQuery{table: child.table, alias: "t", joins: []rowJoin{{table: "connections", alias: "c", on: "c.connection = t.connection"}}}
		common(&q, "c")
		q.columns[0] = "t.connection"
		for _, name := range child.columns {
			q.columns = append(q.columns, optional(found, "t", name))
		}
		add(q, child.row)
	}
	if r.usable("mysql_commands") && r.usable("mysql_command_args") {
		commands := r.shape["mysql_commands"]
		q := rowQuery{table: "mysql_command_args", alias: "t", joins: []rowJoin{
			{table: "mysql_commands", alias: "m", on: "m.mysql_command = t.mysql_command"},
			{table: "connections", alias: "c", on: "c.connection = m.connection"},
		}}
		common(&q, "c")
		q.columns[0] = "m.connection"
		name := "NULL"
		if commands["mysql_command_cmd"] && r.usable("mysql_command_ops") {
			name = "o.mysql_command_op_name"
			q.joins = append(q.joins, rowJoin{table: "mysql_command_ops", alias: "o", on: "o.mysql_command_cmd = m.mysql_command_cmd"})
		}
		q.columns = append(q.columns, "t.mysql_command_arg_data", name)
		add(q, r.mysql)
	}
	return all
}

// usable reports whether a table is there with the columns without which it is not read.
func (r *dionaeaRows) usable(table string) bool {
	for _, t := range dionaeaTables {
		if t.name == table {
			return len(r.shape[table]) > 0 && t.usable(r.shape[table])
		}
	}
	return false
}

func (r *dionaeaRows) each() error {
	for _, q := range r.queries() {
		if err := r.table(q.rowQuery, q.row); err != nil {
			return err
		}
	}
	return nil
}

// event begins the event of a row, or rejects the row if its connection has no time.
func (r *dionaeaRows) event(kind ttpcron.SourceKind, c []column, table string) (e ttpcron.Event, ok bool) {
	at, ok := firstTime(c[dionaeaTime].raw)
	if !ok {
		name := c[dionaeaConnection].text()
		reason := fmt.Errorf("table %s: connection %.40q: %.40q is not a time", table, name, c[dionaeaTime].raw)
		if !c[dionaeaTime].given {
			reason = fmt.Errorf("table %s: connection %.40q has no time: it is missing", table, name)
		}
		text := []byte(nil)
		for _, more := range c[dionaeaFirst:] {
			text = append(append(text, more.raw...), ' ')
		}
		r.reject(name, text, reason, table)
		return e, false
	}
	host := c[dionaeaHost]
	if c[dionaeaType].text() == "connect" {
		// The sensor went there itself, to fetch a file. Who sent it is at the other side
		// of the connection that led to this one.
		if host = c[dionaeaRootHost]; c[dionaeaRootType].text() == "connect" {
			host = column{}
		}
	}
	e = ttpcron.Event{Kind: kind, Time: at, AttackerIP: plainAddress(r.arena.Text(host.raw))}
	e.NameNobody()
	return e, true
}

// set adds a field unless the column is NULL.
func (r *dionaeaRows) set(e *ttpcron.Event, name string, c column) {
	if c.given {
		e.Payload.Set(name, r.arena.Text(c.raw))
	}
}

// number adds a whole number, or else what is there as text.
func (r *dionaeaRows) number(e *ttpcron.Event, name string, c column) {
	if !jsontext.IsWhole(c.raw) || e.Payload.SetRaw(name, r.arena.Raw(c.raw)) != nil {
		r.set(e, name, c)
	}
}

func (r *dionaeaRows) keep(e *ttpcron.Event, c []column) {
	name := c[dionaeaConnection].text()
	if e.Kind == ttpcron.ServiceRequest {
		r.ordinals.number(e)
	}
	r.add(*e, name, e.AppendJSON(nil), func() string { return "connection " + strconv.Quote(name) })
}

func (r *dionaeaRows) connection(c []column) {
	transport, localHost, localPort, hostname, port := c[dionaeaFirst], c[dionaeaFirst+1], c[dionaeaFirst+2], c[dionaeaFirst+3], c[dionaeaFirst+4]
	kind := ttpcron.SessionFact
	switch what := c[dionaeaType].text(); what {
	case "accept":
	case "reject":
		kind = ttpcron.Scan
	default:
		r.ignore(fmt.Sprintf("connection of type %.40s", what))
		return
	}
	e, ok := r.event(kind, c, "connections")
	if !ok {
		return
	}
	if kind == ttpcron.Scan {
		e.Payload.Set("scan", "probe")
		r.set(&e, "protocol", transport)
	} else {
		e.Payload.Set("fact", "opened")
		r.set(&e, "protocol", c[dionaeaProtocol])
		r.set(&e, "transport", transport)
	}
	if len(localHost.raw) > 0 {
		e.Payload.Set("dst_ip", plainAddress(r.arena.Text(localHost.raw)))
	}
	r.number(&e, "dst_port", localPort)
	r.number(&e, "src_port", port)
	if len(hostname.raw) > 0 {
		r.set(&e, "src_hostname", hostname)
	}
	r.keep(&e, c)
}

func (r *dionaeaRows) login(c []column) {
	e, ok := r.event(ttpcron.AuthAttempt, c, "logins")
	if !ok {
		return
	}
	e.Payload.Set("method", "password")
	r.set(&e, "username", c[dionaeaFirst])
	r.set(&e, "password", c[dionaeaFirst+1])
	r.set(&e, "protocol", c[dionaeaProtocol])
	r.set(&e, "service", c[dionaeaProtocol])
	r.keep(&e, c)
}

func (r *dionaeaRows) download(c []column) { r.file(c, "downloads", c[dionaeaFirst+1]) }
func (r *dionaeaRows) offer(c []column)    { r.file(c, "offers", column{}) }

func (r *dionaeaRows) file(c []column, table string, md5 column) {
	e, ok := r.event(ttpcron.FileTransfer, c, table)
	if !ok {
		return
	}
	e.Payload.Set("direction", "in")
	r.set(&e, "md5", md5)
	r.set(&e, "payload_text", c[dionaeaFirst])
	r.set(&e, "url", c[dionaeaFirst])
	r.keep(&e, c)
}

// request makes the event of a request in a service's own language; one without text is
// ignored.
func (r *dionaeaRows) request(c []column, table, service string, text []byte, more string, value column) {
	if len(text) == 0 {
		r.ignore(table + " without text")
		return
	}
	e, ok := r.event(ttpcron.ServiceRequest, c, table)
	if !ok {
		return
	}
	e.Payload.Set("service", service)
	e.Payload.Set("request_text", r.arena.Text(text))
	if more != "" {
		r.set(&e, more, value)
	}
	r.keep(&e, c)
}

func (r *dionaeaRows) mssql(c []column) {
	r.request(c, "mssql_commands", "mssql", c[dionaeaFirst].raw, "status", c[dionaeaFirst+1])
}

func (r *dionaeaRows) mysql(c []column) {
	r.request(c, "mysql_command_args", "mysql", c[dionaeaFirst].raw, "operation", c[dionaeaFirst+1])
}

func (r *dionaeaRows) sip(c []column) {
	r.request(c, "sip_commands", "sip", c[dionaeaFirst].raw, "user_agent", c[dionaeaFirst+1])
}

// dcerpc makes a request of the interface's UUID and the number of the operation.
func (r *dionaeaRows) dcerpc(c []column) {
	text := []byte(nil)
	if len(c[dionaeaFirst].raw) > 0 {
		text = append(append(append(text, c[dionaeaFirst].raw...), ' '), c[dionaeaFirst+1].raw...)
	}
	r.request(c, "dcerpcrequests", "dcerpc", text, "", column{})
}
