package term

import (
	"fmt"
	"time"
)

// TimeLayout is how times are shown, in UTC.
const TimeLayout = "2006-01-02 15:04:05"

// Time shows a time in UTC, "-" for the zero one.
func Time(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(TimeLayout)
}

// Ago says roughly how long something took, or has been.
func Ago(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < 48*time.Hour:
		return d.Round(time.Second).String()
	}
	days := int(d.Hours() / 24)
	if days >= 2*365 {
		if tenths := (days*1000 + 36525/2) / 36525; tenths < 200 && tenths%10 > 0 {
			return fmt.Sprintf("%d.%d years", tenths/10, tenths%10)
		}
		return fmt.Sprintf("%d years", (days*100+36525/2)/36525)
	}
	return fmt.Sprintf("%d days", days)
}

// Away says how long before now something was, or how long after it will be.
func Away(at, now time.Time) string {
	long := Ago(now.Sub(at).Abs())
	if years := now.Year() - at.Year(); max(years, -years) > 200 { // a Duration ends at 292
		long = fmt.Sprintf("%d years", max(years, -years))
	}
	if at.After(now) {
		return "in " + long
	}
	return long + " ago"
}

// TimeOrNull is a time as JSON has it: null for the zero one.
func TimeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
