package main

import (
	"strings"
	"testing"
)

// The example is right but for inputs, which it cannot know.
func TestExampleConfig(t *testing.T) {
	code, stdout, stderr := invoke(t, nil, "config", "check", "../../packaging/ttpcron.toml", "--embedded=false", "--rules", "testdata/rules", "--db", t.TempDir()+"/t.db")
	if code != exitFailed || !strings.HasSuffix(stderr, "1 fault\n") || !strings.Contains(stdout, "no job has inputs") {
		t.Errorf("more than inputs is missing in it: %s%s", stdout, stderr)
	}
}
