package pattern

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlclark/regexp2"
)

func plenty() *Budget { return &Budget{Steps: 1 << 30} }

// TestMatch gives what CPython's re.search gives under re.ASCII.
func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		expr   string
		linear bool
		text   string
		want   string // the match; "-" for none
	}{
		{`wget`, true, "x wget y", "wget"},
		{`(?i)WGET`, true, "x wGeT y", "wGeT"},
		{`a(?i)B`, true, "Ab", "Ab"},
		{`(?i:a)B`, true, "aB", "aB"},
		{`(?i:a)B`, true, "Ab", "-"},
		{`a(?-i:B)(?i)`, true, "AB", "AB"},
		{`a(?-i:B)(?i)`, true, "Ab", "-"},
		{`/etc/passwd(?=\s|/|$)`, true, "cat /etc/passwd x", "/etc/passwd"},
		{`/etc/passwd(?=\s|/|$)`, true, "cat /etc/passwd", "/etc/passwd"},
		{`/etc/passwd(?=\s|/|$)`, true, "cat /etc/passwd\n", "/etc/passwd"},
		{`/etc/passwd(?=\s|/|$)`, true, "cat /etc/passwd-", "-"},
		{`passwd(?!\w)`, true, "passwds passwd", "passwd"},
		{`passwd(?!\w)`, true, "passwds", "-"},
		{`(?<=[;&|])sh`, true, "a;sh", "sh"},
		{`(?<=[;&|])sh`, true, "sh", "-"},
		{`(?<!\w)sh`, true, "zsh sh", "sh"},
		{`(?<!\w)sh(?!\w)`, true, "sh", "sh"},
		{`foo$`, true, "foo\n", "foo"},
		{`foo$`, true, "foo\nx", "-"},
		{`foo\Z`, true, "foo\n", "-"},
		{`foo\Z`, true, "foo", "foo"},
		{`(?m)^foo$`, true, "x\nfoo\ny", "foo"},
		{`\Afoo`, true, "foo", "foo"},
		{`(?s)a.b`, true, "a\nb", "a\nb"},
		{`a.b`, true, "a\nb", "-"},
		{`(?P<q>['"])x`, true, `"x`, `"x`},
		{`(?P<q>['"])x(?P=q)`, false, `"x' "x"`, `"x"`},
		{`(['"])x\1`, false, `'x'`, `'x'`},
		{`(?i)(a)\1`, false, "xaA", "aA"},
		{`(?=.*b)a`, false, "xab", "a"},
		{`(?=.*b)a`, false, "bxa", "-"},
		{`^(?!/dev/)`, false, "/dev/null", "-"},
		{`^(?!/dev/).+`, false, "/tmp/x", "/tmp/x"},
		{`(?>a+)b`, false, "aab", "aab"},
		{`(?>a|ab)c`, false, "abc", "-"},
		{`(?>a|ab)`, true, "abc", "a"},
		{`a++a`, false, "aaa", "-"},
		{`a++`, true, "baa", "aa"},
		{`(a)?(?(1)b|c)`, false, "ab", "ab"},
		{`(a)?(?(1)b|c)`, false, "xc", "c"},
		{`(?P<n>a)?(?(n)b|c)$`, false, "ab", "ab"},
		{`a{,2}b`, true, "aaab", "aab"},
		{`a{2}`, true, "aaa", "aa"},
		{`a{x}`, true, "a{x}", "a{x}"},
		{`a{}`, true, "a{}", "a{}"},
		{`{`, true, "{", "{"},
		{`[]a]+`, true, "x]a", "]a"},
		{`[^]a]+`, true, "]xa", "x"},
		{`[\w.-]+`, true, "!a.b-c!", "a.b-c"},
		{`[a\-z]+`, true, "m-z", "-z"},
		{`[a-]+`, true, "b-a", "-a"},
		{`[[:alpha:]]`, true, "xa]", "a]"},
		{`(?i)[^a]`, true, "aA", "-"},
		{`(?i)[a-c]+`, true, "xABC", "ABC"},
		{`\d+`, true, "a٣42", "42"}, // ASCII digits only
		{`\x41\u0042\U00000043\103\0`, true, "ABCC\x00", "ABCC\x00"},
		{`\a\f\v\t\r\n`, true, "\a\f\v\t\r\n", "\a\f\v\t\r\n"},
		{`[\b]`, true, "a\bc", "\b"},
		{`a(?#comment)b`, true, "ab", "ab"},
		{`(?x) a b # comment
		   [ ] \  c`, true, "ab  c", "ab  c"},
		{`\bsh\b`, true, "zsh;sh", "sh"},
		{`\Bsh`, true, "sh zsh", "sh"},
		{`a|`, true, "b", ""},
		{`()`, true, "", ""},
		{`(a*)*b`, true, "aaab", "aaab"},
		{`(?:a(?=b))+`, false, "ab", "a"},
		{`x$y`, false, "xy", "-"},
		{`x$\n`, false, "x\n", "x\n"},
		{`.`, true, "\xff", "\xff"},
		{`a{1001}`, false, strings.Repeat("a", 1001), strings.Repeat("a", 1001)},
		{`K`, true, "K", "K"},
		{`(?i)k`, true, "\u212a", "\u212a"},
		{`a(?!b|c)d?`, false, "ab ad", "ad"},
		{`a(?!b|c)`, true, "ab ad", "a"},
		{`(?<=ab)c`, true, "abc", "c"},
		{`x(?<=x)c`, false, "xc", "xc"},
		{`x(?<!y)c`, false, "xc", "xc"},
		{`(?:a{0})b`, true, "b", "b"},
	} {
		p, err := Compile(tt.expr)
		if err != nil {
			t.Errorf("%s: %v", tt.expr, err)
			continue
		}
		if p.Linear() != tt.linear {
			t.Errorf("%s: linear is %v", tt.expr, p.Linear())
		}
		b := plenty()
		start, end, ok := p.Find(tt.text, b)
		got := "-"
		if ok {
			got = tt.text[start:end]
		}
		if got != tt.want {
			t.Errorf("%s on %q: found %q, want %q", tt.expr, tt.text, got, tt.want)
		}
		if p.Match(tt.text, b) != ok || b.Met {
			t.Errorf("%s on %q: Match disagrees with Find", tt.expr, tt.text)
		}
	}
}

// TestCompileErrors refuses what Python refuses, and what costs too much.
func TestCompileErrors(t *testing.T) {
	for expr, want := range map[string]string{
		`(`:                        "unterminated subpattern",
		`a)`:                       "unbalanced parenthesis",
		`[a`:                       "unterminated character set",
		`*a`:                       "nothing to repeat",
		`^*`:                       "nothing to repeat",
		`a**`:                      "multiple repeat",
		`a+{2}`:                    "multiple repeat",
		`a{3,2}`:                   "min repeat greater than max repeat",
		`a{70000}`:                 "repeats more than",
		`[z-a]`:                    "bad character range",
		`[\w-z]`:                   "bad character range",
		`\y`:                       `bad escape \y`,
		`\N{DIGIT ONE}`:            `bad escape \N`,
		`\x4`:                      `incomplete escape \x`,
		`\400`:                     "octal escape",
		`\1`:                       "invalid group reference",
		`(a\1)`:                    "cannot refer to an open group",
		`(?P=n)`:                   "unknown group name",
		`(?P<n>a)(?P<n>b)`:         "redefinition of group name",
		`(?P<1>a)`:                 "bad character in group name",
		`(?<=a+)b`:                 "look-behind requires fixed-width pattern",
		`(?q)`:                     "unknown extension",
		`(?L)a`:                    "needs a bytes pattern",
		`(?(9)a)`:                  "unknown group name",
		`(?#a`:                     "unterminated comment",
		"\xff":                     "not valid UTF-8",
		`((a{900}){900}){900}`:     "too large",
		strings.Repeat("(", 200):   "nested deeper",
		strings.Repeat("a", 1<<15): "longer than",
	} {
		if _, err := Compile(expr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %q", expr, err, want)
		}
	}
}

// TestBudget stops what would take exponential time, and says so, after the
// same number of steps each time.
func TestBudget(t *testing.T) {
	p, err := Compile(`(a+)+\1b`)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("a", 5000)
	left := -1
	for range 2 {
		b := &Budget{Steps: 1 << 30}
		if p.Match(text, b) || !b.Met {
			t.Fatal("matched, or met no bound")
		}
		if left >= 0 && b.Steps != left {
			t.Errorf("%d steps left, then %d", left, b.Steps)
		}
		left = b.Steps
	}
	linear, err := Compile(`a+b`)
	if err != nil {
		t.Fatal(err)
	}
	b := &Budget{Steps: 1000}
	if linear.Match(text, b) || !b.Met || b.Steps != 0 {
		t.Errorf("%+v after a text that costs more than there is", b)
	}
	if b = (&Budget{}); !linear.Match("aab"+text, b) || !b.Met {
		t.Error("the beginning of a text is always looked at")
	}
}

func TestLiterals(t *testing.T) {
	for expr, want := range map[string]string{
		`wget`:                         "wget",
		`(?i)WGET\s`:                   "wget",
		`i(?:p|fconfig)`:               "ip ifconfig",
		`\b(?:curl|wget)\s+ht`:         "curl wget",
		`cat\s+/etc/(?:passwd|shadow)`: "/etc/passwd /etc/shadow",
		`a?`:                           "",
		`[a-z]+`:                       "",
		`x*`:                           "",
		`colou?r`:                      "colour color",
		`(?=.*passwd)x`:                "passwd",
		`(?!passwd)x`:                  "x",
		`go{2}gle`:                     "google",
		`[Cc]rontab`:                   "crontab",
		`(?i)crontaſ`:                  "crontas",
		`(?i)straße`:                   "stra",
		`wget+x`:                       "wget",
	} {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(p.Literals(), " "); got != want {
			t.Errorf("%s: literals %q, want %q", expr, got, want)
		}
	}
}

// TestMore: the parts of a sequence are known one by one.
func TestMore(t *testing.T) {
	for expr, want := range map[string]string{
		`echo\s+"?\$\w+"?\s*\|\s*(?:ba)?sh\b`: `["$ $] [|] [bash sh]`,
		`wget`:                                "",
		`(?:a|b)x.*(?:c|de)y`:                 "[cy dey]",
		`wget\s.*get`:                         "", // what holds wget holds get
		`x(?=yz)`:                             "[x]",
		`(?:(?:ab)+c)*d`:                      "",
	} {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, set := range p.MoreLiterals() {
			got = append(got, fmt.Sprint(set))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", expr, s, want)
		}
	}
}

// TestLeast: a text shorter than every match is not searched, and no other is left out for
// its length.
func TestLeast(t *testing.T) {
	for expr, want := range map[string]int{
		``: 0, `a`: 1, `(?i)k`: 1, `é`: 1, `ab?c`: 2, `(?:abc|de)`: 2, `(?:ab){3,}`: 6, `^[48]\w{93}$`: 94, `a(?=bcd)`: 1, `(a)\1`: 1, `\bx\b`: 1,
	} {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		if p.least != want {
			t.Errorf("%s: %d bytes, want %d", expr, p.least, want)
		}
	}
}

// python is the expression as regexp2 reads it, or false where the two are
// known to differ.
func oracle(expr string) (*regexp2.Regexp, bool) {
	for _, differ := range []string{"\\", "$", "(?(", "(?P", "+", "{,", "[[", "#", "-[", "(?<", "(?a", "(?u", "(?L", "(?s", "(?x", "(?m", "(?i", "(?-"} {
		if strings.Contains(expr, differ) && differ != "+" {
			return nil, false
		}
	}
	if strings.Contains(expr, "++") || strings.Contains(expr, "*+") || strings.Contains(expr, "?+") || strings.Contains(expr, "}+") {
		return nil, false
	}
	re, err := regexp2.Compile(expr, regexp2.None)
	if err != nil {
		return nil, false
	}
	re.MatchTimeout = 50 * time.Millisecond
	return re, true
}

// FuzzPattern: the linear form, backtracking and regexp2 find a match at the same place,
// and a text that matches has a required literal.
func FuzzPattern(f *testing.F) {
	for _, s := range [][2]string{
		{`/etc/passwd(?=\s|/|$)`, "cat /etc/passwd\n"}, {`(?i)a(?!b)`, "AB aC"}, {`(?<!x)(a|ab)(c|bcd)*`, "xabcd"},
		{`a{2,3}?b|[^a-c]+`, "aaab"}, {`(?m)^x$`, "a\nx"}, {`(a*)*|b`, "b"}, {`\bfoo\B.`, "foob"}, {`(?:a|(?=b))+b`, "aab"},
		{`[ſk]`, "sKk\u212a"}, {`(?i)ſK`, "sk"}, {"(?s).\x00", "\xff\x00"}, {`()|a`, "a"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		if len(expr) > 200 || len(text) > 200 {
			return
		}
		n, groups, err := parse(expr)
		if err != nil {
			return
		}
		p, err := Compile(expr)
		if err != nil {
			return
		}
		prog := newProgram(n, groups)
		b := plenty()
		start, end, ok := prog.find(text, b)
		if b.Met {
			return
		}
		if p.Linear() {
			lstart, lend, lok := p.Find(text, plenty())
			first, again := p.Match(text, plenty()), p.Match(text, plenty()) // again: with the states of the first
			if first != lok || again != lok {
				t.Fatalf("%q (linear %s) on %q: the automaton says %v", expr, p.linear.expr, text, !lok)
			}
			if lok != ok || ok && lstart != start && len(p.linear.heads) == 0 {
				t.Fatalf("%q (linear %s) on %q: linear %v %d-%d, backtracking %v %d-%d", expr, p.linear.expr, text, lok, lstart, lend, ok, start, end)
			}
		}
		if ok && p.least > len(text) {
			t.Fatalf("%q matches %q, which is shorter than %d bytes", expr, text, p.least)
		}
		for _, set := range append(p.MoreLiterals(), p.Literals()) {
			if ok && len(set) > 0 && !slices.ContainsFunc(set, func(l string) bool { return strings.Contains(Fold(text), l) }) {
				t.Fatalf("%q matches %q, which holds none of %q", expr, text, set)
			}
		}
		if re, same := oracle(expr); same {
			m, err := re.FindStringMatch(text)
			if err != nil {
				return
			}
			if (m != nil) != ok {
				t.Fatalf("%q on %q: %v, regexp2 says %v", expr, text, ok, m != nil)
			}
		}
	})
}
