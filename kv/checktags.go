package kv

import (
	"encoding/binary"
	"fmt"
	"iter"

	"github.com/ttpcron/ttpcron"
)

// tags checks tags, their rollups and the totals of the store.
func (c *checker) tags() error {
	c.at("rollups", doRebuild)
	rollups, stop := iter.Pull2(c.buckets(c.top[string(bucketRollups)]))
	defer stop()
	counted, rollup, more := rollups()
	totals, days := map[uint32]timedCount{}, 0
	c.at("tags", doRecover)
	c.directory(c.top[string(bucketTags)], func(name string, b bucketRef) {
		for ; more && counted < name; counted, rollup, more = rollups() {
			c.countedAlone(counted, rollup)
		}
		c.at("tags", doRecover)
		day, ok := parseDay([]byte(name))
		if !ok {
			c.findf("%x is no day", name)
			return
		}
		c.day = day.String()
		has := more && counted == name
		if c.tagDay(day, b, rollup, has, totals) {
			days++
		}
		if has {
			counted, rollup, more = rollups()
		}
	})
	for ; more; counted, rollup, more = rollups() {
		c.countedAlone(counted, rollup)
	}
	c.report.Days += days
	c.checkTotals(totals, days)
	return nil
}

// maxRecount is how many attackers, addresses and sessions of a day are counted
// at once: some 20 MiB.
const maxRecount = 1 << 17

// tagDay checks the tags of a day and its rollup, if it has one, and adds to the
// totals. It reports whether there are tags.
func (c *checker) tagDay(day ttpcron.Day, b, rollup bucketRef, has bool, totals map[uint32]timedCount) bool {
	found := len(c.report.Findings) + c.report.More
	recount := newDayRollup()
	recount.most = c.recount
	c.tagsOf(day, b, recount)
	whole := len(c.report.Findings)+c.report.More == found
	some := len(recount.claims) > 0
	for id, t := range recount.claims {
		sum := totals[id]
		sum.add(timedCount{t.tags, timeOf(day, t.first), timeOf(day, t.last)})
		totals[id] = sum
	}
	c.at("rollups", doRebuild)
	c.day = day.String()
	switch {
	case has:
		c.compareRollup(day, rollup, recount, whole)
	case whole && some:
		c.find("the tags of the day are not counted")
	}
	for has && whole && recount.next() {
		c.again(func() {
			tags := c.report.Tags
			c.tagsOf(day, b, recount)
			c.report.Tags = tags
			clear(recount.claims) // they have been compared
			c.compareRollup(day, rollup, recount, true)
		})
	}
	return some
}

// again does something with pages that have been visited.
func (c *checker) again(do func()) {
	first := c.w
	c.w = &walker{f: c.pageFile, seen: newBitmap(c.meta.pages), bad: func(string) {}, read: func(int) { first.read(0) }}
	do()
	first.err, c.w = c.w.err, first
}

// countedAlone checks the rollup of a day that has no tags.
func (c *checker) countedAlone(name string, b bucketRef) {
	c.at("rollups", doRebuild)
	day, ok := parseDay([]byte(name))
	c.day = day.String()
	switch {
	case !ok:
		c.findf("%x is no day", name)
	case !c.harmed["tags"]:
		c.find("a day is counted that has no tags")
	}
	c.compareRollup(day, b, newDayRollup(), false)
}

// tagsOf checks the tags of a day and counts them anew.
func (c *checker) tagsOf(day ttpcron.Day, b bucketRef, rollup *dayRollup) {
	var d deriver
	c.values(b, func(k, v []byte) {
		t, err := c.tag(day, k, v, &d)
		if err != nil {
			c.failed(err)
			return
		}
		_, u, _ := parseTagKey(k)
		if got := t.UUID(); got != u {
			c.findf("tag %s: its fields give the UUID %s", u, got)
			return
		}
		id, _ := tagClaim(v)
		rollup.add(&c.secret, nanosOf(t.EventTime, day), id, &t)
		c.report.Tags++
	})
}

// tag reads a tag with its claim.
func (s *source) tag(day ttpcron.Day, k, v []byte, d *deriver) (ttpcron.Tag, error) {
	t, id, err := readTag(day, k, v, d)
	if err != nil {
		return t, err
	}
	_, u, _ := parseTagKey(k)
	cl := s.claim(id)
	if cl == nil {
		return t, fmt.Errorf("tag %s: claim %d is missing", u, id)
	}
	t.SourceKind, t.Claim = cl.kind, cl.Claim
	if err := checkTag(&t); err != nil {
		return t, fmt.Errorf("tag %s: %w", u, err)
	}
	return t, nil
}

// compareRollup reads the rollup of a day and, when asked, compares it with a
// recount, in the range that this has. Claims are compared in the first range.
func (c *checker) compareRollup(day ttpcron.Day, b bucketRef, want *dayRollup, compare bool) {
	name := dayKey(day)
	c.values(b, func(k, v []byte) {
		switch {
		case len(k) == 5 && k[0] == rollupClaim:
			id := binary.BigEndian.Uint32(k[1:])
			got, err := readTally(v, name, k)
			if err != nil {
				c.failed(err)
			} else if w := want.claims[id]; compare && want.from == 0 && got != w {
				c.findf("counts %d tags of claim %d, a recount gives %d, or other times", got.tags, id, w.tags)
			}
			delete(want.claims, id)
		case len(k) == 9 && k[0] == rollupAttacker:
			hash := binary.BigEndian.Uint64(k[1:])
			c.compareAttacker(name, k, v, want.attackers[hash], compare && want.has(hash))
			delete(want.attackers, hash)
		case len(k) == 9 && k[0] == rollupAlias:
			hash := binary.BigEndian.Uint64(k[1:])
			_, ok := want.aliases[hash]
			if b.checkRecord(k, v) != nil || compare && want.has(hash) && !ok {
				c.findf("names %016x, which no tag has", hash)
			}
			delete(want.aliases, hash)
		default:
			c.findf("%x is no key of a rollup", k)
		}
	})
	if n := len(want.claims) + len(want.attackers) + len(want.aliases); compare && n > 0 {
		c.findf("lacks %d claims, attackers or sessions that tags have", n)
	}
}

func (c *checker) compareAttacker(day, k, v []byte, want *attackerTally, compare bool) {
	got, err := readAttacker(v, day, k)
	switch {
	case err != nil:
		c.failed(err)
	case c.secret.attacker(firstName(got.uuid, got.identity, got.ip)) != binary.BigEndian.Uint64(k[1:]):
		c.findf("the name of attacker %x belongs to another", k[1:])
	case compare && (want == nil || got.tally != want.tally):
		c.findf("counts %d tags of attacker %x, a recount gives otherwise", got.tags, k[1:])
	}
}

// checkTotals compares the totals of the store with the recounts.
func (c *checker) checkTotals(claims map[uint32]timedCount, days int) {
	c.at("totals", doRebuild)
	compareTags, compareEvents := !c.harmed["tags"], !c.harmed["history"]
	gotDays := 0
	c.values(c.top[string(bucketTotals)], func(k, v []byte) {
		c.kind = ""
		switch {
		case len(k) > 1 && k[0] == totalKind:
			c.kind = ttpcron.SourceKind(k[1:])
			c.compareKind(k, v, compareEvents)
		case len(k) == 5 && k[0] == rollupClaim:
			id := binary.BigEndian.Uint32(k[1:])
			got, err := readTotal(k, v)
			w := claims[id]
			if err != nil {
				c.failed(err)
			} else if compareTags && (got.tags != w.tags || !got.first.Equal(w.first) || !got.last.Equal(w.last)) {
				c.findf("counts %d tags of claim %d, a recount gives %d, or other times", got.tags, id, w.tags)
			}
			delete(claims, id)
		case len(k) == 1 && k[0] == totalTagDays:
			r, err := openRecord(v, k)
			if err == nil {
				gotDays = int(r.uvarint())
				err = r.finish()
			}
			c.failed(err)
		default:
			c.findf("%x is no key of a total", k)
		}
	})
	c.kind = ""
	if compareTags && gotDays != days {
		c.findf("counts %d days with tags, a recount gives %d", gotDays, days)
	}
	if n := len(claims); compareTags && n > 0 {
		c.findf("lacks %d claims that tags have", n)
	}
	for kind := range c.kinds {
		if compareEvents {
			c.kind = kind
			c.find("the events of the kind are not counted")
		}
	}
}

func (c *checker) compareKind(k, v []byte, compare bool) {
	got, err := readKindTotal(k, v)
	want := c.kinds[c.kind]
	switch {
	case err != nil:
		c.failed(err)
	case compare && (got.Events != want.Events || got.Days != want.Days || !got.Earliest.Equal(want.Earliest) || !got.Latest.Equal(want.Latest)):
		c.findf("counts %d events on %d days, a recount gives %d on %d, or other times", got.Events, got.Days, want.Events, want.Days)
	}
	delete(c.kinds, c.kind)
}
