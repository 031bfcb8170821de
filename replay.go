package ttpcron

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"
)

// DayHistory describes the stored events of one kind on one day.
type DayHistory struct {
	Kind             SourceKind
	Day              Day
	Events           int
	FirstSeq         uint64 // lowest arrival number among them
	LastSeq          uint64 // highest arrival number among them
	Earliest, Latest time.Time
	Coverage         []Coverage // what runs have looked at, empty if none has
}

// Coverage says which of a day's events of one kind have been tagged by the rule set with
// fingerprint RuleSet: those that arrived in (After, UpTo] and happened at or after Since.
// A day that was covered in parts, or by different rules, has several. The counts let a run
// that finds the day covered report the result without reading it again.
type Coverage struct {
	Kind    SourceKind
	Day     Day
	RuleSet string    // empty: unknown rules
	After   uint64    // arrival number
	UpTo    uint64    // arrival number
	Since   time.Time // zero: whenever they happened
	// Uncounted says that the counts are unknown, because different runs looked at the
	// events with different parts of the rule set.
	Uncounted bool

	Events  int // events looked at
	Tagged  int // those of them that got at least one tag
	Tags    int // tags made
	Skipped int // events that no rule could look at
	Bounded int // events on which a rule met a limit
}

// By returns coverage of the same events by another rule set, empty for unknown rules. Its
// counts are unknown.
func (c Coverage) By(ruleSet string) Coverage {
	return Coverage{Kind: c.Kind, Day: c.Day, RuleSet: ruleSet, After: c.After, UpTo: c.UpTo, Since: c.Since, Uncounted: true}
}

// Cursor is the checkpoint of one kind of event. Runs that resume look at events that
// arrived after Seq, however old they are. Those up to Seq have been tagged, or were
// skipped when somebody set the checkpoint.
type Cursor struct {
	Kind      SourceKind
	Seq       uint64    // arrival number
	UpdatedAt time.Time // UTC
	RunID     string    // the run that set it, or "manual"
}

// SourceReport counts what a run did with one source.
type SourceReport struct {
	Source   string // "command", "canary", or another kind's name
	Events   int    // events looked at
	Commands int    // those of them that are commands
	Tagged   int    // those of them that got at least one tag
	Tags     int    // tags made
	Inserted int    // tags that were new to the store
	Known    int    // tags that the store had
	Skipped  int    // events that no rule could look at: no text
	Bounded  int    // events on which a rule met a limit of time or size

	// Events that earlier runs had covered and that new or changed rules looked at again.
	// The counts above do not include them.
	Retagged      int // events looked at again
	RetagTags     int // tags that the new or changed rules made of them
	RetagInserted int // of these, new to the store

	// Tags of events that were looked at before, from rules that are new or changed since,
	// counted here or above.
	Removed  int // the rules do not make them any more
	Replaced int // the rules make them differently

	DryRun  bool
	Elapsed time.Duration
}

// Run is the record of one run.
type Run struct {
	ID       string // sortable by start time
	Started  time.Time
	Finished time.Time // zero while it runs, and for ever if it was killed
	Window   Window    // what was asked for; zero for a resumed run
	RuleSet  string    // fingerprint of the rules in force
	Outcome  string    // "", "done", "interrupted" or the error's text
	Imported ImportReport
	Sources  []SourceReport
	// Unclaimed are the kinds of stored events to which no rule in force applies. The run
	// did not look at them.
	Unclaimed []SourceKind
	// Correlation counts the results of rules over several events.
	Correlation CorrelationReport
}

// ExactGroups is the number of groups up to which a [CorrelationReport] counts exactly.
const ExactGroups = 65_536

// CorrelationReport counts what a run did with correlations, once it had looked at events.
type CorrelationReport struct {
	Rules   int // correlations in force; without any, nothing is done
	Days    int // days that were judged, since base matches came or went, or a rule had not judged them
	Waiting int // days that still wait, because the run ended before they were judged
	Matches int // base matches that were read, some more than once: windows reach from day to day
	// Groups counts the groups whose base matches were judged, each once, however many
	// readings it takes. Beyond ExactGroups it is an estimate.
	Groups   int
	Bounded  int // groups in which a limit was met, so that findings may be missing
	LeftOut  int // base matches whose value is negative or not a number, where rules add up numbers
	Tags     int // tags made
	Inserted int // tags that were new to the store
	Known    int // tags that the store had
	Replaced int // of these, made differently by the rules
	Removed  int // tags that the rules no longer make
	// NotForetold says that the run was a dry run that cannot know everything the
	// correlations would find.
	NotForetold bool
	Elapsed     time.Duration
}

// ImportReport counts the results of importing one file, or many.
type ImportReport struct {
	File     string
	Format   string
	Lines    int // lines, rows, or elements of lists, read; see Batch.Report
	New      int // events stored
	Known    int // events that the store had
	Changed  int // new events whose source_id another event had
	Ignored  int // lines of no interest, such as that the log was opened
	LeftOut  int // events of kinds that were not asked for; they are not stored
	Rejected int // lines that could not be used
	// BeforeHorizon counts events that were skipped because events of their age were
	// removed from the store. Horizon is the first day that is not skipped, the latest one
	// if kinds differ.
	BeforeHorizon int
	Horizon       Day
	Learned       int // known events that filled in something of the stored one
	Disputed      int // known events that contradict the stored one, which stays
	// RejectedKnown is how many of the rejected lines the store already had as rejects.
	RejectedKnown int
	// Waiting is the number of bytes at the ends of growing files that wait for the rest of
	// their line. They are not in Lines: the next import reads them again.
	Waiting      int64
	NewKinds     NameCounts // the events of New, by kind
	IgnoredTypes NameCounts // the lines of Ignored, by what they call their type
}

// Add adds the counts of another report.
func (r *ImportReport) Add(o ImportReport) {
	r.Lines += o.Lines
	r.New += o.New
	r.Known += o.Known
	r.Changed += o.Changed
	r.Ignored += o.Ignored
	r.LeftOut += o.LeftOut
	r.Rejected += o.Rejected
	r.BeforeHorizon += o.BeforeHorizon
	r.Horizon = max(r.Horizon, o.Horizon)
	r.Learned += o.Learned
	r.Disputed += o.Disputed
	r.RejectedKnown += o.RejectedKnown
	r.Waiting += o.Waiting
	r.NewKinds.Add(o.NewKinds)
	r.IgnoredTypes.Add(o.IgnoredTypes)
}

// Reject is a line that could not be used, kept for inspection.
type Reject struct {
	File    string
	Line    int // from 1; for a database the row
	Format  string
	Reason  string
	Excerpt []byte // the line's first bytes, at most MaxExcerpt
	At      time.Time
	ID      RejectID // see Identity
}

// RejectID identifies what could not be used, wherever it was found: the same line in
// another file or another run is the same reject.
type RejectID [16]byte

// NewRejectID makes the ID of what could not be used from its format, the whole text of the
// line or value, and whatever else distinguishes it from others with the same text. The
// file's name and the line number, which rotation changes, are not part of it.
func NewRejectID(format string, what ...[]byte) RejectID {
	h := sha256.New()
	for _, part := range append([][]byte{[]byte(format)}, what...) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	return RejectID(h.Sum(nil)[:16])
}

// Identity returns the ID. If none is set, it makes one from the excerpt, which for a short
// line is the whole text, or without an excerpt from the reason.
func (r *Reject) Identity() RejectID {
	switch {
	case r.ID != RejectID{}:
		return r.ID
	case len(r.Excerpt) == 0:
		return NewRejectID(r.Format, nil, []byte(r.Reason))
	case len(r.Excerpt) >= MaxExcerpt:
		return NewRejectID(r.Format, r.Excerpt, nil)
	}
	return NewRejectID(r.Format, r.Excerpt)
}

// MaxExcerpt is how many bytes of a rejected line are kept.
const MaxExcerpt = 2048

// FilePosition remembers how far a file has been read. It identifies the file by its
// content, because rotation changes name and inode.
type FilePosition struct {
	Path   string // where it was last seen; "-" never has a position
	Format string
	// Head is the SHA-256 of the first HeadLen bytes of the uncompressed
	// content, Tail that of the TailLen bytes before Offset.
	Head    [32]byte
	HeadLen int
	Tail    [32]byte
	TailLen int
	Offset  int64 // bytes of uncompressed content read, ending after a newline
	Line    int   // lines read
	SeenAt  time.Time
}

// RuleState overrides a rule's definition in operation. It is kept apart from
// the definition and survives restarts.
type RuleState struct {
	RuleID        string
	Status        RuleStatus
	ConfidenceMax float64   // for StatusClipped: the most confidence that is shown
	ExpiresAt     time.Time // zero: never; after it the rule is enabled again
	Reason        string
	SetBy         string
	SetAt         time.Time
}

// RuleStatus is the effect of a RuleState on its rule.
type RuleStatus string

// The states of a rule.
const (
	StatusEnabled  RuleStatus = "enabled"
	StatusDisabled RuleStatus = "disabled"
	StatusClipped  RuleStatus = "clipped"
)

// At returns the status in force at an instant: an expired one is enabled.
func (s RuleState) At(now time.Time) RuleStatus {
	if s.Status == "" || !s.ExpiresAt.IsZero() && !now.Before(s.ExpiresAt) {
		return StatusEnabled
	}
	return s.Status
}

// TagQuery selects tags. Empty members select everything.
type TagQuery struct {
	Attacker string   // UUID or address; see SelectAttacker
	Networks Networks // in which the attacker's address is; nil: anywhere
	// AttackerToo are other names of the Attacker.
	AttackerToo []string
	Session     string
	Sensor      string
	Technique   string // Tnnnn selects its sub-techniques too; Tnnnn.nnn only itself
	// Counterparts are what Technique is called under the names shown, if it is not one of
	// them. They are selected too, but not their sub-techniques.
	Counterparts  []string
	Tactics       []string // any of them; empty: all
	Rule          string
	Window        Window // of event time
	MinConfidence float64
	MinLevels     MinLevels
	Levels        []Level // any of them; empty: all that MinLevels shows
	ArrivedAfter  uint64  // arrival number of the event; excludes tags whose event is not in the store
	// FoundSince, with ArrivedAfter, is the earliest time at which tags of several events
	// were made, since these have no arrival number.
	FoundSince time.Time
	MadeSince  time.Time // when the tag was made, at the earliest, whatever the age of its event
	UpTo       uint64    // arrival number of the event, at the most; 0: any
	Limit      int       // 0: all
	// Bare leaves out evidence and text, which is faster if you only count.
	Bare bool
}

// Match reports whether a tag is selected; it does not look at Limit.
func (q *TagQuery) Match(t *Tag) bool {
	return q.MatchClaim(&t.Claim) && q.MinLevels.Show(t.Level, t.Vantage) && q.MatchEvent(t)
}

// MatchEvent reports whether a tag can be selected, going by everything but its claim and
// level.
func (q *TagQuery) MatchEvent(t *Tag) bool {
	return (q.Attacker == "" || q.IsAttacker(t.AttackerUUID, t.AttackerIP, t.IdentityUUID)) &&
		(q.Networks == nil || q.Networks.Contains(t.AttackerIP)) &&
		(q.Session == "" || t.SessionID == q.Session) &&
		(q.Sensor == "" || t.DeckyID == q.Sensor) &&
		(q.UpTo == 0 || t.Seq <= q.UpTo) &&
		(q.MadeSince.IsZero() || !t.CreatedAt.Before(q.MadeSince.Truncate(time.Second))) &&
		(q.ArrivedAfter == 0 || t.Seq > q.ArrivedAfter || q.foundSince(t)) &&
		q.Window.Contains(t.EventTime)
}

func (q *TagQuery) foundSince(t *Tag) bool {
	return t.SourceKind == Correlation && !q.FoundSince.IsZero() && !t.CreatedAt.Before(q.FoundSince.Truncate(time.Second))
}

// MatchClaim reports whether tags with a claim can be selected, going by the claim alone
// and ignoring MinLevels.
func (q *TagQuery) MatchClaim(c *Claim) bool {
	return (q.Technique == "" || c.TechniqueID == q.Technique || c.SubTechniqueID == q.Technique || slices.Contains(q.Counterparts, c.Technique())) &&
		(len(q.Tactics) == 0 || slices.Contains(q.Tactics, c.Tactic)) &&
		(q.Rule == "" || c.RuleID == q.Rule) &&
		(len(q.Levels) == 0 || slices.ContainsFunc(q.Levels, func(l Level) bool { return l.String() == c.Level.String() })) &&
		c.Confidence >= q.MinConfidence
}
