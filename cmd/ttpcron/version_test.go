package main

import (
	"runtime/debug"
	"testing"
)

func TestBuildOf(t *testing.T) {
	working := []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "5eed945a1b2c3d4e5f60718293a4b5c6d7e8f901"}, {Key: "vcs.modified", Value: "false"}}
	changed := append(working[:2:2], debug.BuildSetting{Key: "vcs.modified", Value: "true"})
	for name, test := range map[string]struct {
		linked, commit, module string
		settings               []debug.BuildSetting
		want                   build
	}{
		"a release":                       {"0.1.0", "5eed945a1b2c", "(devel)", nil, build{"0.1.0", "5eed945a1b2c"}},
		"a release of a working copy":     {"0.1.0", "5eed945a1b2c", "v0.0.0-20261129120000-000000000000+dirty", changed, build{"0.1.0", "5eed945a1b2c"}},
		"a tag, spelled as tags are":      {"v0.1.0", "", "(devel)", working, build{"0.1.0", "5eed945a1b2c"}},
		"go install of a release":         {unreleased, "", "v0.1.0", nil, build{"0.1.0", ""}},
		"go install of a pre-release":     {unreleased, "", "v0.2.0-rc.1", nil, build{"0.2.0-rc.1", ""}},
		"go install of a commit":          {unreleased, "", "v0.1.1-0.20261129120000-5eed945a1b2c", nil, build{unreleased, "5eed945a1b2c"}},
		"go install before any release":   {unreleased, "", "v0.0.0-20261129120000-5eed945a1b2c", nil, build{unreleased, "5eed945a1b2c"}},
		"go install after a pre-release":  {unreleased, "", "v0.2.0-rc.1.0.20261129120000-5eed945a1b2c", nil, build{unreleased, "5eed945a1b2c"}},
		"a working copy":                  {unreleased, "", "v0.0.0-20261129120000-5eed945a1b2c", working, build{unreleased, "5eed945a1b2c"}},
		"a working copy at a tag":         {unreleased, "", "v0.1.0", working, build{"0.1.0", "5eed945a1b2c"}},
		"a working copy with changes":     {unreleased, "", "v0.1.0+dirty", changed, build{unreleased, "5eed945a1b2c+changes"}},
		"go run, and a build without vcs": {unreleased, "", "(devel)", nil, build{unreleased, ""}},
		"tests":                           {unreleased, "", "", nil, build{unreleased, ""}},
		"an empty version from a script":  {"", "", "(devel)", nil, build{unreleased, ""}},
	} {
		info := &debug.BuildInfo{Settings: test.settings}
		info.Main.Version = test.module
		if got := buildOf(test.linked, test.commit, info); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
	if got := buildOf(unreleased, "", nil); got != (build{unreleased, ""}) {
		t.Errorf("without build info: %+v", got)
	}
}
