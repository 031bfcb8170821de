package settings

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// places lists a table's keys with their lines, including nested tables.
func (t *tomlTable) places(prefix string) (all []string) {
	for _, key := range t.keys() {
		all = append(all, fmt.Sprintf("%s%s:%d", prefix, key, t.lines[key]))
		switch v := t.values[key].(type) {
		case *tomlTable:
			all = append(all, v.places(prefix+key+".")...)
		case []*tomlTable:
			for i, item := range v {
				all = append(all, item.places(fmt.Sprintf("%s%s[%d:%d].", prefix, key, i, item.line))...)
			}
		}
	}
	return all
}

// Every key has its line, however the file is written.
func TestLinesOfKeys(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"# x\n\na = 1\r\nb = '''\n\n'''\nc = 2", "a:3 b:4 c:7"},
		{"a.b = 1\na.c = 2\n", "a:1 a.b:1 a.c:2"},
		{"\n[t]\n\na = 1\n[u.v]\nb = 2\n[u]\nc = 3\n", "t:2 t.a:4 u:5 u.v:5 u.v.b:6 u.c:8"},
		{"x = [ # list\n  1,\n  2 ]\ny = 1\n", "x:1 y:4"},
		{"a = { b = 1, c = { d = 2 } }\ne = [{ f = 1 },\n { g = 2 }]\n", "a:1 a.b:1 a.c:1 a.c.d:1 e:2 e[0:2].f:2 e[1:3].g:3"},
		{"[[job]]\na = 1\n[[job]]\n\na = 2\n[job.t]\nb = 3\n[[job.u]]\nc = 4\n", "job:1 job[0:1].a:2 job[1:3].a:5 job[1:3].t:6 job[1:3].t.b:7 job[1:3].u:8 job[1:3].u[0:8].c:9"},
		{"[\"a b\".'c.d']\n\"\\u0065\" = 1\n", "a b:1 a b.c.d:1 a b.c.d.e:2"},
	} {
		table, err := parseTOML([]byte(tt.text))
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if got := strings.Join(table.places(""), " "); got != tt.want {
			t.Errorf("%q:\ngot  %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

// What is no TOML is named with its line, in words for those who do not know the library.
func TestNoTOML(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"a = 1\nb c = 2\n", "this is neither KEY = VALUE nor a [table] (line 2)"},
		{"a = 1\n\n  a = 2\n", "a is there already (line 3)"},
		{"a = 1_\n", "the value of a is no number (line 1)"},
		{"a = 2026-13-01\n", "the value of a is no date or time (line 1)"},
		{"[a\n", "the name of a table has no ] behind it (line 1)"},
		{"[[a]\n", "the name of a table has no ]] behind it (line 1)"},
		{"[a]\n[a]\n", "[a] is there already (line 2)"},
		{"a = [1, 2\n", "the list of a has no comma between two values, or no ] at its end (line 1)"},
		{"x = 1\na = [\n\"b\"\n\"c\"]\n", "the list of a has no comma between two values, or no ] at its end (line 4)"},
		{"a = \"\xff\"\n", "the file is not UTF-8 here (line 1)"},
		{"a = 99999999999999999999\n", "the value of a is too large a number (line 1)"},
		{"x = 1\na = {b = 1, b = 2}\n", "a is there already (line 2)"},
		{"x = 1\na = \"b\n", "the quote of a is not closed (line 2)"},
		{"x = 1\na = 'b\n", "the quote of a is not closed (line 2)"},
		{"a = \"b", "the quote of a is not closed (line 1)"},
		{"a = \"\"\"b\nc\n", "the three quotes of a are not closed (line 1)"},
		{"a = b\n", "the value of a is no text in quotes, number, true, false or list (line 1)"},
		{"a = info\n", "the value of a is no text in quotes, number, true, false or list (line 1)"},
		{"a = \n", "the value of a is no text in quotes, number, true, false or list (line 1)"},
		{"[x]\na = 90d\n", "the value of a is no text in quotes, number, true, false or list (line 2)"},
		{"a = \"C:\\logs\"\n", "a backslash means something in the text of a (line 1)"},
		{"a: b\n", "this is neither KEY = VALUE nor a [table] (line 1)"},
	} {
		if _, err := parseTOML([]byte(tt.text)); err == nil || err.Error() != tt.want {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
		}
	}
}

// FuzzTOML: every key in valid TOML has a line, and every error has a place.
func FuzzTOML(f *testing.F) {
	for _, seed := range []string{"a.b = {c = [1, {d = 2}]}\n[[job]]\nx = 1\n[job.y]\n[[a.z]]\n", "\"a\\u0062\" = '''\n'''", "a = 1979-05-27\r\nb = [[{}], []]", "[a.b]\n[a]\nc = 1", "a = [{}]\n[[b]]\n[b.c]\n[[b]]\n[b.c]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		table, err := parseTOML([]byte(text))
		if err != nil {
			if !strings.Contains(err.Error(), " (line ") {
				t.Errorf("%q: an error without its place: %v", text, err)
			}
			return
		}
		last := 1 + strings.Count(text, "\n")
		var check func(table *tomlTable)
		check = func(table *tomlTable) {
			lines := []int{table.line}
			for key, v := range table.values {
				lines = append(lines, table.lines[key])
				switch v := v.(type) {
				case *tomlTable:
					check(v)
				case []*tomlTable:
					for _, item := range v {
						check(item)
					}
				}
			}
			if slices.Min(lines) < 1 || slices.Max(lines) > last {
				t.Errorf("%q: lines %v of %d", text, lines, last)
			}
		}
		check(table)
	})
}
