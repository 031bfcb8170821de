package store

import (
	"context"
	"reflect"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/kv"
)

// Holder is the process that has a store open, as calls see it. What is nil is
// left out: a command has the store for itself, and knows who it is.
type Holder struct {
	DB      *kv.DB
	Version string           // of the program
	Now     func() time.Time // nil: time.Now
	// Alone does something while no run is in progress. When the one in progress
	// does not end in time it does nothing and returns a *kv.LockedError.
	Alone func(ctx context.Context, name string, wait time.Duration, do func(context.Context) error) error
	// Author names who made a call. It decides how far to believe stated, which is
	// what the caller says of itself.
	Author func(ctx context.Context, stated string) string
	// Tell is told what a caller is about to change, with names and values as a
	// log takes them.
	Tell func(ctx context.Context, did string, args ...any)
	// Moved is told of signs of progress.
	Moved func()
	// Imported is told of what callers imported.
	Imported func(ttpcron.ImportReport)
}

// Serve has a server answer all calls of a store.
func Serve(s *control.Server, h *Holder) {
	for _, c := range served() {
		c.serve(s, h)
	}
}

// Methods lists the names of the calls, as the control socket has them.
func Methods() []string {
	s := control.NewServer(control.Options{})
	Serve(s, &Holder{})
	return s.Methods()
}

// server is a call as the serving process sees it.
type server interface {
	serve(*control.Server, *Holder)
}

// served lists the calls.
func served() (all []server) {
	list := reflect.ValueOf(calls).Elem()
	for i := range list.NumField() {
		all = append(all, list.Field(i).Addr().Interface().(server))
	}
	return all
}

func (h *Holder) now() time.Time {
	if h.Now == nil {
		return time.Now().UTC()
	}
	return h.Now().UTC()
}

func (h *Holder) alone(ctx context.Context, name string, wait time.Duration, do func(context.Context) error) error {
	if h.Alone == nil {
		return do(ctx)
	}
	return h.Alone(ctx, name, wait, do)
}

func (h *Holder) author(ctx context.Context, stated string) string {
	if h.Author == nil {
		return stated
	}
	return h.Author(ctx, stated)
}

func (h *Holder) tell(ctx context.Context, did string, args ...any) {
	if h.Tell != nil {
		h.Tell(ctx, did, args...)
	}
}

func (h *Holder) imported(r ttpcron.ImportReport) {
	if h.Imported != nil {
		h.Imported(r)
	}
}

// moving wraps show, which may be nil, so that Moved is called each time too.
func (h *Holder) moving(show func(kv.Progress)) func(kv.Progress) {
	return func(p kv.Progress) {
		if h.Moved != nil {
			h.Moved()
		}
		if show != nil {
			show(p)
		}
	}
}
