package importer

import (
	"bytes"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A CSV file is read as JSON: each row becomes an object whose members are the columns, and
// every format that reads JSON objects reads it. Like UTF-16, CSV is a layer of the stream:
// what follows never sees a comma. See csvreader.go for the rows.
//
// The header line names the columns. A file is taken for CSV only if the header and the rows
// look like it, and a format recognises the resulting objects.

const (
	// maxColumns bounds the columns of a table.
	maxColumns = 1024
	// maxColumnName bounds a column's name, in bytes.
	maxColumnName = 128
	// csvRowsLooked is how many rows must look like the header before a file is CSV.
	csvRowsLooked = 50
)

// csvShape is what the first rows of a file show about the whole file.
type csvShape struct {
	comma   byte // what separates cells
	newline byte
	header  []string // as it is written
	// implied says that the file lacks the header, but has a sensor's columns.
	implied bool
	// kibana says that an export of Kibana was recognised: "-" is no value, and times
	// without a zone are in that of somebody's browser.
	kibana bool
	// zoneless says that there are such times.
	zoneless bool
	rows     int // that were looked at
	// open says that the rows end within a quoted cell.
	open bool
	// rest is how many bytes at the beginning are the rest of a row that was torn within a
	// quoted cell. What looks like rows in it was typed.
	rest int
}

var columnNames = newExpression(`^[@_A-Za-z][A-Za-z0-9_@.:/()\[\] #%-]*$`)

// clockInName is the time of day, as in the line of a log.
var clockInName = newExpression(`\d:\d\d`)

// isColumnName reports whether a cell may be the name of a column.
func isColumnName(name string) bool {
	return len(name) <= maxColumnName && columnNames.MatchString(name) && !strings.HasPrefix(name, "cowrie.") && !clockInName.MatchString(name)
}

// csvOf looks for CSV in what a file begins with, or returns nil.
func csvOf(head []byte, whole bool) *csvShape {
	text := bytes.TrimPrefix(bytes.TrimLeft(head, "\x00"), byteOrderMark)
	text = bytes.TrimLeft(text, "\r\n")
	newline := byte('\n')
	if carriageReturns(text) {
		newline = '\r'
	}
	if len(text) == 0 || bytes.IndexByte([]byte("{[<#"), text[0]) >= 0 {
		return nil
	}
	commas := []byte(",;\t")
	if line, rest, ok := bytes.Cut(text, []byte{newline}); ok && isSeparatorLine(line) {
		commas, text = []byte{trimEnd(line)[len("sep=")]}, rest
	}
	var best *csvShape
	for _, comma := range commas {
		s := &csvShape{comma: comma, newline: newline}
		if s.named(text, whole) && (best == nil || len(s.header) > len(best.header)) {
			best = s
		}
	}
	if best == nil {
		best = csvWithoutHeader(text, newline, whole)
	}
	return best
}

// isSeparatorLine reports whether a line tells Excel what separates cells: sep=;
func isSeparatorLine(line []byte) bool {
	line = trimEnd(line)
	return len(line) == len("sep=;") && bytes.EqualFold(line[:4], []byte("sep=")) && bytes.IndexByte([]byte(",;\t|"), line[4]) >= 0
}

// named reports whether a text begins with a header line, and rows with as many cells
// follow.
func (s *csvShape) named(text []byte, whole bool) bool {
	row := csvRow{comma: s.comma, newline: s.newline}
	n, state := row.split(text, whole)
	if state != csvWhole {
		return false
	}
	names := row.texts()
	if !isHeader(names) {
		return false
	}
	s.header = names
	same, quoted, columns := 0, false, csvColumns(s.header)
	for text = text[n:]; s.rows < csvRowsLooked; text = text[n:] {
		n, state = row.split(text, whole)
		if state == csvOpen || n == 0 {
			s.open = state == csvOpen
			break
		}
		fits := state == csvWhole && len(row.cells) == len(names)
		switch {
		case state == csvWhole && row.blank():
			continue
		case !fits && n == len(text) && text[n-1] != s.newline:
			continue // it is not all there yet
		case !fits && state == csvWhole && isHeader(row.texts()) && s.shares(row.texts()):
			text = text[:n] // of another table, which was appended
			continue
		case fits:
			same++
			quoted = quoted || row.quoted
			s.inspect(columns, &row)
		}
		s.rows++
	}
	switch {
	case len(names) == 1:
		return quoted && same == s.rows
	case isStrict(names):
		return 2*same >= s.rows
	}
	return 5*same >= 4*s.rows
}

// shares reports whether names are in the header too, at least two of them.
func (s *csvShape) shares(names []string) bool {
	n := 0
	for _, name := range names {
		if name != "" && slices.Contains(s.header, name) {
			n++
		}
	}
	return n > 1
}

// isHeader reports whether a row names columns. A column without name, as pandas writes for
// its row numbers, is not read.
func isHeader(names []string) bool {
	if len(names) > maxColumns {
		return false
	}
	seen := map[string]bool{}
	for _, name := range names {
		switch {
		case name == "":
		case !isColumnName(name) || seen[name]:
			return false
		default:
			seen[name] = true
		}
	}
	switch len(seen) {
	case 0:
		return false
	case 1:
		_, carries := wrapperIndex[names[0]]
		return carries && len(names) == 1
	case 2:
		return isStrict(names)
	}
	return 2*len(seen) > len(names)
}

// isStrict reports whether names have no blanks, as in no sentence.
func isStrict(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return strings.ContainsAny(name, " :/()") })
}

// strong reports whether the header cannot be a line of ordinary text. Then only a format
// that reads the rows may take the file.
func (s *csvShape) strong() bool { return len(s.header) > 2 && isStrict(s.header) }

var (
	kibanaCell = newExpression(`^[A-Z][a-z]{2} \d{1,2}, \d{4} @ \d\d:\d\d:\d\d(\.\d{1,9})?$`)
	zonedCell  = newExpression(`(Z|UTC|GMT|[+-]\d\d(:?\d\d)?)$`)
	clockCell  = newExpression(`^\d{4}-\d\d-\d\d[T ]\d\d:\d\d`)
)

// inspect looks for what only Kibana writes.
func (s *csvShape) inspect(columns []csvColumn, row *csvRow) {
	for i := range columns {
		if columns[i].kibana {
			s.kibana = true
		}
		if columns[i].use == csvTime && kibanaCell.Match(row.cells[i]) {
			s.kibana, s.zoneless = true, true
		}
	}
	for i := range columns {
		if cell := row.cells[i]; s.kibana && columns[i].use == csvTime && clockCell.Match(cell) && !zonedCell.Match(cell[len("2006-01-02"):]) {
			s.zoneless = true
		}
	}
}

// csvColumn says what becomes of a cell.
type csvColumn struct {
	name   string // of the member; empty: the column is not read
	member []byte // the name as JSON, and a colon
	use    csvUse
	first  int  // the column with the same name that counts if it has a value
	inside bool // it is a member of payload
	kibana bool // only Kibana writes such a name
}

type csvUse uint8

const (
	csvText csvUse = iota
	csvTime
	csvNumber
	csvLogin   // a user name or password, which may be empty
	csvKey     // what an attempt without a password has
	csvAuthID  // of Heralding, whose attempts have both a user name and a password
	csvEventID // of Cowrie
	csvInput   // what was typed, which may be empty
	csvMessage // repeats it
	csvPayload // of a native event: JSON
)

// csvColumns reads a header: which member each column is.
//
// Kibana's suffix ".keyword" is cut off. If the records were flattened out of a shipper's
// objects, so is what stands before "eventid" in the name of that column: in
// "_source.eventid,_source.input" it is "_source.". If that column is written with capitals,
// all of Cowrie's names are.
func csvColumns(header []string) []csvColumn {
	columns := make([]csvColumn, len(header))
	prefix, lower, native := "", false, slices.Contains(header, "source_kind")
	for i, name := range header {
		base := strings.TrimSuffix(name, ".keyword")
		columns[i].kibana = base != name || name == "_index" || name == "_score"
		columns[i].name = base
		if at := len(base) - len("eventid"); at >= 0 && strings.EqualFold(base[at:], "eventid") && (at == 0 || base[at-1] == '.' || base[at-1] == ':') {
			if lower = base[at:] != "eventid"; len(prefix) < at {
				prefix = base[:at]
			}
		}
	}
	for i := range columns {
		if name, ok := strings.CutPrefix(columns[i].name, prefix); ok && prefix != "" {
			columns[i].name = name
		} else if prefix != "" && slices.ContainsFunc(header, func(h string) bool {
			return strings.TrimSuffix(h, ".keyword") == prefix+columns[i].name
		}) {
			columns[i].name = "" // a shipper's member that is called like the record's
		}
		if lower {
			columns[i].name = strings.ToLower(columns[i].name)
		}
	}
	index := map[string]int{}
	for i := range columns {
		c := &columns[i]
		c.use = csvUseOf(c.name, native)
		if name, ok := strings.CutPrefix(c.name, "payload."); ok && native {
			c.name, c.inside = name, true
		}
		key := strconv.FormatBool(c.inside) + c.name
		c.first = i
		if at, ok := index[key]; ok {
			c.first = at
		}
		index[key] = c.first
		c.member = append(appendJSONString(nil, []byte(c.name)), ':')
	}
	return columns
}

func csvUseOf(name string, native bool) csvUse {
	switch name {
	case "@timestamp", "timestamp", "time", "_time", "date", "datetime":
		return csvTime
	case "username", "password":
		return csvLogin
	case "key", "fingerprint":
		return csvKey
	case "auth_id":
		return csvAuthID
	case "eventid":
		return csvEventID
	case "input":
		return csvInput
	case "message":
		return csvMessage
	case "width", "height", "size", "duration_ms":
		return csvNumber
	case "payload":
		if native {
			return csvPayload
		}
	}
	if strings.HasSuffix(name, "port") {
		return csvNumber
	}
	return csvText
}

// csvKnown are columns that a sensor writes below a header which it writes only once: when
// the log is emptied under it, as logrotate's copytruncate does, the header does not come
// back.
var csvKnown = []struct {
	names []string
	cells []func(string) bool
}{
	{
		[]string{"timestamp", "auth_id", "session_id", "source_ip", "source_port", "destination_ip", "destination_port", "protocol", "username", "password", "password_hash"},
		[]func(string) bool{isClockCell, isUUIDCell, isUUIDCell, isAddressCell, isPortCell, isAddressCell, isPortCell, isWordCell, anyCell, anyCell, anyCell},
	},
	{
		[]string{"timestamp", "auth_id", "session_id", "source_ip", "source_port", "destination_ip", "destination_port", "protocol", "username", "password"},
		[]func(string) bool{isClockCell, isUUIDCell, isUUIDCell, isAddressCell, isPortCell, isAddressCell, isPortCell, isWordCell, anyCell, anyCell},
	},
	{
		[]string{"timestamp", "duration", "session_id", "source_ip", "source_port", "destination_ip", "destination_port", "protocol", "num_auth_attempts"},
		[]func(string) bool{isClockCell, isNumberCell, isUUIDCell, isAddressCell, isPortCell, isAddressCell, isPortCell, isWordCell, isNumberCell},
	},
}

var (
	uuidCell = newExpression(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	wordCell = newExpression(`^[a-z][a-z0-9]{1,15}$`)
	timeCell = newExpression(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$`)
)

func isClockCell(cell string) bool { return timeCell.MatchString(cell) }
func isUUIDCell(cell string) bool  { return uuidCell.MatchString(cell) }
func isWordCell(cell string) bool  { return wordCell.MatchString(cell) }
func anyCell(string) bool          { return true }

func isAddressCell(cell string) bool {
	_, err := netip.ParseAddr(cell)
	return err == nil
}

func isPortCell(cell string) bool {
	_, err := strconv.ParseUint(cell, 10, 16)
	return err == nil
}

func isNumberCell(cell string) bool {
	_, err := strconv.ParseFloat(cell, 64)
	return err == nil && len(cell) < 20
}

// csvWithoutHeader looks for a sensor's rows below no header. The first may be the rest of
// one.
func csvWithoutHeader(text []byte, newline byte, whole bool) *csvShape {
	row := csvRow{comma: ',', newline: newline}
	rest := row.restOfCell(text, whole)
	text = text[rest:]
	rows, known := 0, make([]int, len(csvKnown))
	for n := 0; rows < csvRowsLooked; text = text[n:] {
		var state csvState
		n, state = row.split(text, whole)
		if state == csvOpen || n == 0 {
			break
		}
		rows++
		if state == csvWhole {
			for i := range csvKnown {
				if row.is(csvKnown[i].cells) {
					known[i]++
				}
			}
		}
	}
	best := 0
	for i, n := range known {
		if n > known[best] {
			best = i
		}
	}
	if known[best] == 0 || 2*known[best] < rows {
		return nil
	}
	return &csvShape{comma: ',', newline: newline, header: csvKnown[best].names, implied: true, rows: rows, rest: rest}
}

// is reports whether each cell passes its test.
func (r *csvRow) is(tests []func(string) bool) bool {
	if len(r.cells) != len(tests) {
		return false
	}
	for i, test := range tests {
		if !test(string(r.cells[i])) {
			return false
		}
	}
	return true
}
