package correlation

import "github.com/ttpcron/ttpcron"

// Tags appends the tags of what was found of a group in a slot to dst, all but CreatedAt:
// one for each claim that is not below [ttpcron.MinConfidence]. The group has the fields
// of the rule's.
func (r *Rule) Tags(s *ttpcron.Subject, slot int64, dst []ttpcron.Tag) []ttpcron.Tag {
	var tag ttpcron.Tag // of the finding: the claims differ in nothing else
	for _, c := range r.def.Claims {
		if c.Confidence < ttpcron.MinConfidence {
			continue
		}
		if tag.Finding == nil {
			tag = s.Tag(r.terms, slot)
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
