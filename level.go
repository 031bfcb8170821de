package ttpcron

// Level is how much an event that a rule matches says where honest people work
// too: listing processes says next to nothing, fetching a miner and starting it a
// great deal. It is not how sure the rule is of the technique, which is the claim's
// confidence. The words are Sigma's.
//
// The zero value is the level of a rule that names none, and reads as medium. A
// rule that says medium gives it too, so that both claim the same.
type Level uint8

// The levels, in ascending order. Compare them with AtLeast, which takes the zero
// value for what it means.
const (
	LevelInformational Level = iota + 1
	LevelLow
	LevelMedium
	LevelHigh
	LevelCritical
)

// levelNames are by level.
var levelNames = [...]string{"medium", "informational", "low", "medium", "high", "critical"}

// String returns the level's name.
func (l Level) String() string {
	if int(l) >= len(levelNames) {
		return levelNames[0]
	}
	return levelNames[l]
}

// ParseLevel reads a level's name as String gives it. Other spellings are refused.
func ParseLevel(name string) (l Level, ok bool) {
	for i, n := range levelNames[1:] {
		if n == name {
			return Level(i + 1), true
		}
	}
	return 0, false
}

// AtLeast reports whether the level is min or above it.
func (l Level) AtLeast(min Level) bool { return l.Rank() >= min.Rank() }

// MinLevels are the levels at which a view of tags begins, by where the events were
// seen. The zero value shows every tag.
type MinLevels struct{ Honeypot, Host Level }

// DefaultMinLevels are those of a view for which nobody asked otherwise: whoever works
// on a honeypot is an attacker, whoever works on a host may be its owner. A store counts
// the tags of attackers by them: others need these counts made anew.
func DefaultMinLevels() MinLevels { return MinLevels{Host: LevelMedium} }

// FromLevel begins at one level, wherever events were seen.
func FromLevel(l Level) MinLevels { return MinLevels{l, l} }

// Show reports whether a view shows tags of a level.
func (m MinLevels) Show(l Level, v Vantage) bool {
	least := m.Honeypot
	if v == VantageHost {
		least = m.Host
	}
	return least == 0 || l.AtLeast(least)
}

// Levels lists the levels, the highest first.
func Levels() []Level {
	return []Level{LevelCritical, LevelHigh, LevelMedium, LevelLow, LevelInformational}
}

// Rank returns the level that String names: medium for the zero value, and for what is none.
func (l Level) Rank() Level {
	if l == 0 || l > LevelCritical {
		return LevelMedium
	}
	return l
}
