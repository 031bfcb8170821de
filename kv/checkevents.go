package kv

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ttpcron/ttpcron"
)

// fingerprint is a sum over a set of entries of an identity index. Two sets
// that are not equal have, by chance, the same one once in 2^64 cases; the
// hashes in the entries are keyed, so that nobody can choose them.
type fingerprint struct {
	n   int
	sum uint64
}

func (f *fingerprint) add(hash uint64, v entryValue) {
	f.n++
	f.sum += mix(mix(hash) + v[0] + spread*v[1]) // sums of schema 2 have no v[1]
}

const spread = 0x9e3779b97f4a7c15

func (f *fingerprint) plus(o fingerprint) fingerprint {
	return fingerprint{f.n + o.n, f.sum + o.sum}
}

// mix is the finisher of SplitMix64 (Steele, Lea and Flood, 2014).
func mix(x uint64) uint64 {
	x += spread
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// arrivals is a set of arrival numbers, in parts as they are needed.
type arrivals map[uint64][]uint64

func (a arrivals) add(n uint64) bool {
	const part = 1 << 16
	b := a[n/part]
	if b == nil {
		b = make([]uint64, part/64)
		a[n/part] = b
	}
	return bitmap(b).add(n % part)
}

// dayCount is what was counted of the events of a kind and day. There may be any
// number of days, so it is kept small.
type dayCount struct {
	day              ttpcron.Day
	counted          bool // the store counts the day
	events           int
	firstSeq         uint64
	lastSeq          uint64
	earliest, latest int64       // nanoseconds of the day
	ids              fingerprint // of the events without an id of their own
	indexed          fingerprint // what the index of such ids holds
}

func (d *dayCount) add(e *ttpcron.Event) {
	nanos := nanosOf(e.Time, d.day)
	if d.events++; d.events == 1 {
		d.firstSeq, d.earliest, d.latest = e.Seq, nanos, nanos
	}
	d.lastSeq = e.Seq
	d.earliest, d.latest = min(d.earliest, nanos), max(d.latest, nanos)
}

// dayCounts are those of one kind, ascending.
type dayCounts []dayCount

// at finds a day, or makes it. What it returns is good until the next call.
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

// events checks history, and what is counted and indexed of it.
func (c *checker) events() error {
	c.kinds, c.days = map[ttpcron.SourceKind]KindStats{}, map[ttpcron.SourceKind]dayCounts{}
	seen := arrivals{}
	c.at("history", doRecover)
	c.directory(c.top[string(bucketHistory)], func(name string, b bucketRef) {
		c.at("history", doRecover)
		c.kind = ttpcron.SourceKind(name)
		c.history(b, seen)
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
func (c *checker) history(b bucketRef, seen arrivals) {
	kind := c.kind
	var days dayCounts
	c.values(b, func(k, v []byte) {
		c.kind = kind
		day, first, ok := parseBlockKey(k)
		if !ok {
			c.day = ""
			c.findf("%x is no key of a block", k)
			return
		}
		c.day = day.String()
		events, err := c.blocks.read(kind, day, first, v)
		if err != nil {
			c.findf("block %d: %v", first, err)
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
			if e.Seq == 0 || e.Seq > c.arrival {
				c.findf("event %d arrived after the last one, %d", e.Seq, c.arrival)
			} else if !seen.add(e.Seq) {
				c.findf("arrival number %d is used twice", e.Seq)
			}
			if id := identityOf(&c.secret, e); id.content {
				d.ids.add(id.hash, entryValue{})
			} else {
				c.named.add(id.hash, id.value())
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
	c.at("days", doRebuild)
	c.directory(c.top[string(bucketDays)], func(name string, b bucketRef) {
		kind := ttpcron.SourceKind(name)
		days := c.days[kind]
		c.values(b, func(k, v []byte) {
			c.kind, c.day = kind, ""
			day, ok := parseDay(k)
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
			h, err := readDay(kindDay{kind, day}, v)
			switch {
			case err != nil:
				c.failed(err)
			case harmed:
			case h.Events != want.events || h.FirstSeq != want.firstSeq || h.LastSeq != want.lastSeq ||
				!h.Earliest.Equal(timeOf(day, want.earliest)) || !h.Latest.Equal(timeOf(day, want.latest)):
				c.findf("counts %d events with arrivals %d to %d, a recount gives %d with %d to %d", h.Events, h.FirstSeq, h.LastSeq, want.events, want.firstSeq, want.lastSeq)
			}
		})
	})
	for kind, days := range c.days {
		s := KindStats{Kind: kind, Days: len(days)}
		for i := range days {
			d := &days[i]
			if !d.counted && !c.harmed["days"] {
				c.kind, c.day = kind, d.day.String()
				c.findf("%d events of the day are not counted", d.events)
			}
			if i == 0 {
				s.Earliest, s.Latest = timeOf(d.day, d.earliest), timeOf(d.day, d.latest)
			}
			s.Events += d.events
			s.Earliest, s.Latest = earlier(s.Earliest, timeOf(d.day, d.earliest)), later(s.Latest, timeOf(d.day, d.latest))
		}
		if len(days) > 0 {
			c.kinds[kind] = s
		}
	}
}

// checkContent compares the indexes of content-derived ids with the events.
func (c *checker) checkContent() {
	harmed := c.harmed["history"]
	c.at("identity", doRebuild)
	c.directory(c.top[string(bucketIdentity)], func(name string, b bucketRef) {
		kind := ttpcron.SourceKind(name)
		days := c.days[kind]
		x := runCheck{name: []byte(name), prefix: 4, width: 0, bad: func(format string, args ...any) { c.findf(format, args...) }}
		x.each = func(prefix []byte, hash uint64, value entryValue) {
			day, _ := parseDay(prefix)
			days.at(day).indexed.add(hash, value)
		}
		c.values(b, func(k, v []byte) {
			c.kind, c.day = kind, ""
			if day, ok := parseDay(k[:min(4, len(k))]); ok {
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
				c.findf("the index holds %d ids, the events have %d, or others", d.indexed.n, d.ids.n)
			}
		}
	}
}

// checkNamed compares the index of given ids with the events, and with what is
// remembered of events that were pruned.
func (c *checker) checkNamed() {
	c.at("pruned", doRecover)
	pruned := fingerprint{}
	c.values(c.top[string(bucketPruned)], func(k, v []byte) {
		c.kind = ttpcron.SourceKind(k)
		p, err := readPruned(k, v)
		if err != nil {
			c.failed(err)
			return
		}
		pruned = pruned.plus(p.named)
		for _, d := range c.days[p.kind] {
			if d.day < p.before && d.events > 0 {
				c.day = d.day.String()
				c.find("events are there that were pruned")
				c.day = ""
			}
		}
	})
	c.at("named", doRebuild)
	var got fingerprint
	x := runCheck{name: bucketNamed, width: namedWidth, bad: func(format string, args ...any) { c.findf(format, args...) }}
	x.each = func(_ []byte, hash uint64, value entryValue) { got.add(hash, value) }
	c.values(c.top[string(bucketNamed)], x.entry)
	x.end()
	if want := c.named.plus(pruned); got != want && !c.harmed["history"] && !c.harmed["named"] && !c.harmed["pruned"] {
		c.findf("the index of given ids holds %d, events and what was pruned have %d, or others", got.n, want.n)
	}
}

// runCheck checks the runs of an identity index, or of several indexes with
// prefixes of one length.
type runCheck struct {
	name   []byte
	prefix int // length
	width  int
	each   func(prefix []byte, hash uint64, value entryValue)
	bad    func(format string, args ...any)

	at   string         // the prefix at hand
	runs map[uint32]int // entries that the list says are still to come
	run  uint32
	last uint64
	none bool // no entry of the run has been seen
}

func (x *runCheck) entry(k, v []byte) {
	if len(k) != x.prefix+4 && len(k) != x.prefix+12 {
		x.bad("%x is no key of an index", k)
		return
	}
	prefix, id := k[:x.prefix], binary.BigEndian.Uint32(k[x.prefix:])
	if string(prefix) != x.at || x.runs == nil {
		x.end()
		x.at, x.runs, x.run, x.none = string(prefix), map[uint32]int{}, 0, true
	}
	index := runIndex{name: x.name, prefix: prefix, width: x.width}
	r, err := openRecord(v, x.name, k)
	if err != nil {
		x.bad("%v", err)
		return
	}
	if len(k) == x.prefix+4 {
		x.list(id, r)
		return
	}
	if len(r.rest) == 0 || len(r.rest)%index.entry() != 0 {
		x.bad("run %d: %v", id, errShort)
		return
	}
	if id != x.run {
		x.run, x.none = id, true
	}
	if _, ok := x.runs[id]; !ok {
		x.bad("run %d is not in the list of runs", id)
	}
	for e := r.rest; len(e) > 0; e = e[index.entry():] {
		h := binary.BigEndian.Uint64(e)
		if !x.none && h <= x.last {
			x.bad("run %d is not in order", id)
		}
		x.last, x.none = h, false
		x.runs[id]--
		x.each(prefix, h, index.value(e))
	}
	if key := binary.BigEndian.Uint64(k[x.prefix+4:]); key != x.last {
		x.bad("run %d: a chunk ends otherwise than its key says", id)
	}
}

// list reads the list of runs.
func (x *runCheck) list(id uint32, r reader) {
	n := r.count(len(r.rest))
	for range n {
		run := uint32(r.uvarint())
		x.runs[run] = r.count(1 << 30)
	}
	if err := r.finish(); err != nil || id != 0 || len(x.runs) != n {
		x.bad("the list of runs is damaged: %v", fmt.Sprint(err))
	}
}

// end ends an index: no entry may be missing.
func (x *runCheck) end() {
	for id, n := range x.runs {
		if n != 0 {
			x.bad("run %d has %d entries more or less than the list of runs says", id, n)
		}
	}
	x.runs = nil
}
