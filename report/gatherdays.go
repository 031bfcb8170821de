package report

import (
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

// dayCounts counts by day, as many days as there is room for.
type dayCounts struct {
	m      map[ttpcron.Day]*Day
	last   *Day
	on     ttpcron.Day
	most   int
	others Day
}

func newDayCounts(most int) dayCounts { return dayCounts{m: map[ttpcron.Day]*Day{}, most: most} }

func (d *dayCounts) of(day ttpcron.Day) *Day {
	if d.last != nil && d.on == day {
		return d.last
	}
	n := d.m[day]
	if n == nil {
		if n = &d.others; len(d.m) < d.most {
			n = new(Day)
			d.m[day] = n
		}
	}
	d.last, d.on = n, day
	return n
}

// hours counts tags by the hour of the week.
type hours struct {
	tactics []string
	of      [][]uint32 // by number of the sensor, from 1; 0: of none
	lost    bool
}

const (
	weekHours   = 7 * 24
	mostTactics = 31
	hourSensors = 32 // as many are told apart, of 128 KiB each
	hourRow     = (mostTactics + 1) * 6
)

func newHours(under *attack.Table) hours {
	h := hours{of: make([][]uint32, hourSensors+1)}
	for _, t := range under.Tactics() {
		h.tactics = append(h.tactics, t.ID)
	}
	return h
}

// tactic is the number of a tactic, mostTactics for none.
func (h *hours) tactic(id string) uint8 {
	if i := slices.Index(h.tactics, id); i >= 0 {
		return uint8(min(i, mostTactics))
	}
	return mostTactics
}

func (h *hours) add(at time.Time, sensor uint16, tactic, level uint8) {
	i := 0
	if sensor < hourSensors {
		i = int(sensor) + 1
	} else if sensor != nameless {
		h.lost = true
	}
	if h.of[i] == nil {
		h.of[i] = make([]uint32, weekHours*hourRow)
	}
	h.of[i][hourOf(at)*hourRow+int(tactic)*6+int(level)]++
}

// hourOf is the hour of the week, from midnight on Monday.
func hourOf(at time.Time) int {
	const thursday = 3 * 24 // 1970 began on one
	hour := (at.Unix()/3600 + thursday) % weekHours
	return int((hour + weekHours) % weekHours)
}
