package ttpcron

import "time"

// Batch is a part of a file, small enough to be stored in one transaction: what
// it holds, and a position that is true once this batch and all before it are stored.
type Batch struct {
	Events  []Event
	Rejects []Reject
	// Report counts what was read for this batch alone: Lines, Ignored with
	// IgnoredTypes, Rejected, Waiting, and LeftOut, the events that are not in Events.
	// A line is a record: it gave events, or is ignored or rejected. Two records that a
	// crash joined into one line count as two. In a DECNET database each entry of a list
	// of commands and each trigger counts as a line. A part that cannot be used, of a
	// row or trigger that is otherwise kept, counts as one more.
	Report ImportReport
	// Position is nil if reading cannot continue later, as with standard input and
	// databases.
	Position *FilePosition
}

// Commit is what one transaction of a run writes: tags, and how far the run has come.
type Commit struct {
	Tags     []Tag
	Reviews  []Review
	Kept     []UUID     // tags that reviews keep in addition to Tags, because earlier commits wrote them
	Coverage []Coverage // the coverage of a kind and day replaces what is stored for them
	RuleSets []RuleSet  // rules that Coverage refers to and that may not be stored yet
	Cursors  []Cursor   // each replaces that of its kind
	// Matches are added to the base matches of correlations. For the events of a Review,
	// matches of its streams (whose ids are among its Rules) that are not in Matches are
	// removed.
	Matches []BaseMatch
	// Judgements, Judged and Untouched are the result of a correlation pass.
	Judgements []Judgement
	Gone       []TagKey    // tags of correlations to remove
	Judged     []JudgedDay // each replaces that of its day
	Settled    []SettledMatches
	Run        *Run         // replaces the record with its ID; nil for none
	Audit      []AuditEntry // are added
}

// TagKey finds a tag.
type TagKey struct {
	EventTime time.Time
	UUID      UUID
}

// Review says that some rules have looked at events again, or no longer look at such
// events. Tags that these rules made for the events, other than the commit's own, are
// removed. A commit has at most one review of a kind and day.
type Review struct {
	Kind   SourceKind
	Day    Day
	Events []SeqRange // ascending, none twice
	// Earliest and Latest are when the first and the last of the events happened.
	Earliest, Latest time.Time
	Rules            []string // ids
}

// SeqRange stands for the events of a kind and day whose arrival numbers are not
// before First and not after Last.
type SeqRange struct{ First, Last uint64 }

// Committed counts what a commit did with tags.
type Committed struct {
	TagChanges
	// Changes are the same counts by rule and technique, without those where nothing
	// changed.
	Changes map[RuleTechnique]TagChanges
}

// Add adds up two commits.
func (c *Committed) Add(o Committed) {
	c.TagChanges.Add(o.TagChanges)
	for k, v := range o.Changes {
		c.Count(k, v)
	}
}

// Count adds to the changes of a rule and technique.
func (c *Committed) Count(k RuleTechnique, n TagChanges) {
	if c.Changes == nil {
		c.Changes = map[RuleTechnique]TagChanges{}
	}
	sum := c.Changes[k]
	sum.Add(n)
	c.Changes[k] = sum
}

// TagChanges counts tags that came, changed and went.
type TagChanges struct {
	Inserted int // new to the store
	Replaced int // in the store with another confidence, level, tactic or match
	Removed  int // no longer made by the rule
}

// Add adds up two counts.
func (c *TagChanges) Add(o TagChanges) {
	c.Inserted += o.Inserted
	c.Replaced += o.Replaced
	c.Removed += o.Removed
}

// RuleTechnique is a technique that a rule claims.
type RuleTechnique struct {
	RuleID    string
	Technique string // the sub-technique where there is one
}
