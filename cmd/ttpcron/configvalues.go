package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/metrics"
)

func (c *configured) faultf(line int, hint, format string, args ...any) {
	c.faults = append(c.faults, configFault{line, fmt.Sprintf(format, args...), hint})
}

// checkValues tries every value of the file on the flag that it is for, whatever
// command reads the file, so that none works with a file that another refuses.
func (a *app) checkValues(c *configured) {
	fresh := newApp(strings.NewReader(""), a.stdout, a.stderr.w, a.env)
	root := fresh.rootCommand()
	for key, values := range c.values {
		set, name := root.FlagSet, key
		if command, own, nested := strings.Cut(key, "."); nested {
			name = own
			for _, sub := range root.Subcommands {
				if sub.Name == command {
					set = sub.FlagSet
				}
			}
		}
		if key == "inputs" {
			c.checkList(key)
			continue
		}
		if f := set.Lookup(name); f != nil {
			c.checkValue(key, values, f)
		}
	}
}

// checkValue tries the values of one key.
func (c *configured) checkValue(key string, values []string, f *flag.Flag) {
	line, kind := c.lines[key], c.kinds[key]
	want := valueKind(f)
	switch {
	case listFlags[f.Name]:
		c.checkList(key)
		return
	case len(values) != 1 || kind == kindList:
		c.faultf(line, "", "%s is a list, want one value", key)
		return
	case values[0] == "":
		c.faultf(line, "leave the key out for its default", "%s is empty", key)
		return
	case want == kindBool && kind != kindBool:
		c.faultf(line, "", "%s is %s, want true or false without quotes", key, kind)
		return
	case kind == kindNumber && strings.Trim(values[0], "+-InfaN") == "":
		c.faultf(line, "", "%s is no number", key)
		return
	case want != kindBool && kind == kindBool, want == kindText && kind != kindText:
		c.faultf(line, "", "%s is %s, want %s", key, kind, want)
		return
	}
	err := f.Value.Set(values[0])
	if err == nil {
		err = checkShared(f.Name, values[0])
	}
	if err != nil {
		c.faultf(line, "", "%s: %q is not a value for it: %v", key, values[0], err)
	}
}

// checkList tries a list of texts.
func (c *configured) checkList(key string) {
	for _, v := range c.values[key] {
		if v == "" || strings.ContainsRune(v, 0) {
			c.faultf(c.lines[key], "", "%s: %q is the path of nothing", key, v)
		}
	}
	if kind := c.kinds[key]; kind != kindList && kind != kindText {
		c.faultf(c.lines[key], "", "%s is %s, want a list of texts in quotes", key, kind)
	}
}

// What a value of TOML is, in the words of messages.
const (
	kindText   = "text in quotes"
	kindNumber = "a number"
	kindBool   = "true or false"
	kindList   = "a list"
	kindOther  = "a date or a time"
)

func tomlKind(v any) string {
	switch v := v.(type) {
	case string:
		return kindText
	case bool:
		return kindBool
	case int64, uint64, float64:
		return kindNumber
	case []any:
		for _, item := range v {
			if _, text := item.(string); !text {
				return "a list of other things than texts"
			}
		}
		return kindList
	}
	return kindOther
}

// valueKind is what the value of a flag is. What is no text and no truth value may
// be written with quotes or without.
func valueKind(f *flag.Flag) string {
	if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
		return kindBool
	}
	if g, ok := f.Value.(flag.Getter); ok {
		if _, text := g.Get().(string); text {
			return kindText
		}
	}
	return kindNumber
}

// checkShared checks the values of shared flags that are more than their type
// says.
func checkShared(name, value string) error {
	switch name {
	case "log-level":
		if hclog.LevelFromString(value) == hclog.NoLevel {
			return errors.New("want trace, debug, info, warn, error or off")
		}
	case "role":
		if roles := []string{roleStandalone, roleMaster, roleAgent}; !slices.Contains(roles, value) {
			return fmt.Errorf("want %s", strings.Join(roles, ", "))
		}
	case "lock-timeout":
		if d, err := time.ParseDuration(value); err != nil || d < 0 || d > 24*time.Hour {
			return errors.New("want 0s to 24h")
		}
	}
	return nil
}

// checkPlaces checks the paths that a daemon writes to. No two of them may be
// one file, nor any of them one that it reads.
func (c *daemonConfig) checkPlaces() {
	db, socket := c.app.set.db, c.socketPath()
	c.checkStorePlace(db)
	if err := control.CheckPath(socket); err != nil {
		c.faultAt("socket", "name a shorter path with socket", "%v", err)
	} else if info, err := os.Lstat(socket); err == nil && info.Mode().Type() != fs.ModeSocket {
		c.faultAt("socket", "", "socket %s: a file that is no socket has this name", socket)
	}
	if c.metricsFile != "" {
		if err := metrics.CheckFile(c.metricsFile); err != nil {
			c.faultAt("daemon.metrics-file", "name a file of its own, such as DIR/ttpcron.prom", "metrics-file: %v", err)
		} else if err := writableFolder(filepath.Dir(c.metricsFile)); err != nil {
			c.faultAt("daemon.metrics-file", "", "metrics-file: %v", err)
		}
	}
	written := []place{{"db", db}, {"socket", socket}, {"daemon.metrics-file", c.metricsFile}}
	others := slices.Concat(written, []place{{"config", c.file.path}})
	for _, dir := range c.app.set.rules {
		others = append(others, place{"rules", dir})
	}
	for _, name := range c.app.set.inputs {
		if in, err := importer.ParseInput(name); err == nil {
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
func (c *daemonConfig) checkStorePlace(db string) {
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
	if resolve(a) == resolve(b) {
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
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is no folder", dir)
	case !mayWrite(dir):
		return &fs.PathError{Op: "write to", Path: dir, Err: fs.ErrPermission}
	}
	return nil
}

// faultAt notes what is wrong with a value that may be of the file.
func (c *daemonConfig) faultAt(key, hint, format string, args ...any) {
	c.file.faultf(c.file.lines[key], hint, format, args...)
}
