package tagger

import (
	"regexp"
	"testing"
)

// Pack counts files: each holds one rule.
func TestPackCountsRules(t *testing.T) {
	rules, digest := Pack()
	loaded, report := Load(Options{Folders: []Folder{{Name: "embedded", FS: Embedded()}}})
	if rules != len(loaded.Rules()) {
		t.Errorf("the pack has %d files and %d rules (%+v)", rules, len(loaded.Rules()), report)
	}
	if !regexp.MustCompile(`^[0-9a-f]{12}$`).MatchString(digest) {
		t.Errorf("digest %q", digest)
	}
}
