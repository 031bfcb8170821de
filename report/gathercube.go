package report

import (
	"cmp"
	"slices"

	"github.com/ttpcron/ttpcron"
)

// The limits of a cube: each cell and hour takes some bytes in a page. Before fewer than
// fewAttackers are distinguished, its cells become coarser.
const (
	mostCells     = 150_000
	mostHours     = 30_000
	mostAttackers = 200
	fewAttackers  = 20
)

// cube fills in the cube, and sets each attacker's place in it.
func (j *joiner) cube() {
	r, t := j.r, j.t
	var told []uint32
	for i := range uint32(t.actors.n) {
		if !t.actors.at(i).folded {
			told = append(told, i)
		}
	}
	slices.SortFunc(told, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(t.actors.at(b).tags, t.actors.at(a).tags), cmp.Compare(j.actorName(a), j.actorName(b)))
	})
	told = told[:min(len(told), mostAttackers)]
	grain := t.cells.grain
	var list []countedCell
	for {
		list = j.cells(grain, told)
		fit := fitting(list, len(told))
		if fit < min(len(told), fewAttackers) && grain != grain.coarser() {
			grain = grain.coarser()
			continue
		}
		if told = told[:max(fit, 0)]; len(list) > mostCells {
			list = j.cells(grain, told)
		}
		break
	}
	j.hours()
	r.Cube.DayStep, r.Cube.Sensorless = int(min(grain.days, uint64(max(len(r.Days), 1)))), grain.sensors
	r.Cube.Attackers = []string{""}
	for i, a := range told {
		t.actors.at(a).place = uint32(i + 1)
		r.Cube.Attackers = append(r.Cube.Attackers, j.actorName(a))
	}
	j.fill(list)
}

// fitting is how many attackers can be distinguished, -1 if there are too many cells even
// without any.
func fitting(list []countedCell, told int) int {
	of, others := make([]int, told+1), make([]countedCell, 0, len(list))
	for _, c := range list {
		k := unpacked(c.key)
		of[k.attacker]++
		k.attacker = 0
		others = append(others, countedCell{k.packed(), 0})
	}
	n := len(merged(others))
	for i := range told {
		if n += of[i+1]; n > mostCells {
			return i
		}
	}
	if n > mostCells {
		return -1
	}
	return told
}

// actorName is the address of an attacker, or else who it is.
func (j *joiner) actorName(i uint32) string {
	if at := j.e.actors.find(j.t.actors.hashOf(i)); at != gone {
		if a := j.e.actors.at(at); a.address.text != 0 {
			return j.e.actors.text.string(a.address.text)
		}
	}
	return j.tagName(i)
}

// tagName is actorName as far as tags say.
func (j *joiner) tagName(i uint32) string {
	a, text := j.t.actors.at(i), &j.t.actors.text
	if a.address != 0 {
		return text.string(a.address)
	}
	return text.string(a.who)
}

// cells lists cells by the report's numbers for days, sensors, attackers and techniques.
func (j *joiner) cells(grain grain, told []uint32) []countedCell {
	first := uint64(ttpcron.DayOf(j.r.DaysFrom))
	days := uint64(len(j.r.Days))
	j.r.Cube.Left = 0
	place := make([]uint64, j.t.actors.n+1)
	for i, a := range told {
		place[a+1] = uint64(i + 1)
	}
	left := 0
	list := make([]countedCell, 0, j.t.cells.n)
	for i, key := range j.t.cells.keys {
		if key == 0 {
			continue
		}
		k := unpacked(key)
		at := j.techniqueAt[k.technique]
		on := max(k.day, first) - first // the first step may begin before
		if k.day+j.t.cells.grain.days <= first || on >= days || at < 0 {
			left += int(j.t.cells.counts[i])
			continue
		}
		k.day = on - on%grain.days
		if grain.sensors || k.sensor > 0 && j.sensorOfTags[k.sensor-1] < 0 {
			k.sensor = 0
		} else if k.sensor > 0 {
			k.sensor = uint64(j.sensorOfTags[k.sensor-1]) + 1
		}
		k.attacker, k.technique = place[k.attacker], uint64(at)
		list = append(list, countedCell{k.packed(), j.t.cells.counts[i]})
	}
	j.r.Cube.Left = left
	return merged(list)
}

func (j *joiner) fill(list []countedCell) {
	j.r.Cube.Cells = make([]Cell, 0, len(list))
	for _, c := range list {
		k := unpacked(c.key)
		j.r.Cube.Cells = append(j.r.Cube.Cells, Cell{int(k.day), int(k.sensor) - 1, int(k.attacker), int(k.technique), int(k.level), int(c.tags)})
	}
}

// hours fills in the hours of the week. If there are too many, those of the sensors with
// the fewest tags have no sensor.
func (j *joiner) hours() {
	h := &j.t.hours
	type sensorHours struct {
		at, n, tags int
		of          []uint32
	}
	var rows []*sensorHours
	none, all := &sensorHours{at: -1, of: make([]uint32, weekHours*hourRow)}, 0
	for i, of := range h.of {
		if of == nil {
			continue
		}
		row := &sensorHours{at: -1, of: of}
		if i > 0 {
			row.at = j.sensorOfTags[i-1]
		}
		for _, n := range of {
			if row.tags += int(n); n > 0 {
				row.n++
			}
		}
		if row.at < 0 {
			for k, n := range of {
				none.of[k] += n
			}
			continue
		}
		rows = append(rows, row)
		all += row.n
	}
	slices.SortFunc(rows, func(a, b *sensorHours) int { return cmp.Or(cmp.Compare(a.tags, b.tags), cmp.Compare(a.at, b.at)) })
	for ; len(rows) > 0 && all > mostHours; rows = rows[1:] {
		for k, n := range rows[0].of {
			none.of[k] += n
		}
		all -= rows[0].n
	}
	for _, row := range append(rows, none) {
		for i, n := range row.of {
			if n == 0 {
				continue
			}
			hour := Hour{Hour: i / hourRow, Sensor: row.at, Tactic: i % hourRow / 6, Level: i % 6, Tags: int(n)}
			if hour.Tactic == mostTactics {
				hour.Tactic = -1
			}
			j.r.Cube.Hours = append(j.r.Cube.Hours, hour)
		}
	}
	slices.SortFunc(j.r.Cube.Hours, func(a, b Hour) int {
		return cmp.Or(cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.Sensor, b.Sensor), cmp.Compare(a.Tactic, b.Tactic), cmp.Compare(a.Level, b.Level))
	})
}
