package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/census"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jsontext"
)

// appendJSON appends a row as a JSON object.
func (v *censusView) appendJSON(dst []byte, r *census.Row) []byte {
	for i, c := range v.columns {
		sep := byte(',')
		if i == 0 {
			sep = '{'
		}
		dst = append(jsontext.AppendString(append(dst, sep), c.name), ':')
		dst = appendValue(dst, c.value(r))
	}
	return append(dst, '}')
}

func appendValue(dst []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return jsontext.AppendString(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case uint64:
		return strconv.AppendUint(dst, v, 10)
	case bool:
		return strconv.AppendBool(dst, v)
	case float64:
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	case time.Time:
		return jsontext.AppendString(dst, v.UTC().Format(time.RFC3339Nano))
	case []string:
		dst = append(dst, '[')
		for i, s := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = jsontext.AppendString(dst, s)
		}
		return append(dst, ']')
	}
	return append(dst, "null"...)
}

func csvValue(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case []string:
		return strings.Join(v, " ")
	}
	return fmt.Sprint(value)
}

func tableValue(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case int:
		return term.Count(v)
	case time.Time:
		return term.Time(v)
	case []string:
		return strings.Join(v, " ")
	}
	return fmt.Sprint(value)
}

// orNull is nil for an empty text.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func levelOrNull(l ttpcron.Level) any {
	if l == 0 {
		return nil
	}
	return l.String()
}

// countColumn makes a column of numbers. Spare is that of the table.
func countColumn(title, name string, spare int, of func(*census.Row) int) censusColumn {
	return censusColumn{Column: term.Column{Title: title, Right: true, Spare: spare}, name: name, sort: strings.TrimPrefix(name, "logins_"), value: func(r *census.Row) any { return of(r) }}
}

// seenColumns makes the columns of first and last. Spare are the table's.
func seenColumns(first, last int) []censusColumn {
	return []censusColumn{
		{Column: term.Column{Title: "FIRST (UTC)", Spare: first}, name: "first_seen", sort: "first", value: func(r *census.Row) any { return r.First }},
		{Column: term.Column{Title: "LAST (UTC)", Spare: last}, name: "last_seen", sort: "last", value: func(r *census.Row) any { return r.Last }},
	}
}

func levelColumn(spare int) censusColumn {
	return censusColumn{Column: term.Column{Title: "LEVEL", Spare: spare}, name: "level", sort: "level", value: func(r *census.Row) any { return levelOrNull(r.Level) }}
}

// namesColumn makes a column of names; the table shows the most frequent.
func namesColumn(title, name string, spare int, of func(*census.Row) *census.List) censusColumn {
	return censusColumn{Column: term.Column{Title: title, Min: 8, Spare: spare}, name: name, value: func(r *census.Row) any { return of(r).Names() }, cell: func(r *census.Row) string { return firstOf(of(r)) }}
}

// firstOf is the first name in a list, and how many others there are.
func firstOf(l *census.List) string {
	if l.N < 2 {
		return l.First()
	}
	return fmt.Sprintf("%s +%d", cmp.Or(l.First(), "(none)"), l.N-1)
}

// Columns that several commands have.
var (
	countTags       = countColumn("TAGS", "tags", 0, func(r *census.Row) int { return r.Tags })
	countEvents     = countColumn("EVENTS", "events", 0, func(r *census.Row) int { return r.Events })
	countCommands   = countColumn("CMDS", "commands", 0, func(r *census.Row) int { return r.Commands })
	countTechniques = countColumn("TECHN", "techniques", 0, func(r *census.Row) int { return r.Techniques.N })
	techniqueIDs    = censusColumn{name: "technique_ids", value: func(r *census.Row) any { return r.Techniques.Names() }}
	countSensors    = censusColumn{name: "sensors", sort: "sensors", value: func(r *census.Row) any { return r.Sensors.N }}
)

// rare is a column that a terminal leaves out if it has nothing but 0.
func rare(c censusColumn) censusColumn {
	c.Rare = true
	return c
}

// spared is a column that a narrow terminal leaves out in its turn.
func spared(c censusColumn, turn int) censusColumn {
	c.Spare = turn
	return c
}
