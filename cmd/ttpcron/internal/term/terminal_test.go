package term

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", `wget "http://x" \n`, `wget "http://x" \n`},
		{"letters", "żółć 漢字 😀", "żółć 漢字 😀"},
		{"line ends", "a\nb\r\tc", `a\nb\r\tc`},
		{"colour", "\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"title", "\x1b]0;x\x07", `\x1b]0;x\x07`},
		{"8-bit controls", "\u009b31m\u0085", `\u009b31m\u0085`},
		{"delete and backspace", "a\x7f\b", `a\x7f\x08`},
		{"not UTF-8", "\xff\xc3(", `\xff\xc3(`},
		{"bidi overrides", "\u202ea\u2066b\u200f\u061c", `\u202ea\u2066b\u200f\u061c`},
		{"no width", "\u200b\u200d\ufeff\u2060\u00ad", `\u200b\u200d\ufeff\u2060\u00ad`},
		{"blank letters", "\u3164\u115f\u2800\uffa0", `\u3164\u115f\u2800\uffa0`},
		{"marks", "e\u0301\u20dd", `e\u0301\u20dd`},
		{"separators", "\u2028\u2029\u00a0", `\u2028\u2029\u00a0`},
		{"tags and private", "\U000e0041\ue000", `\U000e0041\ue000`},
	}
	for _, tt := range tests {
		if got := Clean(tt.in); got != tt.want {
			t.Errorf("%s: clean(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

// FuzzClean shows that nothing which a terminal obeys or a reader cannot see
// comes through, and that cutting keeps to the width.
func FuzzClean(f *testing.F) {
	f.Add("\x1b[31m\u202e漢字\xff", 5)
	f.Fuzz(func(t *testing.T, s string, width int) {
		c := Clean(s)
		for _, r := range c {
			if r < 0x20 || r == 0x7f || !unicode.IsPrint(r) || unicode.Is(unicode.M, r) {
				t.Fatalf("clean(%q) lets %U through", s, r)
			}
		}
		if !utf8.ValidString(c) || Clean(c) != c {
			t.Fatalf("clean(%q) = %q is not clean", s, c)
		}
		if width %= 200; width <= 0 {
			return
		}
		for _, term := range []Terminal{{}, {UTF8: true}} {
			if got := term.Cut(c, width); Cells(got) > width || !utf8.ValidString(got) {
				t.Fatalf("cut(%q, %d) = %q", c, width, got)
			}
			for how, got := range []string{term.CutFront(c, width), term.CutMiddle(c, width), term.CutTelling(c, width)} {
				if Cells(got) > width || !utf8.ValidString(got) || Cells(c) <= width && got != c {
					t.Fatalf("cut %d of (%q, %d) = %q", how, c, width, got)
				}
			}
			if got := term.Fit(c, width); Cells(got) != width {
				t.Fatalf("fit(%q, %d) takes %d cells", c, width, Cells(got))
			}
		}
	})
}

func TestNewTerminal(t *testing.T) {
	tests := []struct {
		env  map[string]string
		want Terminal
	}{
		{nil, Terminal{}},
		{map[string]string{"COLUMNS": "100", "LANG": "en_GB.UTF-8"}, Terminal{Width: 100, UTF8: true}},
		{map[string]string{"COLUMNS": "x", "LANG": "en_GB.UTF-8", "LC_ALL": "C"}, Terminal{}},
	}
	for _, tt := range tests {
		if got := NewTerminal(&strings.Builder{}, tt.env); got != tt.want {
			t.Errorf("%v: %+v, want %+v", tt.env, got, tt.want)
		}
	}
}

func TestTable(t *testing.T) {
	tbl := func() *Table {
		tb := &Table{Columns: []Column{{Title: "NAME", Min: 6, SGR: Cyan}, {Title: "N", Right: true}, {Title: "TEXT", Min: 8}}}
		tb.Add("漢字", "5", "a\nb")
		tb.Add("somebody", "1,000", "a long text that has to give way")
		tb.Add("x", "", "")
		return tb
	}
	tests := []struct {
		term Terminal
		want string
	}{
		{Terminal{}, `
NAME          N  TEXT
漢字          5  a\nb
somebody  1,000  a long text that has to give way
x
`},
		{Terminal{Width: 30, UTF8: true}, `
NAME          N  TEXT
漢字          5  a\nb
somebody  1,000  a long text …
x
`},
		{Terminal{Width: 23}, `
NAME        N  TEXT
漢字        5  a\nb
someb~  1,000  a long ~
x
`},
		{Terminal{Width: 17}, `
NAME      N  TEXT
漢字      5  a\nb
som~  1,000  a l~
x
`},
		{Terminal{Width: 11}, `
~      N  ~
~      5  ~
~  1,000  ~
x
`},
		{Terminal{Color: true}, "\n" +
			"\x1b[1mNAME\x1b[0m          \x1b[1mN\x1b[0m  \x1b[1mTEXT\x1b[0m\n" +
			"\x1b[36m漢字\x1b[0m          5  a\\nb\n" +
			"\x1b[36msomebody\x1b[0m  1,000  a long text that has to give way\n" +
			"\x1b[36mx\x1b[0m\n"},
	}
	for _, tt := range tests {
		var b strings.Builder
		if err := tbl().Print(&b, tt.term); err != nil {
			t.Fatal(err)
		}
		if got := "\n" + b.String(); got != tt.want {
			t.Errorf("%+v:%s\nwant:%s", tt.term, got, tt.want)
		}
	}
}

func TestCutFront(t *testing.T) {
	for _, tt := range []struct {
		text  string
		width int
		want  string
	}{{"/var/log/a.json", 15, "/var/log/a.json"}, {"/var/log/a.json", 7, "…a.json"}, {"漢字.json", 7, "….json"}, {"漢字.json", 8, "…字.json"}, {"ab", 1, "…"}, {"ab", 0, "ab"}} {
		if got := (Terminal{UTF8: true}).CutFront(tt.text, tt.width); got != tt.want {
			t.Errorf("cutFront(%q, %d) = %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

func TestCutTelling(t *testing.T) {
	for _, tt := range []struct {
		text  string
		width int
		want  string
	}{
		{"uname -a; cat /etc/passwd", 12, "uname -a; c…"},
		{"http://203.0.113.9/bins/x86.sh", 20, "http://203.0…/x86.sh"},
		{"/var/tmp/.cache/agent", 12, "/var/…/agent"},
		{"/var/tmp/.cache/", 12, "/va…/.cache/"},
		{"/a-name-that-is-too-long-for-it", 11, "/a-na…or-it"},
		{"root/hunter2", 80, "root/hunter2"},
		{"", 5, ""}, {"/", 1, "/"}, {"//////", 3, "//…"}, {"/東京/漢字.sh", 9, "/東….sh"}, {"/a/b", 1, "…"},
	} {
		if got := (Terminal{UTF8: true}).CutTelling(tt.text, tt.width); got != tt.want {
			t.Errorf("CutTelling(%q, %d) = %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

func TestCells(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "漢字": 4, "ｶﾅ": 2, "ＡＢ": 4, "한글": 4, "é": 1, "😀": 2, "⌚": 2, "🀄": 2, "→…": 2, "𠀀": 2, "ꥠ": 2, Terminal{Color: true}.Paint(Red, "abc") + "d": 4} {
		if got := Cells(text); got != want {
			t.Errorf("%q takes %d cells, want %d", text, got, want)
		}
	}
}

// Unclean reverses Clean, except for a typed backslash.
func FuzzUnclean(f *testing.F) {
	f.Add("\x1b]0;title\a\u202e\xff\U000e0001\n")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, `\`) {
			return
		}
		if got := Clean(Unclean(Clean(s))); got != Clean(s) {
			t.Fatalf("%q is shown as %q, which is taken back as %q", s, Clean(s), got)
		}
	})
}

func TestTableInParts(t *testing.T) {
	var b strings.Builder
	tb := Table{Columns: []Column{{Title: "A"}, {Title: "B"}}}
	for _, row := range [][2]string{{"wide cell", "1"}, {"x", "2"}} {
		tb.Add(row[0], row[1])
		if err := tb.Part(&b, Terminal{}); err != nil {
			t.Fatal(err)
		}
	}
	if want := "A          B\nwide cell  1\nx          2\n"; b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := Count(n); got != want {
			t.Errorf("count(%d) = %s", n, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1 << 20: "1.0 MiB", 5 << 40: "5.0 TiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("bytesText(%d) = %s", n, got)
		}
	}
}

func TestScreenMakesWayForTheLog(t *testing.T) {
	var b strings.Builder
	s := &Screen{w: &b}
	s.Draw("50%")
	s.Write([]byte("log\n"))
	s.Write([]byte("log\n"))
	s.Draw("60%")
	s.Wipe()
	s.Wipe()
	if want := "\r50%\x1b[K\r\x1b[Klog\nlog\n\r60%\x1b[K\r\x1b[K"; b.String() != want {
		t.Errorf("got %q", b.String())
	}
}
