package record_test

import (
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/internal/nountest"
	"github.com/ttpcron/ttpcron/kv/record"
)

// encoded fills every field of a noun and takes it through its record.
func encoded[T any](t *testing.T, through func(v T) (T, error)) {
	t.Helper()
	var want T
	nountest.Fill(t, &want)
	got, err := through(want)
	if err != nil {
		t.Fatalf("%T: %v", want, err)
	}
	for _, field := range nountest.Differences(want, got) {
		t.Errorf("%T: %s does not come back", want, field)
	}
}

// TestNothingIsLost checks the store's own nouns, as kv's TestStored… check those of
// others.
func TestNothingIsLost(t *testing.T) {
	key, day := []byte("key"), record.DayKey(19000)
	encoded(t, func(c record.Claim) (record.Claim, error) {
		return record.ReadClaim(key, record.AppendClaim(nil, key, c))
	})
	encoded(t, func(p record.Pruned) (record.Pruned, error) {
		return record.ReadPruned([]byte(p.Kind), record.AppendPruned(nil, &p))
	})
	encoded(t, func(c record.Clock) (record.Clock, error) {
		return record.ReadClock(record.AppendClock(nil, &c))
	})
	encoded(t, func(a record.Arrived) (record.Arrived, error) {
		return record.ReadArrived(record.NumberKey(a.Last), record.AppendArrived(nil, a))
	})
	encoded(t, func(c record.TagTotal) (record.TagTotal, error) {
		return record.ReadTotal(key, record.AppendTotal(nil, key, c))
	})
	encoded(t, func(c record.KindTotal) (record.KindTotal, error) {
		return record.ReadKindTotal(key, record.AppendKindTotal(nil, key, c))
	})
	encoded(t, func(a record.AttackerTally) (record.AttackerTally, error) {
		a.Shown, a.Tally = a.Tally, a.Shown // fewer than all
		got, err := record.ReadAttacker(record.AppendAttacker(nil, a, day, key), day, key)
		got.Shown, got.Tally = got.Tally, got.Shown
		return got, err
	})
	encoded(t, func(h ttpcron.DayHistory) (ttpcron.DayHistory, error) {
		day, coverage := h.Day, h.Coverage // the key, and records of their own
		at := record.KindDay{Kind: h.Kind, Day: ttpcron.DayOf(h.Earliest)}
		got, err := record.ReadDay(at, record.AppendDay(nil, at, h))
		if got.Day != at.Day {
			t.Errorf("of day %v comes back %v", at.Day, got.Day)
		}
		got.Day, got.Coverage = day, coverage
		return got, err
	})
}
