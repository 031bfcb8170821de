package importer

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Times without a year go on from the year in which the file begins.
func TestYears(t *testing.T) {
	for name, c := range map[string]struct {
		file  string
		zone  string
		year  int
		times []string
		want  []string
	}{
		"one":              {"auth.log", "UTC", 2025, []string{"Nov 27 13:51:56"}, []string{"2025-11-27T13:51:56Z"}},
		"zone":             {"auth.log", "Europe/Berlin", 2025, []string{"Nov 27 13:51:56", "Jul  1 00:00:00"}, []string{"2025-11-27T12:51:56Z", "2026-06-30T22:00:00Z"}},
		"a new year":       {"auth.log", "UTC", 2025, []string{"Dec 31 23:59:59", "Jan  1 00:00:00", "Jan  2 00:00:00"}, []string{"2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"}},
		"late":             {"auth.log", "UTC", 2025, []string{"Dec 31 23:59:59", "Jan  1 00:00:00", "Dec 31 23:59:58", "Jan  1 00:00:01"}, []string{"2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2025-12-31T23:59:58Z", "2026-01-01T00:00:01Z"}},
		"a little back":    {"auth.log", "UTC", 2025, []string{"Mar  3 00:00:00", "Mar  2 00:00:00", "Mar  3 00:00:00"}, []string{"2025-03-03T00:00:00Z", "2025-03-02T00:00:00Z", "2025-03-03T00:00:00Z"}},
		"a quiet host":     {"auth.log", "UTC", 2025, []string{"Jan  1 00:00:00", "Nov  1 00:00:00", "Sep  1 00:00:00", "Jan  1 00:00:00"}, []string{"2025-01-01T00:00:00Z", "2025-11-01T00:00:00Z", "2026-09-01T00:00:00Z", "2027-01-01T00:00:00Z"}},
		"29 February":      {"auth.log", "UTC", 2025, []string{"Feb 29 00:00:00"}, []string{""}},
		"in a leap year":   {"auth.log", "UTC", 2024, []string{"Feb 29 00:00:00"}, []string{"2024-02-29T00:00:00Z"}},
		"the file's name":  {"auth.log-20260115", "UTC", 0, []string{"Dec 31 00:00:00", "Jan  3 00:00:00"}, []string{"2025-12-31T00:00:00Z", "2026-01-03T00:00:00Z"}},
		"rather the name":  {"secure-20260115", "UTC", 2020, []string{"Jan 14 00:00:00"}, []string{"2026-01-14T00:00:00Z"}},
		"on the same day":  {"secure.2026-01-15", "UTC", 0, []string{"Jan 16 00:00:00"}, []string{"2026-01-16T00:00:00Z"}},
		"a leap second":    {"auth.log", "UTC", 2016, []string{"Dec 31 23:59:60"}, []string{"2017-01-01T00:00:00Z"}},
		"fractions":        {"auth.log", "UTC", 2025, []string{"Nov 27 13:51:56.25"}, []string{"2025-11-27T13:51:56.25Z"}},
		"the end of years": {"auth.log", "UTC", 9999, []string{"Dec 31 00:00:00", "Jan  1 00:00:00"}, []string{"9999-12-31T00:00:00Z", ""}},
	} {
		var b strings.Builder
		for _, at := range c.times {
			b.WriteString(at + " web-1 sshd[7]: Failed password for root from 203.0.113.7 port 4 ssh2\n")
		}
		path := write(t, t.TempDir(), c.file, []byte(b.String()))
		zone, _ := time.LoadLocation(c.zone)
		o := Options{Final: true, Settings: Settings{Zone: zone, Year: c.year}}
		if c.year == maxYear { // no file system knows such a time
			path, o.Stdin, o.Now = Stdin, strings.NewReader(b.String()), func() time.Time { return time.Date(maxYear, 12, 31, 0, 0, 0, 0, time.UTC) }
		} else {
			changed(t, path, time.Date(2030, 6, 15, 0, 0, 0, 0, time.UTC))
		}
		r := mustRead(t, path, o)
		var got []string
		for i := range r.Events {
			got = append(got, r.Events[i].Time.Format(time.RFC3339Nano))
		}
		want := slices.DeleteFunc(slices.Clone(c.want), func(s string) bool { return s == "" })
		if !slices.Equal(got, want) || len(r.Rejects) != len(c.want)-len(want) || r.Format != "sshd" {
			t.Errorf("%s: %s %q, want %q; rejects %+v", name, r.Format, got, c.want, r.Rejects)
		}
	}
}

// changed sets when a file was last changed.
func changed(t testing.TB, path string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// failedOn is a log of attempts at times without a year.
func failedOn(times ...string) []byte {
	var b strings.Builder
	for _, at := range times {
		b.WriteString(at + " web-1 sshd[7]: Failed password for root from 203.0.113.7 port 4 ssh2\n")
	}
	return []byte(b.String())
}

// A year that the last change of the file contradicts is refused, before anything is read.
func TestYearCannotBe(t *testing.T) {
	day := func(text string) time.Time {
		at, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	berlin, _ := time.LoadLocation("Europe/Berlin")
	for name, c := range map[string]struct {
		year    int
		changed string
		times   []string
		wrong   string // what the error says; empty: the file is read
		rejects int
	}{
		"right":                    {2026, "2026-11-29 12:00", []string{"Nov 27 13:51:56", "Nov 29 11:00:00"}, "", 0},
		"last year's":              {2026, "2027-01-04 12:00", []string{"Jan  3 00:00:01", "Jan  4 12:59:59"}, "with year = 2026 its lines end on 2026-01-04, but the file was last changed on 2027-01-04; year = 2027 would fit", 0},
		"two years old":            {2024, "2026-01-04 12:00", []string{"Jan  3 00:00:01", "Jan  4 12:59:59"}, "year = 2026 would fit", 0},
		"last year's, at midnight": {2026, "2027-12-31 23:30", []string{"Dec 30 00:00:01", "Dec 31 23:59:59"}, "its lines end on 2026-12-31, but the file was last changed on 2028-01-01; year = 2027 would fit", 0},
		"over New Year":            {2026, "2027-01-02 12:00", []string{"Dec 27 00:00:01", "Jan  2 12:59:59"}, "", 0},
		"over New Year, too early": {2025, "2027-01-02 12:00", []string{"Dec 27 00:00:01", "Jan  2 12:59:59"}, "with year = 2025 its lines end on 2026-01-02, but the file was last changed on 2027-01-02; year = 2026 would fit", 0},
		"over New Year, too late":  {2027, "2027-01-02 12:00", []string{"Dec 27 00:00:01", "Dec 28 00:00:00", "Jan  2 12:59:59"}, "with year = 2027 it has lines of 2027-12-27, but the file was last changed on 2027-01-02; year = 2026 would fit", 0},
		"too late at first":        {2027, "2027-01-05 12:00", slices.Concat(slices.Repeat([]string{"Dec 30 00:00:01"}, 10), slices.Repeat([]string{"Jan  5 00:00:00"}, 30)), "with year = 2027 it has lines of 2027-12-30, but the file was last changed on 2027-01-05; year = 2026 would fit", 0},
		"nine wrong clocks":        {2026, "2026-11-29 12:00", slices.Concat(slices.Repeat([]string{"Dec 30 00:00:01"}, 9), slices.Repeat([]string{"Nov 29 00:00:00"}, 30)), "", 9},
		"far too late":             {2031, "2026-11-29 12:00", []string{"Nov 27 13:51:56"}, "year = 2026 would fit", 0},
		"copied later":             {2024, "2026-11-29 12:00", []string{"Mar  3 00:00:01"}, "", 0},
		"29 February":              {2024, "2028-02-29 12:00", []string{"Feb 29 12:30:00"}, "year = 2028 would fit", 0},
		"a wrong clock":            {2026, "2026-11-29 12:00", []string{"Nov 27 13:51:56", "Jun  5 00:00:00", "Dec 31 00:00:00", "Nov 28 00:00:00"}, "", 2},
		"a wrong clock at first":   {2026, "2026-11-29 12:00", []string{"Dec 31 00:00:00", "Nov 27 13:51:56", "Nov 28 00:00:00"}, "", 1},
		"from an archive":          {2026, "1980-01-01 00:00", []string{"Jan  4 23:59:59"}, "", 0},
		"no zone at all":           {2026, "2027-01-04 12:00", []string{"Jan  4 23:59:59"}, "year = 2027 would fit", 0},
	} {
		path := write(t, t.TempDir(), "auth.log", failedOn(c.times...))
		changed(t, path, day(c.changed))
		o := Options{Settings: Settings{Zone: berlin, Year: c.year}, Now: func() time.Time { return day("2040-01-01 00:00") }}
		f, err := Open(t.Context(), path, o)
		if err == nil {
			f.Close()
		}
		lacks := (*LacksError)(nil)
		switch is := errors.As(err, &lacks); {
		case c.wrong != "":
			if !is || !strings.Contains(err.Error(), c.wrong) || !slices.Equal(lacks.Settings, []string{"year"}) || lacks.SaidBefore() || lacks.Look() == nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			o.Look = *lacks.Look()
			first := err.Error()
			if _, err := Open(t.Context(), path, o); !errors.As(err, &lacks) || !lacks.SaidBefore() || err.Error() != first {
				t.Errorf("%s, again: %v", name, err)
			}
			// What would fit does.
			o.Settings.Year, _ = strconv.Atoi(first[strings.LastIndex(first, "year = ")+len("year = "):][:4])
			if r := readAll(t, path, o); r.Err != nil || len(r.Events) != len(c.times) {
				t.Errorf("%s, with %d: %v, %d events", name, o.Settings.Year, r.Err, len(r.Events))
			}
		default:
			r := readAll(t, path, o)
			if err != nil || len(r.Events) != len(c.times)-c.rejects || len(r.Rejects) != c.rejects {
				t.Errorf("%s: %v, %d events, rejects %+v", name, err, len(r.Events), r.Rejects)
			}
		}
	}
}

// A wrong clock begins no new year in a file with a date in its name either, and a copy that
// lost its time is read.
func TestYearOfADatedFile(t *testing.T) {
	path := write(t, t.TempDir(), "auth.log-20261129", failedOn("Nov 27 13:51:56", "Jun  5 00:00:00", "Nov 28 00:00:00"))
	for _, at := range []string{"2026-11-29", "2001-01-01"} {
		day, _ := time.Parse(time.DateOnly, at)
		changed(t, path, day)
		r := mustRead(t, path, Options{Settings: Settings{Zone: time.UTC}})
		if len(r.Events) != 2 || len(r.Rejects) != 1 || r.Events[1].Time.Format(time.DateOnly) != "2026-11-28" {
			t.Errorf("changed on %s: %d events, rejects %+v", at, len(r.Events), r.Rejects)
		}
	}
}

// A year that goes badly with the file's last change, but may be right, is read with a note.
func TestYearInDoubt(t *testing.T) {
	path := write(t, t.TempDir(), "auth.log", failedOn("Jan  3 00:00:00"))
	for at, want := range map[string][]string{
		"2026-01-20": {"its times end on 2025-01-03, and the file was last changed on 2026-01-20: is the year right?"},
		"2025-06-20": nil,
	} {
		day, _ := time.Parse(time.DateOnly, at)
		changed(t, path, day)
		if r := mustRead(t, path, Options{Settings: Settings{Zone: time.UTC, Year: 2025}}); !slices.Equal(r.Notes, want) || len(r.Events) != 1 {
			t.Errorf("%s: %q", at, r.Notes)
		}
	}
}

// Nothing of standard input is in the future.
func TestYearOfStdin(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC) }
	r := mustRead(t, Stdin, Options{Settings: Settings{Zone: time.UTC, Year: 2026}, Now: now, Stdin: bytes.NewReader(failedOn("Nov 28 00:00:00", "Dec 24 00:00:00"))})
	if len(r.Events) != 1 || len(r.Rejects) != 1 || r.Rejects[0].Reason != errFuture.Error() {
		t.Errorf("%d events, rejects %+v", len(r.Events), r.Rejects)
	}
}

// The log that is written to begins where the file ends that rotation made before, if its
// name has a date.
func TestYearOfTheFileBefore(t *testing.T) {
	for name, c := range map[string]struct {
		beside  []string
		year    int
		changed string
		times   []string
		want    []string // nil: refused
		says    string
	}{
		"this year":         {[]string{"secure-20261122"}, 0, "2026-11-29", []string{"Nov 22 03:00:00", "Nov 28 00:00:00"}, []string{"2026-11-22", "2026-11-28"}, ""},
		"the next year":     {[]string{"secure-20261227"}, 0, "2027-01-05", []string{"Jan  3 03:00:00"}, []string{"2027-01-03"}, ""},
		"over New Year":     {[]string{"secure-20261227"}, 0, "2027-01-02", []string{"Dec 27 03:00:00", "Jan  1 03:00:00"}, []string{"2026-12-27", "2027-01-01"}, ""},
		"the newest counts": {[]string{"secure-20201227", "secure-20261227.gz", "secure-20251227", "messages-20280101"}, 0, "2027-01-05", []string{"Jan  3 03:00:00"}, []string{"2027-01-03"}, ""},
		"another zone":      {[]string{"secure-20270101"}, 0, "2027-01-02", []string{"Dec 31 22:00:00", "Jan  2 00:00:00"}, []string{"2026-12-31", "2027-01-02"}, ""},
		"a leap day":        {[]string{"secure-20270601"}, 0, "2028-03-01", []string{"Feb 29 22:00:00"}, []string{"2028-02-29"}, ""},
		"the setting wins":  {[]string{"secure-20240101"}, 2026, "2026-11-29", []string{"Nov 22 03:00:00"}, []string{"2026-11-22"}, ""},
		"an old leftover":   {[]string{"secure-20200101"}, 0, "2026-11-22", []string{"Nov 22 03:00:00"}, nil, "by the date in the name of secure-20200101 its lines end on 2020-11-22, but the file was last changed on 2026-11-22; year = 2026 would fit"},
		"only numbers":      {[]string{"secure.1"}, 0, "2026-11-29", []string{"Nov 22 03:00:00"}, nil, "it does not say its year"},
	} {
		dir := t.TempDir()
		for _, other := range c.beside {
			write(t, dir, other, nil)
		}
		path := write(t, dir, "secure", failedOn(c.times...))
		at, _ := time.Parse(time.DateOnly, c.changed)
		changed(t, path, at)
		r := readAll(t, path, Options{Settings: Settings{Zone: time.UTC, Year: c.year}})
		var got []string
		for i := range r.Events {
			got = append(got, r.Events[i].Time.Format(time.DateOnly))
		}
		if !slices.Equal(got, c.want) || (r.Err != nil) != (c.says != "") || r.Err != nil && !strings.Contains(r.Err.Error(), c.says) {
			t.Errorf("%s: %q, %v", name, got, r.Err)
		}
	}
}
