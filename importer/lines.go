package importer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"math"

	"github.com/ttpcron/ttpcron"
)

const (
	readSize = 256 << 10
	// keepBytes is how much of the content before the current line stays in the
	// buffer, for the tail of a position.
	keepBytes = 4 << 10
	maxIdle   = 100
)

// lineReader splits a stream into lines in one buffer of fixed size. It knows
// the offset of every line, remembers the first bytes of the stream and the last
// ones before the current line, and skips runs of NUL bytes, which a file
// system leaves after a power loss, however long they are.
type lineReader struct {
	r   io.Reader
	buf []byte
	// buf[start:end] has not been given out; up to keepBytes before start have.
	start, end int
	off        int64 // of buf[start] in the content
	head       []byte
	long       []byte // a line that does not lie in buf in one piece
	before     []byte // what tail gave before the last line that nextSlow read,
	beforeOff  int64  // and where that line began
	err        error  // why r ended; io.EOF when all is well
	idle       int    // reads in a row that gave nothing
	cut        bool   // damage cut the last line off
	lineOff    int64  // where the last line begins
	lineStart  int    // the same in buf, when nextSlow did not read it, else -1
	newline    byte   // what ends a line: \n, or \r where a file has no other
	// values says that what is read is JSON: a line longer than half the buffer is
	// given out value by value.
	values bool
	within bool  // the rest of such a line comes next
	clear  int64 // up to where the content is known to have no newline
	ending int64 // behind the next newline, if it is known: else not after off
	match  matcher
}

// line is one line of a file, without its newline.
type line struct {
	text []byte // runs of NULs inside are one NUL; valid until the next call
	nuls bool   // there are some
	// partial says that the stream ended before a newline.
	partial bool
	// tooLong says that the line was longer than MaxLine, of which text holds
	// the beginning; rest is then the SHA-256 of what follows.
	tooLong bool
	rest    [32]byte
	more    bool // the line goes on: this is a value of it
	later   bool // the line began before: this is not its first value
	waits   bool // the newline is yet to come
	list    bool // the line is a document that is too long, read up to where its list begins
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: r, buf: make([]byte, readSize), newline: '\n'}
}

// fill reads more. It makes room by dropping what has been given out, but for
// keepBytes. It returns false when the stream has ended or the buffer is full.
func (l *lineReader) fill(ctx context.Context) bool {
	if l.err == nil {
		l.err = ctx.Err()
	}
	if l.err != nil {
		return false
	}
	if drop := l.start - keepBytes; drop > 0 && (l.end == len(l.buf) || l.start == l.end) {
		l.end = copy(l.buf, l.buf[drop:l.end])
		l.start -= drop
	}
	if l.end == len(l.buf) {
		return false
	}
	n, err := l.r.Read(l.buf[l.end:])
	if n < 0 || n > len(l.buf)-l.end {
		n, err = 0, errors.New("reader returned an impossible count")
	}
	l.remember(l.buf[l.end : l.end+n])
	l.end += n
	going := err == errNothingYet
	if going {
		err = nil
	}
	l.err = err
	if n > 0 || going {
		l.idle = 0
	} else if l.idle++; l.idle > maxIdle && err == nil {
		l.err = io.ErrNoProgress
	}
	return l.err == nil || n > 0
}

// remember keeps the first bytes of the content for the head of a position.
func (l *lineReader) remember(read []byte) {
	room := keepBytes - len(l.head)
	if room <= 0 || l.off+int64(l.end-l.start) != int64(len(l.head)) {
		return
	}
	l.head = append(l.head, read[:min(room, len(read))]...)
}

func (l *lineReader) advance(n int) {
	l.start += n
	l.off += int64(n)
}

// tail returns up to n of the bytes before the current position.
func (l *lineReader) tail(n int) []byte { return l.buf[max(0, l.start-n):l.start] }

// tailAt returns up to n of the bytes before off, which is the current position
// or where the last line began.
func (l *lineReader) tailAt(off int64, n int) []byte {
	if off == l.off {
		return l.tail(n)
	}
	if off == l.beforeOff {
		return l.before[max(0, len(l.before)-n):]
	}
	return nil
}

// next returns the next line, or false at the end of the stream; then err says
// why it ended.
func (l *lineReader) next(ctx context.Context) (line, bool) {
	if !l.within {
		pending := l.buf[l.start:l.end]
		if n := bytes.IndexByte(pending, l.newline); n >= 0 && bytes.IndexByte(pending[:n], 0) < 0 {
			l.lineOff, l.lineStart = l.off, l.start
			l.advance(n + 1)
			return line{text: pending[:n]}, true
		}
	}
	later := l.within
	ln, ok := l.nextSlow(ctx)
	ln.later, l.within = later, ln.more
	return ln, ok
}

// lineEnd returns how far the next newline is, or -1 when it has not been read. However
// many values of a line are read, its bytes are searched once.
func (l *lineReader) lineEnd() int {
	if l.ending > l.off {
		return int(l.ending - 1 - l.off)
	}
	from := int(max(0, l.clear-l.off))
	pending := l.buf[l.start:l.end]
	n := bytes.IndexByte(pending[from:], l.newline)
	if n < 0 {
		l.clear = l.off + int64(len(pending))
		return -1
	}
	l.ending = l.off + int64(from+n) + 1
	l.clear = l.ending
	return from + n
}

// beforeLine returns up to n of the bytes before the last line.
func (l *lineReader) beforeLine(n int) []byte {
	if l.lineStart >= 0 {
		return l.buf[max(0, l.lineStart-n):l.lineStart]
	}
	if l.beforeOff == l.lineOff {
		return l.before[max(0, len(l.before)-n):]
	}
	return nil
}

// unread puts text, which was read last, back before what comes next. The bytes
// before it are for the tail of a position.
func (l *lineReader) unread(before, text []byte) {
	l.off -= int64(len(text))
	l.within, l.clear, l.ending = false, l.off, 0
	if at := l.start - len(text); at >= 0 && bytes.Equal(l.buf[at:l.start], text) {
		l.start = at
		return
	}
	before = before[max(0, len(before)-keepBytes):]
	buf := make([]byte, max(readSize, len(before)+len(text)+l.end-l.start+readSize/2))
	n := copy(buf, before)
	end := n + copy(buf[n:], text)
	end += copy(buf[end:], l.buf[l.start:l.end])
	l.buf, l.start, l.end = buf, n, end
}

// nextSlow is next for a line that is not yet in the buffer or holds NULs.
func (l *lineReader) nextSlow(ctx context.Context) (line, bool) {
	if l.start == l.end && !l.fill(ctx) {
		return line{}, false
	}
	l.before, l.beforeOff = append(l.before[:0], l.tail(tailBytes)...), l.off
	l.skipNULs(ctx, math.MaxInt64)
	l.lineOff, l.lineStart = l.off, -1
	for {
		pending := l.buf[l.start:l.end]
		if n := l.lineEnd(); n >= 0 {
			text := pending[:n]
			if bytes.IndexByte(text, 0) >= 0 {
				return l.nextLong(ctx, false), true
			}
			l.advance(len(text) + 1)
			return line{text: text}, true
		}
		if len(pending) > len(l.buf)/2 {
			return l.nextLong(ctx, l.values), true
		}
		if !l.fill(ctx) {
			if len(pending) == 0 {
				return line{}, false
			}
			return l.nextLong(ctx, l.within && l.values), true
		}
	}
}

// skipNULs skips NULs at the beginning of a line, and returns false when there
// are more than most.
func (l *lineReader) skipNULs(ctx context.Context, most int64) bool {
	for {
		pending := l.buf[l.start:l.end]
		rest := bytes.TrimLeft(pending, "\x00")
		l.advance(len(pending) - len(rest))
		if most -= int64(len(pending) - len(rest)); most < 0 {
			return false
		}
		if len(rest) > 0 || !l.fill(ctx) {
			return true
		}
	}
}

// nextLong reads a line that is longer than half the buffer, holds NULs or lacks
// its newline. It copies what is worth keeping and forgets the rest. With values it
// reads the next JSON value of the line.
func (l *lineReader) nextLong(ctx context.Context, values bool) line {
	l.long = l.long[:0]
	var rest hash.Hash
	m := &l.match
	m.reset()
	matching := values // what has been read may be the beginning of a value
	begun := false     // and the value has begun
	kept := 0          // bytes of long that stay as they are: MaxLine, or 0 below it
	fed := 0           // bytes at hand in which the value has ended; 0: it has not
	for {
		pending := l.buf[l.start:l.end]
		n := l.lineEnd()
		whole := n >= 0
		if whole {
			pending = pending[:n]
		}
		if matching {
			glue := 0
			if !begun {
				value := skipGlue(pending)
				glue = len(pending) - len(value)
				if begun = len(value) > 0; begun {
					matching = value[0] == '{' || value[0] == '"'
				}
			}
			if begun && matching {
				used := fed
				if fed == 0 {
					used = glue + m.feed(pending[glue:])
				}
				matching = m.state != matchBroken
				switch behind := bytes.TrimLeft(pending[used:], " \t\r"); {
				case m.state != matchWhole || used == len(pending):
				case len(behind) > 0 && behind[0] == ':':
					// The name of a member, behind a list that has ended.
					at := 0
					if m.sessions {
						at = listBehind(pending[used:])
					}
					if at < 0 && fed == 0 && l.end-l.start == len(pending) {
						l.peek(ctx, len(pending)+maxBehind)
						fed = used
						continue
					}
					if matching = at > 0; matching {
						pending, whole = pending[:used+at], false
					}
				default:
					pending, whole = pending[:used], false
				}
			}
		}
		l.long = appendCollapsed(l.long, pending)
		if len(l.long) > MaxLine+1 {
			if kept == 0 && matching && begun && m.list > 0 && l.streams() {
				return l.enterList(len(pending))
			}
			if rest == nil {
				rest = sha256.New()
			}
			// The last byte stays: whether a NUL follows one must be known.
			last := len(l.long) - 1
			rest.Write(l.long[MaxLine:last])
			l.long = append(l.long[:MaxLine], l.long[last])
			kept = MaxLine
		}
		l.advance(len(pending))
		fed = 0
		value := matching && m.state == matchWhole && l.start < l.end
		if whole {
			l.advance(1)
		}
		if whole || value || l.start == l.end && !l.fill(ctx) {
			out := line{text: l.long[:min(len(l.long), MaxLine)], partial: !whole && !value, tooLong: len(l.long) > MaxLine, more: value && !whole}
			out.nuls = bytes.IndexByte(out.text, 0) >= 0
			if rest != nil {
				rest.Write(l.long[MaxLine:])
				rest.Sum(out.rest[:0])
			}
			return out
		}
	}
}

// maxBehind is how many bytes behind the name of a member are looked at for its list.
const maxBehind = 64

// streams reports whether the document in long, which is too long to be held, may be
// read element by element: one that is a record of its own may not.
func (l *lineReader) streams() bool { return !ownRecord(l.long[:min(l.match.list, len(l.long))]) }

// enterList ends a document where its list begins, and puts the elements back.
func (l *lineReader) enterList(pending int) line {
	l.advance(pending)
	glue := len(l.long) - len(skipGlue(l.long))
	at := glue + l.match.list
	document := bytes.Clone(l.long)
	tail := append(bytes.Clone(l.before), document[:at]...)
	l.unread(tail, document[at:])
	return line{more: true, list: true}
}

// appendCollapsed appends text with every run of NULs as one NUL.
func appendCollapsed(dst, text []byte) []byte {
	for len(text) > 0 {
		n := bytes.IndexByte(text, 0)
		if n < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:n]...)
		if len(dst) > 0 && dst[len(dst)-1] != 0 {
			dst = append(dst, 0)
		}
		for n < len(text) && text[n] == 0 {
			n++
		}
		text = text[n:]
	}
	return dst
}

// peek returns up to n of the bytes that come next, fewer when the stream ends
// before. The buffer grows to n when it must.
func (l *lineReader) peek(ctx context.Context, n int) []byte {
	if n > len(l.buf)-keepBytes {
		l.buf = append(make([]byte, 0, n+keepBytes), l.buf...)[:n+keepBytes]
	}
	for l.end-l.start < n && l.fill(ctx) {
	}
	return l.buf[l.start:min(l.end, l.start+n)]
}

// beginning is peek, and says whether there is no more.
func (l *lineReader) beginning(ctx context.Context, n int) (head []byte, whole bool) {
	head = l.peek(ctx, n)
	return head, l.err == io.EOF && len(head) == l.end-l.start
}

// discard reads up to n bytes without looking at them and returns how many there
// were.
func (l *lineReader) discard(ctx context.Context, n int64) int64 {
	left := n
	for left > 0 {
		step := int(min(left, int64(l.end-l.start)))
		l.advance(step)
		left -= int64(step)
		if left > 0 && l.start == l.end && !l.fill(ctx) {
			break
		}
	}
	return n - left
}

// excerpt returns the beginning of a line for the quarantine.
func excerpt(text []byte) []byte {
	return bytes.Clone(text[:min(len(text), ttpcron.MaxExcerpt)])
}
