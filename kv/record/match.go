package record

import (
	"cmp"
	"encoding/binary"

	"github.com/ttpcron/ttpcron"
)

// GroupHash identifies a group: a keyed hash long enough that no two groups share one.
type GroupHash struct {
	Hi uint64
	Lo uint32
}

// Compare orders hashes.
func (h GroupHash) Compare(o GroupHash) int {
	if h.Hi != o.Hi {
		return cmp.Compare(h.Hi, o.Hi)
	}
	return cmp.Compare(h.Lo, o.Lo)
}

// Next returns the hash that follows, and the zero one after the last.
func (h GroupHash) Next() GroupHash {
	if h.Lo++; h.Lo == 0 {
		h.Hi++
	}
	return h
}

// MatchKey orders the base matches of a day: all of a group one after another, in order of
// time and arrival.
type MatchKey struct {
	Hash     GroupHash
	Nanos    int64 // of the day
	Seq      uint64
	Grouping uint32 // the number of the first stream that has the grouping
	Stream   uint32
}

// Compare orders keys.
func (k *MatchKey) Compare(o *MatchKey) int {
	switch {
	case k.Grouping != o.Grouping:
		return cmp.Compare(k.Grouping, o.Grouping)
	case k.Hash.Hi != o.Hash.Hi:
		return cmp.Compare(k.Hash.Hi, o.Hash.Hi)
	case k.Hash.Lo != o.Hash.Lo:
		return cmp.Compare(k.Hash.Lo, o.Hash.Lo)
	case k.Nanos != o.Nanos:
		return cmp.Compare(k.Nanos, o.Nanos)
	case k.Seq != o.Seq:
		return cmp.Compare(k.Seq, o.Seq)
	}
	return cmp.Compare(k.Stream, o.Stream)
}

const matchKeySize = 4 + 4 + hashSize + 6 + 8 + 4

// hashSize is the size of a GroupHash.
const hashSize = 12

// AppendHash appends a hash.
func AppendHash(dst []byte, h GroupHash) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(dst, h.Hi), h.Lo)
}

// Hash reads a hash.
func (r *Reader) Hash() (h GroupHash) {
	if b := r.Bytes(hashSize); b != nil {
		h = GroupHash{binary.BigEndian.Uint64(b), binary.BigEndian.Uint32(b[8:])}
	}
	return h
}

// MatchBlockKey is the key of a block of a run, whose first match has a key.
func MatchBlockKey(run uint32, k *MatchKey) []byte {
	b := make([]byte, 0, matchKeySize)
	b = binary.BigEndian.AppendUint32(b, run)
	b = binary.BigEndian.AppendUint32(b, k.Grouping)
	b = AppendHash(b, k.Hash)
	b = append(b, 0, 0, 0, 0, 0, 0)
	PutNanos(b[len(b)-6:], k.Nanos)
	b = binary.BigEndian.AppendUint64(b, k.Seq)
	return binary.BigEndian.AppendUint32(b, k.Stream)
}

// ParseMatchBlockKey reads the key of a block.
func ParseMatchBlockKey(b []byte) (run uint32, k MatchKey, ok bool) {
	if len(b) != matchKeySize {
		return 0, k, false
	}
	run = binary.BigEndian.Uint32(b)
	k.Grouping = binary.BigEndian.Uint32(b[4:])
	k.Hash = GroupHash{binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint32(b[16:])}
	for _, c := range b[20:26] {
		k.Nanos = k.Nanos<<8 | int64(c)
	}
	k.Seq = binary.BigEndian.Uint64(b[26:])
	k.Stream = binary.BigEndian.Uint32(b[34:])
	return run, k, run > 0 && k.Nanos < DayNanos
}

// The keys of the description of a day's matches, which come before those of blocks.
var (
	KeyMatchDay     = []byte{0, 0, 0, 0, 'd'}
	KeyMatchStreams = []byte{0, 0, 0, 0, 's'}
)

// Box bounds when some matches arrived and happened.
type Box struct {
	FirstSeq, LastSeq     uint64
	FirstNanos, LastNanos int64
}

// Add extends the box to hold a match. n is 0 for the very first.
func (b *Box) Add(n int, nanos int64, seq uint64) {
	if n == 0 {
		*b = Box{seq, seq, nanos, nanos}
		return
	}
	b.FirstSeq, b.LastSeq = min(b.FirstSeq, seq), max(b.LastSeq, seq)
	b.FirstNanos, b.LastNanos = min(b.FirstNanos, nanos), max(b.LastNanos, nanos)
}

// Join makes the box hold what another holds.
func (b *Box) Join(o *Box) {
	b.FirstSeq, b.LastSeq = min(b.FirstSeq, o.FirstSeq), max(b.LastSeq, o.LastSeq)
	b.FirstNanos, b.LastNanos = min(b.FirstNanos, o.FirstNanos), max(b.LastNanos, o.LastNanos)
}

// Holds reports whether a match may be in the box.
func (b *Box) Holds(nanos int64, seq uint64) bool {
	return b.FirstSeq <= seq && seq <= b.LastSeq && b.FirstNanos <= nanos && nanos <= b.LastNanos
}

// Meets reports whether two boxes have something in common.
func (b *Box) Meets(o *Box) bool {
	return b.FirstSeq <= o.LastSeq && o.FirstSeq <= b.LastSeq && b.FirstNanos <= o.LastNanos && o.FirstNanos <= b.LastNanos
}

func appendBox(dst []byte, b *Box) []byte {
	for _, n := range [...]uint64{b.FirstSeq, b.LastSeq - b.FirstSeq, uint64(b.FirstNanos), uint64(b.LastNanos - b.FirstNanos)} {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

func (r *Reader) box() (b Box) {
	b.FirstSeq = r.Uvarint()
	b.LastSeq = b.FirstSeq + r.Uvarint()
	b.FirstNanos = int64(r.Uvarint())
	b.LastNanos = b.FirstNanos + int64(r.Uvarint())
	if r.Err == nil && (b.LastSeq < b.FirstSeq || b.FirstNanos < 0 || b.LastNanos < b.FirstNanos || b.LastNanos >= DayNanos) {
		r.Fail(Damage("matches outside their day"))
	}
	return b
}

// MatchDay describes the base matches of a day.
type MatchDay struct {
	Last    uint64 // the number of what came or went last
	Settled uint64 // up to it all is judged
	Matches int
	Judged  string     // fingerprint of the rule set that judged the day, empty for none
	Runs    []MatchRun // oldest first
}

// MatchRun is a sorted run of matches, and of such as went.
type MatchRun struct {
	ID          uint32
	Came, Went  int    // entries
	First, Last uint64 // the numbers of what came and went
	Box
}

// Entries counts the entries of a run.
func (r *MatchRun) Entries() int { return r.Came + r.Went }

// AppendMatchDay appends the record that describes the matches of a day.
func AppendMatchDay(dst []byte, day ttpcron.Day, m *MatchDay) []byte {
	start := len(dst)
	dst = typeMatchDay.Begin(dst)
	dst = binary.AppendUvarint(dst, m.Last)
	dst = binary.AppendUvarint(dst, m.Settled)
	dst = binary.AppendUvarint(dst, uint64(m.Matches))
	dst = AppendText(dst, m.Judged)
	dst = binary.AppendUvarint(dst, uint64(len(m.Runs)))
	for i := range m.Runs {
		r := &m.Runs[i]
		for _, n := range [...]uint64{uint64(r.ID), uint64(r.Came), uint64(r.Went), r.First, r.Last - r.First} {
			dst = binary.AppendUvarint(dst, n)
		}
		dst = appendBox(dst, &r.Box)
	}
	End(dst[start:], DayKey(day), KeyMatchDay)
	return dst
}

// maxMatches bounds what a day counts: an int of 32 bits holds it.
const maxMatches = 1<<31 - 1

// ReadMatchDay reads what describes the matches of a day.
func ReadMatchDay(day ttpcron.Day, rec []byte) (m MatchDay, err error) {
	r, err := typeMatchDay.Open(rec, DayKey(day), KeyMatchDay)
	if err != nil {
		return m, err
	}
	m.Last, m.Settled, m.Matches, m.Judged = r.Uvarint(), r.Uvarint(), r.Count(maxMatches), r.Text()
	if m.Settled > m.Last {
		r.Fail(Damagef("up to %d of %d are judged", m.Settled, m.Last))
	}
	for n := r.Count(len(r.Rest)); n > 0 && r.Err == nil; n-- {
		var run MatchRun
		id := r.Uvarint()
		run.ID, run.Came, run.Went = uint32(id), r.Count(maxMatches), r.Count(maxMatches)
		run.First = r.Uvarint()
		run.Last = run.First + r.Uvarint()
		run.Box = r.box()
		if r.Err == nil && (id == 0 || id != uint64(run.ID) || run.First == 0 || run.Last < run.First || run.Last > m.Last || run.Entries() == 0) {
			r.Fail(Damagef("run %d of the matches of a day", id))
		}
		m.Runs = append(m.Runs, run)
	}
	return m, r.Finish()
}

// StreamDay counts the matches of a stream on a day.
type StreamDay struct {
	Stream  uint32
	Matches int
	Box     // of all that there ever were
}

// AppendStreamDays appends the record of the streams of a day, by ascending number.
func AppendStreamDays(dst []byte, day ttpcron.Day, streams []StreamDay) []byte {
	start := len(dst)
	dst = binary.AppendUvarint(typeStreamDays.Begin(dst), uint64(len(streams)))
	last := uint32(0)
	for i := range streams {
		s := &streams[i]
		dst = binary.AppendUvarint(dst, uint64(s.Stream-last))
		last = s.Stream
		dst = binary.AppendUvarint(dst, uint64(s.Matches))
		dst = appendBox(dst, &s.Box)
	}
	End(dst[start:], DayKey(day), KeyMatchStreams)
	return dst
}

// ReadStreamDays reads the streams of a day.
func ReadStreamDays(day ttpcron.Day, rec []byte) (streams []StreamDay, err error) {
	r, err := typeStreamDays.Open(rec, DayKey(day), KeyMatchStreams)
	if err != nil {
		return nil, err
	}
	last := uint64(0)
	for n := r.Count(len(r.Rest)); n > 0 && r.Err == nil; n-- {
		step := r.Uvarint()
		s := StreamDay{Stream: uint32(last + step), Matches: r.Count(maxMatches), Box: r.box()}
		if r.Err == nil && (step == 0 || step > maxMatches || last+step > maxMatches) {
			r.Fail(Damage("streams of a day are not in order"))
		}
		last += step
		streams = append(streams, s)
	}
	return streams, r.Finish()
}

// AppendStream appends the record of a stream, whose key is its number. The digest is not
// part of it: a stream's matches are always those of its present definition.
func AppendStream(dst, key []byte, s *ttpcron.Stream) []byte {
	start := len(dst)
	dst = typeStream.Begin(dst)
	dst = AppendText(AppendText(dst, s.Rule), string(s.Kind))
	dst = binary.AppendUvarint(dst, uint64(len(s.Group)))
	for i := range s.Group {
		f := &s.Group[i]
		dst = AppendBool(AppendText(AppendText(dst, f.Name), f.From), f.Optional)
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.Values)))
	for _, v := range s.Values {
		dst = AppendText(dst, v)
	}
	End(dst[start:], key)
	return dst
}

// ReadStream reads the record of a stream.
func ReadStream(key, rec []byte) (*ttpcron.Stream, error) {
	r, err := typeStream.Open(rec, key)
	if err != nil {
		return nil, err
	}
	rule, kind := r.Text(), ttpcron.SourceKind(r.Text())
	var group []ttpcron.GroupField
	for n := r.Count(len(r.Rest)); n > 0 && r.Err == nil; n-- {
		f := ttpcron.GroupField{Name: r.Text(), From: r.Text()}
		switch b := r.Byte(); b {
		case 0, 1:
			f.Optional = b == 1
		default:
			r.Fail(Damagef("group field with %d", b))
		}
		group = append(group, f)
	}
	var values []string
	for n := r.Count(len(r.Rest)); n > 0 && r.Err == nil; n-- {
		values = append(values, r.Text())
	}
	if err := r.Finish(); err != nil {
		return nil, err
	}
	return ttpcron.NewStream(rule, kind, group, values, [16]byte{}), nil
}
