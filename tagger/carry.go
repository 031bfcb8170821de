package tagger

import (
	"cmp"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/carried"
)

// A request may carry shell commands: in a parameter, a header, the body. Package carried
// finds their texts, and the rules for commands judge each as if it had been typed. Such
// matches make tags of the request, but do not feed correlations, which count what was run.

// carriedVersion is part of the digest of each rule for commands. Raise it with every
// change after which other texts are found.
const carriedVersion = 1

// appliesTo reports whether a rule about single events may tag events of a kind.
func (d *definition) appliesTo(kind ttpcron.SourceKind) bool {
	return slices.Contains(d.Kinds, kind) || carried.Carries(kind) && slices.Contains(d.Kinds, ttpcron.Command)
}

// tagCarried appends the tags of the rules for commands to those that an event has from
// index from on, and restores their order.
func (c *Composite) tagCarried(e *ttpcron.Event, dst []ttpcron.Tag, from int) (_ []ttpcron.Tag, bounded bool) {
	k := c.lookups[ttpcron.Command]
	if k == nil {
		return dst, false
	}
	own := len(dst)
	for i := range c.texts {
		text := &c.texts[i]
		v := c.verdictOf(k, text.Text)
		if v.open {
			v = c.settled(k, v, text.Text, e)
		}
		bounded = bounded || v.bounded
		if !v.tags {
			continue
		}
		tag := c.tagOf(e)
		for j := range v.findings {
			f := &v.findings[j]
			if len(f.rule.claims) == 0 || slices.ContainsFunc(dst[from:], func(t ttpcron.Tag) bool { return t.RuleID == f.rule.ID }) {
				continue // one text is enough
			}
			tag.Match = ttpcron.Match{Shows: f.rule.shows, Evidence: ttpcron.AppendCarried(nil, e, text.In+", "+text.How, text.Text, f.matched.of(text.Text))}
			for n := range f.rule.claims {
				tag.Claim = f.rule.claims[n]
				dst = append(dst, tag)
			}
		}
	}
	if len(dst) > own {
		slices.SortStableFunc(dst[from:], func(a, b ttpcron.Tag) int { return cmp.Compare(a.RuleID, b.RuleID) })
	}
	return dst, bounded
}

// of returns what a quote from a text says.
func (q *quote) of(text string) string {
	if q.field == "" && q.end > 0 && q.start >= 0 && q.start <= q.end && q.end <= len(text) {
		return text[q.start:q.end]
	}
	return q.literal
}

// carriedTexts returns the texts that the event at hand carries.
func (ev *evaluation) carriedTexts() []carried.Text {
	if !ev.lookedInto && ev.event != nil {
		ev.lookedInto = true
		ev.texts, _ = carried.Find(ev.event)
	}
	return ev.texts
}

// checkCarried holds for a request that carries a command.
type checkCarried struct{}

func (checkCarried) holds(ev *evaluation) bool {
	texts := ev.carriedTexts()
	if len(texts) == 0 {
		return false
	}
	value := ttpcron.Shorten(texts[0].Text, ttpcron.MaxMatched)
	ev.hit(fieldRef{field: fieldPayload, name: texts[0].In + ", " + texts[0].How}, nil, value, 0, len(value))
	return true
}
