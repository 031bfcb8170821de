package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

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
	if err := writeTo(ctx, f, path, j); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// writeTo writes to a path. What is there and is neither file nor folder, such as a pipe
// or a terminal, is written to as it is.
func writeTo(ctx context.Context, f *formatChoice, path string, j *export.Job) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular() && !info.IsDir(), strings.HasPrefix(path, "/dev/") && err == nil && !info.IsDir():
		if f.To != export.Stream {
			return cli.Usage(fmt.Sprintf("--format %s writes no stream", f.Name), "name a file or folder with --output PATH")
		}
		return writeStream(ctx, f, path, os.O_WRONLY, j)
	case err == nil && info.IsDir() && f.To != export.Folder:
		return errors.New("it is a folder")
	case err == nil && !info.IsDir() && f.To == export.Folder:
		return errors.New("it is a file, and a folder is to be made")
	case err == nil: // through a link to what it leads to
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	}
	parent := filepath.Dir(filepath.Clean(path))
	making, err := ttpcron.NewScratch(parent, "."+filepath.Base(path)+".", ".tmp")
	if err != nil {
		return err
	}
	defer func() { _ = making.Remove() }()
	j.Path, j.To = making.File("export"), filepath.Clean(path)
	if f.To == export.Stream {
		err = writeStream(ctx, f, j.Path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, j)
	} else {
		err = f.write(ctx, j)
	}
	if err == nil && f.To == export.File {
		err = syncPath(j.Path)
	}
	if err != nil {
		return err
	}
	if f.Place != nil {
		err = f.Place(j)
	} else {
		err = os.Rename(j.Path, j.To)
	}
	if err != nil {
		return err
	}
	return syncPath(parent)
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

func writeStream(ctx context.Context, f *formatChoice, path string, flags int, j *export.Job) error {
	file, err := os.OpenFile(path, flags, 0o666)
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriterSize(file, 64<<10)
	j.Out = w
	for _, do := range []func() error{func() error { return f.write(ctx, j) }, w.Flush, func() error { return syncFile(file) }, file.Close} {
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

// syncFile has a file written to the disk, if it lies on one.
func syncFile(f *os.File) error {
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return err
	}
	return f.Sync()
}
