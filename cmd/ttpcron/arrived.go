package main

import (
	"context"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
)

const arrivedUsage = "only events that arrived in the store at or after `TIME`, and their tags, whenever they happened"

// arrivedSince reads --arrived-since; the zero time is none.
func arrivedSince(text string, now time.Time) (time.Time, error) {
	t, err := cli.ParseWhen(text, now)
	if err != nil {
		return t, cli.Usagef("--arrived-since: %v", err)
	}
	return t, nil
}

// arrivedAfter returns the arrival number after which events arrived at or after a
// time; 0 for the zero time.
func arrivedAfter(ctx context.Context, history store.History, t time.Time) (uint64, error) {
	if t.IsZero() {
		return 0, nil
	}
	seq, err := history.ArrivedSince(ctx, t)
	return max(seq, 1) - 1, err
}
