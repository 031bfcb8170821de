package ttpcron

import "time"

// Summary is the counts of a window's tags.
type Summary struct {
	Window Window // of event time
	Tags   int
	First  time.Time // earliest event time, zero when there are no tags
	Last   time.Time // latest

	Techniques []TechniqueCount // most tags first
	Rules      []RuleCount      // most tags first
	// Attackers are at most MaxAttackers attackers, those with the most tags first.
	// Addresses in the user's own networks are not among them. Resolvers are, because
	// counts by attacker do not say what the events were.
	Attackers []AttackerCount
	// AttackersTotal is how many attackers there are, in the list or not.
	AttackersTotal int
	OwnTags        int // tags of attackers in the user's own networks
	LeftOut        int // tags below the requested levels, which are not counted above
}

// MaxAttackers is how many attackers a Summary lists.
const MaxAttackers = 100

// TechniqueCount counts the tags of one technique under one tactic.
type TechniqueCount struct {
	Tactic         string
	TechniqueID    string
	SubTechniqueID string // empty for the technique itself
	Tags           int
	First, Last    time.Time // event time
}

// RuleCount counts the tags of one rule, all its versions together.
type RuleCount struct {
	RuleID      string
	Tags        int
	First, Last time.Time // event time
}

// AttackerCount counts the tags of one attacker. The names are those of the
// attacker's first tag on the first day.
type AttackerCount struct {
	AttackerUUID string
	AttackerIP   string
	IdentityUUID string
	Tags         int
	First, Last  time.Time // event time
}
