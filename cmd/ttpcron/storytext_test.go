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
