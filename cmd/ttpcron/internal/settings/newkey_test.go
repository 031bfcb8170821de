package settings

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
)

// A flag that is added to a command becomes an environment variable and a config key
// automatically, and its values are checked.
func TestNewFlagIsKeyAndVariable(t *testing.T) {
	added := func() *flag.FlagSet {
		fs := cli.NewFlags()
		fs.Int("colour-depth", 8, "")
		return fs
	}
	file := filepath.Join(t.TempDir(), "c.toml")
	for _, tt := range []struct {
		name, text, variable string
		given                Given
		want                 string // the value, or the error
	}{
		{"default", "", "", nil, "8"},
		{"file", "[paint]\ncolour-depth = 16\n", "", nil, "16"},
		{"file, with _", "[paint]\ncolour_depth = 16\n", "", nil, "16"},
		{"environment over the file", "[paint]\ncolour-depth = 16\n", "24", nil, "24"},
		{"flag over both", "[paint]\ncolour-depth = 16\n", "24", Given{"colour-depth": {"32"}}, "32"},
		{"no number in the file", "[paint]\ncolour-depth = \"deep\"\n", "", nil, "config " + file + `: paint.colour-depth is "deep", want a whole number, such as 10 (line 2)`},
		{"no number in the environment", "", "deep", nil, `TTPCRON_COLOUR_DEPTH is "deep", want a whole number, such as 10`},
		{"in the wrong place", "colour-depth = 16\n", "", nil, "config " + file + ": unknown key colour-depth (line 1)"},
	} {
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := &Reader{
			Env:      map[string]string{"TTPCRON_CONFIG": file, "TTPCRON_COLOUR_DEPTH": tt.variable, "STATE_DIRECTORY": t.TempDir()},
			Commands: func() map[string]*flag.FlagSet { return map[string]*flag.FlagSet{"paint": added()} },
		}
		fs := added()
		Share(fs)
		for name, values := range tt.given { // as parsing the command line does
			if err := fs.Set(name, values[0]); err != nil {
				t.Fatal(err)
			}
		}
		_, err := r.Read(Request{Command: "paint", Flags: fs, Given: tt.given})
		got := fs.Lookup("colour-depth").Value.String()
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
