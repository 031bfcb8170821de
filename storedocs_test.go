package ttpcron_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestStoreIsDescribed: docs/store.md describes each type of record in the version
// that is written, and no other, and names every bucket.
func TestStoreIsDescribed(t *testing.T) {
	read := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	page := read("docs/store.md")
	described := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([a-z ]+) \| ([0-9]+) \| \S`).FindAllStringSubmatch(page, -1) {
		described[m[1]] = m[2]
	}
	types := regexp.MustCompile(`Type\{"([^"]+)", ([0-9]+)\}`).FindAllStringSubmatch(read("kv/record/types.go"), -1)
	for _, m := range types {
		if described[m[1]] != m[2] {
			t.Errorf("a %s has version %s, docs/store.md says %q", m[1], m[2], described[m[1]])
		}
		delete(described, m[1])
	}
	for name := range described {
		t.Errorf("docs/store.md describes a %s, and there is none", name)
	}
	_, list, _ := strings.Cut(read("kv/layout/buckets.go"), "const (\n")
	list, _, _ = strings.Cut(list, ")")
	buckets := regexp.MustCompile(`= "([^"]+)"`).FindAllStringSubmatch(list, -1)
	for _, m := range buckets {
		if !strings.Contains(page, "`"+m[1]+" / ") {
			t.Errorf("docs/store.md has no bucket %s", m[1])
		}
	}
	if len(types) < 30 || len(buckets) < 20 {
		t.Errorf("%d types of records, %d buckets", len(types), len(buckets))
	}
}
