package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/storefile"
)

// Compacted says what compacting a store gained.
type Compacted struct{ Before, After int64 } // bytes of the file

// Compact rewrites a store without free space, checks the new file as [Check] does, and
// atomically replaces the old one. Nobody else may have the store open. If it is
// interrupted, the old store stays.
func Compact(ctx context.Context, path string, o Options) (Compacted, error) {
	if _, err := os.Stat(path); err != nil {
		return Compacted{}, fmt.Errorf("open store %s: %w", path, err)
	}
	db, err := kv.Open(ctx, path, o.Options)
	if err != nil {
		return Compacted{}, err
	}
	defer db.Close()
	return compact(ctx, db, path, o)
}

// compact compacts a store that is open, and is not to be used afterwards.
func compact(ctx context.Context, db *kv.DB, path string, o Options) (Compacted, error) {
	old, err := os.Open(path)
	if err != nil {
		return Compacted{}, err
	}
	defer old.Close()
	info, err := old.Stat()
	if err != nil {
		return Compacted{}, err
	}
	_, free, err := db.Size(ctx)
	if err != nil {
		return Compacted{}, err
	}
	used := info.Size() - free
	out := Compacted{Before: info.Size()}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return Compacted{}, err
	}
	err = newFile(path, true, used, func(f *os.File) error {
		if err := storefile.DressLike(f, old); err != nil {
			return err
		}
		if err := db.Rewrite(ctx, f.Name(), used, o.Progress); err != nil {
			return err
		}
		if err := verify(ctx, f, path, o.Progress); err != nil {
			return err
		}
		info, err := f.Stat()
		if err == nil {
			out.After = info.Size()
		}
		return err
	})
	if err != nil {
		return Compacted{}, fmt.Errorf("compact store %s: %w", path, err)
	}
	return out, nil
}
