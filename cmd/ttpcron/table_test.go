package main

import (
	"strings"
	"testing"
)

// TestRowsFit holds that no row is wider than the terminal, down to half a usual
// one, and that nothing is cut where there is none.
func TestRowsFit(t *testing.T) {
	columns := []column{
		{title: "TIME"}, {title: "ATTACKER", min: 15}, {title: "SESSION", min: 8, spare: 1}, {title: "TECHNIQUE", min: 18}, {title: "TACTIC", min: 10, spare: 2},
		{title: "CONF", right: true, spare: 4}, {title: "RULE", min: 6, spare: 3}, {title: "COMMAND", min: 24},
	}
	row := []string{"2026-05-04 05:49:05", "2001:db8:1234:5678:9abc:def0:1234:5678", "0123456789abcdef", "T1059.004 Command and Scripting Interpreter: Unix Shell",
		"Command and Control", "0.95", "TC2303 +12", strings.Repeat("漢字x", 60)}
	for width := 40; width <= 300; width++ {
		tab := table{columns: columns}
		var b strings.Builder
		for range 2 { // parts of one table
			tab.add(append([]string(nil), row...)...)
			if err := tab.part(&b, terminal{width: width, utf8: true}); err != nil {
				t.Fatal(err)
			}
		}
		for line := range strings.Lines(b.String()) {
			if n := cells(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("a row takes %d cells of %d: %s", n, width, line)
			}
		}
		for _, title := range []string{"TIME", "ATTACKER", "TECHNIQUE", "COMMAND"} {
			if width >= 80 && !strings.Contains(b.String(), title) {
				t.Errorf("%d cells: %s is left out", width, title)
			}
		}
	}
	tab := table{columns: columns}
	tab.add(append([]string(nil), row...)...)
	var b strings.Builder
	if err := tab.print(&b, terminal{}); err != nil || !strings.Contains(b.String(), row[7]) || !strings.Contains(b.String(), row[2]) {
		t.Errorf("%v: %s", err, b.String())
	}
}
