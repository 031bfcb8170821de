package tagger_test

import (
	"io/fs"
	"regexp"
	"testing"

	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/tagger"
)

// options loads folders with the ATT&CK tables that the program uses.
func options(folders ...tagger.Folder) tagger.Options {
	o := tagger.Options{Folders: folders}
	for _, table := range attack.Tables() {
		tactics := map[string]string{}
		for _, tactic := range table.Tactics() {
			tactics[tactic.ShortName] = tactic.ID
		}
		o.Releases = append(o.Releases, tagger.AttackRelease{Name: table.Release(), Tactics: tactics, Technique: func(id string) (tagger.Technique, bool) {
			t, ok := table.Lookup(id)
			return tagger.Technique{Tactics: t.Tactics, Revoked: t.Revoked, RevokedBy: t.RevokedBy, Deprecated: t.Deprecated}, ok
		}})
	}
	return o
}

// TestEmbedded holds every rule of the embedded pack to its own examples: at
// least two that match, and two near misses.
func TestEmbedded(t *testing.T) {
	rs, report := tagger.Load(options(tagger.Folder{Name: "rules", FS: tagger.Embedded()}))
	for _, p := range report.Problems {
		t.Error(p)
	}
	for _, f := range tagger.Test(rs) {
		want := "match"
		if !f.Want {
			want = "no_match"
		}
		t.Errorf("%s (%s): %s: %q %s", f.File, f.Rule, want, f.Example, f.Text)
	}
	for _, r := range rs.Rules() {
		if r.MatchExamples < 2 || r.MissExamples < 2 {
			t.Errorf("%s (%s): %d examples match and %d do not, want two each", r.File, r.ID, r.MatchExamples, r.MissExamples)
		}
		if r.Inert != "" {
			t.Errorf("%s (%s): %s", r.File, r.ID, r.Inert)
		}
		if r.Description == "" || len(r.References) == 0 {
			t.Errorf("%s (%s): a description and a reference are wanted", r.File, r.ID)
		}
	}
}

// TestEmbeddedLevels: every rule of the embedded pack names a level. Without one it would
// be medium, perhaps by accident.
func TestEmbeddedLevels(t *testing.T) {
	line := regexp.MustCompile(`(?m)^level: (\w+)$`)
	used := map[string]int{}
	err := fs.WalkDir(tagger.Embedded(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tagger.Embedded(), path)
		if err != nil {
			return err
		}
		m := line.FindSubmatch(text)
		if m == nil {
			t.Errorf("%s names no level", path)
			return nil
		}
		used[string(m[1])]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"informational", "low", "medium", "high", "critical"} {
		if used[name] == 0 {
			t.Errorf("no rule has level %s", name)
		}
	}
}
