package main

import (
	"context"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/inputs"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/jobs"
)

// sayOnlyCommands logs which days have only commands after some logs were read again:
// after an import that met known events.
func sayOnlyCommands(ctx context.Context, log hclog.Logger, db *store.Store, kinds []ttpcron.SourceKind, files []jobs.FileReport) error {
	known := 0
	for _, f := range files {
		known += f.Known
	}
	if known == 0 {
		return nil
	}
	days, err := db.OnlyCommands(context.WithoutCancel(ctx), inputs.Readings{}, kinds)
	if text := store.OnlyCommandsText(days); text != "" {
		log.Warn(text)
	}
	return err
}
