package match

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// blockBytes is the most bytes in a block, except for one with a single entry: two fill a
// page.
const blockBytes = 1984

// countBytes is how many bytes of a block are neither texts nor rows: its header, the unit
// and three counts.
const countBytes = record.HeaderSize + 1 + 3*2

// Writer makes the blocks of a run from entries that are given in order.
type Writer struct {
	Day  ttpcron.Day
	Run  uint32
	Most int // entries of a block, 0: MaxEntries
	// Put takes a block. Key and record are valid until it returns.
	Put func(key, rec []byte) error

	rows   []row
	groups []writtenGroup
	text   []byte // packed, of the groups
	packed []byte // the text of the next group or values
	kinds  []uint64
	kindAt [256]int16 // numbers plus 1 of the kinds, by the last bits of those met last
	values dictionary
	unit   int // of the times of rows
	size   int // of the block, at most
	first  record.MatchKey
	hash   record.GroupHash // of the group at hand
	last   row
	time   int64 // of the last, in units
	rec    []byte
}

// row is an entry of the block at hand.
type row struct {
	nanos int64
	seq   uint64
	head  uint32
	value int32
}

// A row begins with the number of its kind and this bit.
const sameEvent = 1 // time and arrival number are those of the row before

// writtenGroup is a group of the block at hand.
type writtenGroup struct {
	to   int // of text
	rows int
}

// Add adds an entry. Its text need not stay.
func (w *Writer) Add(g *Group, r *Row, values string) error {
	if n := len(w.rows); n > 0 && (n == cmp.Or(w.Most, MaxEntries) || g.Grouping != w.first.Grouping || !w.refine(r.Nanos)) {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	next := w.weigh(g, r, values)
	if len(w.rows) > 0 && w.size+next.bytes > blockBytes {
		if err := w.Flush(); err != nil {
			return err
		}
		next = w.weigh(g, r, values)
	}
	if next.kind == len(w.kinds) {
		w.kinds = append(w.kinds, next.code)
	}
	w.kindAt[next.code%uint64(len(w.kindAt))] = int16(next.kind + 1)
	one := row{nanos: r.Nanos, seq: r.Seq, head: uint32(next.kind) << 1}
	if next.same {
		one.head |= sameEvent
	}
	if next.begins {
		w.text = append(w.text, w.packed[:next.group]...)
		w.groups, w.hash = append(w.groups, writtenGroup{to: len(w.text)}), g.Hash
	}
	w.groups[len(w.groups)-1].rows++
	if values != "" {
		one.value = w.values.number(values, w.packed[next.group:], next.slot)
	}
	w.rows, w.last = append(w.rows, one), one
	w.time = inUnits(r.Nanos, w.unit)
	w.size += next.bytes
	return nil
}

// refine sets the block's unit to what a time needs, unless the block becomes too large.
func (w *Writer) refine(nanos int64) bool {
	unit := unitOf(nanos, w.unit)
	if unit == w.unit {
		return true
	}
	size := w.size + w.timeBytes(unit) - w.timeBytes(w.unit)
	if size > blockBytes {
		return false
	}
	w.size, w.unit, w.time = size, unit, inUnits(w.last.nanos, unit)
	return true
}

// weighed is the size of the next row in the block, with the texts that it needs.
type weighed struct {
	code         uint64
	kind         int // its number
	slot         *int16
	begins, same bool // a group, the event of the row before
	group        int  // bytes of the group in packed; values follow
	bytes        int
}

// weigh looks at the next row. It begins the block if that is empty.
func (w *Writer) weigh(g *Group, r *Row, values string) weighed {
	if len(w.rows) == 0 {
		w.first, w.size, w.unit = g.Key(r), countBytes, unitOf(r.Nanos, len(timeUnits)-1)
		w.last = row{seq: r.Seq}
	}
	n := weighed{begins: len(w.rows) == 0 || g.Hash != w.hash}
	w.packed = w.packed[:0]
	if n.begins {
		w.packed = record.AppendValues(w.packed, g.Text, groupLead)
		n.group = len(w.packed)
	}
	n.code = uint64(r.Stream)<<kindShift | uint64(r.Form)
	if values != "" {
		n.code |= kindValues
		if n.slot = w.values.find(values); *n.slot == 0 {
			w.packed = record.AppendValues(w.packed, values, 0)
			n.bytes = uvarintBytes(uint64(len(w.values.ends)))
		} else {
			n.bytes = uvarintBytes(uint64(*n.slot - 1))
		}
		n.bytes += len(w.packed) // the group's too
	} else {
		n.bytes = n.group
	}
	if n.kind = w.findKind(n.code); n.kind == len(w.kinds) {
		n.bytes += uvarintBytes(n.code)
	}
	n.bytes += uvarintBytes(uint64(n.kind) << 1)
	time := w.time
	if n.begins {
		time = 0
		n.bytes += 2 // how many rows
	} else if n.same = w.last.nanos == r.Nanos && w.last.seq == r.Seq; n.same {
		return n
	}
	n.bytes += uvarintBytes(uint64(inUnits(r.Nanos, w.unit)-time)) + uvarintBytes(zigzag(r.Seq-w.last.seq))
	return n
}

// findKind returns the number of a kind; a new kind gets the next one.
func (w *Writer) findKind(code uint64) int {
	if n := int(w.kindAt[code%uint64(len(w.kindAt))]) - 1; n >= 0 && w.kinds[n] == code {
		return n
	}
	if n := slices.Index(w.kinds, code); n >= 0 {
		return n
	}
	return len(w.kinds)
}

// timeBytes is how many bytes the block's times take in a unit.
func (w *Writer) timeBytes(unit int) (n int) {
	rows := w.rows
	for i := range w.groups {
		last := int64(0)
		for k := range rows[:w.groups[i].rows] {
			if r := &rows[k]; r.head&sameEvent == 0 {
				t := inUnits(r.nanos, unit)
				n += uvarintBytes(uint64(t - last))
				last = t
			}
		}
		rows = rows[w.groups[i].rows:]
	}
	return n
}

func zigzag(n uint64) uint64 { return n<<1 ^ uint64(int64(n)>>63) }

func uvarintBytes(n uint64) int { return (bits.Len64(n|1) + 6) / 7 }

// groupLead is how many bytes of a group come before its values: its vantage.
const groupLead = 1

// dictionary numbers the distinct texts of a block in the order of their first use.
type dictionary struct {
	text   []byte // one after another
	ends   []int32
	packed []byte
	slots  [2 * MaxEntries]int16 // numbers plus 1, by hash
}

var seed = maphash.MakeSeed()

// find returns the slot of a text, which is 0 if it is new.
func (d *dictionary) find(text string) *int16 {
	for at := maphash.String(seed, text); ; at++ {
		if slot := &d.slots[at%uint64(len(d.slots))]; *slot == 0 || string(d.at(int(*slot-1))) == text {
			return slot
		}
	}
}

// at returns the text with a number.
func (d *dictionary) at(n int) []byte {
	from := int32(0)
	if n > 0 {
		from = d.ends[n-1]
	}
	return d.text[from:d.ends[n]]
}

// number returns the number of the text in a slot.
func (d *dictionary) number(text string, packed []byte, slot *int16) int32 {
	if *slot == 0 {
		d.text, d.packed = append(d.text, text...), append(d.packed, packed...)
		d.ends = append(d.ends, int32(len(d.text)))
		*slot = int16(len(d.ends))
	}
	return int32(*slot - 1)
}

func (d *dictionary) reset() {
	d.text, d.ends, d.packed = d.text[:0], d.ends[:0], d.packed[:0]
	clear(d.slots[:])
}

// timeUnits are the units in which a block's times may be written.
var timeUnits = [...]int64{1, 1e3, 1e6, 1e9}

// inUnits divides by a unit: by a number that the compiler knows.
func inUnits(nanos int64, unit int) int64 {
	switch unit {
	case 3:
		return nanos / 1e9
	case 2:
		return nanos / 1e6
	case 1:
		return nanos / 1e3
	}
	return nanos
}

// unitOf returns the largest unit, up to the given one, that divides a time.
func unitOf(nanos int64, most int) int {
	switch n := uint64(nanos); {
	case most == 3 && n%1e9 == 0:
		return 3
	case most >= 2 && n%1e6 == 0:
		return 2
	case most >= 1 && n%1e3 == 0:
		return 1
	}
	return 0
}

// Flush makes a block from the entries added since the last one.
func (w *Writer) Flush() error {
	if len(w.rows) == 0 {
		return nil
	}
	rec := record.TypeMatches.Begin(w.rec[:0])
	rec = append(rec, byte(w.unit))
	rec = binary.AppendUvarint(rec, uint64(len(w.kinds)))
	for _, k := range w.kinds {
		rec = binary.AppendUvarint(rec, k)
	}
	rec = binary.AppendUvarint(rec, uint64(len(w.values.ends)))
	rec = append(rec, w.values.packed...)
	rec = binary.AppendUvarint(rec, uint64(len(w.groups)))
	rows, seq, from := w.rows, w.first.Seq, 0
	for i := range w.groups {
		g := &w.groups[i]
		rec = append(rec, w.text[from:g.to]...)
		from = g.to
		rec = binary.AppendUvarint(rec, uint64(g.rows))
		time := int64(0)
		for k := range rows[:g.rows] {
			r := &rows[k]
			rec = binary.AppendUvarint(rec, uint64(r.head))
			if r.head&sameEvent == 0 {
				t := inUnits(r.nanos, w.unit)
				rec = binary.AppendUvarint(rec, uint64(t-time))
				rec = binary.AppendUvarint(rec, zigzag(r.seq-seq))
				time, seq = t, r.seq
			}
			if w.kinds[r.head>>1]&kindValues != 0 {
				rec = binary.AppendUvarint(rec, uint64(r.value))
			}
		}
		rows = rows[g.rows:]
	}
	key := record.MatchBlockKey(w.Run, &w.first)
	record.End(rec, record.DayKey(w.Day), key)
	for _, k := range w.kinds {
		w.kindAt[k%uint64(len(w.kindAt))] = 0
	}
	w.rows, w.groups, w.text, w.kinds, w.rec = w.rows[:0], w.groups[:0], w.text[:0], w.kinds[:0], rec
	w.values.reset()
	return w.Put(key, rec)
}
