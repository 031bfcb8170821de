package kv

import (
	"encoding/binary"
	"fmt"
	"maps"
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

func (f *fingerprint) add(hash, value uint64) {
	f.n++
	f.sum += mix(mix(hash) + value)
}

func (f *fingerprint) plus(o fingerprint) fingerprint {
	return fingerprint{f.n + o.n, f.sum + o.sum}
}

// mix is the finisher of SplitMix64 (Steele, Lea and Flood, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
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

// events checks history, and what is counted and indexed of it.
func (c *checker) events() error {
	c.kinds, c.days = map[ttpcron.SourceKind]KindStats{}, map[kindDay]ttpcron.DayHistory{}
	content := map[kindDay]fingerprint{}
	seen := arrivals{}
	c.at("history", doRecover)
	c.directory(c.top[string(bucketHistory)], func(name string, b bucketRef) {
		c.at("history", doRecover)
		c.kind = ttpcron.SourceKind(name)
		if b.sequence != 0 {
			c.findf("the bucket counts %d where it counts nothing", b.sequence)
		}
		c.history(b, seen, content)
	})
	c.report.Days += len(c.days)
	c.checkDays()
	c.checkContent(content)
	c.checkNamed()
	return nil
}

// history checks the blocks of a kind and recounts them.
func (c *checker) history(b bucketRef, seen arrivals, content map[kindDay]fingerprint) {
	kind := c.kind
	last := map[ttpcron.Day]uint64{}
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
		if first <= last[day] {
			c.findf("block %d begins before the block before it ends", first)
		}
		at := kindDay{kind, day}
		h, fp := c.days[at], content[at]
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
			if d := identityOf(&c.secret, e); d.content {
				fp.add(d.hash, 0)
			} else {
				c.named.add(d.hash, d.digest)
			}
			h = countEvent(h, at, e)
		}
		c.days[at], content[at], last[day] = h, fp, events[len(events)-1].Seq
		c.report.Events += len(events)
	})
	c.day = ""
}

// countEvent adds an event to the counts of its day.
func countEvent(h ttpcron.DayHistory, at kindDay, e *ttpcron.Event) ttpcron.DayHistory {
	if h.Events++; h.Events == 1 {
		return ttpcron.DayHistory{Kind: at.kind, Day: at.day, Events: 1, FirstSeq: e.Seq, LastSeq: e.Seq, Earliest: e.Time, Latest: e.Time}
	}
	h.LastSeq = e.Seq
	h.Earliest, h.Latest = earlier(h.Earliest, e.Time), later(h.Latest, e.Time)
	return h
}

// checkDays compares the counts of days, and of kinds, with the recount.
func (c *checker) checkDays() {
	harmed := c.harmed["history"]
	found := map[kindDay]bool{}
	c.at("days", doRebuild)
	c.directory(c.top[string(bucketDays)], func(name string, b bucketRef) {
		kind := ttpcron.SourceKind(name)
		c.values(b, func(k, v []byte) {
			c.kind, c.day = kind, ""
			day, ok := parseDay(k)
			if !ok {
				c.findf("%x is no day", k)
				return
			}
			c.day = day.String()
			at := kindDay{kind, day}
			found[at] = true
			h, err := readDay(at, v)
			want := c.days[at]
			switch {
			case err != nil:
				c.failed(err)
			case harmed:
			case h.Events != want.Events || h.FirstSeq != want.FirstSeq || h.LastSeq != want.LastSeq || !h.Earliest.Equal(want.Earliest) || !h.Latest.Equal(want.Latest):
				c.findf("counts %d events with arrivals %d to %d, a recount gives %d with %d to %d", h.Events, h.FirstSeq, h.LastSeq, want.Events, want.FirstSeq, want.LastSeq)
			}
		})
	})
	for at, h := range c.days {
		if !found[at] && !c.harmed["days"] {
			c.kind, c.day = at.kind, at.day.String()
			c.findf("%d events of the day are not counted", h.Events)
		}
		s := c.kinds[at.kind]
		if s.Events == 0 {
			s = KindStats{Kind: at.kind, Earliest: h.Earliest, Latest: h.Latest}
		}
		s.Events += h.Events
		s.Days++
		s.Earliest, s.Latest = earlier(s.Earliest, h.Earliest), later(s.Latest, h.Latest)
		c.kinds[at.kind] = s
	}
}

// checkContent compares the indexes of content-derived ids with the events.
func (c *checker) checkContent(want map[kindDay]fingerprint) {
	harmed := c.harmed["history"]
	c.at("identity", doRebuild)
	got := map[kindDay]fingerprint{}
	c.directory(c.top[string(bucketIdentity)], func(name string, b bucketRef) {
		kind := ttpcron.SourceKind(name)
		x := runCheck{name: []byte(name), prefix: 4, width: 0, bad: func(format string, args ...any) { c.findf(format, args...) }}
		x.each = func(prefix []byte, hash, value uint64) {
			day, _ := parseDay(prefix)
			fp := got[kindDay{kind, day}]
			fp.add(hash, value)
			got[kindDay{kind, day}] = fp
		}
		c.values(b, func(k, v []byte) {
			c.kind, c.day = kind, ""
			if day, ok := parseDay(k[:min(4, len(k))]); ok {
				c.day = day.String()
			}
			x.entry(k, v)
		})
		x.end()
	})
	if harmed || c.harmed["identity"] {
		return
	}
	keys := slices.Collect(maps.Keys(want))
	for at := range got {
		if _, ok := want[at]; !ok {
			keys = append(keys, at)
		}
	}
	for _, at := range keys {
		if got[at] != want[at] {
			c.kind, c.day = at.kind, at.day.String()
			c.findf("the index holds %d ids, the events have %d, or others", got[at].n, want[at].n)
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
		for at := range c.days {
			if at.kind == p.kind && at.day < p.before {
				c.day = at.day.String()
				c.find("events are there that were pruned")
				c.day = ""
			}
		}
	})
	c.at("named", doRebuild)
	var got fingerprint
	x := runCheck{name: bucketNamed, width: 8, bad: func(format string, args ...any) { c.findf(format, args...) }}
	x.each = func(_ []byte, hash, value uint64) { got.add(hash, value) }
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
	each   func(prefix []byte, hash, value uint64)
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
