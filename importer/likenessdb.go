package importer

import (
	"context"
	"database/sql"
	"slices"
	"strings"
)

// databaseLikeness is a database of another program, known by its tables.
type databaseLikeness struct {
	what   string
	todo   string
	tables []string
}

var databaseLikenesses = []databaseLikeness{
	{"what qeeqbox/honeypots writes", notReadYet, []string{"servers_table"}},
	{"a browser's history", nameTheLog, []string{"moz_places"}},
	{"a browser's history", nameTheLog, []string{"urls", "visits"}},
}

// maxTables is how many tables of a database are inspected.
const maxTables = 200

// likeness says what a database with unknown tables resembles. The text is empty, or
// begins with a comma.
func (d *database) likeness(ctx context.Context) string {
	var tables []string
	err := d.rows(ctx, "SELECT CASE WHEN octet_length(name) <= 64 THEN CAST(name AS TEXT) ELSE '' END FROM sqlite_schema WHERE type = 'table' LIMIT ?", []any{maxTables}, func(r *sql.Rows) error {
		var name string
		err := r.Scan(&name)
		tables = append(tables, strings.ToLower(name))
		return err
	})
	if err != nil {
		return ""
	}
	for _, l := range databaseLikenesses {
		if !slices.ContainsFunc(l.tables, func(t string) bool { return !slices.Contains(tables, t) }) {
			return ", but looks like " + l.what + "; " + l.todo
		}
	}
	return "; name the log that the sensor writes"
}
