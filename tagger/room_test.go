package tagger

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// TestRoomForRules: rules that are too many or too large are left out, and reported.
func TestRoomForRules(t *testing.T) {
	many, large := fstest.MapFS{}, fstest.MapFS{}
	for i := range maxFiles - 1 {
		many[fmt.Sprintf("r%d.yaml", i)] = &fstest.MapFile{}
	}
	text := bytes.Repeat([]byte("#\n"), maxFile/2)
	for i := range maxBytes/maxFile + 1 {
		large[fmt.Sprintf("r%d.yaml", i)] = &fstest.MapFile{Data: text}
	}
	two := fstest.MapFS{"a.yaml": {}, "b.yaml": {}}
	for name, tt := range map[string]struct {
		folders []fstest.MapFS
		files   int // of the last
		says    string
	}{
		"many":     {[]fstest.MapFS{many}, maxFiles - 1, ""},
		"too many": {[]fstest.MapFS{many, two}, 1, "more than 10000 rule files"},
		"large":    {[]fstest.MapFS{large}, maxBytes / maxFile, "more than 32 MiB together"},
	} {
		var all room
		var names []string
		var err error
		for _, folder := range tt.folders {
			names, err = ruleFiles(folder, &all)
		}
		if len(names) != tt.files || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %d files, %v", name, len(names), err)
		}
	}
}
