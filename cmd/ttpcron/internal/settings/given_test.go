package settings

import (
	"flag"
	"slices"
	"testing"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
)

// A flag's given value is parsed again at each reload, so every value that a flag takes
// must be printed in a form that it takes.
func TestGivenIsTakenAgain(t *testing.T) {
	flags := func() *flag.FlagSet {
		fs := cli.NewFlags()
		Share(fs)
		ShareDaemon(fs)
		return fs
	}
	texts := []string{"", "0", "0s", "0B", "1", "5s", "36h", "1d12h", "26w", "90d", "1000", "512MiB", "3 KiB", "true", "false", "a,b", " a", "18.1", "enterprise-v18.1"}
	flags().VisitAll(func(f *flag.Flag) {
		taken := 0
		for _, text := range texts {
			first, again := flags().Lookup(f.Name), flags().Lookup(f.Name)
			if first.Value.Set(text) != nil {
				continue
			}
			taken++
			for _, v := range cli.Values(first) {
				if err := again.Value.Set(v); err != nil {
					t.Errorf("--%s %q: %q is not taken again: %v", f.Name, text, v, err)
				}
			}
			if got, want := cli.Values(again), cli.Values(first); !slices.Equal(got, want) {
				t.Errorf("--%s %q: %q, read again %q", f.Name, text, want, got)
			}
		}
		if taken == 0 {
			t.Errorf("--%s takes none of %q", f.Name, texts)
		}
	})
}
