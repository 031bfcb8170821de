package store

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// call is one request to a store: how it travels, and how the process that has the store
// open carries it out, for itself or for others. No request names a file for a daemon to
// open: the caller reads and writes files.
type call[Req, Resp any] struct {
	control.Method[Req, Resp]
	do func(ctx context.Context, h *Holder, req Req) (Resp, error)
}

// serve has a server answer the call for a holder.
func (c *call[Req, Resp]) serve(s *control.Server, h *Holder) {
	c.Serve(s, func(ctx context.Context, req Req) (Resp, error) { return c.do(ctx, h, req) })
}

// ask makes a call: here, where the store is open, or of the daemon that has it.
func (c *call[Req, Resp]) ask(ctx context.Context, to *conn, req Req) (Resp, error) {
	if to.client == nil {
		return c.do(ctx, to.holder, req)
	}
	return c.Call(ctx, to.client, req)
}

// calls are all requests to a store. A new entry is served, and called by a method of one
// of the parts of [Store].
var calls = control.Name(struct {
	Store call[none, identity]

	Kinds   call[none, []ttpcron.SourceKind]
	Days    call[daysFrom, []ttpcron.DayHistory]
	Events  call[eventsOf, []ttpcron.Event]
	LastSeq call[none, uint64]
	Moment  call[none, ttpcron.Moment]
	Event   call[eventOf, found[ttpcron.Event]]

	EventBlocks call[blocksFrom, blockPage]
	EventsIn    call[eventsIn, []ttpcron.Event]

	MatchDays     call[ttpcron.Day, []ttpcron.MatchDay]
	EventHorizon  call[none, ttpcron.Day]
	AwaitedBefore call[none, ttpcron.Day]
	BaseMatches   call[matchesFrom, matchPage]
	Touched       call[touchedFrom, touchedPage]
	Groups        call[groupsOf, groupsFound]
	EventsAt      call[eventsAt, []ttpcron.Event]

	ArrivedSince call[time.Time, uint64]
	ArrivedAt    call[uint64, found[time.Time]]

	Import          call[importing, ttpcron.ImportReport]
	Known           call[control.List[ttpcron.Event], []bool]
	KnownRejects    call[control.List[ttpcron.Reject], []bool]
	HeadLengths     call[none, []int]
	PositionFormats call[none, []string]
	FindPositions   call[positionsOf, []ttpcron.FilePosition]
	FileLooks       call[control.List[string], []ttpcron.FileLook]
	KeepLooks       call[control.List[ttpcron.FileLook], none]
	ForgetFiles     call[time.Time, int]
	Rejects         call[uint64, rejectPage]
	RejectsDropped  call[none, int]

	Preview      call[Tagging, ttpcron.Committed]
	RulesOf      call[ttpcron.SourceKind, []string]
	RuleSet      call[string, found[ttpcron.RuleSet]]
	Cursors      call[none, []ttpcron.Cursor]
	SetCursor    call[exclusive[ttpcron.Cursor], none]
	DeleteCursor call[exclusive[ttpcron.SourceKind], none]
	Runs         call[int, []ttpcron.Run]

	Tags    call[tagsFrom, tagPage]
	Tag     call[ttpcron.UUID, found[ttpcron.Tag]]
	Summary call[summing, ttpcron.Summary]
	LeftOut call[leftOut, int]
	Counts  call[string, kv.Stats]

	RuleStates     call[none, []ttpcron.RuleState]
	SetRuleState   call[ttpcron.RuleState, none]
	ClearRuleState call[clearing, none]
	RuleVersions   call[none, []kv.VersionCount]
	Retirements    call[none, []ttpcron.Retirement]
	Retire         call[ttpcron.Retirement, none]
	Unretire       call[unretiring, bool]
	Audit          call[int, []ttpcron.AuditEntry]

	Stats         call[none, kv.Stats]
	Prune         call[exclusive[kv.Prune], kv.PruneReport]
	PruneRules    call[exclusive[kv.PruneRules], ttpcron.Committed]
	ForgetHorizon call[exclusive[ttpcron.SourceKind], []kv.Horizon]
	Space         call[measuring, doctor.Space]
	Check         call[measuring, doctor.CheckReport]
	Backup        copying
}{
	// Every command asks this first, and is not to wait behind others for it.
	Store: waits(func(_ context.Context, h *Holder, _ none) (identity, error) { return identify(h.DB.Path(), h.Version) }),

	Kinds: reads((*kv.DB).Kinds),
	Days: does(func(ctx context.Context, h *Holder, q daysFrom) ([]ttpcron.DayHistory, error) {
		return h.DB.DayPage(ctx, q.Kind, q.From)
	}),
	Events: does(func(ctx context.Context, h *Holder, q eventsOf) ([]ttpcron.Event, error) {
		return h.DB.EventPage(ctx, q.Kind, q.Day, q.After, q.UpTo)
	}),
	LastSeq: reads((*kv.DB).LastSeq),
	Moment:  reads((*kv.DB).Moment),
	Event: does(func(ctx context.Context, h *Holder, q eventOf) (f found[ttpcron.Event], err error) {
		f.Value, f.OK, err = h.DB.EventByID(ctx, q.Kind, q.Day, q.ID)
		return f, err
	}),

	EventBlocks: does(func(ctx context.Context, h *Holder, q blocksFrom) (p blockPage, err error) {
		p.Blocks, p.Next, err = h.DB.EventBlocks(ctx, q.Query, q.From)
		return p, err
	}),
	EventsIn: does(func(ctx context.Context, h *Holder, q eventsIn) ([]ttpcron.Event, error) {
		return h.DB.EventsIn(ctx, q.Query, q.Block)
	}),

	MatchDays: does(func(ctx context.Context, h *Holder, from ttpcron.Day) ([]ttpcron.MatchDay, error) {
		return h.DB.MatchDays(ctx, from)
	}),
	EventHorizon:  reads((*kv.DB).EventHorizon),
	AwaitedBefore: reads((*kv.DB).AwaitedBefore),
	BaseMatches: does(func(ctx context.Context, h *Holder, q matchesFrom) (p matchPage, err error) {
		p.Matches.Items, p.Next, err = h.DB.MatchPage(ctx, q.Query, q.From, min(max(q.About, 1), maxMatchPage))
		return p, err
	}),
	Touched: does(func(ctx context.Context, h *Holder, q touchedFrom) (p touchedPage, err error) {
		p.Groups, p.Next, err = h.DB.TouchedPage(ctx, q.Day, q.UpTo, q.From, min(max(q.About, 1), maxMatchPage))
		return p, err
	}),
	Groups: does(func(ctx context.Context, h *Holder, q groupsOf) (f groupsFound, err error) {
		f.Found, f.More, err = findGroups(ctx, h.DB, &q.Sought, q.Day)
		return f, err
	}),
	EventsAt: does(func(ctx context.Context, h *Holder, q eventsAt) ([]ttpcron.Event, error) {
		return readEventsAt(ctx, h.DB, &q)
	}),

	ArrivedSince: does(func(ctx context.Context, h *Holder, t time.Time) (uint64, error) { return h.DB.ArrivedSince(ctx, t) }),
	ArrivedAt: does(func(ctx context.Context, h *Holder, seq uint64) (f found[time.Time], err error) {
		f.Value, f.OK, err = h.DB.ArrivedAt(ctx, seq)
		return f, err
	}),

	Import: large(func(ctx context.Context, h *Holder, q importing) (ttpcron.ImportReport, error) {
		r, err := h.DB.Import(ctx, ttpcron.Batch{Events: q.Events.Items, Rejects: q.Rejects.Items, Position: q.Position})
		h.imported(r)
		return r, err
	}),
	Known: large(func(ctx context.Context, h *Holder, q control.List[ttpcron.Event]) ([]bool, error) {
		return h.DB.Known(ctx, q.Items)
	}),
	KnownRejects: large(func(ctx context.Context, h *Holder, q control.List[ttpcron.Reject]) ([]bool, error) {
		return h.DB.KnownRejects(ctx, q.Items)
	}),
	HeadLengths:     reads((*kv.DB).HeadLengths),
	PositionFormats: reads((*kv.DB).PositionFormats),
	FindPositions: does(func(ctx context.Context, h *Holder, q positionsOf) ([]ttpcron.FilePosition, error) {
		return h.DB.FindPositions(ctx, q.Format, q.Heads)
	}),
	FileLooks: large(func(ctx context.Context, h *Holder, q control.List[string]) ([]ttpcron.FileLook, error) {
		return h.DB.FileLooks(ctx, q.Items)
	}),
	KeepLooks: large(func(ctx context.Context, h *Holder, q control.List[ttpcron.FileLook]) (none, error) {
		return none{}, h.DB.KeepLooks(ctx, q.Items)
	}),
	ForgetFiles: does(func(ctx context.Context, h *Holder, seenBefore time.Time) (int, error) {
		return h.DB.ForgetFiles(ctx, seenBefore)
	}),
	Rejects: does(func(ctx context.Context, h *Holder, after uint64) (p rejectPage, err error) {
		p.Rejects, p.Last, err = h.DB.RejectPage(ctx, after)
		return p, err
	}),
	RejectsDropped: reads((*kv.DB).RejectsDropped),

	Preview: large(func(ctx context.Context, h *Holder, q Tagging) (ttpcron.Committed, error) {
		return h.DB.Preview(ctx, q.Commit())
	}),
	RulesOf: does(func(ctx context.Context, h *Holder, kind ttpcron.SourceKind) ([]string, error) {
		return h.DB.RulesOf(ctx, kind)
	}),
	RuleSet: does(func(ctx context.Context, h *Holder, fingerprint string) (f found[ttpcron.RuleSet], err error) {
		f.Value, f.OK, err = h.DB.RuleSet(ctx, fingerprint)
		return f, err
	}),
	Cursors: reads((*kv.DB).Cursors),
	SetCursor: waits(func(ctx context.Context, h *Holder, q exclusive[ttpcron.Cursor]) (none, error) {
		h.tell(ctx, "a checkpoint is set", "source", term.Clean(string(q.Value.Kind)), "seq", q.Value.Seq)
		q.Value.UpdatedAt, q.Value.RunID = h.now(), Manual
		return none{}, h.alone(ctx, "checkpoint set", q.Wait, func(ctx context.Context) error { return h.DB.SetCursor(ctx, q.Value) })
	}),
	DeleteCursor: waits(func(ctx context.Context, h *Holder, q exclusive[ttpcron.SourceKind]) (none, error) {
		h.tell(ctx, "a checkpoint is forgotten", "source", term.Clean(string(q.Value)))
		return none{}, h.alone(ctx, "checkpoint reset", q.Wait, func(ctx context.Context) error { return h.DB.DeleteCursor(ctx, q.Value) })
	}),
	Runs: does(func(ctx context.Context, h *Holder, limit int) ([]ttpcron.Run, error) { return h.DB.Runs(ctx, limit) }),

	Tags: does(func(ctx context.Context, h *Holder, q tagsFrom) (p tagPage, err error) {
		view, err := h.under(q.Release)
		if err != nil {
			return p, err
		}
		p.Tags, p.Next, err = view.TagPage(ctx, q.Query, q.From, min(max(q.About, 1), maxTagPage))
		return p, err
	}),
	Tag: does(func(ctx context.Context, h *Holder, u ttpcron.UUID) (f found[ttpcron.Tag], err error) {
		f.Value, f.OK, err = h.DB.TagByUUID(ctx, u)
		return f, err
	}),
	Summary: does(func(ctx context.Context, h *Holder, q summing) (ttpcron.Summary, error) {
		view, err := h.under(q.Release)
		if err != nil {
			return ttpcron.Summary{}, err
		}
		return view.Summary(ctx, q.Window, q.Levels, q.Own)
	}),
	Counts: does(func(ctx context.Context, h *Holder, release string) (kv.Stats, error) {
		view, err := h.under(release)
		if err != nil {
			return kv.Stats{}, err
		}
		return view.Stats(ctx)
	}),
	LeftOut: does(func(ctx context.Context, h *Holder, q leftOut) (int, error) {
		view, err := h.under(q.Release)
		if err != nil {
			return 0, err
		}
		return view.LeftOut(ctx, q.Query)
	}),

	// Callers say what, and why. Who they are, and when it is, the holder knows.
	RuleStates: reads((*kv.DB).RuleStates),
	SetRuleState: does(func(ctx context.Context, h *Holder, st ttpcron.RuleState) (none, error) {
		h.tell(ctx, "the state of a rule is set", "rule", term.Clean(st.RuleID))
		st.SetBy, st.SetAt = h.author(ctx, st.SetBy), h.now()
		return none{}, h.DB.SetRuleState(ctx, st)
	}),
	ClearRuleState: does(func(ctx context.Context, h *Holder, q clearing) (none, error) {
		h.tell(ctx, "the state of a rule is cleared", "rule", term.Clean(q.Rule))
		return none{}, h.DB.ClearRuleState(ctx, q.Rule, h.author(ctx, q.By))
	}),
	RuleVersions: reads((*kv.DB).RuleVersions),
	Retirements:  reads((*kv.DB).Retirements),
	Retire: does(func(ctx context.Context, h *Holder, r ttpcron.Retirement) (none, error) {
		h.tell(ctx, "a rule is retired", "rule", term.Clean(r.RuleID))
		r.SetBy, r.SetAt = h.author(ctx, r.SetBy), h.now()
		return none{}, h.DB.Retire(ctx, r)
	}),
	Unretire: does(func(ctx context.Context, h *Holder, q unretiring) (bool, error) {
		h.tell(ctx, "a rule is taken back out of retirement", "rule", term.Clean(q.Rule))
		return h.DB.Unretire(ctx, q.Rule, q.Version, h.author(ctx, q.By), q.Reason)
	}),
	Audit: does(func(ctx context.Context, h *Holder, limit int) ([]ttpcron.AuditEntry, error) {
		return h.DB.Audit(ctx, limit)
	}),

	Stats: reads((*kv.DB).Stats),
	Prune: waits(func(ctx context.Context, h *Holder, q exclusive[kv.Prune]) (r kv.PruneReport, err error) {
		q.Value.Progress = h.moving(q.Value.Progress)
		if q.Value.DryRun {
			return h.DB.Prune(ctx, q.Value)
		}
		h.tell(ctx, "days are taken out")
		err = h.alone(ctx, "prune", q.Wait, func(ctx context.Context) error {
			r, err = h.DB.Prune(ctx, q.Value)
			return err
		})
		return r, err
	}),
	PruneRules: waits(func(ctx context.Context, h *Holder, q exclusive[kv.PruneRules]) (done ttpcron.Committed, err error) {
		q.Value.Progress = h.moving(q.Value.Progress)
		if q.Value.DryRun {
			return h.DB.PruneRules(ctx, q.Value)
		}
		h.tell(ctx, "the tags of rules are taken out", "rules", term.Clean(strings.Join(q.Value.Rules, " ")))
		err = h.alone(ctx, "prune", q.Wait, func(ctx context.Context) error {
			done, err = h.DB.PruneRules(ctx, q.Value)
			return err
		})
		return done, err
	}),
	ForgetHorizon: waits(func(ctx context.Context, h *Holder, q exclusive[ttpcron.SourceKind]) (gone []kv.Horizon, err error) {
		err = h.alone(ctx, "forget horizon", q.Wait, func(ctx context.Context) error {
			gone, err = h.DB.ForgetHorizon(ctx, q.Value)
			return err
		})
		for _, g := range gone {
			h.tell(ctx, "a horizon is forgotten", "source", term.Clean(jobs.SourceOf(g.Kind)), "was", g.Before.String())
		}
		return gone, err
	}),
	// A commit may wait while the store is read, or copied: that is progress too.
	Space: does(func(ctx context.Context, h *Holder, q measuring) (doctor.Space, error) {
		return doctor.MeasureOpen(ctx, h.DB, h.moving(q.Progress))
	}),
	// One at a time, for the sake of memory, which takes no place from other calls.
	Check: waits(func(ctx context.Context, h *Holder, q measuring) (doctor.CheckReport, error) {
		select {
		case checking <- struct{}{}:
			defer func() { <-checking }()
		case <-ctx.Done():
			return doctor.CheckReport{}, ctx.Err()
		}
		return doctor.CheckOpen(ctx, h.DB, doctor.Options{Options: kv.Options{LockTimeout: time.Second}, Progress: h.moving(q.Progress)})
	}),
})

// checking holds an entry while a store is checked.
var checking = make(chan struct{}, 1)

// does makes a call with a request of ordinary size.
func does[Req, Resp any](do func(context.Context, *Holder, Req) (Resp, error)) call[Req, Resp] {
	return call[Req, Resp]{control.NewMethod[Req, Resp](""), do}
}

// large makes a call whose request may be large.
func large[Req, Resp any](do func(context.Context, *Holder, Req) (Resp, error)) call[Req, Resp] {
	return call[Req, Resp]{control.NewMethod[Req, Resp]("", control.Large), do}
}

// waits makes a call that does next to no work: it waits for its turn, or returns
// at once.
func waits[Req, Resp any](do func(context.Context, *Holder, Req) (Resp, error)) call[Req, Resp] {
	return call[Req, Resp]{control.NewMethod[Req, Resp]("", control.Waits), do}
}

// reads makes a call that takes nothing and reads something.
func reads[Resp any](do func(*kv.DB, context.Context) (Resp, error)) call[none, Resp] {
	return does(func(ctx context.Context, h *Holder, _ none) (Resp, error) { return do(h.DB, ctx) })
}

// What calls take and return besides the nouns.
type (
	none      struct{ None bool }
	importing struct {
		Events   control.List[ttpcron.Event]
		Rejects  control.List[ttpcron.Reject]
		Position *ttpcron.FilePosition
	}
	daysFrom struct {
		Kind ttpcron.SourceKind
		From ttpcron.Day
	}
	positionsOf struct {
		Format string
		Heads  []ttpcron.FileHead
	}
	eventsOf struct {
		Kind        ttpcron.SourceKind
		Day         ttpcron.Day
		After, UpTo uint64
	}
	eventOf struct {
		Kind ttpcron.SourceKind
		Day  ttpcron.Day
		ID   string
	}
	blocksFrom struct {
		Query ttpcron.EventQuery
		From  kv.BlockPosition
	}
	blockPage struct {
		Blocks []ttpcron.EventBlock
		Next   kv.BlockPosition
	}
	eventsIn struct {
		Query ttpcron.EventQuery
		Block ttpcron.EventBlock
	}
	found[T any] struct {
		Value T
		OK    bool
	}
	tagsFrom struct {
		Query   ttpcron.TagQuery
		Release string // of ATT&CK, whose names are shown; empty: those of the rules
		From    kv.TagPosition
		About   int
	}
	tagPage struct {
		Tags []ttpcron.Tag
		Next kv.TagPosition
	}
	rejectPage struct {
		Rejects []ttpcron.Reject
		Last    uint64
	}
	unretiring struct {
		Rule       string
		Version    int
		By, Reason string
	}
	summing struct {
		Window  ttpcron.Window
		Levels  ttpcron.MinLevels
		Own     ttpcron.Networks
		Release string
	}
	leftOut struct {
		Query   ttpcron.TagQuery
		Release string
	}
	clearing  struct{ Rule, By string }
	measuring struct {
		None     bool
		Progress func(kv.Progress) // stays where it is asked
	}
	// exclusive is for changes that no run must meet: they wait for the run in
	// progress as long as a command waits for the store.
	exclusive[T any] struct {
		Wait  time.Duration
		Value T
	}
)

// maxTagPage is the most tags that a caller gets at once.
const maxTagPage = 2048

// copying is the call that answers with a copy of the store.
type copying struct{ control.FileMethod[none] }

// serve makes a server answer with a copy, which is complete before it is sent, so that a
// slow reader keeps no transaction open.
func (c *copying) serve(s *control.Server, h *Holder) {
	c.Serve(s, func(ctx context.Context, _ none) (f control.File, err error) {
		file, err := doctor.Snapshot(ctx, h.DB, h.moving(nil))
		if err != nil {
			return f, err
		}
		size, err := file.Seek(0, io.SeekEnd)
		if err == nil {
			_, err = file.Seek(0, io.SeekStart)
		}
		if err != nil {
			file.Close()
			return f, err
		}
		return control.File{ReadCloser: file, Size: size}, nil
	})
}
