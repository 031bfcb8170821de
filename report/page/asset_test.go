package page

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
)

// The script in a page is the minified form of the source file. It is at most 30 KiB, and
// the page's policy allows it.
func TestScript(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("asset", "page.js"))
	if err != nil {
		t.Fatal(err)
	}
	made := api.Transform(string(source), api.TransformOptions{MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, Target: api.ES2020})
	for _, m := range append(made.Errors, made.Warnings...) {
		t.Errorf("%+v: %s", m.Location, m.Text)
	}
	const most = 30 << 10
	if n := len(made.Code); n > most {
		t.Errorf("the script has %d bytes, %d too many", n, n-most)
	}
	file := filepath.Join("asset", "page.min.js")
	if *update {
		if err := os.WriteFile(file, made.Code, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if script != string(made.Code) {
		t.Errorf("%s is not what page.js says; go test ./report/page -run TestScript -update makes it anew", file)
	}
	if !strings.Contains(policy, "script-src '"+hashOf(script)+"';") {
		t.Error("the policy lets another script act")
	}
}
