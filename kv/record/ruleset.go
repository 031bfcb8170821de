package record

import (
	"encoding/binary"

	"github.com/ttpcron/ttpcron"
)

// AppendRuleSet appends the record of a rule set, whose key is the fingerprint.
func AppendRuleSet(dst []byte, s *ttpcron.RuleSet) []byte {
	dst = binary.AppendUvarint(typeRuleSet.Begin(dst), uint64(len(s.Rules)))
	for i := range s.Rules {
		r := &s.Rules[i]
		dst = AppendInt(AppendText(dst, r.ID), r.Version)
		dst = append(dst, r.Digest[:]...)
	}
	return End(dst, []byte(s.Fingerprint))
}

// ReadRuleSet reads the record of a rule set.
func ReadRuleSet(key, rec []byte) (s ttpcron.RuleSet, err error) {
	r, err := typeRuleSet.Open(rec, key)
	if err != nil {
		return s, err
	}
	s.Fingerprint = string(key)
	for range r.Count(len(r.Rest)) {
		d := ttpcron.RuleDef{ID: r.Text(), Version: r.Int()}
		copy(d.Digest[:], r.Bytes(len(d.Digest)))
		if r.Version == 1 {
			r.Bytes(8) // the ceiling of a clipped rule, which is no part of its tags any more
		}
		if r.Err != nil {
			break
		}
		s.Rules = append(s.Rules, d)
	}
	return s, r.Finish()
}
