// Package jobs holds the one job that ttpcron exists for: import what sensors
// have written, replay a window of the stored history through the tagger, and
// commit the tags together with the cursor that says how far the replay came.
//
// Start with [Job] (run.go). Its stages are in import.go and scan.go (inputs),
// plan.go (what to look at), replay.go (tagging and commits), retag.go (covered
// events, with new and changed rules), and correlate.go with readings.go, judging.go and
// judgements.go (rules over several events; in a dry run foresee.go). A job streams:
// memory is bounded whatever the history, tags are committed in groups as they are made,
// and a run that is killed between two commits is continued by the next one where the
// last commit left it.
//
// A job never publishes. It reaches the outside through the interfaces that it
// declares here and through nothing else, and it opens no network connection:
// events of last year must not page anyone tonight.
package jobs

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/ttpcron/ttpcron"
)

// History is the stored history of events, as a replay reads it.
type History interface {
	// Kinds lists the kinds of which events are stored.
	Kinds(ctx context.Context) ([]ttpcron.SourceKind, error)
	// DayPage lists days with events of a kind, ascending from the given one: as
	// many as it likes, and none only when there are no more.
	DayPage(ctx context.Context, kind ttpcron.SourceKind, from ttpcron.Day) ([]ttpcron.DayHistory, error)
	// Events yields a day's events with arrival numbers in (after, upTo], page
	// by page in the order of arrival. Pages belong to the caller.
	Events(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, after, upTo uint64) iter.Seq2[[]ttpcron.Event, error]
	// LastSeq returns the arrival number that was given last, 0 for none.
	LastSeq(ctx context.Context) (uint64, error)
}

// TimeOrder is what a History may do besides, to have tags made in the order in
// which they are stored.
type TimeOrder interface {
	// EventsInTime yields what Events does in about the order of time. It reports
	// false, and yields nothing, where that is the order of arrival.
	EventsInTime(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, after, upTo uint64) (pages iter.Seq2[[]ttpcron.Event, error], scattered bool, err error)
}

// Archive is where imported events go.
type Archive interface {
	// Import stores a batch in one transaction. It reports New, Known and Changed
	// events. Rejected counts the batch's rejects and the events that cannot be
	// stored, RejectedKnown those of them that were there before.
	Import(ctx context.Context, b ttpcron.Batch) (ttpcron.ImportReport, error)
	// Known says of each event whether it is stored.
	Known(ctx context.Context, events []ttpcron.Event) ([]bool, error)
	// KnownRejects says the same of rejects.
	KnownRejects(ctx context.Context, rejects []ttpcron.Reject) ([]bool, error)
	Positions
	// FileLooks returns what is remembered of the files at some paths, in their
	// order, a zero look for nothing.
	FileLooks(ctx context.Context, paths []string) ([]ttpcron.FileLook, error)
	// KeepLooks remembers how files look.
	KeepLooks(ctx context.Context, looks []ttpcron.FileLook) error
	// ForgetFiles drops what is remembered of files that were not seen since a
	// time, as far as there is too much of it.
	ForgetFiles(ctx context.Context, seenBefore time.Time) (dropped int, err error)
}

// Ledger keeps tags, and how far runs have come.
type Ledger interface {
	// Commit writes a group of tags and what belongs to them in one
	// transaction. Tags that exist as they are are left alone. It keeps nothing of
	// c once it has returned. What is too much for one transaction may come and go
	// before it: so much is returned with an error too.
	Commit(ctx context.Context, c ttpcron.Commit) (ttpcron.Committed, error)
	// Preview says what Commit would do with tags, and writes nothing.
	Preview(ctx context.Context, c ttpcron.Commit) (ttpcron.Committed, error)
	// RulesOf lists the rules of which there are tags of events of a kind.
	RulesOf(ctx context.Context, kind ttpcron.SourceKind) (ids []string, err error)
	// RuleSet returns the rules that were in force under a fingerprint that
	// coverage names, and false when the ledger does not know it.
	RuleSet(ctx context.Context, fingerprint string) (ttpcron.RuleSet, bool, error)
	// Cursors lists the checkpoints.
	Cursors(ctx context.Context) ([]ttpcron.Cursor, error)
}

// Matches are the stored base matches of correlations. Commits bring them, with the tags
// of the same events.
type Matches interface {
	// MatchDays lists days of which base matches are stored or went, ascending from the
	// given one: as many as it likes, and none only when there are no more.
	MatchDays(ctx context.Context, from ttpcron.Day) ([]ttpcron.MatchDay, error)
	// BaseMatches yields matches, all of a group one after another, in the order of time
	// and arrival. A match, and its text, is good until the next is asked for; Stream is
	// the same pointer for the same stream for as long as the store is open.
	BaseMatches(ctx context.Context, q ttpcron.MatchQuery) iter.Seq2[*ttpcron.BaseMatch, error]
	// Touched yields the groups of a day of which matches came or went up to a number
	// that MatchDays gave and were not judged since.
	Touched(ctx context.Context, day ttpcron.Day, upTo uint64) iter.Seq2[ttpcron.TouchedGroup, error]
	// EventHorizon returns the first day of which all events are kept: those of earlier
	// ones were taken out, of whatever kind. It is 0 when none were.
	EventHorizon(ctx context.Context) (ttpcron.Day, error)
	// AwaitedBefore returns the day before which events may come in again, since the horizon
	// was forgotten, and none has. It is 0 when there is none.
	AwaitedBefore(ctx context.Context) (ttpcron.Day, error)
}

// Store is what a job needs of the store.
type Store struct {
	History
	Archive
	Ledger
	Matches // nil: there are no correlations
}

// Rules is the set of rules that a run uses, fixed for the whole run.
type Rules interface {
	// Fingerprint changes with everything that could change a tag.
	Fingerprint() string
	// InForce counts the rules that can emit something.
	InForce() int
	// Applying counts those of them that apply to a kind.
	Applying(kind ttpcron.SourceKind) int
	// Applies reports whether a rule can emit something for events of a kind.
	Applies(ruleID string, kind ttpcron.SourceKind) bool
	// Definitions lists the rules that are in force, by id, such as emit nothing
	// among them.
	Definitions() []ttpcron.RuleDef
	// Only returns the rules with these ids, in the states they are in.
	Only(ids map[string]bool) Rules
	// Tagger returns a tagger for one goroutine.
	Tagger() Tagger
	// Correlations lists the rules over several events that are in force, by id.
	Correlations() []Correlation
}

// Correlation is a rule over several events. It judges groups of base matches, each by
// itself, and finds slots in which a window ends that satisfies its condition. What it
// finds is a function of the group's matches alone.
type Correlation interface {
	// Def returns id and version, and a digest that changes with everything that could
	// change what it finds of given matches.
	Def() ttpcron.RuleDef
	// Grouping is that of all its streams.
	Grouping() string
	// Streams are those whose matches it looks at.
	Streams() []*ttpcron.Stream
	// Timespan is how long its windows and slots are, in whole seconds.
	Timespan() time.Duration
	// Reach is how long before the end of a window matches may lie that matter for it: the
	// timespan or, where it names other correlations, the most that the spans come to.
	Reach() time.Duration
	// Least is from how many matches of a group on it may find something.
	Least() int
	// Judge returns a judge for one goroutine.
	Judge() Judge
	// Tags appends the tags of what was found of a group in a slot to dst, all but
	// CreatedAt.
	Tags(s *ttpcron.Subject, slot int64, dst []ttpcron.Tag) []ttpcron.Tag
}

// Judge judges one group after another.
type Judge interface {
	// Begin begins with a group.
	Begin(g ttpcron.Group)
	// Match takes the next match of the group, in the order of time and arrival. The
	// stream is given by its index in Streams. It keeps nothing of m.
	Match(stream int, m *ttpcron.BaseMatch)
	// End appends the slots in which windows ended that satisfy the condition, ascending,
	// and reports whether a limit was met, so that there may be more of them.
	End(slots []int64) (_ []int64, bounded bool)
	// CountLeftOut says of which time LeftOut counts matches, of the groups that begin
	// after it. Without it that is any.
	CountLeftOut(w ttpcron.Window)
	// LeftOut counts the matches of the group that took no part because a number is
	// wanted and their value is negative or none.
	LeftOut() int
}

// Tagger turns an event into tags, which it appends to dst. It leaves CreatedAt
// to the job.
type Tagger interface {
	Tag(e *ttpcron.Event, dst []ttpcron.Tag) ([]ttpcron.Tag, ttpcron.Verdict)
	// Matches returns the matches of the event given last in the streams of the rules.
	// They, and their text, are good until the next event.
	Matches() []ttpcron.BaseMatch
}

// File is an opened input.
type File interface {
	// Format names the format that was recognised.
	Format() string
	// Batches yields the content. An error ends it.
	Batches(ctx context.Context) iter.Seq2[ttpcron.Batch, error]
	// Progress returns how many bytes have been read, and of how many; a total
	// of 0 means that it is not known.
	Progress() (read, total int64)
	// Resumed returns where an earlier import stopped: bytes and lines.
	Resumed() (offset int64, lines int)
	// Notes are sentences that the user should read; complete after Batches.
	Notes() []string
	// Look is what is to be remembered of the file once all its batches are
	// stored, or nil. An error of Open or Batches may have the same method.
	Look() *ttpcron.FileLook
	Close() error
}

// Input is something to import. Open is given what is known of earlier imports, so
// that a file that has grown is read from where it stood, and one that has not
// changed is not read. Name is the path of a file. An error of Open that wraps
// ErrPassedOver leaves the input out and is no failure.
type Input struct {
	Name string
	Open func(ctx context.Context, known Known) (File, error)
}

// Progress says how far a run has come. It is reported from one goroutine at a
// time, many times a second.
type Progress struct {
	Stage string // one of the Stage constants
	Name  string // the file, or the source
	Done  int64  // bytes of the file, events of the source, or days of base matches
	Total int64  // 0 when it is not known
	Lines int    // lines read of the file
	Tags  int    // tags made so far
}

// The stages of a run.
const (
	StageImport = "import"
	StageTag    = "tag"
	StageRetag  = "retag" // covered events, with new and changed rules
	// StageCorrelate is when correlations judge what was found in all sources.
	StageCorrelate = "correlate"
)

// Limits and defaults of a run's settings.
const (
	MaxSinceDays     = 3650
	DefaultBatchSize = 500
	MaxBatchSize     = 100_000
)

// ErrNoRules is returned by a run to which no rule applies.
var ErrNoRules = errors.New("no rule is in force")

// ErrInterrupted is returned by a run whose context was cancelled. What it had
// tagged is committed.
var ErrInterrupted = errors.New("interrupted")

// ErrPassedOver is wrapped by an Input's Open for a file that need not be
// readable, such as a stray file in a folder of logs.
var ErrPassedOver = errors.New("passed over")

// InputError says that some inputs could not be read to their end; the run did
// everything else.
type InputError struct {
	Files  []FileReport // those that failed
	Others int          // how many there were beside them
}

// FileReport is what became of one input.
type FileReport struct {
	ttpcron.ImportReport
	Notes  []string
	Passed bool  // left out, because it is nothing that can be read; Err says why
	Err    error // nil, or why the file was not read to its end
	// Unchanged says that an earlier import read the file, and that there is nothing
	// more in it that could be read.
	Unchanged bool
}

// Report is what a run did.
type Report struct {
	Run   ttpcron.Run
	Files []FileReport
	Found Picture // the tags that this run made, whether new or known
	// Changed are the rules that are new or changed since runs covered some of
	// the history, which was looked at again with them; by rule id.
	Changed []ChangedRule
	// Tags are what the run did with tags, or a dry run would do.
	Tags ttpcron.Committed
	// Unforetold are the correlations, by id, of which a dry run does not know what they
	// would find, since it would have to look at events for them first. Untagged estimates
	// how many events no run has looked at, which a dry run leaves out for all of them.
	Unforetold []string
	Untagged   int
}

// ChangedRule is a rule with which covered history was looked at again, or which
// no longer looks at it.
type ChangedRule struct {
	ttpcron.RuleChange
	Tags int // tags that the rule made of events that were looked at again
	// TagChanges is what the run did with tags of the rule, those of new events
	// among them, or what a dry run would do.
	ttpcron.TagChanges
}
