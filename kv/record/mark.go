package record

import (
	"encoding/binary"
	"fmt"

	"github.com/ttpcron/ttpcron"
)

// HeadOf returns the head by which the file of a mark is known.
func HeadOf(m *ttpcron.FilePosition) ttpcron.FileHead {
	return ttpcron.FileHead{Length: m.HeadLen, Sum: m.Head}
}

// MarkKey is the key of the mark of a file of a format that begins with a head.
func MarkKey(s *Secret, format string, h ttpcron.FileHead) []byte {
	head := binary.AppendVarint(h.Sum[:len(h.Sum):len(h.Sum)], int64(h.Length))
	return NumberKey(s.hash(hashMark, format, string(head)))
}

// AppendMark appends the record of a mark.
func AppendMark(dst, key []byte, m *ttpcron.FilePosition) []byte {
	dst = AppendText(AppendText(typeMark.Begin(dst), m.Path), m.Format)
	dst = appendInt(append(dst, m.Head[:]...), m.HeadLen)
	dst = appendInt(append(dst, m.Tail[:]...), m.TailLen)
	dst = appendInt(binary.AppendVarint(dst, m.Offset), m.Line)
	return End(appendTime(dst, m.SeenAt), key)
}

// ReadMark reads the record of a mark.
func ReadMark(key, rec []byte) (m ttpcron.FilePosition, err error) {
	r, err := typeMark.Open(rec, key)
	if err == nil {
		m.Path, m.Format = r.Text(), r.Text()
		copy(m.Head[:], r.Bytes(len(m.Head)))
		m.HeadLen = r.int()
		copy(m.Tail[:], r.Bytes(len(m.Tail)))
		m.TailLen, m.Offset, m.Line, m.SeenAt = r.int(), r.Varint(), r.int(), r.time()
		err = r.Finish()
	}
	if err != nil {
		return ttpcron.FilePosition{}, fmt.Errorf("file mark %x: %w", key, err)
	}
	return m, nil
}
