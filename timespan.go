package ttpcron

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// MaxTimespan is the longest timespan of a correlation.
const MaxTimespan = 31 * 24 * time.Hour

// ParseTimespan reads a timespan in Sigma's form, such as 30s, 10m, 2h, 1d or 1w. Months
// and years are refused.
func ParseTimespan(text string) (time.Duration, error) {
	if text == "" {
		return 0, errors.New("is missing")
	}
	unit := time.Duration(0)
	switch text[len(text)-1] {
	case 's':
		unit = time.Second
	case 'm':
		unit = time.Minute
	case 'h':
		unit = time.Hour
	case 'd':
		unit = 24 * time.Hour
	case 'w':
		unit = 7 * 24 * time.Hour
	case 'M', 'y':
		return 0, fmt.Errorf("%.40q: months and years are not all of one length: use days, at most 31", text)
	default:
		return 0, fmt.Errorf("%.40q is no whole number with one of the units s, m, h, d and w", text)
	}
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%.40q is no whole number with one of the units s, m, h, d and w", text)
	}
	if n == 0 {
		return 0, fmt.Errorf("%.40q is no time: a window takes a second or more", text)
	}
	if n > uint64(math.MaxInt64/int64(unit)) {
		return MaxTimespan + time.Second, nil // more than is allowed in any case
	}
	return time.Duration(n) * unit, nil
}

// FormatTimespan formats a correlation's timespan in its largest unit, such as 10m.
func FormatTimespan(d time.Duration) string {
	for _, u := range [...]struct {
		name string
		of   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}} {
		if d%u.of == 0 && d != 0 {
			return strconv.FormatInt(int64(d/u.of), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}
