package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// store is what commands need of a store. Each of its methods does what the
// method of kv.DB, or the function of kv/doctor, with its name does.
type store interface {
	jobs.Store

	SetCursor(ctx context.Context, c ttpcron.Cursor) error
	DeleteCursor(ctx context.Context, kind ttpcron.SourceKind) error

	Tags(ctx context.Context, q ttpcron.TagQuery) iter.Seq2[ttpcron.Tag, error]
	TagByUUID(ctx context.Context, u ttpcron.UUID) (ttpcron.Tag, bool, error)
	EventByID(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, id string) (ttpcron.Event, bool, error)
	Summary(ctx context.Context, w ttpcron.Window) (ttpcron.Summary, error)
	Stats(ctx context.Context) (kv.Stats, error)
	Runs(ctx context.Context, limit int) ([]ttpcron.Run, error)
	Rejects(ctx context.Context) iter.Seq2[ttpcron.Reject, error]
	RejectsDropped(ctx context.Context) (int, error)

	RuleStates(ctx context.Context) ([]ttpcron.RuleState, error)
	SetRuleState(ctx context.Context, s ttpcron.RuleState) error
	ClearRuleState(ctx context.Context, ruleID, by string) error
	RuleVersions(ctx context.Context) ([]kv.VersionCount, error)
	Retirements(ctx context.Context) ([]ttpcron.Retirement, error)
	Retire(ctx context.Context, r ttpcron.Retirement) error
	Unretire(ctx context.Context, ruleID string, version int, by, reason string) (bool, error)
	Audit(ctx context.Context, limit int) ([]ttpcron.AuditEntry, error)

	Prune(ctx context.Context, p kv.Prune) (kv.PruneReport, error)
	ForgetHorizon(ctx context.Context, kind ttpcron.SourceKind) ([]kv.Horizon, error)
	MeasureSpace(ctx context.Context, progress func(kv.Progress)) (doctor.Space, error)
	Backup(ctx context.Context, path string, replace bool, progress func(kv.Progress)) error

	Path() string
	Close() error
}

// localStore is a store that this process has open.
type localStore struct{ *kv.DB }

var _ store = localStore{}

// MeasureSpace says what takes the room of the store's file.
func (s localStore) MeasureSpace(ctx context.Context, progress func(kv.Progress)) (doctor.Space, error) {
	return doctor.MeasureOpen(ctx, s.DB, progress)
}

// Backup writes a copy of the store to a file.
func (s localStore) Backup(ctx context.Context, path string, replace bool, progress func(kv.Progress)) error {
	return doctor.Backup(ctx, s.DB, path, replace, progress)
}

// openStore opens the store for writing, and makes it when there is none.
func (a *app) openStore(ctx context.Context) (store, error) {
	db, err := a.open(ctx, kv.Options{LockTimeout: a.set.lockTimeout, Now: a.now})
	return db, a.unwritable(err)
}

// openLocal opens the store for writing in this process.
func (a *app) openLocal(ctx context.Context) (localStore, error) {
	db, err := kv.Open(ctx, a.set.db, kv.Options{LockTimeout: a.set.lockTimeout, Now: a.now})
	return localStore{db}, a.unwritable(err)
}

func (a *app) unwritable(err error) error {
	if path, _ := defaultDB(a.env, os.Geteuid()); errors.Is(err, fs.ErrPermission) && a.set.db == path {
		return hinted{err, "name a store that you may write with --db FILE or TTPCRON_DB"}
	}
	return err
}

// readStore opens the store for reading. It must exist.
func (a *app) readStore(ctx context.Context) (store, error) {
	return a.lookStore(ctx, a.set.lockTimeout)
}

// lookStore is readStore with a time to wait of its own.
func (a *app) lookStore(ctx context.Context, wait time.Duration) (store, error) {
	if a.set.db == "" {
		return nil, hinted{fmt.Errorf("%w, and no place for one: HOME is not set to a folder", errNoStore), "name the store with --db FILE or TTPCRON_DB"}
	}
	db, err := a.open(ctx, kv.Options{ReadOnly: true, LockTimeout: wait, Now: a.now})
	if errors.Is(err, fs.ErrNotExist) {
		err = a.missing()
	}
	return db, unmade(err)
}

// changeStore opens the store for writing. It must exist.
func (a *app) changeStore(ctx context.Context) (store, error) {
	if _, err := os.Stat(a.set.db); errors.Is(err, fs.ErrNotExist) {
		return nil, a.missing()
	}
	return a.openStore(ctx)
}

var errNoStore = errors.New("there is no store")

func (a *app) missing() error {
	return hinted{fmt.Errorf("%w at %s", errNoStore, a.set.db), "ttpcron import PATH makes one; --db names another"}
}

// unmade says what makes a store of a file in which none was ever finished.
func unmade(err error) error {
	if empty := (*kv.UnfinishedError)(nil); errors.As(err, &empty) {
		return hinted{err, "ttpcron import PATH makes a store of it; --db names another"}
	}
	return err
}

// scratchStore makes a store in a temporary folder, which is deleted when it is
// closed with the function returned.
func (a *app) scratchStore(ctx context.Context) (store, func(), error) {
	dir, err := ttpcron.NewScratch(os.TempDir(), "ttpcron-dry-run-", "")
	if err != nil {
		return nil, nil, hinted{fmt.Errorf("make a temporary store for the dry run: %w", err), "TMPDIR names the folder for temporary files"}
	}
	path := dir.File("scratch.db")
	db, err := kv.Open(ctx, path, kv.Options{NoSync: true, Now: a.now})
	if err != nil {
		_ = dir.Remove()
		return nil, nil, fmt.Errorf("make a temporary store for the dry run: %w", err)
	}
	_ = os.Remove(path) // so that its room is free when the process is killed
	return localStore{db}, func() {
		db.Close()
		_ = dir.Remove()
	}, nil
}

// inputs turns what a user named into files to import. Paths that cannot be
// read are in the list too, so that they are reported in their place.
func (a *app) inputs(named []string, format string, final bool) ([]jobs.Input, error) {
	var out []jobs.Input
	seen := map[string]int{} // where in out, and -1 for one that is named nearer
	for _, name := range named {
		in, err := importer.ParseInput(name)
		if err != nil {
			return nil, &usageError{err.Error(), "ttpcron import --help lists the formats"}
		}
		if in.Format == importer.Auto && format != "" {
			in.Format = format
		}
		x, err := importer.Expand([]string{in.Path})
		for _, f := range x.Files {
			key, input := in.Format+":"+f.Path, a.input(in.Format, f, final, f.Path == in.Path)
			at, known := seen[key]
			switch {
			case !known:
				at = len(out)
				out = append(out, input)
			case at >= 0 && !f.Below:
				out[at] = input
			}
			if seen[key] = at; !f.Below {
				seen[key] = -1
			}
		}
		if x.Captured > 0 {
			out = append(out, failing(in.Path, capturesError(x)))
		}
		for _, e := range unjoin(err) {
			out = append(out, failing(in.Path, e))
		}
		if len(x.Files)+x.Captured == 0 && err == nil {
			out = append(out, failing(in.Path, fmt.Errorf("%s: nothing to read there", in.Path)))
		}
	}
	return out, nil
}

// input opens one file when its turn comes. A file that the user did not name,
// but that lies in a folder named, may be of no known format.
func (a *app) input(format string, found importer.Found, final, named bool) jobs.Input {
	return jobs.Input{Name: found.Path, Open: func(ctx context.Context, known jobs.Known) (jobs.File, error) {
		f, err := importer.Open(ctx, found.Path, importer.Options{Format: format, Positions: known.Positions, Look: known.Look, Moved: known.Moved, Final: final, Below: found.Below, Now: a.now, Stdin: a.stdin})
		if err != nil {
			var unknown *importer.UnknownFormatError
			var odd *ttpcron.NotRegularError
			var below *importer.BelowError
			if !named && (errors.As(err, &unknown) || errors.As(err, &odd) || errors.As(err, &below)) {
				err = fmt.Errorf("%w: %w", jobs.ErrPassedOver, err)
			}
			return nil, err
		}
		return f, nil
	}}
}

// capturesError says which folders of captured files were not entered.
func capturesError(x importer.Expansion) error {
	list := strings.Join(x.Captures, ", ")
	if more := x.Captured - len(x.Captures); more > 0 {
		list += fmt.Sprintf(" and %s more", count(more))
	}
	return fmt.Errorf("%w: %s of captured files, not entered: %s; name one to read what is in it", jobs.ErrPassedOver, plural(x.Captured, "folder", "folders"), list)
}

func failing(name string, err error) jobs.Input {
	return jobs.Input{Name: name, Open: func(context.Context, jobs.Known) (jobs.File, error) { return nil, err }}
}

// unjoin takes errors.Join apart.
func unjoin(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	if err != nil {
		return []error{err}
	}
	return nil
}

func formatNames() string {
	s := importer.Auto
	for _, f := range importer.Formats() {
		s += ", " + f.Name
	}
	return s
}
