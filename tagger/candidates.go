package tagger

import (
	"math/bits"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/literal"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

// lookup asks an index which rules are candidates for an event. A tagger has one for
// each kind of event and uses it again for each event.
type lookup struct {
	index   *kindRules
	scanner *literal.Scanner
	seen    literal.IDs       // rules and terms whose requirement the event meets
	present literal.IDs       // programs
	few     []uint16          // programs, when they are few
	letters literal.IDs       // options of one letter
	left    int               // bytes of parts that may still be scanned
	images  map[string]string // of bare names of programs, as far as they are remembered
	packer  *ttpcron.Packer   // of the streams
	facets  *facets           // nil where they do not decide
}

const (
	// noProgram stands for a program that no rule names.
	noProgram = ^uint16(0)
	// maxScanned is how many bytes of the parts of one text are scanned. Each byte of a
	// text may be in many parts, such as each command around a substitution.
	maxScanned = 3 << 20
	// maxFew is how many programs are looked up one by one.
	maxFew = 8
)

func (k *kindRules) lookup(own ttpcron.Networks, attackers *ttpcron.Attackers) *lookup {
	s := &lookup{index: k, seen: make(literal.IDs, len(k.unfiltered)), present: make(literal.IDs, len(k.byName)/64+1), letters: make(literal.IDs, 2), packer: ttpcron.NewPacker(k.streams, own, attackers), facets: k.facets.facets()}
	if k.literals != nil {
		s.scanner = k.literals.Scanner()
	}
	return s
}

// begin resets the state for the next event: only the rules without requirement are seen.
func (s *lookup) begin() {
	copy(s.seen, s.index.unfiltered)
	clear(s.present)
	clear(s.letters)
	s.few = s.few[:0]
	s.left = maxScanned
	if s.scanner != nil {
		s.scanner.Reset()
	}
}

// text looks for literals in the raw text. If lines of commands matter too, it also covers
// those that are a part of it.
func (s *lookup) text(text string) {
	if s.scanner == nil {
		return
	}
	in := fieldBits[fieldText]
	if s.index.line {
		in |= fieldBits[fieldLine]
	}
	if s.index.lines {
		in |= fieldBits[fieldCommandLine]
	}
	s.scanner.Scan(text, in, s.seen)
}

// script looks for programs, options and literals in the parts of a text, and appends
// the numbers of the programs of its commands.
func (s *lookup) script(text string, script *shell.Script, programs []uint16) []uint16 {
	k := s.index
	for i := range script.Commands {
		c := &script.Commands[i]
		id, ok := k.programs[c.Program]
		if !ok {
			id = noProgram
		} else {
			s.program(id)
		}
		programs = append(programs, id)
		if k.options != nil {
			s.options(c.Flags)
		}
		if k.line && !standsIn(text, c) {
			s.part(c.Line, fieldLine)
		}
		for _, f := range k.fields {
			value, many := f.of(c)
			if f.single() {
				s.part(value, f)
			}
			for _, v := range many {
				s.part(v, f)
			}
		}
	}
	if k.images || k.lines {
		s.processes(text, script)
	}
	if k.decoded {
		for i := range script.Decoded {
			s.part(script.Decoded[i].Text, fieldDecoded)
		}
	}
	return programs
}

// processes looks for literals in the images and lines of processes. A wrapper's line
// contains the lines of what it runs, and is usually a part of the text.
func (s *lookup) processes(text string, script *shell.Script) {
	for i := range script.Processes {
		p := &script.Processes[i]
		if s.index.images {
			s.part(s.image(p.Path), fieldImage)
		}
		switch {
		case !s.index.lines:
		case p.Text:
			s.part(given+p.Line[:min(len(p.Line), s.index.longest)], fieldCommandLine)
			if p.Command >= 0 {
				s.part(p.Line, fieldCommandLine)
			}
		case p.Within < 0:
			if c := &script.Commands[p.Command]; c.Start < 0 || c.Start > len(text) || !strings.HasPrefix(text[c.Start:], p.Line) {
				s.part(p.Line, fieldCommandLine)
			}
		}
	}
}

// image is imageOf that remembers short names.
func (s *lookup) image(path string) string {
	size := imageSize(path)
	if size == 0 {
		return path
	}
	if size > 64 {
		if s.left -= size; s.left < 0 {
			return ""
		}
		return imageOf(path)
	}
	image, ok := s.images[path]
	if !ok {
		if s.images == nil || len(s.images) >= 512 {
			s.images = map[string]string{}
		}
		image = imageOf(path)
		s.images[image[len(foundIn):]] = image
	}
	return image
}

// standsIn reports whether a command's line is known to be a part of the text.
func standsIn(text string, c *shell.Command) bool {
	return c.Start >= 0 && c.Start <= len(text) && strings.HasPrefix(text[c.Start:], c.Line)
}

func (s *lookup) program(id uint16) {
	if s.present.Has(int(id)) {
		return
	}
	s.present.Add(int(id))
	if len(s.few) <= maxFew {
		s.few = append(s.few, id)
	}
	for _, n := range s.index.byName[id] {
		s.seen.Add(int(n))
	}
}

func (s *lookup) options(names []string) {
	for _, name := range names {
		var ids []uint16
		if len(name) != 1 || name[0] >= 128 {
			ids = s.index.options[name]
		} else if c := int(name[0]); !s.letters.Has(c) {
			s.letters.Add(c)
			ids = s.index.letters[c]
		}
		for _, id := range ids {
			s.seen.Add(int(id))
		}
	}
}

// anyOf reports whether one of the programs is present.
func (s *lookup) anyOf(programs literal.IDs) bool {
	if len(s.few) > maxFew {
		return programs.Meets(s.present)
	}
	for _, id := range s.few {
		if programs.Has(int(id)) {
			return true
		}
	}
	return false
}

// part looks for literals in one value of a field, as far as there are bytes left.
func (s *lookup) part(value string, f field) {
	if s.left -= literal.Cost(value); s.left >= 0 && value != "" {
		s.scanner.Scan(value, fieldBits[f], s.seen)
	}
}

// bounded reports whether parts were left out.
func (s *lookup) bounded() bool { return s.left < 0 }

// payload looks for literals in an event of another kind. A field that is a list or an
// object is not looked into: then every rule is a candidate.
func (s *lookup) payload(p ttpcron.Payload) {
	if s.scanner == nil {
		return
	}
	for _, name := range s.index.payload {
		text, _, plain := payloadScalar(p, name)
		if !plain && strings.HasSuffix(name, "."+everyMember) {
			for _, text := range payloadValues(nil, p, name) {
				s.scanner.Scan(text, fieldBits[fieldPayload], s.seen)
			}
			continue
		}
		if !plain {
			for i := range s.seen {
				s.seen[i] = ^uint64(0)
			}
			return
		}
		s.scanner.Scan(text, fieldBits[fieldPayload], s.seen)
	}
}

// candidates calls try for every rule that was seen and that its prefilter does not
// rule out, by id.
func (s *lookup) candidates(try func(r *runnable, check *prepared)) {
	k := s.index
	for word, seen := range s.seen[:(len(k.rules)+63)/64] {
		for seen != 0 {
			i := word*64 + bits.TrailingZeros64(seen)
			seen &= seen - 1
			if i >= len(k.rules) {
				return // what follows are terms
			}
			r := k.rules[i]
			check := &r.check
			if r.payload && k.kind == ttpcron.Command {
				check = &r.relaxed
			}
			if k.prefilters.passes(check.prefilter, s) {
				try(r, check)
			}
		}
	}
}
