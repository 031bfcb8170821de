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
	} {
		got, err := ParseWhen(in, now)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("ParseWhen(%q) = %v, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"yesterday", "7", "-7d", "d", "1d2w", "99999d", "1.5d", "2026-13-01", "-1h", "9999999h1000000000000h"} {
		if got, err := ParseWhen(in, now); err == nil {
			t.Errorf("ParseWhen(%q) = %v", in, got)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"import", "run-once", "tags", "status"}
	for in, want := range map[string]string{"improt": "import", "runonce": "run-once", "tag": "tags", "STATUS": "status", "frobnicate": "", "x": ""} {
		if got := Nearest(in, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", in, got, want)
		}
	}
}
