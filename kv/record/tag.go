package record

import (
	"encoding/binary"
	"errors"
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

// Deriver remembers the UUID of the address that it saw last: the tags of an
// attacker come together, and a SHA-1 for each would be felt.
type Deriver struct{ ip, uuid string }

func (d *Deriver) derive(ip string) string {
	if d.uuid == "" || ip != d.ip {
		d.ip, d.uuid = ip, ttpcron.DeriveAttacker(ip)
	}
	return d.uuid
}

// AppendTag appends the record of a tag.
func AppendTag(dst []byte, day []byte, key *TagKey, claim uint32, t *ttpcron.Tag, d *Deriver) []byte {
	start := len(dst)
	dst = typeTag.Begin(dst)
	dst = binary.AppendUvarint(dst, uint64(claim))
	form := byte(0)
	if t.AttackerUUID != "" && t.AttackerIP != "" && d.derive(t.AttackerIP) == t.AttackerUUID {
		form |= tagDerived
	}
	dst = append(dst, form)
	dst = AppendPacked(dst, t.SourceID)
	if form&tagDerived == 0 {
		dst = AppendPacked(dst, t.AttackerUUID)
	}
	dst = AppendPacked(dst, t.AttackerIP)
	dst = AppendPacked(dst, t.IdentityUUID)
	dst = AppendPacked(dst, t.SessionID)
	dst = AppendPacked(dst, t.DeckyID)
	dst = AppendTime(dst, t.CreatedAt)
	dst = append(dst, t.Evidence...)
	End(dst[start:], day, key[:])
	return dst
}

// TagClaim reads only the claim of a tag's record, and does not check it.
func TagClaim(rec []byte) (uint32, bool) {
	if len(rec) < HeaderSize || rec[0] == 0 || rec[0] > typeTag.Version {
		return 0, false
	}
	id, n := binary.Uvarint(rec[HeaderSize:])
	return uint32(id), n > 0 && id>>32 == 0
}

// ReadTag reads the record of a tag but for its claim, the number of which it
// returns.
func ReadTag(day ttpcron.Day, key, rec []byte, d *Deriver) (t ttpcron.Tag, claim uint32, err error) {
	nanos, _, ok := ParseTagKey(key)
	if !ok {
		return t, 0, Damagef("%x is no key of a tag", key)
	}
	var dayBytes [4]byte
	binary.BigEndian.PutUint32(dayBytes[:], uint32(day))
	r, err := typeTag.Open(rec, dayBytes[:], key)
	if err != nil {
		return t, 0, fmt.Errorf("tag %x: %w", key, err)
	}
	id := r.Uvarint()
	if id>>32 != 0 {
		r.Fail(Damagef("claim %d", id))
	}
	form := r.Byte()
	t.SourceID = r.Packed()
	if form&tagDerived == 0 {
		t.AttackerUUID = r.Packed()
	}
	t.AttackerIP = r.Packed()
	if form&tagDerived != 0 {
		t.AttackerUUID = d.derive(t.AttackerIP)
	}
	t.IdentityUUID = r.Packed()
	t.SessionID = r.Packed()
	t.DeckyID = r.Packed()
	t.CreatedAt = r.Time()
	t.EventTime = TimeOf(day, nanos)
	if r.Err != nil {
		return ttpcron.Tag{}, 0, fmt.Errorf("tag %x: %w", key, r.Err)
	}
	if len(r.Rest) > 0 {
		t.Evidence = append(t.Evidence, r.Rest...)
	}
	return t, uint32(id), nil
}

// CheckTag says why a tag cannot be stored.
func CheckTag(t *ttpcron.Tag) error {
	switch {
	case t.SourceKind == "" || t.SourceID == "":
		return errors.New("source is missing")
	case t.RuleID == "" || t.TechniqueID == "":
		return errors.New("claim is incomplete")
	case !(t.Confidence >= 0 && t.Confidence <= 1):
		return fmt.Errorf("confidence %v is not from 0 to 1", t.Confidence)
	case t.EventTime.Unix() < 0 || t.EventTime.Year() > 9999:
		return errors.New("event time is outside the years 1970 to 9999")
	}
	return nil
}
