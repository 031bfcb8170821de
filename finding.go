package ttpcron

import (
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/jsontext"
)

// Slot numbers the spans of time that begin at the epoch and are as long as the
// timespan of a correlation: all windows of one group that end in a slot are one
// finding.
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

// Terms are on what terms a correlation finds something: what the evidence of all its
// findings says alike. See [NewTerms].
type Terms struct {
	Type      string // of the correlation, such as event_count
	Condition string // such as gte 10
	Fields    FieldNames
	Group     FieldNames // the fields of its groups, ascending
	Timespan  time.Duration
}

// maxTerm is how many bytes evidence shows of a condition and of a value of a group. A
// longer one is cut, and ends with an ellipsis.
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

// Finding is what a correlation has found: a window of a group that satisfied its
// condition ended in a slot. It gives all that a tag of it says beside the claim and when
// it was made.
type Finding struct {
	Terms *Terms
	Group Group
	Slot  int64
}

// String returns the evidence of the finding's tags.
func (f *Finding) String() string { return string(f.AppendEvidence(nil)) }

// AppendEvidence appends the evidence of the finding's tags: terms, group and slot as a
// JSON object in canonical form, its members in the order of their names.
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

// FormatTimespan writes a timespan of a correlation in its greatest unit, such as 10m.
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

// Subject is what tags say of a group, whatever was found of it and when.
type Subject struct {
	group                                                      Group
	id                                                         string // of findings, but for the slot
	attackerIP, attackerUUID, identityUUID, sessionID, deckyID string
}

// NewSubject returns the subject of a group whose fields have these names. The attacker,
// session and sensor of its tags are those that the group names; where it names none there
// is an identity made of the group.
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
			s.identityUUID = DeriveUUID(groupSpace, []byte("group:"+sum)).String()
		}
	}
	return s
}

// Group returns the group.
func (s *Subject) Group() Group { return s.group }

// Tag returns the tag of what was found of the group in a slot on some terms, without a
// claim. It is a function of terms, group and slot alone.
func (s *Subject) Tag(t *Terms, slot int64) Tag {
	tag := Tag{EventTime: SlotStart(slot, t.Timespan), Finding: &Finding{t, s.group, slot}}
	s.Complete(&tag)
	return tag
}

// Complete gives the tag of a finding of the group what follows from the group and the
// slot.
func (s *Subject) Complete(t *Tag) {
	t.SourceKind, t.SourceID = Correlation, s.id+strconv.FormatInt(t.Finding.Slot, 10)
	t.AttackerIP, t.AttackerUUID, t.IdentityUUID, t.SessionID, t.DeckyID = s.attackerIP, s.attackerUUID, s.identityUUID, s.sessionID, s.deckyID
	t.Vantage = s.group.Vantage()
}
