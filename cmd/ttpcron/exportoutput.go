package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/export"
)

// writeExport makes a format write to standard output, or to a path, which then has the
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

// writeTo writes to a path. If there is something other than a file or folder, such as a
// pipe or a terminal, it is written to in place.
func writeTo(ctx context.Context, f *formatChoice, path string, j *export.Job) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && asItIs(path, info):
		if f.To != export.Stream {
			return cli.Usage(fmt.Sprintf("--format %s writes no stream", f.Name), "name a file or folder with --output PATH")
		}
		return writeStream(ctx, f, path, asItIsFlags, j)
	case err == nil && info.IsDir() && f.To != export.Folder:
		return errFolder
	case err == nil && !info.IsDir() && f.To == export.Folder:
		return errors.New("it is a file, and a folder is to be made")
	case err == nil: // through a link to what it leads to
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	}
	j.To = filepath.Clean(path)
	return putInPlace(j.To, func(making string) error {
		j.Path = making
		if f.To == export.Stream {
			return writeStream(ctx, f, making, os.O_CREATE|os.O_EXCL|os.O_WRONLY, j)
		}
		if err := f.write(ctx, j); err != nil || f.To != export.File {
			return err
		}
		return syncPath(making)
	}, func(making string) error {
		if f.Place != nil {
			return f.Place(j)
		}
		return os.Rename(making, j.To)
	})
}

// errFolder says that where a file is to be written there is a folder.
var errFolder = cli.Hint(errors.New("it is a folder"), "name a file in it")

// asItIs reports whether a path is written to in place: it is neither a file nor a folder.
func asItIs(path string, info os.FileInfo) bool {
	return !info.IsDir() && (!info.Mode().IsRegular() || strings.HasPrefix(path, "/dev/"))
}

// asItIsFlags open what is written to in place. Standard output may lead to a file that
// others write to too: nothing in it is overwritten.
// A pipe that nobody reads is not waited for.
const asItIsFlags = os.O_WRONLY | os.O_APPEND | syscall.O_NONBLOCK

// errNoReader says that a named pipe cannot be written to yet.
var errNoReader = cli.Hint(errors.New("nobody reads from this pipe"), "start its reader first")

// openOutput opens a file to write to.
func openOutput(path string, flags int, mode os.FileMode) (*os.File, error) {
	file, err := os.OpenFile(path, flags, mode)
	if errors.Is(err, syscall.ENXIO) {
		return nil, errNoReader
	}
	return file, err
}

// putInPlace makes something next to its destination, and moves it there when it is
// complete. A failed or killed one never appears there.
func putInPlace(to string, do, place func(making string) error) error {
	parent := filepath.Dir(to)
	scratch, err := ttpcron.NewScratch(parent, "."+filepath.Base(to)+".", ".tmp")
	if err != nil {
		return err
	}
	defer func() { _ = scratch.Remove() }()
	making := scratch.File("export")
	if err := do(making); err != nil {
		return err
	}
	if err := place(making); err != nil {
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
	_, err := writeFile(ctx, path, flags, 0o666, func(w io.Writer) error {
		j.Out = w
		return f.write(ctx, j)
	})
	return err
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

// syncFile writes a regular file to the disk.
func syncFile(f *os.File) error {
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return err
	}
	return f.Sync()
}
