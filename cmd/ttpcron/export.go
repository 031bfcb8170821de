package main

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/export"
)

type exportOptions struct {
	tagSelection
	format, output string
	passwords      bool
	own            ttpcron.Networks
	now            time.Time
}

// formatChoice is a format with the flags that it alone has.
type formatChoice struct {
	export.Format
	write export.Write
	flags []string
}

func exportCommand() *command {
	var o exportOptions
	fs := cli.NewFlags()
	o.define(fs)
	cli.TextVar(fs, &o.format, "format", "write the format `NAME`: see the list above")
	fs.StringVar(&o.output, "output", "", "write to `PATH`, which appears only when complete (default: standard output)")
	fs.BoolVar(&o.passwords, "with-passwords", false, "do not mask captured passwords")
	var choices []formatChoice
	var groups []cli.FlagGroup
	for _, f := range export.Formats() {
		own := cli.NewFlags()
		choice := formatChoice{Format: f, write: f.New(own)}
		own.VisitAll(func(f *flag.Flag) {
			choice.flags = append(choice.flags, f.Name)
			fs.Var(f.Value, f.Name, strings.TrimPrefix(f.Usage, choice.Name+": "))
		})
		choices = append(choices, choice)
		groups = append(groups, cli.FlagsOf("--format "+f.Name, func(fs *flag.FlagSet) { f.New(fs) }))
	}
	return &command{
		Name: "export", Short: "write tags in a format that another system reads", Flags: fs, FlagGroups: groups,
		Text: `Writes the selected tags, newest first, in one of these formats:

` + formatList() + `
The same store and flags give the same bytes. Tags keep their UUIDs, so loading
them twice makes no duplicates. Nothing is written that a receiver would take for
an alert of today.

Captured passwords are masked unless you give --with-passwords. Ids of events
and tags are hashes over what was recorded, so anyone who has an export can
still test password guesses against them. What attackers typed is never masked,
even if it contains a password.`,
		Examples: `ttpcron export --format csv --since 30d --output tags.csv
ttpcron export --format jsonl --min-level high | jq .technique_name`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return cli.Usage(err.Error(), "name the form with --format, the file with --output")
			}
			f, err := chooseFormat(choices, o.format)
			if err != nil {
				return err
			}
			if err := checkGiven(choices, f, fs); err != nil {
				return err
			}
			if f.To != export.Stream && o.output == "" {
				return cli.Usage(fmt.Sprintf("--format %s writes no stream", f.Name), "name what to write with --output PATH")
			}
			if f.OneSession && o.q.Session == "" {
				return cli.Usage(fmt.Sprintf("--format %s needs a session", f.Name), "name one with --session ID: ttpcron tags shows them")
			}
			o.now, o.own = s.now(), s.set.OwnNetworks
			if err := o.check(o.now, s.set.Attack); err != nil {
				return err
			}
			return exportTags(ctx, s, f, &o)
		},
	}
}

// formatList lists the formats for help.
func formatList() string {
	var b strings.Builder
	for _, f := range export.Formats() {
		fmt.Fprintf(&b, "  %-11s  %s\n", f.Name, f.Short)
	}
	return b.String()
}

// chooseFormat finds the format that was named.
func chooseFormat(choices []formatChoice, name string) (*formatChoice, error) {
	var names []string
	var chosen *formatChoice
	for i := range choices {
		names = append(names, choices[i].Name)
		if choices[i].Name == name {
			chosen = &choices[i]
		}
	}
	hint := "formats are " + strings.Join(names, ", ")
	if name == "" {
		return nil, cli.Usage("--format is missing", hint)
	}
	if chosen == nil {
		if near := cli.Nearest(name, names); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		return nil, cli.Usage(fmt.Sprintf("--format %q is not known", name), hint)
	}
	return chosen, nil
}

// checkGiven refuses flags of other formats, and an output that has no name.
func checkGiven(choices []formatChoice, chosen *formatChoice, fs *flag.FlagSet) (err error) {
	fs.Visit(func(f *flag.Flag) {
		for _, c := range choices {
			if slices.Contains(c.flags, f.Name) && c.Name != chosen.Name {
				err = cli.Usagef("--%s is of --format %s alone", f.Name, c.Name)
			}
		}
		if f.Name == "output" && f.Value.String() == "" {
			err = cli.Usage("--output is empty", "name a file or folder, or leave the flag out for standard output")
		}
	})
	return err
}

func exportTags(ctx context.Context, s *session, f *formatChoice, o *exportOptions) error {
	out := s.out
	db, err := s.stores.Read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := o.begin(ctx, out, db); err != nil {
		return err
	}
	program := buildVersion()
	at, err := db.History.Moment(ctx)
	if err != nil {
		return err
	}
	o.q.UpTo = at.Seq
	j := &export.Job{
		Query: o.q, Table: o.under, Passwords: o.passwords, Version: program, Note: out.Note,
		Tags: func(ctx context.Context, q ttpcron.TagQuery) iter.Seq2[*export.Tag, error] {
			return o.exported(o.tagsOf(ctx, db, q))
		},
		Window: func(since, until string) (ttpcron.Window, error) { return cli.Window(since, until, o.now) },
	}
	if err := writeExport(ctx, out, s.stores.DB, f, o.output, j); err != nil {
		return err
	}
	if o.output != "" {
		out.Note("wrote %s", term.Clean(o.output))
	}
	o.noteLacking(out)
	if err := o.end(ctx, s, db); err != nil {
		return err
	}
	return streamed(ctx, out, db, at)
}

// exported yields tags as formats take them.
func (o *exportOptions) exported(tags iter.Seq2[*shownTag, error]) iter.Seq2[*export.Tag, error] {
	return func(yield func(*export.Tag, error) bool) {
		for t, err := range tags {
			if err != nil {
				yield(nil, err)
				return
			}
			e := exportedTag(t, o.own)
			if !o.passwords {
				e.MaskPasswords()
			}
			if !yield(&e, nil) {
				return
			}
		}
	}
}

func exportedTag(t *shownTag, own ttpcron.Networks) export.Tag {
	return export.Tag{Tag: t.Tag, Shown: t.Shown, UUID: t.UUID().String(), Mark: t.Mark(own), Checked: checkedByRules(&t.Tag)}
}
