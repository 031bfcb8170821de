package record

import (
	"encoding/binary"
	"fmt"

	"github.com/ttpcron/ttpcron"
)

// AppendCursor appends the record of a checkpoint, whose key is the kind.
func AppendCursor(dst []byte, c *ttpcron.Cursor) []byte {
	dst = binary.AppendUvarint(typeCursor.Begin(dst), c.Seq)
	dst = AppendText(AppendTime(dst, c.UpdatedAt), c.RunID)
	return End(dst, []byte(c.Kind))
}

// ReadCursor reads the record of a checkpoint.
func ReadCursor(key, rec []byte) (c ttpcron.Cursor, err error) {
	r, err := typeCursor.Open(rec, key)
	if err == nil {
		c = ttpcron.Cursor{Kind: ttpcron.SourceKind(key), Seq: r.Uvarint(), UpdatedAt: r.Time(), RunID: r.Text()}
		err = r.Finish()
	}
	if err != nil {
		return ttpcron.Cursor{}, fmt.Errorf("checkpoint of %s: %w", key, err)
	}
	return c, nil
}
