package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/report"
)

// count writes a number with commas between thousands.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural counts things: "1 attacker", "214 attackers".
func plural(n int, one string) string { return count(n) + " " + noun(n, one) }

// noun is the word for n things.
func noun(n int, one string) string {
	last := len(one) - 1
	switch {
	case n == 1:
		return one
	case one[last] == 'y' && !strings.ContainsRune("aeo", rune(one[last-1])):
		return one[:last] + "ies"
	}
	return one + "s"
}

// atLeast counts things of which there may be more.
func atLeast(n int, more bool, one string) string {
	if more {
		return "at least " + plural(n, one)
	}
	return plural(n, one)
}

const dayLayout = "2 January 2006"

// period writes the report's time in words.
func period(r *report.Report) string {
	if r.First.IsZero() {
		return ""
	}
	first, last := r.First.UTC(), r.Last.UTC()
	switch {
	case first.Format(dayLayout) == last.Format(dayLayout):
		return last.Format(dayLayout)
	case first.Format("January 2006") == last.Format("January 2006"):
		return first.Format("2") + " to " + last.Format(dayLayout)
	case first.Year() == last.Year():
		return first.Format("2 January") + " to " + last.Format(dayLayout)
	}
	return first.Format(dayLayout) + " to " + last.Format(dayLayout)
}

// took writes a duration in at most two units.
func took(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	switch {
	case d < 0:
		return ""
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm %02ds", s/60, s%60)
	case s < 48*3600:
		return fmt.Sprintf("%dh %02dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dd %02dh", s/86400, s/3600%24)
}

// share says how large a part of a whole is.
func share(part, whole int) string {
	if whole <= 0 {
		return ""
	}
	switch percent := 100 * float64(part) / float64(whole); {
	case part == 0:
		return "0 %"
	case percent < 0.1:
		return "< 0.1 %"
	case percent < 10:
		return fmt.Sprintf("%.1f %%", percent)
	default:
		return fmt.Sprintf("%.0f %%", percent)
	}
}

// fileSize says how large a file is.
func fileSize(n uint64) string {
	const k = 1024
	switch {
	case n < k:
		return fmt.Sprintf("%d B", n)
	case n < k*k:
		return fmt.Sprintf("%.1f KiB", float64(n)/k)
	case n < k*k*k:
		return fmt.Sprintf("%.1f MiB", float64(n)/(k*k))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(k*k*k))
}
