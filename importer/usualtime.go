package importer

import "time"

// usualTime reads the spellings of ISO 8601 that sensors use most: a date and a time with
// seconds, T or a blank between them, perhaps a fraction, and no zone (UTC), Z or an offset.
// It reads what parseTime reads, in a fraction of the time, and returns false for everything
// else.
func usualTime(s string) (t time.Time, ok bool) {
	const whole = len("2006-01-02T15:04:05")
	if len(s) < whole || s[4] != '-' || s[7] != '-' || s[10] != 'T' && s[10] != ' ' || s[13] != ':' || s[16] != ':' {
		return t, false
	}
	year, month, day := wholeOf(s[:4]), wholeOf(s[5:7]), wholeOf(s[8:10])
	hour, minute, second := wholeOf(s[11:13]), wholeOf(s[14:16]), wholeOf(s[17:19])
	if year < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return t, false
	}
	rest, nanos := s[whole:], 0
	if len(rest) > 1 && rest[0] == '.' {
		n := 1
		for unit := 100_000_000; n < len(rest) && rest[n] >= '0' && rest[n] <= '9'; n++ {
			if unit == 0 {
				return t, false // finer than a time can be
			}
			nanos += int(rest[n]-'0') * unit
			unit /= 10
		}
		if n == 1 {
			return t, false
		}
		rest = rest[n:]
	}
	offset, ok := isoOffset(rest)
	if !ok {
		return t, false
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	if t.Day() != day {
		return t, false // the month has no such day
	}
	return t.Add(-offset), true
}

// isoOffset reads what stands behind a time: nothing, Z, +01:00, +0100 or +01.
func isoOffset(s string) (time.Duration, bool) {
	if s == "" || s == "Z" {
		return 0, true
	}
	sign := time.Duration(1)
	switch s[0] {
	case '+':
	case '-':
		sign = -1
	default:
		return 0, false
	}
	hours, minutes := -1, 0
	switch {
	case len(s) == len("+01"):
		hours = wholeOf(s[1:3])
	case len(s) == len("+0100"):
		hours, minutes = wholeOf(s[1:3]), wholeOf(s[3:5])
	case len(s) == len("+01:00") && s[3] == ':':
		hours, minutes = wholeOf(s[1:3]), wholeOf(s[4:6])
	}
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	return sign * (time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute), true
}

// wholeOf reads a few digits; -1 for anything else.
func wholeOf(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}
