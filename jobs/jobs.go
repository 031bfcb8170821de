// Package jobs has the one job that ttpcron exists for: import what sensors have written,
// replay a window of the stored history through the tagger, and commit the tags together
// with the cursor that says how far the replay got.
//
// Start with [Job] (run.go). Its stages are in import.go and scan.go (inputs), plan.go
// (what to look at), replay.go (tagging and commits), retag.go (covered events, with new
// and changed rules), and correlate.go with readings.go, judging.go and judgements.go
// (rules over several events; in a dry run foresee.go). A job streams: memory is bounded
// whatever the history, and tags are committed in groups as they are made. If a run is
// killed, the next one continues from its last commit.
//
// A job never publishes. It reaches the outside only through the interfaces declared here,
// and it opens no network connection: events of last year must not page anyone tonight.
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
	// Kinds lists the kinds of the stored events.
	Kinds(ctx context.Context) ([]ttpcron.SourceKind, error)
	// DayPage lists days with events of a kind, ascending from the given one. It may return
	// any number of days, but none only if there are no more.
	DayPage(ctx context.Context, kind ttpcron.SourceKind, from ttpcron.Day) ([]ttpcron.DayHistory, error)
	// Events yields a day's events with arrival numbers in (after, upTo], page by page in
	// order of arrival. Pages belong to the caller.
	Events(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, after, upTo uint64) iter.Seq2[[]ttpcron.Event, error]
	// LastSeq returns the latest arrival number, 0 for none.
	LastSeq(ctx context.Context) (uint64, error)
}

// TimeOrder is an optional interface of a History. It lets tags be made in the order in
// which they are stored.
type TimeOrder interface {
	// EventsInTime yields what Events does, in approximate order of time. It reports false,
	// and yields nothing, if that is the order of arrival.
	EventsInTime(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, after, upTo uint64) (pages iter.Seq2[[]ttpcron.Event, error], scattered bool, err error)
}

// Archive is where imported events go.
type Archive interface {
	// Import stores a batch in one transaction. It reports New, Known and Changed events.
	// Rejected counts the batch's rejects and the events that cannot be stored,
	// RejectedKnown those among them that were known.
	Import(ctx context.Context, b ttpcron.Batch) (ttpcron.ImportReport, error)
	// Known says for each event whether it is stored.
	Known(ctx context.Context, events []ttpcron.Event) ([]bool, error)
	// KnownRejects says the same of rejects.
	KnownRejects(ctx context.Context, rejects []ttpcron.Reject) ([]bool, error)
	Positions
	// FileLooks returns what is remembered of the files at some paths, in their order, with
	// a zero look for unknown files.
	FileLooks(ctx context.Context, paths []string) ([]ttpcron.FileLook, error)
	// KeepLooks remembers how files look.
	KeepLooks(ctx context.Context, looks []ttpcron.FileLook) error
	// ForgetFiles drops what is remembered of files not seen since a time, if too much is
	// remembered.
	ForgetFiles(ctx context.Context, seenBefore time.Time) (dropped int, err error)
}

// Ledger keeps tags, and how far runs have come.
type Ledger interface {
	// Commit writes a group of tags and what belongs to them in one transaction. Tags that
	// already exist unchanged are left alone. Commit keeps no reference to c. What is too
	// much for one transaction may be added and removed in earlier ones, so the counts are
	// valid even with an error.
	Commit(ctx context.Context, c ttpcron.Commit) (ttpcron.Committed, error)
	// Preview returns what Commit would do with tags, and writes nothing.
	Preview(ctx context.Context, c ttpcron.Commit) (ttpcron.Committed, error)
	// RulesOf lists the rules that have tags of events of a kind.
	RulesOf(ctx context.Context, kind ttpcron.SourceKind) (ids []string, err error)
	// RuleSet returns the rules that were in force under a fingerprint in coverage, and
	// false if the ledger does not know it.
	RuleSet(ctx context.Context, fingerprint string) (ttpcron.RuleSet, bool, error)
	// Cursors lists the checkpoints.
	Cursors(ctx context.Context) ([]ttpcron.Cursor, error)
}

// Matches are the stored base matches of correlations. They are committed with the tags of
// the same events.
type Matches interface {
	// MatchDays lists days with base matches that are stored or were removed, ascending
	// from the given one. It may return any number of days, but none only if there are no
	// more.
	MatchDays(ctx context.Context, from ttpcron.Day) ([]ttpcron.MatchDay, error)
	// BaseMatches yields matches, all of a group one after another, in order of time and
	// arrival. A match and its text are valid until the next one is requested. Stream is
	// the same pointer for the same stream while the store is open.
	BaseMatches(ctx context.Context, q ttpcron.MatchQuery) iter.Seq2[*ttpcron.BaseMatch, error]
	// Touched yields the groups of a day whose matches came or went up to a number from
	// MatchDays and were not judged since.
	Touched(ctx context.Context, day ttpcron.Day, upTo uint64) iter.Seq2[ttpcron.TouchedGroup, error]
	// EventHorizon returns the first day whose events are all kept: those of earlier days were
	// removed, whatever their kind. It is 0 if none were.
	EventHorizon(ctx context.Context) (ttpcron.Day, error)
	// AwaitedBefore returns the day before which events may come in again because the
	// horizon was forgotten, if none has yet. Otherwise it is 0.
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
	// Applying counts the rules that apply to a kind.
	Applying(kind ttpcron.SourceKind) int
	// Applies reports whether a rule can emit something for events of a kind.
	Applies(ruleID string, kind ttpcron.SourceKind) bool
	// Definitions lists the rules that are in force, by id, including those that emit
	// nothing.
	Definitions() []ttpcron.RuleDef
	// Only returns the rules with these ids, in the states they are in.
	Only(ids map[string]bool) Rules
	// Tagger returns a tagger for one goroutine.
	Tagger() Tagger
	// Correlations lists the rules over several events that are in force, by id.
	Correlations() []Correlation
}

// Correlation is a rule over several events. It judges each group of base matches by
// itself, and finds slots in which a window that satisfies its condition ends. What it
// finds depends only on the group's matches.
type Correlation interface {
	// Def returns id, version, and a digest that changes with everything that could change
	// its findings.
	Def() ttpcron.RuleDef
	// Grouping is that of all its streams.
	Grouping() string
	// Streams are the streams whose matches it looks at.
	Streams() []*ttpcron.Stream
	// Timespan is the length of its windows and slots, in whole seconds.
	Timespan() time.Duration
	// Reach is how far before the end of a window matches can matter: the timespan or, if
	// it names other correlations, the longest sum of timespans.
	Reach() time.Duration
	// Least is the number of matches that a group needs at least for a finding.
	Least() int
	// Judge returns a judge for one goroutine.
	Judge() Judge
	// Tags appends the tags of a finding, for a group and slot, to dst. It leaves CreatedAt
	// unset.
	Tags(s *ttpcron.Subject, slot int64, dst []ttpcron.Tag) []ttpcron.Tag
}

// Judge judges one group after another.
type Judge interface {
	// Begin starts a group.
	Begin(g ttpcron.Group)
	// Match takes the next match of the group, in order of time and arrival. The stream is
	// given by its index in Streams. Match keeps no reference to m.
	Match(stream int, m *ttpcron.BaseMatch)
	// End appends the slots in which satisfied windows ended, in ascending order. It
	// reports whether a limit was met, so that there may be more.
	End(slots []int64) (_ []int64, bounded bool)
	// CountLeftOut sets the time range in which LeftOut counts matches, for groups that
	// begin after the call. By default that is any time.
	CountLeftOut(w ttpcron.Window)
	// LeftOut counts the group's matches that took no part because their value is negative
	// or not a number where one is needed.
	LeftOut() int
}

// Tagger turns an event into tags, which it appends to dst. It leaves CreatedAt
// to the job.
type Tagger interface {
	Tag(e *ttpcron.Event, dst []ttpcron.Tag) ([]ttpcron.Tag, ttpcron.Verdict)
	// Matches returns the last event's matches in the streams of the rules. They and their
	// text are valid until the next event.
	Matches() []ttpcron.BaseMatch
}

// File is an opened input.
type File interface {
	// Format names the format that was recognised.
	Format() string
	// Batches yields the content. An error ends it.
	Batches(ctx context.Context) iter.Seq2[ttpcron.Batch, error]
	// Progress returns how many bytes have been read, and the total, 0 if unknown.
	Progress() (read, total int64)
	// Resumed returns where an earlier import stopped: bytes and lines.
	Resumed() (offset int64, lines int)
	// Notes are sentences that the user should read; complete after Batches.
	Notes() []string
	// Look returns what to remember of the file once all its batches are stored, or nil. An
	// error of Open or Batches may have the same method.
	Look() *ttpcron.FileLook
	Close() error
}

// Input is something to import. Open receives what is known from earlier imports, so that a
// file that has grown is read from where the last import stopped, and an unchanged file is
// not read. Name is the path of a file. An error of Open that wraps ErrPassedOver skips the
// input and is not a failure.
type Input struct {
	Name string
	Open func(ctx context.Context, known Known) (File, error)
	// Err is why there is nothing to open, where that is known before; Open returns it.
	Err error
	// Probe returns the error that Open would return, and opens nothing for good; nil if
	// that cannot be known before.
	Probe func(ctx context.Context) error
}

// Progress says how far a run has got. It is reported from one goroutine at a time, many
// times a second.
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

// ErrNoRules is returned by a run if no rule applies.
var ErrNoRules = errors.New("no rule is in force")

// ErrInterrupted is returned by a run whose context was cancelled. What it had
// tagged is committed.
var ErrInterrupted = errors.New("interrupted")

// ErrPassedOver is wrapped by errors of an Input's Open for files that need not be
// readable, such as a stray file in a folder of logs.
var ErrPassedOver = errors.New("passed over")

// InputError says that some inputs could not be read to their end; the run did
// everything else.
type InputError struct {
	Files  []FileReport // those that failed
	Others int          // how many other inputs there were
}

// FileReport is the result of importing one input.
type FileReport struct {
	ttpcron.ImportReport
	Notes  []string
	Passed bool  // skipped, because it cannot be read; Err says why
	Err    error // nil, or why the file was not read to its end
	// Unchanged says that an earlier import read the file, and that it has nothing new.
	Unchanged bool
}

// Report is what a run did.
type Report struct {
	Run   ttpcron.Run
	Files []FileReport
	Found Picture // the tags that this run made, whether new or known
	// Changed are the rules that are new or changed since runs covered some of the history,
	// and that looked at it again; by rule id.
	Changed []ChangedRule
	// Tags are what the run did with tags, or a dry run would do.
	Tags ttpcron.Committed
	// Unforetold are the correlations, by id, whose findings a dry run cannot foretell,
	// since it would have to look at events for them first. Untagged estimates how many
	// events no run has looked at. A dry run leaves these out for all correlations.
	Unforetold []string
	Untagged   int
}

// ChangedRule is a rule that looked at covered history again, or no longer looks at it.
type ChangedRule struct {
	ttpcron.RuleChange
	Tags int // tags that the rule made of events that were looked at again
	// TagChanges is what the run did, or a dry run would do, with the rule's tags,
	// including those of new events.
	ttpcron.TagChanges
}
