package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// TestNewCommand adds a command to the tree, and nothing else: it has help, is in
// the list, is suggested for a mistyped name, and gets its settings and store.
func TestNewCommand(t *testing.T) {
	env := map[string]string{"TTPCRON_CONFIG": os.DevNull, "TTPCRON_DB": filepath.Join(t.TempDir(), "t.db"), "TTPCRON_COLOUR": "blue"}
	root := func() *command {
		fs := cli.NewFlags()
		colour := fs.String("colour", "red", "the `COLOUR`")
		r := rootCommand()
		r.Sub = append(r.Sub, &command{
			Name: "paint", Short: "paint the store", Flags: fs, Examples: "ttpcron paint",
			Run: func(ctx context.Context, s *session, args []string) error {
				db, err := s.stores.Write(ctx)
				if err != nil {
					return err
				}
				defer db.Close()
				last, err := db.History.LastSeq(ctx)
				fmt.Fprintln(s.out, *colour, args, last)
				return err
			},
		})
		return r
	}
	for _, tt := range []struct{ args, out, err string }{
		{"paint", "blue [] 0\n", ""},
		{"paint wall --colour green", "green [wall] 0\n", ""},
		{"paint --help", "COLOUR", ""},
		{"--help", "  paint ", ""},
		{"help paint", "ttpcron paint - paint the store", ""},
		{"paints", "", "unknown command \"paints\""},
		{"paint --color green", "", "unknown flag --color"},
	} {
		var out strings.Builder
		p := quiet(env)
		p.out = term.NewOutput(&out, &out, env)
		help, err := p.commands(root()).Run(t.Context(), strings.Fields(tt.args))
		_ = p.out.Flush() // to a builder
		if got := out.String() + help; !strings.Contains(got, tt.out) {
			t.Errorf("%s prints %s", tt.args, got)
		}
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v", tt.args, err)
		}
	}
}
