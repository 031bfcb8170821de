package ttpcron

// Batch is a part of a file, small enough to be stored in one transaction: what
// it holds, and a position that is true once this batch and all before it are stored.
type Batch struct {
	Events  []Event
	Rejects []Reject
	// Report counts the lines of this batch alone: Lines, Ignored and Rejected.
	// Lines = len(Events) + Ignored + Rejected. Two records that a crash joined
	// into one line count as two. In a DECNET database each entry of a list of
	// commands and each trigger counts as a line. A part that cannot be used, of a
	// row or trigger that is otherwise kept, counts as one more.
	Report ImportReport
	// Position is nil when the file cannot be continued later, as with standard
	// input and databases.
	Position *FilePosition
}

// Commit is what one transaction of a run writes: tags, and how far the run has
// come with them.
type Commit struct {
	Tags     []Tag
	Coverage []Coverage // those of a kind and day together replace what is stored for it
	RuleSet  *RuleSet   // the rules that Coverage speaks of; nil when they are stored, or without Coverage
	Cursors  []Cursor   // each replaces that of its kind
	Run      *Run       // replaces the record with its ID; nil for none
}
