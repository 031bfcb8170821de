// Package cli is the command line: a tree of commands with their help, the flags
// that they take, and mistakes in calling them. It knows nothing of what commands
// do; the tree itself is in package main.
//
// Start with [Program]. What parses arguments is ffcli; what this package adds is
// flags behind arguments, suggestions for mistyped names, and one form of help.
package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"
)

// Command is one command: what help says of it, and what it does. S is what its
// program opens for it when its flags have been read.
type Command[S any] struct {
	Name     string // as typed, with the group's name: "checkpoint show"
	Args     string // what follows the flags
	Short    string // one line
	Text     string // paragraphs
	Examples string // one a line, without indentation
	Exits    []int  // exit codes beyond done and usage
	// Flags are those of the command alone; the program adds the shared ones. Nil
	// for none.
	Flags *flag.FlagSet
	// Run does it. Nil for a group.
	Run func(ctx context.Context, s S, args []string) error
	Sub []*Command[S] // of a group

	// Heading is what the help of its group lists it under; see [Under].
	Heading string
	// FlagGroups are flags that help shows under headings of their own, beyond the
	// groups of the program. Only the names of their flags count.
	FlagGroups []FlagGroup

	Bare     bool // takes no shared flags, and runs without settings
	Raw      bool // reads the settings itself
	Unstored bool // has work that needs no store, nor a place for one

	group *Command[S]
}

// NewFlags returns a flag set for the flags of one command. It prints nothing and
// never exits.
func NewFlags() *flag.FlagSet {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(new(strings.Builder))
	return fs
}

// Has reports whether the command has a flag with that name.
func (c *Command[S]) Has(name string) bool { return c.Flags != nil && c.Flags.Lookup(name) != nil }

// Each calls do for the command and all below it.
func (c *Command[S]) Each(do func(*Command[S])) {
	do(c)
	for _, s := range c.Sub {
		s.Each(do)
	}
}

// Given lists the flags that were given on the command line, to the command or to
// the groups above it, with their values. Where a flag takes one value the
// command's own wins; lists are joined. It does not change the flags.
func (c *Command[S]) Given() map[string][]string {
	given := map[string][]string{}
	for ; c != nil; c = c.group {
		c.Flags.Visit(func(f *flag.Flag) {
			if name := LetteredFlag(f); name != "" {
				f = c.Flags.Lookup(name)
			}
			_, list := f.Value.(*List)
			if list || given[f.Name] == nil {
				given[f.Name] = append(Values(f), given[f.Name]...)
			}
		})
	}
	return given
}

// Values are the values that a flag has, as its Set takes them.
func Values(f *flag.Flag) []string {
	if l, ok := f.Value.(*List); ok {
		return append([]string{}, *l...)
	}
	return []string{f.Value.String()}
}

// Exit is what an exit code means: in a word or two, and in a sentence.
type Exit struct{ Word, Text string }

// sub is a group's command with a name, or nil.
func (c *Command[S]) sub(name string) *Command[S] {
	for _, s := range c.Sub {
		if s.Name[strings.LastIndexByte(s.Name, ' ')+1:] == name {
			return s
		}
	}
	return nil
}

// Program is a tree of commands.
type Program[S any] struct {
	Root *Command[S]
	// Share defines the flags that every command has, except those that are Bare.
	Share func(*flag.FlagSet)
	// Shared lists the names of these flags, and SharedText is what help says below them.
	Shared     []string
	SharedText string
	// FlagGroups are flags that many commands have: where a command has more than a few
	// of a group, help shows them under its heading.
	FlagGroups []FlagGroup
	// First is what to begin with, for who gives no command.
	First string
	// Topics are further pages of help.
	Topics []Topic
	// Version is the command that runs for --version and -V, with any command or none. A
	// --json beside them is its flag.
	Version string
	// Open makes what a command that is about to run works with, from the flags
	// that were given to it.
	Open func(c *Command[S]) (S, error)
	// Exits are the exit codes, with what each means.
	Exits map[int]Exit
	// Done and Usage are the exit codes that every command may return.
	Done, Usage int

	help    strings.Builder // what flag sets print
	asked   bool            // the arguments began with help
	literal []string        // arguments behind "--", which are never flags
	current *ffcli.Command  // the command whose usage was asked for last
	root    *ffcli.Command
	byFlags map[*flag.FlagSet]*Command[S]
}

// Run parses arguments and runs the command that they name. It returns the text
// of help when that was asked for. Errors in the arguments are usage errors.
func (p *Program[S]) Run(ctx context.Context, args []string) (help string, err error) {
	p.byFlags = map[*flag.FlagSet]*Command[S]{}
	p.root = p.build(p.Root, nil)
	if text := p.asTopic(args); text != "" {
		return text, nil
	}
	if len(args) > 0 && args[0] == "help" {
		args, p.asked = append(args[1:len(args):len(args)], "--help"), true
	}
	for i, arg := range args {
		if arg == "--" {
			args, p.literal = args[:i], args[i+1:]
			break
		}
	}
	if err := p.root.Parse(args); err != nil {
		err = p.parseError(err)
		switch {
		case errors.Is(err, flag.ErrHelp):
			return p.help.String(), nil
		case errors.Is(err, errVersion):
			return "", p.exec(ctx, p.Root.sub(p.Version), versionFlags(args))
		}
		return "", err
	}
	if err = p.root.Run(ctx); errors.Is(err, flag.ErrHelp) {
		return p.help.String(), nil
	}
	return "", err
}

// asTopic is the topic page that the arguments ask for, if it is not a command's.
func (p *Program[S]) asTopic(args []string) string {
	if len(args) > 0 && args[0] == "help" {
		args = args[1:]
	}
	if len(args) == 2 && (args[1] == "--help" || args[1] == "-h") {
		args = args[:1]
	}
	if len(args) != 1 {
		return ""
	}
	return p.topic(args[0])
}

// build turns a command, with all below it, into a node of ffcli's tree.
func (p *Program[S]) build(c, group *Command[S]) *ffcli.Command {
	c.group = group
	if c.Flags == nil {
		c.Flags = NewFlags()
	}
	c.Flags.SetOutput(&p.help)
	if !c.Bare {
		p.Share(c.Flags)
	}
	p.byFlags[c.Flags] = c
	node := &ffcli.Command{Name: c.Name[strings.LastIndexByte(c.Name, ' ')+1:], ShortHelp: c.Short, FlagSet: c.Flags}
	for _, s := range c.Sub {
		node.Subcommands = append(node.Subcommands, p.build(s, c))
	}
	node.UsageFunc = func(n *ffcli.Command) string {
		p.current = n
		p.help.Reset() // an error that the flag package prints there is reported elsewhere
		return p.usage(c)
	}
	if c.Run != nil {
		node.Exec = func(ctx context.Context, args []string) error { return p.exec(ctx, c, args) }
	}
	return node
}

// exec runs a command whose first flags have been parsed.
func (p *Program[S]) exec(ctx context.Context, c *Command[S], args []string) error {
	args, err := interspersed(c.Flags, args)
	if err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return flagError(err, c)
	}
	if len(args) == 1 && args[0] == "help" && len(p.literal) == 0 {
		return p.helpOf(c)
	}
	s, err := p.Open(c)
	if err != nil {
		return err
	}
	return c.Run(ctx, s, append(args, p.literal...))
}

// helpOf marks a command's help as requested.
func (p *Program[S]) helpOf(c *Command[S]) error {
	p.help.Reset()
	fmt.Fprintln(&p.help, p.usage(c))
	return flag.ErrHelp
}

// interspersed parses flags after arguments, which the flag package leaves alone, and
// returns the arguments.
func interspersed(fs *flag.FlagSet, args []string) ([]string, error) {
	var plain []string
	for len(args) > 0 {
		if len(args[0]) < 2 || args[0][0] != '-' {
			plain, args = append(plain, args[0]), args[1:]
			continue
		}
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		args = fs.Args()
	}
	return plain, nil
}

// parseError explains what ffcli could not parse.
func (p *Program[S]) parseError(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	var none ffcli.NoExecError
	if !errors.As(err, &none) {
		c := p.Root
		if p.current != nil {
			c = p.byFlags[p.current.FlagSet]
		}
		if text := err.Error(); p.Version != "" && (strings.HasSuffix(text, undefined+"version") || strings.HasSuffix(text, undefined+"V")) {
			return errVersion
		}
		return flagError(err, c)
	}
	c, rest := p.byFlags[none.Command.FlagSet], none.Command.FlagSet.Args()
	if len(rest) > 0 && rest[0] == "help" {
		for rest = rest[1:]; len(rest) > 0 && c.sub(rest[0]) != nil; rest = rest[1:] {
			c = c.sub(rest[0])
		}
		if len(rest) == 0 || strings.HasPrefix(rest[0], "-") {
			return p.helpOf(c)
		}
		p.asked = true
	}
	return p.unknown(c, rest)
}

// unknown explains that a group has no command of the name that arguments begin with.
func (p *Program[S]) unknown(c *Command[S], rest []string) error {
	where := strings.TrimSpace("ttpcron " + c.Name)
	var names []string
	for _, s := range c.Sub {
		names = append(names, s.Name[strings.LastIndexByte(s.Name, ' ')+1:])
	}
	if len(rest) == 0 && c == p.Root {
		return &UsageError{"no command given", p.First}
	}
	if len(rest) == 0 {
		return &UsageError{"no command given", fmt.Sprintf("%s --help lists them: %s", where, strings.Join(names, ", "))}
	}
	e := &UsageError{fmt.Sprintf("unknown command %q", strings.TrimSpace(c.Name+" "+rest[0])), fmt.Sprintf("%s --help lists the commands", where)}
	if p.asked {
		where = strings.TrimSpace("ttpcron help " + c.Name)
	}
	if p.asked && c == p.Root {
		for _, t := range p.topics() {
			names = append(names, t.Name)
		}
	}
	if near := cmp.Or(completed(rest[0], names), Nearest(rest[0], names)); near != "" {
		e.Hint = fmt.Sprintf("did you mean %s %s?", where, near)
	} else if there := p.elsewhere(rest[0]); there != nil {
		e.Hint = fmt.Sprintf("did you mean ttpcron %s?", there.Name)
	}
	return e
}

// errVersion says that the version was asked for.
var errVersion = errors.New("version")

// versionFlags are the flags that are allowed with --version.
func versionFlags(args []string) []string {
	for _, arg := range args {
		if arg == "--json" || arg == "-json" {
			return []string{"--json"}
		}
	}
	return nil
}

// completed is the one name that begins with what was typed.
func completed(typed string, names []string) string {
	if len(typed) < 3 {
		return ""
	}
	return oneFrom(typed, names)
}

// elsewhere is the command with that name in another group than the requested one, or nil.
func (p *Program[S]) elsewhere(name string) (found *Command[S]) {
	p.Root.Each(func(c *Command[S]) {
		if found == nil && c.Name != "" && c.Name[strings.LastIndexByte(c.Name, ' ')+1:] == name {
			found = c
		}
	})
	return found
}
