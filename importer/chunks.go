package importer

import (
	"bytes"

	"github.com/ttpcron/ttpcron"
)

// chunk is a line of a container of which only the beginning was logged.
type chunk struct {
	stream string
	text   []byte
	json   bool // it begins like JSON
	skip   bool // it is none of a record, or has been rejected
	line   int  // where it began
	last   int  // where its last piece is
	match  matcher
}

const (
	// dockerChunk is the length of the pieces into which Docker cuts a line, journalChunk
	// that of systemd's journal.
	dockerChunk  = 16 << 10
	journalChunk = 48 << 10
	// journalStream is the stream of pieces that do not name theirs.
	journalStream = "journal"
	maxChunks     = 8
	// maxChunkWait is for how many lines after its last piece an incomplete line is kept.
	maxChunkWait = 1000
)

// pieced joins the text after a prefix with the pieces before it. It is false if the rest
// is missing so far.
func (r *logReader) pieced(c *carried) bool {
	switch {
	case !c.partial && len(r.framing.chunks) == 0:
		return true
	case c.stream == "":
		c.stream = journalStream
	}
	if !c.partial {
		c.text = append(c.text[:len(c.text):len(c.text)], '\n')
	}
	whole, ok := r.chunk([]byte(c.stream), c.text, c.partial, c.partial)
	c.text = trimEnd(whole)
	return ok
}

// logged reads the text of a member with a container's output. Docker logs a line of more
// than 16 KiB in pieces, of which only the last has the newline; cut says that the shipper
// itself calls it a piece.
func (r *logReader) logged(stream, text []byte, cut bool) ([]byte, bool) {
	return r.chunk(stream, text, cut || !bytes.HasSuffix(text, []byte("\n")), cut)
}

// chunk returns the whole line if text is its last piece, or false. The text after the
// first piece is never read by itself: an attacker may have typed it.
func (r *logReader) chunk(stream, text []byte, partial, cut bool) ([]byte, bool) {
	f := &r.framing
	at := -1
	for i := range f.chunks {
		if f.chunks[i].stream == string(stream) {
			at = i
		}
	}
	if at < 0 {
		if !partial || !cut && !r.isCut(stream, text) {
			return text, true
		}
		if len(f.chunks) == maxChunks {
			r.dropChunk(0)
		}
		r.hold()
		c := chunk{stream: string(stream), text: bytes.Clone(text), line: r.line, last: r.line}
		c.json = startsWith(carry(text, &carried{}).text, '{')
		c.skip = !c.json && !r.format.lines.joins() && !r.framing.anyText
		if c.match.state = matchBroken; startsWith(text, '{') && !r.format.lines.joins() {
			c.match = matcher{}
			c.match.feed(text)
		}
		f.chunks = append(f.chunks, c)
		return nil, false
	}
	c := &f.chunks[at]
	c.last = r.line
	if c.json && !c.skip && (!partial || !cut && len(text) < dockerChunk) && r.isValue(text) {
		r.dropChunk(at) // which was cut off for good
		return text, true
	}
	if !c.skip {
		c.text = append(c.text, text...)
		c.match.feed(text)
	}
	if !c.skip && len(c.text) > MaxLine {
		r.rejectChunk(c)
		c.skip, c.text = true, nil
	}
	if partial && (c.skip || cut || c.match.state != matchWhole) {
		return nil, false
	}
	whole, skip := c.text, c.skip
	f.chunks = append(f.chunks[:at], f.chunks[at+1:]...)
	r.letGo()
	if skip {
		r.ignoreText()
		return nil, false
	}
	return whole, true
}

// isCut reports whether a piece of a container's output without a newline continues.
func (r *logReader) isCut(stream, text []byte) bool {
	if startsWith(text, '{') && !r.format.lines.joins() {
		return !r.wholeValue(text)
	}
	return len(stream) > 0 && len(text) >= dockerChunk
}

// isValue reports whether a text is an object and nothing else.
func (r *logReader) isValue(text []byte) bool {
	return r.wholeValue(text) && len(trimLine(text[r.framing.value.n:])) == 0
}

// wholeValue reports whether a text begins with an object that has its end.
func (r *logReader) wholeValue(text []byte) bool {
	if !startsWith(text, '{') || r.format.lines.joins() {
		return false
	}
	m := &r.framing.value
	m.reset()
	m.feed(text)
	return m.state == matchWhole
}

// dropChunk forgets the beginning of a line that was never completed.
func (r *logReader) dropChunk(at int) {
	c := r.framing.chunks[at]
	r.framing.chunks = append(r.framing.chunks[:at], r.framing.chunks[at+1:]...)
	if c.skip {
		r.ignoreText()
	} else {
		r.rejectChunk(&c)
	}
	r.letGo()
}

func (r *logReader) rejectChunk(c *chunk) {
	reason := errUnfinished
	if len(c.text) > MaxLine {
		reason = errTooLong
	}
	r.reject(c.line, c.text, reason, ttpcron.NewRejectID(r.format.Name, c.text))
}

// waitedEnough forgets pieces of lines that were not completed in time.
func (r *logReader) waitedEnough() {
	for i := len(r.framing.chunks) - 1; i >= 0; i-- {
		if r.line-r.framing.chunks[i].last > maxChunkWait {
			r.dropChunk(i)
		}
	}
}
