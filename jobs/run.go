package jobs

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
)

// Job is one run: import, replay, commit. Its fields are set before Run and not
// changed after.
//
// Without SinceDays a run resumes: it takes the events that arrived after the
// cursor of their kind, however old they are, and moves the cursor to the last
// of them. Where a kind has no cursor yet, that is everything.
//
// With SinceDays a run takes the events of that many last days by event time, whatever the
// cursor says. It moves the cursor only if no event that arrived after it was left out, and
// never back, so a later run that resumes misses nothing.
//
// If a run's rules differ from those of earlier runs, it then looks again at everything
// that these covered, with only the rules that are new or changed. It does not look at
// events that no run has covered.
type Job struct {
	Store Store
	Rules Rules
	// Scratch takes what the inputs of a dry run yield. Required for a dry run
	// that has inputs; the caller deletes it.
	Scratch *Store

	Inputs []Input
	// Imported is what was imported for the run beforehand; the run's record counts it
	// together with its own imports. Failed is nil, or what could not be read then: the run
	// does everything else and returns it at the end.
	Imported  ttpcron.ImportReport
	Failed    error
	Source    string // see Sources; empty: SourceAll
	SinceDays int    // 0: resume
	// ChangedOnly only looks at covered events again with the rules that are new or
	// changed: no import, no new events.
	ChangedOnly bool
	// DryRun tags and counts but writes nothing to Store.
	DryRun    bool
	BatchSize int // tags gathered before an insert; 0: DefaultBatchSize
	Workers   int // 0: one for each processor
	// ImportLimit is how long the run may import before it tags, 0 for no limit;
	// see Import.Limit and Import.Place.
	ImportLimit time.Duration
	Place       *Place

	Now func() time.Time // may be called from several goroutines; nil: time.Now
	// Decided returns whether the report's picture shows a claim's tags, and with which
	// confidence; nil: all, as the rules say.
	Decided func(*ttpcron.Claim) (confidence float64, shown bool)
	// OwnNetworks are left out of the attackers of that picture.
	OwnNetworks ttpcron.Networks
	// Names are the names under which it shows techniques; nil: those of the rules.
	Names    ttpcron.Naming
	Log      hclog.Logger     // nil: none
	Progress func(Progress)   // may be nil
	FileDone func(FileReport) // called after each input; may be nil

	parts  int        // that the coverage of a day may have; 0: maxCoverage
	limits passLimits // of correlations; 0: as they are
}

// run is a Job at work.
type run struct {
	*Job
	history  History // what is being replayed: Store, then in a dry run Scratch
	ledger   Ledger  // of Store, or in a dry run one that only asks
	rules    Rules
	ruleSet  string
	set      ttpcron.RuleSet
	sets     *ruleSets
	changes  *changes
	workers  int
	batch    int
	now      func() time.Time
	log      hclog.Logger
	progress func(Progress)

	out   Report
	found *tally
}

// dryLedger is the ledger of a dry run: it only asks.
type dryLedger struct {
	Ledger
	changes *changes
	said    map[ttpcron.UUID]struct{} // tags of correlations that commits before had, maxKept at most
}

// unsaid leaves out the tags of correlations that an earlier commit had. A slot where days
// meet may be judged twice, and a real commit would know its tags the second time.
func (l dryLedger) unsaid(tags []ttpcron.Tag, kept []ttpcron.UUID) ([]ttpcron.Tag, []ttpcron.UUID) {
	left, kept := make([]ttpcron.Tag, 0, len(tags)), slices.Clip(kept)
	for i := range tags {
		if tags[i].SourceKind == ttpcron.Correlation {
			u := tags[i].UUID()
			if _, said := l.said[u]; said {
				kept = append(kept, u)
				continue
			}
			if len(l.said) < maxKept {
				l.said[u] = struct{}{}
			}
		}
		left = append(left, tags[i])
	}
	return left, kept
}

// Commit says what a real commit would do.
func (l dryLedger) Commit(ctx context.Context, c ttpcron.Commit) (ttpcron.Committed, error) {
	l.changes.covered(c.Coverage)
	reviews := ofRules(c.Reviews)
	if len(c.Tags)+len(reviews)+len(c.Judgements)+len(c.Gone) == 0 {
		return ttpcron.Committed{}, nil
	}
	tags, kept := l.unsaid(c.Tags, c.Kept)
	return l.Preview(ctx, ttpcron.Commit{Tags: tags, Reviews: reviews, Kept: kept, Judgements: c.Judgements, Gone: c.Gone})
}

// Run does the job. The report is valid even if the error is not nil: it says what was done
// until then. Callers may want to check for ErrNoRules, ErrInterrupted and *InputError.
// Unless it is a dry run, the store keeps a record of the run, however it ended.
func (j *Job) Run(ctx context.Context) (Report, error) {
	r := j.begin()
	err := r.check(ctx)
	if err == nil {
		err = r.work(ctx)
	}
	return r.end(context.WithoutCancel(ctx), err)
}

func (j *Job) begin() *run {
	r := &run{
		Job: j, history: j.Store.History, ledger: j.Store.Ledger, rules: j.Rules, ruleSet: j.Rules.Fingerprint(),
		workers: j.Workers, batch: j.BatchSize, now: j.Now, log: j.Log, progress: j.Progress, found: newTally(j.Decided, j.OwnNetworks, j.Names),
	}
	if r.workers <= 0 {
		r.workers = runtime.GOMAXPROCS(0)
	}
	if r.batch == 0 {
		r.batch = DefaultBatchSize
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.log == nil {
		r.log = hclog.NewNullLogger()
	}
	if r.progress == nil {
		r.progress = func(Progress) {}
	}
	if r.Source == "" {
		r.Source = SourceAll
	}
	r.set = ttpcron.RuleSet{Fingerprint: r.ruleSet, Rules: j.Rules.Definitions()}
	r.sets, r.changes = newRuleSets(j.Store.Ledger, &r.set, cmp.Or(j.parts, maxCoverage)), newChanges()
	if j.DryRun {
		r.ledger = dryLedger{j.Store.Ledger, r.changes, map[ttpcron.UUID]struct{}{}}
	}
	started := r.now().UTC()
	r.out.Run = ttpcron.Run{ID: runID(started), Started: started, RuleSet: r.ruleSet}
	r.out.Run.Imported.Add(j.Imported)
	if j.SinceDays > 0 {
		r.out.Run.Window = since(started, j.SinceDays)
	}
	return r
}

// runID makes an ID that sorts by time and differs between runs of one instant.
func runID(started time.Time) string {
	var b [4]byte
	rand.Read(b[:]) // never fails
	return started.Format("20060102T150405.000000Z") + "-" + hex.EncodeToString(b[:])
}

func since(now time.Time, days int) ttpcron.Window {
	return ttpcron.Window{Since: now.Add(-time.Duration(days) * 24 * time.Hour)}
}

// check refuses settings out of range, and a run that would use no rule.
func (r *run) check(ctx context.Context) error {
	switch {
	case r.SinceDays < 0 || r.SinceDays > MaxSinceDays:
		return fmt.Errorf("since-days is %d, want 1 to %d", r.SinceDays, MaxSinceDays)
	case r.batch < 1 || r.batch > MaxBatchSize:
		return fmt.Errorf("batch-size is %d, want 1 to %d", r.batch, MaxBatchSize)
	case r.SinceDays > 0 && r.ChangedOnly:
		return errors.New("a run with changed rules only takes no window: it takes all that has been covered")
	case r.DryRun && len(r.Inputs) > 0 && r.Scratch == nil && !r.ChangedOnly:
		return errors.New("a dry run with inputs needs a scratch store")
	case r.rules.InForce() == 0 && len(r.rules.Correlations()) == 0:
		return ErrNoRules
	}
	if r.Source == SourceAll || r.Source == SourceCorrelation && len(r.rules.Correlations()) > 0 {
		return nil
	}
	stored, err := r.Store.Kinds(ctx)
	if err != nil {
		return interruptedOr(ctx, err)
	}
	if err := CheckSource(r.Source, stored); err != nil {
		return err
	}
	kind := KindOf(r.Source)
	leaving, err := r.leaving(ctx, kind)
	if err != nil {
		return interruptedOr(ctx, err)
	}
	if r.rules.Applying(kind) == 0 && len(leaving) == 0 {
		return fmt.Errorf("%w for events of kind %s", ErrNoRules, kind)
	}
	return nil
}

// work imports, then replays one source after another, then judges correlations. Inputs
// that fail do not stop it; it returns their errors at the end.
func (r *run) work(ctx context.Context) error {
	failed := cmp.Or(r.importInputs(ctx), r.Failed)
	var bad *InputError
	if failed != nil && !errors.As(failed, &bad) {
		return failed
	}
	upTo, err := r.Store.LastSeq(ctx)
	if err != nil {
		return interruptedOr(ctx, err)
	}
	cursors, err := r.cursors(ctx)
	if err != nil {
		return interruptedOr(ctx, err)
	}
	kinds, err := r.kinds(ctx)
	if err != nil {
		return interruptedOr(ctx, err)
	}
	// Commands have most of the tags and come last. Tags are stored by time, and adding
	// many to a few is cheaper than adding a few to many.
	for _, kind := range slices.Backward(kinds) {
		if err := r.source(ctx, kind, cursors, upTo); err != nil {
			return err
		}
	}
	return cmp.Or(r.correlate(ctx), failed)
}

func (r *run) importInputs(ctx context.Context) error {
	if r.ChangedOnly || r.DryRun && r.Scratch == nil { // then there are no inputs
		return nil
	}
	im := Import{Archive: r.Store.Archive, Inputs: r.Inputs, Progress: r.progress, Done: r.FileDone, Limit: r.ImportLimit, Place: r.Place, Now: r.now}
	if r.DryRun {
		im.Archive, im.Beyond = r.Scratch.Archive, r.Store.Archive
	}
	files, err := im.Run(ctx)
	r.out.Files = files
	for _, f := range files {
		r.out.Run.Imported.Add(f.ImportReport)
	}
	return err
}

func (r *run) cursors(ctx context.Context) (map[ttpcron.SourceKind]ttpcron.Cursor, error) {
	list, err := r.Store.Cursors(ctx)
	if err != nil {
		return nil, err
	}
	m := make(map[ttpcron.SourceKind]ttpcron.Cursor, len(list))
	for _, c := range list {
		m[c.Kind] = c
	}
	return m, nil
}

// kinds lists the kinds of event to replay, in the order of reports, and notes the stored
// kinds that no rule in force applies to.
func (r *run) kinds(ctx context.Context) ([]ttpcron.SourceKind, error) {
	stored, err := r.stored(ctx)
	if err != nil {
		return nil, err
	}
	kinds := []ttpcron.SourceKind{ttpcron.Command, ttpcron.CanaryFingerprint}
	for _, k := range stored {
		claimed := r.rules.Applying(k) > 0
		if !claimed {
			r.out.Run.Unclaimed = append(r.out.Run.Unclaimed, k)
		}
		if slices.Contains(kinds[:2], k) {
			continue
		}
		leaving, err := r.leaving(ctx, k)
		if err != nil {
			return nil, err
		}
		if claimed || len(leaving) > 0 {
			kinds = append(kinds, k)
		}
	}
	switch r.Source {
	case SourceAll:
	case SourceCorrelation:
		return nil, nil
	default:
		return []ttpcron.SourceKind{KindOf(r.Source)}, nil
	}
	return kinds, nil
}

// stored lists the kinds of the stored events, by name.
func (r *run) stored(ctx context.Context) ([]ttpcron.SourceKind, error) {
	stored, err := r.Store.Kinds(ctx)
	if err == nil && r.DryRun && r.Scratch != nil {
		var more []ttpcron.SourceKind
		more, err = r.Scratch.Kinds(ctx)
		stored = append(slices.Clone(stored), more...)
	}
	slices.Sort(stored)
	return slices.Compact(stored), err
}

func (r *run) source(ctx context.Context, kind ttpcron.SourceKind, cursors map[ttpcron.SourceKind]ttpcron.Cursor, upTo uint64) error {
	if ctx.Err() != nil {
		return ErrInterrupted
	}
	began := r.now()
	r.out.Run.Sources = slices.Insert(r.out.Run.Sources, 0, ttpcron.SourceReport{Source: SourceOf(kind), DryRun: r.DryRun})
	rep := &r.out.Run.Sources[0]
	defer func() { rep.Elapsed = r.now().Sub(began) }()
	if r.ChangedOnly || r.rules.Applying(kind) == 0 {
		return r.retag(ctx, kind, rep, upTo)
	}
	sel := r.selection(cursors[kind])
	plan, err := r.plan(ctx, r.Store.History, kind, sel, upTo)
	if err != nil {
		return interruptedOr(ctx, err)
	}
	var move []ttpcron.Cursor
	if err := r.replay(ctx, plan, rep, func() []ttpcron.Cursor { move = r.move(plan, cursors); return move }); err != nil {
		return err
	}
	if plan.stale {
		if err := r.retag(ctx, kind, rep, upTo); err != nil {
			return err
		}
	}
	if !r.DryRun || r.Scratch == nil {
		return nil
	}
	return r.replayScratch(ctx, kind, sel, rep)
}

// replayScratch tags, in a dry run, the events that the inputs would add.
func (r *run) replayScratch(ctx context.Context, kind ttpcron.SourceKind, sel selection, rep *ttpcron.SourceReport) error {
	upTo, err := r.Scratch.LastSeq(ctx)
	if err != nil {
		return interruptedOr(ctx, err)
	}
	sel.cursor = 0 // all of them arrive after the cursor
	plan, err := r.plan(ctx, r.Scratch.History, kind, sel, upTo)
	if err != nil {
		return interruptedOr(ctx, err)
	}
	r.history = r.Scratch.History
	defer func() { r.history = r.Store.History }()
	return r.replay(ctx, plan, rep, func() []ttpcron.Cursor { return nil })
}

// selection decides which events of a kind with a cursor the run looks at.
func (r *run) selection(c ttpcron.Cursor) selection {
	return selection{cursor: c.Seq, resumed: r.SinceDays == 0, whole: r.DryRun, window: r.out.Run.Window}
}

// replay carries out a plan and finishes it with the last tags, and moves the cursor if
// nothing was left out.
func (r *run) replay(ctx context.Context, p *plan, rep *ttpcron.SourceReport, move func() []ttpcron.Cursor) error {
	rp := &replay{job: r, plan: p, source: rep}
	err := rp.run(ctx)
	if rp.broken {
		return err
	}
	var cursors []ttpcron.Cursor
	if err == nil {
		cursors = move()
	}
	return errors.Join(err, rp.finish(context.WithoutCancel(ctx), cursors))
}

// move returns the new cursor after a plan, if it moves at all.
func (r *run) move(p *plan, cursors map[ttpcron.SourceKind]ttpcron.Cursor) []ttpcron.Cursor {
	old, has := cursors[p.kind]
	if p.missed || has && p.upTo <= old.Seq {
		return nil
	}
	return []ttpcron.Cursor{{Kind: p.kind, Seq: p.upTo, UpdatedAt: r.now().UTC(), RunID: r.out.Run.ID}}
}

// record returns a copy of the run's current record.
func (r *run) record() *ttpcron.Run {
	c := r.out.Run
	c.Sources = slices.Clone(c.Sources)
	return &c
}

// end stores the run's record and completes the report.
func (r *run) end(ctx context.Context, err error) (Report, error) {
	rec := &r.out.Run
	rec.Finished = r.now().UTC()
	switch {
	case err == nil:
		rec.Outcome = "done"
	case errors.Is(err, ErrInterrupted):
		rec.Outcome = "interrupted"
	default:
		rec.Outcome = err.Error()
	}
	r.out.Found = r.found.picture()
	r.out.Changed, r.out.Tags = r.changes.list(), r.changes.tags
	if r.DryRun {
		return r.out, err
	}
	if _, cerr := r.Store.Commit(ctx, ttpcron.Commit{Run: r.record(), Audit: r.audit()}); cerr != nil {
		err = errors.Join(err, fmt.Errorf("record the run: %w", cerr))
	}
	return r.out, err
}
