package ttpcron

import (
	"encoding/binary"
	"time"
)

// Judgement says that a correlation has judged all its slots that begin in a span of
// time: tags that it has there, beside those of the commit and those that it keeps, go.
type Judgement struct {
	Rule  string
	Since time.Time
	Until time.Time // the first instant after the span
	// Part, of Parts, is the share of the tags of which this is said, so that no commit has
	// to name more of those that are kept than fit into memory. Parts is 0 for all tags.
	Part, Parts uint32
}

// Holds reports whether the judgement speaks of a tag, going by its UUID alone.
func (j *Judgement) Holds(u UUID) bool {
	return j.Parts < 2 || binary.BigEndian.Uint32(u[:4])%j.Parts == j.Part
}

// JudgedDay says which correlations have judged everything that lies in a day, but for
// base matches that came or went since: every slot that has an instant in common with
// the day.
type JudgedDay struct {
	Day   Day
	Rules []RuleDef // by ascending id
}

// SettledMatches says that what came and went of a day, up to a number that
// [MatchDay.Last] gave, has been judged wherever it matters.
type SettledMatches struct {
	Day  Day
	UpTo uint64
}

// MatchDay describes the stored base matches of one day.
type MatchDay struct {
	Day     Day
	Matches int
	// Touched counts the matches that came or went since they were judged, Last numbers
	// what came or went last.
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

// TouchedGroup is a group of which base matches of a day came, or went, since they were
// judged.
type TouchedGroup struct {
	Grouping string
	Group    Group
	Earliest time.Time // of those matches
	Latest   time.Time
	Went     bool // some of them went
}
