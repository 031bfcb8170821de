package importer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

const (
	headBytes = keepBytes
	tailBytes = 1 << 10
)

// makePosition describes content that has been read up to offset, given its first
// bytes and those before offset.
func makePosition(path, version string, head, tail []byte, offset int64, lines int, now time.Time) *ttpcron.FilePosition {
	head = head[:headLength(min(int64(len(head)), offset))]
	return &ttpcron.FilePosition{
		Path: path, Format: version, Offset: offset, Line: lines, SeenAt: now,
		Head: sha256.Sum256(head), HeadLen: len(head),
		Tail: sha256.Sum256(tail), TailLen: len(tail),
	}
}

// headLength is how many of the first n bytes of some content a position hashes: a
// power of two, so that a file can be looked up under each of few lengths,
// however many positions there are.
func headLength(n int64) int {
	length := headBytes
	for int64(length) > n {
		length /= 2
	}
	return length
}

// fittingPositions finds the positions whose beginning is head's, by descending offset.
// Positions of earlier versions may have any length of head.
func fittingPositions(ctx context.Context, positions Positions, version string, head []byte) ([]ttpcron.FilePosition, error) {
	if positions == nil {
		return nil, nil
	}
	lengths, err := positions.HeadLengths(ctx)
	if err != nil {
		return nil, err
	}
	lengths = slices.Clone(lengths)
	for n := headBytes; n > 0; n /= 2 {
		lengths = append(lengths, n)
	}
	slices.Sort(lengths)
	var heads []ttpcron.FileHead
	sums := newPrefixSums(head)
	for _, n := range slices.Compact(lengths) {
		if n > 0 && n <= len(head) {
			heads = append(heads, ttpcron.FileHead{Length: n, Sum: sums.to(n)})
		}
	}
	fit, err := positions.FindPositions(ctx, version, heads)
	if err != nil {
		return nil, err
	}
	fit = slices.DeleteFunc(slices.Clone(fit), func(m ttpcron.FilePosition) bool {
		return m.Format != version || !slices.Contains(heads, ttpcron.FileHead{Length: m.HeadLen, Sum: m.Head}) ||
			m.Offset < int64(m.HeadLen) || m.TailLen <= 0 || m.TailLen > keepBytes || m.Offset < int64(m.TailLen)
	})
	slices.SortFunc(fit, func(a, b ttpcron.FilePosition) int { return cmp.Compare(b.Offset, a.Offset) })
	return fit, nil
}

// prefixSums gives the SHA-256 of ever longer beginnings of a text, hashing
// every byte once: there may be thousands of positions of different lengths.
type prefixSums struct {
	text []byte
	hash hash.Hash
	done int
	sum  [32]byte
}

func newPrefixSums(text []byte) *prefixSums {
	return &prefixSums{text: text, hash: sha256.New()}
}

// to returns the sum of the first n bytes, at least one; n must not be less than
// before.
func (p *prefixSums) to(n int) [32]byte {
	if n > p.done {
		p.hash.Write(p.text[p.done:n])
		p.sum = [32]byte(p.hash.Sum(nil))
		p.done = n
	}
	return p.sum
}

// grown reports whether a file whose last line, at the position, had no newline has
// more content now. The position is of no use then: the line has become another. A
// record of JSON that was read is whole, whatever follows it.
func grown(f *Format, tail []byte, offset, size int64) bool {
	if size <= offset {
		return false
	}
	switch tail[len(tail)-1] {
	case '\n', '\r':
		return false
	case '}', ']', '[', ',':
		return f.lines.joins()
	}
	return true
}

// findInFile returns the position with the greatest offset up to which a file of
// the given size holds what had been read.
func findInFile(r io.ReaderAt, size int64, f *Format, positions []ttpcron.FilePosition) (ttpcron.FilePosition, bool) {
	buf := make([]byte, keepBytes)
	for _, m := range positions {
		if m.Offset > size {
			continue
		}
		tail := buf[:m.TailLen]
		if n, err := r.ReadAt(tail, m.Offset-int64(m.TailLen)); n < len(tail) && err != nil {
			continue
		}
		if sha256.Sum256(tail) == m.Tail && !grown(f, tail, m.Offset, size) {
			return m, true
		}
	}
	return ttpcron.FilePosition{}, false
}

// findInStream does the same for a stream, reading it as far as it must. The
// stream is left at the position when positioned is true, else somewhere after it.
func findInStream(ctx context.Context, l *lineReader, f *Format, positions []ttpcron.FilePosition) (found ttpcron.FilePosition, ok, positioned bool) {
	slices.Reverse(positions)
	for _, m := range positions {
		n := m.Offset - l.off
		if n < 0 || l.discard(ctx, n) < n {
			break
		}
		tail := l.tail(m.TailLen)
		if len(tail) < m.TailLen || sha256.Sum256(tail) != m.Tail {
			continue
		}
		if more := len(l.peek(ctx, 1)) > 0; more && grown(f, tail, 0, 1) {
			continue
		}
		found, ok = m, true
	}
	return found, ok, ok && l.off == found.Offset
}

// PositionList is a few positions at hand.
type PositionList []ttpcron.FilePosition

// HeadLengths lists the lengths of head that the positions have.
func (l PositionList) HeadLengths(context.Context) ([]int, error) {
	var all []int
	for _, m := range l {
		all = append(all, m.HeadLen)
	}
	return all, nil
}

// FindPositions returns the positions of a format with one of these heads.
func (l PositionList) FindPositions(_ context.Context, format string, heads []ttpcron.FileHead) ([]ttpcron.FilePosition, error) {
	var found []ttpcron.FilePosition
	for _, m := range l {
		if m.Format == format && slices.Contains(heads, ttpcron.FileHead{Length: m.HeadLen, Sum: m.Head}) {
			found = append(found, m)
		}
	}
	return found, nil
}
