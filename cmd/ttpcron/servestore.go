package main

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/scheduler"
)

// What the methods of a store take over the control socket. No request names a
// file that the daemon opens: files are read and written by the caller.
type (
	none      struct{ None bool }
	importing struct {
		Events, Rejects []byte
		Position        *ttpcron.FilePosition
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
	found[T any] struct {
		Value T
		OK    bool
	}
	tagsFrom struct {
		Query ttpcron.TagQuery
		From  kv.TagPosition
		About int
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
	clearing struct{ Rule, By string }
	// exclusive is for changes that no run must meet: they wait for the run in
	// progress as long as a command waits for the store.
	exclusive[T any] struct {
		Wait  time.Duration
		Value T
	}
)

// serveStore lets callers use the store.
func (d *daemon) serveStore(s *control.Server) {
	db := d.db
	// Every command asks this first, and is not to wait behind others for it.
	control.Register(s, "store", func(context.Context, none) (storeIs, error) { return identify(db.Path()) }, control.Waits)
	ask(s, "kinds", db.Kinds)
	control.Register(s, "days", func(ctx context.Context, q daysFrom) ([]ttpcron.DayHistory, error) {
		return db.DayPage(ctx, q.Kind, q.From)
	})
	ask(s, "last-seq", db.LastSeq)
	control.Register(s, "events", func(ctx context.Context, q eventsOf) ([]ttpcron.Event, error) {
		return db.EventPage(ctx, q.Kind, q.Day, q.After, q.UpTo)
	})
	ask(s, "head-lengths", db.HeadLengths)
	control.Register(s, "find-positions", func(ctx context.Context, q positionsOf) ([]ttpcron.FilePosition, error) {
		return db.FindPositions(ctx, q.Format, q.Heads)
	})
	control.Register(s, "file-looks", db.FileLooks, control.Large)
	control.Register(s, "keep-looks", func(ctx context.Context, looks []ttpcron.FileLook) (none, error) {
		return none{}, db.KeepLooks(ctx, looks)
	}, control.Large)
	control.Register(s, "forget-files", db.ForgetFiles)
	control.Register(s, "import", func(ctx context.Context, q importing) (ttpcron.ImportReport, error) {
		events, err := readEvents(q.Events)
		if err != nil {
			return ttpcron.ImportReport{}, err
		}
		rejects, err := readRejects(q.Rejects)
		if err != nil {
			return ttpcron.ImportReport{}, err
		}
		r, err := db.Import(ctx, ttpcron.Batch{Events: events, Rejects: rejects, Position: q.Position})
		d.observer.Import(r)
		return r, err
	}, control.Large)
	control.Register(s, "known", func(ctx context.Context, list []byte) ([]bool, error) {
		events, err := readEvents(list)
		if err != nil {
			return nil, err
		}
		return db.Known(ctx, events)
	}, control.Large)
	control.Register(s, "known-rejects", func(ctx context.Context, list []byte) ([]bool, error) {
		rejects, err := readRejects(list)
		if err != nil {
			return nil, err
		}
		return db.KnownRejects(ctx, rejects)
	}, control.Large)
	control.Register(s, "has-tags", func(ctx context.Context, list []byte) (int, error) {
		tags, err := readTags(list)
		if err != nil {
			return 0, err
		}
		return db.HasTags(ctx, tags)
	}, control.Large)
	control.Register(s, "rule-set", func(ctx context.Context, fingerprint string) (found[ttpcron.RuleSet], error) {
		v, ok, err := db.RuleSet(ctx, fingerprint)
		return found[ttpcron.RuleSet]{v, ok}, err
	})
	ask(s, "cursors", db.Cursors)
	control.Register(s, "set-cursor", func(ctx context.Context, q exclusive[ttpcron.Cursor]) (none, error) {
		d.tell(ctx, "a checkpoint is set", "source", clean(string(q.Value.Kind)), "seq", q.Value.Seq)
		q.Value.UpdatedAt, q.Value.RunID = d.config().app.now().UTC(), manual
		return none{}, d.alone(ctx, "checkpoint set", q.Wait, func(ctx context.Context) error { return db.SetCursor(ctx, q.Value) })
	}, control.Waits)
	control.Register(s, "delete-cursor", func(ctx context.Context, q exclusive[ttpcron.SourceKind]) (none, error) {
		d.tell(ctx, "a checkpoint is forgotten", "source", clean(string(q.Value)))
		return none{}, d.alone(ctx, "checkpoint reset", q.Wait, func(ctx context.Context) error { return db.DeleteCursor(ctx, q.Value) })
	}, control.Waits)
	d.serveTags(s)
	d.serveRules(s)
	d.serveFile(s)
}

// ask registers a method that takes nothing.
func ask[T any](s *control.Server, name string, do func(context.Context) (T, error)) {
	control.Register(s, name, func(ctx context.Context, _ none) (T, error) { return do(ctx) })
}

// maxTagPage is how many tags a caller gets at once, at most.
const maxTagPage = 2048

func (d *daemon) serveTags(s *control.Server) {
	db := d.db
	control.Register(s, "tags", func(ctx context.Context, q tagsFrom) (tagPage, error) {
		tags, next, err := db.TagPage(ctx, q.Query, q.From, min(max(q.About, 1), maxTagPage))
		return tagPage{tags, next}, err
	})
	control.Register(s, "tag", func(ctx context.Context, u ttpcron.UUID) (found[ttpcron.Tag], error) {
		v, ok, err := db.TagByUUID(ctx, u)
		return found[ttpcron.Tag]{v, ok}, err
	})
	control.Register(s, "event", func(ctx context.Context, q eventOf) (found[ttpcron.Event], error) {
		v, ok, err := db.EventByID(ctx, q.Kind, q.Day, q.ID)
		return found[ttpcron.Event]{v, ok}, err
	})
	control.Register(s, "summary", db.Summary)
	ask(s, "stats", db.Stats)
	control.Register(s, "runs", db.Runs)
	control.Register(s, "rejects", func(ctx context.Context, after uint64) (rejectPage, error) {
		rejects, last, err := db.RejectPage(ctx, after)
		return rejectPage{rejects, last}, err
	})
	ask(s, "rejects-dropped", db.RejectsDropped)
}

// tell logs who changes something.
func (d *daemon) tell(ctx context.Context, did string, args ...any) {
	d.config().app.log.Info(did, append(args, "by", d.author(ctx, ""))...)
}

// serveRules lets callers say what, and why. Who they are, and when it is, they
// do not say: the daemon knows.
func (d *daemon) serveRules(s *control.Server) {
	db := d.db
	now := func() time.Time { return d.config().app.now().UTC() }
	ask(s, "rule-states", db.RuleStates)
	control.Register(s, "set-rule-state", func(ctx context.Context, st ttpcron.RuleState) (none, error) {
		d.tell(ctx, "the state of a rule is set", "rule", clean(st.RuleID))
		st.SetBy, st.SetAt = d.author(ctx, st.SetBy), now()
		return none{}, db.SetRuleState(ctx, st)
	})
	control.Register(s, "clear-rule-state", func(ctx context.Context, q clearing) (none, error) {
		d.tell(ctx, "the state of a rule is cleared", "rule", clean(q.Rule))
		return none{}, db.ClearRuleState(ctx, q.Rule, d.author(ctx, q.By))
	})
	ask(s, "rule-versions", db.RuleVersions)
	ask(s, "retirements", db.Retirements)
	control.Register(s, "retire", func(ctx context.Context, r ttpcron.Retirement) (none, error) {
		d.tell(ctx, "a rule is retired", "rule", clean(r.RuleID))
		r.SetBy, r.SetAt = d.author(ctx, r.SetBy), now()
		return none{}, db.Retire(ctx, r)
	})
	control.Register(s, "unretire", func(ctx context.Context, q unretiring) (bool, error) {
		d.tell(ctx, "a rule is taken back out of retirement", "rule", clean(q.Rule))
		return db.Unretire(ctx, q.Rule, q.Version, d.author(ctx, q.By), q.Reason)
	})
	control.Register(s, "audit", db.Audit)
}

// serveFile is what concerns the file as a whole.
func (d *daemon) serveFile(s *control.Server) {
	db := d.db
	control.Register(s, "prune", func(ctx context.Context, q exclusive[kv.Prune]) (r kv.PruneReport, err error) {
		if q.Value.DryRun {
			return db.Prune(ctx, q.Value)
		}
		d.tell(ctx, "days are taken out")
		err = d.alone(ctx, "prune", q.Wait, func(ctx context.Context) error {
			q.Value.Progress = func(kv.Progress) { d.moved.Add(1) }
			r, err = db.Prune(ctx, q.Value)
			return err
		})
		return r, err
	}, control.Waits)
	control.Register(s, "forget-horizon", func(ctx context.Context, q exclusive[ttpcron.SourceKind]) (gone []kv.Horizon, err error) {
		err = d.alone(ctx, "forget horizon", q.Wait, func(ctx context.Context) error {
			gone, err = db.ForgetHorizon(ctx, q.Value)
			return err
		})
		for _, h := range gone {
			p, _ := control.PeerOf(ctx)
			d.config().app.log.Info("a horizon is forgotten", "source", clean(jobs.SourceOf(h.Kind)), "was", h.Before.String(), "user", p.UID, "process", p.PID)
		}
		return gone, err
	}, control.Waits)
	// While it is read, or copied, a commit may wait for that: it is progress too.
	moved := func(kv.Progress) { d.moved.Add(1) }
	ask(s, "space", func(ctx context.Context) (doctor.Space, error) { return db.MeasureSpace(ctx, moved) })
	// A copy is made beside the store before any of it is sent, so that however
	// slowly it is taken no transaction stays open.
	control.RegisterFile(s, "backup", func(ctx context.Context, _ none) (f control.File, err error) {
		file, err := doctor.Snapshot(ctx, db.DB, moved)
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

// alone does something between two runs. When the run in progress does not end
// in time it is not done, and the error is that of a store that is held.
func (d *daemon) alone(ctx context.Context, name string, wait time.Duration, do func(ctx context.Context) error) error {
	ticket, err := d.sched.Queue(name, scheduler.JobFunc(do))
	if err != nil {
		return err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ticket.Started():
	case <-ctx.Done():
		ticket.Cancel()
		return ctx.Err()
	case <-timer.C:
		if ticket.Withdraw() { // else it has just begun
			return &kv.LockedError{Path: d.db.Path(), PID: os.Getpid(), Command: "ttpcron"}
		}
	}
	defer context.AfterFunc(ctx, ticket.Cancel)()
	<-ticket.Done()
	return ticket.Err()
}
