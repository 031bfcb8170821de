package importer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Input is what a user asked to import.
type Input struct {
	Format string // a format's name, or Auto
	Path   string // a file, a folder, a pattern or "-"
}

var formatPrefix = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]+$`)

// ParseInput reads "PATH" or "FORMAT:PATH". A prefix counts as a format only
// when it looks like the name of one: "/var/log/a:b", "C:\logs" and the name of
// an existing file that holds a colon are paths. An unknown format is an error
// that lists those known.
func ParseInput(s string) (Input, error) {
	if s == "" {
		return Input{}, errors.New("the path of an input is empty")
	}
	prefix, path, ok := strings.Cut(s, ":")
	if !ok || !formatPrefix.MatchString(prefix) {
		return Input{Auto, s}, nil
	}
	if _, known := findFormat(prefix); known || prefix == Auto {
		if path == "" {
			return Input{}, fmt.Errorf("input %q has no path after the format", s)
		}
		return Input{prefix, path}, nil
	}
	if _, err := os.Lstat(s); err == nil {
		return Input{Auto, s}, nil
	}
	return Input{}, fmt.Errorf("input %q: unknown format %q; known are %s", s, prefix, formatNames())
}

// Expand turns files, folders, patterns (as in [path/filepath.Match]) and "-"
// into the paths of files, each once, in the order given and sorted within a
// folder or pattern. Folders are read with all that is below them; symbolic
// links found in them are not followed. A pattern that names an existing file
// is that file.
//
// The paths found are good even when the error is not nil: it joins one error
// for each path that is missing, unreadable, not a file, or a link that leads
// out of its folder.
func Expand(patterns []string) ([]string, error) {
	var x expansion
	for _, p := range patterns {
		x.pattern(p)
	}
	return x.paths, errors.Join(x.errs...)
}

type expansion struct {
	paths []string
	seen  map[string]bool
	errs  []error
}

func (x *expansion) add(path string) {
	if x.seen == nil {
		x.seen = map[string]bool{}
	}
	clean := path
	if path != Stdin {
		clean = filepath.Clean(path)
	}
	if !x.seen[clean] {
		x.seen[clean] = true
		x.paths = append(x.paths, clean)
	}
}

func (x *expansion) fail(err error) { x.errs = append(x.errs, err) }

func (x *expansion) pattern(p string) {
	if p == Stdin {
		x.add(p)
		return
	}
	_, err := os.Lstat(p)
	if err == nil || !strings.ContainsAny(p, `*?[`) {
		x.named(p)
		return
	}
	matches, err := filepath.Glob(p)
	if err != nil {
		x.fail(fmt.Errorf("pattern %q: %w", p, err))
		return
	}
	if len(matches) == 0 {
		x.fail(fmt.Errorf("pattern %q: no file matches", p))
		return
	}
	slices.Sort(matches)
	for _, m := range matches {
		if !companion(m) {
			x.named(m)
		}
	}
}

// named takes in a path that the user gave, following it when it is a link.
func (x *expansion) named(path string) {
	info, err := os.Stat(path)
	if err != nil {
		x.fail(err)
		return
	}
	if info.IsDir() {
		x.folder(path)
		return
	}
	if kind := irregular(info.Mode()); kind != "" {
		x.fail(&NotRegularError{path, kind})
		return
	}
	x.add(path)
}

// folder takes in all files below a folder.
func (x *expansion) folder(root string) {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		x.fail(err)
		return
	}
	err = filepath.WalkDir(real, func(path string, d fs.DirEntry, err error) error {
		shown := root
		if rel, relErr := filepath.Rel(real, path); relErr == nil {
			shown = filepath.Join(root, rel)
		}
		switch {
		case err != nil:
			x.fail(err)
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir() || companion(path):
		case d.Type()&fs.ModeSymlink != 0:
			x.link(real, path, shown)
		case !d.Type().IsRegular():
			x.fail(&NotRegularError{shown, irregular(d.Type())})
		default:
			x.add(shown)
		}
		return nil
	})
	if err != nil {
		x.fail(err)
	}
}

// link looks at a symbolic link within a folder. What it leads to is read by its
// own name when that is in the folder too, and not read when it is elsewhere.
func (x *expansion) link(root, path, shown string) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		x.fail(fmt.Errorf("%s: %w", shown, err))
		return
	}
	if rel, err := filepath.Rel(root, target); err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		x.fail(fmt.Errorf("%s is a link out of the folder and was not followed; name it to read it", shown))
	}
}

// companion reports whether a file belongs to a SQLite database beside it, with
// which it is read.
func companion(path string) bool {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if base, ok := strings.CutSuffix(path, suffix); ok {
			if info, err := os.Stat(base); err == nil && info.Mode().IsRegular() {
				return true
			}
		}
	}
	return false
}
