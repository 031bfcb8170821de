package kv

import (
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/block"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// rewriteBytes is about how many bytes of blocks one transaction rewrites, unless it is
// one day.
const rewriteBytes = 32 << 20

// dayRewrite stores the events of a kind and day anew.
type dayRewrite struct {
	db      *DB
	at      record.KindDay
	writer  *block.Writer
	events  []ttpcron.Event // of the next block
	blocks  [][2][]byte     // keys and records
	content []byte          // entries of the index of content-derived ids
	count   ttpcron.DayHistory
}

// newDayRewrite begins to store the events of a kind and day anew.
func newDayRewrite(db *DB, at record.KindDay) *dayRewrite {
	return &dayRewrite{db: db, at: at, writer: block.NewWriter(db.encoder)}
}

// keep takes up the next event, in order of arrival.
func (r *dayRewrite) keep(e *ttpcron.Event) {
	if d := record.IdentityOf(&r.db.secret, e); d.Content {
		form := record.ContentIndex(r.at.Kind, r.at.Day)
		r.content = form.AppendEntry(r.content, d.Hash, d.Value())
	}
	countEvent(&r.count, r.at, e)
	if r.events = append(r.events, *e); block.Length(r.events) < len(r.events) {
		r.block()
	}
}

// block makes a block of the events that fill one.
func (r *dayRewrite) block() {
	n := block.Length(r.events)
	r.blocks = append(r.blocks, [2][]byte{record.BlockKey(r.at.Day, r.events[0].Seq), r.writer.Append(nil, r.at.Kind, r.at.Day, r.events[:n])})
	r.events = slices.Clone(r.events[n:])
}

// store stores the events with their counts and indexes, and replaces those of the day.
func (r *dayRewrite) store(tx *txn) error {
	for len(r.events) > 0 {
		r.block()
	}
	history := tx.top(layout.History).Bucket([]byte(r.at.Kind))
	for _, b := range r.blocks {
		if err := history.Put(b[0], b[1]); err != nil {
			return err
		}
	}
	if err := tx.top(layout.DayCounts).Bucket([]byte(r.at.Kind)).Put(record.DayKey(r.at.Day), record.AppendDay(nil, r.at, r.count)); err != nil {
		return err
	}
	if len(r.content) == 0 {
		return nil
	}
	x := contentIndex(tx, r.at.Kind, r.at.Day)
	return x.add(x.SortEntries(r.content))
}
