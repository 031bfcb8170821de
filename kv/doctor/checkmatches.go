package doctor

import (
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/match"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
)

// matches checks the base matches of correlations: their runs are in order and agree with
// their descriptions, and their streams, groups and events exist.
func (c *checker) matches() error {
	c.at(layout.Matches, layout.Rebuild)
	groupings := c.groupings()
	c.directory(c.top[layout.Matches], func(name string, b page.Bucket) {
		day, ok := record.ParseDay([]byte(name))
		if !ok {
			c.findf("%x is no day", name)
			return
		}
		c.day = day.String()
		m := matchCheck{checker: c, day: day, groupings: groupings}
		c.values(b, m.entry)
		m.end()
	})
	return nil
}

// groupings returns the number of the grouping of each stream, number 1 first.
func (c *checker) groupings() (of []uint32) {
	first := map[string]uint32{}
	again := page.Walker{File: c.File, Seen: page.NewBitmap(c.Header.Pages), Bad: func(string) {}}
	again.Each(c.top[layout.Streams], func(e page.Element) {
		s, err := record.ReadStream(e.Key, e.Value)
		if err != nil {
			of = append(of, 0)
			return
		}
		id := uint32(len(of) + 1)
		if _, ok := first[s.Grouping()]; !ok {
			first[s.Grouping()] = id
		}
		of = append(of, first[s.Grouping()])
	})
	return of
}

// matchCheck checks the base matches of a day.
type matchCheck struct {
	*checker
	day       ttpcron.Day
	groupings []uint32
	has       bool // what describes the day
	of        record.MatchDay
	streams   map[uint32]record.StreamDay
	runs      map[uint32]*record.MatchRun // as they are described, less what was met

	block match.Block
	run   uint32
	last  record.MatchKey
	lost  uint64 // an event that is not there
}

func (m *matchCheck) entry(k, v []byte) {
	switch string(k) {
	case string(record.KeyMatchDay):
		of, err := record.ReadMatchDay(m.day, v)
		if err != nil {
			m.failed(err)
			return
		}
		m.of, m.has, m.runs = of, true, map[uint32]*record.MatchRun{}
		for i := range of.Runs {
			if m.runs[of.Runs[i].ID] = &of.Runs[i]; i > 0 && of.Runs[i].First <= of.Runs[i-1].Last {
				m.findf("run %d is not older than that after it", of.Runs[i-1].ID)
			}
		}
		if len(m.runs) < len(of.Runs) {
			m.find("a run is described twice")
		}
	case string(record.KeyMatchStreams):
		streams, err := record.ReadStreamDays(m.day, v)
		m.failed(err)
		m.streams = map[uint32]record.StreamDay{}
		sum := 0
		for _, s := range streams {
			m.streams[s.Stream] = s
			if sum += s.Matches; m.known(s.Stream) == 0 {
				m.findf("stream %d is missing", s.Stream)
			}
		}
		if err == nil && m.has && sum != m.of.Matches {
			m.findf("counts %d matches, and %d of its streams", m.of.Matches, sum)
		}
	default:
		m.blockOf(k, v)
	}
}

// known returns a stream's grouping, or 0 for an unknown stream.
func (m *matchCheck) known(stream uint32) uint32 {
	if stream == 0 || uint64(stream) > uint64(len(m.groupings)) {
		return 0
	}
	return m.groupings[stream-1]
}

// blockOf checks a block of a run.
func (m *matchCheck) blockOf(k, v []byte) {
	run, _, ok := record.ParseMatchBlockKey(k)
	if !ok {
		m.findf("%x is no key of base matches", k)
		return
	}
	if err := m.block.Read(&m.meta.Secret, m.day, k, v); err != nil {
		m.failed(fmt.Errorf("run %d: %w", run, err))
		return
	}
	r := m.runs[run]
	if r == nil {
		if m.has {
			m.findf("run %d is not described", run)
		}
		return
	}
	for i := range m.block.Groups {
		g := &m.block.Groups[i]
		if m.meta.Secret.Group(g.Text) != g.Hash {
			m.findf("run %d: a group lies where another belongs", run)
		}
		for row := g.From; row < g.To; row++ {
			m.row(r, g, &m.block.Rows[row])
		}
	}
}

// row checks an entry of a run.
func (m *matchCheck) row(run *record.MatchRun, g *match.Group, e *match.Row) {
	k := g.Key(e)
	if run.ID == m.run && m.last.Compare(&k) >= 0 {
		m.findf("run %d is not in order", run.ID)
	}
	m.run, m.last = run.ID, k
	if e.Form == match.Went {
		run.Went--
	} else {
		run.Came--
	}
	s, counted := m.streams[e.Stream]
	switch {
	case m.known(e.Stream) != g.Grouping:
		m.findf("run %d: a match of stream %d has the grouping %d", run.ID, e.Stream, g.Grouping)
	case !run.Holds(e.Nanos, e.Seq) || m.streams != nil && (!counted || !s.Holds(e.Nanos, e.Seq)):
		m.findf("run %d: a match of stream %d, event %d, is not described", run.ID, e.Stream, e.Seq)
	case e.Form != match.Went && !m.seen.Has(e.Seq) && !m.harmed["history"] && m.lost == 0:
		m.lost = e.Seq // what went may be of an event that is gone
	}
}

// end ends a day: no entry may be missing.
func (m *matchCheck) end() {
	if m.lost > 0 {
		m.findf("there are matches of event %d, which is not there", m.lost)
	}
	if !m.has || m.streams == nil {
		m.find("the base matches of the day are not described")
	}
	for id, r := range m.runs {
		if r.Came != 0 || r.Went != 0 {
			m.findf("run %d has %d matches more or less than is said of it", id, r.Came+r.Went)
		}
	}
}
