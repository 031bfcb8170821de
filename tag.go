package ttpcron

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
)

// UUID is an RFC 4122 universally unique identifier.
type UUID [16]byte

// String returns the canonical form, 36 lower-case characters.
func (u UUID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], u[0:4])
	b[8] = '-'
	hex.Encode(b[9:13], u[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], u[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], u[8:10])
	b[23] = '-'
	hex.Encode(b[24:36], u[10:16])
	return string(b[:])
}

// ParseUUID reads the canonical form that String gives; other spellings are
// refused.
func ParseUUID(s string) (u UUID, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return u, false
	}
	i := 0
	for n := range u {
		if n == 4 || n == 6 || n == 8 || n == 10 {
			i++ // a hyphen
		}
		hi, lo := hexValue(s[i]), hexValue(s[i+1])
		if hi > 15 || lo > 15 {
			return UUID{}, false
		}
		u[n] = hi<<4 | lo
		i += 2
	}
	return u, true
}

func hexValue(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// DeriveUUID makes a version 5 UUID (RFC 4122, section 4.3) of name within space.
func DeriveUUID(space UUID, name []byte) UUID {
	var stack [256]byte
	b := append(append(stack[:0], space[:]...), name...)
	sum := sha1.Sum(b)
	u := UUID(sum[:16])
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return u
}

var (
	urlSpace = UUID{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}

	// tagSpace is DECNET's and never changes. A new value would orphan every stored tag,
	// and DECNET's tags would no longer match.
	tagSpace = DeriveUUID(urlSpace, []byte("decnet:ttp_tag:v1"))

	// attackerSpace is ours and never changes, for the same reason.
	attackerSpace = DeriveUUID(urlSpace, []byte("ttpcron:attacker_ip:v1"))

	// identitySpace is ours too. It holds identities without an address.
	identitySpace = DeriveUUID(urlSpace, []byte("ttpcron:identity:v1"))
)

// DeriveAttacker returns the UUID of an attacker known only by address: UUIDv5 of the
// address under a namespace of ttpcron's own, UUIDv5(URL, "ttpcron:attacker_ip:v1"). The
// canonical spelling of an address counts (RFC 5952, and IPv4 for an IPv4 address mapped
// into IPv6). A text that is not an address counts as it is.
func DeriveAttacker(ip string) string {
	var stack [64]byte
	return DeriveUUID(attackerSpace, appendAddress(stack[:0], ip)).String()
}

// SessionIdentity returns the identity for what a sensor recorded without any address or
// attacker: a UUIDv5 under a namespace of ttpcron's own, UUIDv5(URL,
// "ttpcron:identity:v1"), of "session:<sensor>/<session>", or of "sensor:<sensor>" if there
// is no session either.
func SessionIdentity(sensor, session string) string {
	if session == "" {
		return identityOf("sensor:", sensor)
	}
	return identityOf("session:", sensor+"/"+session)
}

// HostIdentity returns the identity for what a real host's log holds without a remote
// address: a UUIDv5 under the namespace of SessionIdentity, of "host:<name>".
func HostIdentity(name string) string { return identityOf("host:", name) }

// AttackerIdentity returns the identity of an attacker whom a source calls by a name of its
// own in place of the address, such as a hash: a UUIDv5 under the namespace of
// SessionIdentity, of "attacker:<name>".
func AttackerIdentity(name string) string { return identityOf("attacker:", name) }

func identityOf(what, name string) string {
	var stack [128]byte
	return DeriveUUID(identitySpace, append(append(stack[:0], what...), name...)).String()
}

// Claim is what a rule asserts about an event that it matches. One rule may make several
// claims.
type Claim struct {
	RuleID         string
	RuleVersion    int
	Tactic         string  // TAnnnn
	TechniqueID    string  // Tnnnn
	SubTechniqueID string  // Tnnnn.nnn, or empty
	Confidence     float64 // 0 to 1
	Level          Level
	AttackRelease  string // the ATT&CK release the rule was written for, e.g. enterprise-v19.1
	MitreURL       string // page of the (sub-)technique
}

// Technique returns the most specific id claimed: the sub-technique when there
// is one.
func (c *Claim) Technique() string {
	if c.SubTechniqueID != "" {
		return c.SubTechniqueID
	}
	return c.TechniqueID
}

// StandsFor reports whether a claim is shown instead of another by the same version of a
// rule, when both have the same name in the release that is shown. The surer claim wins,
// then the one whose technique comes first, so one of several such claims stands for all.
func (c *Claim) StandsFor(o *Claim) bool {
	return cmp.Or(cmp.Compare(c.Confidence, o.Confidence), cmp.Compare(o.Technique(), c.Technique())) > 0
}

// Naming shows claims under the names of a release of ATT&CK: technique, sub-technique,
// tactic, release and page. Implementations must be comparable and few, such as pointers to
// tables, because they are used as cache keys.
type Naming interface {
	// Shown returns a claim under those names, or unchanged if they have none for its
	// technique.
	Shown(*Claim) Claim
}

// MinConfidence is the confidence below which no tag is written.
const MinConfidence = 0.3

// Tag says that an event showed a technique, according to one version of one
// rule.
type Tag struct {
	Claim
	SourceKind   SourceKind
	SourceID     string
	AttackerUUID string
	AttackerIP   string
	IdentityUUID string
	SessionID    string
	DeckyID      string
	Vantage      Vantage // from where the event was seen
	// ByResolver is [Event.ByResolver], or false if the event is gone.
	ByResolver bool
	// Seq is the arrival number of the event, 0 when the event is not in the store.
	Seq   uint64
	Match Match // the part of the event that made the rule fire
	// Finding is what a correlation has found. It is nil for a tag of an event, and for a
	// tag of which only the evidence is known.
	Finding *Finding
	// Evidence is a JSON object, the least that shows why the rule fired. A tag that is
	// read from a store has it. Until then Match and the event give it (see
	// AppendEvidence), or the Finding.
	Evidence json.RawMessage
	// Text is what a person wants to see first of the event or finding, passwords included.
	// It has at most MaxShown bytes, and an ellipsis if it was cut. A tag that is read from
	// a store has it. TextMasked is the same without captured passwords, empty if there are
	// none.
	Text, TextMasked string
	// MatchedSecret says that what matched is or may be a captured password or a part of
	// one. Nothing else in the evidence shows that.
	MatchedSecret bool

	CreatedAt time.Time // when the tag was made, UTC, to the second
	EventTime time.Time // when the event happened, UTC
}

// Before reports whether t is shown rather than o where one of the tags that claim the same
// technique of an event is enough: it has the higher level, or else the higher confidence,
// or else the rule id that comes first.
func (t *Tag) Before(o *Tag) bool {
	return cmp.Or(
		cmp.Compare(o.Level.Rank(), t.Level.Rank()),
		cmp.Compare(o.Confidence, t.Confidence),
		cmp.Compare(t.RuleID, o.RuleID),
	) < 0
}

// UUID returns the tag's identity: a version 5 UUID of
// source_kind|source_id|rule_id|rule_version|technique_id|sub_technique_id. Time, host and
// process play no part, so the same event and rule give the same tag everywhere.
func (t *Tag) UUID() UUID {
	var stack [256]byte
	b := append(stack[:0], t.SourceKind...)
	b = append(b, '|')
	b = append(b, t.SourceID...)
	b = append(b, '|')
	b = append(b, t.RuleID...)
	b = append(b, '|')
	b = strconv.AppendInt(b, int64(t.RuleVersion), 10)
	b = append(b, '|')
	b = append(b, t.TechniqueID...)
	b = append(b, '|')
	b = append(b, t.SubTechniqueID...)
	return DeriveUUID(tagSpace, b)
}

// Verdict says how the tagging of an event went.
type Verdict struct {
	Skipped bool // no rule could look at it: its text is missing or empty
	Bounded bool // a rule met a limit of work or size and did not finish
}
