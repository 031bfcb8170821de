package export

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden compares each format's stream with testdata/NAME.golden, so that a review
// shows a change as readers will see it.
func TestGolden(t *testing.T) {
	for _, f := range Formats() {
		if f.To != Stream {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			got, _ := exportTo(t, f, append(sampleTags(6), everyKind()[2*len(hostile):]...))
			file := filepath.Join("testdata", f.Name+".golden")
			if *update {
				if err := os.MkdirAll("testdata", 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, got, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v: go test ./export -run TestGolden -update makes it", err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("not as in %s; if it is meant to differ: go test ./export -run TestGolden -update\n%s", file, got)
			}
		})
	}
}
