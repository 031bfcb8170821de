package scheduler

import (
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		expr   string
		column int
		reason string
	}{
		{"", 1, "nothing says when"},
		{"   ", 4, "nothing says when"},
		{"60 * * * *", 1, "minute 60 is out of range 0 to 59"},
		{"* 24 * * *", 3, "hour 24"},
		{"* * 0 * *", 5, "day of month 0"},
		{"* * 32 * *", 5, "day of month 32"},
		{"* * * 13 *", 7, "month 13"},
		{"* * * * 7", 9, "Sunday is 0"},
		{"* * * * fry", 9, `"fry" is no day of week`},
		{"* * * * unm", 9, `"unm" is no day of week`},
		{"5,10,x * * * *", 6, `"x" is no minute`},
		{", * * * *", 1, "a value of the minute is missing"},
		{"1,,2 * * * *", 3, "a value of the minute is missing"},
		{"1- * * * *", 3, "a value of the minute is missing"},
		{"-1 * * * *", 1, "a value of the minute is missing"},
		{"*-5 * * * *", 1, `"*" is no minute`},
		{"5-1 * * * *", 3, "before it begins"},
		{"1-2-3 * * * *", 3, `"2-3" is no minute`},
		{"*/0 * * * *", 3, "no step"},
		{"*/60 * * * *", 3, "no step"},
		{"*/ * * * *", 3, "no step"},
		{"*/2/3 * * * *", 3, "no step"},
		{"+1 * * * *", 1, "no minute"},
		{"99999999999999999999 * * * *", 1, "no minute"},
		{"? * * * *", 1, `"?" is no minute`},
		{"* * * *", 8, "the day of week is missing"},
		{"*", 2, "the hour is missing"},
		{"0 0 * * * *", 11, "a sixth field"},
		{"0 0 30 2 *", 1, "no such day"},
		{"0 0 31 4,6,9,11 *", 1, "no such day"},
		{"@fortnightly", 1, "unknown word"},
		{"@reboot", 1, "unknown word"},
		{"@daily 5", 8, "nothing may follow"},
		{"@every", 7, "needs a duration"},
		{"@every 5", 8, "no duration"},
		{"@every 5m 3s", 11, "nothing may follow"},
		{"@every -5m", 8, "out of range"},
		{"@every 1ms", 8, "out of range"},
		{"@every 9000h", 8, "out of range"},
		{"@every 1500ms", 8, "whole number of seconds"},
		{"TZ=UTC", 7, "nothing says when"}, // the library panics
		{"CRON_TZ=", 9, "time zone is empty"},
		{"CRON_TZ=Mars/Olympus 0 0 * * *", 9, `unknown time zone "Mars/Olympus"`},
		{"CRON_TZ=../../etc/passwd 0 0 * * *", 9, "unknown time zone"},
		{"CRON_TZ=UTC\n0 0 * * *", 9, "unknown time zone"},
		{strings.Repeat("1,", 400) + "1 * * * *", 501, "longer than"},
	}
	for _, tt := range tests {
		_, err := Parse(tt.expr)
		var bad *ParseError
		if !errors.As(err, &bad) {
			t.Errorf("%q: %v", tt.expr, err)
			continue
		}
		if bad.Column != tt.column || !strings.Contains(bad.Reason, tt.reason) {
			t.Errorf("%q: column %d: %s, want column %d: %s", tt.expr, bad.Column, bad.Reason, tt.column, tt.reason)
		}
	}
}

func TestExplain(t *testing.T) {
	now := time.Date(2026, 5, 4, 5, 49, 5, 0, time.UTC) // a Monday
	tests := []struct{ expr, words, next string }{
		{"* * * * *", "every minute every day, UTC time", "2026-05-04T05:50:00Z 2026-05-04T05:51:00Z"},
		{"*/5 * * * *", "every 5 minutes every day, UTC time", "2026-05-04T05:50:00Z 2026-05-04T05:55:00Z"},
		{"*/7 * * * *", "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour every day, UTC time", "2026-05-04T05:56:00Z 2026-05-04T06:00:00Z"},
		{"30 2 * * *", "at 02:30 every day, UTC time", "2026-05-05T02:30:00Z 2026-05-06T02:30:00Z"},
		{"0,30 8,20 * * 1-5", "at 08:00, 08:30, 20:00 and 20:30 on Monday to Friday, UTC time", "2026-05-04T08:00:00Z 2026-05-04T08:30:00Z"},
		{"15 */6 * * *", "at 00:15, 06:15, 12:15 and 18:15 every day, UTC time", "2026-05-04T06:15:00Z 2026-05-04T12:15:00Z"},
		{"15 */2 * * *", "at minute 15 of every 2nd hour from midnight every day, UTC time", "2026-05-04T06:15:00Z 2026-05-04T08:15:00Z"},
		{"*/20 9-17 * * *", "every 20 minutes of the hours 09 to 17 every day, UTC time", "2026-05-04T09:00:00Z 2026-05-04T09:20:00Z"},
		{"0 0 13 * fri", "at 00:00 on day 13 of the month or on Friday, UTC time", "2026-05-08T00:00:00Z 2026-05-13T00:00:00Z"},
		{"0 0 1 jan,jul *", "at 00:00 on day 1 of the month in January and July, UTC time", "2026-07-01T00:00:00Z 2027-01-01T00:00:00Z"},
		{"0 0 29 2 *", "at 00:00 on day 29 of the month in February, UTC time", "2028-02-29T00:00:00Z 2032-02-29T00:00:00Z"},
		{"0 0 ? * sun", "at 00:00 on Sunday, UTC time", "2026-05-10T00:00:00Z 2026-05-17T00:00:00Z"},
		{"@hourly", "at minute 0 of every hour every day, UTC time", "2026-05-04T06:00:00Z 2026-05-04T07:00:00Z"},
		{"@daily", "at 00:00 every day, UTC time", "2026-05-05T00:00:00Z 2026-05-06T00:00:00Z"},
		{"@weekly", "at 00:00 on Sunday, UTC time", "2026-05-10T00:00:00Z 2026-05-17T00:00:00Z"},
		{"@yearly", "at 00:00 on day 1 of the month in January, UTC time", "2027-01-01T00:00:00Z 2028-01-01T00:00:00Z"},
		{"@every 5m", "every 5 minutes", "2026-05-04T05:54:05Z 2026-05-04T05:59:05Z"},
		{"@every 1h", "every hour", "2026-05-04T06:49:05Z 2026-05-04T07:49:05Z"},
		{"@every 25h30m1s", "every 1 day 1 hour 30 minutes 1 second", "2026-05-05T07:19:06Z 2026-05-06T08:49:07Z"},
		{"CRON_TZ=Europe/Berlin  30\t2 * * *", "at 02:30 every day, Europe/Berlin time", "2026-05-05T02:30:00+02:00 2026-05-06T02:30:00+02:00"},
		{"TZ=Asia/Kolkata @daily", "at 00:00 every day, Asia/Kolkata time", "2026-05-05T00:00:00+05:30 2026-05-06T00:00:00+05:30"},
	}
	for _, tt := range tests {
		s, err := Parse(tt.expr)
		if err != nil {
			t.Errorf("%q: %v", tt.expr, err)
			continue
		}
		words, next := Explain(s, now, 2)
		if got := times(next); words != tt.words || got != tt.next {
			t.Errorf("%q: %s: %s\nwant %s: %s", tt.expr, words, got, tt.words, tt.next)
		}
		if s.String() != tt.expr {
			t.Errorf("String: %q", s.String())
		}
	}
}

func times(at []time.Time) string {
	var out []string
	for _, a := range at {
		out = append(out, a.Format(time.RFC3339))
	}
	return strings.Join(out, " ")
}

// The calendar has no 29th of February for eight years around 2100.
func TestNextAcrossACenturyWithoutLeapDay(t *testing.T) {
	s := parse(t, "0 0 29 2 *")
	if got := s.Next(time.Date(2096, 3, 1, 0, 0, 0, 0, time.UTC)); got.Year() != 2104 {
		t.Errorf("next is %v", got)
	}
}

func parse(t testing.TB, expr string) *Schedule {
	t.Helper()
	s, err := Parse(expr)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDaylightSaving is the table of what changes of the clocks do.
func TestDaylightSaving(t *testing.T) {
	tests := []struct{ name, expr, after, want string }{
		// In Berlin 2026-03-29 02:00 is 03:00, and 2026-10-25 03:00 is 02:00 again.
		{"skipped: right after the jump", "CRON_TZ=Europe/Berlin 30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-30T02:30:00+02:00"},
		{"several skipped: once", "CRON_TZ=Europe/Berlin 10,20,30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-30T02:10:00+02:00"},
		{"skipped and the hour after it: once", "CRON_TZ=Europe/Berlin 0 2,3 * * *", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-30T02:00:00+02:00"},
		{"repeated: the first time", "CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T02:30:00+02:00 2026-10-26T02:30:00+01:00"},
		{"asked for in the second pass", "CRON_TZ=Europe/Berlin 45 2 * * *", "2026-10-25T01:00:00Z", "2026-10-26T02:45:00+01:00 2026-10-27T02:45:00+01:00"},
		{"every hour goes on in spring", "CRON_TZ=Europe/Berlin 30 * * * *", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00+01:00 2026-03-29T03:30:00+02:00"},
		{"every hour goes on in autumn", "CRON_TZ=Europe/Berlin 30 * * * *", "2026-10-25T00:00:00Z", "2026-10-25T02:30:00+02:00 2026-10-25T02:30:00+01:00 2026-10-25T03:30:00+01:00"},
		{"every 20 minutes in autumn", "CRON_TZ=Europe/Berlin */20 * * * *", "2026-10-25T00:30:00Z", "2026-10-25T02:40:00+02:00 2026-10-25T02:00:00+01:00 2026-10-25T02:20:00+01:00"},
		// Midnight was left out in Sao Paulo, half an hour is on Lord Howe Island,
		// two hours at Troll, and all of 2011-12-30 was in Samoa.
		{"midnight skipped", "CRON_TZ=America/Sao_Paulo 0 0 * * *", "2018-11-03T12:00:00Z", "2018-11-04T01:00:00-02:00 2018-11-05T00:00:00-02:00"},
		{"midnight repeated", "CRON_TZ=America/Sao_Paulo 30 23 * * *", "2018-02-17T12:00:00Z", "2018-02-17T23:30:00-02:00 2018-02-18T23:30:00-03:00"},
		{"half an hour skipped", "CRON_TZ=Australia/Lord_Howe 15 2 * * *", "2026-10-03T00:00:00Z", "2026-10-04T02:30:00+11:00 2026-10-05T02:15:00+11:00"},
		{"half an hour repeated", "CRON_TZ=Australia/Lord_Howe 45 1 * * *", "2026-04-04T00:00:00Z", "2026-04-05T01:45:00+11:00 2026-04-06T01:45:00+10:30"},
		{"two hours repeated", "CRON_TZ=Antarctica/Troll 30 1,2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T01:30:00+02:00 2026-10-25T02:30:00+02:00 2026-10-26T01:30:00Z"},
		{"a day skipped", "CRON_TZ=Pacific/Apia 0 12 * * *", "2011-12-29T12:00:00Z", "2011-12-29T12:00:00-10:00 2011-12-31T00:00:00+14:00 2011-12-31T12:00:00+14:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := parse(t, tt.expr)
			after, err := time.Parse(time.RFC3339, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			_, next := Explain(s, after, strings.Count(tt.want, " ")+1)
			if got := times(next); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Occurrences ascend, every one fits the clock on the wall unless it stands
// right behind a jump, and no occurrence is left out: compared with a walk
// through all minutes of the days around changes of the clocks.
func TestNextAgreesWithAWalk(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca", "Pacific/Apia"} {
		for _, fields := range []string{"*/20 * * * *", "10 * * * *", "30 2 * * *", "0 0,3 * * *", "*/25 1-2 * * *", "0 0 * * 0"} {
			s := parse(t, "CRON_TZ="+zone+" "+fields)
			for _, from := range []time.Time{time.Date(2018, 11, 2, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 23, 0, 0, 0, 0, time.UTC), time.Date(2011, 12, 28, 0, 0, 0, 0, time.UTC)} {
				until := from.Add(96 * time.Hour)
				var want []string
				for at := range walk(s, from, until) {
					want = append(want, at)
				}
				var got []string
				for at := s.Next(from); !at.After(until); at = s.Next(at) {
					got = append(got, at.UTC().Format(time.RFC3339))
					if len(got) > 10_000 {
						t.Fatal("no end")
					}
				}
				if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
					t.Errorf("%s from %v:\ngot\n%s\nwant\n%s", s, from, g, w)
				}
			}
		}
	}
}

// walk yields the occurrences in (from, until] by looking at every minute.
func walk(s *Schedule, from, until time.Time) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		fits := func(c time.Time) bool { return s.civil(c.Add(-time.Second)).Equal(c) }
		for at := from.Add(-25 * time.Hour); !at.After(until); at = at.Add(time.Minute) {
			here, before := asUTC(at.In(s.zone)), asUTC(at.Add(-time.Minute).In(s.zone))
			now := fits(here) && (s.everyHour() || !seen[here.String()])
			seen[here.String()] = true
			for c := before.Add(time.Minute); c.Before(here) && !s.everyHour(); c = c.Add(time.Minute) {
				now = now || fits(c)
			}
			if now && at.After(from) && !yield(at.UTC().Format(time.RFC3339)) {
				return
			}
		}
	}
}

// FuzzParse shows that an expression is refused with a position that lies in it,
// or gives a schedule that can be explained and that moves forward.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"*/5 * * * *", "0 0 29 2 1", "@every 90s", "@daily", "TZ=UTC", "CRON_TZ=Europe/Berlin 30 2 * * 1-5", "CRON_TZ=Pacific/Apia */7 * * * *", "1-5/2,7 * ? jan sun", "0 0 31 2 *"} {
		f.Add(s, int64(1_761_350_000))
	}
	f.Fuzz(func(t *testing.T, expr string, unix int64) {
		s, err := Parse(expr)
		if err != nil {
			var bad *ParseError
			if !errors.As(err, &bad) || bad.Column < 1 || bad.Column > len(expr)+1 || bad.Reason == "" {
				t.Fatalf("%q: %v", expr, err)
			}
			return
		}
		now := time.Unix(((unix%4e9)+4e9)%4e9, 0)
		words, next := Explain(s, now, 3)
		if words == "" || len(next) == 0 {
			t.Fatalf("%q: %q, %v", expr, words, next)
		}
		for i, at := range next {
			if i > 0 {
				now = next[i-1]
			}
			if !at.After(now) {
				t.Fatalf("%q: %v comes after %v", expr, at, now)
			}
		}
	})
}

func BenchmarkNext(b *testing.B) {
	for _, expr := range []string{"*/5 * * * *", "CRON_TZ=Europe/Berlin 30 2 * * *", "CRON_TZ=Europe/Berlin * * * * *"} {
		b.Run(expr, func(b *testing.B) {
			s := parse(b, expr)
			at := time.Date(2026, 10, 24, 23, 0, 0, 0, time.UTC)
			for b.Loop() {
				s.Next(at)
			}
		})
	}
}
