package correlation

import "github.com/ttpcron/ttpcron"

// pieces are packed values one after another: of a text, or of bytes.
type pieces struct {
	text string
	raw  []byte
	ends []int32
}

// read reads values of a text.
func (p *pieces) read(text string) {
	p.text, p.raw, p.ends = text, nil, p.ends[:0]
	for rest := text; rest != ""; {
		_, tail, ok := ttpcron.CutPacked(rest)
		if !ok {
			return
		}
		rest = tail
		p.ends = append(p.ends, int32(len(text)-len(rest)))
	}
}

// set takes values that gather put together.
func (p *pieces) set(raw []byte, ends []int32) {
	p.text, p.raw, p.ends = "", raw, append(p.ends[:0], ends...)
}

// append appends the value with a number, and nothing when there is none.
func (p *pieces) append(dst []byte, i int) []byte {
	if i >= len(p.ends) {
		return dst
	}
	start := int32(0)
	if i > 0 {
		start = p.ends[i-1]
	}
	if p.raw != nil {
		return append(dst, p.raw[start:p.ends[i]]...)
	}
	return append(dst, p.text[start:p.ends[i]]...)
}
