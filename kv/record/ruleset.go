package record

import (
	"encoding/binary"
	"math"

	"github.com/ttpcron/ttpcron"
)

// AppendRuleSet appends the record of a rule set, whose key is the fingerprint.
func AppendRuleSet(dst []byte, s *ttpcron.RuleSet) []byte {
	dst = binary.AppendUvarint(typeRuleSet.Begin(dst), uint64(len(s.Rules)))
	for i := range s.Rules {
		r := &s.Rules[i]
		dst = AppendInt(AppendText(dst, r.ID), r.Version)
		dst = append(dst, r.Digest[:]...)
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(r.Ceiling))
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
		if b := r.Bytes(8); b != nil {
			d.Ceiling = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
		if r.Err != nil {
			break
		}
		s.Rules = append(s.Rules, d)
	}
	return s, r.Finish()
}
