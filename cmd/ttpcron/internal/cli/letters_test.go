package cli

import (
	"context"
	"flag"
	"slices"
	"strings"
	"testing"
)

// A flag with a letter is one flag under two names.
func TestLetter(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-o a", "a"}, {"-o=a", "a"}, {"--output a", "a"}, {"--o a", "a"}, {"-o -", "-"}, {"x -o a", "a"}, {"-o a --output b", "b"}, {"--output b -o a", "a"}, {"", "none"},
	} {
		fs := NewFlags()
		output := fs.String("output", "none", "write to `FILE`")
		Letter(fs, "o", "output")
		quiet := fs.Bool("quiet", false, "say nothing")
		Letter(fs, "q", "quiet")
		var given map[string][]string
		c := &Command[int]{Name: "write", Flags: fs, Run: func(context.Context, int, []string) error { return nil }}
		p := &Program[int]{Root: &Command[int]{Sub: []*Command[int]{c}}, Share: func(*flag.FlagSet) {}, Open: func(c *Command[int]) (int, error) {
			given = c.Given()
			return 0, nil
		}}
		if _, err := p.Run(t.Context(), append(strings.Fields("write -q "+tt.args), strings.Fields(tt.args)...)); err != nil {
			t.Fatalf("%s: %v", tt.args, err)
		}
		if *output != tt.want || !*quiet {
			t.Errorf("%s: output %q, quiet %v", tt.args, *output, *quiet)
		}
		if tt.args != "" && !slices.Equal(given["output"], []string{tt.want}) || given["o"] != nil || given["q"] != nil {
			t.Errorf("%s: %v is given", tt.args, given)
		}
		help, err := p.Run(t.Context(), []string{"write", "--help"})
		if err != nil || !strings.Contains(help, "  -o, --output FILE ") || strings.Contains(help, "  --o ") || strings.Count(help, "write to FILE") != 1 {
			t.Errorf("%v, help:\n%s", err, help)
		}
	}
}
