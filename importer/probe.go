package importer

import (
	"bytes"
	"context"

	"github.com/ttpcron/ttpcron"
)

// textProbed looks, at the beginning of a file, whether a line is a record of a text
// log, perhaps behind a prefix.
func (r *logReader) textProbed(text []byte) bool {
	if _, err := r.parse(text); err == nil {
		return true
	}
	for n := 1; n <= maxPrefixes; n++ {
		c := carryMost(text, &r.framing.carried, n)
		if c.n < n || startsWith(c.text, '{') {
			break
		}
		r.framing.inside = true
		_, err := r.parse(c.text)
		r.framing.inside = false
		if err == nil {
			r.framing.carried, r.framing.some = c, true
			if c.partial {
				r.pieced(&c)
			}
			return true
		}
	}
	return false
}

// carriageReturns reports whether lines end with \r alone, in what a file begins with.
func carriageReturns(head []byte) bool {
	return bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0
}

// probe reads the beginning of a file as its records will be read, and counts which
// formats know them.
type probe struct {
	formats []Format
	known   []int
	plain   []int // of these, as a line of their own
	needs   []needs
	only    *Format
	wrapped func() bool // whether the record was in something
	goesOn  *Format     // of the last record, if such may go on in further lines
}

func (p *probe) parse(record []byte, _ *parsed) error {
	if p.goesOn != nil && startsWith(record, '\t') {
		return nil // it is the last record's, whatever an attacker made it look like
	}
	var goesOn *Format
	some := false
	for i := range p.formats {
		f := &p.formats[i]
		if f.lines != nil && (p.only == nil || p.only == f) && f.lines.recognises(record) {
			p.known[i]++
			some = true
			if f.lines.joins() {
				goesOn = f
			}
			if f.lines.needs != nil {
				p.needs[i] = p.needs[i].or(f.lines.needs(record, p.known[i] == 1))
			}
			if !p.wrapped() {
				p.plain[i]++
			}
		}
	}
	if !some {
		return errForeign
	}
	p.goesOn = goesOn
	return nil
}

// recognition is what the beginning of a file tells of all of it.
type recognition struct {
	format  *Format // nil: none
	newline byte
	framing framing // whether records are wrapped, and in what
	records int     // of the format
	needs   needs   // that these have
	lines   int     // looked at
}

// probeHead recognises the beginning of a file, among the formats of a catalog or as one of them.
func probeHead(ctx context.Context, head []byte, c *Catalog, only *Format) recognition {
	list := c.list()
	p := &probe{formats: list, known: make([]int, len(list)), plain: make([]int, len(list)), needs: make([]needs, len(list)), only: only}
	format := &Format{Name: Auto, lines: &lineFormat{recognises: func([]byte) bool { return false }, parser: func(*source) recordParser { return p }}}
	r := &logReader{format: format, parser: p, arena: &arena{}, final: true, src: &stream{}, opts: Options{Now: utcNow}}
	r.framing.anyText, r.framing.wrapped, r.framing.sessions = true, true, isSessions(head)
	p.wrapped = func() bool { return r.framing.inside }
	found := recognition{newline: '\n'}
	if carriageReturns(head) {
		found.newline = '\r'
	}
	head = withoutTyped(head)
	r.lines = &lineReader{r: bytes.NewReader(head), buf: make([]byte, min(readSize, len(head)+2*keepBytes))}
	r.lines.newline = found.newline
	r.read(ctx, func(ttpcron.Batch, error) bool { return true })
	best := -1
	for i, n := range p.known {
		if n == 0 {
			continue
		}
		if best < 0 || p.before(i, best) {
			best = i
		}
	}
	if best >= 0 {
		best = p.inMix(best, found.newline)
		found.format, found.records, found.needs = &list[best], p.known[best], p.needs[best]
	}
	found.lines = bytes.Count(head, []byte{found.newline})
	if n := len(head); n > 0 && head[n-1] != found.newline {
		found.lines++
	}
	if f := found.format; f == nil || !f.lines.joins() || 2*p.plain[best] < p.known[best] {
		found.framing.wrapped, found.framing.some, found.framing.carried = r.framing.some, r.framing.some, r.framing.carried
	}
	found.framing.sessions = r.framing.sessions
	if f := found.format; f != nil && f.lines.joins() {
		found.newline = '\n' // what an attacker types may hold the other
	}
	return found
}

// carriedShare is which part of the records of a host's log, one in so many, has to be a
// sensor's for it to be taken for the sensor's. Anyone who has an account there can write a
// few lines to its syslog.
const carriedShare = 4

// before reports whether a format is taken before another, going by their records. The log
// of a host is one of a sensor if enough of its records are. It stays the host's with lines
// of another program of the host, such as a web server.
func (p *probe) before(a, b int) bool {
	switch sensor, other := &p.formats[a], &p.formats[b]; {
	case carriedBy(other, sensor):
		return carriedShare*p.known[a] >= p.known[b]
	case carriedBy(sensor, other):
		return p.known[a] > carriedShare*p.known[b]
	}
	return p.known[a] > p.known[b]
}

// carriedBy reports whether a log of one format may carry the records of a sensor, of
// another format.
func carriedBy(log, sensor *Format) bool {
	switch sensor.Name {
	case accessLog.Name, auditd.Name, shellHistory.Name:
		return false
	}
	return log.lines.carries && !sensor.lines.carries
}

// inMix returns which of the formats of a file is taken, when most of its records are of
// one: in the output of a container that has both forms of a sensor's log it is the
// richer one. What stands behind a carriage return in a text log is typed.
func (p *probe) inMix(most int, newline byte) int {
	for i := range p.formats {
		switch f := &p.formats[i]; {
		case p.known[i] == 0:
		case newline == '\r' && f.lines.joins():
			return i
		case newline == '\n' && f.Name == p.formats[most].richer() && 4*p.known[i] >= p.known[most]:
			return i
		}
	}
	return most
}

// withoutTyped is the beginning of a file without the lines that go on with a record of
// a text log.
func withoutTyped(head []byte) []byte {
	if !bytes.Contains(head, []byte("\n\t")) {
		return head
	}
	var out []byte
	text := false
	for line := range bytes.Lines(head) {
		if startsWith(line, '\t') && text {
			continue
		}
		text = isTextLog(trimLine(line))
		out = append(out, line...)
	}
	return out
}

// isTextLog reports whether a line is a record of a text log. No mapping describes such.
func isTextLog(line []byte) bool {
	for i := range formats {
		if f := formats[i].lines; f != nil && f.joins() && f.recognises(line) {
			return true
		}
	}
	return false
}
