package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/tagger/correlation"
)

// The most that is listed of the events that count in a window.
const (
	maxStepsShown = 1000
	maxStepsJSON  = 10_000
)

// traced is how a correlation reached a finding in a group, or how far it got.
type traced struct {
	rule  *correlation.Rule
	group ttpcron.Group
	trace *correlation.Trace
	steps []tracedStep      // flat, those within another before it
	more  int               // steps that are left out
	names map[string]string // of the rules that have matched, by id
}

// tracedStep is what counted, and the event that did.
type tracedStep struct {
	correlation.Step
	depth int
	event *ttpcron.Event // nil for the match of another correlation, and for one that is gone
}

// traceGroup traces a rule in a group, for windows that end in a span of time.
func traceGroup(ctx context.Context, db *store.Store, rs ruleset.Set, r *correlation.Rule, g ttpcron.Group, w ttpcron.Window, most int) (*traced, error) {
	q := ttpcron.MatchQuery{Grouping: r.Grouping(), Until: w.Until, Groups: []ttpcron.Group{g}}
	if !w.Since.IsZero() {
		q.Since = w.Since.Add(-r.Reach())
	}
	trace, err := r.Trace(g, w, db.Matches.BaseMatches(ctx, q))
	if err != nil {
		return nil, err
	}
	t := &traced{rule: r, group: g, trace: trace, names: map[string]string{}}
	t.flatten(trace.Steps, 0, most)
	for i := range t.steps {
		id := t.steps[i].Rule
		if rule, ok := rs.Rule(id); ok && t.names[id] == "" {
			t.names[id] = rule.Name
		}
	}
	return t, t.readEvents(ctx, db)
}

func (t *traced) flatten(steps []correlation.Step, depth, most int) {
	for _, s := range steps {
		t.flatten(s.Steps, depth+1, most)
		if len(t.steps) == most {
			t.more++
			continue
		}
		t.steps = append(t.steps, tracedStep{Step: s, depth: depth})
	}
}

// readEvents reads the events of the steps, with no more of their text than is shown.
func (t *traced) readEvents(ctx context.Context, db *store.Store) error {
	type part struct {
		kind ttpcron.SourceKind
		day  ttpcron.Day
	}
	asked, steps := map[part][]uint64{}, map[uint64][]*tracedStep{}
	for i := range t.steps {
		if m := t.steps[i].Match; m != nil {
			p := part{m.Stream.Kind, ttpcron.DayOf(m.Time)}
			asked[p] = append(asked[p], m.Seq)
			steps[m.Seq] = append(steps[m.Seq], &t.steps[i])
		}
	}
	for p, seqs := range asked {
		for e, err := range db.Matches.EventsAt(ctx, p.kind, p.day, seqs) {
			if err != nil {
				return err
			}
			about := aboutEvent(e)
			for _, s := range steps[e.Seq] {
				s.event = about
			}
		}
	}
	return nil
}

// aboutEvent is an event with only the part of its payload that views show first.
func aboutEvent(e *ttpcron.Event) *ttpcron.Event {
	about := *e
	text := e.Telling()
	if len(text) > 4*maxExcerpt {
		text = text[:4*maxExcerpt]
	}
	about.ID, about.Payload = e.SourceID(), ttpcron.TextPayload("text", strings.Clone(text))
	return &about
}

// gone counts the events that count and are not in the history any more.
func (t *traced) gone() (n int) {
	for i := range t.steps {
		if t.steps[i].Match != nil && t.steps[i].event == nil {
			n++
		}
	}
	return n
}

// print prints the window and what counts in it.
func (t *traced) print(out *term.Output) error {
	tr := t.trace
	if len(t.steps) == 0 {
		return nil
	}
	what := "The first window that satisfies it"
	if !tr.Satisfied {
		what = "The window that comes closest"
	}
	fmt.Fprintf(out, "%s, from %s to %s: %s\n\n", what, term.Time(tr.Since), term.Time(tr.Until), term.Clean(tr.Reached))
	table := term.Table{Columns: []term.Column{
		{Title: "TIME"}, {Title: "COUNTS AS", Min: 20, SGR: term.Green}, {Title: "RULE", Min: 8, SGR: term.Cyan, Spare: 3}, {Title: "KIND", Spare: 2}, {Title: "ATTACKER", Min: 15, Spare: 6}, {Title: "SENSOR", Min: 8, Spare: 4}, {Title: "SESSION", Min: 8, Spare: 5},
		{Title: "TEXT", Min: 24}, {Title: "EVENT", Min: 20, Spare: 1},
	}}
	if len(t.names) > 1 { // else the line below the table says which
		table.Columns[2].Spare = 0
	}
	// The group says already who did it.
	known := slices.Contains(t.rule.Names(), ttpcron.FieldAttackerIP)
	const attacker = 4
	if known {
		table.Columns = slices.Delete(table.Columns, attacker, attacker+1)
	}
	for i := range t.steps {
		s := &t.steps[i]
		row := []string{term.Time(s.Time), strings.Repeat("  ", s.depth) + s.Note, s.Rule, string(ttpcron.Correlation), "", "", "", "", ""}
		switch e := s.event; {
		case e != nil:
			text, _ := e.Payload.Text("text")
			row = append(row[:3], string(e.Kind), cmp.Or(e.AttackerIP, e.AttackerUUID, e.IdentityUUID), e.DeckyID, e.SessionID, beginning(out.Term, text), e.ID)
		case s.Match != nil:
			row[3], row[7] = string(s.Match.Stream.Kind), "(the event is gone)"
		}
		if known {
			row = slices.Delete(row, attacker, attacker+1)
		}
		table.Add(row...)
	}
	if err := out.Table(&table); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(t.names)) {
		fmt.Fprintf(out, "%s  %s\n", out.Term.Paint(term.Cyan, term.Clean(id)), term.Clean(t.names[id]))
	}
	if t.more > 0 {
		fmt.Fprintf(out, "and %s that count\n", term.Plural(t.more, "other", "others"))
	}
	if tr.LeftOut > 0 {
		fmt.Fprintf(out, "%s no number, or below zero, and left out\n", term.Plural(tr.LeftOut, "value is", "values are"))
	}
	if tr.Bounded {
		fmt.Fprintln(out, "A limit of memory was met: there may be more.")
	}
	return nil
}

type tracedJSON struct {
	Satisfied bool       `json:"satisfied"`
	Since     *time.Time `json:"since"` // of the window; null when no base match takes part
	Until     *time.Time `json:"until"` // the instant at which it ends, which is in it
	Reached   term.Exact `json:"reached"`
	Missing   []string   `json:"missing"`
	LeftOut   int        `json:"left_out"` // values that are no numbers, or below zero
	Bounded   bool       `json:"bounded"`
	Steps     []stepJSON `json:"steps"` // what counts, in the order of time
	More      int        `json:"more_steps"`
}

type stepJSON struct {
	Time   time.Time       `json:"time"`
	RuleID string          `json:"rule_id"` // that has matched
	Rule   string          `json:"rule_name"`
	Note   term.Exact      `json:"note"`
	Value  json.RawMessage `json:"value"` // that counts; null where none does
	Depth  int             `json:"depth"` // 1 and more: of the next step of a smaller depth
	Event  *stepEventJSON  `json:"event"` // null for the match of another correlation
}

type stepEventJSON struct {
	Kind    ttpcron.SourceKind `json:"source_kind"`
	ID      *string            `json:"source_id"` // null when the event is gone
	Address string             `json:"attacker_ip"`
	Session string             `json:"session_id"`
	Sensor  string             `json:"decky_id"`
	Text    term.Exact         `json:"text"`
}

func (t *traced) json() *tracedJSON {
	tr := t.trace
	j := &tracedJSON{
		Satisfied: tr.Satisfied, Since: term.TimeOrNull(tr.Since), Until: term.TimeOrNull(tr.Until), Reached: term.Exact(tr.Reached), Missing: append([]string{}, tr.Missing...),
		LeftOut: tr.LeftOut, Bounded: tr.Bounded, Steps: []stepJSON{}, More: t.more,
	}
	for i := range t.steps {
		s := &t.steps[i]
		one := stepJSON{Time: s.Time.UTC(), RuleID: s.Rule, Rule: t.names[s.Rule], Note: term.Exact(s.Note), Depth: s.depth}
		if s.Value != "" {
			one.Value = json.RawMessage(s.Value)
		}
		if s.Match != nil {
			one.Event = &stepEventJSON{Kind: s.Match.Stream.Kind}
		}
		if e := s.event; e != nil {
			text, _ := e.Payload.Text("text")
			one.Event = &stepEventJSON{e.Kind, &e.ID, e.AttackerIP, e.SessionID, e.DeckyID, term.Exact(text)}
		}
		j.Steps = append(j.Steps, one)
	}
	return j
}

// matchDays yields the days of a window with base matches.
func matchDays(ctx context.Context, db *store.Store, w ttpcron.Window) iter.Seq2[*ttpcron.MatchDay, error] {
	return func(yield func(*ttpcron.MatchDay, error) bool) {
		from := ttpcron.Day(0)
		if !w.Since.IsZero() {
			from = ttpcron.DayOf(w.Since)
		}
		for {
			page, err := db.Matches.MatchDays(ctx, from)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page {
				if !w.Until.IsZero() && !page[i].Day.Start().Before(w.Until) {
					return
				}
				if !yield(&page[i], nil) {
					return
				}
			}
			if len(page) == 0 {
				return
			}
			from = page[len(page)-1].Day + 1
		}
	}
}
