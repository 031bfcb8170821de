package record

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/ttpcron/ttpcron"
)

// AppendState appends the record of the state of a rule, whose ID is the key.
func AppendState(dst []byte, s *ttpcron.RuleState) []byte {
	dst = AppendText(typeState.Begin(dst), string(s.Status))
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(s.ConfidenceMax))
	dst = AppendText(AppendTime(dst, s.ExpiresAt), s.Reason)
	return End(AppendTime(AppendText(dst, s.SetBy), s.SetAt), []byte(s.RuleID))
}

// ReadState reads the record of the state of a rule.
func ReadState(key, rec []byte) (s ttpcron.RuleState, err error) {
	r, err := typeState.Open(rec, key)
	if err == nil {
		s = ttpcron.RuleState{RuleID: string(key), Status: ttpcron.RuleStatus(r.Text())}
		if b := r.Bytes(8); b != nil {
			s.ConfidenceMax = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
		s.ExpiresAt, s.Reason, s.SetBy, s.SetAt = r.Time(), r.Text(), r.Text(), r.Time()
		err = r.Finish()
	}
	if err != nil {
		return ttpcron.RuleState{}, fmt.Errorf("state of rule %q: %w", key, err)
	}
	return s, nil
}
