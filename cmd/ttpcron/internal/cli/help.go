package cli

import (
	"fmt"
	"strings"
)

// Topic is a page of help that is of no command.
type Topic struct {
	Name, Short string
	Text        string // lines, ready to print
}

// helpWidth is how wide help is, in characters.
const helpWidth = 80

// Topics are the help pages that are not a command's: the program's, and one about the
// flags that all commands share.
func (p *Program[S]) topics() []Topic {
	flags := Topic{Name: "flags", Short: "shared flags, environment and config file"}
	var b strings.Builder
	b.WriteString("Every command takes these flags, before or after its name or after its arguments.\n\n")
	for _, f := range p.page(p.Root).Shared {
		b.WriteString(flagLines(f))
	}
	flags.Text = b.String() + "\n" + p.SharedText + "\n"
	exits := Topic{Name: "exit", Short: "what exit codes mean"}
	b.Reset()
	for _, code := range p.page(p.Root).Exits {
		fmt.Fprintf(&b, "  %3d  %s\n", code, p.Exits[code].Text)
	}
	exits.Text = b.String()
	return append([]Topic{flags, exits}, p.Topics...)
}

// TopicNames are the names of the pages of help that are of no command.
func (p *Program[S]) TopicNames() (names []string) {
	for _, t := range p.topics() {
		names = append(names, t.Name)
	}
	return names
}

// topic is the help page with a name, or empty. Commands go first.
func (p *Program[S]) topic(name string) string {
	for _, t := range p.topics() {
		if t.Name == name && p.Root.sub(name) == nil {
			return fmt.Sprintf("ttpcron help %s - %s\n\n%s", t.Name, t.Short, t.Text)
		}
	}
	return ""
}

// usage is the help of a command.
func (p *Program[S]) usage(c *Command[S]) string {
	page := p.page(c)
	var b strings.Builder
	fmt.Fprintf(&b, "%s - %s\n\nUSAGE\n  %s\n\n", page.Title(), page.Short, page.Usage())
	if page.Text != "" {
		fmt.Fprintf(&b, "%s\n\n", page.Text)
	}
	writeCommands(&b, page)
	if page.Name == "" {
		b.WriteString("HELP TOPICS\n")
		for _, t := range p.topics() {
			fmt.Fprintf(&b, "  %-14s %s\n", t.Name, t.Short)
		}
		b.WriteString("\n")
	}
	if len(page.Sub) > 0 {
		topic := ""
		if page.Name == "" {
			topic = " or ttpcron help TOPIC"
		}
		fmt.Fprintf(&b, "For more: %s COMMAND --help%s.\n\n", page.Title(), topic)
	}
	for _, g := range page.Groups {
		b.WriteString(heading(g.Heading, "FLAGS") + "\n")
		for _, f := range g.Flags {
			b.WriteString(flagLines(f))
		}
		b.WriteString("\n")
	}
	if len(page.Shared) > 0 {
		var names []string
		for _, f := range page.Shared {
			names = append(names, "--"+f.Name)
		}
		b.WriteString("SHARED FLAGS\n" + indented("see ttpcron help flags: "+strings.Join(names, ", ")) + "\n")
	}
	if page.Examples != "" {
		b.WriteString("EXAMPLES\n")
		for _, line := range strings.Split(page.Examples, "\n") {
			fmt.Fprintf(&b, "  %s\n", line)
		}
		b.WriteString("\n")
	}
	var codes []string
	for _, code := range page.Exits {
		codes = append(codes, fmt.Sprintf("%d %s", code, p.Exits[code].Word))
	}
	b.WriteString("EXIT STATUS\n" + indented(strings.Join(codes, ", ")+": ttpcron help exit"))
	return strings.TrimRight(b.String(), "\n")
}

// Title is how the command is called, with the name of the program.
func (p *Page) Title() string { return strings.TrimSpace("ttpcron " + p.Name) }

// Usage is how the command is called, with what stands for flags and arguments.
func (p *Page) Usage() string {
	flags := " [flags] "
	if len(p.Groups)+len(p.Shared) == 0 {
		flags = " "
	}
	return strings.TrimSpace(p.Title() + flags + p.Args)
}

// Last is the last word of the name.
func (p *Page) Last() string { return p.Name[strings.LastIndexByte(p.Name, ' ')+1:] }

// writeCommands lists the commands of a group, under their headings.
func writeCommands(b *strings.Builder, page *Page) {
	if len(page.Sub) == 0 {
		return
	}
	width := 14
	for _, s := range page.Sub {
		width = max(width, len(s.Last()))
	}
	for _, h := range page.Headings() {
		b.WriteString(heading(h, "COMMANDS") + "\n")
		for _, s := range page.Sub {
			if s.Heading == h {
				fmt.Fprintf(b, "  %-*s %s\n", width, s.Last(), s.Short)
			}
		}
		b.WriteString("\n")
	}
}

// Headings are the headings of the commands of a group, in order; that of commands
// without one, empty, is the last.
func (p *Page) Headings() (all []string) {
	rest := false
	seen := map[string]bool{}
	for _, s := range p.Sub {
		rest = rest || s.Heading == ""
		if s.Heading != "" && !seen[s.Heading] {
			seen[s.Heading] = true
			all = append(all, s.Heading)
		}
	}
	if rest {
		all = append(all, "")
	}
	return all
}

func heading(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	if strings.HasPrefix(text, "--") {
		return "WITH " + text
	}
	return strings.ToUpper(text)
}

// indented wraps a paragraph, two columns from the left.
func indented(text string) string {
	return "  " + strings.ReplaceAll(Wrap(text, helpWidth-2), "\n", "\n  ") + "\n"
}

// flagLines describes a flag.
func flagLines(f FlagText) string {
	text := f.Text
	if f.Default != "" {
		text += " (default " + f.Default + ")"
	}
	head := f.Head()
	start := fmt.Sprintf("  %-20s", head)
	if len(head) > 20 {
		start = fmt.Sprintf("  %s\n  %20s", head, "")
	}
	return start + "  " + strings.ReplaceAll(Wrap(text, 56), "\n", "\n"+strings.Repeat(" ", 24)) + "\n"
}
