package scheduler

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Explain returns in words when a schedule occurs, and its next n occurrences after now.
// For an @every schedule they count from now.
func Explain(s *Schedule, now time.Time, n int) (words string, next []time.Time) {
	for t := now; len(next) < n; next = append(next, t) {
		if t = s.Next(t); t.IsZero() {
			break
		}
	}
	return s.words(), next
}

func (s *Schedule) words() string {
	if s.every > 0 {
		return "every " + durationWords(s.every)
	}
	zone := s.zone.String()
	return strings.Join([]string{s.clockWords(), s.dayWords()}, " ") + ", " + zone + " time"
}

// durationWords writes 1h30m0s as "1 hour 30 minutes".
func durationWords(d time.Duration) string {
	var parts []string
	for _, u := range []struct {
		d    time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		switch n := d / u.d; {
		case n == 1 && d == u.d && len(parts) == 0:
			return u.name
		case n == 1:
			parts = append(parts, "1 "+u.name)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, u.name))
		}
		d %= u.d
	}
	return strings.Join(parts, " ")
}

// set is the values of a field.
type set struct {
	values []int
	all    bool
	step   int // when the values are every so many from the least one, 0 else
}

func values(mask uint64, f field) set {
	mask &^= 1 << 63 // the library's mark of a star
	var v set
	for m := mask; m != 0; m &= m - 1 {
		v.values = append(v.values, bits.TrailingZeros64(m))
	}
	v.all = len(v.values) == f.max-f.min+1
	if len(v.values) < 3 || v.values[0] != f.min {
		return v
	}
	step := v.values[1] - v.values[0]
	for i, n := range v.values {
		if n != f.min+i*step {
			return v
		}
	}
	if v.values[len(v.values)-1]+step > f.max {
		v.step = step
	}
	return v
}

// clockWords says at which times of a day.
func (s *Schedule) clockWords() string {
	minute, hour := values(s.times.Minute, fields[0]), values(s.times.Hour, fields[1])
	const most = 12
	if !hour.all && len(minute.values)*len(hour.values) <= most && !(len(hour.values) > 4 && hour.step > 0) {
		var times []string
		for _, h := range hour.values {
			for _, m := range minute.values {
				times = append(times, fmt.Sprintf("%02d:%02d", h, m))
			}
		}
		return "at " + and(times, "and")
	}
	var text string
	switch {
	case minute.all:
		text = "every minute"
	case minute.step > 0 && 60%minute.step == 0:
		text = fmt.Sprintf("every %d minutes", minute.step)
	default:
		text = "at minute" + plural(minute) + " " + ranges(minute, strconv.Itoa)
	}
	switch {
	case hour.all && strings.HasPrefix(text, "at"):
		return text + " of every hour"
	case hour.all:
		return text
	case hour.step > 0 && 24%hour.step == 0:
		return fmt.Sprintf("%s of every %s hour from midnight", text, ordinal(hour.step))
	}
	return text + " of the hour" + plural(hour) + " " + ranges(hour, func(h int) string { return fmt.Sprintf("%02d", h) })
}

// dayWords says on which days.
func (s *Schedule) dayWords() string {
	dom, month, dow := values(s.times.Dom, fields[2]), values(s.times.Month, fields[3]), values(s.times.Dow, fields[4])
	var days string
	onDom := "day" + plural(dom) + " " + ranges(dom, strconv.Itoa) + " of the month"
	onDow := ranges(dow, func(d int) string { return time.Weekday(d).String() })
	either := s.times.Dom>>63 == 0 && s.times.Dow>>63 == 0
	switch {
	case dom.all && dow.all, either && (dom.all || dow.all):
		days = "every day"
	case dom.all:
		days = "on " + onDow
	case dow.all:
		days = "on " + onDom
	case either:
		days = "on " + onDom + " or on " + onDow
	default:
		days = "on " + onDom + " if it is " + onDow
	}
	if !month.all {
		days += " in " + ranges(month, func(m int) string { return time.Month(m).String() })
	}
	return days
}

func plural(v set) string {
	if len(v.values) == 1 {
		return ""
	}
	return "s"
}

func ordinal(n int) string {
	switch n {
	case 2:
		return "2nd"
	case 3:
		return "3rd"
	}
	return strconv.Itoa(n) + "th"
}

// ranges lists values, three or more in a row as a range.
func ranges(v set, name func(int) string) string {
	var parts []string
	for i := 0; i < len(v.values); {
		j := i
		for j+1 < len(v.values) && v.values[j+1] == v.values[j]+1 {
			j++
		}
		if j-i >= 2 {
			parts = append(parts, name(v.values[i])+" to "+name(v.values[j]))
			i = j + 1
			continue
		}
		parts = append(parts, name(v.values[i]))
		i++
	}
	return and(parts, "and")
}

// and joins words as in a sentence.
func and(parts []string, word string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " " + word + " " + parts[len(parts)-1]
}
