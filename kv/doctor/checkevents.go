package doctor

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
)

// dayCount is the counted events of a kind and day. There may be any number of days, so it
// is small.
type dayCount struct {
	day              ttpcron.Day
	counted          bool // the store counts the day
	events           int
	firstSeq         uint64
	lastSeq          uint64
	earliest, latest int64              // nanoseconds of the day
	ids              record.Fingerprint // of the events without an id of their own
	indexed          record.Fingerprint // what the index of such ids holds
}

func (d *dayCount) add(e *ttpcron.Event) {
	nanos := record.NanosOf(e.Time, d.day)
	if d.events++; d.events == 1 {
		d.firstSeq, d.earliest, d.latest = e.Seq, nanos, nanos
	}
	d.lastSeq = e.Seq
	d.earliest, d.latest = min(d.earliest, nanos), max(d.latest, nanos)
}

// dayCounts are those of one kind, ascending.
type dayCounts []dayCount

// at finds a day, or makes it. What it returns is valid until the next call.
func (l *dayCounts) at(day ttpcron.Day) *dayCount {
	if n := len(*l); n > 0 && (*l)[n-1].day == day {
		return &(*l)[n-1]
	}
	i, ok := slices.BinarySearchFunc(*l, day, func(d dayCount, day ttpcron.Day) int { return cmp.Compare(d.day, day) })
	if !ok {
		*l = slices.Insert(*l, i, dayCount{day: day})
	}
	return &(*l)[i]
}

// events checks history, with its counts and indexes.
func (c *checker) events() error {
	c.kinds, c.days = map[ttpcron.SourceKind]record.KindTotal{}, map[ttpcron.SourceKind]dayCounts{}
	c.at("history", layout.Recover)
	c.directory(c.top[layout.History], func(name string, b page.Bucket) {
		c.at("history", layout.Recover)
		c.kind = ttpcron.SourceKind(name)
		c.histories[c.kind] = b
		c.history(b, &c.seen)
	})
	for _, days := range c.days {
		c.report.Days += len(days)
	}
	c.checkDays()
	c.checkContent()
	c.checkNamed()
	return nil
}

// history checks the blocks of a kind and recounts them.
func (c *checker) history(b page.Bucket, seen *record.SeqSet) {
	kind := c.kind
	var days dayCounts
	c.values(b, func(k, v []byte) {
		c.kind = kind
		day, first, ok := record.ParseBlockKey(k)
		if !ok {
			c.day = ""
			c.findf("%x is no key of a block", k)
			return
		}
		c.day = day.String()
		events, err := c.blocks.Read(kind, day, first, v)
		if err != nil {
			c.failed(fmt.Errorf("block %d: %w", first, err))
			return
		}
		d := days.at(day)
		if first <= d.lastSeq {
			c.findf("block %d begins before the block before it ends", first)
		}
		for i := range events {
			e := &events[i]
			if err := e.Validate(); err != nil {
				c.findf("event %d: %v", e.Seq, err)
			}
			if e.Seq == 0 || e.Seq > c.meta.Arrival {
				c.findf("event %d arrived after the last one, %d", e.Seq, c.meta.Arrival)
			} else if !seen.Add(e.Seq) {
				c.findf("arrival number %d is used twice", e.Seq)
			}
			if id := record.IdentityOf(&c.meta.Secret, e); id.Content {
				d.ids.Add(id.Hash, id.Value())
			} else {
				c.named.Add(id.Hash, id.Value())
			}
			d.add(e)
		}
		c.report.Events += len(events)
	})
	c.days[kind] = days
	c.day = ""
}

// checkDays compares the counts of days, and of kinds, with the recount.
func (c *checker) checkDays() {
	harmed := c.harmed["history"]
	c.at("days", layout.Rebuild)
	c.directory(c.top[layout.DayCounts], func(name string, b page.Bucket) {
		kind := ttpcron.SourceKind(name)
		days := c.days[kind]
		c.values(b, func(k, v []byte) {
			c.kind, c.day = kind, ""
			day, ok := record.ParseDay(k)
			if !ok {
				c.findf("%x is no day", k)
				return
			}
			c.day = day.String()
			var want dayCount
			if i, ok := slices.BinarySearchFunc(days, day, func(d dayCount, day ttpcron.Day) int { return cmp.Compare(d.day, day) }); ok {
				days[i].counted = true
				want = days[i]
			}
			h, err := record.ReadDay(record.KindDay{Kind: kind, Day: day}, v)
			switch {
			case err != nil:
				c.failed(err)
			case harmed:
			case h.Events != want.events || h.FirstSeq != want.firstSeq || h.LastSeq != want.lastSeq ||
				!h.Earliest.Equal(record.TimeOf(day, want.earliest)) || !h.Latest.Equal(record.TimeOf(day, want.latest)):
				c.findf("counts %d events with arrivals %d to %d, a recount gives %d with %d to %d", h.Events, h.FirstSeq, h.LastSeq, want.events, want.firstSeq, want.lastSeq)
			}
		})
	})
	for kind, days := range c.days {
		var sum record.KindTotal
		for i := range days {
			d := &days[i]
			if !d.counted && !c.harmed["days"] {
				c.kind, c.day = kind, d.day.String()
				c.findf("%d events of the day are not counted", d.events)
			}
			sum.Add(record.KindTotal{Events: d.events, Days: 1, Earliest: record.TimeOf(d.day, d.earliest), Latest: record.TimeOf(d.day, d.latest)})
		}
		if len(days) > 0 {
			c.kinds[kind] = sum
		}
	}
}

// checkContent compares the indexes of content-derived ids with the events.
func (c *checker) checkContent() {
	harmed := c.harmed["history"]
	c.at("identity", layout.Rebuild)
	c.directory(c.top[layout.Identity], func(name string, b page.Bucket) {
		kind := ttpcron.SourceKind(name)
		days := c.days[kind]
		x := runCheck{form: record.ContentIndex(kind, 0), prefix: 4, bad: c.failed}
		x.each = func(prefix []byte, hash uint64, value record.IndexValue) {
			day, _ := record.ParseDay(prefix)
			days.at(day).indexed.Add(hash, value)
		}
		c.values(b, func(k, v []byte) {
			c.kind, c.day = kind, ""
			if day, ok := record.ParseDay(k[:min(4, len(k))]); ok {
				c.day = day.String()
			}
			x.entry(k, v)
		})
		x.end()
		c.days[kind] = days
	})
	if harmed || c.harmed["identity"] {
		return
	}
	for kind, days := range c.days {
		for _, d := range days {
			if d.indexed != d.ids {
				c.kind, c.day = kind, d.day.String()
				c.findf("the index holds %d ids, the events have %d, or others", d.indexed.N, d.ids.N)
			}
		}
	}
}

// checkNamed compares the index of given ids with the events, and with the records of
// pruned events.
func (c *checker) checkNamed() {
	c.at("pruned", layout.Recover)
	pruned := record.Fingerprint{}
	c.values(c.top[layout.Pruned], func(k, v []byte) {
		c.kind = ttpcron.SourceKind(k)
		p, err := record.ReadPruned(k, v)
		if err != nil {
			c.failed(err)
			return
		}
		pruned = pruned.Plus(p.Named)
	})
	c.at("named", layout.Rebuild)
	var got record.Fingerprint
	x := runCheck{form: record.NamedIndex(), bad: c.failed}
	x.each = func(_ []byte, hash uint64, value record.IndexValue) { got.Add(hash, value) }
	c.values(c.top[layout.Named], x.entry)
	x.end()
	if want := c.named.Plus(pruned); got != want && !c.harmed["history"] && !c.harmed["named"] && !c.harmed["pruned"] {
		c.findf("the index of given ids holds %d, events and what was pruned have %d, or others", got.N, want.N)
	}
}
