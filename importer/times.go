package importer

import (
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// timeOf reads a member as a point in time: a string as parseTime does, a number of
// seconds, milliseconds, microseconds or nanoseconds since 1970, which may be spelled
// as a string, or what MongoDB exports: {"$date": …}.
func timeOf(v jsontext.Value) (time.Time, bool) {
	switch {
	case v.IsObject():
		return mongoTime(v)
	case !v.IsString():
		return epoch(string(v.Raw()))
	}
	if b, _ := v.Plain(); len(b) == len("2006-01-02T15:04:05.000000Z") {
		if t, ok := ttpcron.ParseUTC(b); ok {
			return t, true
		}
	}
	s, _ := v.Text()
	if t, ok := parseTime(s); ok {
		return t, true
	}
	return epochText(strings.TrimSpace(s))
}

// epochText reads a text as a number since 1970. A text of fewer digits than times have had
// since 2001 may be the end of a time that was torn: "000002" of "05:00:02.000002".
func epochText(s string) (time.Time, bool) {
	if d, ok := parseDecimal(s); !ok || d.whole() < 10 {
		return time.Time{}, false
	}
	return epoch(s)
}

// mongoTime reads {"$date":"2025-10-18T00:00:01Z"}, {"$date":1760745601000} or
// {"$date":{"$numberLong":"1760745601000"}}: numbers are milliseconds.
func mongoTime(v jsontext.Value) (time.Time, bool) {
	date := only(v, "$date")
	if long := only(date, "$numberLong"); len(long.Raw()) > 0 {
		date = long
	}
	text, isText := date.Text()
	if !isText {
		text = string(date.Raw())
	}
	if n, ok := parseDecimal(text); ok {
		return n.since1970(-3)
	}
	return parseTime(text)
}

// only returns the value of an object's only member, if that has the name.
func only(v jsontext.Value, name string) jsontext.Value {
	var found jsontext.Value
	if !v.IsObject() {
		return found
	}
	members := 0
	jsontext.EachMember(v.Raw(), func(n []byte, value jsontext.Value) bool {
		if members++; string(n) == name {
			found = value
		}
		return members < 2
	})
	if members != 1 {
		return jsontext.Value{}
	}
	return found
}

// layouts are the times that honeypots and what passes on their logs write; without a
// zone they are UTC. A fraction of a second is accepted by all of them.
var layouts = []string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05Z07",
	"2006-01-02 15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05Z0700",
	"2006-01-02 15:04:05Z07",
	"2006-01-02T15:04",
	"2006-01-02 15:04",
}

// parseTime reads an ISO 8601 time with or without a zone, which may stand behind a
// blank.
func parseTime(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if len(s) < len("2006-01-02 15:04") || len(s) > 64 {
		return time.Time{}, false
	}
	if t, ok := usualTime(s); ok {
		return t, usable(t)
	}
	// Python programs add a Z to a time that has its offset: 2026-05-04T05:49:05+00:00Z.
	if i := len(s) - len("+00:00Z"); s[i+6] == 'Z' && (s[i] == '+' || s[i] == '-') && s[i+3] == ':' {
		s = s[:len(s)-1]
	}
	const date = len("2006-01-02 ")
	if i := strings.IndexByte(s[date:], ' '); i >= 0 {
		zone := strings.TrimSpace(s[date+i:])
		switch {
		case zone == "UTC", zone == "(UTC)", zone == "GMT", zone == "Z":
			zone = "Z"
		case zone[0] != '+' && zone[0] != '-':
			return time.Time{}, false
		}
		s = s[:date+i] + zone
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), usable(t)
		}
	}
	return time.Time{}, false
}

// epoch reads a number since 1970. How large it is says of what: of seconds up to the
// year 5138, else of milliseconds, microseconds or nanoseconds.
func epoch(s string) (time.Time, bool) {
	n, ok := parseDecimal(s)
	if !ok {
		return time.Time{}, false
	}
	unit := 0
	for _, most := range [...]int{11, 14, 17} {
		if n.whole() > most {
			unit -= 3
		}
	}
	return n.since1970(unit)
}

// decimal is a number above zero: its digits, which begin with another than 0, and
// the power of ten that they count.
type decimal struct {
	digits   string
	exponent int
}

// whole returns how many digits the number has before the point.
func (d decimal) whole() int { return len(d.digits) + d.exponent }

func parseDecimal(s string) (d decimal, ok bool) {
	if len(s) > 40 {
		return d, false
	}
	mantissa := s
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		n, err := strconv.Atoi(s[i+1:])
		if err != nil || n < -99 || n > 99 {
			return d, false
		}
		mantissa, d.exponent = s[:i], n
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	d.exponent -= len(fraction)
	d.digits = strings.TrimLeft(whole+fraction, "0")
	for _, c := range []byte(whole + fraction) {
		if c < '0' || c > '9' {
			return d, false
		}
	}
	return d, d.digits != ""
}

// floatDigits is how many digits a number has that was written as programs write a
// float64 that they calculated: more than it knows.
const floatDigits = 17

// since1970 reads the number as a time in seconds, of which each is 10 to the power of
// unit. Whole numbers and short fractions are exact to the nanosecond.
func (d decimal) since1970(unit int) (time.Time, bool) {
	nanos := d.exponent + unit + 9
	n := d.digits
	switch {
	case d.whole()+unit > 12:
		return time.Time{}, false
	case nanos >= 0:
		n += strings.Repeat("0", nanos)
	case -nanos >= len(n):
		return time.Time{}, false
	default:
		n = n[:len(n)+nanos]
	}
	n = strings.Repeat("0", max(0, 10-len(n))) + n
	seconds, err1 := strconv.ParseInt(n[:len(n)-9], 10, 64)
	rest, err2 := strconv.ParseInt(n[len(n)-9:], 10, 64)
	if err1 != nil || err2 != nil {
		return time.Time{}, false
	}
	t := time.Unix(seconds, rest).UTC()
	if d.exponent < 0 && len(d.digits) == floatDigits {
		t = t.Round(time.Microsecond)
	}
	return t, usable(t)
}

// usable reports whether an event may have this time.
func usable(t time.Time) bool { return t.Unix() >= 0 && t.UTC().Year() <= 9999 }
