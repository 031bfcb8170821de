package cli

import (
	"flag"
	"slices"
	"strings"
)

// Page is what there is to say of a command. Help, manual pages and completion are
// made of it, so that a new command or flag is in all of them.
type Page struct {
	Name     string // as typed, with the group's name; empty for the program itself
	Heading  string // under which its group lists it; may be empty
	Args     string
	Short    string
	Text     string
	Examples string
	Exits    []int // all its exit codes, in order
	Runs     bool  // it does something by itself; false for a group of commands

	Groups []FlagGroup // its own flags; that without a heading is the first
	Shared []FlagText  // the flags that it shares with others; none where it takes none
	Sub    []*Page
}

// FlagGroup is flags that help lists under one heading.
type FlagGroup struct {
	Heading string
	Flags   []FlagText
}

// FlagText is what there is to say of a flag.
type FlagText struct {
	Name    string
	Letter  string // its second name; empty for nearly all
	Arg     string // what stands for its value; empty for a flag without
	Text    string
	Default string // empty where it goes without saying
	Repeats bool
	Values  []string // what it can be, where that is a list
}

// FlagsOf names flags for a heading: those that a function defines.
func FlagsOf(heading string, define func(*flag.FlagSet)) FlagGroup {
	fs := NewFlags()
	define(fs)
	g := FlagGroup{Heading: heading}
	fs.VisitAll(func(f *flag.Flag) { g.Flags = append(g.Flags, flagText(f)) })
	return g
}

// Under puts commands under a heading in the help of their group.
func Under[S any](heading string, commands ...*Command[S]) []*Command[S] {
	for _, c := range commands {
		c.Heading = heading
	}
	return commands
}

// Pages makes the page of the program, with those of all commands below it.
func (p *Program[S]) Pages() *Page {
	if p.byFlags == nil {
		p.byFlags = map[*flag.FlagSet]*Command[S]{}
		p.root = p.build(p.Root, nil)
	}
	return p.page(p.Root)
}

func (p *Program[S]) page(c *Command[S]) *Page {
	page := &Page{Name: c.Name, Heading: c.Heading, Args: c.Args, Short: c.Short, Text: strings.TrimSpace(c.Text), Examples: c.Examples, Runs: c.Run != nil}
	page.Exits = append([]int{p.Done, p.Usage}, c.Exits...)
	slices.Sort(page.Exits)
	page.Groups = p.grouped(c)
	if !c.Bare {
		for _, name := range p.Shared {
			page.Shared = append(page.Shared, flagText(c.Flags.Lookup(name)))
		}
	}
	for _, s := range c.Sub {
		page.Sub = append(page.Sub, p.page(s))
	}
	return page
}

// fewFlags is how many flags of a group that many commands share need no heading.
const fewFlags = 3

// grouped puts the command's own flags under headings.
func (p *Program[S]) grouped(c *Command[S]) []FlagGroup {
	heading := map[string]string{}
	var headings []string
	claim := func(g FlagGroup, few int) {
		var names []string
		for _, f := range g.Flags {
			if c.Flags.Lookup(f.Name) != nil && heading[f.Name] == "" {
				names = append(names, f.Name)
			}
		}
		if len(names) <= few {
			return
		}
		headings = append(headings, g.Heading)
		for _, name := range names {
			heading[name] = g.Heading
		}
	}
	for _, g := range p.FlagGroups {
		claim(g, fewFlags)
	}
	for _, g := range c.FlagGroups {
		claim(g, 0)
	}
	byHeading := map[string][]FlagText{}
	letter := letters(c.Flags)
	c.Flags.VisitAll(func(f *flag.Flag) {
		if LetteredFlag(f) == "" && (c.Bare || !slices.Contains(p.Shared, f.Name)) {
			text := flagText(f)
			text.Letter = letter[f.Name]
			byHeading[heading[f.Name]] = append(byHeading[heading[f.Name]], text)
		}
	})
	var groups []FlagGroup
	for _, h := range slices.Concat([]string{""}, headings) {
		if len(byHeading[h]) > 0 {
			groups = append(groups, FlagGroup{h, byHeading[h]})
		}
	}
	return groups
}

// Head is how the flag is typed, under each of its names.
func (f *FlagText) Head() string {
	head := strings.TrimSpace("--" + f.Name + " " + f.Arg)
	if f.Letter != "" {
		head = "-" + f.Letter + ", " + head
	}
	return head
}

// flagText describes a flag.
func flagText(f *flag.Flag) FlagText {
	arg, text := flag.UnquoteUsage(f)
	t := FlagText{Name: f.Name, Arg: arg, Text: text}
	if isBool(f.Value) {
		t.Arg = ""
	}
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
		t.Default = f.DefValue
	}
	t.Repeats = strings.Contains(text, "can be repeated")
	if v, ok := f.Value.(interface{ Choices() []string }); ok {
		t.Values = v.Choices()
	}
	return t
}
