package cli

import (
	"flag"
	"fmt"
	"slices"
	"strings"
)

// usage is the help of a command.
func (p *Program[S]) usage(c *Command[S]) string {
	var b strings.Builder
	name := strings.TrimSpace("ttpcron " + c.Name)
	fmt.Fprintf(&b, "%s - %s\n\nUSAGE\n  %s\n\n", name, c.Short, strings.TrimSpace(name+" [flags] "+c.Args))
	if c.Text != "" {
		fmt.Fprintf(&b, "%s\n\n", strings.TrimSpace(c.Text))
	}
	if len(c.Sub) > 0 {
		b.WriteString("COMMANDS\n")
		last := func(s *Command[S]) string { return s.Name[strings.LastIndexByte(s.Name, ' ')+1:] }
		width := 12
		for _, s := range c.Sub {
			width = max(width, len(last(s))+1)
		}
		for _, s := range c.Sub {
			fmt.Fprintf(&b, "  %-*s %s\n", width, last(s), s.Short)
		}
		fmt.Fprintf(&b, "\n%s COMMAND --help tells more.\n\n", name)
	}
	if own := flagLines(c.Flags, func(name string) bool { return !slices.Contains(p.Shared, name) }); own != "" {
		fmt.Fprintf(&b, "FLAGS\n%s\n", own)
	}
	if !c.Bare && !c.Terse {
		fmt.Fprintf(&b, "SHARED FLAGS\n%s\n", flagLines(c.Flags, func(name string) bool { return slices.Contains(p.Shared, name) }))
		b.WriteString("Every flag can also be set as TTPCRON_NAME in the environment, and most in the\nconfig file; a flag wins over the environment, and that over the file.\n\n")
	}
	if c.Examples != "" {
		b.WriteString("EXAMPLES\n")
		for _, line := range strings.Split(c.Examples, "\n") {
			fmt.Fprintf(&b, "  %s\n", line)
		}
		b.WriteString("\n")
	}
	b.WriteString("EXIT STATUS\n")
	codes := append([]int{p.Done, p.Usage}, c.Exits...)
	slices.Sort(codes)
	for _, code := range codes {
		fmt.Fprintf(&b, "  %3d  %s\n", code, p.Exits[code])
	}
	return strings.TrimRight(b.String(), "\n")
}

// flagLines describes the flags that a filter takes.
func flagLines(fs *flag.FlagSet, take func(string) bool) string {
	var b strings.Builder
	fs.VisitAll(func(f *flag.Flag) {
		if !take(f.Name) {
			return
		}
		arg, text := flag.UnquoteUsage(f)
		if v, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && v.IsBoolFlag() {
			arg = ""
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
			text += " (default " + f.DefValue + ")"
		}
		head := strings.TrimSpace("--" + f.Name + " " + arg)
		if len(head) > 20 {
			fmt.Fprintf(&b, "  %s\n  %20s", head, "")
		} else {
			fmt.Fprintf(&b, "  %-20s", head)
		}
		b.WriteString("  " + strings.ReplaceAll(Wrap(text, 56), "\n", "\n"+strings.Repeat(" ", 24)) + "\n")
	})
	return b.String()
}
