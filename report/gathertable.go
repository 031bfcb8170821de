package report

import (
	"encoding/binary"
	"slices"
)

// table finds entries by the hashes of their names. It has a limit: when it is full, the
// lighter half is dropped, and later entries may have been there before.
//
// Numbers and pointers from it are valid until it is cut.
type table[F any] struct {
	slots  []uint64 // the upper half of a hash, and a number from 1; 0 is free
	chunks []*[chunkSize]entry[F]
	n      int
	bound  int
	text   texts
	texts  int // how many bytes of text it may have
	full   func()
	cuts   int    // how often it was cut
	sure   uint32 // what has a lower number was there before anything was dropped
}

type entry[F any] struct {
	hash uint64
	f    F
}

const (
	chunkSize  = 1 << 9
	firstSlots = 1 << 8
)

// gone is the number of dropped entries.
const gone = ^uint32(0)

func (t *table[F]) at(i uint32) *F { return &t.chunks[i/chunkSize][i%chunkSize].f }

func (t *table[F]) hashOf(i uint32) uint64 { return t.chunks[i/chunkSize][i%chunkSize].hash }

// find returns the number for a hash, or gone.
func (t *table[F]) find(hash uint64) uint32 {
	if len(t.slots) == 0 {
		return gone
	}
	mask := uint64(len(t.slots) - 1)
	for at := hash & mask; t.slots[at] != 0; at = (at + 1) & mask {
		if s := t.slots[at]; s>>32 == hash>>32 && t.hashOf(uint32(s)-1) == hash {
			return uint32(s) - 1
		}
	}
	return gone
}

// get returns the number for a hash, and adds it if needed.
func (t *table[F]) get(hash uint64) (i uint32, added bool) {
	if i := t.find(hash); i != gone {
		return i, false
	}
	if t.n >= t.bound || t.text.bytes >= t.texts {
		t.full()
	}
	if t.n >= len(t.slots)/4*3 {
		t.rebuild(max(firstSlots, 2*len(t.slots)))
	}
	if t.n == len(t.chunks)*chunkSize {
		t.chunks = append(t.chunks, new([chunkSize]entry[F]))
	}
	i = uint32(t.n)
	t.n++
	t.chunks[i/chunkSize][i%chunkSize].hash = hash
	t.put(hash, i)
	return i, true
}

func (t *table[F]) put(hash uint64, i uint32) {
	mask := uint64(len(t.slots) - 1)
	at := hash & mask
	for t.slots[at] != 0 {
		at = (at + 1) & mask
	}
	t.slots[at] = hash>>32<<32 | uint64(i+1)
}

func (t *table[F]) rebuild(slots int) {
	if len(t.slots) == slots {
		clear(t.slots)
	} else {
		t.slots = make([]uint64, slots)
	}
	for i := range uint32(t.n) {
		t.put(t.hashOf(i), i)
	}
}

// cut drops the lighter half, and among equal ones the first. It returns each entry's new
// number. References to texts, from refs, are kept up to date.
func (t *table[F]) cut(weight func(*F) uint64, drop func(*F), refs func(*F) []*uint32) []uint32 {
	t.cuts++
	weights := make([]uint64, t.n)
	for i := range weights {
		weights[i] = weight(t.at(uint32(i)))
	}
	sorted := slices.Clone(weights)
	slices.Sort(sorted)
	half := (t.n + 1) / 2
	limit := sorted[half-1]
	below, _ := slices.BinarySearch(sorted, limit)
	equal := half - below // to be dropped
	moved := make([]uint32, t.n)
	to, kept := uint32(0), texts{}
	if t.cuts == 1 {
		t.sure = uint32(t.n)
	}
	sure := uint32(0)
	for i := range uint32(len(weights)) {
		w := weights[i]
		if w < limit || w == limit && equal > 0 {
			if w == limit {
				equal--
			}
			drop(t.at(i))
			moved[i] = gone
			continue
		}
		t.chunks[to/chunkSize][to%chunkSize] = t.chunks[i/chunkSize][i%chunkSize]
		for _, ref := range refs(t.at(to)) {
			*ref = kept.addBytes(t.text.at(*ref))
		}
		if moved[i] = to; i < t.sure {
			sure++
		}
		to++
	}
	t.sure = sure
	t.n, t.text = int(to), kept
	t.chunks = slices.Delete(t.chunks, (t.n+chunkSize-1)/chunkSize, len(t.chunks))
	for i := t.n; i < len(t.chunks)*chunkSize; i++ {
		t.chunks[i/chunkSize][i%chunkSize] = entry[F]{}
	}
	t.rebuild(len(t.slots))
	return moved
}

// texts are texts that nothing else keeps, each of at most some hundred bytes.
type texts struct {
	blocks [][]byte
	bytes  int
}

const textBlock = 1 << 16

// add returns the number for a text: 0 for the empty one.
func (t *texts) add(s string) uint32 { return t.addBytes([]byte(bounded(s))) }

func (t *texts) addBytes(s []byte) uint32 {
	if len(s) == 0 {
		return 0
	}
	last := len(t.blocks) - 1
	if last < 0 || len(t.blocks[last])+len(s)+2 > textBlock {
		t.blocks = append(t.blocks, append(make([]byte, 0, textBlock), 0))
		last++
		t.bytes += textBlock
	}
	b := t.blocks[last]
	ref := uint32(last)<<16 | uint32(len(b))
	t.blocks[last] = append(binary.LittleEndian.AppendUint16(b, uint16(len(s))), s...)
	return ref
}

func (t *texts) at(ref uint32) []byte {
	if ref == 0 {
		return nil
	}
	b := t.blocks[ref>>16][ref&0xffff:]
	return b[2:][:binary.LittleEndian.Uint16(b)]
}

func (t *texts) string(ref uint32) string { return string(t.at(ref)) }

// pairs are hashes that were met. It has a bound: once it is full none is new.
type pairs struct {
	slots []uint64
	n     int
	bound int
	lost  bool
}

// first reports whether a hash was not met before, as far as there is room.
func (p *pairs) first(hash uint64) bool {
	hash = max(hash, 1)
	if p.n >= len(p.slots)/4*3 && p.n < p.bound {
		old := p.slots
		p.slots = make([]uint64, max(firstSlots, 2*len(old)))
		for _, h := range old {
			if h != 0 {
				p.slots[p.place(h)] = h
			}
		}
	}
	at := p.place(hash)
	if p.slots[at] == hash {
		return false
	}
	if p.n >= p.bound {
		p.lost = true
		return false
	}
	p.slots[at] = hash
	p.n++
	return true
}

// has reports whether a hash was met.
func (p *pairs) has(hash uint64) bool {
	return p.n > 0 && p.slots[p.place(max(hash, 1))] != 0
}

// place is where a hash is, or may be put.
func (p *pairs) place(hash uint64) int {
	mask := uint64(len(p.slots) - 1)
	at := hash & mask
	for p.slots[at] != 0 && p.slots[at] != hash {
		at = (at + 1) & mask
	}
	return int(at)
}
