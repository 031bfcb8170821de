package importer

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestGoldenForms reads testdata/forms/*: records in another form than their format's.
func TestGoldenForms(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "forms", "*"))
	if err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	forms := 0
	for _, path := range paths {
		if strings.HasSuffix(path, ".golden") {
			continue
		}
		forms++
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		alone := write(t, t.TempDir(), filepath.Base(path), content)
		r := mustRead(t, alone, Options{Final: true, Settings: Settings{Zone: berlin}})
		got := goldenText(t, r)
		if *update {
			if err := os.WriteFile(path+".golden", got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path + ".golden")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) || len(r.Events) == 0 {
			t.Errorf("%s differs from its golden file; if that is meant, run with -update. Got:\n%s", path, got)
		}
	}
	if forms != 5 {
		t.Errorf("%d forms", forms)
	}
}
