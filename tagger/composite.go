package tagger

import (
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/carried"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

// Composite passes an event to every tagger that handles its kind and joins their tags.
// It is not safe for concurrent use.
type Composite struct {
	rs     *RuleSet
	warn   Warn
	parser *shell.Parser
	cache  cache
	memo   memo

	lookups   map[ttpcron.SourceKind]*lookup
	attackers ttpcron.Attackers

	ev    evaluation
	event *ttpcron.Event // the one at hand, for warnings
	texts []carried.Text // that it carries
	// The verdict on a text that was not known, and on another event.
	fresh, other verdict
	matches      []ttpcron.BaseMatch // of the event given last
}

// Tagger returns a tagger for one goroutine; make one for each worker. All give
// the same tags. warn may be nil.
func (rs *RuleSet) Tagger(warn Warn) *Composite {
	c := &Composite{rs: rs, warn: warn, parser: shell.NewParser(shell.Limits{}), lookups: map[ttpcron.SourceKind]*lookup{}}
	for kind, k := range rs.ready().kinds {
		c.lookups[kind] = k.lookup(rs.links.own, &c.attackers)
		c.parser.Processes = c.parser.Processes || k.processes
	}
	return c
}

// CacheStats counts how often the verdict on a command's text was remembered.
type CacheStats struct{ Hits, Misses int }

// CacheStats returns the counts since the tagger was made.
func (c *Composite) CacheStats() CacheStats { return CacheStats{c.cache.hits, c.cache.misses} }

// Tag appends the event's tags to dst, ordered by rule id and then as the rule lists
// them. CreatedAt is left zero, and Evidence is left to the reader of the tag, see
// [ttpcron.AppendEvidence].
func (c *Composite) Tag(e *ttpcron.Event, dst []ttpcron.Tag) ([]ttpcron.Tag, ttpcron.Verdict) {
	c.matches = nil
	k := c.lookups[e.Kind]
	carries := carried.Carries(e.Kind) && c.lookups[ttpcron.Command] != nil
	if k == nil && !carries {
		c.unclaimed(e)
		return dst, ttpcron.Verdict{Skipped: true}
	}
	c.event = e
	defer c.forget()
	if carried.Carries(e.Kind) {
		return c.tagRequest(k, e, dst)
	}
	if e.Kind != ttpcron.Command {
		v := c.judge(k, e)
		c.match(k, e, v)
		return c.tags(e, v, dst), ttpcron.Verdict{Bounded: v.bounded}
	}
	text := e.Payload.CommandText()
	if text == "" {
		return dst, ttpcron.Verdict{Skipped: true}
	}
	v := c.verdictOf(k, text)
	if v.open {
		v = c.settled(k, v, text, e)
	}
	c.match(k, e, v)
	return c.tags(e, v, dst), ttpcron.Verdict{Bounded: v.bounded}
}

// verdictOf returns the verdict on a command's text, remembered or new.
func (c *Composite) verdictOf(k *lookup, text string) *verdict {
	v := c.cache.get(text)
	if v == nil {
		v = c.evaluate(k, text)
		if c.cache.admits(text) && !v.failed {
			v = v.kept()
			c.cache.put(text, v)
		}
	}
	return v
}

// tagRequest tags an event that may carry commands. k is nil if no rule is about its kind.
func (c *Composite) tagRequest(k *lookup, e *ttpcron.Event, dst []ttpcron.Tag) ([]ttpcron.Tag, ttpcron.Verdict) {
	from, bounded := len(dst), false
	c.texts, bounded = carried.Find(e)
	if k != nil {
		v := c.judge(k, e)
		c.match(k, e, v)
		dst, bounded = c.tags(e, v, dst), bounded || v.bounded
	}
	dst, more := c.tagCarried(e, dst, from)
	c.texts = nil
	return dst, ttpcron.Verdict{Bounded: bounded || more}
}

// Matches returns the last event's matches in the streams of the rules, grouped by rule.
// They and their text are valid until the next event.
func (c *Composite) Matches() []ttpcron.BaseMatch { return c.matches }

// match makes the matches of an event.
func (c *Composite) match(s *lookup, e *ttpcron.Event, v *verdict) {
	if len(v.streams) == 0 {
		return
	}
	s.packer.Begin(e)
	for _, n := range v.streams {
		s.packer.Add(n)
	}
	c.matches = s.packer.End()
}

// forget lets go of the event, which may hold a page of others.
func (c *Composite) forget() {
	c.event = nil
	if c.ev.event != nil || c.ev.text != "" {
		c.ev.begin("", nil)
	}
}

// unclaimed warns, once for each kind, that no rule applies to an event.
func (c *Composite) unclaimed(e *ttpcron.Event) {
	if _, before := c.rs.warned.LoadOrStore(e.Kind, true); !before && c.warn != nil {
		c.warn(*e, "", fmt.Errorf("no rule applies to events of kind %q", shorten(string(e.Kind), 64)))
	}
}

// tagOf returns a tag of the event without a claim.
func (c *Composite) tagOf(e *ttpcron.Event) ttpcron.Tag {
	attacker, _ := c.attackers.Of(e)
	return ttpcron.Tag{
		SourceKind: e.Kind, SourceID: e.SourceID(), AttackerUUID: attacker, AttackerIP: e.AttackerIP,
		IdentityUUID: e.IdentityUUID, SessionID: e.SessionID, DeckyID: e.DeckyID, Vantage: e.Vantage, EventTime: e.Time, Seq: e.Seq,
		ByResolver: e.ByResolver(),
	}
}

func (c *Composite) tags(e *ttpcron.Event, v *verdict, dst []ttpcron.Tag) []ttpcron.Tag {
	if !v.tags {
		return dst
	}
	tag := c.tagOf(e)
	derived := e.Kind == ttpcron.CanaryFingerprint // whose evidence shows what was derived from it
	for i := range v.findings {
		f := &v.findings[i]
		if len(f.rule.claims) == 0 {
			continue
		}
		tag.Match = f.match(v.event, derived)
		for j := range f.rule.claims {
			tag.Claim = f.rule.claims[j]
			dst = append(dst, tag)
		}
	}
	return dst
}
