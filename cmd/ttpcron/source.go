package main

import (
	"context"
	"errors"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/jobs"
)

// sourceFlag is a flag that limits a command to one source of events. The store
// knows which sources there are; see [jobs.CheckSource].
type sourceFlag string

const sourceUsage = "only `SOURCE`: command, canary, another kind of event, or all"

// String implements flag.Value.
func (s *sourceFlag) String() string { return string(*s) }

// Set implements flag.Value. It takes whatever can be the name of a source.
func (s *sourceFlag) Set(name string) error {
	if ttpcron.SourceKind(name).Validate() != nil {
		return errors.New("want command, canary, all, or the name of a kind of event")
	}
	*s = sourceFlag(name)
	return nil
}

// Get implements flag.Getter.
func (s *sourceFlag) Get() any { return string(*s) }

// kinds are the kinds of event that a source means in a store, in the order of
// their names: for all, those that are stored.
func (s sourceFlag) kinds(ctx context.Context, db *store.Store) ([]ttpcron.SourceKind, error) {
	stored, err := db.History.Kinds(ctx)
	if err != nil || s == jobs.SourceAll {
		return stored, err
	}
	if err := jobs.CheckSource(string(s), stored); err != nil {
		return nil, err
	}
	return []ttpcron.SourceKind{jobs.KindOf(string(s))}, nil
}
