package csvtext

import (
	"encoding/csv"
	"strings"
	"testing"
)

func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "",
		"uname -a":            "uname -a",
		"=cmd|'/C calc'!A0":   "'=cmd|'/C calc'!A0",
		" \n=1+1":             "' \n'=1+1",
		"x;=1+1;y; \"@z":      "x;'=1+1;y;' \"@z",
		"a\n-b;c\n\n+d":       "a\n'-b;c\n'\n'+d",
		"\u3000=1":            `\u3000=1`,
		"\u00a0=1":            `\u00a0=1`,
		"﹦1":                  "'﹦1",
		"a\u00ad\u3164\ufff9": `a\u00ad\u3164\ufff9`,
		"\U000e0041\ue000":    `\U000e0041\ue000`,
		"\t@SUM(1)":           `\x09@SUM(1)`,
		"\"=1":                "'\"=1",
		"-1":                  "'-1",
		"＝1":                  "'＝1",
		"a\x00\x1b[31m\r\n":   "a\\x00\\x1b[31m\\x0d\n",
		"\u202egpj.exe":       `\u202egpj.exe`,
		"\xff\u0085":          `\xff\u0085`,
		"a\U0001d159":         `a\U0001d159`,
		"Zürich 東京":           "Zürich 東京",
	} {
		if got := Cell(in); got != want {
			t.Errorf("Cell(%q) = %q, want %q", in, got, want)
		}
	}
}

// What an independent reader of CSV reads back is the cells, and the same rows.
func FuzzRow(f *testing.F) {
	f.Add("a,b", "\"", "\r\n=1")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		var text strings.Builder
		w := NewWriter(&text)
		for range 2 {
			if err := w.Row(a, b, c); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(text.String())).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatalf("%q is read as %d rows: %v", text.String(), len(rows), err)
		}
		for i, want := range []string{Cell(a), Cell(b), Cell(c)} {
			if got := rows[1][i]; got != want {
				t.Errorf("cell %d is read as %q, want %q", i, got, want)
			}
			if strings.IndexAny(rows[1][i], "=+-@\t\r") == 0 {
				t.Errorf("cell %q is a formula", rows[1][i])
			}
		}
	})
}
