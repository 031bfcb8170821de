package kv

import "github.com/ttpcron/ttpcron/kv/record"

// tagWalk walks backwards through a day's tags by time and UUID. In the bucket, those of
// findings come after those of events.
type tagWalk struct{ events, findings walkedTags }

// walkedTags are the tags of events, or of findings.
type walkedTags struct {
	c      *cursor
	k, rec []byte // the next; nil: there is none
}

// walkBack begins before a position of [record.AppendTagPosition].
func walkBack(b *bucket, position []byte) *tagWalk {
	w := &tagWalk{walkedTags{c: b.Cursor()}, walkedTags{c: b.Cursor()}}
	w.events.k, w.events.rec = keyBefore(w.events.c, position)
	w.findings.set(keyBefore(w.findings.c, record.FindingAt(position)))
	return w
}

// set takes the next of findings.
func (t *walkedTags) set(k, rec []byte) {
	if !record.OfFinding(k) {
		k, rec = nil, nil
	}
	t.k, t.rec = k, rec
}

// prev returns key and record of the next tag, or nil.
func (w *tagWalk) prev() (k, rec []byte) {
	e, f := &w.events, &w.findings
	if f.k != nil && (e.k == nil || record.CompareTagPositions(f.k, e.k) > 0) {
		k, rec = f.k, f.rec
		f.set(f.c.Prev())
		return k, rec
	}
	if k, rec = e.k, e.rec; k != nil {
		e.k, e.rec = e.c.Prev()
	}
	return k, rec
}

// eachTagWithin calls do with the tags in a day's bucket from one nanosecond of the day to
// another, both included: first those of events, then those of findings.
func eachTagWithin(b *bucket, first, last int64, do func(k, rec []byte) error) error {
	c := b.Cursor()
	for _, findings := range [...]bool{false, true} {
		for k, rec := c.Seek(record.TagsFrom(findings, first)); k != nil && record.OfFinding(k) == findings; k, rec = c.Next() {
			nanos, _, ok := record.ParseTagKey(k)
			if !ok {
				return record.Damagef("%x is no key of a tag", k)
			}
			if nanos > last {
				break
			}
			if err := do(k, rec); err != nil {
				return err
			}
		}
	}
	return nil
}
