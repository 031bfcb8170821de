package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/jsontext"
)

func (a *app) importCommand() *command {
	var o struct {
		format                string
		again                 bool
		final, rejected, json bool
	}
	fs := a.flags()
	fs.StringVar(&o.format, "format", importer.Auto, "`NAME` of the format of the files: "+formatNames())
	fs.BoolVar(&o.final, "final", false, "the files will not grow: read a last line that has no newline too")
	fs.BoolVar(&o.again, "again", false, "read the files from their beginning, also what was read of them before; events that are there stay as they are")
	fs.BoolVar(&o.rejected, "rejected", false, "list the lines that could not be used, and import nothing")
	fs.BoolVar(&o.json, "json", false, "print one JSON object a line: file, format, lines, new, known, ignored, before_horizon, rejected")
	return &command{
		name: "import", args: "[FORMAT:]PATH...", short: "read honeypot logs into the store", fs: fs,
		text:     importText(),
		examples: "ttpcron import /var/log/cowrie\nttpcron import --format cowrie 'logs/cowrie.json*'\nttpcron import decnet:/var/lib/decnet/decnet.db\nzcat old.json.gz | ttpcron import -\nttpcron import --rejected",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if o.rejected {
				return a.listRejects(ctx, args, o.json)
			}
			return a.importFiles(ctx, args, importOptions{o.format, o.again, o.final, o.json})
		},
	}
}

func importText() string {
	var b strings.Builder
	b.WriteString(`Reads files, folders with all that is below them, patterns, .gz files, and - for
standard input. Without a PATH the inputs of the config file are read. Importing
is idempotent: an event is known by its content, however often its file is
renamed, rotated, compressed or read again. A file that has grown is read from
where it stood. Lines that cannot be used are counted, kept with their reason
(--rejected lists them) and never stop the rest; a file that cannot be read is
reported, and the others are imported.

Folders in which sensors keep what attackers sent are not entered unless you name
them. Their names are, or begin or end with,`)
	b.WriteString("\n" + wrap(strings.Join(importer.CaptureFolders(), ", "), 80))
	b.WriteString(`.
Native events and databases can speak for any sensor, so they are read only where
you name the file, a pattern that it matches, or the folder that it lies in, and
not from folders further down.

FORMATS
  auto         recognised by content
`)
	for _, f := range importer.Formats() {
		fmt.Fprintf(&b, "  %-12s %s\n", f.Name, f.Title)
	}
	return b.String()
}

// checkFormat refuses a format that does not exist.
func checkFormat(name string) error {
	names := []string{importer.Auto}
	for _, f := range importer.Formats() {
		names = append(names, f.Name)
	}
	if slices.Contains(names, name) {
		return nil
	}
	e := &usageError{fmt.Sprintf("unknown format %q", name), "ttpcron import --help lists the formats"}
	if near := nearest(name, names); near != "" {
		e.hint = fmt.Sprintf("did you mean %s? ttpcron import --help lists the formats", near)
	}
	return e
}

type importOptions struct {
	format             string
	again, final, json bool
}

func (a *app) importFiles(ctx context.Context, args []string, o importOptions) error {
	if err := checkFormat(o.format); err != nil {
		return err
	}
	if len(args) == 0 {
		args = a.set.inputs
	}
	if len(args) == 0 {
		return &usageError{"nothing to import", "name files or folders: ttpcron import /var/log/cowrie"}
	}
	inputs, err := a.inputs(args, o.format, o.final)
	if err != nil {
		return err
	}
	if o.again {
		forgetPositions(inputs)
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	show, notes := a.newProgress(), fileNotes{app: a}
	im := jobs.Import{Archive: db, Inputs: inputs, Now: a.now, Progress: show.update, Done: func(f jobs.FileReport) {
		notes.add(f)
		if o.json {
			_ = a.writeJSON(appendFileJSON(nil, f)) // an error of it is reported in the end
		}
	}}
	files, err := im.Run(ctx)
	show.done()
	notes.end()
	if !o.json {
		if terr := a.fileTable(files); terr != nil && err == nil {
			err = terr
		}
	}
	var total ttpcron.ImportReport
	for _, f := range files {
		total.Add(f.ImportReport)
	}
	a.warnHorizon(total)
	if cerr := db.Close(); err == nil {
		err = cerr
	}
	return err
}

// forgetPositions makes inputs be read from their beginning.
func forgetPositions(inputs []jobs.Input) {
	for i := range inputs {
		open := inputs[i].Open
		inputs[i].Open = func(ctx context.Context, known jobs.Known) (jobs.File, error) {
			return open(ctx, jobs.Known{Moved: known.Moved})
		}
	}
}

func appendFileJSON(b []byte, f jobs.FileReport) []byte {
	b = append(b, `{"file":`...)
	b = jsontext.AppendString(b, f.File)
	b = append(b, `,"format":`...)
	b = jsontext.AppendString(b, f.Format)
	b = fmt.Appendf(b, `,"lines":%d,"new":%d,"known":%d,"changed":%d,"ignored":%d,"before_horizon":%d,"rejected":%d,"rejected_known":%d`, f.Lines, f.New, f.Known, f.Changed, f.Ignored, f.BeforeHorizon, f.Rejected, f.RejectedKnown)
	if f.Err != nil {
		b = append(b, `,"error":`...)
		b = jsontext.AppendString(b, f.Err.Error())
	}
	return append(b, "}\n"...)
}

// fileTable prints what became of each file, and of all of them.
func (a *app) fileTable(files []jobs.FileReport) error {
	t := table{columns: []column{
		{title: "FILE", min: 16, tail: true, sgr: cyan}, {title: "FORMAT"}, {title: "LINES", right: true}, {title: "NEW", right: true, sgr: green},
		{title: "KNOWN", right: true}, {title: "IGNORED", right: true}, {title: "REJECTED", right: true}, {title: ""},
	}}
	var total ttpcron.ImportReport
	row := func(r ttpcron.ImportReport, remark string) {
		t.add(r.File, r.Format, count(r.Lines), count(r.New), count(r.Known), count(r.Ignored), count(r.Rejected), remark)
	}
	passed := 0
	for _, f := range files {
		remark := ""
		switch {
		case f.Passed:
			passed++
			remark = "passed over"
		case errors.Is(f.Err, context.Canceled):
			remark = "interrupted"
		case f.Err != nil:
			remark = "failed"
		case f.BeforeHorizon > 0:
			remark = count(f.BeforeHorizon) + " before the horizon"
		case f.Changed > 0:
			remark = plural(f.Changed, "id re-used", "ids re-used")
		}
		row(f.ImportReport, remark)
		total.Add(f.ImportReport)
	}
	if len(files) > 1 {
		total.File = "total"
		row(total, "")
	}
	if err := t.print(a.stdout, a.out); err != nil {
		return err
	}
	if passed > 0 && passed == len(files) {
		a.note("nothing was read: ttpcron import --help lists the formats that are")
	}
	if total.Rejected > 0 {
		a.note("%s could not be used%s: ttpcron import --rejected lists them", plural(total.Rejected, "line", "lines"), knownRejects(total))
	}
	return nil
}

// knownRejects says how many of the lines that could not be used are no news.
func knownRejects(r ttpcron.ImportReport) string {
	if r.RejectedKnown == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s known)", count(r.RejectedKnown))
}

// listRejects prints the lines that could not be used.
func (a *app) listRejects(ctx context.Context, args []string, asJSON bool) error {
	if len(args) > 0 {
		return &usageError{"--rejected takes no paths", "without --rejected the files are imported"}
	}
	db, err := a.readStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	t := table{columns: []column{
		{title: "FILE", min: 16, tail: true, sgr: cyan}, {title: "LINE", right: true}, {title: "FORMAT"}, {title: "REASON", min: 20, sgr: yellow}, {title: "EXCERPT", min: 20},
	}}
	for r, err := range db.Rejects(ctx) {
		if err != nil {
			return err
		}
		if asJSON {
			if err := a.writeJSON(appendRejectJSON(nil, r)); err != nil {
				return err
			}
			continue
		}
		t.add(r.File, fmt.Sprint(r.Line), r.Format, r.Reason, string(bytes.TrimSpace(r.Excerpt[:min(len(r.Excerpt), 200)])))
	}
	if err := t.print(a.stdout, a.out); err != nil {
		return err
	}
	if len(t.rows) == 0 && !asJSON {
		a.note("no line was rejected")
	}
	dropped, err := db.RejectsDropped(ctx)
	if err == nil && dropped > 0 {
		a.note("%s older ones were dropped to keep the list short, of the files that had most", count(dropped))
	}
	return err
}

func appendRejectJSON(b []byte, r ttpcron.Reject) []byte {
	b = append(b, `{"file":`...)
	b = jsontext.AppendString(b, r.File)
	b = fmt.Appendf(b, `,"line":%d,"format":`, r.Line)
	b = jsontext.AppendString(b, r.Format)
	b = append(b, `,"reason":`...)
	b = jsontext.AppendString(b, r.Reason)
	b = append(b, `,"excerpt":`...)
	b = jsontext.AppendString(b, string(r.Excerpt))
	b = append(b, `,"at":`...)
	b = jsontext.AppendString(b, r.At.UTC().Format(time.RFC3339Nano))
	return append(b, "}\n"...)
}
