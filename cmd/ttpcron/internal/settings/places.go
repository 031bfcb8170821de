package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/metrics"
)

// checkPlaces checks the paths that a daemon writes to. No two of them may be
// one file, nor any of them one that it reads.
func (c *Daemon) checkPlaces() {
	db, socket := c.DB, c.Socket
	c.checkStorePlace(db)
	if err := control.CheckPath(socket); err != nil {
		c.faultAt("socket", "name a shorter path with socket", "%v", err)
	} else if info, err := os.Lstat(socket); err == nil && info.Mode().Type() != fs.ModeSocket {
		c.faultAt("socket", "name another path, or move that file away", "socket %s: a file that is no socket has this name", socket)
	}
	if c.MetricsFile != "" {
		if err := metrics.CheckFile(c.MetricsFile); err != nil {
			c.faultAt("daemon.metrics-file", "name a file of its own, such as DIR/ttpcron.prom", "metrics-file: %v", err)
		} else if err := writableFolder(filepath.Dir(c.MetricsFile)); err != nil {
			c.faultAt("daemon.metrics-file", "name a file in a folder that the daemon may write to", "metrics-file: %v", err)
		}
	}
	written := []place{{"db", db}, {"socket", socket}, {"daemon.metrics-file", c.MetricsFile}}
	others := slices.Concat(written, []place{{"config", c.File.Path}, {"daemon.http-token-file", c.HTTPTokenFile}})
	for _, dir := range c.Rules {
		others = append(others, place{"rules", dir})
	}
	for _, name := range c.Inputs {
		if in, err := c.Formats.ParseInput(name); err == nil {
			others = append(others, place{"inputs", in.Path})
		}
	}
	for i, w := range written {
		for j, o := range others {
			if j > i && samePlace(w.path, o.path) {
				c.faultAt(w.key, "each needs a file of its own", "%s and %s are one file, %s", w.key, o.key, w.path)
			}
		}
	}
}

// checkStorePlace checks that a store is, or can be made, at a path.
func (c *Daemon) checkStorePlace(db string) {
	info, err := os.Stat(db)
	var other *kv.NotStoreError
	switch {
	case strings.HasSuffix(db, string(filepath.Separator)) || err == nil && info.IsDir():
		c.faultAt("db", "name a file in it", "db: %s is a folder", db)
	case err == nil && errors.As(kv.CheckFile(db), &other):
		c.faultAt("db", "name the store, or a file that does not exist", "db: %v", other)
	case errors.Is(err, fs.ErrNotExist):
		dir := filepath.Dir(db)
		for dir != filepath.Dir(dir) {
			if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
				break
			}
			dir = filepath.Dir(dir)
		}
		err = writableFolder(dir)
		fallthrough
	default:
		if err != nil {
			c.faultAt("db", "", "db: %v", err)
		}
	}
}

// place is a path and the key that names it.
type place struct{ key, path string }

// samePlace reports whether two paths lead to one file, or will once it is made.
func samePlace(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	at, aerr := os.Stat(a)
	bt, berr := os.Stat(b)
	if aerr == nil && berr == nil {
		return os.SameFile(at, bt)
	}
	if aerr == nil || berr == nil || filepath.Base(a) != filepath.Base(b) {
		return false
	}
	if host.Resolve(a) == host.Resolve(b) {
		return true
	}
	at, aerr = os.Stat(filepath.Dir(a))
	bt, berr = os.Stat(filepath.Dir(b))
	return aerr == nil && berr == nil && os.SameFile(at, bt)
}

// writableFolder returns why no file can be made in a folder.
func writableFolder(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no folder %s", dir)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is no folder", dir)
	case !host.MayWrite(dir):
		return &fs.PathError{Op: "write to", Path: dir, Err: fs.ErrPermission}
	}
	return nil
}

// faultAt records a fault in a value, with its line if it is from the file.
func (c *Daemon) faultAt(key, hint, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if own := strings.TrimPrefix(key, "daemon."); c.File.lines[key] == 0 && (strings.HasPrefix(text, own+" ") || strings.HasPrefix(text, own+":")) {
		text = c.from.named(own) + strings.TrimPrefix(text, own)
	}
	c.File.Faults = append(c.File.Faults, Fault{c.File.lines[key], text, hint})
}
