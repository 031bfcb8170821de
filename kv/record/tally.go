package record

import (
	"encoding/binary"
	"fmt"

	"github.com/ttpcron/ttpcron"
)

// The first bytes of keys in rollups and totals.
const (
	RollupClaim    = 'c'
	RollupAttacker = 'a'
	RollupAlias    = 'x'
	TotalKind      = 'k'
	TotalTagDays   = 't'
)

// HashKey is the key of an attacker or alias in a rollup.
func HashKey(first byte, hash uint64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 9), first), hash)
}

// ClaimKey is the key of the count of a claim in a rollup or among the totals.
func ClaimKey(first byte, id uint32) []byte {
	return binary.BigEndian.AppendUint32(append(make([]byte, 0, 5), first), id)
}

// Tally counts tags.
type Tally struct {
	Tags        int
	First, Last int64 // nanoseconds of the day
}

// Add adds up two tallies of one day.
func (t *Tally) Add(o Tally) {
	if t.Tags == 0 {
		*t = o
		return
	}
	t.Tags += o.Tags
	t.First, t.Last = min(t.First, o.First), max(t.Last, o.Last)
}

// AttackerTally counts the tags of one attacker.
type AttackerTally struct {
	Tally
	Shown              Tally // those of them that [ttpcron.DefaultMinLevels] shows
	UUID, IP, Identity string
}

// Add adds up the counts of one attacker on one day. The names stay.
func (a *AttackerTally) Add(all, shown Tally) {
	a.Tally.Add(all)
	if shown.Tags > 0 {
		a.Shown.Add(shown)
	}
}

// Bits of the record of the count of an attacker.
const (
	attackerDerived = 1 // the UUID follows from the address
	attackerShown   = 2 // not all tags are shown
)

func appendTallyBody(dst []byte, t Tally) []byte {
	dst = binary.AppendUvarint(dst, uint64(t.Tags))
	dst = binary.AppendUvarint(dst, uint64(t.First))
	return binary.AppendUvarint(dst, uint64(t.Last-t.First))
}

func (r *Reader) tally() Tally {
	t := Tally{Tags: int(r.Uvarint()), First: int64(r.Uvarint())}
	t.Last = t.First + int64(r.Uvarint())
	if t.Tags <= 0 || t.First < 0 || t.Last < t.First || t.Last >= DayNanos {
		r.Fail(Damage("count or time out of range"))
	}
	return t
}

// AppendTally appends the record of the count of a claim.
func AppendTally(dst []byte, t Tally, day, key []byte) []byte {
	return End(appendTallyBody(typeTally.Begin(dst), t), day, key)
}

// ReadTally reads the record of the count of a claim.
func ReadTally(rec, day, key []byte) (Tally, error) {
	r, err := typeTally.Open(rec, day, key)
	if err != nil {
		return Tally{}, fmt.Errorf("count of a claim: %w", err)
	}
	t := r.tally()
	return t, r.Finish()
}

// AppendAttacker appends the record of the count of an attacker.
func AppendAttacker(dst []byte, a AttackerTally, day, key []byte) []byte {
	dst = appendTallyBody(typeAttacker.Begin(dst), a.Tally)
	bits := byte(0)
	if a.IP != "" && a.UUID == ttpcron.DeriveAttacker(a.IP) {
		bits |= attackerDerived
	}
	if a.Shown != a.Tally {
		bits |= attackerShown
	}
	dst = append(dst, bits)
	switch {
	case bits&attackerShown == 0:
	case a.Shown.Tags == 0:
		dst = append(dst, 0)
	default:
		dst = appendTallyBody(dst, a.Shown)
	}
	if bits&attackerDerived == 0 {
		dst = AppendPacked(dst, a.UUID)
	}
	dst = AppendPacked(AppendPacked(dst, a.IP), a.Identity)
	return End(dst, day, key)
}

// ReadAttacker reads the record of the count of an attacker.
func ReadAttacker(rec, day, key []byte) (AttackerTally, error) {
	r, err := typeAttacker.Open(rec, day, key)
	if err != nil {
		return AttackerTally{}, fmt.Errorf("count of an attacker: %w", err)
	}
	a, derived := r.attacker()
	if !derived {
		a.UUID = r.Packed()
	}
	a.IP, a.Identity = r.Packed(), r.Packed()
	if err := r.Finish(); err != nil {
		return AttackerTally{}, fmt.Errorf("count of an attacker: %w", err)
	}
	if derived {
		a.UUID = ttpcron.DeriveAttacker(a.IP)
	}
	return a, nil
}

// attacker reads the counts of an attacker, and whether the UUID follows from the
// address. Up to version 1 all tags were shown.
func (r *Reader) attacker() (a AttackerTally, derived bool) {
	a.Tally = r.tally()
	a.Shown = a.Tally
	bits := r.Byte()
	if r.Version < 2 && bits > attackerDerived || bits > attackerDerived|attackerShown {
		r.Fail(Damagef("bits %x", bits))
	}
	if bits&attackerShown != 0 {
		if a.Shown = (Tally{}); len(r.Rest) > 0 && r.Rest[0] == 0 {
			r.Byte()
		} else {
			a.Shown = r.tally()
		}
		if a.Shown.Tags >= a.Tags {
			r.Fail(Damagef("%d of %d tags are shown", a.Shown.Tags, a.Tags))
		}
	}
	return a, bits&attackerDerived != 0
}

// ReadAttackerTally is ReadAttacker without the names.
func ReadAttackerTally(rec, day, key []byte) (AttackerTally, error) {
	r, err := typeAttacker.Open(rec, day, key)
	if err != nil {
		return AttackerTally{}, fmt.Errorf("count of an attacker: %w", err)
	}
	a, _ := r.attacker()
	if r.Err != nil {
		return AttackerTally{}, fmt.Errorf("count of an attacker: %w", r.Err)
	}
	return a, nil
}

// Span is a part of a day, in whole seconds, both ends within it.
type Span struct{ First, Last int64 }

// daySeconds is how many seconds a day has.
const daySeconds = DayNanos / 1e9

// WholeDay is all of a day.
func WholeDay() Span { return Span{0, daySeconds - 1} }

// SpanOf returns the seconds of a time from first to last, in nanoseconds of the day.
func SpanOf(first, last int64) Span { return Span{first / 1e9, last / 1e9} }

// Join returns the span from the beginning of the earlier to the end of the later.
func (s Span) Join(o Span) Span { return Span{min(s.First, o.First), max(s.Last, o.Last)} }

// Covers reports whether all of another span is in the span.
func (s Span) Covers(o Span) bool { return s.First <= o.First && o.Last <= s.Last }

// AppendAlias appends the record of a name that can be found in a day, with the part
// of the day in which it can be found.
func AppendAlias(dst []byte, s Span, day, key []byte) []byte {
	dst = binary.AppendUvarint(typeAlias.Begin(dst), uint64(s.First))
	return End(binary.AppendUvarint(dst, uint64(s.Last-s.First)), day, key)
}

// ReadAlias reads the record of a name that can be found in a day. Up to version 1
// it did not say in which part of it.
func ReadAlias(rec, day, key []byte) (Span, error) {
	if IsOldAlias(rec) {
		return WholeDay(), nil
	}
	r, err := typeAlias.Open(rec, day, key)
	if err != nil {
		return Span{}, err
	}
	s := WholeDay()
	if r.Version > 1 {
		s.First = int64(r.Count(int(daySeconds) - 1))
		s.Last = s.First + int64(r.Count(int(daySeconds)-1))
		if s.Last >= daySeconds {
			r.Fail(Damage("seconds outside their day"))
		}
	}
	return s, r.Finish()
}

// IsOldAlias reports whether a record is an alias from before schema 4, without a checksum.
func IsOldAlias(rec []byte) bool { return len(rec) == 1 && rec[0] == 1 }

// FirstName is the name by which an attacker is counted.
func FirstName(uuid, identity, ip string) string {
	switch {
	case uuid != "":
		return uuid
	case identity != "":
		return identity
	}
	return ip
}
