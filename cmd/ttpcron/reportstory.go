package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/report"
	"github.com/ttpcron/ttpcron/story"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

// What a story of a report is cut to.
const (
	storyLines     = 200
	storyBytes     = 48 << 10 // of the texts of all its lines
	storyText      = 1024     // bytes of a text
	storyOdd       = 64       // of one that was decoded and looks like none
	storyEvents    = 5000     // that are looked at
	storyLineFacts = 12       // of the connection, in a line
)

// tellStories tells the first of the sessions.
func (m *reportMaker) tellStories(ctx context.Context, db *store.Store, sessions []*report.Session) error {
	parser := shell.NewParser(shell.Limits{})
	for _, s := range sessions[:min(len(sessions), m.stories)] {
		if s.ID == "" {
			continue
		}
		var err error
		if s.Story, err = m.story(ctx, db, s, parser); err != nil {
			return err
		}
	}
	return nil
}

// story tells a session.
func (m *reportMaker) story(ctx context.Context, db *store.Store, s *report.Session, parser *shell.Parser) (*report.Story, error) {
	o := storyOptions{under: m.under}
	src, err := o.source(ctx, db, ttpcron.EventQuery{
		Session: s.ID, Sensor: s.Sensor, UpTo: m.q.UpTo,
		Window: ttpcron.Window{Since: s.First, Until: s.Last.Add(1)},
	})
	if err != nil {
		return nil, err
	}
	src.levels = m.q.MinLevels
	t := &reportTeller{storyWriter: &storyWriter{o: &o, parser: parser}}
	seen := 0
	for e, err := range story.Entries(ctx, src) {
		if err != nil {
			return nil, err
		}
		if e.Event.DeckyID != s.Sensor {
			continue // of another sensor, where this one has no name
		}
		if seen == storyEvents {
			break
		}
		seen++
		if !m.passwords {
			e.Event.MaskPasswords()
		}
		t.head.Add(&e.Event, m.own)
		t.entry(e)
	}
	t.endRun()
	t.endFacts()
	t.story.More += max(s.Events-seen, 0)
	t.story.Head = t.facts(seen >= s.Events)
	return &t.story, nil
}

// reportTeller makes the story of a session for a report, as a terminal shows it, but that
// nothing is made fit to be shown yet.
type reportTeller struct {
	*storyWriter // for what commands decode
	story        report.Story
	head         story.Session
	bytes        int // of the texts of the lines

	run      string // what the last events have in common
	alike    int    // of them in a row, told or not
	untold   int    // of these
	untilRun time.Time
	ofRun    story.Techniques

	conn  []string // facts of the connection that are not told yet
	since time.Time
}

// entry tells an event.
func (t *reportTeller) entry(e *story.Entry) {
	told := story.Tell(&e.Event)
	if told.What == story.Fact && len(e.Tags) == 0 {
		t.fact(e, &told)
		return
	}
	if run := runOf(e, &told); run != t.run {
		t.endRun()
		t.run = run
	}
	if t.alike++; t.alike > alikeTold && t.run != "" {
		t.untold++
		t.untilRun = e.Event.Time
		for i := range e.Tags {
			t.ofRun.Add(&e.Tags[i])
		}
		return
	}
	t.endFacts()
	line := report.Line{Time: e.Event.Time, What: string(told.What), Text: shorten(told.Text), Outcome: string(told.Outcome)}
	for _, d := range told.Details {
		if told.What == story.Login && goesWithoutSaying(&d, t.head.Protocol) {
			continue
		}
		line.Details = append(line.Details, report.Fact{Name: d.Name, Text: shorten(d.Text)})
	}
	layers := t.layersOf(&e.Event)
	for _, l := range layers[:min(len(layers), layersTold)] {
		text := shorten(l.Text)
		if unreadable(text) {
			text = ttpcron.Shorten(text, storyOdd)
		}
		line.Details = append(line.Details, report.Fact{Name: "decoded (" + l.How + ")", Text: text})
	}
	if more := len(layers) - layersTold; more > 0 {
		line.Details = append(line.Details, report.Fact{Name: "decoded", Text: term.Count(more) + " more"})
	}
	for _, a := range story.Agreements(e.Tags) {
		line.Tags = append(line.Tags, report.LineTag{Technique: a.Shown.Technique(), Level: a.Level, Confidence: a.Confidence, Rule: a.RuleID, Others: a.Others})
	}
	t.add(line, 1)
}

func shorten(text string) string { return ttpcron.Shorten(text, storyText) }

// add adds a line about some events, if there is room for it.
func (t *reportTeller) add(line report.Line, events int) {
	size := len(line.Text)
	for _, d := range line.Details {
		size += len(d.Text)
	}
	if len(t.story.Lines) == storyLines || t.bytes+size > storyBytes || t.story.More > 0 {
		t.story.More += events
		return
	}
	t.bytes += size
	t.story.Lines = append(t.story.Lines, line)
}

// fact keeps a fact about the connection for the line that joins several, unless the head
// has it.
func (t *reportTeller) fact(e *story.Entry, told *story.Telling) {
	if fact, _ := e.Event.Payload.Text("fact"); fact == "client" || fact == "kex" {
		return
	}
	t.endRun()
	if len(t.conn) == 0 {
		t.since = e.Event.Time
	}
	switch {
	case len(t.conn) < storyLineFacts:
		t.conn = append(t.conn, ttpcron.Shorten(told.Text, 200))
	case len(t.conn) == storyLineFacts:
		t.conn = append(t.conn, "and more")
	}
}

// endFacts tells of the connection in one line.
func (t *reportTeller) endFacts() {
	if len(t.conn) > 0 {
		t.add(report.Line{Time: t.since, What: string(story.Fact), Text: strings.Join(t.conn, ", ")}, len(t.conn))
		t.conn = nil
	}
}

// endRun tells of events that were not told one by one.
func (t *reportTeller) endRun() {
	if t.untold > 0 {
		text := fmt.Sprintf("%s more like this, until %s", term.Count(t.untold), t.untilRun.UTC().Format(time.TimeOnly))
		line := report.Line{Time: t.untilRun, What: "and", Text: text}
		for _, c := range t.ofRun.Counts {
			line.Tags = append(line.Tags, report.LineTag{Technique: c.Technique, Level: c.Highest, Confidence: c.Confidence})
		}
		t.add(line, t.untold)
	}
	t.run, t.alike, t.untold, t.ofRun = "", 0, 0, story.Techniques{}
}

// facts are in the head of the story. What was done and how it ended is known only if all
// of it was seen.
func (t *reportTeller) facts(whole bool) []report.Fact {
	h := &t.head
	all := []report.Fact{{Name: "client", Text: clientText(h)}, {Name: "login", Text: loginsText(&h.Logins, inSession)}}
	if h.Vantage == ttpcron.VantageHost {
		all = slices.Insert(all, 0, report.Fact{Name: "seen", Text: "in the log of a host, by whose owner it may be"})
	}
	if whole {
		all = append(all, report.Fact{Name: "did", Text: didText(h)}, report.Fact{Name: "end", Text: endText(h)})
	}
	return slices.DeleteFunc(all, func(f report.Fact) bool { return f.Text == "" })
}
