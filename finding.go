package ttpcron

import (
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/jsontext"
)

// Slot numbers spans of time as long as a correlation's timespan, counted from the epoch.
// All windows of a group that end in one slot are one finding.
func Slot(t time.Time, timespan time.Duration) int64 {
	// Whole seconds, since nanoseconds since 1970 do not fit beyond the year 2262.
	return t.Unix() / int64(timespan/time.Second)
}

// SlotStart returns when a slot begins.
func SlotStart(slot int64, timespan time.Duration) time.Time {
	return time.Unix(slot*int64(timespan/time.Second), 0).UTC()
}

// groupSpace is the namespace of identities that stand for a group, and never changes.
var groupSpace = DeriveUUID(urlSpace, []byte("ttpcron:group:v1"))

// Terms are a correlation's conditions: what the evidence of all its findings has in
// common. See [NewTerms].
type Terms struct {
	Type      string // of the correlation, such as event_count
	Condition string // such as gte 10
	Fields    FieldNames
	Group     FieldNames // the fields of its groups, ascending
	Timespan  time.Duration
}

// maxTerm is the most bytes that evidence shows of a condition or a group's value. Longer
// ones are cut and end with an ellipsis.
const maxTerm = 128

// NewTerms returns the terms of a correlation of a type and condition, which is about the
// values of fields, with the fields of its groups, ascending, and a timespan of whole
// seconds.
func NewTerms(typ, condition string, fields, group []string, timespan time.Duration) *Terms {
	short := make([]string, len(fields))
	for i, f := range fields {
		short[i] = Shorten(f, maxTerm)
	}
	return &Terms{Shorten(typ, maxTerm), Shorten(condition, maxTerm), JoinFields(short), JoinFields(group), timespan}
}

// Finding is what a correlation has found: a window of a group that satisfied its condition
// ended in a slot. It gives everything that its tag says except the claim and when it was
// made.
type Finding struct {
	Terms *Terms
	Group Group
	Slot  int64
}

// String returns the evidence of the finding's tags.
func (f *Finding) String() string { return string(f.AppendEvidence(nil)) }

// AppendEvidence appends the evidence of the finding's tags: terms, group and slot as a
// JSON object in canonical form, its members ordered by name.
func (f *Finding) AppendEvidence(dst []byte) []byte {
	t := f.Terms
	text := func(name, value string) {
		dst = jsontext.AppendString(append(dst, name...), value)
	}
	text(`{"condition":`, t.Condition)
	text(`,"correlation":`, t.Type)
	switch first, more, _ := strings.Cut(string(t.Fields), "\x00"); {
	case t.Fields == "":
	case more == "":
		text(`,"field":`, first)
	default:
		sep := `,"field":[`
		for name := range t.Fields.All() {
			text(sep, name)
			sep = ","
		}
		dst = append(dst, ']')
	}
	dst = append(dst, `,"group":`...)
	group := f.Group.text(dst, maxTerm)
	for rest := string(t.Group); rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, "\x00")
		group.add(name)
	}
	dst = group.end()
	dst = strconv.AppendInt(append(dst, `,"slot":`...), f.Slot, 10)
	text(`,"timespan":`, FormatTimespan(t.Timespan))
	return append(dst, '}')
}

// Subject is what tags say about a group, whatever was found and when.
type Subject struct {
	group                                                      Group
	id                                                         string // of findings, but for the slot
	attackerIP, attackerUUID, identityUUID, sessionID, deckyID string
}

// NewSubject returns the subject of a group whose fields have these names. The attacker,
// session and sensor of its tags are those that the group names. If it names none, the tags
// have an identity made from the group.
func NewSubject(g Group, names []string) *Subject {
	sum := g.Hash(names)
	s := &Subject{group: g, id: "corr:" + sum + ":"}
	rest := ""
	if g != "" {
		rest = string(g[1:])
	}
	for _, name := range names {
		v, tail, ok := NextPacked(rest)
		if !ok {
			break
		}
		if rest = tail; v.Null || v.Hash != "" {
			continue
		}
		switch name {
		case FieldAttackerIP:
			s.attackerIP = v.Text
		case FieldAttackerUUID:
			s.attackerUUID = v.Text
		case FieldIdentityUUID:
			s.identityUUID = v.Text
		case FieldSessionID:
			s.sessionID = v.Text
		case FieldDeckyID:
			s.deckyID = v.Text
		}
	}
	if s.attackerUUID == "" && s.identityUUID == "" {
		if s.attackerIP != "" {
			s.attackerUUID = DeriveAttacker(s.attackerIP)
		} else {
			s.identityUUID = groupIdentity(sum)
		}
	}
	return s
}

// groupIdentity is the identity that stands for a group with a hash.
func groupIdentity(sum string) string {
	return DeriveUUID(groupSpace, []byte("group:"+sum)).String()
}

// OfGroup reports whether a tag is about a group that names no attacker, such as all that
// sent the same client version. Its identity then stands for the group, and is nobody who
// acted: views count no attacker for it.
func (t *Tag) OfGroup() bool {
	if t.SourceKind != Correlation || t.AttackerUUID != "" || t.AttackerIP != "" {
		return false
	}
	rest, found := strings.CutPrefix(t.SourceID, "corr:")
	sum, _, _ := strings.Cut(rest, ":")
	return found && t.IdentityUUID == groupIdentity(sum)
}

// Group returns the group.
func (s *Subject) Group() Group { return s.group }

// Tag returns the tag for what was found in the group and slot under some terms, without a
// claim. It depends only on terms, group and slot.
func (s *Subject) Tag(t *Terms, slot int64) Tag {
	tag := Tag{EventTime: SlotStart(slot, t.Timespan), Finding: &Finding{t, s.group, slot}}
	s.Complete(&tag)
	return tag
}

// Complete fills in what follows from the group and the slot in a finding's tag.
func (s *Subject) Complete(t *Tag) {
	t.SourceKind, t.SourceID = Correlation, s.id+strconv.FormatInt(t.Finding.Slot, 10)
	t.AttackerIP, t.AttackerUUID, t.IdentityUUID, t.SessionID, t.DeckyID = s.attackerIP, s.attackerUUID, s.identityUUID, s.sessionID, s.deckyID
	t.Vantage = s.group.Vantage()
}
