package kv

import (
	"encoding/binary"
	"fmt"

	"github.com/ttpcron/ttpcron"
)

// A tag's key holds the time of its event and its UUID, its value the rest:
//
//	number of the claim
//	form: tagDerived when the attacker's UUID follows from the address
//	packed source id, attacker UUID (unless derived), address, identity,
//	  session, sensor
//	time of tagging
//	evidence, up to the end
const tagDerived = 1

// deriver remembers the UUID of the address that it saw last: the tags of an
// attacker come together, and a SHA-1 for each would be felt.
type deriver struct{ ip, uuid string }

func (d *deriver) derive(ip string) string {
	if d.uuid == "" || ip != d.ip {
		d.ip, d.uuid = ip, ttpcron.DeriveAttacker(ip)
	}
	return d.uuid
}

// appendTag appends the record of a tag.
func appendTag(dst []byte, day []byte, key *tagKey, claim uint32, t *ttpcron.Tag, d *deriver) []byte {
	start := len(dst)
	dst = beginRecord(dst)
	dst = binary.AppendUvarint(dst, uint64(claim))
	form := byte(0)
	if t.AttackerUUID != "" && t.AttackerIP != "" && d.derive(t.AttackerIP) == t.AttackerUUID {
		form |= tagDerived
	}
	dst = append(dst, form)
	dst = appendPacked(dst, t.SourceID)
	if form&tagDerived == 0 {
		dst = appendPacked(dst, t.AttackerUUID)
	}
	dst = appendPacked(dst, t.AttackerIP)
	dst = appendPacked(dst, t.IdentityUUID)
	dst = appendPacked(dst, t.SessionID)
	dst = appendPacked(dst, t.DeckyID)
	dst = appendTime(dst, t.CreatedAt)
	dst = append(dst, t.Evidence...)
	endRecord(dst[start:], day, key[:])
	return dst
}

// tagClaim reads only the claim of a tag's record, and does not check it.
func tagClaim(rec []byte) (uint32, bool) {
	if len(rec) < recordHeader || rec[0] != recordVersion {
		return 0, false
	}
	id, n := binary.Uvarint(rec[recordHeader:])
	return uint32(id), n > 0 && id>>32 == 0
}

// readTag reads the record of a tag but for its claim, the number of which it
// returns.
func readTag(day ttpcron.Day, key, rec []byte, d *deriver) (t ttpcron.Tag, claim uint32, err error) {
	nanos, _, ok := parseTagKey(key)
	if !ok {
		return t, 0, damagef("%x is no key of a tag", key)
	}
	var dayBytes [4]byte
	binary.BigEndian.PutUint32(dayBytes[:], uint32(day))
	r, err := openRecord(rec, dayBytes[:], key)
	if err != nil {
		return t, 0, fmt.Errorf("tag %x: %w", key, err)
	}
	id := r.uvarint()
	if id>>32 != 0 {
		r.fail(damagef("claim %d", id))
	}
	form := r.byte()
	t.SourceID = r.packed()
	if form&tagDerived == 0 {
		t.AttackerUUID = r.packed()
	}
	t.AttackerIP = r.packed()
	if form&tagDerived != 0 {
		t.AttackerUUID = d.derive(t.AttackerIP)
	}
	t.IdentityUUID = r.packed()
	t.SessionID = r.packed()
	t.DeckyID = r.packed()
	t.CreatedAt = r.time()
	t.EventTime = timeOf(day, nanos)
	if r.err != nil {
		return ttpcron.Tag{}, 0, fmt.Errorf("tag %x: %w", key, r.err)
	}
	if len(r.rest) > 0 {
		t.Evidence = append(t.Evidence, r.rest...)
	}
	return t, uint32(id), nil
}
