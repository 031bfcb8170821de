package kv

import (
	"encoding/binary"
	"fmt"
	"time"
)

// timedCount counts tags, and says from when to when.
type timedCount struct {
	tags        int
	first, last time.Time
}

func (c *timedCount) add(o timedCount) {
	if c.tags == 0 {
		*c = o
		return
	}
	c.tags += o.tags
	c.first, c.last = earlier(c.first, o.first), later(c.last, o.last)
}

// addTotal adds to a count of the whole store.
func addTotal(b *bucket, key []byte, t timedCount) error {
	if rec := b.Get(key); rec != nil {
		old, err := readTotal(key, rec)
		if err != nil {
			return err
		}
		t.add(old)
	}
	rec := binary.AppendUvarint(beginRecord(nil), uint64(t.tags))
	rec = appendTime(appendTime(rec, t.first), t.last)
	return b.Put(key, endRecord(rec, key))
}

func readTotal(key, rec []byte) (t timedCount, err error) {
	r, err := openRecord(rec, key)
	if err != nil {
		return t, fmt.Errorf("total %x: %w", key, err)
	}
	t = timedCount{int(r.uvarint()), r.time(), r.time()}
	return t, r.finish()
}

// addKindTotal adds events and days to the counts of a kind.
func addKindTotal(tx *txn, s KindStats) error {
	b := tx.Bucket(bucketTotals)
	key := append([]byte{totalKind}, s.Kind...)
	if rec := b.Get(key); rec != nil {
		old, err := readKindTotal(key, rec)
		if err != nil {
			return err
		}
		s.Events += old.Events
		s.Days += old.Days
		s.Earliest, s.Latest = earlier(s.Earliest, old.Earliest), later(s.Latest, old.Latest)
	}
	rec := binary.AppendUvarint(beginRecord(nil), uint64(s.Events))
	rec = binary.AppendUvarint(rec, uint64(s.Days))
	rec = appendTime(appendTime(rec, s.Earliest), s.Latest)
	return b.Put(key, endRecord(rec, key))
}

func readKindTotal(key, rec []byte) (s KindStats, err error) {
	r, err := openRecord(rec, key)
	if err != nil {
		return s, fmt.Errorf("total %x: %w", key, err)
	}
	s = KindStats{Events: int(r.uvarint()), Days: int(r.uvarint()), Earliest: r.time(), Latest: r.time()}
	return s, r.finish()
}

// tagDays returns the number of days on which there are tags.
func tagDays(tx *txn) (int, error) {
	key := []byte{totalTagDays}
	rec := tx.Bucket(bucketTotals).Get(key)
	if rec == nil {
		return 0, nil
	}
	r, err := openRecord(rec, key)
	if err != nil {
		return 0, fmt.Errorf("number of days: %w", err)
	}
	return int(r.uvarint()), r.finish()
}

func putTagDays(tx *txn, n int) error {
	key := []byte{totalTagDays}
	rec := binary.AppendUvarint(beginRecord(nil), uint64(n))
	return tx.Bucket(bucketTotals).Put(key, endRecord(rec, key))
}
