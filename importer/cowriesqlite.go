package importer

import (
	"bytes"
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// The SQLite database of Cowrie's output_sqlite (docs/sql/sqlite3.sql in its sources), whose
// tables are those of Kippo. A row becomes the record that Cowrie's JSON log has of the same,
// which cowrieParser reads, so that both give the same events.
var cowrieDatabase = Format{
	Name: "cowrie-sqlite", Title: "Cowrie's SQLite database (output_sqlite)", Version: 1,
	Records: []RecordType{
		{Name: "sessions", Kinds: sessionKind, Why: "up to four: when it began and ended, its client and the size of its terminal"},
		{Name: "auth", Kinds: authKind},
		{Name: "input", Kinds: typedKinds, Why: "with realm it is text that a program read, and no command; a row with success 0 since October 2016 repeats another one, and an empty line gives nothing"},
		{Name: "downloads", Kinds: fileKind},
		{Name: "keyfingerprints", Kinds: authKind, Why: "a public key that was offered"},
		{Name: "ipforwards", Kinds: tunnelKind},
		{Name: "ipforwardsdata", Kinds: tunnelKind},
		{Name: "params", Kinds: sessionKind},
		{Name: "clients", Why: "says what the clients of sessions call themselves"},
		{Name: "sensors", Why: "says what the sensors of sessions are called"},
		{Name: "ttylog", Why: whyRecording},
	},
	database: &databaseFormat{open: openCowrieDatabase, richer: "cowrie"},
}

const byCowrie = "Cowrie"

var cowrieTables = []tableShape{
	{"sessions", []string{"id"}, []string{"starttime", "endtime", "sensor", "ip", "termsize", "client"}, ""},
	{"auth", []string{"session"}, []string{"success", "username", "password", "timestamp"}, ""},
	{"input", []string{"session"}, []string{"timestamp", "realm", "success", "input"}, ""},
	{"downloads", []string{"session"}, []string{"timestamp", "url", "outfile", "shasum"}, ""},
	{"keyfingerprints", []string{"session"}, []string{"username", "fingerprint"}, ""},
	{"ipforwards", []string{"session"}, []string{"timestamp", "dst_ip", "dst_port"}, ""},
	{"ipforwardsdata", []string{"session"}, []string{"timestamp", "dst_ip", "dst_port", "data"}, ""},
	{"params", []string{"session"}, []string{"arch"}, ""},
	{"clients", []string{"id"}, []string{"version"}, ""},
	{"sensors", []string{"id"}, []string{"ip"}, ""},
}

// cowrieRows reads the tables of a Cowrie database.
type cowrieRows struct {
	tableReader
	shape    map[string]map[string]bool
	parser   *cowrieParser
	parsed   parsed
	record   []byte // as Cowrie's JSON log has it
	ordinals ordinals
}

func openCowrieDatabase(ctx context.Context, f *Format, db tableSource, o Options) (reader, error) {
	found, err := shapeOf(ctx, db, byCowrie, cowrieTables)
	if err != nil {
		return nil, err
	}
	var (
		sessions = []string{"id", "starttime", "ip"}
		input    = []string{"session", "timestamp", "input"}
		auth     = []string{"session", "timestamp", "username", "password"}
	)
	any := found.is("sessions", sessions...) || found.is("input", input...) || found.is("auth", auth...)
	if !any || !found.has("sessions", sessions...) || !found.has("input", input...) && !found.has("auth", auth...) {
		return nil, &UnknownFormatError{Path: db.label(), Detail: "it is a database without the tables sessions, auth and input of Cowrie"}
	}
	if err := found.programs(); err != nil {
		return nil, err
	}
	r := &cowrieRows{tableReader: newTableReader(db, f, o), shape: found.columns, ordinals: ordinals{settings: o.Settings}, parser: newCowrieParser(&source{Settings: o.Settings, path: db.label()}).(*cowrieParser)}
	r.tables = r.each
	r.said = append(r.said, tableGaps(cowrieTables, found.columns, byCowrie)...)
	for _, q := range r.queries() {
		r.counts(ctx, q.table)
	}
	return r, nil
}

// The columns that every query begins with, after the size of the row: the name of the row
// and what its session says.
const (
	cowrieRowSession = iota + 1
	cowrieRowAddress
	cowrieRowSensor
	cowrieRowStart
	cowrieRowEnd
	cowrieRowTime // where the table has times
	cowrieRowFirst
)

// cowrieQuery is a query and what a row of it gives.
type cowrieQuery struct {
	rowQuery
	row func(c []column)
}

// queries are those whose tables there are, sessions first.
func (r *cowrieRows) queries() (all []cowrieQuery) {
	for _, q := range []struct {
		table   string
		columns []string
		row     func(c []column)
	}{
		{"sessions", []string{"termsize"}, r.session},
		{"auth", []string{"success", "username", "password"}, r.auth},
		{"input", []string{"realm", "success", "input"}, r.input},
		{"downloads", []string{"url", "outfile", "shasum"}, r.download},
		{"keyfingerprints", []string{"username", "fingerprint"}, r.key},
		{"ipforwards", []string{"dst_ip", "dst_port"}, r.forward},
		{"ipforwardsdata", []string{"dst_ip", "dst_port", "data"}, r.forwarded},
		{"params", []string{"arch"}, r.params},
	} {
		found := r.shape[q.table]
		of, name := "t", "session"
		if q.table == "sessions" {
			of, name = "s", "id"
		}
		if !found[name] {
			continue
		}
		sessions, sensors, clients := r.shape["sessions"], r.shape["sensors"], r.shape["clients"]
		row := rowQuery{table: q.table, alias: of, most: MaxLine, columns: []string{of + "." + name}}
		if of == "t" {
			row.joins = append(row.joins, rowJoin{table: "sessions", alias: "s", on: "s.id = t.session"})
		}
		sensor, client := "NULL", "NULL"
		if sessions["sensor"] && sensors["id"] && sensors["ip"] {
			sensor = "n.ip"
			row.joins = append(row.joins, rowJoin{table: "sensors", alias: "n", on: "n.id = s.sensor"})
		}
		if q.table == "sessions" && sessions["client"] && clients["id"] && clients["version"] {
			client = "c.version"
			row.joins = append(row.joins, rowJoin{table: "clients", alias: "c", on: "c.id = s.client"})
		}
		row.columns = append(row.columns, optional(sessions, "s", "ip"), sensor, optional(sessions, "s", "starttime"), optional(sessions, "s", "endtime"), optional(found, of, "timestamp"))
		for _, c := range q.columns {
			row.columns = append(row.columns, optional(found, of, c))
		}
		if q.table == "sessions" {
			row.columns = append(row.columns, client)
		}
		all = append(all, cowrieQuery{row, q.row})
	}
	return all
}

func (r *cowrieRows) each() error {
	for _, q := range r.queries() {
		if err := r.table(q.rowQuery, q.row); err != nil {
			return err
		}
	}
	return nil
}

// cowrieSaid is a member of a record.
type cowrieSaid struct {
	name  string
	value column
}

// made makes the record of a row, with what all records have; NULL is left out.
func (r *cowrieRows) made(eventID string, c []column, at column, members []cowrieSaid) []byte {
	r.record = append(append(append(r.record[:0], `{"eventid":"`...), eventID...), '"')
	for _, m := range [...]cowrieSaid{{"timestamp", at}, {"session", c[cowrieRowSession]}, {"src_ip", c[cowrieRowAddress]}, {"sensor", c[cowrieRowSensor]}} {
		r.member(m)
	}
	for _, m := range members {
		r.member(m)
	}
	r.record = append(r.record, '}')
	return r.record
}

func (r *cowrieRows) member(m cowrieSaid) {
	if m.value.given {
		r.record = append(append(append(r.record, `,"`...), m.name...), `":`...)
		r.record = jsontext.AppendString(r.record, string(m.value.raw))
	}
}

// at reads what happened at a time that the row has.
func (r *cowrieRows) at(eventID string, c []column, at column, members ...cowrieSaid) {
	r.readRecord(r.made(eventID, c, at, members), c, func(e *ttpcron.Event) {
		if !bytes.Contains(at.raw, []byte{'.'}) {
			r.ordinals.number(e)
		}
	})
}

// during reads what has no time of its own: it gets that of its session.
func (r *cowrieRows) during(eventID string, c []column, members ...cowrieSaid) {
	at := c[cowrieRowStart]
	if _, ok := firstTime(at.raw); !ok {
		at = c[cowrieRowEnd]
	}
	record := r.made(eventID, c, at, members)
	if _, ok := firstTime(at.raw); !ok {
		r.reject(c[cowrieRowSession].text(), record, fmt.Errorf("session %.80q: %s has no time, nor has its session", c[cowrieRowSession].raw, eventID))
		return
	}
	r.readRecord(record, c, func(e *ttpcron.Event) { e.TimeOrigin = ttpcron.OriginDerived })
}

// readRecord reads a record, and lets mend change its event.
func (r *cowrieRows) readRecord(record []byte, c []column, mend func(e *ttpcron.Event)) {
	name := c[cowrieRowSession].text()
	where := func() string { return fmt.Sprintf("session %.80q", name) }
	r.parsed.reset(r.arena)
	if err := r.parser.parse(record, &r.parsed); err != nil {
		r.reject(name, record, fmt.Errorf("%s: %w", where(), err))
		return
	}
	if len(r.parsed.events) == 0 {
		r.ignore(string(r.parsed.ignored))
	}
	for i := range r.parsed.events {
		mend(&r.parsed.events[i])
		r.add(r.parsed.events[i], name, record, where)
	}
}

func (r *cowrieRows) session(c []column) {
	size, client := c[cowrieRowFirst], c[cowrieRowFirst+1]
	if c[cowrieRowStart].given {
		r.at("cowrie.session.connect", c, c[cowrieRowStart])
	} else {
		r.ignore("session without starttime")
	}
	if client.given {
		r.during("cowrie.client.version", c, cowrieSaid{"version", client})
	}
	if width, height, ok := bytes.Cut(size.raw, []byte("x")); ok {
		r.during("cowrie.client.size", c, cowrieSaid{"width", column{raw: width, given: true}}, cowrieSaid{"height", column{raw: height, given: true}})
	}
	if c[cowrieRowEnd].given {
		r.at("cowrie.session.closed", c, c[cowrieRowEnd])
	}
}

// isFalse reports whether a column is 0. What is not known counts as true.
func isFalse(c column) bool {
	text := string(c.raw)
	return text == "0" || text == "0.0" || text == "false"
}

func (r *cowrieRows) auth(c []column) {
	eventID := "cowrie.login.success"
	if isFalse(c[cowrieRowFirst]) {
		eventID = "cowrie.login.failed"
	}
	r.at(eventID, c, c[cowrieRowTime], cowrieSaid{"username", c[cowrieRowFirst+1]}, cowrieSaid{"password", c[cowrieRowFirst+2]})
}

// input reads a line. A row with success 0 is Cowrie's record that a command was not found,
// which repeats another row, as in the JSON log.
func (r *cowrieRows) input(c []column) {
	realm, success, input := c[cowrieRowFirst], c[cowrieRowFirst+1], c[cowrieRowFirst+2]
	at, _ := firstTime(c[cowrieRowTime].raw)
	eventID := "cowrie.command.input"
	switch {
	case isFalse(success):
		eventID = "cowrie.command.failed"
		if key := r.parser.sessions.key(c[cowrieRowSession].text(), c[cowrieRowSensor].text()); c[cowrieRowStart].given || c[cowrieRowAddress].given {
			s := r.parser.sessions.find(key)
			s.connected = true
			r.parser.sessions.put(key, s)
		}
	case len(realm.raw) == 0 && at.Before(inputSince):
		eventID = "cowrie.command.success"
	}
	r.at(eventID, c, c[cowrieRowTime], cowrieSaid{"input", input}, cowrieSaid{"realm", realm})
}

// download reads a file that came to the sensor. Cowrie writes an empty url where a record
// has none, and the text NULL as outfile and shasum of a file that could not be fetched.
func (r *cowrieRows) download(c []column) {
	url, outfile, shasum := c[cowrieRowFirst], c[cowrieRowFirst+1], c[cowrieRowFirst+2]
	empty := func(c column) bool { return len(c.raw) == 0 || string(c.raw) == "NULL" }
	url.given = len(url.raw) > 0
	shasum.given = !empty(shasum)
	eventID := "cowrie.session.file_download"
	if empty(outfile) && empty(shasum) {
		eventID = "cowrie.session.file_download.failed"
	}
	r.at(eventID, c, c[cowrieRowTime], cowrieSaid{"url", url}, cowrieSaid{"shasum", shasum})
}

func (r *cowrieRows) key(c []column) {
	r.during("cowrie.client.fingerprint", c, cowrieSaid{"username", c[cowrieRowFirst]}, cowrieSaid{"fingerprint", c[cowrieRowFirst+1]})
}

func (r *cowrieRows) forward(c []column) {
	r.at("cowrie.direct-tcpip.request", c, c[cowrieRowTime], cowrieSaid{"dst_ip", c[cowrieRowFirst]}, cowrieSaid{"dst_port", c[cowrieRowFirst+1]})
}

func (r *cowrieRows) forwarded(c []column) {
	r.at("cowrie.direct-tcpip.data", c, c[cowrieRowTime], cowrieSaid{"dst_ip", c[cowrieRowFirst]}, cowrieSaid{"dst_port", c[cowrieRowFirst+1]}, cowrieSaid{"data", c[cowrieRowFirst+2]})
}

func (r *cowrieRows) params(c []column) {
	r.during("cowrie.session.params", c, cowrieSaid{"arch", c[cowrieRowFirst]})
}
