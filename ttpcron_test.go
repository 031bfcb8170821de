package ttpcron

import (
	"reflect"
	"testing"
	"time"
)

func at(t testing.TB, s string) time.Time {
	t.Helper()
	if s == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestDayOf(t *testing.T) {
	for s, want := range map[string]Day{
		"1970-01-01T00:00:00Z":           0,
		"1970-01-01T23:59:59.999999999Z": 0,
		"1970-01-02T00:00:00Z":           1,
		"1969-12-31T23:59:59.999999999Z": -1,
		"1969-12-31T00:00:00Z":           -1,
		"1969-12-30T23:59:59Z":           -2,
		"2026-11-02T00:30:00+01:00":      20758, // still 1 November in UTC
		"2100-02-28T23:59:59Z":           47540,
		"9999-12-31T23:59:59Z":           2932896,
	} {
		if got := DayOf(at(t, s)); got != want {
			t.Errorf("DayOf(%s) = %d, want %d", s, got, want)
		}
	}
	for _, d := range []Day{-2, -1, 0, 1, 20758, 2932896} {
		if got := DayOf(d.Start()); got != d {
			t.Errorf("day %d starts in day %d", d, got)
		}
		if got := DayOf((d + 1).Start().Add(-1)); got != d {
			t.Errorf("day %d ends in day %d", d, got)
		}
	}
	if got := Day(20758).String(); got != "2026-11-01" {
		t.Errorf("day 20758 is %s", got)
	}
}

func TestWindow(t *testing.T) {
	const day = "2026-11-02T00:00:00Z"
	d := DayOf(at(t, day))
	for _, c := range []struct {
		since, until     string
		overlaps, covers bool
	}{
		{"", "", true, true},
		{day, "", true, true},
		{"2026-11-02T00:00:00.000000001Z", "", true, false},
		{"2026-11-02T23:59:59.999999999Z", "", true, false},
		{"2026-11-03T00:00:00Z", "", false, false},
		{"", day, false, false},
		{"", "2026-11-02T00:00:00.000000001Z", true, false},
		{"", "2026-11-03T00:00:00Z", true, true},
		{day, "2026-11-03T00:00:00Z", true, true},
		{"2026-11-02T06:00:00Z", "2026-11-02T07:00:00Z", true, false},
		{"2026-11-02T06:00:00Z", "2026-11-02T06:00:00Z", false, false}, // empty
		{"2026-11-02T07:00:00Z", "2026-11-02T06:00:00Z", false, false}, // the wrong way round
		{"2026-11-02T01:00:00+01:00", "2026-11-03T01:00:00+01:00", true, true},
	} {
		w := Window{Since: at(t, c.since), Until: at(t, c.until)}
		if got := w.Overlaps(d); got != c.overlaps {
			t.Errorf("[%s, %s) overlaps %s: %v", c.since, c.until, d, got)
		}
		if got := w.Covers(d); got != c.covers {
			t.Errorf("[%s, %s) covers %s: %v", c.since, c.until, d, got)
		}
	}
	w := Window{Since: at(t, day), Until: at(t, "2026-11-03T00:00:00Z")}
	if !w.Contains(w.Since) || w.Contains(w.Since.Add(-1)) || !w.Contains(w.Until.Add(-1)) || w.Contains(w.Until) {
		t.Error("a window holds its first instant and not its end")
	}
}

func TestRuleStateAt(t *testing.T) {
	end := at(t, "2026-11-02T00:00:00Z")
	for _, c := range []struct {
		state RuleState
		now   time.Time
		want  RuleStatus
	}{
		{RuleState{}, end, StatusEnabled},
		{RuleState{Status: StatusDisabled}, end, StatusDisabled},
		{RuleState{Status: StatusDisabled, ExpiresAt: end}, end.Add(-1), StatusDisabled},
		{RuleState{Status: StatusDisabled, ExpiresAt: end}, end, StatusEnabled},
		{RuleState{Status: StatusClipped, ExpiresAt: end}, end.Add(time.Hour), StatusEnabled},
	} {
		if got := c.state.At(c.now); got != c.want {
			t.Errorf("%+v at %s is %s, want %s", c.state, c.now, got, c.want)
		}
	}
}

func TestTagQueryMatch(t *testing.T) {
	tag := Tag{
		Claim:        Claim{RuleID: "R1", Tactic: "TA0006", TechniqueID: "T1110", SubTechniqueID: "T1110.003", Confidence: 0.6, Level: LevelHigh},
		AttackerUUID: "a", AttackerIP: "203.0.113.7", IdentityUUID: "i", SessionID: "s", Seq: 7, EventTime: at(t, "2026-11-02T00:00:00Z"),
	}
	for name, q := range map[string]TagQuery{
		"everything": {}, "uuid": {Attacker: "a"}, "address": {Attacker: "203.0.113.7"}, "identity": {Attacker: "i"},
		"session": {Session: "s"}, "technique": {Technique: "T1110"}, "sub-technique": {Technique: "T1110.003"},
		"tactic": {Tactics: []string{"TA0001", "TA0006"}}, "rule": {Rule: "R1"}, "confidence": {MinConfidence: 0.6},
		"arrival": {ArrivedAfter: 6}, "level": {MinLevels: FromLevel(LevelHigh)}, "lower level": {MinLevels: FromLevel(LevelInformational)}, "level of hosts": {MinLevels: MinLevels{Host: LevelCritical}},
		"window": {Window: Window{Since: tag.EventTime}}, "limit": {Limit: 1},
	} {
		if !q.Match(&tag) {
			t.Errorf("%s: not selected", name)
		}
	}
	for name, q := range map[string]TagQuery{
		"attacker": {Attacker: "b"}, "session": {Session: "t"}, "technique": {Technique: "T1111"}, "other sub": {Technique: "T1110.001"},
		"start of an id": {Technique: "T111"}, "tactic": {Tactics: []string{"TA0001"}}, "rule": {Rule: "R"}, "confidence": {MinConfidence: 0.61},
		"level": {MinLevels: MinLevels{Honeypot: LevelCritical}}, "arrival": {ArrivedAfter: 7},
		"window": {Window: Window{Until: tag.EventTime}},
	} {
		if q.Match(&tag) {
			t.Errorf("%s: selected", name)
		}
	}
}

func TestImportReportAdd(t *testing.T) {
	sum := ImportReport{File: "a", Lines: 1, New: 2, Known: 3, Changed: 4, Ignored: 5, Rejected: 6, Waiting: 7, NewKinds: NameCounts{"command": 2}}
	sum.Add(ImportReport{File: "b", Lines: 10, New: 20, Known: 30, Changed: 40, Ignored: 50, Rejected: 60, Waiting: 70, NewKinds: NameCounts{"command": 19, "canary": 1}, IgnoredTypes: NameCounts{"x": 50}})
	if want := (ImportReport{File: "a", Lines: 11, New: 22, Known: 33, Changed: 44, Ignored: 55, Rejected: 66, Waiting: 77, NewKinds: NameCounts{"command": 21, "canary": 1}, IgnoredTypes: NameCounts{"x": 50}}); !reflect.DeepEqual(sum, want) {
		t.Errorf("sum %+v, want %+v", sum, want)
	}
}
