package cli

import (
	"context"
	"flag"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A shared flag can come before the command, after its group and after arguments. Lists
// are joined in that order; for any other flag the one nearest to the command counts.
func TestGiven(t *testing.T) {
	for args, want := range map[string]string{
		"group do":                               "",
		"--rules a group --rules b do --rules c": "rules=a,b,c",
		"--rules a --rules b group do":           "rules=a,b",
		"group do x --rules a y --rules b":       "rules=a,b",
		"--level a group --level b do":           "level=b",
		"--level a group do --level b":           "level=b",
		"--level a group do --level=":            "level=",
		"--keep 0 group do":                      "keep=0",
		"group do -- --keep 0":                   "",
	} {
		var given map[string][]string
		p := Program[none]{
			Share: func(fs *flag.FlagSet) {
				fs.Var(new(List), "rules", "")
				fs.String("level", "", "")
				fs.Var(new(Age), "keep", "")
			},
			Open: func(c *Command[none]) (none, error) { given = c.Given(); return none{}, nil },
			Root: &Command[none]{Sub: []*Command[none]{{Name: "group", Sub: []*Command[none]{{
				Name: "group do", Run: func(context.Context, none, []string) error { return nil },
			}}}}},
		}
		if _, err := p.Run(t.Context(), strings.Fields(args)); err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		var got []string
		for _, name := range slices.Sorted(maps.Keys(given)) {
			got = append(got, name+"="+strings.Join(given[name], ","))
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: got %q, want %q", args, text, want)
		}
	}
}

type none struct{}
