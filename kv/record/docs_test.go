package record_test

import (
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/kv/layout"
)

// TestDocumentedBytes holds that docs/store.md describes each type of record in the
// version that is written, and no other, and names every bucket.
func TestDocumentedBytes(t *testing.T) {
	read := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	written, described := map[string]string{}, map[string]string{}
	for _, m := range regexp.MustCompile(`Type\{"([^"]+)", ([0-9]+)\}`).FindAllStringSubmatch(read("types.go"), -1) {
		written[m[1]] = m[2]
	}
	doc := read("../../docs/store.md")
	for _, m := range regexp.MustCompile(`(?m)^\| ([a-z ]+) \| ([0-9]+) \| \S`).FindAllStringSubmatch(doc, -1) {
		described[m[1]] = m[2]
	}
	if len(written) < 30 || !maps.Equal(written, described) {
		for name, version := range written {
			if described[name] != version {
				t.Errorf("a %s has version %s, docs/store.md says %q", name, version, described[name])
			}
			delete(described, name)
		}
		for name := range described {
			t.Errorf("docs/store.md describes a %s, and there is none", name)
		}
	}
	for i := range layout.Buckets {
		if name := layout.Buckets[i].Name; !strings.Contains(doc, "`"+name+" / ") {
			t.Errorf("docs/store.md has no bucket %s", name)
		}
	}
}
