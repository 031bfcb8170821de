package record

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// The records of the bucket meta, each under its own name.
var (
	KeySchema  = []byte("schema")
	KeySecret  = []byte("secret")
	KeyArrival = []byte("arrival")         // the arrival number that was given last
	KeyDropped = []byte("rejects-dropped") // how many rejects were dropped
	KeyJobs    = []byte("jobs")            // when scheduled jobs last began, all of them in one
	KeyClock   = []byte("clock")           // what was seen of the clock
	KeyUpgrade = []byte("upgrade")         // how far an upgrade to the schema has come; missing when it is done
)

// Meta is what the records of the bucket meta say of the whole store.
type Meta struct {
	Schema  int
	Secret  Secret
	Arrival uint64 // the arrival number that was given last
	Dropped uint64 // rejects
	// Upgrading says that a store of the previous schema is being upgraded to this one.
	Upgrading bool
}

// Read reads one record of the bucket, and reports whether a record has that name. The
// times of jobs and the clock are only checked. A field whose record is damaged is not
// valid.
func (m *Meta) Read(key, rec []byte) (known bool, err error) {
	switch string(key) {
	case string(KeySchema):
		m.Schema, err = ReadSchema(rec)
	case string(KeySecret):
		m.Secret, err = ReadSecret(rec)
	case string(KeyArrival):
		m.Arrival, err = ReadArrival(rec)
	case string(KeyDropped):
		m.Dropped, err = ReadDropped(rec)
	case string(KeyUpgrade):
		_, err = ReadUpgrade(rec)
		m.Upgrading = err == nil
	case string(KeyJobs):
		_, err = ReadJobTimes(rec)
	case string(KeyClock):
		_, err = ReadClock(rec)
	default:
		return false, nil
	}
	return true, err
}

// AppendSchema appends the record of the schema of a store.
func AppendSchema(dst []byte, n int) []byte {
	return End(binary.AppendUvarint(typeSchema.Begin(dst), uint64(n)), KeySchema)
}

// ReadSchema reads the record of the schema.
func ReadSchema(rec []byte) (int, error) {
	r, err := typeSchema.Open(rec, KeySchema)
	if err != nil {
		return 0, err
	}
	return r.Count(1 << 30), r.Finish()
}

// AppendUpgrade appends the record of how far an upgrade has got: days before the given one
// are done.
func AppendUpgrade(dst []byte, next ttpcron.Day) []byte {
	return appendNumber(dst, &typeUpgrade, KeyUpgrade, uint64(next))
}

// ReadUpgrade reads the record of how far an upgrade has come.
func ReadUpgrade(rec []byte) (next ttpcron.Day, err error) {
	n, err := readNumber(&typeUpgrade, KeyUpgrade, rec)
	if err == nil && n >= 1<<31 {
		err = Damagef("upgraded up to day %d", n)
	}
	return ttpcron.Day(n), err
}

// AppendSecret appends the record of the secret.
func AppendSecret(dst []byte, s *Secret) []byte {
	return End(append(typeSecret.Begin(dst), s[:]...), KeySecret)
}

// ReadSecret reads the record of the secret.
func ReadSecret(rec []byte) (s Secret, err error) {
	r, err := typeSecret.Open(rec, KeySecret)
	if err != nil {
		return s, err
	}
	copy(s[:], r.Bytes(len(s)))
	return s, r.Finish()
}

// AppendArrival appends the record of the latest arrival number.
func AppendArrival(dst []byte, n uint64) []byte {
	return appendNumber(dst, &typeArrival, KeyArrival, n)
}

// ReadArrival reads the record of the latest arrival number.
func ReadArrival(rec []byte) (uint64, error) { return readNumber(&typeArrival, KeyArrival, rec) }

// AppendDropped appends the record of how many rejects were dropped.
func AppendDropped(dst []byte, n uint64) []byte {
	return appendNumber(dst, &typeDropped, KeyDropped, n)
}

// ReadDropped reads the record of how many rejects were dropped.
func ReadDropped(rec []byte) (uint64, error) { return readNumber(&typeDropped, KeyDropped, rec) }

func appendNumber(dst []byte, t *Type, key []byte, n uint64) []byte {
	return End(binary.AppendUvarint(t.Begin(dst), n), key)
}

func readNumber(t *Type, key, rec []byte) (uint64, error) {
	r, err := t.Open(rec, key)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", t.Name, err)
	}
	n := r.Uvarint()
	return n, r.Finish()
}

// AppendJobTimes appends the record of when scheduled jobs last began.
func AppendJobTimes(dst []byte, times map[string]time.Time) []byte {
	dst = binary.AppendUvarint(typeJobs.Begin(dst), uint64(len(times)))
	for _, name := range slices.Sorted(maps.Keys(times)) {
		dst = AppendTime(AppendText(dst, name), times[name])
	}
	return End(dst, KeyJobs)
}

// ReadJobTimes reads the record of when scheduled jobs last began.
func ReadJobTimes(rec []byte) (map[string]time.Time, error) {
	r, err := typeJobs.Open(rec, KeyJobs)
	if err != nil {
		return nil, err
	}
	times := map[string]time.Time{}
	for range r.Count(1 << 20) {
		name := r.Text()
		times[name] = r.Time()
	}
	return times, r.Finish()
}

// Clock is what was seen of the clock.
type Clock struct {
	Days []ttpcron.Day // ascending
	Last time.Time     // the last look
	Held Held
}

// maxClockDays is how many days on which the clock was seen are stored at most.
const maxClockDays = 17

// AppendClock appends the record of what was seen of the clock.
func AppendClock(dst []byte, c *Clock) []byte {
	dst = binary.AppendUvarint(typeClock.Begin(dst), uint64(len(c.Days)))
	for _, d := range c.Days {
		dst = binary.AppendUvarint(dst, uint64(d))
	}
	dst = AppendTime(dst, c.Last)
	h := &c.Held
	dst = AppendTime(AppendText(dst, string(h.Why)), h.Since)
	for _, n := range [...]int{int(h.EventsBefore), int(h.TagsBefore), h.Events, h.Tags, h.OfEvents, h.OfTags} {
		dst = AppendInt(dst, n)
	}
	return End(dst, KeyClock)
}

// ReadClock reads the record of what was seen of the clock.
func ReadClock(rec []byte) (c Clock, err error) {
	r, err := typeClock.Open(rec, KeyClock)
	if err != nil {
		return c, fmt.Errorf("clock: %w", err)
	}
	for range r.Count(maxClockDays) {
		c.Days = append(c.Days, ttpcron.Day(r.Count(1<<31-1)))
	}
	c.Last = r.Time()
	h := &c.Held
	h.Why, h.Since = HeldReason(r.Text()), r.Time()
	h.EventsBefore, h.TagsBefore = ttpcron.Day(r.Int()), ttpcron.Day(r.Int())
	h.Events, h.Tags, h.OfEvents, h.OfTags = r.Int(), r.Int(), r.Int(), r.Int()
	return c, r.Finish()
}

// Held is what maintenance would remove because of its age, and why it does not. The zero
// Held means nothing.
type Held struct {
	Why   HeldReason
	Since time.Time // when it was first wanted

	EventsBefore, TagsBefore ttpcron.Day // as in kv.Prune
	Events, Tags             int         // that would go
	OfEvents, OfTags         int         // that there are
}

// HeldReason says why a pruning waits.
type HeldReason string

// The reasons to hold a pruning back.
const (
	HeldYoung HeldReason = "young" // the clock was seen on fewer than kv.MinSeenDays days
	HeldClock HeldReason = "clock" // today is not borne out by other days
	HeldShare HeldReason = "share" // it is much at once
	HeldAll   HeldReason = "all"   // nothing would be left
)
