package export

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"github.com/ttpcron/ttpcron"
)

// sightedKey is what a sighting's tags have in common within a day.
type sightedKey struct {
	technique, sensor, attacker string // the attacker's address, or else UUID
	vantage                     ttpcron.Vantage
}

// sightedTag is what a sighting needs from a tag. It is sorted as bytes: first the key,
// then the time.
type sightedTag struct {
	sightedKey
	at, until, made            time.Time // until is after at if the two are a finding's slot
	uuid                       string
	level                      ttpcron.Level
	confidence                 float64
	release, rule, tactic      string
	attackerUUID, identityUUID string
	mark, command              string
}

// appendSighted appends a tag. Its command is only needed for observed data.
func appendSighted(dst []byte, t *Tag, commands bool) []byte {
	attacker := t.AttackerIP
	if a, err := netip.ParseAddr(attacker); err == nil {
		attacker = a.Unmap().WithZone("").String()
	} else if attacker = t.AttackerUUID; attacker == "" {
		attacker = t.IdentityUUID
	}
	command := ""
	if commands && t.SourceKind == ttpcron.Command {
		command = t.Text
	}
	for _, s := range [...]string{t.Shown.Technique(), t.DeckyID, attacker} {
		dst = appendPrefixed(dst, s)
	}
	dst = append(dst, byte(t.Vantage))
	from, until := t.span()
	dst = appendTime(appendTime(appendTime(dst, from), until), t.CreatedAt)
	dst = appendPrefixed(dst, t.UUID)
	dst = append(dst, byte(t.Level))
	dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(t.Confidence))
	for _, s := range [...]string{t.Shown.AttackRelease, t.RuleID, t.Shown.Tactic, t.AttackerUUID, t.IdentityUUID, string(t.Mark), command} {
		dst = appendPrefixed(dst, s)
	}
	return dst
}

// span returns when the event of a tag happened, twice. For a correlation's tag it is the
// slot in which the window of its events ended: the tag does not hold when they happened.
func (t *Tag) span() (from, until time.Time) {
	if f, ok := t.FindingEvidence(); ok {
		if w, ok := f.Window(); ok && w.Since.Equal(t.EventTime) {
			return w.Since, w.Until
		}
	}
	return t.EventTime, t.EventTime
}

// decode reads what appendSighted wrote.
func (t *sightedTag) decode(b []byte) {
	for _, s := range [...]*string{&t.technique, &t.sensor, &t.attacker} {
		*s, b = cutPrefixed(b)
	}
	t.vantage, b = ttpcron.Vantage(b[0]), b[1:]
	t.at, b = cutTime(b)
	t.until, b = cutTime(b)
	t.made, b = cutTime(b)
	t.uuid, b = cutPrefixed(b)
	t.level, b = ttpcron.Level(b[0]), b[1:]
	t.confidence, b = math.Float64frombits(binary.BigEndian.Uint64(b)), b[8:]
	for _, s := range [...]*string{&t.release, &t.rule, &t.tactic, &t.attackerUUID, &t.identityUUID, &t.mark, &t.command} {
		*s, b = cutPrefixed(b)
	}
}

// appendPrefixed appends a string after its length.
func appendPrefixed(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func cutPrefixed(b []byte) (s string, rest []byte) {
	n, size := binary.Uvarint(b)
	b = b[size:]
	return string(b[:n]), b[n:]
}

// appendTime appends a time so that bytes are in its order.
func appendTime(dst []byte, t time.Time) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(t.Unix())^1<<63)
	return binary.BigEndian.AppendUint32(dst, uint32(t.Nanosecond()))
}

func cutTime(b []byte) (t time.Time, rest []byte) {
	return time.Unix(int64(binary.BigEndian.Uint64(b)^1<<63), int64(binary.BigEndian.Uint32(b[8:]))).UTC(), b[12:]
}
