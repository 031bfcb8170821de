package match

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unsafe"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Block is the entries of a block that was read, in memory that is used again.
type Block struct {
	List
	Only         Only
	Since, Until int64  // nanoseconds of the day between which rows are read, both included; Until 0: all
	text         []byte // of groups and values
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

// Read reads a block. The text of its entries is valid until the next is read.
func (b *Block) Read(secret *record.Secret, day ttpcron.Day, key, rec []byte) error {
	b.Reset()
	b.text = b.text[:0]
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
	for range r.Count(MaxEntries) {
		b.Values = append(b.Values, b.unpack(&r, 0))
	}
	groups := r.Count(MaxEntries)
	if groups == 0 {
		r.Fail(record.Damage("block without matches"))
	}
	b.groups(&r, &first, groups, unit)
	return r.Finish()
}

// readKinds reads the kinds of rows, and reports whether a wanted one is among them.
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

// groups reads the groups of a block, the first of which begins with a key.
func (b *Block) groups(r *record.Reader, first *record.MatchKey, groups int, unit int64) {
	hash, left, seq := first.Hash, MaxEntries, first.Seq
	for i := range groups {
		g := Group{Hash: hash, Grouping: first.Grouping, Text: b.unpack(r, groupLead), From: int32(len(b.Rows))}
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
	limit := uint64(record.DayNanos / unit)
	left := len(b.Rows)
	rows := slices.Grow(b.Rows, n)[:left+n]
	var time uint64
	var stream uint32
	at := 0
	for i := range n {
		head, next := uvarint(p, at)
		if next < 0 || head>>1 >= uint64(len(b.kinds)) {
			return begins, nil, errRow
		}
		k := &b.kinds[head>>1]
		inOrder := k.stream > stream
		if at = next; head&sameEvent == 0 {
			step, next := uvarint(p, at)
			if next < 0 || step >= limit {
				return begins, nil, errRow
			}
			delta, next := uvarint(p, next)
			if next < 0 {
				return begins, nil, errRow
			}
			if time += step; time >= limit {
				return begins, nil, record.Damage("time outside its day")
			}
			was := seq
			seq += delta>>1 ^ -(delta & 1)
			at, inOrder = next, i == 0 || step > 0 || seq > was || seq == was && inOrder
		} else if i == 0 {
			return begins, nil, errRow
		}
		if !inOrder {
			return begins, nil, record.Damage("matches are not in order")
		}
		values := int32(NoValues)
		if k.values {
			value, next := uvarint(p, at)
			if next < 0 || value >= uint64(len(b.Values)) {
				return begins, nil, errRow
			}
			values, at = int32(value), next
		}
		stream = k.stream
		nanos := int64(time) * unit
		rows[left] = Row{Nanos: nanos, Seq: seq, Stream: stream, Values: values, Form: k.form}
		if i == 0 {
			begins = rows[left]
		}
		if wanted && k.wanted && nanos >= since && nanos <= until {
			left++
		}
	}
	b.Rows, b.seq = rows[:left], seq
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

// longUvarint combines up to 56 bits: the bytes up to the first without a high bit.
func longUvarint(p []byte, at int) (v uint64, next int) {
	if at+8 <= len(p) {
		v = binary.LittleEndian.Uint64(p[at:])
		if last := ^v & 0x8080808080808080; last != 0 {
			v &= (last ^ (last - 1)) & 0x7f7f7f7f7f7f7f7f
			v = v&0x007f007f007f007f | v&0x7f007f007f007f00>>1
			v = v&0x00003fff00003fff | v&0x3fff00003fff0000>>2
			v = v&0x000000000fffffff | v&0x0fffffff00000000>>4
			return v, at + bits.TrailingZeros64(last)/8 + 1
		}
	}
	v, n := binary.Uvarint(p[min(at, len(p)):])
	if n <= 0 {
		return 0, -1
	}
	return v, at + n
}

// unpack reads a text that is packed.
func (b *Block) unpack(r *record.Reader, lead int) string {
	from := len(b.text)
	b.text = r.AppendValues(b.text, lead)
	t := b.text[from:]
	return unsafe.String(unsafe.SliceData(t), len(t))
}
