package main

import (
	"testing"
	"time"
)

func TestEndOf(t *testing.T) {
	day := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		from time.Time
		span time.Duration
		want string
	}{
		{day, 10 * time.Minute, "00:10:00"},
		{day, 24 * time.Hour, "24:00:00"},
		{day.Add(23 * time.Hour), time.Hour, "24:00:00"},
		{day, 7 * 24 * time.Hour, "2026-05-11 00:00:00"},
	} {
		if got := endOf(tt.from, tt.span); got != tt.want {
			t.Errorf("%s from %s ends at %q, want %q", tt.span, tt.from, got, tt.want)
		}
	}
}

func TestDuration(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{0: "0s", 1234 * time.Millisecond: "1.2s", 90 * time.Second: "1m30s", 47 * time.Hour: "47h0m0s", 3 * day: "3.0 days", 729 * day: "729.0 days", 4276 * day: "11.7 years"} {
		if got := duration(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}
