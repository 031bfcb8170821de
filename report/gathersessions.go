package report

import (
	"cmp"
	"slices"
	"strings"
)

// mostLike is how many sessions with the same techniques are listed before those with
// others.
const mostLike = 2

// candidate is a session that may be listed.
type candidate struct {
	set   uint64 // what stands for its techniques
	level uint8
	score uint32
	i     uint32 // number among those of tags
	like  int
	more  bool // enough sessions with the same techniques tell more
}

// score is how informative a session is, among those with the same level. What took the
// attacker more effort counts more: a login that worked, files, many tactics.
func score(techniques, tactics int, f *eventSession) uint32 {
	n := 2*techniques + 3*tactics
	if f != nil {
		if f.won > 0 {
			n += 6
		}
		n += 4*int(min(f.files, 3)) + int(min(f.commands, 20))/5
	}
	return uint32(n)
}

// listSessions lists sessions by level, and within a level the most informative first,
// with some of each set of techniques before others.
func (j *joiner) listSessions() {
	list := &j.r.Sessions
	list.Total, list.AtLeast = j.r.Total.Sessions, j.lostSessions()
	if j.o.Tagged {
		list.Total = max(j.t.sessions.n, j.t.most.sessions)
	}
	list.By, list.Command = "with the highest level", "ttpcron sessions"
	all := make([]candidate, 0, j.t.sessions.n)
	var techniques []int
	for i := range uint32(j.t.sessions.n) {
		f := j.t.sessions.at(i)
		var tactics int
		techniques, tactics = j.showed(&f.claims, techniques[:0])
		c := candidate{i: i, level: f.level, score: score(len(techniques), tactics, j.eventsOf(i))}
		for _, at := range techniques {
			c.set += mix(uint64(at)+1, 0x2545f4914f6cdd1d)
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.set, b.set), cmp.Compare(b.score, a.score), j.earlier(a.i, b.i))
	})
	top := best[candidate]{most: j.o.Rows, before: func(a, b *candidate) bool {
		if a.more != b.more {
			return b.more
		}
		return cmp.Or(cmp.Compare(b.level, a.level), cmp.Compare(b.score, a.score), j.earlier(a.i, b.i)) < 0
	}}
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].set == all[0].set {
			n++
		}
		for i, c := range all[:min(n, j.o.Rows)] {
			c.like, c.more = n-1, i >= mostLike
			top.add(c)
		}
		all = all[n:]
	}
	for _, c := range top.list {
		list.Rows = append(list.Rows, j.session(c))
	}
}

// earlier orders equally informative sessions: the newest first.
func (j *joiner) earlier(a, b uint32) int {
	x, y := j.t.sessions.at(a), j.t.sessions.at(b)
	if c := cmp.Or(cmp.Compare(y.last, x.last), cmp.Compare(y.tags, x.tags)); c != 0 {
		return c
	}
	return strings.Compare(j.t.sessions.text.string(x.id), j.t.sessions.text.string(y.id))
}

// eventsOf is what events say of a session of tags, nil for nothing.
func (j *joiner) eventsOf(i uint32) *eventSession {
	k := j.e.sessions.find(j.t.sessions.hashOf(i))
	if k == gone || j.e.sessions.at(k).events == 0 {
		return nil
	}
	return j.e.sessions.at(k)
}

func (j *joiner) session(c candidate) *Session {
	f := j.t.sessions.at(c.i)
	e := j.eventsOf(c.i)
	row := &Session{ID: j.t.sessions.text.string(f.id), Tags: int(f.tags), Like: c.like}
	both, old := f.span, f.old
	if e != nil {
		both = e.span
		row.Events, row.Commands, row.Tries, row.Won, row.Files = int(e.events), int(e.commands), int(e.tries), int(e.won), int(e.files)
	}
	if k := j.e.sessions.find(j.t.sessions.hashOf(c.i)); k != gone {
		old = j.e.sessions.at(k).old || e == nil && f.old
	}
	row.Seen = j.seen(both, f.level, !old && j.e.sessions.cuts == 0 && (e != nil || j.t.sessions.cuts == 0))
	row.Techniques, row.Tactics = j.showed(&f.claims, nil)
	slices.Sort(row.Techniques)
	if f.sensor != nameless {
		row.Sensor = bounded(j.t.names.list[f.sensor])
		if at := j.sensorOfTags[f.sensor]; at >= 0 {
			row.Seen.Sensors = []int{at}
		}
	}
	if f.actor != gone {
		row.Attacker, row.Seen.Attacker = j.actorName(f.actor), j.placeOf(f.actor)
	}
	return row
}
