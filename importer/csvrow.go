package importer

import (
	"bytes"

	"github.com/ttpcron/ttpcron/jsontext"
)

// csvRow splits text into the cells of rows, as RFC 4180 says. A quote that does not begin a
// cell is text, as many programs write it.
type csvRow struct {
	comma, newline byte

	cells  [][]byte // of the last row, maxColumns and one at most; valid until the next call
	n      int      // how many there are
	quoted bool     // one of them was in quotes
	lines  int      // newlines within the last row
	plain  []byte   // the cells with doubled quotes, without those
}

type csvState uint8

const (
	csvWhole csvState = iota
	csvOpen           // it may go on in what was not read yet
	csvBad            // a quoted cell is followed by something else than a comma
)

// split reads the first row of a text, or its last one if there is no more, and returns its
// length with the newline. For a row that is bad it is that of its first line.
func (r *csvRow) split(text []byte, last bool) (n int, state csvState) {
	r.cells, r.n, r.plain, r.quoted, r.lines = r.cells[:0], 0, r.plain[:0], false, 0
	end := bytes.IndexByte(text, r.newline)
	if end < 0 && !last {
		return 0, csvOpen
	}
	line, n := text, len(text)
	if end >= 0 {
		line, n = text[:end], end+1
	}
	if bytes.IndexByte(line, '"') >= 0 {
		return r.splitQuoted(text, n, last)
	}
	line = bytes.TrimSuffix(line, []byte("\r"))
	for {
		at := bytes.IndexByte(line, r.comma)
		if at < 0 {
			r.add(line)
			return n, csvWhole
		}
		r.add(line[:at])
		line = line[at+1:]
	}
}

func (r *csvRow) add(cell []byte) {
	if r.n++; len(r.cells) <= maxColumns {
		r.cells = append(r.cells, cell)
	}
}

// splitQuoted is split for a row with quotes in its first line, which has n bytes.
func (r *csvRow) splitQuoted(text []byte, first int, last bool) (n int, state csvState) {
	for i := 0; ; {
		cell, next := []byte(nil), 0
		if i < len(text) && text[i] == '"' {
			r.quoted = true
			if cell, next, state = r.quotedCell(text, i+1, last); state != csvWhole {
				return first, state
			}
		} else {
			for next = i; next < len(text) && text[next] != r.comma && text[next] != r.newline; next++ {
			}
			if next == len(text) && !last {
				return 0, csvOpen
			}
			if cell = text[i:next]; next == len(text) || text[next] == r.newline {
				cell = bytes.TrimSuffix(cell, []byte("\r"))
			}
		}
		r.add(cell)
		if next == len(text) {
			return next, csvWhole
		}
		if text[next] == r.newline {
			return next + 1, csvWhole
		}
		i = next + 1
	}
}

// quotedCell reads a cell from behind its first quote. It returns where the comma or newline
// after it is, or the end of the text.
func (r *csvRow) quotedCell(text []byte, from int, last bool) (cell []byte, next int, state csvState) {
	at, kept := from, -1
	for {
		n := bytes.IndexByte(text[at:], '"')
		if n < 0 {
			return nil, 0, csvOpen
		}
		n += at
		if n+1 < len(text) && text[n+1] == '"' {
			if kept < 0 {
				kept = len(r.plain)
			}
			r.plain = append(r.plain, text[at:n+1]...)
			at = n + 2
			continue
		}
		cell, next = text[from:n], n+1
		if kept >= 0 {
			r.plain = append(r.plain, text[at:n]...)
			cell = r.plain[kept:len(r.plain):len(r.plain)]
		}
		r.lines += bytes.Count(text[from:n], []byte{r.newline})
		break
	}
	if next < len(text) && text[next] == '\r' {
		if next+1 == len(text) && !last {
			return nil, 0, csvOpen
		}
		if next+1 == len(text) || text[next+1] == r.newline {
			next++
		}
	}
	switch {
	case next < len(text) && (text[next] == r.comma || text[next] == r.newline):
	case next == len(text) && last:
	case next == len(text):
		return nil, 0, csvOpen
	default:
		return nil, 0, csvBad
	}
	return cell, next, csvWhole
}

// restOfCell returns how long the rest of a row is, if a text begins within one of its quoted
// cells; otherwise 0. There, quotes are doubled up to the one that ends the cell, which is
// behind other text than a comma or a newline, unlike one that begins a cell.
func (r *csvRow) restOfCell(text []byte, whole bool) int {
	at, end := 0, 0
	for (end-at)%2 == 0 {
		n := bytes.IndexByte(text[end:], '"')
		if n < 0 {
			return 0
		}
		at = end + n
		for end = at; end < len(text) && text[end] == '"'; end++ {
		}
	}
	begins := at == 0 || text[at-1] == r.comma || text[at-1] == r.newline
	ends := end == len(text) && whole || end < len(text) && (text[end] == r.comma || text[end] == r.newline || text[end] == '\r')
	if !ends || begins && r.fitsAt(text, at, whole) {
		return 0
	}
	n, state := r.split(text[end:], whole)
	if state != csvWhole || bytes.IndexByte(text[:end+n], 0) >= 0 {
		return 0
	}
	return end + n
}

// fitsAt reports whether the row with a place in it is one, read from the beginning, and has
// as many cells as the row before it.
func (r *csvRow) fitsAt(text []byte, at int, whole bool) bool {
	for cells := 0; ; cells = r.n {
		n, state := r.split(text, whole)
		if state != csvWhole {
			return false
		}
		if at < n {
			return cells == 0 || r.n == cells
		}
		text, at = text[n:], at-n
	}
}

// blank reports whether no cell has anything in it.
func (r *csvRow) blank() bool {
	for _, cell := range r.cells {
		if len(bytes.TrimSpace(cell)) > 0 {
			return false
		}
	}
	return r.n == len(r.cells)
}

// texts copies the cells, without the blanks around them.
func (r *csvRow) texts() []string {
	all := make([]string, len(r.cells))
	for i, cell := range r.cells {
		all[i] = string(bytes.TrimSpace(cell))
	}
	return all
}

// appendJSONString is jsontext.AppendString for bytes.
func appendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for len(s) > 0 {
		n := 0
		for n < len(s) && s[n] >= ' ' && s[n] < 0x7f && s[n] != '"' && s[n] != '\\' {
			n++
		}
		dst, s = append(dst, s[:n]...), s[n:]
		for n = 0; n < len(s) && (s[n] < ' ' || s[n] >= 0x7f || s[n] == '"' || s[n] == '\\'); n++ {
		}
		if n > 0 {
			at := len(dst)
			dst = jsontext.AppendString(dst, string(s[:n]))
			dst = append(dst[:at], dst[at+1:len(dst)-1]...)
			s = s[n:]
		}
	}
	return append(dst, '"')
}
