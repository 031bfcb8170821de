package doctor

import (
	"maps"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
)

// A run looks at what arrived after the checkpoint, and at days that other rules
// have covered. So where tags or their coverage were lost, the new store says that
// unknown rules have covered the day: to leave the coverage out would mean that the
// day was passed over on purpose. Where a checkpoint was lost, the new one is the
// last arrival, and every day was covered by unknown rules that does not say
// otherwise.

// A new store begins without base matches of correlations: they are made again of the
// events. So streams are left out of the rules that coverage speaks of, and correlations
// have begun to judge, but judged nothing.

// ruleSets takes over rule sets, without streams.
func (r *recovery) ruleSets(t *kv.Takeover) error {
	r.withoutStreams = map[string]string{}
	return r.each(layout.RuleSets, func(k, v []byte) error {
		s, err := record.ReadRuleSet(k, v)
		if err != nil {
			return err
		}
		rules := slices.DeleteFunc(slices.Clone(s.Rules), func(d ttpcron.RuleDef) bool { return ttpcron.IsStream(d.ID) })
		switch len(rules) {
		case len(s.Rules):
			return t.Put(layout.RuleSets, "", k, v)
		case 0:
			r.withoutStreams[s.Fingerprint] = ""
			return nil
		}
		left := ttpcron.NewRuleSet(rules)
		r.withoutStreams[s.Fingerprint] = left.Fingerprint
		return t.Put(layout.RuleSets, "", []byte(left.Fingerprint), record.AppendRuleSet(nil, &left))
	})
}

// covered takes over checkpoints and coverage.
func (r *recovery) covered(t *kv.Takeover) error {
	cursors, lost, err := r.cursors(t)
	if err != nil || r.meta.Schema == 1 {
		return err // coverage did not say then which rules had looked
	}
	r.place = layout.Coverage
	_, whole := r.top[layout.Coverage]
	covered := map[ttpcron.SourceKind]page.Bucket{}
	whole = r.listened(func() {
		r.directory(r.top[layout.Coverage], func(name string, b page.Bucket) { covered[ttpcron.SourceKind(name)] = b })
	}) && whole
	stored, err := r.dst.Kinds(r.ctx)
	if err != nil {
		return err
	}
	kinds := slices.AppendSeq(slices.Clone(stored), maps.Keys(covered))
	slices.Sort(kinds)
	ran := len(covered) > 0 || r.report.Tags > 0 || !whole // runs have looked at events
	for _, kind := range slices.Compact(kinds) {
		b, has := covered[kind]
		c := coverage{
			recovery: r, t: t, of: kind,
			damaged:  has && !r.whole(b) || !has && !whole && cursors[kind],
			noCursor: lost && ran && !cursors[kind] && slices.Contains(stored, kind),
		}
		if err := c.takeOver(b); err != nil {
			return err
		}
	}
	r.kind, r.day = "", 0
	return nil
}

// listened does something, and reports whether no damaged page was met.
func (r *recovery) listened(do func()) bool {
	bad, whole := r.w.Bad, true
	r.w.Bad = func(what string) {
		whole = false
		bad(what)
	}
	do()
	r.w.Bad = bad
	return whole
}

// whole reports whether the pages of a bucket are.
func (r *recovery) whole(b page.Bucket) bool {
	whole := true
	w := page.Walker{File: r.File, Seen: page.NewBitmap(r.Header.Pages), Bad: func(string) { whole = false }}
	w.Each(b, func(page.Element) {})
	return whole
}

// cursors takes over the checkpoints. None is behind the last arrival; where that is
// not known, a checkpoint vouches for it. It returns the kinds that have one, and
// whether some were lost.
func (r *recovery) cursors(t *kv.Takeover) (has map[ttpcron.SourceKind]bool, lost bool, err error) {
	has = map[ttpcron.SourceKind]bool{}
	_, there := r.top[layout.Cursors]
	before := r.report.LostRecords
	whole := r.listened(func() {
		err = r.each(layout.Cursors, func(k, v []byte) error {
			c, err := record.ReadCursor(k, v)
			if err != nil {
				return err
			}
			r.vouched(&c.Seq)
			has[c.Kind] = true
			return t.Put(layout.Cursors, "", k, record.AppendCursor(nil, &c))
		})
	})
	return has, !there || !whole || r.report.LostRecords > before, err
}

// vouched lowers an arrival number to the last one or, where that is not known,
// raises the last one to it.
func (r *recovery) vouched(seq *uint64) {
	if r.arrivalKnown {
		*seq = min(*seq, r.meta.Arrival)
	}
	r.meta.Arrival = max(r.meta.Arrival, *seq)
}

// coverage takes over the coverage of a kind.
type coverage struct {
	*recovery
	t        *kv.Takeover
	of       ttpcron.SourceKind
	damaged  bool // of days without coverage nobody knows whether they had some
	noCursor bool // the checkpoint of the kind is lost

	days   []ttpcron.DayHistory // to come, as far as they have been read
	from   ttpcron.Day          // where days are to be read after them
	failed error
}

// lastDay comes after all others.
const lastDay = ttpcron.Day(1<<31 - 1)

// takeOver walks in parallel through the days of the saved events and the records of
// coverage.
func (c *coverage) takeOver(b page.Bucket) error {
	c.kind = c.of
	c.values(b, func(k, v []byte) {
		day, ok := record.ParseDay(k)
		if !ok || c.failed != nil {
			return
		}
		c.without(day - 1)
		c.day = day
		list, err := record.ReadCoverage(record.KindDay{Kind: c.of, Day: day}, v)
		if err != nil {
			if c.recovery.failed(err) {
				c.report.LostRecords++
			}
			list = nil
		}
		c.put(day, list, err == nil && c.meta.Schema > 0 && !c.lost[day] && !c.somethingLost())
	})
	c.without(lastDay)
	if c.day = 0; c.noCursor && c.failed == nil {
		c.failed = c.setCursor()
	}
	return c.failed
}

// next returns the next day with events, unless it is after the given one.
func (c *coverage) next(last ttpcron.Day) (h ttpcron.DayHistory, ok bool) {
	if len(c.days) == 0 && c.failed == nil {
		c.days, c.failed = c.t.Days(c.of, c.from)
	}
	if c.failed != nil || len(c.days) == 0 || c.days[0].Day > last {
		return h, false
	}
	h, c.days = c.days[0], c.days[1:]
	c.from = h.Day + 1
	return h, true
}

// without handles the days up to one that have no record of coverage.
func (c *coverage) without(last ttpcron.Day) {
	for h, ok := c.next(last); ok; h, ok = c.next(last) {
		if c.damaged || c.noCursor {
			c.unknown(&h)
		}
	}
}

// put stores the coverage of a day, if it is good.
func (c *coverage) put(day ttpcron.Day, list []ttpcron.Coverage, good bool) {
	h, some := c.next(day)
	if c.failed != nil {
		return
	}
	all := false
	for i := range list {
		p := &list[i]
		if left, ok := c.withoutStreams[p.RuleSet]; ok {
			*p = p.By(left)
		}
		c.vouched(&p.UpTo)
		all = all || p.After == 0 && p.Since.IsZero() && p.UpTo >= h.LastSeq
	}
	if good && (all || !c.noCursor) {
		c.report.Records++
		if c.old {
			list = byUnknown(list)
		}
		c.store(day, list)
	} else if some {
		c.unknown(&h)
	}
}

// byUnknown is coverage by unknown rules: rules of an earlier schema have to look again,
// see [recovery.remade].
func byUnknown(list []ttpcron.Coverage) (out []ttpcron.Coverage) {
	for _, c := range list {
		out = append(out, c.By(""))
	}
	return out
}

// unknown records that unknown rules have looked at all events of a day.
func (c *coverage) unknown(h *ttpcron.DayHistory) {
	c.again[h.Day] = true
	c.report.LookAgain = len(c.again)
	c.store(h.Day, []ttpcron.Coverage{{Kind: c.of, Day: h.Day, UpTo: h.LastSeq, Uncounted: true}})
}

func (c *coverage) store(day ttpcron.Day, list []ttpcron.Coverage) {
	k := record.KindDay{Kind: c.of, Day: day}
	c.failed = c.t.Put(layout.Coverage, string(c.of), record.DayKey(day), record.AppendCoverage(nil, k, list))
}

// setCursor replaces a checkpoint that was lost.
func (c *coverage) setCursor() error {
	v := ttpcron.Cursor{Kind: c.of, Seq: c.meta.Arrival, UpdatedAt: c.now().UTC(), RunID: recovered}
	return c.t.Put(layout.Cursors, "", []byte(c.of), record.AppendCursor(nil, &v))
}

// recovered is the name of the run in a checkpoint that no run has set.
const recovered = "recovered"

// lookAtAll makes the next run look at everything that was found in a file without a
// header, if any run had looked at it.
func (r *recovery) lookAtAll() {
	r.report.Reread = true
	if r.err != nil || r.w.Err != nil || r.report.Tags == 0 {
		return
	}
	r.err = r.dst.TakeOver(r.ctx, func(t *kv.Takeover) error {
		kinds, err := r.dst.Kinds(r.ctx)
		if err != nil {
			return err
		}
		for _, kind := range kinds {
			c := coverage{recovery: r, t: t, of: kind, noCursor: true}
			if err := c.takeOver(page.Bucket{}); err != nil {
				return err
			}
		}
		r.kind = ""
		return nil
	})
}
