package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/report/page"
)

// writeReportFile writes a page to a path, which then has the whole page, or what was
// there before. Only its owner may read a new file; a replacement keeps the earlier file's
// permissions. It returns the page's size, and whether the path is not a file, such as a
// pipe, and was written to in place.
func writeReportFile(ctx context.Context, path string, write func(io.Writer) error) (size int64, stream bool, err error) {
	size, stream, err = replaceReport(ctx, path, write)
	var foreign *ttpcron.ForeignFileError
	switch {
	case err == nil:
		return size, stream, nil
	case errors.As(err, &foreign):
		return 0, stream, cli.Hint(fmt.Errorf("write %s: %w", path, err), "name another file with -o")
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return 0, stream, cli.Hint(fmt.Errorf("write %s: %w", path, err), "name a file in a folder that you may write to with -o")
	}
	return 0, stream, fmt.Errorf("write %s: %w", path, err)
}

func replaceReport(ctx context.Context, path string, write func(io.Writer) error) (size int64, stream bool, err error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && asItIs(path, info):
		size, err = writeFile(ctx, path, asItIsFlags, 0, write)
		return size, true, err
	case err == nil && info.IsDir():
		return 0, false, errFolder
	case err == nil: // through a link to what it leads to
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return 0, false, err
		}
	}
	if err := ttpcron.CheckReplace(path, "a report of ttpcron", isReport); err != nil {
		return 0, false, err
	}
	mode := fs.FileMode(0o600)
	if info != nil {
		mode = info.Mode().Perm()
	}
	err = putInPlace(path, func(making string) (err error) {
		if size, err = writeFile(ctx, making, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600, write); err != nil {
			return err
		}
		return os.Chmod(making, mode)
	}, func(making string) error { return os.Rename(making, path) })
	return size, false, err
}

// writeFile writes to a file and has it on the disk.
func writeFile(ctx context.Context, path string, flags int, mode fs.FileMode, write func(io.Writer) error) (size int64, err error) {
	file, err := openOutput(path, flags, mode)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	w := &counted{w: bufio.NewWriterSize(term.Interruptible(ctx, file), 64<<10)}
	for _, do := range []func() error{func() error { return write(w) }, w.w.Flush, func() error { return syncFile(file) }, file.Close} {
		if err := do(); err != nil {
			return 0, err
		}
	}
	return w.n, nil
}

// counted counts the written bytes.
type counted struct {
	w *bufio.Writer
	n int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// isReport reports whether a file begins as a page does.
func isReport(f *os.File) (bool, error) {
	head := make([]byte, page.KnownBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return false, err
	}
	return page.Known(head[:n]), nil
}

// fileURL is an absolute path as browsers take it.
func fileURL(path string) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path = "/" + u.Path
	}
	return u.String()
}
