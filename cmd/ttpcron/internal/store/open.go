package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// Opener opens the store of a command, or finds the daemon that has it open.
type Opener struct {
	DB          string   // its file; empty when there is no place for one
	DefaultDB   bool     // nobody named it
	Sockets     []string // where a daemon that has it may answer
	LockTimeout time.Duration
	Log         hclog.Logger
	Now         func() time.Time

	said string // why a daemon could not be asked, as it was logged
}

// ErrNone says that there is no store.
var ErrNone = errors.New("there is no store")

// Write opens the store for writing, and makes it when there is none.
func (o *Opener) Write(ctx context.Context) (*Store, error) {
	if o.DB == "" {
		return nil, cli.Usage("there is no place for the store: HOME is not set to a folder", "name the store with --db FILE or TTPCRON_DB")
	}
	s, err := o.open(ctx, o.writing())
	return s, o.unwritable(err)
}

// File opens the store for writing in this process, and makes it when there is
// none.
func (o *Opener) File(ctx context.Context) (*kv.DB, error) {
	db, err := kv.Open(ctx, o.DB, o.writing())
	return db, o.unwritable(err)
}

func (o *Opener) writing() kv.Options {
	return kv.Options{LockTimeout: o.LockTimeout, Now: o.Now, Upgrading: func(from, to int) {
		if o.Log != nil {
			o.Log.Warn("the store is of an earlier version and is brought up to date, which may take minutes; the next run makes its tags again", "schema", from, "to", to)
		}
	}}
}

// FileOptions are those of work on the store's file as a whole.
func (o *Opener) FileOptions(show func(kv.Progress)) doctor.Options {
	return doctor.Options{Options: kv.Options{LockTimeout: o.LockTimeout, Now: o.Now}, Progress: show}
}

// Read opens the store for reading. It must exist, or the error is ErrNone.
func (o *Opener) Read(ctx context.Context) (*Store, error) { return o.Look(ctx, o.LockTimeout) }

// Look is Read, but waits this long for a store that another process holds.
func (o *Opener) Look(ctx context.Context, wait time.Duration) (*Store, error) {
	if o.DB == "" {
		return nil, cli.Hint(fmt.Errorf("%w, and no place for one: HOME is not set to a folder", ErrNone), "name the store with --db FILE or TTPCRON_DB")
	}
	s, err := o.open(ctx, kv.Options{ReadOnly: true, LockTimeout: wait, Now: o.Now})
	return s, o.Explain(err)
}

// Change opens the store for writing. It must exist, or the error is ErrNone.
func (o *Opener) Change(ctx context.Context) (*Store, error) {
	if _, err := os.Stat(o.DB); errors.Is(err, fs.ErrNotExist) {
		return nil, o.missing()
	}
	return o.Write(ctx)
}

// Explain says what to do about an error of opening the store, or of work on its
// file: that it does not exist, or is a daemon's.
func (o *Opener) Explain(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return o.missing()
	}
	return err
}

// ForItself explains an error of work that needs the file of the store for itself.
func (o *Opener) ForItself(ctx context.Context, err error) error {
	if locked := (*kv.LockedError)(nil); errors.As(err, &locked) && locked.Path == o.DB {
		if _, ok := o.OfDaemon(ctx); ok {
			return cli.Hint(err, "a daemon has the store and this command needs the file to itself: systemctl stop ttpcron, run it again, systemctl start ttpcron")
		}
	}
	return o.Explain(err)
}

// Absent reports whether there is no file where the store would be.
func (o *Opener) Absent() bool {
	_, err := os.Stat(o.DB)
	return o.DB != "" && errors.Is(err, fs.ErrNotExist)
}

// MakeHint says how a store is made, and that another can be named.
const MakeHint = "ttpcron import PATH makes a store of it; --db names another"

func (o *Opener) missing() error {
	return cli.Hint(fmt.Errorf("%w at %s", ErrNone, o.DB), "ttpcron import PATH makes one; --db names another")
}

func (o *Opener) unwritable(err error) error {
	if o.DefaultDB && errors.Is(err, fs.ErrPermission) {
		return cli.Hint(err, "name a store that you may write with --db FILE or TTPCRON_DB")
	}
	return err
}

// open opens the store, or takes it as a daemon serves it.
func (o *Opener) open(ctx context.Context, how kv.Options) (*Store, error) {
	if s, ok := o.OfDaemon(ctx); ok {
		return s, nil
	}
	db, err := kv.Open(ctx, o.DB, how)
	if err == nil {
		return Local(&Holder{DB: db, Now: o.Now}), nil
	}
	var locked *kv.LockedError
	if errors.As(err, &locked) {
		// Perhaps by a daemon that was just starting.
		if s, ok := o.OfDaemon(ctx); ok {
			return s, nil
		}
	}
	return nil, err
}

// OfDaemon returns the store as a daemon serves it, and false when none does.
func (o *Opener) OfDaemon(ctx context.Context) (*Store, bool) {
	for _, path := range o.Sockets {
		info, err := os.Lstat(path)
		if err != nil || info.Mode().Type() != fs.ModeSocket {
			continue
		}
		first := control.Dial(path, control.ClientOptions{Fault: ErrorOf, OwnedLike: o.DB})
		asked, cancel := context.WithTimeout(ctx, max(o.LockTimeout, time.Second))
		is, err := calls.Store.Call(asked, first, none{})
		cancel()
		var away *control.AbsentError
		switch {
		case ctx.Err() != nil:
			return nil, false
		case errors.As(err, &away):
			o.Log.Debug("no daemon", "socket", path, "error", err.Error())
		case err != nil:
			o.unasked(path, err)
		case is.same(o.DB):
			o.Log.Debug("the store is asked of the daemon", "socket", path)
			c := control.Dial(path, control.ClientOptions{Fault: ErrorOf, OwnedLike: o.DB, Retry: o.LockTimeout, Interrupt: ctx})
			return newStore(&conn{client: c, path: o.DB, wait: o.LockTimeout}), true
		}
	}
	return nil, false
}

// unasked says, once, that a daemon did not answer as it should.
func (o *Opener) unasked(socket string, err error) {
	why := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		why = "it did not answer in time"
	}
	if o.said == why {
		return
	}
	o.said = why
	o.Log.Warn("the daemon cannot be asked", "socket", term.Clean(socket), "error", term.Clean(why))
}

// DaemonVersion asks the daemon at a socket for its version, and returns false when none
// answers there that has the store.
func (o *Opener) DaemonVersion(ctx context.Context, socket string) (string, bool) {
	is, err := calls.Store.Call(ctx, control.Dial(socket, control.ClientOptions{Fault: ErrorOf}), none{})
	return is.Version, err == nil && is.same(o.DB)
}

// Scratch makes a store in a temporary folder. The returned function closes it and
// deletes the folder.
func Scratch(ctx context.Context, now func() time.Time) (*Store, func(), error) {
	dir, err := ttpcron.NewScratch(os.TempDir(), "ttpcron-dry-run-", "")
	if err != nil {
		return nil, nil, cli.Hint(fmt.Errorf("make a temporary store for the dry run: %w", err), "TMPDIR names the folder for temporary files")
	}
	path := dir.File("scratch.db")
	db, err := kv.Open(ctx, path, kv.Options{NoSync: true, Now: now})
	if err != nil {
		_ = dir.Remove()
		return nil, nil, cli.Hint(fmt.Errorf("make a temporary store for the dry run: %w", err), "TMPDIR names the folder for temporary files")
	}
	_ = os.Remove(path) // so that its room is free when the process is killed
	return Local(&Holder{DB: db, Now: now}), func() {
		db.Close()
		_ = dir.Remove()
	}, nil
}
