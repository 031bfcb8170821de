package main

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/csvtext"
	"github.com/ttpcron/ttpcron/story"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

// storyWriter writes stories in one of the forms.
type storyWriter struct {
	out    *term.Output
	o      *storyOptions
	parser *shell.Parser
	rows   *csvtext.Writer // nil unless CSV is written
}

func newStoryWriter(out *term.Output, o *storyOptions) *storyWriter {
	w := &storyWriter{out: out, o: o, parser: shell.NewParser(shell.Limits{})}
	if o.csv {
		w.rows = csvtext.NewWriter(out)
		_ = w.rows.Row(storyColumns...)
	}
	return w
}

// end writes what is held back.
func (w *storyWriter) end() error {
	if w.rows == nil {
		return nil
	}
	return w.rows.Flush()
}

// tell tells a session.
func (w *storyWriter) tell(ctx context.Context, h *head, src *storySource) error {
	switch {
	case w.o.json:
		if err := w.out.JSON(headJSONOf(w.o, h)); err != nil {
			return err
		}
		return w.each(ctx, src, w.entryJSON, w.looseJSON)
	case w.o.csv:
		return w.each(ctx, src, w.entryRow, w.looseRow)
	}
	return newStoryPage(w).text(ctx, h, src)
}

// each gives the entries of a source, then the tags without an event.
func (w *storyWriter) each(ctx context.Context, src *storySource, entry func(*story.Entry) error, loose func(*story.Tag) error) error {
	for e, err := range story.Entries(ctx, src) {
		if err == nil {
			err = entry(e)
		}
		if err != nil {
			return err
		}
	}
	for t, err := range story.Loose(ctx, src, ttpcron.Window{}) {
		if err == nil {
			err = loose(t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// layersOf are a command's decoded texts, except for those in it literally.
func (w *storyWriter) layersOf(e *ttpcron.Event) (layers []shell.Layer) {
	if e.Kind != ttpcron.Command {
		return nil
	}
	text := e.Telling()
	for _, l := range w.parser.View(text).Decoded {
		if strings.TrimSpace(l.Text) != "" && !strings.Contains(text, l.Text) {
			layers = append(layers, l)
		}
	}
	return layers
}

type toldJSON struct {
	What    story.What    `json:"what"`
	Text    term.Exact    `json:"text"`
	Outcome story.Outcome `json:"outcome,omitempty"`
}

type decodedJSON struct {
	Method string     `json:"method"`
	Text   term.Exact `json:"text"`
}

type entryJSON struct {
	Type    string            `json:"type"`
	Event   *ttpcron.Event    `json:"event,omitempty"`
	Told    *toldJSON         `json:"told,omitempty"`
	Decoded []decodedJSON     `json:"decoded,omitempty"`
	Tags    []json.RawMessage `json:"tags"`
}

func (w *storyWriter) entryJSON(e *story.Entry) error {
	told := story.Tell(&e.Event)
	j := entryJSON{Type: "event", Event: &e.Event, Told: &toldJSON{told.What, term.Exact(told.Text), told.Outcome}, Tags: []json.RawMessage{}}
	for _, l := range w.layersOf(&e.Event) {
		j.Decoded = append(j.Decoded, decodedJSON{l.How, term.Exact(l.Text)})
	}
	for i := range e.Tags {
		j.Tags = append(j.Tags, w.tagJSON(&e.Tags[i]))
	}
	return w.out.JSON(j)
}

func (w *storyWriter) looseJSON(t *story.Tag) error {
	return w.out.JSON(entryJSON{Type: "tag", Tags: []json.RawMessage{w.tagJSON(t)}})
}

// tagJSON is a tag as tags --json has it.
func (w *storyWriter) tagJSON(t *story.Tag) []byte {
	e := exportedTag(&shownTag{Tag: t.Tag, Shown: t.Shown}, w.o.own)
	return e.AppendJSON(nil, w.o.under)
}

var storyColumns = []string{
	"event_time", "attacker_ip", "attacker_uuid", "identity_uuid", "session_id", "sensor", "source_kind", "source_id",
	"what", "text", "outcome", "decoded", "highest_level", "techniques", "technique_names", "rules",
}

func (w *storyWriter) entryRow(e *story.Entry) error {
	told := story.Tell(&e.Event)
	var decoded []string
	for _, l := range w.layersOf(&e.Event) {
		decoded = append(decoded, l.Text)
	}
	a := story.ActorOf(&e.Event, w.o.own)
	return w.rows.Row(append([]string{
		exactTime(e.Event.Time), a.IP, a.UUID, a.Identity, e.Event.SessionID, e.Event.DeckyID, string(e.Event.Kind), e.Event.SourceID(),
		string(told.What), aloneText(&e.Event, &told), string(told.Outcome), strings.Join(decoded, "\n"),
	}, w.tagCells(e.Tags)...)...)
}

func (w *storyWriter) looseRow(t *story.Tag) error {
	return w.rows.Row(append([]string{
		exactTime(t.EventTime), t.AttackerIP, t.AttackerUUID, t.IdentityUUID, t.SessionID, t.DeckyID, string(t.SourceKind), t.SourceID,
		"found", t.Text, "", "",
	}, w.tagCells([]story.Tag{*t})...)...)
}

// tagCells are a row's cells about tags.
func (w *storyWriter) tagCells(tags []story.Tag) []string {
	var ids, names, rules []string
	level := ""
	for i, a := range story.Agreements(tags) {
		if i == 0 {
			level = a.Level.String()
		}
		ids = append(ids, a.Shown.Technique())
		names = append(names, w.o.under.TechniqueName(a.Shown.Technique()))
	}
	for i := range tags {
		rules = append(rules, tags[i].RuleID)
	}
	return []string{level, strings.Join(ids, "; "), strings.Join(names, "; "), strings.Join(rules, "; ")}
}

// exactTime writes a time in UTC with the full precision of its second.
func exactTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
