package match

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Block is the entries of a block that was read, in memory that is used again.
type Block struct {
	List
	Only         Only
	Since, Until int64 // nanoseconds of the day between which rows are read, both included; Until 0: all
	text         []byte
	kinds        []kind
	secret       *record.Secret
	seq          uint64 // of the row that was read last
}

// Only says which entries are read.
type Only struct {
	Streams []bool // by number; nil: of all
	Group   string // empty: of all
}

// kind is what rows of a block have in common.
type kind struct {
	stream         uint32
	form           Form
	values, wanted bool
}

// The bits of a kind in a block.
const (
	kindForm   = 3
	kindValues = 1 << 2
	kindShift  = 3
)

// Read reads a block. The text of its entries is part of the record or, where it is to
// be kept, of a copy that the block has.
func (b *Block) Read(secret *record.Secret, day ttpcron.Day, key, rec []byte, keep bool) error {
	b.Reset()
	_, first, ok := record.ParseMatchBlockKey(key)
	if !ok {
		return record.Damagef("%x is no key of a block of matches", key)
	}
	r, err := record.TypeMatches.Open(rec, record.DayKey(day), key)
	if err != nil {
		return err
	}
	b.secret = secret
	unit := int64(1)
	if u := int(r.Byte()); u < len(timeUnits) {
		unit = timeUnits[u]
	} else {
		r.Fail(record.Damagef("time unit %d", u))
	}
	if !b.readKinds(&r) && r.Err == nil {
		return nil
	}
	if keep {
		b.text = append(b.text[:0], r.Rest...)
		r.Rest = b.text
	}
	for range r.Count(MaxEntries) {
		b.Values = append(b.Values, text(&r))
	}
	groups := r.Count(MaxEntries)
	if groups == 0 {
		r.Fail(record.Damage("block without matches"))
	}
	b.groups(&r, &first, groups, unit)
	return r.Finish()
}

// readKinds reads the kinds of rows, and reports whether one is asked for.
func (b *Block) readKinds(r *record.Reader) (some bool) {
	b.kinds = b.kinds[:0]
	for range r.Count(MaxEntries) {
		code := r.Uvarint()
		s := code >> kindShift
		form := Form(code & kindForm)
		if s == 0 || s > 1<<31 || form > Replaced {
			r.Fail(record.Damagef("stream %d, form %d", s, form))
		}
		k := kind{uint32(s), form, code&kindValues != 0, b.wants(uint32(s))}
		some = some || k.wanted
		b.kinds = append(b.kinds, k)
	}
	return some
}

func (b *Block) wants(stream uint32) bool {
	of := b.Only.Streams
	return of == nil || int(stream) < len(of) && of[stream]
}

// groups reads the groups of a block, of which the first begins with a key.
func (b *Block) groups(r *record.Reader, first *record.MatchKey, groups int, unit int64) {
	hash, left, seq := first.Hash, MaxEntries, first.Seq
	for i := range groups {
		g := Group{Hash: hash, Grouping: first.Grouping, Text: text(r), From: int32(len(b.Rows))}
		wanted := b.Only.Group == "" || g.Text == b.Only.Group
		if i > 0 && wanted {
			if g.Hash = b.secret.Group(g.Text); g.Hash.Compare(hash) <= 0 && b.Only.Group == "" {
				r.Fail(record.Damage("groups are not in order"))
			}
		}
		hash = g.Hash
		n := r.Count(left)
		if left -= n; n == 0 {
			r.Fail(record.Damage("group without matches"))
		}
		if r.Err != nil {
			return
		}
		begins, rest, err := b.rows(r.Rest, n, seq, unit, wanted)
		if err != nil {
			r.Fail(err)
			return
		}
		if r.Rest = rest; i == 0 && (begins.Nanos != first.Nanos || begins.Seq != first.Seq || begins.Stream != first.Stream) {
			r.Fail(record.Damage("block of matches begins otherwise than its key says"))
			return
		}
		seq = b.seq
		if g.To = int32(len(b.Rows)); g.To > g.From {
			b.Groups = append(b.Groups, g)
		}
	}
}

// errRow says that a row makes no sense.
var errRow = record.Damage("match that makes no sense")

// rows reads the rows of a group, and returns the first and what follows.
func (b *Block) rows(p []byte, n int, seq uint64, unit int64, wanted bool) (begins Row, rest []byte, err error) {
	since, until := b.Since, b.Until
	if until == 0 {
		until = record.DayNanos
	}
	b.Rows = slices.Grow(b.Rows, n)
	limit := uint64(record.DayNanos / unit)
	var time uint64
	last := Row{Seq: seq}
	at := 0
	for i := range n {
		head, next := uvarint(p, at)
		if next < 0 || head>>1 >= uint64(len(b.kinds)) {
			return begins, nil, errRow
		}
		at = next
		k := &b.kinds[head>>1]
		row := Row{Nanos: last.Nanos, Seq: last.Seq, Stream: k.stream, Values: NoValues, Form: k.form}
		if head&sameEvent == 0 {
			step, next := uvarint(p, at)
			if next < 0 || step >= limit {
				return begins, nil, errRow
			}
			delta, next := uvarint(p, next)
			if next < 0 {
				return begins, nil, errRow
			}
			at = next
			if time += step; time >= limit {
				return begins, nil, record.Damage("time outside its day")
			}
			row.Nanos = int64(time) * unit
			row.Seq += delta>>1 ^ -(delta & 1)
		}
		if k.values {
			value, next := uvarint(p, at)
			if next < 0 || value >= uint64(len(b.Values)) {
				return begins, nil, errRow
			}
			row.Values, at = int32(value), next
		}
		if i == 0 {
			if head&sameEvent != 0 {
				return begins, nil, errRow
			}
			begins = row
		} else if last.Compare(&row) >= 0 {
			return begins, nil, record.Damage("matches are not in order")
		}
		last = row
		if wanted && k.wanted && row.Nanos >= since && row.Nanos <= until {
			b.Rows = append(b.Rows, row)
		}
	}
	b.seq = last.Seq
	return begins, p[at:], nil
}

// uvarint reads a number that begins at a byte, and returns where it ends, below 0 when
// it does not.
func uvarint(p []byte, at int) (v uint64, next int) {
	if at < len(p) && p[at] < 0x80 {
		return uint64(p[at]), at + 1
	}
	return longUvarint(p, at)
}

func longUvarint(p []byte, at int) (v uint64, next int) {
	v, n := binary.Uvarint(p[min(at, len(p)):])
	if n <= 0 {
		return 0, -1
	}
	return v, at + n
}

// text reads a text that is part of the record.
func text(r *record.Reader) string {
	t := r.Bytes(r.Count(len(r.Rest)))
	return unsafe.String(unsafe.SliceData(t), len(t))
}
