package importer

import (
	"bytes"
	"slices"
	"strings"
)

// likeRow splits a line at its commas, semicolons or tabs as far as a look needs it:
// at none within quotes.
func likeRow(line []byte) (cells []string) {
	for _, comma := range []byte{',', ';', '\t'} {
		var row []string
		quoted, from := false, 0
		for i, c := range line {
			switch {
			case c == '"':
				quoted = !quoted
			case c == comma && !quoted:
				row, from = append(row, csvCell(line[from:i])), i+1
			}
		}
		if row = append(row, csvCell(line[from:])); len(row) > len(cells) {
			cells = row
		}
	}
	return cells
}

func csvCell(text []byte) string { return strings.Trim(string(bytes.TrimSpace(text)), `"`) }

// minColumns is the number of columns from which a text counts as CSV.
const minColumns = 3

// csv returns the first row of what looks like CSV: lines with the same number of cells,
// unless a quoted cell continues in the next line.
func (h *head) csv() []string {
	first := likeRow(h.first())
	if len(first) < minColumns || slices.Contains([]byte("{[<"), h.first()[0]) {
		return nil
	}
	rows := h.lines[1:]
	if !h.whole && len(rows) < maxHeadLines-1 && len(rows) > 0 {
		rows = rows[:len(rows)-1] // perhaps cut off
	}
	same := 0
	for _, line := range rows {
		if len(likeRow(line)) == len(first) {
			same++
		}
	}
	if 5*same < 4*len(rows) {
		return nil
	}
	return first
}

var columnName = newExpression(`^[@_A-Za-z][A-Za-z0-9_@.:/() -]{0,63}$`)

// csvHeader returns the names of the columns, nil when the first line names none.
func (h *head) csvHeader() []string {
	row := h.csv()
	for _, name := range row {
		if !columnName.MatchString(name) || strings.HasPrefix(name, "cowrie.") {
			return nil
		}
	}
	return row
}

// hasColumn reports whether a header has a name, perhaps with Kibana's suffix.
func hasColumn(header []string, name string) bool {
	return slices.ContainsFunc(header, func(c string) bool { return strings.EqualFold(strings.TrimSuffix(c, ".keyword"), name) })
}

var kibanaTime = newExpression(`"[A-Z][a-z]{2} \d{1,2}, \d{4} @ \d\d:\d\d:\d\d\.\d{3}"`)

func kibanaCSV(h *head) bool {
	header := h.csvHeader()
	return header != nil && (hasColumn(header, "@timestamp") || hasColumn(header, "timestamp") || hasColumn(header, "_index")) &&
		(slices.ContainsFunc(h.lines, kibanaTime.Match) || hasColumn(header, "_index") && hasColumn(header, "@timestamp"))
}

var cowrieCell = newExpression(`(^|[,;\t"])cowrie\.[a-z]+\.[a-z_.]+([,;\t"]|$)`)

func cowrieBareCSV(h *head) bool {
	return h.csv() != nil && h.csvHeader() == nil && h.most(cowrieCell.Match)
}

func anyCSV(h *head) bool { return h.csvHeader() != nil && len(h.lines) > 1 }

var dateCell = newExpression(`(^|[,;\t"])\d{4}-\d\d-\d\d[T ]\d\d:\d\d`)

// bareCSV: rows of data, with a time in them, from the first line on.
func bareCSV(h *head) bool {
	return h.csv() != nil && h.csvHeader() == nil && len(h.lines) > 1 && h.most(dateCell.Match)
}
