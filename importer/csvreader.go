package importer

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// csvMark begins a decoded line that is not an object. In rows it is escaped, so no row can begin
// with it. Each line of the file becomes one decoded line, so that line numbers stay right. A
// letter after the mark says what the line is; without a letter, it is a line within a cell.
const (
	csvMark     = 0x02
	csvHeaderIs = 'h' // a header line
	csvRejected = 'r' // then the reason, a separator, the hash of what was cut off (or nothing), a separator, the text
	csvWaits    = 'w' // the beginning of a row
	csvPart     = 0x1f
	csvEscape   = 0x10
)

// csvReader turns rows into JSON objects, one per line.
type csvReader struct {
	r       io.Reader
	shape   *csvShape
	columns []csvColumn
	names   map[string]bool // of the first header
	zone    *time.Location
	// done says that the last row counts without a newline.
	done bool

	row        csvRow
	in         []byte
	start, end int  // in[start:end] was read but not decoded yet
	need       int  // do not look for a row before there are so many bytes
	begun      bool // the header was read
	rest       int  // how many bytes at the beginning are the rest of a torn row
	nuls       int  // how many there are at the end of what was read
	within     bool // what was read ends in the middle of a line
	lost       csvLost
	out        []byte // out[at:] is decoded but not returned yet
	at         int
	more       bool // what was read has more to decode
	idle       int  // consecutive reads that returned nothing
	err        error
	given      []bool // which columns have a value in the current row
	inner      []byte
}

// maxCSVNULs is the longest run of NULs that counts as text. A longer run is left by a file
// system after a power loss, and ends the row.
const maxCSVNULs = 64

func newCSV(r io.Reader, shape *csvShape, zone *time.Location, done bool) *csvReader {
	c := &csvReader{
		r: r, shape: shape, columns: csvColumns(shape.header), zone: zone, done: done, names: map[string]bool{},
		row: csvRow{comma: shape.comma, newline: shape.newline}, in: make([]byte, readSize), begun: shape.implied, rest: shape.rest,
	}
	for _, name := range shape.header {
		c.names[name] = name != ""
	}
	return c
}

func (c *csvReader) Read(p []byte) (int, error) {
	if c.at == len(c.out) {
		c.out, c.at = c.out[:0], 0
		if !c.more {
			if c.err != nil {
				return 0, c.err
			}
			c.fill()
		}
		c.rows()
		if len(c.out) == 0 {
			if c.err != nil && !c.more {
				return 0, c.err
			}
			return 0, errNothingYet
		}
	}
	n := copy(p, c.out[c.at:])
	c.at += n
	return n, nil
}

// fill reads once.
func (c *csvReader) fill() {
	if c.start > 0 {
		c.end = copy(c.in, c.in[c.start:c.end])
		c.start = 0
	}
	if len(c.in)-c.end < readSize/4 {
		c.in = append(c.in, make([]byte, len(c.in))...)
	}
	n, err := c.r.Read(c.in[c.end:])
	if n < 0 || n > len(c.in)-c.end {
		n, err = 0, errors.New("reader returned an impossible count")
	}
	if n == 0 && err == nil {
		if c.idle++; c.idle > maxIdle {
			err = io.ErrNoProgress
		}
	} else {
		c.idle = 0
	}
	if err != errNothingYet {
		c.err = err
	}
	c.take(n)
}

// take adds what was read, without long runs of NULs and without those at its end.
func (c *csvReader) take(n int) {
	read := c.in[c.end : c.end+n]
	if c.nuls == 0 && bytes.IndexByte(read, 0) < 0 {
		c.end += n
		c.within = n > 0 && read[n-1] != c.shape.newline || n == 0 && c.within
		return
	}
	var kept []byte
	for len(read) > 0 {
		text := bytes.TrimLeft(read, "\x00")
		c.nuls = min(c.nuls+len(read)-len(text), maxCSVNULs+1)
		if len(text) == 0 {
			break
		}
		switch {
		case c.nuls <= maxCSVNULs:
			kept = append(kept, make([]byte, c.nuls)...)
		case c.within:
			kept = append(kept, c.shape.newline)
		}
		end := bytes.IndexByte(text, 0)
		if end < 0 {
			end = len(text)
		}
		kept, read, c.nuls = append(kept, text[:end]...), text[end:], 0
		c.within = text[end-1] != c.shape.newline
	}
	if room := c.end + len(kept) - len(c.in); room > 0 {
		c.in = append(c.in, make([]byte, room)...)
	}
	c.end += copy(c.in[c.end:], kept)
}

// rows decodes as many rows as fit into the output.
func (c *csvReader) rows() {
	c.more = false
	ended := c.err != nil
	for c.start < c.end {
		if c.more = len(c.out) >= maxCSVOut; c.more {
			return
		}
		if c.lost != csvNotLost {
			if !c.lose() {
				return
			}
			continue
		}
		text := c.in[c.start:c.end]
		if len(text) < c.need && !ended {
			return
		}
		c.need = 0
		if begin := bytes.TrimPrefix(bytes.TrimLeft(text, "\x00"), byteOrderMark); len(begin) < len(text) {
			c.start += len(text) - len(begin)
			continue
		}
		if c.rest > 0 && text[0] != c.shape.newline && text[0] != '\r' {
			if len(text) < c.rest && !ended {
				c.need = c.rest
				return
			}
			rest := text[:min(c.rest, len(text))]
			c.reject(errCSVRest, rest)
			c.start, c.rest = c.start+len(rest), 0
			continue
		}
		window, last := text[:min(len(text), MaxLine+1)], ended && len(text) <= MaxLine+1
		n, state := c.row.split(window, last)
		newline := state != csvOpen && window[n-1] == c.shape.newline
		switch {
		case last && !newline && len(text) <= MaxLine && (c.err != io.EOF || !c.done):
			c.waits(text)
		case state == csvWhole && n <= MaxLine:
			c.decode(text[:n])
			c.start += n
		case state == csvBad && n <= MaxLine:
			// A crash may have cut off the closing quote long before. Read the lines after
			// the opening one again.
			c.reject(errCSVQuote, text[:n])
			c.start += n
		case len(window) > MaxLine:
			sum := sha256.Sum256(text[:MaxLine])
			c.mark(csvRejected, []byte(errCSVLong.Error()), sum[:], text[:ttpcron.MaxExcerpt])
			c.lost = csvCellBegins
		case ended:
			// Do not read its lines by themselves: an attacker may have written them, and
			// made the row so long that rotation cuts it.
			c.reject(errCSVEnd, text)
			c.start = c.end
		default:
			c.need = 2 * len(text)
			return
		}
	}
}

const maxCSVOut = 1 << 20

var (
	errCSVQuote = errors.New("a quoted cell goes on after its quote")
	errCSVRest  = errors.New("it is the rest of a row that was torn within a quoted cell")
	errCSVEnd   = errors.New("a quoted cell does not end")
	errCSVLong  = fmt.Errorf("the row is longer than %d bytes", MaxLine)
)

// waits returns the beginning of a row that may continue, as a line without a newline.
func (c *csvReader) waits(text []byte) {
	c.out = append(c.out, csvMark, csvWaits)
	c.out = appendCSVText(c.out, text[:min(len(text), MaxLine/2)])
	c.start = c.end
}

// csvLost is the reader's place in a row that is too long.
type csvLost uint8

const (
	csvNotLost csvLost = iota
	csvCellBegins
	csvWithin // a cell without quotes
	csvQuoted
)

// lose drops what was read of a row that is too long. It returns false if the row continues.
func (c *csvReader) lose() bool {
	for c.start < c.end {
		text := c.in[c.start:c.end]
		switch b := text[0]; {
		case c.lost == csvQuoted:
			n := bytes.IndexByte(text, '"')
			if n < 0 {
				n = len(text)
			}
			c.fillers(bytes.Count(text[:n], []byte{c.shape.newline}))
			c.start += n
			switch {
			case n == len(text):
			case n+1 < len(text) && text[n+1] == '"':
				c.start += 2
			case n+1 < len(text) || c.err != nil:
				c.start++
				c.lost = csvWithin
			default:
				return false // another quote may follow
			}
			if len(c.out) >= maxCSVOut {
				return true
			}
		case b == c.shape.newline:
			c.start++
			c.lost = csvNotLost
			return true
		case b == '"' && c.lost == csvCellBegins:
			c.start++
			c.lost = csvQuoted
		case b == c.shape.comma:
			c.start++
			c.lost = csvCellBegins
		default:
			n := bytes.IndexAny(text, string([]byte{c.shape.newline, c.shape.comma}))
			if n < 0 {
				n = len(text)
			}
			c.start += n
			c.lost = csvWithin
		}
	}
	return false
}

func (c *csvReader) reject(reason error, text []byte) {
	text = trimEnd(text)
	c.mark(csvRejected, []byte(reason.Error()), nil, text)
	c.fillers(bytes.Count(text, []byte{c.shape.newline}))
}

// mark returns a line that is not an object.
func (c *csvReader) mark(what byte, parts ...[]byte) {
	c.out = append(c.out, csvMark, what)
	for i, part := range parts {
		if i > 0 {
			c.out = append(c.out, csvPart)
		}
		c.out = appendCSVText(c.out, part)
	}
	c.out = append(c.out, '\n')
}

// fillers are decoded lines for the other lines of a row, which keep line numbers right.
func (c *csvReader) fillers(n int) {
	for range n {
		c.out = append(c.out, csvMark, '\n')
	}
}

// appendCSVText escapes the bytes that end a line or a part of it.
func appendCSVText(dst, text []byte) []byte {
	for _, b := range text {
		switch b {
		case 0, '\n', '\r', csvPart, csvEscape:
			dst = append(dst, csvEscape, b^0x40)
		default:
			dst = append(dst, b)
		}
	}
	return dst
}

// plainCSVText undoes appendCSVText.
func plainCSVText(text []byte) []byte {
	plain := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		b := text[i]
		if b == csvEscape && i+1 < len(text) {
			i++
			b = text[i] ^ 0x40
		}
		plain = append(plain, b)
	}
	return plain
}

// decode turns the current row, whose text is given, into a line.
func (c *csvReader) decode(text []byte) {
	r := &c.row
	switch {
	case !c.begun && c.beforeHeader(text):
	case r.blank():
		c.out = append(c.out, '\n')
	case c.isHeader():
		c.mark(csvHeaderIs)
	case r.n != len(c.columns):
		c.mark(csvRejected, []byte(fmt.Sprintf("it has %s, and the header has %s", cellCount(r.n), cellCount(len(c.columns)))), nil, trimEnd(text))
	default:
		c.object()
	}
	c.fillers(r.lines)
}

func cellCount(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", n)
}

// beforeHeader handles the rows before the header.
func (c *csvReader) beforeHeader(text []byte) bool {
	if isSeparatorLine(text) {
		c.mark(csvHeaderIs)
		return true
	}
	return false
}

// isHeader reports whether the current row is a header: the first one, the same one again, or
// that of another file that was appended. An attacker cannot write one, because a row has a time
// and an address, which are not names of columns.
func (c *csvReader) isHeader() bool {
	r := &c.row
	known := 0
	for i, cell := range r.cells {
		switch cell = bytes.TrimSpace(cell); {
		case c.names[string(cell)]:
			known++
		case i == 0 && len(cell) > 0 && cell[0]-'0' <= 9:
			return false
		}
		if 2*(known+len(r.cells)-1-i) < len(r.cells) {
			return false
		}
	}
	names := r.texts()
	if len(names) == 1 && !c.names[names[0]] || !isHeader(names) {
		return false
	}
	same := len(names) == len(c.shape.header)
	if 2*known <= len(names) || !same && known < 2 || strings.Join(names, "") == "" {
		return false
	}
	c.begun = true
	c.columns = csvColumns(names)
	return true
}

// object returns the current row as a JSON object.
func (c *csvReader) object() {
	if len(c.given) < len(c.columns) {
		c.given = make([]bool, len(c.columns))
	}
	given := c.given[:len(c.columns)]
	clear(given)
	empty := c.empties()
	c.inner = c.inner[:0]
	at := len(c.out)
	c.out = append(c.out, '{')
	for i := range c.columns {
		column, cell := &c.columns[i], c.row.cells[i]
		switch {
		case column.name == "" || given[column.first]:
			continue
		case c.shape.kibana && string(cell) == "-":
			continue
		case len(cell) == 0 && !empty[column.use]:
			continue
		}
		given[column.first] = true
		if column.inside {
			c.inner = c.appendMember(c.inner, column, cell)
		} else {
			c.out = c.appendMember(c.out, column, cell)
		}
	}
	if len(c.inner) > 0 {
		c.out = append(append(append(c.out, `"payload":{`...), c.inner[:len(c.inner)-1]...), '}', ',')
	}
	if len(c.out) == at+1 {
		c.out = append(c.out[:at], '\n')
		return
	}
	c.out = append(c.out[:len(c.out)-1], '}', '\n')
}

func (c *csvReader) appendMember(dst []byte, column *csvColumn, cell []byte) []byte {
	dst = append(dst, column.member...)
	switch column.use {
	case csvTime:
		if t, ok := c.local(cell); ok {
			dst = append(t.UTC().AppendFormat(append(dst, '"'), time.RFC3339Nano), '"')
			return append(dst, ',')
		}
	case csvNumber:
		cell = c.number(cell)
	case csvPayload:
		if startsWith(cell, '{') && isClosed(cell) {
			return append(append(dst, cell...), ',')
		}
	}
	return append(appendJSONString(dst, cell), ',')
}

// empties says for which uses an empty cell of the current row means an empty text. In CSV an
// empty text and a missing one look alike. But a login attempt without a key always has a user
// name and a password, and a command record has what was typed unless another column repeats it.
func (c *csvReader) empties() (empty [csvPayload + 1]bool) {
	login, key, typed, message := false, false, false, false
	for i := range c.columns {
		cell := c.row.cells[i]
		some := len(cell) > 0 && (!c.shape.kibana || string(cell) != "-")
		switch c.columns[i].use {
		case csvLogin, csvAuthID:
			login = login || some
		case csvKey:
			key = key || some
		case csvMessage:
			message = message || some
		case csvEventID:
			login = login || bytes.HasPrefix(cell, []byte("cowrie.login."))
			typed = bytes.HasPrefix(cell, []byte("cowrie.command.")) || bytes.HasPrefix(cell, []byte("cowrie.session.input"))
		}
	}
	empty[csvLogin], empty[csvInput] = login && !key, typed && !message
	return empty
}

// number undoes what tables do to numbers: pandas writes 22.0 for 22, and Kibana 40,000 for
// 40000.
func (c *csvReader) number(cell []byte) []byte {
	if n, ok := bytes.CutSuffix(cell, []byte(".0")); ok && jsontext.IsWhole(n) {
		return n
	}
	if c.shape.kibana && bytes.IndexByte(cell, ',') > 0 && len(cell) < 20 {
		if n := bytes.ReplaceAll(cell, []byte(","), nil); jsontext.IsWhole(n) {
			return n
		}
	}
	return cell
}

// local reads a time that Kibana wrote in the zone of somebody's browser.
func (c *csvReader) local(cell []byte) (time.Time, bool) {
	if !c.shape.kibana || c.zone == nil || len(cell) > 64 {
		return time.Time{}, false
	}
	if kibanaCell.Match(cell) {
		t, err := time.ParseInLocation("Jan 2, 2006 @ 15:04:05", string(cell), c.zone)
		return earlierOf(t), err == nil
	}
	if clockCell.Match(cell) && !zonedCell.Match(cell[len("2006-01-02"):]) {
		text := strings.Replace(string(cell), "T", " ", 1)
		for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04"} {
			if t, err := time.ParseInLocation(layout, text, c.zone); err == nil {
				return earlierOf(t), true
			}
		}
	}
	return time.Time{}, false
}

// earlierOf returns the earlier of the two times that a clock shows alike when summer time ends.
func earlierOf(t time.Time) time.Time {
	const wall = "2006-01-02 15:04:05.999999999"
	for _, back := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour} {
		if earlier := t.Add(-back); earlier.Format(wall) == t.Format(wall) {
			return earlier
		}
	}
	return t
}
