package kv

import (
	"bytes"

	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// dropMatchDays takes out the base matches of days before one of which all events are
// kept: nothing is judged there any more.
func dropMatchDays(tx *txn) error {
	h, err := readHorizons(tx)
	top := tx.top(layout.Matches)
	if err != nil || top == nil {
		return err
	}
	var names [][]byte
	c := top.Cursor()
	for k, _ := c.First(); k != nil && bytes.Compare(k, record.DayKey(h.latest)) < 0; k, _ = c.Next() {
		names = append(names, bytes.Clone(k))
	}
	for _, name := range names {
		if err := top.DeleteBucket(name); err != nil {
			return err
		}
	}
	return nil
}
