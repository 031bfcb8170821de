package match

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// blockBytes is about how many bytes a block has at most, but for one of a single
// entry: two fill a page.
const blockBytes = 1900

// entryBytes is about how many bytes an entry takes beside texts.
const entryBytes = 7

// Writer makes the blocks of a run of entries, which are given in their order.
type Writer struct {
	Day  ttpcron.Day
	Run  uint32
	Most int // entries of a block, 0: MaxEntries
	// Put takes a block. Key and record are good until it returns.
	Put func(key, rec []byte) error

	rows    []row
	groups  []group
	streams []uint32
	values  dictionary
	size    int
	first   record.MatchKey
	last    record.MatchKey
	rec     []byte
}

// row is an entry of the block at hand.
type row struct {
	nanos  int64
	seq    uint64
	stream int32
	value  int32
	form   Form
}

// group is a group of the block at hand.
type group struct {
	hash record.GroupHash
	text string
	rows int
}

// Add adds an entry, whose text has to stay until the next is added or the run ends.
func (w *Writer) Add(e *Entry) error {
	if len(w.rows) > 0 && (len(w.rows) == cmp.Or(w.Most, MaxEntries) || w.size >= blockBytes || e.Grouping != w.last.Grouping) {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if len(w.rows) == 0 {
		w.first = e.MatchKey
	}
	if len(w.rows) == 0 || e.Hash != w.last.Hash {
		w.groups = append(w.groups, group{hash: e.Hash, text: e.Group})
		w.size += len(e.Group) + 16
	}
	w.groups[len(w.groups)-1].rows++
	w.last = e.MatchKey
	value, more := w.values.number(e.Values)
	w.rows = append(w.rows, row{e.Nanos, e.Seq, w.stream(e.Stream), int32(value), e.Form})
	w.size += entryBytes + more
	return nil
}

// stream numbers the streams of the block: there are few.
func (w *Writer) stream(id uint32) int32 {
	for i, s := range w.streams {
		if s == id {
			return int32(i)
		}
	}
	w.streams = append(w.streams, id)
	return int32(len(w.streams) - 1)
}

// dictionary numbers the distinct texts of a block in the order of their first use.
type dictionary struct {
	texts []string
	slots [4 * MaxEntries]int16 // numbers plus 1, by hash
}

var seed = maphash.MakeSeed()

// number returns the number of a text, and about how many bytes it takes if it is new.
func (d *dictionary) number(text string) (n, more int) {
	for at := maphash.String(seed, text); ; at++ {
		slot := &d.slots[at%uint64(len(d.slots))]
		if *slot == 0 {
			d.texts = append(d.texts, text)
			*slot = int16(len(d.texts))
			return len(d.texts) - 1, len(text) + 1
		}
		if d.texts[*slot-1] == text {
			return int(*slot - 1), 0
		}
	}
}

func (d *dictionary) reset() {
	d.texts = d.texts[:0]
	clear(d.slots[:])
}

// timeUnits are the units in which a block's times may be written.
var timeUnits = [...]int64{1, 1e3, 1e6, 1e9}

// Flush makes a block of the entries that were added since the last.
func (w *Writer) Flush() error {
	if len(w.rows) == 0 {
		return nil
	}
	unit := len(timeUnits) - 1
	for i := range w.rows {
		for w.rows[i].nanos%timeUnits[unit] != 0 {
			unit--
		}
	}
	rec := record.TypeMatches.Begin(w.rec[:0])
	rec = append(rec, byte(unit))
	rec = binary.AppendUvarint(rec, uint64(len(w.streams)))
	for _, s := range w.streams {
		rec = binary.AppendUvarint(rec, uint64(s))
	}
	rec = binary.AppendUvarint(rec, uint64(len(w.values.texts)))
	for _, t := range w.values.texts {
		rec = record.AppendText(rec, t)
	}
	rec = binary.AppendUvarint(rec, uint64(len(w.groups)))
	rows, seq := w.rows, w.first.Seq
	for i := range w.groups {
		g := &w.groups[i]
		if i > 0 {
			rec = record.AppendHash(rec, g.hash)
		}
		rec = record.AppendText(rec, g.text)
		rec = binary.AppendUvarint(rec, uint64(g.rows))
		time := int64(0)
		for k := range rows[:g.rows] {
			r := &rows[k]
			t := r.nanos / timeUnits[unit]
			rec = binary.AppendUvarint(rec, uint64(r.stream)<<2|uint64(r.form))
			rec = binary.AppendUvarint(rec, uint64(t-time))
			rec = binary.AppendVarint(rec, int64(r.seq-seq))
			rec = binary.AppendUvarint(rec, uint64(r.value))
			time, seq = t, r.seq
		}
		rows = rows[g.rows:]
	}
	key := record.MatchBlockKey(w.Run, &w.first)
	record.End(rec, record.DayKey(w.Day), key)
	w.rows, w.groups, w.streams, w.size, w.rec = w.rows[:0], w.groups[:0], w.streams[:0], 0, rec
	w.values.reset()
	return w.Put(key, rec)
}
