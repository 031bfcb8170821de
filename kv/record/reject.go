package record

import (
	"fmt"

	"github.com/ttpcron/ttpcron"
)

// The longest texts of a reject that are kept, in bytes, in addition to ttpcron.MaxExcerpt.
const (
	maxRejectName   = 4096
	maxRejectReason = 1024
)

// AppendReject stores the identity with a reject; up to schema 2 there was none.
func AppendReject(dst, key []byte, r *ttpcron.Reject) []byte {
	id := r.Identity()
	dst = AppendText(typeReject.Begin(dst), cut(r.File, maxRejectName))
	dst = AppendInt(dst, r.Line)
	dst = AppendText(dst, cut(r.Format, maxRejectName))
	dst = AppendText(dst, cut(r.Reason, maxRejectReason))
	dst = AppendText(dst, string(r.Excerpt[:min(len(r.Excerpt), ttpcron.MaxExcerpt)]))
	return End(append(AppendTime(dst, r.At), id[:]...), key)
}

// ReadReject reads the record of a reject, which may lack the identity.
func ReadReject(key, rec []byte) (out ttpcron.Reject, err error) {
	if len(key) != 8 {
		return out, Damagef("%x is no number of a reject", key)
	}
	r, err := typeReject.Open(rec, key)
	if err == nil {
		out = ttpcron.Reject{File: r.Text(), Line: r.Int(), Format: r.Text(), Reason: r.Text(), Excerpt: []byte(r.Text()), At: r.Time()}
		if len(r.Rest) > 0 {
			copy(out.ID[:], r.Bytes(len(out.ID)))
		}
		err = r.Finish()
	}
	if err != nil {
		return ttpcron.Reject{}, fmt.Errorf("reject %x: %w", key, err)
	}
	return out, nil
}
