package tagger

import (
	"encoding/binary"
	"slices"
	"strings"
	"unsafe"

	"github.com/ttpcron/ttpcron"
)

// memo remembers the verdicts on events that are not commands, such as logins, by the
// payload fields that the rules of their kind read: events with equal fields have the same
// verdict. One memo serves all kinds, so its memory is bounded like that for commands.
type memo struct {
	cache
	key []byte // of the event at hand
}

// keyOf returns the fields of an event that the rules read, or false if these are unknown
// or too long to be remembered. It is valid until the next call.
func (m *memo) keyOf(k *kindRules, e *ttpcron.Event) (key string, ok bool) {
	if !k.readsKnown {
		return "", false
	}
	m.key = append(append(m.key[:0], k.kind...), 0)
	for _, outcome := range k.outcomes {
		m.key = append(append(m.key, outcome(e)...), 0)
	}
	p := e.Payload
	for _, name := range k.reads {
		for len(p) > 0 && p[0].Name < name { // both are sorted
			p = p[1:]
		}
		if len(p) == 0 || p[0].Name != name {
			m.key = append(m.key, 0)
			continue
		}
		if len(m.key)+len(p[0].Text)+len(p[0].Raw) > cacheText {
			return "", false
		}
		if p[0].Raw == nil {
			m.key = append(binary.AppendUvarint(append(m.key, 1), uint64(len(p[0].Text))), p[0].Text...)
		} else {
			m.key = append(binary.AppendUvarint(append(m.key, 2), uint64(len(p[0].Raw))), p[0].Raw...)
		}
	}
	return unsafe.String(unsafe.SliceData(m.key), len(m.key)), true
}

// payloadReads returns the payload fields that a condition reads, or false if they are
// unknown.
func payloadReads(c condition) (names []string, known bool) {
	switch c := c.(type) {
	case allOf:
		return payloadReadsOf(c)
	case anyOf:
		return payloadReadsOf(c)
	case noneOf:
		return payloadReadsOf(c)
	case fieldTest:
		if c.field.field != fieldPayload {
			return nil, false
		}
		head, _, _ := strings.Cut(c.field.name, ".")
		return []string{c.field.name, head}, true
	case predicateTest:
		p, known, err := predicateOf(c.name, c.settings)
		return p.reads, known && err == nil && p.reads != nil
	}
	return nil, false
}

func payloadReadsOf(list []condition) (names []string, known bool) {
	for _, c := range list {
		more, ok := payloadReads(c)
		if !ok {
			return nil, false
		}
		names = append(names, more...)
	}
	return names, true
}

// readBy collects what the rules of a kind read. For canaries that includes everything
// derived from the payload.
func (k *kindRules) readBy() {
	k.readsKnown = k.kind != ttpcron.Command && k.kind != ttpcron.CanaryFingerprint
	for _, r := range k.rules {
		names, known := payloadReads(resolve(r.match, k.kind))
		k.readsKnown = k.readsKnown && known
		k.reads = append(k.reads, names...)
		if readsBesides(r.match) && len(k.outcomes) == 0 {
			k.outcomes = append(k.outcomes, scopeOfAddress)
		}
	}
	slices.Sort(k.reads)
	k.reads = slices.Compact(k.reads)
}
