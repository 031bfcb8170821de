package record

import (
	"encoding/binary"
	"math/bits"

	"github.com/ttpcron/ttpcron"
)

// Secret keys the hashes of a store. It is chosen at random when the store is made, so that
// an attacker, who writes the hashed text, cannot prepare collisions.
type Secret [16]byte

// The hashes of a store never mix: each sort of text has a domain.
const (
	hashContent  = 'c' // kind and content-derived id of an event
	hashNamed    = 'n' // kind and given id of an event
	hashDigest   = 'd' // payload digest of an event, in stores up to schema 2
	hashFormer   = 'i' // record of an event with a given id, in stores of schema 3 and 4
	hashRecord   = 'r' // record of an event with a given id
	hashFacts    = 'f' // what an event says beside its record
	hashAttacker = 'a' // name of an attacker
	hashSession  = 's' // id of a session
	hashPosition = 'm' // identity of a read position
	hashLook     = 'l' // path of a file
	hashReject   = 'r' // identity of a reject
	hashGroup    = 'g' // group of base matches
	hashPurged   = 'p' // kind, id and record of an event that was purged
)

// hash returns a keyed 64-bit hash of a domain and two strings.
func (s *Secret) hash(domain byte, a, b string) uint64 {
	var stack [256]byte
	text := append(stack[:0], domain)
	text = AppendText(text, a)
	text = append(text, b...)
	return s.sip(text)
}

// Named hashes a given id of a kind.
func (s *Secret) Named(kind ttpcron.SourceKind, id string) uint64 {
	return s.hash(hashNamed, string(kind), id)
}

// content hashes a content-derived id of a kind.
func (s *Secret) content(kind ttpcron.SourceKind, id string) uint64 {
	return s.hash(hashContent, string(kind), id)
}

// digest hashes the facts of an event, and its record.
func (s *Secret) digest(e *ttpcron.Event, record bool) (digest uint64) {
	var stack [512]byte
	if record {
		digest = s.sip(e.AppendRecord(append(stack[:0], hashRecord))) >> factBits << factBits
	}
	if facts := e.AppendFacts(append(stack[:0], hashFacts)); len(facts) > 1 {
		digest |= max(1, s.sip(facts)>>(64-factBits))
	}
	return digest
}

// Attacker hashes a name of an attacker.
func (s *Secret) Attacker(name string) uint64 { return s.hash(hashAttacker, name, "") }

// Session hashes the id of a session.
func (s *Secret) Session(id string) uint64 { return s.hash(hashSession, id, "") }

// Reject hashes the identity of a reject.
func (s *Secret) Reject(r *ttpcron.Reject) uint64 {
	id := r.Identity()
	return s.hash(hashReject, "", string(id[:]))
}

// Purged hashes an event of a kind that was purged: its id and, unless the id is
// derived from the content, what the event says.
func (s *Secret) Purged(kind ttpcron.SourceKind, id string, says []byte) uint64 {
	text := AppendText(AppendText([]byte{hashPurged}, string(kind)), id)
	return s.sip(append(text, says...))
}

// Group hashes a group of base matches. It is the first 96 bits of SipHash-2-4 with 128.
func (s *Secret) Group(group string) GroupHash {
	var stack [256]byte
	hi, lo := s.sip128(append(append(stack[:0], hashGroup), group...))
	return GroupHash{hi, uint32(lo >> 32)}
}

// sip is SipHash-2-4 (Aumasson and Bernstein, 2012).
func (s *Secret) sip(text []byte) uint64 {
	v0, v1, v2, v3 := s.sipText(0, text)
	v2 ^= 0xff
	for range 4 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	return v0 ^ v1 ^ v2 ^ v3
}

// sip128 is SipHash-2-4 with a result of 128 bits.
func (s *Secret) sip128(text []byte) (first, second uint64) {
	v0, v1, v2, v3 := s.sipText(0xee, text)
	v2 ^= 0xee
	for range 4 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	first = v0 ^ v1 ^ v2 ^ v3
	v1 ^= 0xdd
	for range 4 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	return first, v0 ^ v1 ^ v2 ^ v3
}

// sipText hashes a text. width distinguishes results of different lengths.
func (s *Secret) sipText(width uint64, text []byte) (v0, v1, v2, v3 uint64) {
	k0, k1 := binary.LittleEndian.Uint64(s[:8]), binary.LittleEndian.Uint64(s[8:])
	v0, v1 = k0^0x736f6d6570736575, k1^0x646f72616e646f6d^width
	v2, v3 = k0^0x6c7967656e657261, k1^0x7465646279746573
	last := uint64(len(text)) << 56
	for ; len(text) >= 8; text = text[8:] {
		m := binary.LittleEndian.Uint64(text)
		v3 ^= m
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0 ^= m
	}
	for i, c := range text {
		last |= uint64(c) << (8 * i)
	}
	v3 ^= last
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	return v0 ^ last, v1, v2, v3
}

func sipRound(v0, v1, v2, v3 uint64) (_, _, _, _ uint64) {
	v0 += v1
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v3
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 += v3
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v2 += v1
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v2 = bits.RotateLeft64(v2, 32)
	return v0, v1, v2, v3
}
