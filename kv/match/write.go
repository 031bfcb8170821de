package match

import (
	"cmp"
	"encoding/binary"

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
	Most int                         // entries of a block, 0: MaxEntries
	Put  func(key, rec []byte) error // takes a block; the record is its own

	rows    []row
	groups  []Entry // the first of each group
	streams []uint32
	values  map[string]int
	texts   []string // of values, by number
	size    int
	last    record.MatchKey
}

// row is an entry of the block at hand.
type row struct {
	nanos  int64
	seq    uint64
	group  int
	stream int
	value  int
	form   Form
}

// Add adds an entry.
func (w *Writer) Add(e *Entry) error {
	if len(w.rows) > 0 && (len(w.rows) == cmp.Or(w.Most, MaxEntries) || w.size >= blockBytes || e.Grouping != w.last.Grouping) {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if w.values == nil {
		w.values = map[string]int{}
	}
	if len(w.rows) == 0 || e.Hash != w.last.Hash {
		w.groups = append(w.groups, *e)
		w.size += len(e.Group) + 16
	}
	w.last = e.MatchKey
	value, ok := w.values[e.Values]
	if !ok {
		value = len(w.texts)
		w.values[e.Values] = value
		w.texts = append(w.texts, e.Values)
		w.size += len(e.Values) + 1
	}
	w.rows = append(w.rows, row{e.Nanos, e.Seq, len(w.groups), w.stream(e.Stream), value, e.Form})
	w.size += entryBytes
	return nil
}

// stream numbers the streams of the block: there are few.
func (w *Writer) stream(id uint32) int {
	for i, s := range w.streams {
		if s == id {
			return i
		}
	}
	w.streams = append(w.streams, id)
	return len(w.streams) - 1
}

// timeUnits are the units in which a block's times may be written.
var timeUnits = [...]int64{1, 1e3, 1e6, 1e9}

// Flush makes a block of the entries that were added since the last.
func (w *Writer) Flush() error {
	if len(w.rows) == 0 {
		return nil
	}
	first := w.groups[0].MatchKey
	unit := len(timeUnits) - 1
	for i := range w.rows {
		for w.rows[i].nanos%timeUnits[unit] != 0 {
			unit--
		}
	}
	rec := make([]byte, 0, w.size+w.size/4+64)
	rec = record.TypeMatches.Begin(rec)
	rec = append(rec, byte(unit))
	rec = binary.AppendUvarint(rec, uint64(len(w.streams)))
	for _, s := range w.streams {
		rec = binary.AppendUvarint(rec, uint64(s))
	}
	rec = binary.AppendUvarint(rec, uint64(len(w.texts)))
	for _, t := range w.texts {
		rec = record.AppendText(rec, t)
	}
	rec = binary.AppendUvarint(rec, uint64(len(w.groups)))
	seq, at := first.Seq, 0
	for g := range w.groups {
		if g > 0 {
			rec = record.AppendHash(rec, w.groups[g].Hash)
		}
		rec = record.AppendText(rec, w.groups[g].Group)
		end := at
		for end < len(w.rows) && w.rows[end].group == g+1 {
			end++
		}
		rec = binary.AppendUvarint(rec, uint64(end-at))
		time := int64(0)
		for ; at < end; at++ {
			r := &w.rows[at]
			t := r.nanos / timeUnits[unit]
			rec = binary.AppendUvarint(rec, uint64(r.stream)<<2|uint64(r.form))
			rec = binary.AppendUvarint(rec, uint64(t-time))
			rec = binary.AppendVarint(rec, int64(r.seq-seq))
			rec = binary.AppendUvarint(rec, uint64(r.value))
			time, seq = t, r.seq
		}
	}
	key := record.MatchBlockKey(w.Run, &first)
	record.End(rec, record.DayKey(w.Day), key)
	w.rows, w.groups, w.streams, w.texts, w.size = w.rows[:0], w.groups[:0], w.streams[:0], w.texts[:0], 0
	clear(w.values)
	return w.Put(key, rec)
}
