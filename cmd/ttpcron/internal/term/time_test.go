package term

import (
	"testing"
	"time"
)

func TestAway(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "0s ago", 90 * time.Second: "1m30s ago", 3 * day: "3 days ago", 800 * day: "2.2 years ago",
		-90 * time.Second: "in 1m30s", -47*time.Hour - time.Second: "in 47h0m1s", -100 * day: "in 100 days", -3652 * day: "in 10 years",
	} {
		if got := Away(now.Add(-d), now); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
	if got := Away(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), now); got != "in 7973 years" {
		t.Error(got)
	}
	if got := Away(time.Time{}, now); got != "2025 years ago" {
		t.Error(got)
	}
}
