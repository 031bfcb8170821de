package ttpcron

import (
	"testing"
	"time"
)

// What ParseUTC reads time.Parse reads alike, and it reads every time as
// AppendJSON writes it.
func FuzzParseUTC(f *testing.F) {
	for _, s := range []string{
		"2026-05-04T05:49:05.586207Z", "2026-05-04T05:49:05Z", "1970-01-01T00:00:00.000000001Z", "2024-02-29T23:59:59.1Z", "2000-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-12-31T00:00:00Z", "0000-01-01T00:00:00Z",
		"2026-02-29T00:00:00Z", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00.0000000001Z",
		"2026-01-01T00:00:00+00:00", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "2026-1-01T00:00:00Z", "+026-01-01T00:00:00Z", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := ParseUTC([]byte(s))
		want, err := time.Parse(time.RFC3339Nano, s)
		if ok && (err != nil || got != want) {
			t.Fatalf("%q is %v, time.Parse says %v, %v", s, got, want, err)
		}
		if err != nil || want.UTC().Year() < 0 || want.UTC().Year() > 9999 {
			return
		}
		written := string(appendTime(nil, "", want)[len(`,"":"`):])
		written = written[:len(written)-1]
		if got, ok := ParseUTC([]byte(written)); !ok || !got.Equal(want) {
			t.Fatalf("%q, written as %q, is %v, %v", s, written, got, ok)
		}
	})
}
