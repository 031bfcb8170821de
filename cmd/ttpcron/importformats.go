package main

import (
	"fmt"
	"strings"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/importer"
)

// recordJSON is a type of record as import --list-formats --json prints it.
type recordJSON struct {
	Format string   `json:"format"`
	Title  string   `json:"title"`
	Record string   `json:"record"`
	Kinds  []string `json:"kinds"`
	Why    string   `json:"why"`
}

// listFormats prints what becomes of the records of each format.
func listFormats(out *term.Output, c *importer.Catalog, args []string, asJSON bool) error {
	if len(args) > 0 {
		return cli.Usage("--list-formats takes no paths", "--explain FILE says what a file is")
	}
	if asJSON {
		return listFormatsJSON(out, c)
	}
	for i, f := range c.Formats() {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "%s: %s\n", f.Name, term.Clean(f.Title))
		wide := 0
		for _, r := range f.RecordTypes() {
			wide = max(wide, len(term.Clean(r.Name)))
		}
		for _, r := range f.RecordTypes() {
			becomes := "ignored"
			if kinds := kindsOf(r); len(kinds) > 0 {
				becomes = strings.Join(kinds, ", ")
			}
			fmt.Fprintf(out, "  %-*s  %s\n", wide, term.Clean(r.Name), becomes)
			if r.Why != "" {
				fmt.Fprintf(out, "      %s\n", strings.ReplaceAll(cli.Wrap(r.Why, 74), "\n", "\n      "))
			}
		}
	}
	fmt.Fprint(out, "\n", cli.Wrap("Records of any other type are ignored, and counted by their type. docs/events.md says what the kinds are.", 80), "\n")
	return nil
}

func listFormatsJSON(out *term.Output, c *importer.Catalog) error {
	for _, f := range c.Formats() {
		for _, r := range f.RecordTypes() {
			if err := out.JSON(recordJSON{f.Name, f.Title, r.Name, kindsOf(r), r.Why}); err != nil {
				return err
			}
		}
	}
	return nil
}

// kindsOf are the kinds that a type of record becomes.
func kindsOf(r importer.RecordType) []string {
	names := []string{}
	for _, kind := range r.Kinds {
		names = append(names, string(kind))
	}
	return names
}
