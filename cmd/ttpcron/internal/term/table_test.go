package term

import (
	"strings"
	"testing"
)

// TestRowsFit: no row is wider than the terminal, down to half the usual width, and
// without a terminal nothing is cut.
func TestRowsFit(t *testing.T) {
	columns := []Column{
		{Title: "TIME"}, {Title: "ATTACKER", Min: 15}, {Title: "SESSION", Min: 8, Spare: 1}, {Title: "TECHNIQUE", Min: 18}, {Title: "TACTIC", Min: 10, Spare: 2},
		{Title: "CONF", Right: true, Spare: 4}, {Title: "RULE", Min: 6, Spare: 3}, {Title: "COMMAND", Min: 24},
	}
	row := []string{"2026-05-04 05:49:05", "2001:db8:1234:5678:9abc:def0:1234:5678", "0123456789abcdef", "T1059.004 Command and Scripting Interpreter: Unix Shell",
		"Command and Control", "0.95", "TC2303 +12", strings.Repeat("漢字x", 60)}
	for width := 40; width <= 300; width++ {
		tab := Table{Columns: columns}
		var b strings.Builder
		for range 2 { // parts of one table
			tab.Add(append([]string(nil), row...)...)
			if err := tab.Part(&b, Terminal{Width: width, UTF8: true}); err != nil {
				t.Fatal(err)
			}
		}
		for line := range strings.Lines(b.String()) {
			if n := Cells(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("a row takes %d cells of %d: %s", n, width, line)
			}
		}
		for _, title := range []string{"TIME", "ATTACKER", "TECHNIQUE", "COMMAND"} {
			if width >= 80 && !strings.Contains(b.String(), title) {
				t.Errorf("%d cells: %s is left out", width, title)
			}
		}
	}
	tab := Table{Columns: columns}
	tab.Add(append([]string(nil), row...)...)
	var b strings.Builder
	if err := tab.Print(&b, Terminal{}); err != nil || !strings.Contains(b.String(), row[7]) || !strings.Contains(b.String(), row[2]) {
		t.Errorf("%v: %s", err, b.String())
	}
}

// A rare column is left out of a terminal if its first rows have only 0, and nowhere else.
func TestRareColumn(t *testing.T) {
	for _, tt := range []struct {
		width int
		first string
		want  string
	}{
		{80, "0", "A  C\nx  1\ny  1\n"},
		{80, "7", "A  B  C\nx  7  1\ny  3  1\n"},
		{0, "0", "A  B  C\nx  0  1\ny  3  1\n"},
	} {
		table := Table{Columns: []Column{{Title: "A"}, {Title: "B", Right: true, Rare: true}, {Title: "C", Right: true}}}
		var b strings.Builder
		for _, row := range [][]string{{"x", tt.first, "1"}, {"y", "3", "1"}} {
			table.Add(row...)
			if err := table.Part(&b, Terminal{Width: tt.width}); err != nil {
				t.Fatal(err)
			}
		}
		if b.String() != tt.want {
			t.Errorf("width %d, first %s:\n%swant\n%s", tt.width, tt.first, b.String(), tt.want)
		}
	}
}
