package record

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Claim is what many tags have in common: the kind of event, where it was seen from, what
// the rule says about it, and what it shows. The store numbers claims, and a tag holds the
// number. So counts by claim are also counts by level and vantage.
type Claim struct {
	Kind ttpcron.SourceKind
	ttpcron.Claim
	Shows   ttpcron.FieldNames // Match.Shows
	Field   string             // Match.Field
	Vantage ttpcron.Vantage
	Terms   ttpcron.Terms // of findings; zero for what is said of events
}

// ClaimOf returns the claim of a tag.
func ClaimOf(t *ttpcron.Tag) Claim {
	c := Claim{Kind: t.SourceKind, Claim: t.Claim, Shows: t.Match.Shows, Field: t.Match.Field, Vantage: t.Vantage}
	if isFinding(t) {
		c.Terms = *t.Finding.Terms
	}
	if c.Level == ttpcron.LevelMedium {
		c.Level = 0 // one claim, whichever way it is said
	}
	return c
}

// ClaimNumber is the key of a claim.
func ClaimNumber(id uint32) []byte { return binary.BigEndian.AppendUint32(nil, id) }

// AppendClaim appends the record of a claim.
func AppendClaim(dst, key []byte, c Claim) []byte {
	start := len(dst)
	dst = typeClaim.Begin(dst)
	for _, s := range [...]string{string(c.Kind), c.RuleID, c.Tactic, c.TechniqueID, c.SubTechniqueID, c.AttackRelease, c.MitreURL} {
		dst = AppendText(dst, s)
	}
	dst = AppendInt(dst, c.RuleVersion)
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(c.Confidence))
	dst = append(dst, byte(c.Level))
	dst = AppendText(AppendText(dst, string(c.Shows)), c.Field)
	dst = append(dst, byte(c.Vantage))
	for _, s := range [...]string{c.Terms.Type, c.Terms.Condition, string(c.Terms.Fields), string(c.Terms.Group)} {
		dst = AppendText(dst, s)
	}
	dst = binary.AppendUvarint(dst, uint64(c.Terms.Timespan))
	End(dst[start:], key)
	return dst
}

// TellsVantage reports whether a valid record of a claim says where its events were seen
// from. Older records do not, and count as honeypots' until a run makes the tags again.
func TellsVantage(rec []byte) bool { return rec[0] >= 3 }

// ReadClaim reads the record of a claim.
func ReadClaim(key, rec []byte) (c Claim, err error) {
	r, err := typeClaim.Open(rec, key)
	if err != nil {
		return c, err
	}
	c.Kind = ttpcron.SourceKind(r.Text())
	for _, s := range [...]*string{&c.RuleID, &c.Tactic, &c.TechniqueID, &c.SubTechniqueID, &c.AttackRelease, &c.MitreURL} {
		*s = r.Text()
	}
	c.RuleVersion = r.Int()
	if b := r.Bytes(8); b != nil {
		c.Confidence = math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	if r.Version >= 2 {
		c.Level, c.Shows, c.Field = ttpcron.Level(r.Byte()), ttpcron.FieldNames(r.Text()), r.Text()
		if c.Level > ttpcron.LevelCritical {
			r.Fail(Damagef("level %d", c.Level))
		}
	}
	if r.Version >= 3 {
		if c.Vantage = ttpcron.Vantage(r.Byte()); c.Vantage > ttpcron.VantageHost {
			r.Fail(Damagef("vantage %d", c.Vantage))
		}
	}
	if r.Version >= 4 {
		r.terms(&c.Terms)
	}
	return c, r.Finish()
}

func (r *Reader) terms(t *ttpcron.Terms) {
	t.Type, t.Condition, t.Fields, t.Group = r.Text(), r.Text(), ttpcron.FieldNames(r.Text()), ttpcron.FieldNames(r.Text())
	span := r.Uvarint()
	if span > math.MaxInt64 {
		r.Fail(Damagef("timespan of %d ns", span))
	}
	t.Timespan = time.Duration(span)
	if r.Err == nil && t.Timespan == 0 && *t != (ttpcron.Terms{}) {
		r.Fail(Damage("terms without a timespan"))
	}
}
