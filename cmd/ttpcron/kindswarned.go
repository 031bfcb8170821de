package main

import (
	"context"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/jobs"
)

// warnKinds warns about requested kinds that are neither known, nor stored, nor in what
// was just imported.
func warnKinds(ctx context.Context, log hclog.Logger, db *store.Store, asked []ttpcron.SourceKind, files []jobs.FileReport) error {
	if asked == nil {
		return nil
	}
	there, err := db.History.Kinds(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	for _, f := range files {
		for _, name := range f.NewKinds.Names() {
			there = append(there, ttpcron.SourceKind(name))
		}
	}
	settings.WarnKinds(log, asked, there)
	return nil
}
