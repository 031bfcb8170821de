package correlation

import (
	"strconv"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// maxShown is how many bytes of a value the evidence shows. A longer one is cut, and ends
// with an ellipsis.
const maxShown = 128

// Tags appends the tags of a finding to dst, all but CreatedAt: one for each claim that
// is not below [ttpcron.MinConfidence].
func (r *Rule) Tags(g ttpcron.Group, slot int64, dst []ttpcron.Tag) []ttpcron.Tag {
	f := ttpcron.Finding{Names: r.names, Group: g, Slot: slot, Timespan: r.def.Timespan}
	var tag ttpcron.Tag // of the finding: the claims differ in nothing else
	for _, c := range r.def.Claims {
		if c.Confidence < ttpcron.MinConfidence {
			continue
		}
		if tag.Evidence == nil {
			tag = f.Tag(c, r.appendEvidence(nil, g, slot))
		}
		tag.Claim = c
		dst = append(dst, tag)
	}
	return dst
}

// Silent reports whether the rule makes no tags. It may be that others name it.
func (r *Rule) Silent() bool {
	for _, c := range r.def.Claims {
		if c.Confidence >= ttpcron.MinConfidence {
			return false
		}
	}
	return true
}

// appendEvidence appends rule, group, slot and threshold as a JSON object in canonical
// form, its members in the order of their names.
func (r *Rule) appendEvidence(dst []byte, g ttpcron.Group, slot int64) []byte {
	text := func(name, value string) {
		dst = jsontext.AppendString(append(dst, name...), ttpcron.Shorten(value, maxShown))
	}
	text(`{"condition":`, r.Condition())
	text(`,"correlation":`, string(r.def.Type))
	if fields := r.def.Condition.Fields; len(fields) == 1 {
		text(`,"field":`, fields[0])
	} else if len(fields) > 1 {
		sep := `,"field":[`
		for _, f := range fields {
			text(sep, f)
			sep = ","
		}
		dst = append(dst, ']')
	}
	dst = append(dst, `,"group":`...)
	dst = r.appendGroup(dst, g)
	dst = strconv.AppendInt(append(dst, `,"slot":`...), slot, 10)
	text(`,"timespan":`, FormatTimespan(r.def.Timespan))
	return append(dst, '}')
}

// appendGroup appends names and values of a group, as [ttpcron.Group.AppendJSON] does,
// with long values cut.
func (r *Rule) appendGroup(dst []byte, g ttpcron.Group) []byte {
	short := append(make([]byte, 0, len(g)), byte(g.Vantage()))
	if g != "" {
		for rest := string(g[1:]); rest != ""; {
			one, tail, ok := ttpcron.CutPacked(rest)
			if !ok {
				break
			}
			rest = tail
			if text, ok := ttpcron.PackedText(one); ok && len(text) > maxShown {
				short = (&ttpcron.PackedValue{Text: ttpcron.Shorten(text, maxShown)}).Append(short)
			} else {
				short = append(short, one...)
			}
		}
	}
	return ttpcron.Group(short).AppendJSON(dst, r.names)
}

// FormatTimespan writes a timespan as [ParseTimespan] reads it, in its greatest unit.
func FormatTimespan(d time.Duration) string {
	for _, u := range [...]struct {
		name string
		of   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}} {
		if d%u.of == 0 && d != 0 {
			return strconv.FormatInt(int64(d/u.of), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}
