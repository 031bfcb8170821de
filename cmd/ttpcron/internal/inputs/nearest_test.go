package inputs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/jobs"
)

// TestNearest: a file to which several inputs lead is read once, with the settings of the
// input that names it nearest, and where the first of them comes.
func TestNearest(t *testing.T) {
	dir := t.TempDir()
	line := `192.0.2.7 - - [27/Nov/2026:13:51:56 +0000] "GET /NAME HTTP/1.1" 200 5 "-" "-"` + "\n"
	for _, name := range []string{"a/access.log", "b/access.log", "b/old/access.log"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(line, "NAME", name, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		inputs []string
		want   []string // file and sensor
		fails  string
	}{
		"once":                       {inputs: []string{"DIR", "DIR/a/access.log", "DIR/a", "DIR"}, want: []string{"a", "b", "b/old"}},
		"a folder and a file":        {inputs: []string{"DIR", "auto,sensor=one:DIR/b/access.log"}, want: []string{"a", "b one", "b/old"}},
		"a file and a folder":        {inputs: []string{"auto,sensor=one:DIR/b/access.log", "DIR"}, want: []string{"b one", "a", "b/old"}},
		"a file with no settings":    {inputs: []string{"auto,sensor=all:DIR", "DIR/b/access.log"}, want: []string{"a all", "b", "b/old all"}},
		"folders":                    {inputs: []string{"auto,sensor=all:DIR", "auto,sensor=old:DIR/b/old/", "auto,sensor=b:DIR/b"}, want: []string{"a all", "b b", "b/old old"}},
		"a pattern and a file":       {inputs: []string{"auto,sensor=web:DIR/*/access.log", "auto,sensor=one:DIR/a/access.log"}, want: []string{"a one", "b web"}},
		"a pattern and a folder":     {inputs: []string{"auto,sensor=web:DIR/*", "auto,sensor=one:DIR/a"}, want: []string{"a one", "b web", "b/old web"}},
		"a format counts more":       {inputs: []string{"DIR", "access,sensor=one:DIR/a/access.log"}, want: []string{"a one", "b", "b/old"}},
		"two formats of one file":    {inputs: []string{"access,sensor=one:DIR/a/access.log", "access:DIR/a", "DIR/a/access.log"}, want: []string{"a one", "a"}},
		"the same, with one setting": {inputs: []string{"auto,sensor=one:DIR/a", "auto,sensor=one:DIR/a"}, want: []string{"a one"}},
		"a file, two settings":       {inputs: []string{"auto,sensor=one:DIR/a/access.log", "DIR", "auto,sensor=two:DIR/a/access.log"}, want: []string{"a fails", "b", "b/old"}, fails: "one input sets sensor=one for it and another sensor=two"},
		"patterns, two settings":     {inputs: []string{"auto,sensor=one:DIR/?/access.log", "DIR/*/access.log"}, want: []string{"a fails", "b fails"}, fails: "one input sets sensor=one for it and another nothing"},
		"settled by a nearer one":    {inputs: []string{"auto,sensor=one:DIR/b", "auto,sensor=two:DIR/b", "auto,sensor=three:DIR/b/access.log", "auto,sensor=four:DIR/b/old"}, want: []string{"b three", "b/old four"}},
	} {
		t.Run(name, func(t *testing.T) {
			named := slices.Clone(tt.inputs)
			for i := range named {
				named[i] = strings.Replace(named[i], "DIR", dir, 1)
			}
			found, err := Find(named, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, in := range found {
				said := strings.TrimSuffix(strings.TrimPrefix(in.Name, dir+"/"), "/access.log")
				f, err := in.Open(t.Context(), jobs.Known{})
				if err != nil {
					if in.Err == nil || tt.fails == "" || !strings.Contains(err.Error(), tt.fails) {
						t.Errorf("%s: %v", said, err)
					}
					got = append(got, said+" fails")
					continue
				}
				defer f.Close()
				for b, err := range f.Batches(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range b.Events {
						got = append(got, strings.TrimSpace(said+" "+e.DeckyID))
					}
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestNearness(t *testing.T) {
	// The farthest first.
	for _, tt := range []struct {
		file  string
		paths []string
	}{
		{"/srv/a/x.log", []string{"/", "/*", "/srv", "/srv/*", "/srv/a/", "/srv/?/x.log", "/srv/a/x.log"}},
		{"logs/x.log", []string{".", "*", "logs", "logs/*", "./logs/x.log"}},
		{"x.log", []string{"*.log", "x.log"}},
	} {
		for i := range tt.paths[1:] {
			if a, b := nearness(tt.paths[i], tt.file), nearness(tt.paths[i+1], tt.file); a >= b {
				t.Errorf("%s: %s is %d near, %s %d", tt.file, tt.paths[i], a, tt.paths[i+1], b)
			}
		}
	}
}
