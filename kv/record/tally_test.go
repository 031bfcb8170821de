package record_test

import (
	"testing"

	"github.com/ttpcron/ttpcron/kv/record"
)

// TestAliases reads names that can be found in a day as earlier programs wrote them,
// which did not say when, and as this one does.
func TestAliases(t *testing.T) {
	day, key := record.DayKey(goldenDay), record.HashKey(record.RollupAlias, 9)
	first := record.End([]byte{1, 0, 0, 0, 0}, day, key)
	for _, c := range []struct {
		rec  []byte
		want record.Span
	}{
		{[]byte{1}, record.WholeDay()},
		{first, record.WholeDay()},
		{record.AppendAlias(nil, record.Span{First: 7, Last: 7}, day, key), record.Span{First: 7, Last: 7}},
		{record.AppendAlias(nil, record.WholeDay(), day, key), record.WholeDay()},
	} {
		if got, err := record.ReadAlias(c.rec, day, key); err != nil || got != c.want {
			t.Errorf("%x: %v, %v; want %v", c.rec, got, err, c.want)
		}
	}
	for _, bad := range []record.Span{{First: 86400, Last: 86400}, {First: 86399, Last: 86400}, {First: 3, Last: 2}} {
		if got, err := record.ReadAlias(record.AppendAlias(nil, bad, day, key), day, key); err == nil {
			t.Errorf("%v is read as %v", bad, got)
		}
	}
}
