package report

import (
	"cmp"
	"slices"
)

// cell is what the cube counts tags by. Sensor and attacker are numbers from 1; 0 stands
// for all others.
type cell struct{ day, sensor, attacker, technique, level uint64 }

// A cell is packed into 63 bits.
const (
	levelBits, techniqueBits, attackerBits, sensorBits = 3, 10, 18, 10

	techniqueShift = levelBits
	attackerShift  = techniqueShift + techniqueBits
	sensorShift    = attackerShift + attackerBits
	dayShift       = sensorShift + sensorBits
)

func (c cell) packed() uint64 {
	return c.day<<dayShift | c.sensor<<sensorShift | c.attacker<<attackerShift | c.technique<<techniqueShift | c.level
}

func unpacked(key uint64) cell {
	return cell{key >> dayShift, key >> sensorShift & (1<<sensorBits - 1), key >> attackerShift & (1<<attackerBits - 1), key >> techniqueShift & (1<<techniqueBits - 1), key & (1<<levelBits - 1)}
}

// cells are counts by cell, up to a limit. If there are too many, the cells become coarser
// for good, and each still has all its tags.
type cells struct {
	keys   []uint64 // 0 is free: a cell has a level
	counts []uint32
	n      int
	most   int
	whole  bool // attackers are not told apart
	grain  grain
}

// grain is how coarse cells are.
type grain struct {
	days    uint64 // how many days a cell stands for
	sensors bool   // sensors are not told apart
}

// daySteps are how many days a cell may cover, if there are too many cells for fewer.
var daySteps = []uint64{1, 7, 28, 364, 1 << 22}

func newCells(most int) cells { return cells{most: most, grain: grain{days: 1}} }

// of is the coarser cell in which a cell is counted.
func (g grain) of(c cell) cell {
	if g.days > 1 {
		c.day -= c.day % g.days
	}
	if g.sensors {
		c.sensor = 0
	}
	return c
}

// coarser is the next grain.
func (g grain) coarser() grain {
	if i := slices.Index(daySteps, g.days); i < 2 {
		g.days = daySteps[i+1]
	} else if !g.sensors {
		g.sensors = true
	} else {
		g.days = daySteps[min(i+1, len(daySteps)-1)]
	}
	return g
}

func (c *cells) add(k cell) { c.count(c.grain.of(k).packed(), 1) }

func (c *cells) count(key uint64, n uint32) {
	if c.n >= len(c.keys)/4*3 {
		c.grow()
	}
	at := c.place(key)
	if c.keys[at] == 0 {
		c.keys[at] = key
		c.n++
	}
	c.counts[at] += n
}

func (c *cells) place(key uint64) uint64 {
	mask := uint64(len(c.keys) - 1)
	at := key * 0x9e3779b97f4a7c15 >> 36 & mask
	for c.keys[at] != 0 && c.keys[at] != key {
		at = (at + 1) & mask
	}
	return at
}

func (c *cells) grow() {
	keys, counts := c.keys, c.counts
	c.keys = make([]uint64, max(firstSlots, 2*len(keys)))
	c.counts, c.n = make([]uint32, len(c.keys)), 0
	for i, key := range keys {
		if key != 0 {
			c.count(key, counts[i])
		}
	}
}

func (c *cells) full() bool { return c.n >= c.most }

// counted is a cell and its tags.
type countedCell struct {
	key  uint64
	tags uint32
}

// merged makes one of cells with one key, and puts them in the order of keys.
func merged(list []countedCell) []countedCell {
	slices.SortFunc(list, func(a, b countedCell) int { return cmp.Compare(a.key, b.key) })
	out := list[:0]
	for _, k := range list {
		if n := len(out); n > 0 && out[n-1].key == k.key {
			out[n-1].tags += k.tags
			continue
		}
		out = append(out, k)
	}
	return out
}

// replace counts other cells instead.
func (c *cells) replace(to func(cell) cell) {
	keys, counts := c.keys, c.counts
	c.keys, c.counts, c.n = make([]uint64, len(keys)), make([]uint32, len(keys)), 0
	for i, key := range keys {
		if key != 0 {
			c.count(to(unpacked(key)).packed(), counts[i])
		}
	}
}

// move gives attackers other numbers.
func (c *cells) move(to func(uint64) uint64) {
	c.replace(func(k cell) cell {
		k.attacker = to(k.attacker)
		return k
	})
}

// fold makes room: the attackers with the fewest tags become "others" for good, and if
// none is left, the cells become coarser.
func (s *tagSide) fold() {
	for s.cells.n > s.cells.most/2 {
		if s.cells.whole {
			s.cells.grain = s.cells.grain.coarser()
			s.cells.replace(s.cells.grain.of)
			if s.cells.grain.days == daySteps[len(daySteps)-1] && s.cells.n > s.cells.most/2 {
				s.cells.most = 2*s.cells.n + 1 // of techniques and levels alone, which have a bound
			}
			continue
		}
		s.foldAttackers()
	}
}

func (s *tagSide) foldAttackers() {
	cellsOf := make([]int, s.actors.n+1)
	for _, key := range s.cells.keys {
		if key != 0 {
			cellsOf[unpacked(key).attacker]++
		}
	}
	var told []uint32 // the one with the fewest tags first
	for i := range uint32(s.actors.n) {
		if cellsOf[i+1] > 0 {
			told = append(told, i)
		}
	}
	slices.SortStableFunc(told, func(a, b uint32) int { return cmp.Compare(s.actors.at(a).tags, s.actors.at(b).tags) })
	for left := s.cells.n; len(told) > 0 && left > s.cells.most/2; told = told[1:] {
		s.actors.at(told[0]).folded = true
		left -= cellsOf[told[0]+1]
	}
	if len(told) == 0 {
		s.cells.whole = true
	}
	if s.cells.whole { // those without cells, too
		for i := range uint32(s.actors.n) {
			s.actors.at(i).folded = true
		}
	}
	s.cells.move(func(a uint64) uint64 {
		if a == 0 || s.actors.at(uint32(a-1)).folded {
			return 0
		}
		return a
	})
}
