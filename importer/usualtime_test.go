package importer

import (
	"testing"
	"time"
)

// slowTime reads a time with the standard library's layouts alone.
func slowTime(s string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// FuzzUsualTime: what usualTime reads, the standard library reads as the same time.
func FuzzUsualTime(f *testing.F) {
	for _, s := range []string{
		"2026-05-04T05:49:05Z", "2026-05-04 05:49:05", "2026-05-04 05:49:05.586207", "2026-05-04T05:49:05.5+02:00", "2026-05-04T05:49:05-0730", "2026-05-04T05:49:05+02",
		"2024-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "2026-13-04T05:49:05Z", "2026-05-04T24:00:00Z", "2026-05-04T05:49:60Z", "2026-05-04T05:49:05.Z", "2026-05-04T05:49:05.1234567890Z",
		"2026-05-04T05:49:05+24:00", "0000-01-01T00:00:00Z", "2026-05-04T05:49", "2026-05-04T05:49:05z",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fast, ok := usualTime(s)
		slow, known := slowTime(s)
		if ok && (!known || !fast.Equal(slow)) {
			t.Errorf("%q is %s, by the standard library %s, %t", s, fast, slow, known)
		}
	})
}

// The usual spellings are read by usualTime, and not by the slow way.
func TestUsualTime(t *testing.T) {
	for s, want := range map[string]string{
		"2026-05-04T05:49:05Z": "05:49:05", "2026-05-04 05:49:05": "05:49:05", "2026-05-04 05:49:05.586207": "05:49:05.586207",
		"2026-05-04T05:49:05.5+02:00": "03:49:05.5", "2026-05-04T05:49:05-0730": "13:19:05", "2026-05-04T05:49:05+02": "03:49:05",
	} {
		if got, ok := usualTime(s); !ok || got.Format("15:04:05.999999999") != want {
			t.Errorf("%q: %s, %t", s, got, ok)
		}
	}
}

// Other spellings are read too: an offset with a Z behind it.
func TestTimeWithOffsetAndZ(t *testing.T) {
	for s, want := range map[string]string{
		"2026-05-04T05:49:05.586207+00:00Z": "2026-05-04T05:49:05.586207Z", "2026-05-04T07:49:05+02:00Z": "2026-05-04T05:49:05Z",
		"2026-05-04 00:19:05-05:30Z": "2026-05-04T05:49:05Z", "2026-05-04T05:49Z": "", "2026-05-04T05:49:05+02:00ZZ": "", "2026-05-04T05:49:05+0200Z": "",
		"2026-05-04T05:49:05 (UTC)": "2026-05-04T05:49:05Z",
	} {
		got, ok := parseTime(s)
		if ok != (want != "") || ok && got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q: %s, %t, want %q", s, got, ok, want)
		}
	}
}
