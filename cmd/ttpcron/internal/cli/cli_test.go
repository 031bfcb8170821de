package cli

import (
	"testing"
	"time"
)

func TestParseWhen(t *testing.T) {
	now := time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]string{
		"":                          "0001-01-01T00:00:00Z",
		"2026-05-04T05:49:05Z":      "2026-05-04T05:49:05Z",
		"2026-05-04T05:49:05+02:00": "2026-05-04T03:49:05Z",
		"2026-05-04":                "2026-05-04T00:00:00Z",
		"7d":                        "2026-05-13T12:00:00Z",
		"36h":                       "2026-05-19T00:00:00Z",
		"1w1d12h30m":                "2026-05-11T23:30:00Z",
		"0s":                        "2026-05-20T12:00:00Z",

		// As tables, errors and other programs print them.
		"2026-05-04 05:49:05":                  "2026-05-04T05:49:05Z",
		" 2026-05-04 05:49:05 ":                "2026-05-04T05:49:05Z",
		"2026-05-04T05:49:05":                  "2026-05-04T05:49:05Z",
		"2026-05-04 05:49:05.999999999":        "2026-05-04T05:49:05.999999999Z",
		"2026-05-04T05:49:05,25":               "2026-05-04T05:49:05.25Z",
		"2025-10-18 01:02:05 +09:00":           "2025-10-17T16:02:05Z",
		"2025-10-18 01:02:05+09:00":            "2025-10-17T16:02:05Z",
		"2025-10-18T01:02:05.5 +0900":          "2025-10-17T16:02:05.5Z",
		"2025-10-18 01:02:05+09":               "2025-10-17T16:02:05Z",
		"2025-10-18 01:02:05 UTC":              "2025-10-18T01:02:05Z",
		"2025-10-18 01:02:05.000001 +0000 UTC": "2025-10-18T01:02:05.000001Z",
		"2025-10-18 01:02:05Z":                 "2025-10-18T01:02:05Z",
		"2025-10-18 01:02:05 Z":                "2025-10-18T01:02:05Z",
		"2025-10-18t01:02:05z":                 "2025-10-18T01:02:05Z",
		"2025-10-18 01:02":                     "2025-10-18T01:02:00Z",
		"2025-10-18T01:02+09:00":               "2025-10-17T16:02:00Z",
		"2025-10-18 UTC":                       "2025-10-18T00:00:00Z",
		"3 days ago":                           "2026-05-17T12:00:00Z",
		"1 week":                               "2026-05-13T12:00:00Z",
		"1h2m3s ago":                           "2026-05-20T10:57:57Z",
	} {
		got, err := ParseWhen(in, now)
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("ParseWhen(%q) = %v, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"yesterday", "7", "-7d", "d", "1d2w", "99999d", "1.5d", "2026-13-01", "-1h", "9999999h1000000000000h",
		"2026-05-04 25:00:00", "2026-05-04 05:49:05 +09:00 UTC", "2026-05-04 05:49:05 CEST", "2026-05-04  05:49:05", "05:49:05", "2026-05-04x05:49:05", "3 days 2", "ago", "-", "2026-05-04 05:49:05; rm"} {
		if got, err := ParseWhen(in, now); err == nil {
			t.Errorf("ParseWhen(%q) = %v", in, got)
		}
	}
}

// Whatever a table prints of an instant is that instant again.
func FuzzParseWhen(f *testing.F) {
	f.Add(int64(1746337745), "2026-05-04 05:49:05 +09:00")
	f.Fuzz(func(t *testing.T, seconds int64, text string) {
		at := time.Unix(seconds%253402300799, 0).UTC()
		if got, err := ParseWhen(at.Format(time.DateTime), time.Now()); at.Year() >= 0 && at.Year() <= 9999 && (err != nil || !got.Equal(at)) {
			t.Errorf("%v is read as %v, %v", at, got, err)
		}
		got, err := ParseWhen(text, at)
		if err == nil && got.Location() != time.UTC {
			t.Errorf("%q is %v, not in UTC", text, got)
		}
	})
}

func TestNearest(t *testing.T) {
	names := []string{"import", "run-once", "tags", "status"}
	for in, want := range map[string]string{"improt": "import", "runonce": "run-once", "tag": "tags", "STATUS": "status", "frobnicate": "", "x": ""} {
		if got := Nearest(in, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", in, got, want)
		}
	}
}
