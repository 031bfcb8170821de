package record

import (
	"encoding/binary"
	"fmt"

	"github.com/ttpcron/ttpcron"
)

// RetiredKey has the version plus one, so that 0 is all versions.
func RetiredKey(ruleID string, version int) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(ruleID), 0), uint64(int64(version)+1))
}

// AppendRetirement appends the record of a retirement. Its texts are cut to 1024
// bytes.
func AppendRetirement(dst, key []byte, r *ttpcron.Retirement) []byte {
	dst = AppendText(typeRetirement.Begin(dst), cut(r.Reason, maxAuditText))
	return End(AppendTime(AppendText(dst, cut(r.SetBy, maxAuditText)), r.SetAt), key)
}

// ReadRetirement reads the record of a retirement.
func ReadRetirement(key, rec []byte) (out ttpcron.Retirement, err error) {
	n := len(key) - 9
	if n < 1 || key[n] != 0 {
		return out, Damagef("%x is no key of a retired rule", key)
	}
	r, err := typeRetirement.Open(rec, key)
	if err == nil {
		out = ttpcron.Retirement{
			RuleID: string(key[:n]), Version: int(int64(binary.BigEndian.Uint64(key[n+1:])) - 1),
			Reason: r.Text(), SetBy: r.Text(), SetAt: r.Time(),
		}
		err = r.Finish()
	}
	if err != nil {
		return ttpcron.Retirement{}, fmt.Errorf("retired rule %q: %w", key, err)
	}
	return out, nil
}
