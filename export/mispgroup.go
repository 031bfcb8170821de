package export

import (
	"bytes"
	"net/netip"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// mispGroup is one record, with its tags.
type mispGroup struct {
	key []byte // the beginning of a record that its tags have in common

	at, until, made                        time.Time // until is after at if the two are a finding's slot
	kind                                   ttpcron.SourceKind
	source, session, sensor, address, text string
	vantage                                ttpcron.Vantage
	level                                  ttpcron.Level
	techniques                             map[string]struct{}
	uuids                                  []string
}

// appendMISP appends what a group needs from a tag. Its time comes first, and then the
// event.
func appendMISP(dst []byte, t *Tag) []byte {
	address := ""
	if a, err := netip.ParseAddr(t.AttackerIP); err == nil && t.Mark == ttpcron.MarkNone { // others are no attacker's, or your own
		address = a.Unmap().WithZone("").String()
	}
	dst = appendTime(dst, t.EventTime)
	dst = appendPrefixed(appendPrefixed(dst, string(t.SourceKind)), t.SourceID)
	dst = appendPrefixed(appendPrefixed(dst, t.UUID), t.Shown.Technique())
	dst = append(appendTime(dst, t.CreatedAt), byte(t.Level), byte(t.Vantage))
	_, until := t.span()
	dst = appendTime(dst, until)
	for _, s := range [...]string{t.SessionID, t.DeckyID, address, t.Text} {
		dst = appendPrefixed(dst, s)
	}
	return dst
}

// holds reports whether a record belongs to the group's event.
func (g *mispGroup) holds(record []byte) bool {
	return len(g.uuids) > 0 && bytes.HasPrefix(record, g.key)
}

// begin begins a group with its first record.
func (g *mispGroup) begin(record []byte) {
	*g = mispGroup{key: g.key[:0], techniques: map[string]struct{}{}}
	b := record
	g.at, b = cutTime(b)
	kind, b := cutPrefixed(b)
	g.kind = ttpcron.SourceKind(kind)
	g.source, b = cutPrefixed(b)
	g.key = append(g.key, record[:len(record)-len(b)]...)
	g.add(record)
}

// add adds a record.
func (g *mispGroup) add(record []byte) {
	b := record[len(g.key):]
	uuid, b := cutPrefixed(b)
	technique, b := cutPrefixed(b)
	made, b := cutTime(b)
	level := ttpcron.Level(b[0])
	if len(g.uuids) == 0 {
		g.vantage, g.level = ttpcron.Vantage(b[1]), level
		g.until, b = cutTime(b[2:])
		for _, s := range [...]*string{&g.session, &g.sensor, &g.address, &g.text} {
			*s, b = cutPrefixed(b)
		}
	}
	g.uuids = append(g.uuids, uuid)
	g.techniques[technique] = struct{}{}
	g.made = later(g.made, made)
	if level.AtLeast(g.level) {
		g.level = level
	}
}

// ofSlot reports whether its times are a finding's slot, and not those of an event.
func (g *mispGroup) ofSlot() bool { return g.until.After(g.at) }

// comment describes a record for readers, and names the tags.
func (g *mispGroup) comment() string {
	what := string(g.kind)
	if g.vantage == ttpcron.VantageHost {
		what += " on a host"
	}
	if g.ofSlot() {
		what += " over events whose window ended between first_seen and last_seen"
	}
	return what + ", " + g.level.String() + "; tags " + strings.Join(g.uuids, " ")
}
