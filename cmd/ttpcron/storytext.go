package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/story"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

// What is cut unless --full is given.
const (
	failuresTold = 5    // of a run of failed logins
	alikeTold    = 3    // of a run of other events that are alike
	linesTold    = 12   // of a text
	layersTold   = 4    // of a command
	textBytes    = 8192 // of a text that is looked at for that
)

// whenClosed is how long before its end a session counts as closing.
const whenClosed = 2 * time.Second

// indent is where the text of an entry begins, behind its time.
const indent = 10

// storyPage is a story as text.
type storyPage struct {
	*storyWriter
	width    int
	protocol string // that the head names
	day      string // of the entry above
	facts    []string
	since    time.Time // of the facts

	run      string // what the last events have in common
	alike    int    // of them in a row, told or not
	untold   int    // of these
	untilRun time.Time
	ofRun    story.Techniques

	closed time.Time // the session, zero where that was not recorded
	used   bool      // a command was told
	late   bool      // a file came after a command, when the session closed
}

func newStoryPage(w *storyWriter) *storyPage {
	return &storyPage{storyWriter: w, width: cmp.Or(w.out.Term.Width, 80)}
}

// text tells a session as text.
func (p *storyPage) text(ctx context.Context, h *head, src *storySource) error {
	if h.ID == "" {
		h.Protocol = "" // each event may be of another
	}
	p.protocol, p.day, p.closed, p.used, p.late = h.Protocol, "", h.Closed, false, false
	p.headText(h)
	told := 0
	p.say("\n")
	for e, err := range story.Entries(ctx, src) {
		if err != nil {
			return err
		}
		if told++; told > p.o.limit && p.o.limit > 0 && !p.o.full {
			break
		}
		p.entry(e)
	}
	p.endRun()
	p.endFacts()
	if p.late {
		for _, line := range wrapWords("Some sensors log files only when a session closes, so commands that use them may come first.", p.width) {
			p.say("%s\n", p.dim(line))
		}
	}
	if left := h.Events - p.o.limit; left > 0 && told > p.o.limit && p.o.limit > 0 && !p.o.full {
		p.say("%s\n", p.dim(fmt.Sprintf("%s and %s after that: --limit 0 tells all", p.more(), term.Plural(left, "event", "events"))))
	}
	p.findings(&h.loose)
	return nil
}

func (p *storyPage) say(format string, args ...any) { fmt.Fprintf(p.out, format, args...) }
func (p *storyPage) bold(s string) string           { return p.out.Term.Paint(term.Bold, s) }
func (p *storyPage) dim(s string) string            { return p.out.Term.Paint(term.Dim, s) }

// more is the mark for omitted text.
func (p *storyPage) more() string {
	if p.out.Term.UTF8 {
		return "…"
	}
	return "..."
}

func (p *storyPage) arrow() string {
	if p.out.Term.UTF8 {
		return "→"
	}
	return ">"
}

// fit cuts clean text to the rest of a line after that many cells.
func (p *storyPage) fit(text string, behind int) string {
	if p.o.full {
		return text
	}
	return p.out.Term.Cut(text, max(p.width-behind, 20))
}

// field prints a line of the head, and more where its text needs them.
func (p *storyPage) field(name, text string) {
	if text == "" {
		return
	}
	for i, line := range wrapWords(text, p.width-12) {
		if i > 0 {
			name = ""
		}
		p.say("  %s%s\n", p.dim(p.out.Term.Fit(name, 10)), line)
	}
}

// level paints a level.
func (p *storyPage) level(l ttpcron.Level) string {
	switch {
	case l.AtLeast(ttpcron.LevelHigh):
		return p.out.Term.Paint(term.Red, l.String())
	case l.AtLeast(ttpcron.LevelMedium):
		return p.out.Term.Paint(term.Yellow, l.String())
	}
	return l.String()
}

// entry tells an event.
func (p *storyPage) entry(e *story.Entry) {
	t := story.Tell(&e.Event)
	switch t.What {
	case story.Typed:
		p.used = true
	case story.Uploaded, story.Wrote:
		p.late = p.late || p.used && p.closed.Sub(e.Event.Time) < whenClosed && !p.closed.IsZero()
	}
	if !p.o.full && len(e.Tags) == 0 && t.What == story.Fact {
		p.fact(e, &t)
		return
	}
	if run := runOf(e, &t); run != p.run {
		p.endRun()
		p.run = run
	}
	most := alikeTold
	if t.What == story.Login {
		most = failuresTold
	}
	if p.alike++; p.alike > most && p.run != "" && !p.o.full {
		p.untold++
		p.untilRun = e.Event.Time
		for i := range e.Tags {
			p.ofRun.Add(&e.Tags[i])
		}
		return
	}
	p.endFacts()
	p.line(e.Event.Time, &t)
	p.layers(p.layersOf(&e.Event))
	p.tags(e.Tags)
}

// fact keeps a fact about the connection for the line that joins several, unless the head
// has it.
func (p *storyPage) fact(e *story.Entry, t *story.Telling) {
	if fact, _ := e.Event.Payload.Text("fact"); fact == "client" || fact == "kex" {
		return
	}
	p.endRun()
	if len(p.facts) == 0 {
		p.since = e.Event.Time
	}
	switch text := term.Clean(ttpcron.Shorten(t.Text, 200)); {
	case len(p.facts) < linesTold:
		p.facts = append(p.facts, text)
	case len(p.facts) == linesTold:
		p.facts = append(p.facts, "and more")
	}
}

// runOf is what an event shares with those that are joined with it, or empty: failed
// logins, parts of an echoed file, and repetitions.
func runOf(e *story.Entry, t *story.Telling) string {
	run := string(t.What) + " " + string(t.Outcome) + " "
	switch t.What {
	case story.Connected, story.Closed:
		return ""
	case story.Login:
		if t.Outcome == story.Worked {
			return ""
		}
		return run
	case story.Typed:
		first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(t.Text, "/bin/"), "busybox "), " ")
		if first != "echo" && first != "printf" {
			run += t.Text
		} else {
			run += first
		}
	default:
		run += t.Text
	}
	for i := range e.Tags {
		run += " " + e.Tags[i].RuleID
	}
	return run
}

// endRun shows events that were joined.
func (p *storyPage) endRun() {
	if p.untold > 0 {
		text := fmt.Sprintf("%s %s more like this, until %s", p.more(), term.Count(p.untold), p.untilRun.UTC().Format(time.TimeOnly))
		if p.ofRun.N > 0 {
			text += "; " + term.Plural(p.ofRun.N, "tag", "tags")
			for i, c := range p.ofRun.Counts {
				text += []string{": ", ", "}[min(i, 1)] + term.Clean(c.Technique)
			}
		}
		p.say("%s%s\n", strings.Repeat(" ", indent), p.dim(p.fit(text, indent)))
	}
	p.run, p.alike, p.untold, p.ofRun = "", 0, 0, story.Techniques{}
}

// endFacts tells of the connection in one line.
func (p *storyPage) endFacts() {
	if len(p.facts) == 0 {
		return
	}
	p.oneLine(p.since, "", strings.Join(p.facts, ", "), term.Dim)
	p.facts = nil
}

// shown are the words before a text, by what happened.
var shown = map[story.What]string{
	story.Connected: "connected", story.Closed: "closed", story.Fact: "", story.Typed: "$ ", story.Input: "> ", story.Login: "login ", story.Fetched: "fetched ", story.Wrote: "wrote ", story.Sent: "sent ", story.Uploaded: "uploaded ",
	story.Tunneled: "tunnel to ", story.Requested: "request ", story.Web: "web ", story.Scanned: "scan ", story.Triggered: "canary ", story.Alerted: "alert ",
}

// line prints what happened.
func (p *storyPage) line(at time.Time, t *story.Telling) {
	before, sgr, text := shown[t.What], "", t.Text
	details := t.Details
	switch t.What {
	case story.Typed, story.Input:
		sgr = term.Bold
	case story.Connected, story.Closed:
		for _, d := range details {
			text += " " + d.Name + " " + d.Text
		}
		p.oneLine(at, before, term.Clean(text), term.Dim)
		return
	case story.Requested:
		if len(details) > 0 && details[0].Name == "service" {
			before += p.out.Term.Cut(term.Clean(cutBytes(details[0].Text)), 20) + ": "
			details = details[1:]
		}
	case story.Login:
		if t.Outcome == story.Worked {
			sgr = term.Green
		}
		details = slices.DeleteFunc(slices.Clone(details), func(d story.Detail) bool { return goesWithoutSaying(&d, p.protocol) })
	}
	if t.Outcome != story.Unknown {
		text += "  " + string(t.Outcome)
	}
	p.block(at, before, text, sgr)
	for _, d := range details {
		text := d.Name + " " + cutBytes(d.Text)
		if d.Name == "sha256" {
			text = d.Text // which fits then
		}
		p.say("%s%s\n", strings.Repeat(" ", indent+2), p.fit(term.Clean(text), indent+2))
	}
}

// goesWithoutSaying reports whether a detail of a login says nothing that its text or the
// protocol of the session do not say.
func goesWithoutSaying(d *story.Detail, protocol string) bool {
	return d.Name == "method" && (d.Text == "password" || d.Text == "publickey") || d.Name == "service" && d.Text == protocol
}

func cutBytes(s string) string { return s[:min(len(s), textBytes)] }

// oneLine prints a clean text without line ends in one line.
func (p *storyPage) oneLine(at time.Time, before, text, sgr string) {
	p.date(at)
	p.say("%s  %s\n", p.dim(at.UTC().Format(time.TimeOnly)), p.out.Term.Paint(sgr, p.fit(before+text, indent)))
}

// date prints the day when it is another than above.
func (p *storyPage) date(at time.Time) {
	if day := at.UTC().Format(time.DateOnly); day != p.day {
		if p.day != "" {
			p.say("%s\n", p.bold(day))
		}
		p.day = day
	}
}

// block prints an attacker's text after the time, with its lines unchanged, but wrapped at
// the terminal's width.
func (p *storyPage) block(at time.Time, before, text, sgr string) {
	p.date(at)
	first := p.dim(at.UTC().Format(time.TimeOnly)) + "  " + before
	for i, line := range p.lines(text, p.width-indent-term.Cells(before)) {
		if i > 0 {
			first = strings.Repeat(" ", indent+term.Cells(before))
		}
		p.say("%s%s\n", first, p.out.Term.Paint(sgr, line))
	}
}

// lines are the lines of a text, safe to show, at most linesTold of them.
func (p *storyPage) lines(text string, width int) (lines []string) {
	width = max(width, 20)
	all := strings.TrimRight(text, "\r\n")
	if !p.o.full {
		all = cutBytes(all)
	}
	left := 0
	for line := range strings.Lines(all) {
		clean := term.Clean(strings.TrimRight(line, "\r\n"))
		for {
			head, rest := clean, ""
			if n := cellsEnd(clean, width); n < len(clean) {
				head, rest = clean[:n], clean[n:]
			}
			if len(lines) == linesTold && !p.o.full {
				left += len(head) + len(rest)
				break
			}
			if lines = append(lines, head); rest == "" {
				break
			}
			clean = rest
		}
	}
	left += max(0, len(text)-textBytes)
	if left > 0 && !p.o.full {
		lines = append(lines, fmt.Sprintf("%s %s bytes more: --full shows all", p.more(), term.Count(left)))
	}
	if len(lines) == 0 {
		lines = []string{""}
	}
	return lines
}

// cellsEnd returns where in a text so many cells end.
func cellsEnd(s string, width int) int {
	n := 0
	for i, r := range s {
		if n += term.Cells(string(r)); n > width {
			return i
		}
	}
	return len(s)
}

// layers prints what a command decodes.
func (p *storyPage) layers(layers []shell.Layer) {
	for i, l := range layers {
		if i == layersTold && !p.o.full {
			p.say("%s%s\n", strings.Repeat(" ", indent+2), p.dim(fmt.Sprintf("%s %s more decoded: --full shows all", p.more(), term.Count(len(layers)-i))))
			return
		}
		before := "decoded (" + term.Clean(l.How) + ") "
		if !p.o.full && unreadable(l.Text) {
			p.say("%s%s%s\n", strings.Repeat(" ", indent+2), p.dim(before), p.fit(term.Clean(cutBytes(l.Text)), indent+2+len(before)))
			continue
		}
		for k, line := range p.lines(l.Text, p.width-indent-2-term.Cells(before)) {
			if k > 0 {
				before = strings.Repeat(" ", term.Cells(before))
			}
			p.say("%s%s%s\n", strings.Repeat(" ", indent+2), p.dim(before), line)
		}
	}
}

// unreadable reports whether a text is binary data.
func unreadable(s string) bool {
	odd := 0
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\n' && c != '\r' && c != '\t' || c > 0x7e {
			odd++
		}
	}
	return 5*odd > len(s)
}

// tags prints what an event showed, a technique a line.
func (p *storyPage) tags(tags []story.Tag) {
	for _, a := range story.Agreements(tags) {
		p.tag(&a, "")
	}
}

func (p *storyPage) tag(a *story.Agreement, beside string) {
	rule := a.RuleID
	if a.Others > 0 {
		rule = fmt.Sprintf("%s +%d", rule, a.Others)
	}
	id, end := a.Shown.Technique(), ""
	behind := indent + 4 + len(id) + 1
	sure := " " + confidence(a.Confidence)
	ends := []string{p.level(a.Level) + sure, p.dim(term.Clean(rule)) + beside}
	for i, text := range []string{a.Level.String() + sure, term.Clean(rule) + beside} {
		if p.width-behind-term.Cells(end+"  "+text) < 8 && !p.o.full {
			ends = ends[:i] // a narrow terminal: what was done comes first
			break
		}
		end += "  " + text
	}
	room := max(p.width-behind-term.Cells(end), 8)
	name := term.Clean(shortName(p.o.under, id, room))
	if !p.o.full {
		name = p.out.Term.Cut(name, room)
	}
	line := fmt.Sprintf("%s%s %s %s", strings.Repeat(" ", indent+2), p.arrow(), p.out.Term.Paint(term.Cyan, term.Clean(id)), name)
	p.say("%s\n", strings.Join(append([]string{line}, ends...), "  "))
}

// confidence is that of a tag, as tables have it.
func confidence(c float64) string { return fmt.Sprintf("%.2f", c) }

// findings shows tags without an event.
func (p *storyPage) findings(l *looseTags) {
	var found, gone []story.Tag
	for i := range l.Tags {
		if l.Tags[i].SourceKind == ttpcron.Correlation {
			found = append(found, l.Tags[i])
		} else {
			gone = append(gone, l.Tags[i])
		}
	}
	p.loose("Seen over several events, each at the start of its time slot", found)
	p.loose("Tags whose events are gone from the store", gone)
	if l.More > 0 {
		p.say("%s\n", p.dim(fmt.Sprintf("%s and %s more: --json has all", p.more(), term.Plural(l.More, "tag", "tags"))))
	}
}

// loose prints tags without an event, by time.
func (p *storyPage) loose(title string, tags []story.Tag) {
	if len(tags) == 0 {
		return
	}
	p.say("\n%s\n", p.bold(title))
	for i := range tags {
		if text := p.o.names.text(&tags[i].Tag); text != "" {
			tags[i].Text = text
		}
	}
	slices.SortStableFunc(tags, func(a, b story.Tag) int {
		return cmp.Or(a.EventTime.Compare(b.EventTime), cmp.Compare(a.Text, b.Text))
	})
	for len(tags) > 0 {
		t, n := &tags[0], 1
		for n < len(tags) && tags[n].EventTime.Equal(t.EventTime) && tags[n].Text == t.Text {
			n++
		}
		about := cutBytes(t.Text)
		if f, ok := t.FindingEvidence(); ok {
			if slot, ok := f.Window(); ok {
				about = fmt.Sprintf("to %s: %s", endOf(t.EventTime, slot.Until.Sub(slot.Since)), about)
			}
		}
		p.day = cmp.Or(p.day, "-")
		p.oneLine(t.EventTime, "", term.Clean(about), "")
		p.tags(tags[:n])
		tags = tags[n:]
	}
}

// wrapWords breaks text between words where it can, to so many cells.
func wrapWords(text string, width int) (lines []string) {
	width = max(width, 20)
	line := ""
	for _, word := range strings.Split(text, " ") {
		for term.Cells(word) > width {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			n := cellsEnd(word, width)
			lines, word = append(lines, word[:n]), word[n:]
		}
		switch {
		case line == "":
			line = word
		case term.Cells(line)+1+term.Cells(word) > width:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// endOf is when a span ends, with the day where that is not the one on which it begins. A day
// ends at 24:00.
func endOf(from time.Time, span time.Duration) string {
	from = from.UTC()
	until := from.Add(span)
	midnight := from.Truncate(24 * time.Hour).Add(24 * time.Hour)
	switch {
	case until.Before(midnight):
		return until.Format(time.TimeOnly)
	case until.Equal(midnight):
		return "24:00:00"
	}
	return term.Time(until)
}
