package correlation

import (
	"strconv"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// Tags appends the tags of a finding to dst, all but CreatedAt: one for each claim.
func (r *Rule) Tags(g ttpcron.Group, slot int64, dst []ttpcron.Tag) []ttpcron.Tag {
	f := ttpcron.Finding{Names: r.names, Group: g, Slot: slot, Timespan: r.def.Timespan}
	evidence := append([]byte(`{"condition":`), jsontext.AppendString(nil, "gte "+strconv.Itoa(r.need))...)
	evidence = jsontext.AppendString(append(evidence, `,"correlation":`...), string(r.def.Type))
	evidence = g.AppendJSON(append(evidence, `,"group":`...), r.names)
	evidence = strconv.AppendInt(append(evidence, `,"slot":`...), slot, 10)
	evidence = jsontext.AppendString(append(evidence, `,"timespan":`...), r.def.Timespan.String())
	evidence = append(evidence, '}')
	for _, c := range r.def.Claims {
		if c.Confidence >= ttpcron.MinConfidence {
			dst = append(dst, f.Tag(c, evidence))
		}
	}
	return dst
}
