package cli

import (
	"fmt"
	"slices"
	"strings"
)

// Shells are those that [Completion] knows.
func Shells() []string { return []string{"bash", "zsh", "fish"} }

// Completion makes the script by which a shell completes the commands of a program. The
// script runs no program, and asks nothing but the shell.
//
// Values are what flags and arguments can be, beyond what the flags know themselves: by
// "--flag", by "command --flag", which goes before that, or by the name of a command for
// its arguments. Topics are pages of help.
func Completion(shell string, root *Page, values map[string][]string, topics []string) (string, error) {
	if !slices.Contains(Shells(), shell) {
		return "", Usage(fmt.Sprintf("%q is no shell that is known", shell), "shells are "+strings.Join(Shells(), ", "))
	}
	m := completions{values: values, topics: topics, lists: map[string]string{}}
	m.add(root)
	switch shell {
	case "bash":
		return m.bash(), nil
	case "zsh":
		return m.zsh(), nil
	}
	return m.fish(), nil
}

// Completions for values that are not in a list.
const (
	byNothing = "any"
	byFiles   = "files"
	byFolders = "dirs"
	noValue   = "none" // of a flag that takes none
)

// completions are what scripts for all shells say.
type completions struct {
	values map[string][]string
	topics []string

	commands []completedCommand
	lists    map[string]string // the list of some values, by the values
	inOrder  [][]string
}

type completedCommand struct {
	path  string // " rules show", empty for the program
	sub   []described
	flags []completedFlag
	args  string // what completes its arguments
}

type described struct{ name, text string }

type completedFlag struct {
	described
	by     string
	letter string // its second name, empty for none
}

// add takes in a command and all below it.
func (m *completions) add(p *Page) {
	c := completedCommand{args: m.args(p)}
	if p.Name != "" {
		c.path = " " + p.Name
	}
	for _, s := range p.Sub {
		c.sub = append(c.sub, described{s.Last(), s.Short})
	}
	if p.Name == "" {
		c.sub = append(c.sub, described{"help", "tell more of a command"})
		c.flags = append(c.flags, completedFlag{described{"--version", "print the version"}, noValue, ""})
	}
	for _, g := range p.Groups {
		for _, f := range g.Flags {
			c.flags = append(c.flags, m.flag(p, f))
		}
	}
	for _, f := range p.Shared {
		c.flags = append(c.flags, m.flag(p, f))
	}
	c.flags = append(c.flags, completedFlag{described{"--help", "tell more of the command"}, noValue, ""})
	m.commands = append(m.commands, c)
	for _, s := range p.Sub {
		m.add(s)
	}
}

func (m *completions) flag(p *Page, f FlagText) completedFlag {
	done := completedFlag{described{"--" + f.Name, f.Text}, byNothing, f.Letter}
	switch {
	case f.Arg == "":
		done.by = noValue
	case m.values[p.Name+" --"+f.Name] != nil:
		done.by = m.list(m.values[p.Name+" --"+f.Name])
	case m.values["--"+f.Name] != nil:
		done.by = m.list(m.values["--"+f.Name])
	case f.Values != nil:
		done.by = m.list(f.Values)
	default:
		done.by = byPlace(f.Arg)
	}
	return done
}

func (m *completions) args(p *Page) string {
	if list := m.values[p.Name]; list != nil && p.Name != "" {
		return m.list(list)
	}
	return byPlace(p.Args)
}

// byPlace completes what a word in capitals stands for.
func byPlace(arg string) string {
	switch {
	case strings.Contains(arg, "FILE"), strings.Contains(arg, "PATH"):
		return byFiles
	case strings.Contains(arg, "DIR"):
		return byFolders
	}
	return byNothing
}

// list names a list of values, the same for the same values.
func (m *completions) list(values []string) string {
	key := strings.Join(values, "\x00")
	if m.lists[key] == "" {
		m.lists[key] = fmt.Sprintf("list%d", len(m.inOrder)+1)
		m.inOrder = append(m.inOrder, values)
	}
	return m.lists[key]
}

// kinds yields the completion of each flag's value, and of each command's arguments,
// except for the commonest one.
func (m *completions) kinds(put func(path, flag, by string)) {
	for _, c := range m.commands {
		for _, f := range c.flags {
			if f.by != byNothing {
				put(c.path, f.name, f.by)
				if f.letter != "" {
					put(c.path, "--"+f.letter, f.by) // scripts look both forms up with two
				}
			}
		}
		if c.args != byNothing {
			put(c.path, "", c.args)
		}
	}
}

// firstWords is a text, cut to what fits next to a flag in a list.
func firstWords(text string) string {
	first, _, _ := strings.Cut(Wrap(text, 50), "\n")
	if first != text {
		first += " …"
	}
	return first
}
