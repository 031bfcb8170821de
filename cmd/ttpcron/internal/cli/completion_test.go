package cli

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// odd is a word that every shell must take literally.
const odd = "a'b\"c `touch bad`$(touch bad);\\ *~!"

// shellProgram is a program with one of everything that completion distinguishes.
func shellProgram() *Program[none] {
	run := func(context.Context, none, []string) error { return nil }
	do := NewFlags()
	do.Var(&OneOf{Value: "red", Values: []string{"red", "rose", "blue", odd}}, "colour", "the `COLOUR`, which is "+odd)
	do.Bool("json", false, "print JSON")
	do.String("in", "", "read `FILE`")
	do.String("size", "", "of `SIZE`")
	return &Program[none]{
		Share:  func(fs *flag.FlagSet) { fs.String("level", "", "the `LEVEL`") },
		Shared: []string{"level"},
		Exits:  map[int]Exit{},
		Topics: []Topic{{Name: "paints"}},
		Root: &Command[none]{Sub: []*Command[none]{
			{Name: "paint", Short: "paint it: " + odd, Sub: []*Command[none]{{Name: "paint wall", Flags: do, Args: "ID", Run: run}, {Name: "paint floor", Args: "DIR", Run: run}}},
			{Name: "read", Args: "[FORMAT:]PATH...", Run: run},
		}},
	}
}

// How each shell is asked: the words of a line are its arguments, and the last of them is
// being typed. It prints one candidate a line.
var askShell = map[string]string{
	"bash": `source "$SCRIPT"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ttpcron; for r in "${COMPREPLY[@]}"; do if [[ -e $r ]]; then printf '%s\n' "$r"; else eval "printf '%s\n' $r"; fi; done`,
	"zsh": `compdef() { : }; source "$SCRIPT"
compadd() { while [[ $1 != -- ]]; do shift; done; shift; local w; for w in "$@"; do [[ $w == ${words[CURRENT]##*=}* ]] && print -r -- "$w"; done }
_describe() { local w; for w in "${(@P)@[-1]}"; do w=${w%%:*}; [[ $w == ${words[CURRENT]}* ]] && print -r -- "$w"; done }
_files() { if [[ $1 == -/ ]]; then for w in ${words[CURRENT]}*(/N); do print -r -- $w; done; else for w in ${words[CURRENT]}*(N); do print -r -- $w; done; fi }
compset() { : }
words=("$@"); CURRENT=$#; _ttpcron`,
	"fish": `source $SCRIPT; set -l line; for w in $argv[1..-2]; set -a line (string escape -- $w); end; set -a line "$argv[-1]"
for c in (complete -C (string join ' ' -- $line)); string replace -r '\t.*' '' -- $c | string replace -r '/$' ''; end`,
}

// ask runs a shell on a script and a line.
func ask(t *testing.T, shell, script string, words []string) []string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"one.db", "with space.db"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	args := map[string][]string{
		"bash": {"--norc", "--noprofile", "-c", askShell["bash"], "bash"},
		"zsh":  {"-f", "-c", askShell["zsh"], "zsh"},
		"fish": {"--no-config", "-c", askShell["fish"]},
	}[shell]
	cmd := exec.Command(shell, append(args, words...)...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "SCRIPT=" + file, "LANG=C.UTF-8", "XDG_CONFIG_HOME=" + t.TempDir(), "XDG_DATA_HOME=" + t.TempDir()}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && shell != "zsh" && shell != "fish" || stderr.Len() > 0 {
		t.Errorf("%s: %v: %s", strings.Join(words, " "), err, stderr.String())
	}
	if _, err := os.Stat(filepath.Join(dir, "bad")); err == nil {
		t.Errorf("%s: a word of the script was run", strings.Join(words, " "))
	}
	got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	slices.Sort(got)
	return slices.DeleteFunc(got, func(s string) bool { return s == "" })
}

// TestCompletion asks the shells themselves.
func TestCompletion(t *testing.T) {
	for _, shell := range Shells() {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				t.Skipf("%s IS NOT INSTALLED: its completion is not tested", shell)
			}
			p := shellProgram()
			script, err := Completion(shell, p.Pages(), map[string][]string{"--level": {"low", "high"}, "paint wall": {"north", "south"}}, []string{"paints"})
			if err != nil {
				t.Fatal(err)
			}
			for _, tt := range []struct{ line, want string }{
				{"", "help|paint|read"},
				{"p", "paint"},
				{"paint|", "floor|wall"},
				{"paint|w", "wall"},
				{"paint|wall|", "north|south"},
				{"paint|wall|--j", "--json"},
				{"paint|wall|--json|s", "south"},
				{"paint|wall|--colour|", "blue|red|rose|" + odd},
				{"paint|wall|--colour|r", "red|rose"},
				{"paint|wall|-colour|b", "blue"},
				{"paint|wall|--size|1|n", "north"},
				{"paint|wall|--size|", ""},
				{"paint|wall|--in|", "folder|one.db|with space.db"},
				{"paint|floor|", "folder"},
				{"read|", "folder|one.db|with space.db"},
				{"--level|", "high|low"},
				{"--level|low|pa", "paint"},
				{"paint|wall|x|--level|h", "high"},
				{"read|--|--l", ""},
				{"help|", "help|paint|paints|read"},
				{"help|paint|f", "floor"},
				{"no-such|p", ""},
			} {
				words := append([]string{"ttpcron"}, strings.Split(tt.line, "|")...)
				want := strings.Split(tt.want, "|")
				slices.Sort(want)
				want = slices.DeleteFunc(want, func(s string) bool { return s == "" })
				got := ask(t, shell, script, words)
				if !slices.Equal(got, want) {
					t.Errorf("%q: %q, want %q", words, got, want)
				}
			}
		})
	}
	if _, err := Completion("tcsh", shellProgram().Pages(), nil, nil); err == nil {
		t.Error("a shell that is not known has completion")
	}
}
