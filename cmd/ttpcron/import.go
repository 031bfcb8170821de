package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/inputs"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/retention"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/jsontext"
)

func importCommand() *command {
	var o struct {
		format                string
		again                 bool
		final, rejected, json bool
		listFormats, explain  bool
		settings              importer.Settings
	}
	fs := cli.NewFlags()
	fs.StringVar(&o.format, "format", importer.Auto, "format `NAME` of the files, such as cowrie; --list-formats lists them")
	fs.Var(setting{&o.settings, "zone"}, "zone", "time `ZONE` of files whose times name none, such as Europe/Berlin")
	fs.Var(setting{&o.settings, "year"}, "year", "`YEAR` in which files begin whose times have none")
	fs.Var(setting{&o.settings, "host"}, "host", "`NAME` of the real host whose logs these are, if they do not say")
	fs.Var(setting{&o.settings, "sensor"}, "sensor", "`NAME` of the sensor, for records that name none")
	fs.BoolVar(&o.final, "final", false, "the files will not grow: also read a last line without a newline")
	fs.BoolVar(&o.again, "again", false, "read files from the beginning, even if they were read before; known events stay as they are")
	fs.BoolVar(&o.rejected, "rejected", false, "list the lines that could not be used; import nothing")
	fs.BoolVar(&o.explain, "explain", false, "show how each file was recognised and what was not understood; import nothing")
	fs.BoolVar(&o.listFormats, "list-formats", false, "list the formats and what becomes of their records; import nothing")
	fs.BoolVar(&o.json, "json", false, "print one JSON object a line: file, format, lines, new, known, ignored, before_horizon, rejected, new_kinds, ignored_types and more")
	return &command{
		Name: "import", Args: "[FORMAT:]PATH...", Short: "read honeypot logs into the store", Flags: fs, Unstored: true,
		Text:     importText(),
		Examples: "ttpcron import /var/log/cowrie\nttpcron import --format cowrie 'logs/cowrie.json*'\nttpcron import decnet:/var/lib/decnet/decnet.db\nzcat old.json.gz | ttpcron import -\nttpcron import --rejected\nttpcron import --explain cowrie.json\nttpcron import --list-formats",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if o.listFormats {
				return listFormats(s.out, s.set.Formats, args, o.json)
			}
			if o.rejected {
				return listRejects(ctx, s.out, s.stores, args, o.json)
			}
			how := importOptions{o.format, o.settings, o.again, o.final, o.json}
			if o.explain {
				return explainFiles(ctx, s, args, how)
			}
			return importFiles(ctx, s, args, how)
		},
	}
}

func importText() string {
	var b strings.Builder
	b.WriteString(`Reads files, folders with everything below them, patterns, and - for standard
input, compressed or not. Without PATH it reads the inputs of the config file.
You can import twice without harm: ttpcron recognises an event by its content,
even if its file was renamed, rotated, compressed or read again. If a file has
grown, reading continues where it stopped. Lines that cannot be used are counted
and kept with the reason (--rejected lists them). Files that cannot be read are
reported. Neither stops the import.

Folders in which sensors keep what attackers sent are skipped unless you name
them: folders whose names are, begin or end with`)
	b.WriteString("\n" + cli.Wrap(strings.Join(importer.CaptureFolders(), ", "), 80))
	b.WriteString(`.

Native events and databases can claim to come from any sensor. They are read
only if you name the file, a pattern that matches it, or the folder that holds
it; not from folders below that.

What is skipped in a folder is reported the first time, and with --again. The
command fails if a file that you named is refused or has no usable line. A
configured input without usable lines does not fail it.

Formats are recognised by content; --list-formats lists them. docs/sources.md says
how to describe a format of your own.`)
	return b.String()
}

// checkFormat refuses a format that does not exist.
func checkFormat(c *importer.Catalog, name string) error {
	names := []string{importer.Auto}
	for _, f := range c.Formats() {
		names = append(names, f.Name)
	}
	if slices.Contains(names, name) {
		return nil
	}
	e := cli.Usage(fmt.Sprintf("unknown format %q", name), "ttpcron import --list-formats lists the formats; docs/sources.md says how to describe one in the config file")
	if near := cli.Nearest(name, names); near != "" {
		e.Hint = fmt.Sprintf("did you mean %s? ttpcron import --list-formats lists the formats", near)
	}
	return e
}

// setting is the flag of a setting of inputs.
type setting struct {
	of   *importer.Settings
	name string
}

// String returns what Set takes.
func (s setting) String() string {
	if s.of == nil {
		return ""
	}
	for one := range strings.SplitSeq(s.of.String(), ",") {
		if value, ok := strings.CutPrefix(one, s.name+"="); ok {
			return value
		}
	}
	return ""
}

// Set implements flag.Value.
func (s setting) Set(value string) error { return s.of.Set(s.name, value) }

type importOptions struct {
	format             string
	settings           importer.Settings
	again, final, json bool
}

func importFiles(ctx context.Context, s *session, args []string, o importOptions) error {
	if err := checkFormat(s.set.Formats, o.format); err != nil {
		return err
	}
	named := len(args) > 0
	if !named {
		args = s.set.Inputs
	}
	if len(args) == 0 {
		return cli.Usage("nothing to import", "name files or folders: ttpcron import /var/log/cowrie")
	}
	found, err := inputs.Find(args, inputs.Options{Catalog: s.set.Formats, Format: o.format, Settings: o.settings, Final: o.final, Demanding: named, Kinds: s.set.Kinds, Now: s.now, Stdin: s.stdin})
	if err != nil {
		return err
	}
	if o.again {
		forgetPositions(found)
	}
	if err := nothingToStore(ctx, s, found); err != nil {
		return err
	}
	db, err := s.stores.Write(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	show, notes := newProgress(s.out, s.log, s.now), inputs.Notes{Log: s.log}
	im := jobs.Import{Archive: db.Archive, Inputs: found, Now: s.now, Progress: show.update, Done: func(f jobs.FileReport) {
		notes.Add(f)
		if o.json {
			_ = s.out.RawJSON(appendFileJSON(nil, f)) // the last Flush returns the error
		}
	}}
	files, err := im.Run(ctx)
	show.done()
	notes.End()
	if !o.json {
		if terr := fileTable(s.out, files); terr != nil && err == nil {
			err = terr
		}
	}
	var total ttpcron.ImportReport
	for _, f := range files {
		total.Add(f.ImportReport)
	}
	retention.WarnHorizon(s.log, total, s.now())
	if serr := sayOnlyCommands(ctx, s.log, db, s.set.Kinds, files); err == nil {
		err = serr
	}
	if kerr := warnKinds(ctx, s.log, db, s.set.Kinds, files); err == nil {
		err = kerr
	}
	if cerr := db.Close(); err == nil {
		err = cerr
	}
	return err
}

// nothingToStore refuses to make a store for inputs of which none can be read.
func nothingToStore(ctx context.Context, s *session, found []jobs.Input) error {
	if !s.stores.Absent() {
		return nil
	}
	if len(found) == 0 {
		return cli.Hint(fmt.Errorf("%w at %s, and nothing to import", store.ErrNone, s.stores.DB),
			"name what honeypots wrote: ttpcron run-once --input /var/log/cowrie; inputs in the config file are imported in every run")
	}
	failed, err := inputs.Unreadable(ctx, found)
	if err != nil || failed == nil {
		return err
	}
	if len(failed.Files) > 1 { // the error names the first
		notes := inputs.Notes{Log: s.log}
		for _, f := range failed.Files {
			notes.Add(f)
		}
	}
	return failed
}

// failure is in a word or two why a file was not read.
func failure(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no such file"
	case errors.Is(err, fs.ErrPermission):
		return "not permitted"
	}
	return "failed"
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
	b = fmt.Appendf(b, `,"lines":%d,"new":%d,"known":%d,"changed":%d,"ignored":%d,"left_out":%d,"before_horizon":%d,"rejected":%d,"rejected_known":%d,"learned":%d,"disputed":%d`,
		f.Lines, f.New, f.Known, f.Changed, f.Ignored, f.LeftOut, f.BeforeHorizon, f.Rejected, f.RejectedKnown, f.Learned, f.Disputed)
	b = fmt.Appendf(b, `,"waiting":%d,"new_kinds":`, f.Waiting)
	b = appendNamesJSON(b, f.NewKinds)
	b = append(b, `,"ignored_types":`...)
	b = appendNamesJSON(b, f.IgnoredTypes)
	if f.Err != nil {
		b = append(b, `,"error":`...)
		b = jsontext.AppendString(b, f.Err.Error())
	}
	return append(b, "}\n"...)
}

// maxPassedRows is how many skipped files have a row in the table of import; others are
// counted.
const maxPassedRows = 3

// fileTable prints the result for each file, and for all of them.
func fileTable(out *term.Output, files []jobs.FileReport) error {
	t := term.Table{Columns: []term.Column{
		{Title: "FILE", Min: 16, Tail: true, SGR: term.Cyan}, {Title: "FORMAT"}, {Title: "LINES", Right: true}, {Title: "NEW", Right: true, SGR: term.Green},
		{Title: "KNOWN", Right: true}, {Title: "IGNORED", Right: true}, {Title: "REJECTED", Right: true}, {Title: ""},
	}}
	var total ttpcron.ImportReport
	row := func(r ttpcron.ImportReport, remark string) {
		t.Add(r.File, r.Format, term.Count(r.Lines), term.Count(r.New), term.Count(r.Known), term.Count(r.Ignored), term.Count(r.Rejected), remark)
	}
	passed, unchanged := 0, 0
	for i := range files {
		if files[i].Passed {
			passed++
		}
		if files[i].Unchanged {
			unchanged++
		}
	}
	for _, f := range files {
		remark := ""
		switch {
		case f.Passed && passed > maxPassedRows:
			continue
		case f.Passed:
			remark = "passed over"
		case errors.Is(f.Err, context.Canceled):
			remark = "interrupted"
		case f.Err != nil:
			remark = failure(f.Err)
		case f.BeforeHorizon > 0:
			remark = term.Count(f.BeforeHorizon) + " before the horizon"
		case f.Changed > 0:
			remark = term.Plural(f.Changed, "id re-used", "ids re-used")
		case f.LeftOut > 0:
			remark = term.Count(f.LeftOut) + " left out"
		case f.Learned > 0:
			remark = term.Count(f.Learned) + " filled in"
		case f.Waiting > 0:
			remark = "last line waits"
		}
		row(f.ImportReport, remark)
		total.Add(f.ImportReport)
	}
	if t.Len() > 1 {
		total.File = "total"
		row(total, "")
	}
	if err := out.Table(&t); err != nil {
		return err
	}
	if len(total.NewKinds)+len(total.IgnoredTypes) > 0 {
		fmt.Fprintln(out)
		printBreakdown(out, &total)
	}
	if total.Waiting > 0 {
		out.Note("%s", waitingText(total.Waiting))
	}
	if passed > maxPassedRows {
		out.Note("%s files passed over", term.Count(passed))
	}
	if unchanged > 0 && unchanged+passed == len(files) {
		out.Note("nothing new since the last import")
	}
	if passed > 0 && passed == len(files) {
		out.Note("nothing was read: ttpcron import --list-formats lists the formats that are")
	}
	if total.LeftOut > 0 {
		out.Note("%s left out: the setting kinds does not list theirs", term.Plural(total.LeftOut, "event was", "events were"))
	}
	if total.Disputed > 0 {
		out.Note("%s something else than what is stored, which stays: import --json counts them by file, as disputed", term.Plural(total.Disputed, "known event says", "known events say"))
	}
	if total.Rejected > 0 {
		out.Note("%s could not be used%s: ttpcron import --rejected lists them", term.Plural(total.Rejected, "line", "lines"), knownRejects(total))
	}
	return nil
}

// knownRejects says how many of the rejected lines were rejected before.
func knownRejects(r ttpcron.ImportReport) string {
	if r.RejectedKnown == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s known)", term.Count(r.RejectedKnown))
}

// listRejects prints the lines that could not be used.
func listRejects(ctx context.Context, out *term.Output, stores *store.Opener, args []string, asJSON bool) error {
	if len(args) > 0 {
		return cli.Usage("--rejected takes no paths", "without --rejected the files are imported")
	}
	db, err := stores.Read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	t := term.Table{Columns: []term.Column{
		{Title: "FILE", Min: 16, Tail: true, SGR: term.Cyan}, {Title: "LINE", Right: true}, {Title: "FORMAT"}, {Title: "REASON", Min: 20, SGR: term.Yellow}, {Title: "EXCERPT", Min: 20},
	}}
	for r, err := range db.Archive.Rejects(ctx) {
		if err != nil {
			return err
		}
		if asJSON {
			if err := out.RawJSON(appendRejectJSON(nil, r)); err != nil {
				return err
			}
			continue
		}
		t.Add(r.File, fmt.Sprint(r.Line), r.Format, r.Reason, string(bytes.TrimSpace(r.Excerpt[:min(len(r.Excerpt), 200)])))
	}
	none := t.Len() == 0
	if err := out.Table(&t); err != nil {
		return err
	}
	if none && !asJSON {
		out.Note("no line was rejected")
	}
	dropped, err := db.Archive.RejectsDropped(ctx)
	if err == nil && dropped > 0 {
		out.Note("%s older ones were dropped to keep the list short, of the files that had most", term.Count(dropped))
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
