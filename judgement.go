package ttpcron

import (
	"encoding/binary"
	"time"
)

// Judgement says that a correlation has judged all its slots that begin in a span of time.
// Tags that it has there are removed, except those of the commit and those that it keeps.
type Judgement struct {
	Rule  string
	Since time.Time
	Until time.Time // the first instant after the span
	// Part, of Parts, is the share of the tags that this applies to, so that no commit has
	// to name more kept tags than fit into memory. Parts is 0 for all tags.
	Part, Parts uint32
}

// Holds reports whether the judgement applies to a tag, going by its UUID alone.
func (j *Judgement) Holds(u UUID) bool {
	return j.Parts < 2 || binary.BigEndian.Uint32(u[:4])%j.Parts == j.Part
}

// JudgedDay says which correlations have judged every slot that overlaps a day, apart from
// base matches that came or went since.
type JudgedDay struct {
	Day   Day
	Rules []RuleDef // by ascending id
}

// SettledMatches says that the changes of a day's base matches, up to a number from
// [MatchDay.Last], have been judged wherever they matter.
type SettledMatches struct {
	Day  Day
	UpTo uint64
}

// MatchDay describes the stored base matches of one day.
type MatchDay struct {
	Day     Day
	Matches int
	// Touched counts the matches that came or went since they were judged. Last is the
	// number of the latest change.
	Touched int
	Last    uint64
	Judged  RuleSet // the correlations of its JudgedDay
}

// MatchQuery selects base matches of one grouping.
type MatchQuery struct {
	Grouping string    // see [Stream.Grouping]
	Since    time.Time // when the event happened
	Until    time.Time // the first instant that is not selected
	Groups   []Group   // nil: all
	Streams  []string  // ids; nil: all
}

// TouchedGroup is a group in which base matches of a day came or went since it was judged.
type TouchedGroup struct {
	Grouping string
	Group    Group
	Earliest time.Time // of those matches
	Latest   time.Time
	Went     bool // some of them went
}
