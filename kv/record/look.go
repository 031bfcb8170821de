package record

import (
	"encoding/binary"
	"fmt"

	"github.com/ttpcron/ttpcron"
)

// LookKey is the key of the look of a file at a path.
func LookKey(s *Secret, path string) []byte { return NumberKey(s.hash(hashLook, path, "")) }

// AppendLook appends the record of a look.
func AppendLook(dst, key []byte, l *ttpcron.FileLook) []byte {
	dst = AppendText(AppendText(typeLook.Begin(dst), l.Path), l.How)
	dst = binary.AppendVarint(dst, l.Size)
	dst = AppendTime(AppendTime(dst, l.Modified), l.Changed)
	dst = binary.AppendUvarint(dst, l.Inode)
	dst = append(append(dst, l.Head[:]...), l.Tail[:]...)
	dst = AppendText(dst, l.Format)
	dst = AppendText(append(dst, byte(l.Outcome)), cut(l.Reason, maxRejectReason))
	dst = AppendText(dst, l.PositionFormat)
	dst = append(AppendInt(dst, l.PositionHead.Length), l.PositionHead.Sum[:]...)
	return End(AppendTime(dst, l.SeenAt), key)
}

// ReadLook reads the record of a look.
func ReadLook(key, rec []byte) (l ttpcron.FileLook, err error) {
	r, err := typeLook.Open(rec, key)
	if err == nil {
		l.Path, l.How, l.Size = r.Text(), r.Text(), r.Varint()
		l.Modified, l.Changed = r.Time(), r.Time()
		l.Inode = r.Uvarint()
		copy(l.Head[:], r.Bytes(len(l.Head)))
		copy(l.Tail[:], r.Bytes(len(l.Tail)))
		l.Format, l.Outcome, l.Reason = r.Text(), ttpcron.LookOutcome(r.Byte()), r.Text()
		l.PositionFormat, l.PositionHead.Length = r.Text(), r.Int()
		copy(l.PositionHead.Sum[:], r.Bytes(len(l.PositionHead.Sum)))
		l.SeenAt = r.Time()
		err = r.Finish()
	}
	if err != nil {
		return ttpcron.FileLook{}, fmt.Errorf("look of a file %x: %w", key, err)
	}
	return l, nil
}
