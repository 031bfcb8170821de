package ttpcron

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/jsontext"
)

// A correlation is a rule over several events: a technique that no single event shows.
// The rules that it names match events; each such base match belongs to a group, by the
// values of some fields, and has values of others that the rule counts or adds up. What
// travels between those who find base matches, those who keep them and those who judge
// groups is in this file.

// Stream is what some correlations need of the matches of one base rule among the events
// of one kind: in which group each lies, and some values of its event.
type Stream struct {
	// ID names the stream: it is made of what follows. It is no id of a rule, since it
	// holds a |, but takes the place of one where the store remembers what has looked at
	// which events.
	ID     string
	Rule   string // id of the base rule
	Kind   SourceKind
	Group  []GroupField // in the order of their names
	Values []string     // fields of events
	// Digest is over everything that decides which matches there are.
	Digest [16]byte
}

// GroupField is a field by whose values matches are grouped.
type GroupField struct {
	Name     string // of the field in the group
	From     string // the field of the event; see [Event.AppendField]
	Optional bool   // an event without it takes part, with null
}

// NewStream returns the stream of these members, with its ID.
func NewStream(rule string, kind SourceKind, group []GroupField, values []string, digest [16]byte) *Stream {
	s := &Stream{Rule: rule, Kind: kind, Group: group, Values: values, Digest: digest}
	id := append([]byte("match|"), kind...)
	id = append(append(append(id, '|'), rule...), '|')
	for i, f := range group {
		if i > 0 {
			id = append(id, ',')
		}
		id = append(append(append(id, f.Name...), '='), f.From...)
		if f.Optional {
			id = append(id, '?')
		}
	}
	id = append(id, '|')
	for i, v := range values {
		if i > 0 {
			id = append(id, ',')
		}
		id = append(id, v...)
	}
	s.ID = string(id)
	return s
}

// IsStream reports whether an id that the store remembers as that of a rule is that of
// a stream.
func IsStream(id string) bool { return len(id) > 6 && id[:6] == "match|" }

// Def returns the stream in the form in which a store remembers what has looked at
// events.
func (s *Stream) Def() RuleDef { return RuleDef{ID: s.ID, Version: 1, Digest: s.Digest} }

// Grouping names the fields of the stream's groups, separated by commas. Streams of one
// grouping share groups.
func (s *Stream) Grouping() string {
	var b []byte
	for i, f := range s.Group {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, f.Name...)
	}
	return string(b)
}

// GroupingFields returns the names of the fields of a grouping, see [Stream.Grouping].
func GroupingFields(grouping string) []string {
	if grouping == "" {
		return nil
	}
	return strings.Split(grouping, ",")
}

// BaseMatch is a match of a base rule, as far as correlations need it.
type BaseMatch struct {
	Stream *Stream
	Group  string // a [Group]
	Values string // packed values of Stream.Values, see [EachPacked]
	Time   time.Time
	Seq    uint64 // arrival number of the event
}

// Append appends the match of an event to dst: its group and its values, see AppendGroup
// and AppendValues.
func (s *Stream) Append(dst []byte, e *Event, own Networks) (packed []byte, group int, ok bool) {
	start := len(dst)
	dst, ok = s.AppendGroup(dst, e, own)
	group = len(dst) - start
	if ok {
		dst = s.AppendValues(dst, e, own)
	}
	return dst, group, ok
}

// AppendGroup appends the group to which the match of an event belongs. It is false, and
// appends nothing, when the event lacks a field by which the stream groups. own are
// networks whose addresses take no part in groups by address, as those of resolvers do not.
func (s *Stream) AppendGroup(dst []byte, e *Event, own Networks) (group []byte, ok bool) {
	start := len(dst)
	dst = append(dst, byte(e.Vantage))
	for i := range s.Group {
		f := &s.Group[i]
		if f.From == FieldAttackerIP && !f.Optional && e.marked(own) {
			return dst[:start], false
		}
		before := len(dst)
		if dst = e.AppendField(dst, f.From); len(dst) == before {
			if !f.Optional {
				return dst[:start], false
			}
			dst = append(dst, packedNull)
		}
	}
	return dst, true
}

// AppendValues appends the values of the stream that an event has. One that it lacks is
// packed as null.
func (s *Stream) AppendValues(dst []byte, e *Event, own Networks) []byte {
	for _, name := range s.Values {
		before := len(dst)
		if name != FieldUnmarkedIP {
			dst = e.AppendField(dst, name)
		} else if !e.marked(own) {
			dst = e.AppendField(dst, FieldAttackerIP)
		}
		if len(dst) == before {
			dst = append(dst, packedNull)
		}
	}
	return dst
}

func (e *Event) marked(own Networks) bool { return own.Contains(e.AttackerIP) || e.ByResolver() }

// Fields that every event may have, under the names of its native form. Other names are
// those of fields of the payload.
const (
	FieldAttackerIP   = "attacker_ip"
	FieldAttackerUUID = "attacker_uuid"
	FieldIdentityUUID = "identity_uuid"
	FieldSessionID    = "session_id"
	FieldDeckyID      = "decky_id"
)

// FieldUnmarkedIP stands among the values of a stream for the address of an event that
// may take part in groups by address: it is null for addresses of own networks and of
// resolvers.
const FieldUnmarkedIP = "attacker_ip?unmarked"

// AppendField appends the value of a field, packed: see [EachPacked]. It appends nothing
// for one that is missing, empty where every event has it, or null. The attacker is that
// of [Event.Attacker].
func (e *Event) AppendField(dst []byte, name string) []byte {
	own := ""
	switch name {
	case FieldAttackerIP:
		own = e.AttackerIP
	case FieldAttackerUUID:
		own, _ = e.Attacker()
	case FieldIdentityUUID:
		own = e.IdentityUUID
	case FieldSessionID:
		own = e.SessionID
	case FieldDeckyID:
		own = e.DeckyID
	default:
		for i := range e.Payload {
			if f := &e.Payload[i]; f.Name == name {
				return appendPackedField(dst, f)
			}
		}
		return dst
	}
	if own == "" {
		return dst
	}
	return AppendPackedText(dst, own)
}

// The forms of a packed value. They are part of groups that are stored.
const (
	packedText = 't' // its length and the text, at most MaxPacked bytes
	packedHash = 'h' // SHA-256 of what AppendSame makes of an object, an array or a longer text
	packedNull = 'n'
)

// MaxPacked is how many bytes a text may have that is kept as it is.
const MaxPacked = 256

func appendPackedField(dst []byte, f *Field) []byte {
	if f.Raw == nil {
		return AppendPackedText(dst, f.Text)
	}
	return appendPackedJSON(dst, f.Raw)
}

// AppendPackedText appends a text packed, or its SHA-256 when it is longer than
// [MaxPacked].
func AppendPackedText[T string | []byte](dst []byte, text T) []byte {
	if len(text) > MaxPacked {
		sum := sha256.Sum256(jsontext.AppendSameText(nil, text))
		return append(append(dst, packedHash), sum[:]...)
	}
	return append(binary.AppendUvarint(append(dst, packedText), uint64(len(text))), text...)
}

// appendPackedJSON packs a number or a boolean as its text, as two copies of a record
// may have one or the other: see [jsontext.AppendSame].
func appendPackedJSON(dst, raw []byte) []byte {
	if isPlain(raw) {
		return AppendPackedText(dst, raw)
	}
	at := len(dst)
	dst = jsontext.AppendSame(dst, raw)
	same := dst[at:]
	if len(same) == 0 || same[0] == packedText && len(same) <= MaxPacked {
		return dst
	}
	sum := sha256.Sum256(same)
	return append(append(dst[:at], packedHash), sum[:]...)
}

// isPlain reports whether a JSON value is true, false, or a number of at most 15 digits and
// nothing else, which is in its one spelling already.
func isPlain(raw []byte) bool {
	switch string(raw) {
	case "true", "false":
		return true
	}
	for _, c := range raw {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(raw) > 0 && len(raw) <= 15 && (raw[0] != '0' || len(raw) == 1)
}

// A PackedValue is a value of a field: nothing where the event has none, a text of at
// most 256 bytes, in which form numbers and booleans are too, or the SHA-256 of anything
// else.
type PackedValue struct {
	Null bool
	Text string
	Hash string // 32 bytes, or empty
}

// AppendJSON appends the value as canonical JSON: a string, null, or {"sha256":"…"}.
func (v *PackedValue) AppendJSON(dst []byte) []byte {
	switch {
	case v.Null:
		return append(dst, "null"...)
	case v.Hash != "":
		dst = append(dst, `{"sha256":"`...)
		dst = hex.AppendEncode(dst, []byte(v.Hash))
		return append(dst, `"}`...)
	}
	return jsontext.AppendString(dst, v.Text)
}

// Append appends the packed value.
func (v *PackedValue) Append(dst []byte) []byte {
	switch {
	case v.Null:
		return append(dst, packedNull)
	case v.Hash != "":
		return append(append(dst, packedHash), v.Hash...)
	}
	return AppendPackedText(dst, v.Text)
}

// NextPacked reads the first of packed values, and returns what follows. It is false
// when there is none, or what is there is no packed value.
func NextPacked(packed string) (v PackedValue, rest string, ok bool) {
	one, rest, ok := CutPacked(packed)
	if !ok {
		return v, "", false
	}
	if text, ok := PackedText(one); ok {
		v.Text = text
	} else if PackedNull(one) {
		v.Null = true
	} else {
		v.Hash = one[1:]
	}
	return v, rest, true
}

// CutPacked is NextPacked for who needs the value as it is packed. Equal values are
// packed the same.
func CutPacked[T ~string | ~[]byte](packed T) (one, rest T, ok bool) {
	size := 0
	if len(packed) > 0 {
		switch packed[0] {
		case packedNull:
			size = 1
		case packedHash:
			size = 1 + sha256.Size
		case packedText:
			if head, n := packedLen(packed); head > 0 && n <= MaxPacked {
				size = head + n
			}
		}
	}
	if size == 0 || size > len(packed) {
		return one, rest, false
	}
	return packed[:size], packed[size:], true
}

// packedLen returns how many bytes come before a packed text, 0 when it is none, and how
// many the text has.
func packedLen[T ~string | ~[]byte](packed T) (head, n int) {
	switch {
	case len(packed) > 1 && packed[1] < 0x80:
		return 2, int(packed[1])
	case len(packed) > 2 && packed[2] < 0x80:
		return 3, int(packed[1]&0x7f) | int(packed[2])<<7
	}
	return 0, 0
}

// PackedText returns the text of one packed value, and false for one that is none.
func PackedText[T ~string | ~[]byte](one T) (text T, ok bool) {
	if len(one) == 0 || one[0] != packedText {
		return text, false
	}
	head, _ := packedLen(one)
	return one[head:], head > 0
}

// PackedNull reports whether one packed value is that of a field that is missing.
func PackedNull[T ~string | ~[]byte](one T) bool { return len(one) == 1 && one[0] == packedNull }

// A Group is the values of the fields by which matches are grouped, in the order of the
// names of these, after a byte for the vantage: what hosts saw is never in a group with
// what honeypots did.
type Group string

// ParseGroup returns the group of a vantage with these names of which [Group.AppendJSON]
// makes a text.
func ParseGroup(object []byte, names []string, v Vantage) (Group, error) {
	values := map[string]*PackedValue{}
	jsontext.EachMember(object, func(name []byte, value jsontext.Value) bool {
		if p, ok := unpackedJSON(value); ok && values[string(name)] == nil {
			values[string(name)] = &p
		}
		return true
	})
	packed := []byte{byte(v)}
	for _, name := range names {
		if values[name] == nil {
			return "", fmt.Errorf("the group says nothing of %.80q", name)
		}
		packed = values[name].Append(packed)
	}
	if g := Group(packed); string(g.AppendJSON(nil, names)) == string(object) {
		return g, nil
	}
	return "", fmt.Errorf("the group has other fields than %.200q", names)
}

// unpackedJSON reads what [PackedValue.AppendJSON] makes.
func unpackedJSON(value jsontext.Value) (v PackedValue, ok bool) {
	switch {
	case value.IsNull():
		return PackedValue{Null: true}, true
	case value.IsObject():
		jsontext.EachMember(value.Raw(), func(_ []byte, sum jsontext.Value) bool {
			digits, _ := sum.Text()
			hash, _ := hex.DecodeString(digits)
			v.Hash = string(hash)
			return false
		})
		return v, len(v.Hash) == sha256.Size
	}
	v.Text, ok = value.Text()
	return v, ok
}

// Vantage returns from where the group's events were seen.
func (g Group) Vantage() Vantage {
	if g == "" {
		return VantageHoneypot
	}
	return Vantage(g[0])
}

// AppendJSON appends the names and values of the group as a JSON object in canonical
// form, its members in the order of their names. Events that hosts saw have a member
// "vantage" besides.
func (g Group) AppendJSON(dst []byte, names []string) []byte {
	t := g.text(dst, MaxPacked)
	for _, name := range names {
		t.add(name)
	}
	return t.end()
}

// groupText is the JSON object of a group as far as it is written.
type groupText struct {
	to     []byte
	values string // packed, those that follow
	some   bool   // there are members
	host   bool   // "vantage" is to come
	most   int    // bytes of a value; a longer one is cut
}

func (g Group) text(dst []byte, most int) groupText {
	t := groupText{to: append(dst, '{'), host: g.Vantage() == VantageHost, most: most}
	if g != "" {
		t.values = string(g[1:])
	}
	return t
}

func (t *groupText) name(name string) {
	if t.some {
		t.to = append(t.to, ',')
	}
	t.some = true
	t.to = append(jsontext.AppendString(t.to, name), ':')
}

func (t *groupText) vantage() {
	if t.host {
		t.host = false
		t.name("vantage")
		t.to = append(t.to, `"host"`...)
	}
}

func (t *groupText) add(name string) {
	var v PackedValue
	v, t.values, _ = NextPacked(t.values)
	v.Text = Shorten(v.Text, t.most)
	if name > "vantage" {
		t.vantage()
	}
	t.name(name)
	t.to = v.AppendJSON(t.to)
}

func (t *groupText) end() []byte {
	t.vantage()
	return append(t.to, '}')
}

// Value returns the value of a name, and false when the group has none.
func (g Group) Value(names []string, name string) (v PackedValue, ok bool) {
	i := slices.Index(names, name)
	if i < 0 || g == "" {
		return v, false
	}
	rest := string(g[1:])
	for range i + 1 {
		if v, rest, ok = NextPacked(rest); !ok {
			return PackedValue{}, false
		}
	}
	return v, !v.Null
}

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
var groupSpace = uuid5(urlSpace, []byte("ttpcron:group:v1"))

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
			s.identityUUID = uuid5(groupSpace, []byte("group:"+sum)).String()
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

// Hash returns the first 32 hexadecimal digits of the SHA-256 of the group's names and
// values as canonical JSON. It is what the ids of findings call the group.
func (g Group) Hash(names []string) string {
	var stack [512]byte
	sum := sha256.Sum256(g.AppendJSON(stack[:0], names))
	return hex.EncodeToString(sum[:16])
}

// Judgement says that a correlation has judged all its slots that begin in a span of
// time: tags that it has there, beside those of the commit and those that it keeps, go.
type Judgement struct {
	Rule  string
	Since time.Time
	Until time.Time // the first instant after the span
	// Part, of Parts, is the share of the tags of which this is said, so that no commit has
	// to name more of those that are kept than fit into memory. Parts is 0 for all tags.
	Part, Parts uint32
}

// Holds reports whether the judgement speaks of a tag, going by its UUID alone.
func (j *Judgement) Holds(u UUID) bool {
	return j.Parts < 2 || binary.BigEndian.Uint32(u[:4])%j.Parts == j.Part
}

// JudgedDay says which correlations have judged everything that lies in a day, but for
// base matches that came or went since: every slot that has an instant in common with
// the day.
type JudgedDay struct {
	Day   Day
	Rules []RuleDef // by ascending id
}

// SettledMatches says that what came and went of a day, up to a number that
// [MatchDay.Last] gave, has been judged wherever it matters.
type SettledMatches struct {
	Day  Day
	UpTo uint64
}

// MatchDay describes the stored base matches of one day.
type MatchDay struct {
	Day     Day
	Matches int
	// Touched counts the matches that came or went since they were judged, Last numbers
	// what came or went last.
	Touched int
	Last    uint64
	Judged  RuleSet // the correlations of its JudgedDay
}

// MatchQuery selects base matches of one grouping.
type MatchQuery struct {
	Grouping string    // see [Stream.Grouping]
	Since    time.Time // when the event happened
	Until    time.Time // the first instant that is not selected
	Groups   []Group   // nil: all
	Streams  []string  // ids; nil: all
}

// TouchedGroup is a group of which base matches of a day came, or went, since they were
// judged.
type TouchedGroup struct {
	Grouping string
	Group    Group
	Earliest time.Time // of those matches
	Latest   time.Time
	Went     bool // some of them went
}
