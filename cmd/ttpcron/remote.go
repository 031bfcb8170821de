package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/kv"
)

// systemSocket is where the daemon of a package of the system answers.
const systemSocket = "/run/ttpcron/ttpcron.sock"

// sockets lists where a daemon that has the store may answer.
func (a *app) sockets() []string {
	if a.set.socket != "" {
		return []string{a.set.socket}
	}
	return []string{socketOf(a.set.db), systemSocket}
}

// socketOf is the socket of a store when nobody names one.
func socketOf(db string) string { return resolve(db) + ".sock" }

// ofDaemon returns the store as a daemon serves it, and false when none does.
func (a *app) ofDaemon(ctx context.Context) (store, bool) {
	for _, path := range a.sockets() {
		info, err := os.Lstat(path)
		if err != nil || info.Mode().Type() != fs.ModeSocket {
			continue
		}
		var trust []int
		if info, err := os.Stat(a.set.db); err == nil {
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				trust = append(trust, int(stat.Uid))
			}
		}
		first := control.Dial(path, control.ClientOptions{Fault: errorOf, Trust: trust})
		asked, cancel := context.WithTimeout(ctx, max(a.set.lockTimeout, time.Second))
		is, err := control.Call[none, storeIs](asked, first, "store", none{})
		cancel()
		var away *control.AbsentError
		switch {
		case ctx.Err() != nil:
			return nil, false
		case errors.As(err, &away):
			a.log.Debug("no daemon", "socket", path, "error", err.Error())
		case err != nil:
			a.log.Warn("the daemon cannot be asked", "socket", clean(path), "error", clean(err.Error()))
		case is.same(a.set.db):
			a.log.Debug("the store is asked of the daemon", "socket", path)
			c := control.Dial(path, control.ClientOptions{Fault: errorOf, Trust: trust, Retry: a.set.lockTimeout, Interrupt: ctx})
			return remoteStore{client: c, path: a.set.db, wait: a.set.lockTimeout}, true
		}
	}
	return nil, false
}

// open opens the store, or takes it as a daemon serves it.
func (a *app) open(ctx context.Context, o kv.Options) (store, error) {
	if s, ok := a.ofDaemon(ctx); ok {
		return s, nil
	}
	db, err := kv.Open(ctx, a.set.db, o)
	if err == nil {
		return localStore{db}, nil
	}
	var locked *kv.LockedError
	if errors.As(err, &locked) {
		// Perhaps by a daemon that was just starting.
		if s, ok := a.ofDaemon(ctx); ok {
			return s, nil
		}
	}
	return nil, err
}

// daemonHas reports whether it is a daemon that has the store at a path.
func (a *app) daemonHas(ctx context.Context, path string) bool {
	if path != a.set.db {
		return false
	}
	_, ok := a.ofDaemon(ctx)
	return ok
}
