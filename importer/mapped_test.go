package importer

import (
	"os"
	"strings"
	"testing"
)

// Every preset can be read, and its first lines say what the rest says.
func TestPresets(t *testing.T) {
	for _, f := range presets() {
		m := f.mapping()
		if m.Name != f.Name || m.Title != f.Title || m.Version != f.Version {
			t.Errorf("%s: %q version %d at its head, %q version %d in it", f.Name, f.Title, f.Version, m.Title, m.Version)
		}
	}
}

// docs/sources.md lists every format.
func TestSourcesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Formats() {
		if !strings.Contains(string(text), "\n| `"+f.Name+"` |") {
			t.Errorf("docs/sources.md has no row for %s", f.Name)
		}
	}
}
