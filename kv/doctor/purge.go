package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ttpcron/ttpcron/kv"
)

// Purge removes the traces of an attacker or a session from a store as [kv.DB.Purge] does,
// and then compacts it, so that nothing of them is left in its file. It compacts even if it
// finds nothing, because another purge may have been killed before compacting. Nobody else
// may have the store open. If it is interrupted, it may have removed a part and must be
// repeated.
func Purge(ctx context.Context, path string, p kv.Purge, o Options) (kv.PurgeReport, Compacted, error) {
	if _, err := os.Stat(path); err != nil {
		return kv.PurgeReport{}, Compacted{}, fmt.Errorf("open store %s: %w", path, err)
	}
	db, err := kv.Open(ctx, path, o.Options)
	if err != nil {
		return kv.PurgeReport{}, Compacted{}, err
	}
	defer db.Close()
	if !p.DryRun {
		size, free, err := db.Size(ctx)
		if err == nil {
			err = room(filepath.Dir(path), size-free)
		}
		if err != nil {
			return kv.PurgeReport{}, Compacted{}, err
		}
	}
	p.Progress = o.Progress
	r, err := db.Purge(ctx, p)
	if err != nil || p.DryRun {
		return r, Compacted{}, err
	}
	c, err := compact(ctx, db, path, o)
	if err != nil {
		err = fmt.Errorf("purge: what was taken out still lies in the file: %w", err)
	}
	return r, c, err
}
