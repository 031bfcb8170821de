package tagger_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ttpcron/ttpcron/tagger"
)

// inForce lists the rules of a set as id@version file.
func inForce(rs *tagger.RuleSet) string {
	var out []string
	for _, r := range rs.Rules() {
		out = append(out, fmt.Sprintf("%s@%d %s/%s", r.ID, r.Version, r.Folder, r.File))
	}
	return strings.Join(out, ", ")
}

func versioned(id string, version int) string {
	return rule(id, "{pattern: x}", "rule_version: 1", fmt.Sprint("rule_version: ", version))
}

// noList is a folder that cannot be listed; its files are there.
type noList struct{ fstest.MapFS }

func (n noList) ReadDir(string) ([]fs.DirEntry, error) { return nil, errors.New("i/o error") }

func TestReload(t *testing.T) {
	base := folder("a.yaml", versioned("A", 1), "b.yaml", versioned("B", 1))
	over := folder("mine.yaml", versioned("B", 2))
	const start = "A@1 base/a.yaml, B@2 over/mine.yaml"
	for _, tt := range []struct {
		name       string
		base, over fs.FS
		want       string
		kept       int
		problems   []string
	}{
		{"nothing changes", base, over, start, 0, nil},
		{"a new version", folder("a.yaml", versioned("A", 2), "b.yaml", versioned("B", 1)), over, "A@2 base/a.yaml, B@2 over/mine.yaml", 0, nil},
		{"a file is gone", folder("b.yaml", versioned("B", 1)), over, "B@2 over/mine.yaml", 0, nil},
		{"an override is gone", base, folder(), "A@1 base/a.yaml, B@1 base/b.yaml", 0, nil},
		{"a broken file", folder("a.yaml", "a: [", "b.yaml", versioned("B", 1)), over, start, 1,
			[]string{"base/a.yaml:1: not valid YAML: did not find expected node content (the rule of before stays in use)"}},
		{"a broken override", base, folder("mine.yaml", ""), start, 1, []string{"over/mine.yaml: file is empty (the rule of before stays in use)"}},
		{"a broken file whose rule is replaced, and the override gone", folder("a.yaml", versioned("A", 1), "b.yaml", ""), folder(), "A@1 base/a.yaml, B@1 base/b.yaml", 1,
			[]string{"base/b.yaml: file is empty (the rule of before stays in use)"}},
		{"another file takes the id of a broken one", folder("a.yaml", "", "c.yaml", versioned("A", 3)), over, "A@3 base/c.yaml, B@2 over/mine.yaml", 0,
			[]string{"base/a.yaml: file is empty", "base/a.yaml: rule_id: A is already the id of c.yaml"}},
		{"an id is taken twice", folder("a.yaml", versioned("A", 1), "b.yaml", versioned("A", 1)), folder(), "A@1 base/a.yaml, B@1 base/b.yaml", 1,
			[]string{"base/b.yaml:1: rule_id: A is already the id of a.yaml (the rule of before stays in use)"}},
		{"a broken file is new", base, folder("mine.yaml", versioned("B", 2), "new.yaml", ""), start, 0, []string{"over/new.yaml: file is empty"}},
		{"a folder cannot be listed", noList{base}, over, start, 0, []string{"base: i/o error (the rule of before stays in use)"}},
	} {
		o := options(tagger.Folder{Name: "base", FS: base}, tagger.Folder{Name: "over", FS: over})
		before, _ := tagger.Load(o)
		if got := inForce(before); got != start {
			t.Fatal(got)
		}
		fingerprint := before.Fingerprint()
		o.Folders[0].FS, o.Folders[1].FS = tt.base, tt.over
		after, report := before.WithStates(nil, time.Now()).Reload(o)
		if got := inForce(after); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		var problems []string
		for _, p := range report.Problems {
			problems = append(problems, p.String())
		}
		if !slices.Equal(problems, tt.problems) {
			t.Errorf("%s: problems\n%s\nwant\n%s", tt.name, strings.Join(problems, "\n"), strings.Join(tt.problems, "\n"))
		}
		if _, unlisted := tt.base.(noList); !unlisted && report.Kept != tt.kept {
			t.Errorf("%s: %d kept, want %d", tt.name, report.Kept, tt.kept)
		}
		if before.Fingerprint() != fingerprint || inForce(before) != start {
			t.Errorf("%s: the set that was reloaded has changed", tt.name)
		}
		// A second reload keeps the same rules as the first.
		if again, _ := after.Reload(o); inForce(again) != tt.want || again.Fingerprint() != after.Fingerprint() {
			t.Errorf("%s, and again: %s", tt.name, inForce(again))
		}
	}
}

// TestWatch replaces a folder of rules as a whole, and changes a file in it.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write("one/a.yaml", "1")
	write("two/a.yaml", "two")
	link, next := filepath.Join(dir, "rules"), filepath.Join(dir, "next")
	do(os.Symlink("one", link))
	ctx, cancel := context.WithCancel(t.Context())
	var folders atomic.Pointer[[]tagger.Folder]
	folders.Store(&[]tagger.Folder{{Name: "rules", FS: os.DirFS(link)}})
	changed := tagger.Watch(ctx, func() []tagger.Folder { return *folders.Load() }, time.Millisecond)
	told := func(what string) {
		t.Helper()
		select {
		case <-changed:
		case <-time.After(time.Minute):
			t.Fatalf("%s: nothing is told", what)
		}
	}
	write("one/a.yaml", "22")
	told("a file changes")
	write("one/deep/b.yaml", "1")
	told("a file is added")
	do(os.Symlink("two", next))
	do(os.Rename(next, link))
	told("a link is replaced")
	do(os.RemoveAll(filepath.Join(dir, "two")))
	told("the folder is gone")
	write("two/a.yaml", "back")
	told("the folder is back")
	folders.Store(&[]tagger.Folder{{Name: "other", FS: os.DirFS(link)}})
	told("the folders are others")
	cancel()
}

// TestReloadOfConfigMap replaces rules as Kubernetes does: files are links
// through a folder's link, which is renamed over.
func TestReloadOfConfigMap(t *testing.T) {
	dir := t.TempDir()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range []string{"..one", "..two"} {
		do(os.Mkdir(filepath.Join(dir, name), 0o777))
		do(os.WriteFile(filepath.Join(dir, name, "a.yaml"), []byte(versioned("A", i+1)), 0o666))
	}
	do(os.Symlink("..one", filepath.Join(dir, "..data")))
	do(os.Symlink("..data/a.yaml", filepath.Join(dir, "a.yaml")))
	o := options(tagger.Folder{Name: "dir", FS: os.DirFS(dir)})
	rs, _ := tagger.Load(o)
	if got := inForce(rs); got != "A@1 dir/a.yaml" {
		t.Fatal(got)
	}
	changed := tagger.Watch(t.Context(), func() []tagger.Folder { return o.Folders }, time.Millisecond)
	do(os.Symlink("..two", filepath.Join(dir, "..next")))
	do(os.Rename(filepath.Join(dir, "..next"), filepath.Join(dir, "..data")))
	select {
	case <-changed:
	case <-time.After(time.Minute):
		t.Fatal("nothing is told")
	}
	if rs, _ = rs.Reload(o); inForce(rs) != "A@2 dir/a.yaml" {
		t.Error(inForce(rs))
	}
}
