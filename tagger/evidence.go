package tagger

import (
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

// quote is what matched: a part of a field of the event, or text that is not in it.
type quote struct {
	field      string // payload field; empty: the text of a command
	start, end int    // end is 0 for a literal
	literal    string // bounded

	// For an event with derived fields: the field that decided, and its value.
	metric, value string
}

// literally quotes text that is not in the event.
func literally(s string) quote { return quote{literal: ttpcron.Shorten(s, ttpcron.MaxMatched)} }

// quoteLine quotes a command: its line if the text has it literally, and otherwise the
// text that it was written as. The text of a decoded command is not in the event.
func quoteLine(text string, c *shell.Command) quote {
	if !c.Original || c.Start < 0 || c.End > len(text) || c.Start >= c.End {
		return literally(c.Line)
	}
	if i := strings.Index(text[c.Start:c.End], c.Line); i >= 0 && c.Line != "" {
		return quote{start: c.Start + i, end: c.Start + i + len(c.Line)}
	}
	return quote{start: c.Start, end: c.End}
}

// quote quotes the part that satisfied a test.
func (ev *evaluation) quote(h *held) quote {
	start, end := h.part()
	if end <= start {
		start, end = 0, len(h.value)
	}
	part := h.value[start:end]
	q := literally(part)
	switch {
	case end == 0:
	case h.field.field == fieldText:
		q = quote{start: start, end: end}
	case h.field.field == fieldPayload:
		if text, ok := ev.event.Payload.Text(h.field.name); ok && text == h.value {
			q = quote{field: h.field.name, start: start, end: end}
		}
	case (h.field.field.ofCommand() || h.field.field.ofProcess()) && h.command >= 0:
		q = quotePart(ev.text, &ev.script.Commands[h.command], part, q)
	}
	q.metric, q.value = h.field.String(), part
	return q
}

// quotePart quotes a part of a command from the event if it is there, and otherwise as
// given.
func quotePart(text string, c *shell.Command, part string, otherwise quote) quote {
	if c.Original && c.Start >= 0 && c.End <= len(text) && c.Start < c.End {
		if i := strings.Index(text[c.Start:min(c.End, c.Start+maxWindow)], part); i >= 0 {
			return quote{start: c.Start + i, end: c.Start + i + len(part)}
		}
	}
	return otherwise
}

// match returns a finding's evidence about an event. looked is the event with its derived
// fields.
func (f *finding) match(looked *ttpcron.Event, derived bool) ttpcron.Match {
	q := &f.matched
	m := ttpcron.Match{Shows: f.rule.shows, Field: q.field, Start: q.start, End: q.end, Literal: q.literal}
	if !derived {
		return m
	}
	m = ttpcron.Match{Shows: m.Shows}
	if q.metric != "" {
		m.Evidence = ttpcron.AppendSignature(nil, looked, m.Shows, q.metric, q.value)
	} else {
		m.Evidence = ttpcron.AppendEvidence(nil, looked, &m)
	}
	return m
}
