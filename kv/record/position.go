package record

import (
	"encoding/binary"
	"fmt"

	"github.com/ttpcron/ttpcron"
)

// HeadOf returns the head that identifies the file of a read position.
func HeadOf(m *ttpcron.FilePosition) ttpcron.FileHead {
	return ttpcron.FileHead{Length: m.HeadLen, Sum: m.Head}
}

// PositionKey is the key of the read position of a file of a format that begins with a head.
func PositionKey(s *Secret, format string, h ttpcron.FileHead) []byte {
	head := binary.AppendVarint(h.Sum[:len(h.Sum):len(h.Sum)], int64(h.Length))
	return NumberKey(s.hash(hashPosition, format, string(head)))
}

// AppendPosition appends the record of a read position.
func AppendPosition(dst, key []byte, m *ttpcron.FilePosition) []byte {
	dst = AppendText(AppendText(typePosition.Begin(dst), m.Path), m.Format)
	dst = AppendInt(append(dst, m.Head[:]...), m.HeadLen)
	dst = AppendInt(append(dst, m.Tail[:]...), m.TailLen)
	dst = AppendInt(binary.AppendVarint(dst, m.Offset), m.Line)
	return End(AppendTime(dst, m.SeenAt), key)
}

// ReadPosition reads the record of a read position.
func ReadPosition(key, rec []byte) (m ttpcron.FilePosition, err error) {
	r, err := typePosition.Open(rec, key)
	if err == nil {
		m.Path, m.Format = r.Text(), r.Text()
		copy(m.Head[:], r.Bytes(len(m.Head)))
		m.HeadLen = r.Int()
		copy(m.Tail[:], r.Bytes(len(m.Tail)))
		m.TailLen, m.Offset, m.Line, m.SeenAt = r.Int(), r.Varint(), r.Int(), r.Time()
		err = r.Finish()
	}
	if err != nil {
		return ttpcron.FilePosition{}, fmt.Errorf("read position %x: %w", key, err)
	}
	return m, nil
}
