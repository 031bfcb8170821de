package inputs

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/jobs"
)

// Two inputs may lead to one file: a folder has settings of its own for one log, or none.
// The file is read as the input that names it nearest says, and not again as the other says.
// Otherwise each of its events would be stored twice, with two times or sensors.

// Way is an input, and a file to which it leads.
type Way struct {
	Input importer.Input
	Found importer.Found
	// Err is a [SettingsError] if the file must not be read. Nearest sets it.
	Err error

	near     int
	settings string
	done     bool        // in the list, or the same as one that is
	instead  *jobs.Input // of a file: it says why there is none
}

// NewWay returns the way of an input to a file.
func NewWay(in importer.Input, found importer.Found) *Way {
	return &Way{Input: in, Found: found, near: nearness(in.Path, found.Path), settings: in.Settings.String()}
}

// nearness is how near an input's path comes to a file: the deeper the nearer. A name is
// nearer than a pattern of the same depth.
func nearness(path, file string) int {
	path = filepath.Clean(path)
	depth := 0
	if path != "." {
		depth = 2 * (1 + strings.Count(strings.TrimSuffix(path, "/"), "/"))
	}
	if path == file || path == "." || strings.HasPrefix(file, strings.TrimSuffix(path, "/")+"/") {
		depth++
	}
	return depth
}

// SettingsError says that two inputs which name a file equally near set different things.
type SettingsError struct {
	Path string
	A, B string // the settings, empty for none
}

func (e *SettingsError) Error() string {
	said := func(s string) string {
		if s == "" {
			return "nothing"
		}
		return s
	}
	return fmt.Sprintf("%s: one input sets %s for it and another %s, so each of its events would be stored twice; name it in one input only", e.Path, said(e.A), said(e.B))
}

// rules reports whether a file is read as w says, and not as o, which leads to it too. Two
// formats of equally near inputs are both read.
func (w *Way) rules(o *Way) bool {
	return w.near > o.near && (w.Input.Format == o.Input.Format || o.Input.Format == importer.Auto)
}

// Nearest returns the ways in which files are read, each at the place of the first way to its
// file. If equally near inputs set different things, the way has an error.
func Nearest(all []*Way) (out []*Way) {
	ways := map[string][]*Way{}
	for _, w := range all {
		if w.instead == nil {
			ways[w.Found.Path] = append(ways[w.Found.Path], w)
		}
	}
	for _, w := range all {
		best := w
		if w.instead == nil {
			best = strongest(w, ways[w.Found.Path])
		}
		if !best.done {
			best.settle(ways[w.Found.Path])
			out = append(out, best)
		}
	}
	return out
}

// strongest returns the one of the ways that rules w, or w.
func strongest(w *Way, ways []*Way) *Way {
	best := w
	for _, o := range ways {
		if o.rules(best) {
			best = o
		}
	}
	return best
}

// settle marks w, and the ways that are equally near, as done. If those set other things,
// nobody knows what is right.
func (w *Way) settle(ways []*Way) {
	w.done = true
	for _, o := range ways {
		if o.done || o.near != w.near || o.Input.Format != w.Input.Format {
			continue
		}
		o.done = true
		if o.settings != w.settings {
			w.Err = &SettingsError{w.Found.Path, w.settings, o.settings}
		}
	}
}
