package cli

import (
	"fmt"
	"strings"
)

// Manual is a manual page.
type Manual struct {
	Name    string // such as ttpcron-run-once
	Section int    // 1 for a command, 5 for a file
	Short   string
	Parts   []ManualPart
}

// ManualPart is what stands under a heading: paragraphs, then a list. Lines that begin
// with spaces stay as they are.
type ManualPart struct {
	Heading string
	Text    string
	Items   []ManualItem
}

// ManualItem is an entry of a list. In its head, words in capitals stand for others.
type ManualItem struct{ Head, Text string }

// File is the name of the page's file.
func (m *Manual) File() string { return fmt.Sprintf("%s.%d", m.Name, m.Section) }

// Manuals makes the pages of the program and of all its commands. Parts are appended to
// that of the program.
func (p *Program[S]) Manuals(parts ...ManualPart) []Manual {
	root := p.Pages()
	var all []Manual
	var walk func(*Page)
	walk = func(page *Page) {
		all = append(all, p.manual(page))
		for _, s := range page.Sub {
			walk(s)
		}
	}
	walk(root)
	all[0].Parts = append(all[0].Parts, parts...)
	return all
}

// manual is the page of a command.
func (p *Program[S]) manual(page *Page) Manual {
	m := Manual{Name: page.ManualName(), Section: 1, Short: page.Short}
	m.add("Synopsis", "  "+page.Usage())
	m.add("Description", page.Text)
	for _, h := range page.Headings() {
		var items []ManualItem
		for _, s := range page.Sub {
			if s.Heading == h {
				items = append(items, ManualItem{s.ManualName() + "(1)", s.Short})
			}
		}
		m.add(heading(h, "Commands"), "", items...)
	}
	for _, g := range page.Groups {
		m.add(heading(g.Heading, "Flags"), "", flagItems(g.Flags)...)
	}
	switch {
	case page.Name == "":
		m.add("Shared flags", "", flagItems(page.Shared)...)
		m.add("Environment", p.SharedText)
	case len(page.Shared) > 0:
		m.add("Shared flags", "Those of every command are in ttpcron(1), with environment and config file: "+strings.Join(flagNames(page.Shared), ", ")+".")
	}
	m.add("Examples", "  "+strings.ReplaceAll(page.Examples, "\n", "\n  "))
	var exits []ManualItem
	for _, code := range page.Exits {
		exits = append(exits, ManualItem{fmt.Sprint(code), p.Exits[code].Text})
	}
	m.add("Exit status", "", exits...)
	return m
}

// ManualName is the name of the command's manual page, without its section.
func (p *Page) ManualName() string { return strings.ReplaceAll(p.Title(), " ", "-") }

// add appends a part, unless nothing is in it.
func (m *Manual) add(heading, text string, items ...ManualItem) {
	if strings.TrimSpace(text) != "" || len(items) > 0 {
		m.Parts = append(m.Parts, ManualPart{heading, text, items})
	}
}

func flagNames(flags []FlagText) (names []string) {
	for _, f := range flags {
		names = append(names, "--"+f.Name)
	}
	return names
}

func flagItems(flags []FlagText) (items []ManualItem) {
	for _, f := range flags {
		text := f.Text
		if f.Default != "" {
			text += " (default " + f.Default + ")"
		}
		items = append(items, ManualItem{f.Head(), text})
	}
	return items
}

// Roff writes the page in the language of manual pages, for man(1) of groff and of
// mandoc. Date is that of the page, and may be empty; by names what it belongs to, such
// as "ttpcron 1.2".
func (m *Manual) Roff(date, by string) string {
	var b strings.Builder
	b.WriteString(`.\" Made by: ttpcron man` + "\n")
	fmt.Fprintf(&b, ".TH \"%s\" %d \"%s\" \"%s\"\n", roff(strings.ToUpper(m.Name)), m.Section, roff(date), roff(by))
	fmt.Fprintf(&b, ".SH NAME\n%s\n\\- %s\n", roff(m.Name), roff(m.Short))
	for _, part := range m.Parts {
		fmt.Fprintf(&b, ".SH \"%s\"\n", roff(strings.ToUpper(part.Heading)))
		roffText(&b, part.Text)
		for _, item := range part.Items {
			b.WriteString(".TP\n" + roffHead(item.Head) + "\n")
			if item.Text == "" {
				b.WriteString("\\&\n")
			}
			roffLines(&b, item.Text)
		}
	}
	return b.String()
}

// roffText writes paragraphs. Lines that begin with spaces are unchanged.
func roffText(b *strings.Builder, text string) {
	first := true
	for block := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		var plain []string
		flush := func() {
			if len(plain) == 0 {
				return
			}
			if !first {
				b.WriteString(".PP\n")
			}
			first = false
			roffLines(b, strings.Join(plain, " "))
			plain = nil
		}
		lines := strings.Split(block, "\n")
		for i := 0; i < len(lines); i++ {
			if !strings.HasPrefix(lines[i], " ") {
				plain = append(plain, lines[i])
				continue
			}
			flush()
			if !first {
				b.WriteString(".PP\n")
			}
			first = false
			b.WriteString(".RS 4\n.nf\n")
			for ; i < len(lines) && strings.HasPrefix(lines[i], " "); i++ {
				b.WriteString(noRequest(roff(strings.TrimPrefix(lines[i], "  "))) + "\n")
			}
			i--
			b.WriteString(".fi\n.RE\n")
		}
		flush()
	}
}

// roffLines writes a paragraph in lines.
func roffLines(b *strings.Builder, text string) {
	for line := range strings.SplitSeq(Wrap(roff(text), 78), "\n") {
		if line != "" {
			b.WriteString(noRequest(line) + "\n")
		}
	}
}

// noRequest keeps a line that begins with a dot or a quote from being a request.
func noRequest(text string) string {
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, `\(aq`) || strings.HasPrefix(text, " ") {
		text = `\&` + text
	}
	return text
}

// roffHead is the head of an entry: placeholders are italic.
func roffHead(head string) string {
	words := strings.Split(head, " ")
	for i, w := range words {
		font := "B"
		if i > 0 {
			font = "I"
		}
		words[i] = `\f` + font + roff(w) + `\fR`
	}
	return strings.Join(words, " ")
}

// roff escapes what has a meaning in the language of manual pages.
func roff(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '\'':
			b.WriteString(`\(aq`)
		case r == '"':
			b.WriteString(`\(dq`)
		case r == '`':
			b.WriteString(`\(ga`)
		case r == '^':
			b.WriteString(`\(ha`)
		case r == '~':
			b.WriteString(`\(ti`)
		case r < ' ' || r == 0x7f:
			b.WriteByte(' ')
		case r > 0x7f:
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
