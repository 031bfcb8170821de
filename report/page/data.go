package page

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
	"github.com/ttpcron/ttpcron/report"
)

// maxKey is the largest number that JavaScript holds exactly.
const maxKey = 1 << 53

// block is what the script of a page counts from. Its strings are spelled as the page
// shows them, so that what is shown and what is filtered by are the same.
//
// Cells and Hours are numbers in base64, each a varint as encoding/binary has it: for
// each entry how far its key is from the one before, then how many tags it counts. Keys
// are ascending. That of a cell is
//
//	(((attacker * (sensors+1) + sensor+1) * spans + day/Step) * techniques + technique) * 5 + level-1
//
// with spans as many as there are steps in the days, and that of an hour
//
//	((hour * (sensors+1) + sensor+1) * (tactics+1) + tactic+1) * 5 + level-1
type block struct {
	Days       [2]any      `json:"days"` // the first day, and how many there are
	Sensors    []string    `json:"sensors"`
	Attackers  []string    `json:"attackers"`
	Techniques [][5]any    `json:"techniques"` // id, tactic, name, tags, level
	Tactics    [][2]string `json:"tactics"`    // id, name
	Levels     []string    `json:"levels"`     // by level; 0 is none

	// Apart is how many attackers have cells of their own, the first of Attackers; the
	// others count as the first entry. Step is how many days a cell counts together.
	Apart int    `json:"apart"`
	Step  int    `json:"step"`
	Cells string `json:"cells"`
	Hours string `json:"hours"`
	// Tags are all of them. Left are in no cell: their days are too far away. Sensorless
	// says that cells are not told apart by sensor.
	Tags       int  `json:"tags"`
	Left       int  `json:"left"`
	Sensorless bool `json:"sensorless"`
	// HoursOfAll says that hours are not told apart by sensor: all are of none.
	HoursOfAll bool `json:"hoursOfAll"`
}

// entry is a number of tags under a key, see block.
type entry struct {
	key  uint64
	tags int
}

// data writes the data that the script counts.
func (d *document) data() {
	if d.counted == nil {
		d.counted = d.block(budgets["data"])
	}
	d.rows(part{name: "data"}, 1, budgets["data"], func(int) {
		d.json("data", d.counted)
		d.nl()
	})
}

// block makes the block, of at most limit bytes as long as techniques and sensors leave room
// for cells.
func (d *document) block(limit int) *block {
	r := d.r
	b := &block{
		Days: [2]any{r.FirstDay().Format("2006-01-02"), len(r.Days)}, Sensors: []string{}, Techniques: [][5]any{},
		Attackers: allCleaned(r.Cube.Attackers), Levels: levelNames(),
		Tags: r.Total.Tags, Left: r.Cube.Left, Sensorless: r.Cube.Sensorless,
	}
	for _, s := range r.Sensors {
		b.Sensors = append(b.Sensors, cleaned(s.Name))
	}
	for _, t := range r.Techniques {
		b.Techniques = append(b.Techniques, [5]any{cleaned(t.ID), cleaned(t.Tactic), cleaned(d.nameOf(t.ID)), t.Tags, int(t.Level)})
	}
	for _, t := range d.o.Under.Tactics() {
		b.Tactics = append(b.Tactics, [2]string{t.ID, t.Name})
	}
	if b.hours(r.Cube.Hours, true); len(b.Hours) > limit/4 {
		b.hours(r.Cube.Hours, false)
	}
	rest := b.size()
	for ; rest > limit*3/4 && len(b.Attackers) > 1; rest = b.size() {
		b.Attackers = b.Attackers[:(len(b.Attackers)+1)/2]
	}
	b.cells(&r.Cube, len(r.Days), limit-rest)
	return b
}

func (b *block) size() int {
	var h html
	h.json("data", b)
	return h.size()
}

// cleaned is a name as the page shows it, or its beginning.
func cleaned(name string) string { return jsontext.Clean(ttpcron.CutText(name, maxName)) }

func allCleaned(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = cleaned(s)
	}
	return out
}

// cells packs the cells, and counts attackers together, and then days, until they fit.
func (b *block) cells(c *report.Cube, days, limit int) {
	b.Step = max(1, c.DayStep)
	perAttacker := uint64(len(b.Sensors)+1) * uint64(max(days, 1)) * uint64(max(len(b.Techniques), 1)) * 5
	b.Apart = max(1, min(len(b.Attackers), int(min(maxKey/perAttacker, 1<<30))))
	for {
		packed := pack(b.keyed(c.Cells, days))
		if len(packed) <= limit || b.Apart == 1 && b.Step >= days {
			b.Cells = packed
			return
		}
		if b.Apart > 1 {
			b.Apart = max(1, int(float64(b.Apart)*min(0.9, 0.95*float64(limit)/float64(len(packed)))))
			continue
		}
		b.Step *= 7
	}
}

// keyed gives the cells their keys.
func (b *block) keyed(cells []report.Cell, days int) []entry {
	out := make([]entry, 0, len(cells))
	spans := uint64((days + b.Step - 1) / b.Step)
	for _, c := range cells {
		attacker := c.Attacker
		if attacker >= b.Apart {
			attacker = 0
		}
		key := uint64(attacker)*uint64(len(b.Sensors)+1) + uint64(c.Sensor+1)
		key = key*spans + uint64(c.Day/b.Step)
		key = key*uint64(len(b.Techniques)) + uint64(c.Technique)
		out = append(out, entry{key*5 + uint64(rank(ttpcron.Level(c.Level))-1), c.Tags})
	}
	return out
}

func (b *block) hours(hours []report.Hour, bySensor bool) {
	out := make([]entry, 0, len(hours))
	b.HoursOfAll = !bySensor
	for _, h := range hours {
		key := uint64(h.Hour) * uint64(len(b.Sensors)+1)
		if bySensor {
			key += uint64(h.Sensor + 1)
		}
		key = key*uint64(len(b.Tactics)+1) + uint64(h.Tactic+1)
		out = append(out, entry{key*5 + uint64(rank(ttpcron.Level(h.Level))-1), h.Tags})
	}
	b.Hours = pack(out)
}

// pack writes entries in base64, those with the same key as one.
func pack(list []entry) string {
	slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
	var out []byte
	last := uint64(0)
	for i := 0; i < len(list); {
		key, tags := list[i].key, 0
		for ; i < len(list) && list[i].key == key; i++ {
			tags += list[i].tags
		}
		out = binary.AppendUvarint(out, key-last)
		out = binary.AppendUvarint(out, uint64(tags))
		last = key
	}
	return base64.StdEncoding.EncodeToString(out)
}
