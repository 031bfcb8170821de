package ttpcron

// Level is how much a matched event means where honest people work too: listing processes
// means next to nothing, fetching and starting a miner a great deal. It is not how sure the
// rule is of the technique; that is the claim's confidence. The words are Sigma's.
//
// The zero value is the level of a rule that names none, and reads as medium. A rule that
// says medium has it too, so that both make the same claim.
type Level uint8

// The levels, in ascending order. Compare them with AtLeast, which reads the zero value as
// medium.
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

// DefaultMinLevels are those of a view by default: anyone on a honeypot is an attacker, but
// on a host it may be the owner. A store counts attackers' tags with them, so other levels
// need another count.
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

// Rank returns the level that String names: medium for the zero value and for invalid
// levels.
func (l Level) Rank() Level {
	if l == 0 || l > LevelCritical {
		return LevelMedium
	}
	return l
}
