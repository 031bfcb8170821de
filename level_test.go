package ttpcron

import "testing"

func TestLevel(t *testing.T) {
	names := []string{"informational", "low", "medium", "high", "critical"}
	for i, name := range names {
		l, ok := ParseLevel(name)
		if !ok || l.String() != name {
			t.Errorf("ParseLevel(%q) = %s, %v", name, l, ok)
		}
		for j, other := range names {
			if min, _ := ParseLevel(other); l.AtLeast(min) != (i >= j) {
				t.Errorf("%s is at least %s: %v", l, min, i < j)
			}
		}
	}
	for _, bad := range []string{"", "Medium", "info", " low", "severe"} {
		if l, ok := ParseLevel(bad); ok || l != 0 {
			t.Errorf("ParseLevel(%q) = %s, %v", bad, l, ok)
		}
	}
}

// A claim that names no level, and one that a hostile store or caller gave, is
// medium.
func TestLevelMeansMedium(t *testing.T) {
	for _, l := range []Level{0, LevelCritical + 1, 255} {
		if l.String() != "medium" || !l.AtLeast(LevelMedium) || l.AtLeast(LevelHigh) || LevelLow.AtLeast(l) || !LevelHigh.AtLeast(l) {
			t.Errorf("level %d reads as %s, at least high %v", uint8(l), l, l.AtLeast(LevelHigh))
		}
	}
}

func TestMinLevels(t *testing.T) {
	low, high := FromLevel(LevelLow), MinLevels{Honeypot: LevelHigh}
	for _, c := range []struct {
		min            MinLevels
		level          Level
		honeypot, host bool
	}{
		{MinLevels{}, LevelInformational, true, true},
		{FromLevel(LevelInformational), LevelInformational, true, true},
		{DefaultMinLevels(), LevelInformational, true, false},
		{DefaultMinLevels(), LevelLow, true, false},
		{DefaultMinLevels(), 0, true, true}, // reads as medium
		{DefaultMinLevels(), LevelCritical, true, true},
		{low, LevelInformational, false, false}, {low, LevelLow, true, true},
		{high, LevelMedium, false, true}, {high, LevelHigh, true, true},
	} {
		if pot, host := c.min.Show(c.level, VantageHoneypot), c.min.Show(c.level, VantageHost); pot != c.honeypot || host != c.host {
			t.Errorf("%v shows %s of honeypots %v, of hosts %v", c.min, c.level, pot, host)
		}
	}
}
