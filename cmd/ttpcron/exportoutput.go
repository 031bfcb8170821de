package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/export"
)

// writeExport has a format write to standard output, or to a path at which there is the
// whole export or what was there before.
func writeExport(ctx context.Context, out *term.Output, storePath string, f *formatChoice, path string, j *export.Job) (err error) {
	var scratch *ttpcron.Scratch
	defer func() {
		if scratch != nil {
			_ = scratch.Remove()
		}
	}()
	j.Scratch = func() (string, error) {
		if scratch == nil {
			if scratch, err = ttpcron.NewScratch(os.TempDir(), "ttpcron-export.", ".tmp"); err != nil {
				return "", fmt.Errorf("make a folder for temporary files (TMPDIR names another place): %w", err)
			}
		}
		return scratch.Dir, nil
	}
	if path == "" {
		j.Out = out
		return f.write(ctx, j)
	}
	if same(path, storePath) {
		return cli.Usage(fmt.Sprintf("--output %s is the store itself", path), "name another file")
	}
	making, err := ttpcron.NewScratch(filepath.Dir(path), "."+filepath.Base(path)+".", ".tmp")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer making.Remove()
	j.Path = making.File("export")
	if f.To == export.Stream {
		err = writeStream(ctx, f, j)
	} else {
		err = f.write(ctx, j)
	}
	if err == nil {
		err = os.Rename(j.Path, path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func writeStream(ctx context.Context, f *formatChoice, j *export.Job) error {
	file, err := os.OpenFile(j.Path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriterSize(file, 64<<10)
	j.Out = w
	for _, do := range []func() error{func() error { return f.write(ctx, j) }, w.Flush, file.Sync, file.Close} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// same reports whether two paths are the same file.
func same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
