package settings

import (
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
)

// Tables [[input]] join the key inputs, and jobs that name no inputs read them.
func TestInputTables(t *testing.T) {
	read := func(config string) (*Daemon, error) {
		n := nodetest.New(t, config, "../../testdata/rules")
		env := n.Vars()
		delete(env, "TTPCRON_INPUTS")
		delete(env, "TTPCRON_INPUT")
		r := Reader{Env: env, Commands: daemonTable}
		c, err := r.Daemon(nil)
		if err == nil {
			err = c.File.Err()
		}
		return c, err
	}
	c, err := read(`inputs = ["/var/log/cowrie"]
[[input]]
path = "/var/log/auth.log"
zone = "Europe/Berlin"
year = 2026
[[input]]
path = ["/a", "events:/b"]
format = "cowrie"
host = "web-1"
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"auto,zone=Europe/Berlin,year=2026:/var/log/auth.log", "cowrie,host=web-1:/a", "cowrie,host=web-1:events:/b"}
	if got := c.Inputs[1:]; !slices.Equal(got, want) || !slices.Equal(c.Jobs[0].Inputs, c.Inputs) {
		t.Errorf("inputs %q of job %q, want %q", c.Inputs, c.Jobs[0].Inputs, want)
	}
	for config, want := range map[string]string{
		"[[input]]\nzone = \"UTC\"\n":                                        "input has no path (line 1)",
		"[[input]]\npath = \"a\"\nzone = \"Nowhere\"\n":                      `zone "Nowhere" is not known; want a name such as Europe/Berlin or UTC (line 3)`,
		"[[input]]\npath = \"a\"\nzone = 1\n":                                "input.zone is no text in quotes (line 3)",
		"[[input]]\npath = \"a\"\nyear = 20\n":                               `year "20" is not a year from 1970 to 9999 (line 3)`,
		"[[input]]\npath = \"a\"\nhost = \"a b\"\n":                          `host "a b" is not a name of letters, digits and . _ - (line 3)`,
		"[[input]]\npath = \"a\"\nformat = \"cowire\"\n":                     `input.format is "cowire", which is not the name of a format (line 3)`,
		"[[input]]\npath = \"a\"\ncolour = \"red\"\n":                        "unknown key input.colour (line 3)",
		"[[input]]\npath = [\"a\", \"\"]\n":                                  "input.path is no text in quotes, and no list of them (line 2)",
		"[input]\npath = \"a\"\n":                                            "[input] is one table, and inputs are a list of them (line 1)",
		"inputs = [\"a\"]\n[[input]]\npath = [\"b\", \"c\"]\npath = \"d\"\n": "toml",
	} {
		if _, err := read(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", config, err, want)
		}
	}
}
