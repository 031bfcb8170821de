package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/jsontext"
)

// maxNamesShown is how many kinds, or types of ignored lines, a summary names: all known kinds,
// at least.
const maxNamesShown = 12

// printImported says what an import of files gave.
func printImported(out io.Writer, files []jobs.FileReport, m *ttpcron.ImportReport) {
	if !slices.ContainsFunc(files, func(f jobs.FileReport) bool { return !f.Unchanged }) {
		fmt.Fprintf(out, "Nothing new in %s since the last import.\n", filesText(files))
		return
	}
	more := ""
	if m.LeftOut > 0 {
		more = fmt.Sprintf(", %s left out", term.Count(m.LeftOut))
	}
	if m.BeforeHorizon > 0 {
		more += fmt.Sprintf(", %s before the horizon", term.Count(m.BeforeHorizon))
	}
	fmt.Fprintf(out, "Imported %s: %s; %s, %s known; %s ignored%s, %s rejected%s.\n",
		filesText(files), term.Plural(m.Lines, "line", "lines"), term.Plural(m.New, "new event", "new events"), term.Count(m.Known), term.Plural(m.Ignored, "line", "lines"), more, term.Count(m.Rejected), knownRejects(*m))
	printBreakdown(out, m)
	if m.Waiting > 0 {
		fmt.Fprintf(out, "Of the files that grow %s.\n", waitingText(m.Waiting))
	}
}

// printBreakdown prints the kinds of new events, and the types of ignored lines, if there
// are any.
func printBreakdown(w io.Writer, r *ttpcron.ImportReport) {
	printCounts(w, "New events", r.NewKinds)
	printCounts(w, "Ignored lines", r.IgnoredTypes)
}

func printCounts(w io.Writer, title string, c ttpcron.NameCounts) {
	if text := namesText(c); text != "" {
		fmt.Fprintf(w, "%s: %s.\n", title, text)
	}
}

// namesText lists the most frequent names with their counts.
func namesText(c ttpcron.NameCounts) string {
	names := c.Names()
	var parts []string
	shown := names
	if len(names) > maxNamesShown+1 { // "1 of other names" takes no less room than that name
		shown = names[:maxNamesShown]
	}
	for _, name := range shown {
		text := term.Clean(name)
		if text != "" && text[0] >= '0' && text[0] <= '9' { // "2 1001" would look like two counts
			text = "of type " + text
		}
		parts = append(parts, term.Count(c[name])+" "+text)
	}
	if rest := names[len(parts):]; len(rest) > 0 {
		sum := 0
		for _, name := range rest {
			sum += c[name]
		}
		parts = append(parts, term.Count(sum)+" of other names")
	}
	return strings.Join(parts, ", ")
}

func appendNamesJSON(b []byte, c ttpcron.NameCounts) []byte {
	b = append(b, '{')
	for i, name := range c.Names() {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsontext.AppendString(b, name)
		b = fmt.Appendf(b, ":%d", c[name])
	}
	return append(b, '}')
}

// waitingText says that bytes at the end of files are not read yet.
func waitingText(bytes int64) string {
	return fmt.Sprintf("%s wait for the rest of their line: a later import reads them, or one with --final now", term.Plural(int(min(bytes, 1<<30)), "byte at the end", "bytes at the end"))
}

// filesText says how many files were imported, and how many were not.
func filesText(files []jobs.FileReport) string {
	read, passed, failed := 0, 0, 0
	for i := range files {
		switch {
		case files[i].Passed:
			passed++
		case files[i].Err != nil && files[i].Lines == 0:
			failed++
		default:
			read++
		}
	}
	text := term.Plural(read, "file", "files")
	var not []string
	if passed > 0 {
		not = append(not, term.Count(passed)+" passed over")
	}
	if failed > 0 {
		not = append(not, term.Count(failed)+" could not be read")
	}
	if len(not) > 0 {
		text += " (" + strings.Join(not, ", ") + ")"
	}
	return text
}
