package importer

import (
	"bytes"
	"context"

	"github.com/ttpcron/ttpcron"
)

// recallBytes is how much of what an earlier import has read of a log is read again, before
// reading goes on behind it, by a parser that needs to know what came before: an open
// session is known then, unless it was silent for long.
const recallBytes = 1 << 20

// recalled returns how many bytes before a read position are to be recalled.
func (f *File) recalled(position int64) int64 {
	if !f.format.lines.recalls {
		return 0
	}
	return min(position, recallBytes)
}

// recall reads the next n bytes of the content for what its parser makes of them, and
// nothing else.
func (f *File) recall(ctx context.Context, lines *lineReader, n int64, parser recordParser) {
	if n == 0 {
		return
	}
	r := &logReader{
		path: f.path, format: f.format, opts: f.opts, src: &stream{csv: f.src.csv}, parser: parser, arena: &arena{}, final: true,
		lines: newLineReader(bytes.NewReader(lines.peek(ctx, int(n)))),
	}
	r.lines.newline = lines.newline
	r.read(ctx, func(ttpcron.Batch, error) bool { return true })
	lines.discard(ctx, n)
}
