package correlation

import (
	"time"

	"github.com/ttpcron/ttpcron"
)

// Judge judges one group after another. It is for one goroutine.
type Judge struct {
	rule  *Rule
	times []time.Time
	seq   uint64
	slots []int64
}

// Judge returns a judge.
func (r *Rule) Judge() *Judge { return &Judge{rule: r} }

// Begin begins with a group.
func (j *Judge) Begin(ttpcron.Group) {
	j.times, j.slots = j.times[:0], j.slots[:0]
}

// Match takes the next match of the group, in the order of time and arrival. The stream
// is given by its index in [Rule.Streams]. It keeps nothing of m.
func (j *Judge) Match(stream int, m *ttpcron.BaseMatch) {
	if len(j.times) > 0 && j.seq == m.Seq && j.times[len(j.times)-1].Equal(m.Time) {
		return
	}
	j.seq = m.Seq
	if len(j.times) == j.rule.need {
		copy(j.times, j.times[1:])
		j.times = j.times[:len(j.times)-1]
	}
	j.times = append(j.times, m.Time)
	if len(j.times) < j.rule.need || m.Time.Sub(j.times[0]) > j.rule.def.Timespan {
		return
	}
	if s := ttpcron.Slot(m.Time, j.rule.def.Timespan); len(j.slots) == 0 || j.slots[len(j.slots)-1] != s {
		j.slots = append(j.slots, s)
	}
}

// End appends the slots in which windows ended that satisfy the condition, ascending,
// and reports whether a limit was met, so that there may be more of them.
func (j *Judge) End(slots []int64) (_ []int64, bounded bool) {
	return append(slots, j.slots...), false
}
