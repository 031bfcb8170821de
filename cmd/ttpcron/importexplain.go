package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/inputs"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/mysqldb"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/jsontext"
)

const (
	// maxExplained is how many events, and how many reasons, are shown for a file.
	maxExplained = 10
	// maxRefused is how many of a folder's unreadable files are shown.
	maxRefused = 10
	// maxReasons is how many reasons are distinguished.
	maxReasons = 100
)

// explainedFile is the explanation of a file.
type explainedFile struct {
	path    string
	is      importer.Recognition
	refused error // nil for one that was read
	err     error // why reading it ended
	report  ttpcron.ImportReport
	events  int
	sensors ttpcron.NameCounts // how many events each has; "" for events without a sensor
	first   []ttpcron.Event
	reasons []rejectReason
	notes   []string
	// known are the events so far, and equal how many said the same as one of them.
	known map[string]bool
	equal int
}

// maxKnown is how many events are compared.
const maxKnown = 500_000

// rejectReason is why some lines could not be used.
type rejectReason struct {
	reason string
	lines  int
	first  ttpcron.Reject
}

// explainFiles says what files are and how they would be read. It needs no store.
func explainFiles(ctx context.Context, s *session, args []string, o importOptions) error {
	if err := checkFormat(s.set.Formats, o.format); err != nil {
		return err
	}
	if len(args) == 0 {
		return cli.Usage("nothing to explain", "name files: ttpcron import --explain cowrie.json")
	}
	first, refused := true, 0
	var failed jobs.InputError
	fail := func(name string, err error) {
		f := jobs.FileReport{Err: err}
		f.File = name
		failed.Files = append(failed.Files, f)
	}
	for _, arg := range args {
		in, err := s.set.Formats.ParseInput(arg)
		if err != nil {
			return cli.Usage(err.Error(), "an input is PATH, FORMAT:PATH or FORMAT,SETTING=VALUE:PATH; ttpcron import --list-formats lists the formats")
		}
		if in.Format == importer.Auto && o.format != "" {
			in.Format = o.format
		}
		x, err := importer.Expand([]string{in.Path})
		for _, found := range x.Files {
			f, err := explainFile(ctx, s, found, importer.Options{Catalog: s.set.Formats, Format: in.Format, Settings: in.Settings.Or(o.settings), Account: true, Final: o.final, Below: found.Below, Now: s.now, Stdin: s.stdin, Connect: mysqldb.Connect})
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				fail(found.Path, err)
				continue
			}
			failed.Others++
			if f.refused != nil && found.Path != in.Path {
				refused++
			}
			switch {
			case o.json:
				err = s.out.RawJSON(appendExplainedJSON(nil, f))
			case f.refused != nil && found.Path != in.Path && refused > maxRefused:
				continue
			default:
				if !first {
					fmt.Fprintln(s.out)
				}
				first = false
				err = tellFile(s.out, f)
			}
			if err != nil {
				return err
			}
		}
		for _, left := range x.Left {
			s.log.Warn("passed over", "file", term.Clean(left.Path), "reason", term.Clean(left.Reason))
		}
		for _, e := range inputs.Errors(err) {
			fail(in.Path, e)
		}
		if len(x.Files)+len(x.Left) == 0 && err == nil {
			fail(in.Path, inputs.Nothing(in.Path))
		}
	}
	if more := refused - maxRefused; more > 0 && !o.json {
		s.out.Note("%s not read: --json says of each what it looks like", term.Plural(more, "more file is", "more files are"))
	}
	if len(failed.Files) > 0 {
		return &failed
	}
	return nil
}

// explainFile reads a file from its beginning. An error means that nothing can be said.
func explainFile(ctx context.Context, s *session, found importer.Found, o importer.Options) (f explainedFile, err error) {
	f.path, f.known = found.Path, map[string]bool{}
	file, err := importer.Open(ctx, found.Path, o)
	if err != nil {
		var unknown *importer.UnknownFormatError
		var below *importer.BelowError
		var lacks *importer.LacksError
		switch {
		case errors.As(err, &unknown):
			f.is, f.refused = unknown.Found, err
		case errors.As(err, &below):
			f.refused = err
		case errors.As(err, &lacks):
			f.is, f.refused = lacks.Found, err
		default:
			return f, err
		}
		return f, nil
	}
	defer file.Close()
	f.is = file.Recognition()
	for b, err := range file.Batches(ctx) {
		if err != nil {
			if ctx.Err() != nil {
				return f, ctx.Err()
			}
			f.err = err
			break
		}
		f.add(b)
	}
	f.notes = slices.Concat(file.Notes(), file.Findings())
	if f.equal > 0 {
		f.notes = append(f.notes, fmt.Sprintf("%s the same as another one, and would be stored once", term.Plural(f.equal, "event says", "events say")))
	}
	return f, nil
}

// add takes in a batch.
func (f *explainedFile) add(b ttpcron.Batch) {
	f.report.Add(b.Report)
	f.events += len(b.Events)
	for i := range b.Events {
		f.report.NewKinds.Count(string(b.Events[i].Kind), 1)
		f.sensors.Count(b.Events[i].DeckyID, 1)
		id := string(b.Events[i].Kind) + " " + b.Events[i].SourceID()
		switch {
		case f.known[id]:
			f.equal++
		case len(f.known) < maxKnown:
			f.known[id] = true
		}
		if len(f.first) < maxExplained {
			f.first = append(f.first, b.Events[i])
		}
	}
	for _, r := range b.Rejects {
		at := slices.IndexFunc(f.reasons, func(known rejectReason) bool { return known.reason == r.Reason })
		switch {
		case at >= 0:
			f.reasons[at].lines++
		case len(f.reasons) < maxReasons:
			f.reasons = append(f.reasons, rejectReason{r.Reason, 1, r})
		}
	}
}

// recognisedBy says how a file was recognised.
func recognisedBy(r importer.Recognition) string {
	switch {
	case r.Format == "":
		return "no format recognises it"
	case r.Named:
		return "you said so"
	case r.Encoding == "":
		return "it has the tables of one"
	}
	return fmt.Sprintf("%s in the first %s", term.Plural(r.Records, "record", "records"), term.Plural(r.Lines, "line", "lines"))
}

// wrapping says what a file's records are wrapped in.
func wrapping(r importer.Recognition) string {
	switch {
	case len(r.Prefixes) > 0:
		return "records stand behind a prefix: " + strings.Join(r.Prefixes, ", then ")
	case r.Table && r.Wrapped:
		return "records lie in the cells of CSV, or in objects there"
	case r.Table:
		return "records are rows of CSV"
	case r.Wrapped:
		return "records lie in lists, or in objects that a shipper wrote"
	}
	return "none"
}

// tellFile prints the explanation of a file.
func tellFile(out *term.Output, f explainedFile) error {
	line := func(title, text string) { fmt.Fprintf(out, "  %-12s %s\n", title, term.Clean(text)) }
	fmt.Fprintln(out, term.Clean(f.path))
	compression := "none"
	if len(f.is.Compression) > 0 {
		compression = strings.Join(f.is.Compression, ", in it ")
	}
	line("compression", compression)
	switch encoding := f.is.Encoding; {
	case encoding == "":
	case f.refused != nil:
		line("encoding", encoding)
	default:
		if f.is.CarriageReturns {
			encoding += ", lines end with carriage returns"
		}
		line("encoding", encoding)
		line("wrapping", wrapping(f.is))
	}
	switch {
	case f.refused != nil:
		line("format", "not read")
		line("because", strings.TrimLeft(strings.TrimPrefix(f.refused.Error(), f.path), ": "))
		return nil
	case f.is.Format == "":
		line("format", "none: it is empty")
		return nil
	}
	line("format", f.is.Format+": "+f.is.Title)
	line("because", recognisedBy(f.is))
	line("lines", fmt.Sprintf("%s: %s ignored, %s could not be used", term.Count(f.report.Lines), term.Count(f.report.Ignored), term.Count(f.report.Rejected)))
	line("events", term.Count(f.events))
	if f.events > 0 {
		line("sensor", sensorsText(f.sensors))
	}
	for _, note := range f.notes {
		line("note", note)
	}
	if f.report.Waiting > 0 {
		line("waiting", waitingText(f.report.Waiting))
	}
	if f.err != nil {
		line("ended", f.err.Error())
	}
	return tellContent(out, f)
}

// sensorsText says which sensors a file's events name.
func sensorsText(c ttpcron.NameCounts) string {
	const most = 3
	var names []string
	for _, name := range c.Names() {
		if name != "" {
			names = append(names, name)
		}
	}
	if more := len(names) - most; more > 0 {
		names = append(names[:most], fmt.Sprintf("%d more", more))
	}
	const advice = "set sensor in a table [[input]] of the config file, or give import --sensor, to name it"
	switch n := c[""]; {
	case n > 0 && len(names) == 0:
		return "none is named; " + advice
	case n > 0:
		return fmt.Sprintf("%s; %s none: %s", joinedAnd(names), term.Plural(n, "event names", "events name"), advice)
	}
	return joinedAnd(names)
}

// joinedAnd writes a list as in a sentence.
func joinedAnd(list []string) string {
	if last := len(list) - 1; last > 0 {
		return strings.Join(list[:last], ", ") + " and " + list[last]
	}
	return strings.Join(list, "")
}

// tellContent prints the events of a file, and what gave none.
func tellContent(out *term.Output, f explainedFile) error {
	if len(f.report.NewKinds)+len(f.report.IgnoredTypes) > 0 {
		fmt.Fprintln(out)
		r := f.report
		printCounts(out, "Events", r.NewKinds)
		printCounts(out, "Ignored lines", r.IgnoredTypes)
	}
	if len(f.first) > 0 {
		switch {
		case len(f.first) < f.events:
			fmt.Fprintf(out, "\nThe first %s:\n", term.Plural(len(f.first), "event", "events"))
		case f.events == 1:
			fmt.Fprint(out, "\nThe event:\n")
		default:
			fmt.Fprintf(out, "\nThe %s events:\n", term.Count(f.events))
		}
		t := term.Table{Columns: []term.Column{{Title: "TIME"}, {Title: "KIND"}, {Title: "ATTACKER", SGR: term.Cyan}, {Title: "SESSION", Min: 8}, {Title: "WHAT", Min: 20}}}
		for i := range f.first {
			e := &f.first[i]
			t.Add(term.Time(e.Time), string(e.Kind), e.AttackerIP, e.SessionID, e.Telling())
		}
		if err := out.Table(&t); err != nil {
			return err
		}
	}
	if len(f.reasons) > 0 {
		fmt.Fprintln(out, "\nNot understood:")
		t := term.Table{Columns: []term.Column{{Title: "LINES", Right: true}, {Title: "FIRST", Right: true}, {Title: "REASON", Min: 20, SGR: term.Yellow}, {Title: "EXCERPT", Min: 20}}}
		for _, r := range f.reasons[:min(len(f.reasons), maxExplained)] {
			t.Add(term.Count(r.lines), fmt.Sprint(r.first.Line), r.reason, string(bytes.TrimSpace(r.first.Excerpt[:min(len(r.first.Excerpt), 200)])))
		}
		if err := out.Table(&t); err != nil {
			return err
		}
		if more := len(f.reasons) - maxExplained; more > 0 {
			fmt.Fprintf(out, "and %s.\n", term.Plural(more, "more reason", "more reasons"))
		}
	}
	return nil
}

func appendExplainedJSON(b []byte, f explainedFile) []byte {
	texts := func(list []string) {
		b = append(b, '[')
		for i, text := range list {
			if i > 0 {
				b = append(b, ',')
			}
			b = jsontext.AppendString(b, text)
		}
		b = append(b, ']')
	}
	text := func(name, value string) {
		b = fmt.Appendf(b, `,"%s":`, name)
		b = jsontext.AppendString(b, value)
	}
	b = append(b, `{"file":`...)
	b = jsontext.AppendString(b, f.path)
	b = append(b, `,"compression":`...)
	texts(f.is.Compression)
	text("encoding", f.is.Encoding)
	b = fmt.Appendf(b, `,"carriage_returns":%t,"table":%t,"wrapped":%t,"prefixes":`, f.is.CarriageReturns, f.is.Table, f.is.Wrapped)
	texts(f.is.Prefixes)
	text("format", f.is.Format)
	text("because", recognisedBy(f.is))
	b = fmt.Appendf(b, `,"first_records":%d,"first_lines":%d,"lines":%d,"events":%d,"ignored":%d,"rejected":%d,"waiting":%d,"kinds":`,
		f.is.Records, f.is.Lines, f.report.Lines, f.events, f.report.Ignored, f.report.Rejected, f.report.Waiting)
	b = appendNamesJSON(b, f.report.NewKinds)
	b = append(b, `,"sensors":`...)
	b = appendNamesJSON(b, f.sensors)
	b = append(b, `,"ignored_types":`...)
	b = appendNamesJSON(b, f.report.IgnoredTypes)
	b = append(b, `,"first_events":[`...)
	for i := range f.first {
		if i > 0 {
			b = append(b, ',')
		}
		b = f.first[i].AppendJSON(b)
	}
	b = append(b, `],"reasons":[`...)
	for i, r := range f.reasons {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"lines":%d,"first":%d,"reason":`, r.lines, r.first.Line)
		b = jsontext.AppendString(b, r.reason)
		b = append(b, `,"excerpt":`...)
		b = append(jsontext.AppendString(b, string(r.first.Excerpt)), '}')
	}
	b = append(b, ']')
	b = append(b, `,"notes":`...)
	texts(f.notes)
	for _, err := range []error{f.refused, f.err} {
		if err != nil {
			text("error", err.Error())
		}
	}
	return append(b, "}\n"...)
}
