package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

func manCommand() *command {
	return &command{
		Name: "man", Args: "DIR", Short: "write manual pages to a folder", Bare: true,
		Text: `Writes ttpcron.1, a page for each command, such as ttpcron-run-once.1, and
ttpcron.toml.5 for the config file. The folder is created if necessary. Existing
pages are replaced; other files are left alone.`,
		Examples: "ttpcron man /usr/local/share/man/man1\nttpcron man /tmp/pages && man /tmp/pages/ttpcron-run-once.1",
		Exits:    []int{exitFailed},
		Run: func(ctx context.Context, s *session, args []string) error {
			if len(args) != 1 {
				return cli.Usage("man needs one folder", "such as ttpcron man /tmp/pages")
			}
			return writeManuals(s.out, args[0])
		},
	}
}

// manuals are all manual pages.
func manuals() []cli.Manual {
	pages := programOf(rootCommand()).Manuals(
		cli.ManualPart{Heading: "Files", Items: []cli.ManualItem{
			{Head: settings.SystemConfig, Text: "The config file of the machine, see ttpcron.toml(5)."},
			{Head: "$XDG_CONFIG_HOME/ttpcron/ttpcron.toml", Text: "Your own, where that of the machine is missing."},
			{Head: "/var/lib/ttpcron/ttpcron.db", Text: "The store of root and of the units of systemd."},
			{Head: "$XDG_STATE_HOME/ttpcron/ttpcron.db", Text: "Your own store."},
		}},
	)
	return append(pages, configManual())
}

// configManual is the page of the config file.
func configManual() cli.Manual {
	root := programOf(rootCommand()).Pages()
	m := cli.Manual{Name: "ttpcron.toml", Section: 5, Short: "config file of ttpcron"}
	m.Parts = append(m.Parts, cli.ManualPart{Heading: "Description", Text: `A file in TOML. A flag wins over the environment, and that over the file. Keys may be
spelled with _ for -. An unknown key is an error: it was meant to do something.
ttpcron-config-check(1) says what a file would do, and what is wrong with it.

  db = "/var/lib/ttpcron/ttpcron.db"
  inputs = ["/var/log/cowrie"]

  [daemon]
  keep-events = "90d"

  [[job]]
  name = "import"
  schedule = "*/15 * * * *"`})
	every := cli.ManualPart{Heading: "Keys above the first table", Items: []cli.ManualItem{{Head: settings.InputsKey, Text: "what run-once, the daemon and import without arguments read: a list of files, folders and patterns"}}}
	for _, f := range root.Shared {
		if f.Name != "config" {
			every.Items = append(every.Items, keyItem(f))
		}
	}
	m.Parts = append(m.Parts, every)
	for _, c := range root.Sub {
		part := cli.ManualPart{Heading: "[" + c.Name + "]"}
		for _, g := range c.Groups {
			for _, f := range g.Flags {
				if f.Name != settings.InputFlag {
					part.Items = append(part.Items, keyItem(f))
				}
			}
		}
		if c.Runs && len(part.Items) > 0 && len(c.Shared) > 0 {
			m.Parts = append(m.Parts, part)
		}
	}
	jobs := cli.ManualPart{Heading: "[[job]]", Text: "One table for each job of ttpcron-daemon(1)."}
	for _, key := range settings.JobKeys() {
		jobs.Items = append(jobs.Items, cli.ManualItem{Head: key.Name, Text: key.Text})
	}
	inputs := cli.ManualPart{Heading: "[[input]]", Text: "One table for files that need a setting, in addition to the key inputs."}
	for _, key := range settings.InputKeys() {
		inputs.Items = append(inputs.Items, cli.ManualItem{Head: key.Name, Text: key.Text})
	}
	m.Parts = append(m.Parts, jobs, inputs, cli.ManualPart{Heading: "See also", Text: "ttpcron(1), ttpcron-config-check(1), ttpcron-daemon(1)"})
	return m
}

// keyItem is a flag as a key of the config file.
func keyItem(f cli.FlagText) cli.ManualItem {
	item := cli.ManualItem{Head: f.Name, Text: f.Text}
	if f.Default != "" {
		item.Text += " (default " + f.Default + ")"
	}
	return item
}

// writeManuals writes the manual pages into a folder.
func writeManuals(out *term.Output, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	v := buildVersion()
	pages := manuals()
	for i := range pages {
		if err := os.WriteFile(filepath.Join(dir, pages[i].File()), []byte(pages[i].Roff(buildDay(), "ttpcron "+v)), 0o644); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "%s in %s\n", term.Plural(len(pages), "page", "pages"), term.Clean(dir))
	return err
}

// buildDay is the day of the commit that the program was built from, as YYYY-MM-DD; empty
// where the build does not know it.
func buildDay() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			if t, err := time.Parse(time.RFC3339, s.Value); err == nil {
				return t.UTC().Format(time.DateOnly)
			}
		}
	}
	return ""
}
