package tagger

import "github.com/ttpcron/ttpcron"

// resolve returns the condition for events of one kind: a test of the event's text becomes
// one of the payload field that has it.
func resolve(c condition, kind ttpcron.SourceKind) condition {
	switch c := c.(type) {
	case allOf:
		return allOf(resolveList(c, kind))
	case anyOf:
		return anyOf(resolveList(c, kind))
	case noneOf:
		return noneOf(resolveList(c, kind))
	case someCommand:
		return someCommand{resolve(c.is, kind)}
	case fieldTest:
		c.field = c.field.resolve(kind)
		return c
	}
	return c
}

func resolveList(list []condition, kind ttpcron.SourceKind) []condition {
	out := make([]condition, len(list))
	for i, c := range list {
		out[i] = resolve(c, kind)
	}
	return out
}

func (f fieldRef) resolve(kind ttpcron.SourceKind) fieldRef {
	switch {
	case kind == ttpcron.Command && f.field == fieldPayload && f.name == patternFields[kind]:
		return fieldRef{field: fieldText}
	case kind != ttpcron.Command && f.field == fieldText:
		return fieldRef{field: fieldPayload, name: patternFields[kind], stringOnly: true}
	}
	return f
}
