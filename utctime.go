package ttpcron

import "time"

// ParseUTC parses YYYY-MM-DDTHH:MM:SSZ, with or without a fraction of up to nine
// digits, several times faster than [time.Parse]. Native events and most sensors
// write times like this; it is false for every other spelling.
func ParseUTC(b []byte) (time.Time, bool) {
	const seconds = len("2006-01-02T15:04:05")
	if len(b) <= seconds || len(b) > seconds+len(".000000000Z") || b[len(b)-1] != 'Z' ||
		b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return time.Time{}, false
	}
	year, ok1 := decimal(b[0:4])
	month, ok2 := decimal(b[5:7])
	day, ok3 := decimal(b[8:10])
	hour, ok4 := decimal(b[11:13])
	minute, ok5 := decimal(b[14:16])
	second, ok6 := decimal(b[17:19])
	nanos, ok7 := nanoseconds(b[seconds : len(b)-1])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || !ok7 ||
		month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	return t, t.Day() == day
}

// nanoseconds reads a fraction of a second with its point, or nothing.
func nanoseconds(fraction []byte) (int, bool) {
	if len(fraction) == 0 {
		return 0, true
	}
	n, ok := decimal(fraction[1:])
	for range len(".000000000") - len(fraction) {
		n *= 10
	}
	return n, ok && fraction[0] == '.' && len(fraction) > 1
}

func decimal(digits []byte) (int, bool) {
	n := 0
	for _, c := range digits {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
