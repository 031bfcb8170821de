package record

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// A tag's key holds the time of its event and its UUID. Its value holds what cannot
// be had from the event:
//
//	number of the claim, times 4, plus the form
//	arrival number of the event
//	time of tagging, in seconds since 1970
//	tagSpan: where the part that matched begins, and its length
//	tagOther: a byte that says what follows up to the end: text that matched and
//	  does not stand in the event, or the whole evidence
//
// A tag without an event in the store is tagAlone, with everything that it says. So were
// all tags of version 1, which had no form next to the number of the claim:
//
//	tagDerived when the attacker's UUID follows from the address
//	packed source id, attacker UUID (unless derived), address, identity,
//	  session, sensor
//	time of tagging
//	evidence, up to the end
//
// Since version 3 it may be that of a finding. The claim has the terms, the key gives
// the slot, and all else follows:
//
//	tagFinding, and tagHost when hosts saw the events
//	time of tagging, in seconds since 1970
//	values of the group, see appendValues, up to the end
const (
	tagBare  = 0 // nothing is quoted
	tagSpan  = 1
	tagOther = 2
	tagAlone = 3

	tagForms = 4

	otherLiteral  = 0
	otherEvidence = 1

	tagDerived = 1
	tagFinding = 2
	tagHost    = 4
)

// eventVersion is the version of tags' records other than findings. They have not changed
// since.
const eventVersion = 2

// lastSecond is the last one of the year 9999.
const lastSecond = 253402300799

// Deriver caches what it derived: UUIDs of addresses, of which a history has few, and the
// id of the last event, whose tags are adjacent. Hashing for each tag would be noticeably
// slower.
type Deriver struct {
	uuids map[string]string // by address

	last     *ttpcron.Event
	sourceID string

	subjects map[grouped]*ttpcron.Subject
}

// grouped is a group with the names of its fields.
type grouped struct {
	names ttpcron.FieldNames
	group ttpcron.Group
}

// maxDerived is how many addresses, about 300 KiB, and how many groups a Deriver
// remembers.
const maxDerived = 2048

func (d *Deriver) derive(ip string) string {
	uuid, ok := d.uuids[ip]
	if ok {
		return uuid
	}
	if d.uuids == nil || len(d.uuids) >= maxDerived {
		d.uuids = map[string]string{}
	}
	uuid = ttpcron.DeriveAttacker(ip)
	d.uuids[ip] = uuid
	return uuid
}

// Attacker returns what [ttpcron.Event.Attacker] does.
func (d *Deriver) Attacker(e *ttpcron.Event) string {
	if e.DerivesAttacker() {
		return d.derive(e.AttackerIP)
	}
	return e.AttackerUUID
}

// id returns the id of an event that nothing changes.
func (d *Deriver) id(e *ttpcron.Event) string {
	if d.last != e {
		d.last, d.sourceID = e, e.SourceID()
	}
	return d.sourceID
}

// subject returns the subject of a group with these fields.
func (d *Deriver) subject(g ttpcron.Group, names ttpcron.FieldNames) *ttpcron.Subject {
	s, ok := d.subjects[grouped{names, g}]
	if ok {
		return s
	}
	if d.subjects == nil || len(d.subjects) >= maxDerived {
		d.subjects = map[grouped]*ttpcron.Subject{}
	}
	s = ttpcron.NewSubject(g, slices.Collect(names.All()))
	d.subjects[grouped{names, g}] = s
	return s
}

// AppendTag appends the record of a tag. A tag with the arrival number of an event refers
// to it.
func AppendTag(dst []byte, day []byte, key *TagKey, claim uint32, t *ttpcron.Tag, d *Deriver) []byte {
	start := len(dst)
	dst = typeTag.Begin(dst)
	m := &t.Match
	switch {
	case isFinding(t):
		dst = appendFinding(binary.AppendUvarint(dst, uint64(claim)*tagForms+tagAlone), t, d)
	case t.Seq == 0:
		dst[start] = eventVersion
		dst = appendWhole(binary.AppendUvarint(dst, uint64(claim)*tagForms+tagAlone), t, d)
	default:
		dst[start] = eventVersion
		form := uint64(tagBare)
		switch {
		case m.Evidence != nil || m.End == 0 && m.Literal != "":
			form = tagOther
		case m.End > 0:
			form = tagSpan
		}
		dst = binary.AppendUvarint(dst, uint64(claim)*tagForms+form)
		dst = binary.AppendUvarint(dst, t.Seq)
		dst = appendSecond(dst, t.CreatedAt)
		switch {
		case form == tagSpan:
			dst = binary.AppendUvarint(dst, uint64(m.Start))
			dst = binary.AppendUvarint(dst, uint64(m.End-m.Start))
		case form == tagOther && m.Evidence != nil:
			dst = append(append(dst, otherEvidence), m.Evidence...)
		case form == tagOther:
			dst = append(append(dst, otherLiteral), m.Literal...)
		}
	}
	End(dst[start:], day, key[:])
	return dst
}

func appendWhole(dst []byte, t *ttpcron.Tag, d *Deriver) []byte {
	form := byte(0)
	if t.AttackerUUID != "" && t.AttackerIP != "" && d.derive(t.AttackerIP) == t.AttackerUUID {
		form |= tagDerived
	}
	dst = append(dst, form)
	dst = AppendPacked(dst, t.SourceID)
	if form&tagDerived == 0 {
		dst = AppendPacked(dst, t.AttackerUUID)
	}
	dst = AppendPacked(dst, t.AttackerIP)
	dst = AppendPacked(dst, t.IdentityUUID)
	dst = AppendPacked(dst, t.SessionID)
	dst = AppendPacked(dst, t.DeckyID)
	dst = AppendTime(dst, t.CreatedAt)
	if f := t.Finding; f != nil && f.Terms != nil && t.Evidence == nil {
		return f.AppendEvidence(dst)
	}
	return append(dst, t.Evidence...)
}

func appendSecond(dst []byte, t time.Time) []byte {
	return binary.AppendUvarint(dst, uint64(min(max(t.Unix(), 0), lastSecond)))
}

// isFinding reports whether a tag can be stored as that of a finding. One that cannot is
// stored whole.
func isFinding(t *ttpcron.Tag) bool {
	f := t.Finding
	if f == nil || t.Seq != 0 || t.SourceKind != ttpcron.Correlation || f.Terms == nil || f.Group == "" || !isTimespan(f.Terms.Timespan) {
		return false
	}
	return t.Vantage == f.Group.Vantage() && t.Vantage <= ttpcron.VantageHost && t.EventTime.Equal(ttpcron.SlotStart(f.Slot, f.Terms.Timespan)) &&
		fits(f.Group, f.Terms.Group)
}

// isTimespan reports whether a slot may be so long.
func isTimespan(d time.Duration) bool { return d > 0 && d%time.Second == 0 }

// fits reports whether a group has a value for each of the names, packed as
// [ttpcron.PackedValue] packs it.
func fits(g ttpcron.Group, names ttpcron.FieldNames) bool {
	n := 0
	for rest := g[1:]; rest != ""; n++ {
		one, tail, ok := ttpcron.CutPacked(rest)
		if text, is := ttpcron.PackedText(one); !ok || is && len(one)-len(text) > 2 && len(text) < 0x80 {
			return false
		}
		rest = tail
	}
	return n == strings.Count(string(names), "\x00")
}

func appendFinding(dst []byte, t *ttpcron.Tag, d *Deriver) []byte {
	form := byte(tagFinding)
	if t.Vantage == ttpcron.VantageHost {
		form |= tagHost
	}
	dst = appendSecond(append(dst, form), t.CreatedAt)
	return appendValues(dst, t.Finding.Group, d)
}

// appendValues appends the values of a group. Texts are packed. A UUID that follows from
// the text before it, as that of an attacker does from the address, takes a byte.
func appendValues(dst []byte, g ttpcron.Group, d *Deriver) []byte {
	last := ""
	for rest := string(g[1:]); rest != ""; {
		var one string
		one, rest, _ = ttpcron.CutPacked(rest)
		text, _ := ttpcron.PackedText(one)
		if derivable(text, last) && d.derive(last) == text {
			dst = append(dst, packDerived)
		} else {
			dst = appendValue(dst, one)
		}
		last = text
	}
	return dst
}

// derivable reports whether a text looks like a derived UUID.
func derivable(text, from string) bool {
	return from != "" && len(text) == 36 && text[14] == '5'
}

// PeekTag reads only the claim of a tag's record and the arrival number of its
// event, 0 for a whole tag. It checks nothing.
func PeekTag(rec []byte) (claim uint32, seq uint64, ok bool) {
	if len(rec) < HeaderSize || rec[0] == 0 || rec[0] > typeTag.Version {
		return 0, 0, false
	}
	head, n := binary.Uvarint(rec[HeaderSize:])
	if n <= 0 {
		return 0, 0, false
	}
	form := uint64(tagAlone)
	if rec[0] > 1 {
		head, form = head/tagForms, head%tagForms
	}
	if head>>32 != 0 {
		return 0, 0, false
	}
	if form != tagAlone {
		if seq, n = binary.Uvarint(rec[HeaderSize+n:]); n <= 0 {
			return 0, 0, false
		}
	}
	return uint32(head), seq, true
}

// ReadTag reads the record of a tag except its claim, whose number it returns. A tag with a
// Seq lacks what its event says, see [Claim.Complete].
func ReadTag(day ttpcron.Day, key, rec []byte, d *Deriver) (t ttpcron.Tag, claim uint32, err error) {
	nanos, _, ok := ParseTagKey(key)
	if !ok {
		return t, 0, Damagef("%x is no key of a tag", key)
	}
	var dayBytes [4]byte
	binary.BigEndian.PutUint32(dayBytes[:], uint32(day))
	r, err := typeTag.Open(rec, dayBytes[:], key)
	if err != nil {
		return t, 0, fmt.Errorf("tag %x: %w", key, err)
	}
	id, form := r.Uvarint(), uint64(tagAlone)
	if r.Version > 1 {
		id, form = id/tagForms, id%tagForms
	}
	if id>>32 != 0 {
		r.Fail(Damagef("claim %d", id))
	}
	t.EventTime = TimeOf(day, nanos)
	if form == tagAlone {
		r.alone(&t, d)
	} else {
		r.reference(&t, form)
	}
	if r.Err != nil {
		return ttpcron.Tag{}, 0, fmt.Errorf("tag %x: %w", key, r.Err)
	}
	return t, uint32(id), nil
}

func (r *Reader) reference(t *ttpcron.Tag, form uint64) {
	t.Seq = r.Uvarint()
	t.CreatedAt = r.second()
	m := &t.Match
	switch form {
	case tagSpan:
		m.Start = r.Count(ttpcron.MaxText)
		m.End = m.Start + r.Count(ttpcron.MaxText)
		if m.End == 0 {
			r.Fail(Damage("nothing is quoted"))
		}
	case tagOther:
		what := r.Byte()
		rest := r.Bytes(len(r.Rest))
		switch {
		case what == otherLiteral:
			m.Literal = string(rest)
		case what == otherEvidence && r.Err == nil:
			m.Evidence = append(json.RawMessage{}, rest...)
		default:
			r.Fail(Damagef("quote of form %d", what))
		}
	}
	if r.Err == nil && t.Seq == 0 {
		r.Fail(Damage("event 0"))
	}
	if len(r.Rest) > 0 {
		r.Fail(Damagef("%d bytes after the end of the record", len(r.Rest)))
	}
}

func (r *Reader) second() time.Time {
	s := r.Uvarint()
	if s > lastSecond {
		r.Fail(Damagef("made at second %d", s))
	}
	return time.Unix(int64(s), 0).UTC()
}

func (r *Reader) alone(t *ttpcron.Tag, d *Deriver) {
	form := r.Byte()
	if r.Version > eventVersion {
		switch form {
		case tagFinding, tagFinding | tagHost:
			r.finding(t, form, d)
			return
		}
		r.Fail(Damagef("form %d", form))
	}
	r.whole(t, form, d)
}

func (r *Reader) finding(t *ttpcron.Tag, form byte, d *Deriver) {
	t.CreatedAt = r.second()
	var stack [512]byte
	group := append(stack[:0], byte(ttpcron.VantageHoneypot))
	if form&tagHost != 0 {
		group[0] = byte(ttpcron.VantageHost)
	}
	var text []byte // the last
	var room [ttpcron.MaxPacked]byte
	for len(r.Rest) > 0 {
		v, last := ttpcron.PackedValue{}, text
		text = nil
		switch r.Rest[0] {
		case packNull:
			r.Byte()
			v.Null = true
		case packHash:
			r.Byte()
			v.Hash = string(r.Bytes(sha256.Size))
		case packDerived:
			r.Byte()
			if len(last) == 0 {
				r.Fail(Damage("a UUID of nothing"))
			}
			v.Text = d.derive(string(last))
			text = append(room[:0], v.Text...)
		default:
			if text = r.appendPacked(room[:0]); len(text) > ttpcron.MaxPacked {
				r.Fail(Damagef("a value of %d bytes", len(text)))
			}
			group = ttpcron.AppendPackedText(group, text)
			continue
		}
		group = v.Append(group)
	}
	t.Vantage, t.Finding = ttpcron.Vantage(group[0]), &ttpcron.Finding{Group: ttpcron.Group(group)}
}

func (r *Reader) whole(t *ttpcron.Tag, form byte, d *Deriver) {
	t.SourceID = r.Packed()
	if form&tagDerived == 0 {
		t.AttackerUUID = r.Packed()
	}
	t.AttackerIP = r.Packed()
	if form&tagDerived != 0 {
		t.AttackerUUID = d.derive(t.AttackerIP)
	}
	t.IdentityUUID = r.Packed()
	t.SessionID = r.Packed()
	t.DeckyID = r.Packed()
	t.CreatedAt = r.Time()
	if r.Err == nil && len(r.Rest) > 0 {
		t.Evidence = append(t.Evidence, r.Rest...)
	}
}

// Complete gives a tag its claim and, unless it is whole, what its event or its group says.
// Evidence is left to the caller: see [ttpcron.AppendEvidence].
func (c *Claim) Complete(t *ttpcron.Tag, e *ttpcron.Event, d *Deriver) error {
	vantage := t.Vantage
	t.Claim, t.SourceKind, t.Vantage = c.Claim, c.Kind, c.Vantage
	if f := t.Finding; f != nil {
		if c.Kind != ttpcron.Correlation || c.Vantage != vantage || !isTimespan(c.Terms.Timespan) || !fits(f.Group, c.Terms.Group) {
			return Damage("a finding that does not go with its claim")
		}
		f.Terms, f.Slot = &c.Terms, ttpcron.Slot(t.EventTime, c.Terms.Timespan)
		if !t.EventTime.Equal(ttpcron.SlotStart(f.Slot, c.Terms.Timespan)) {
			return Damage("a finding within a slot")
		}
		d.subject(f.Group, c.Terms.Group).Complete(t)
		return nil
	}
	if t.Seq == 0 {
		return nil
	}
	t.Match.Shows, t.Match.Field = c.Shows, c.Field
	t.SourceID, t.AttackerUUID = d.id(e), d.Attacker(e)
	t.AttackerIP, t.IdentityUUID, t.SessionID, t.DeckyID = e.AttackerIP, e.IdentityUUID, e.SessionID, e.DeckyID
	t.ByResolver = e.ByResolver()
	return nil
}

// CheckTag says why a tag cannot be stored.
func CheckTag(t *ttpcron.Tag) error {
	switch {
	case t.SourceKind == "" || t.SourceID == "":
		return errors.New("source is missing")
	case t.RuleID == "" || t.TechniqueID == "":
		return errors.New("claim is incomplete")
	case !(t.Confidence >= 0 && t.Confidence <= 1):
		return fmt.Errorf("confidence %v is not from 0 to 1", t.Confidence)
	case t.EventTime.Unix() < 0 || t.EventTime.Year() > 9999:
		return errors.New("event time is outside the years 1970 to 9999")
	}
	return nil
}
