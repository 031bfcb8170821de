package record_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/kv/record"
)

// TestFlippedTags flips each bit of tags in every form, and of their keys and days: no tag
// is read.
func TestFlippedTags(t *testing.T) {
	forms := 0
	for _, g := range goldenRecords() {
		if !strings.HasPrefix(g.name, "tag") || !slices.ContainsFunc(goldenTags(), func(o goldenRecord) bool { return o.name == g.name }) {
			continue
		}
		key := g.key()
		if _, _, ok := record.ParseTagKey(key); !ok {
			continue // a record beside tags
		}
		forms++
		day := goldenDay
		read := func(key, rec []byte) error {
			_, _, err := record.ReadTag(day, key, rec, &record.Deriver{})
			return err
		}
		if err := read(key, g.rec); err != nil {
			t.Fatal(g.name, err)
		}
		for i := range 8 * len(g.rec) {
			bad := bytes.Clone(g.rec)
			bad[i/8] ^= 1 << (i % 8)
			if read(key, bad) == nil {
				t.Errorf("%s: bit %d of the record", g.name, i)
			}
		}
		for i := range 8 * len(key) {
			bad := bytes.Clone(key)
			bad[i/8] ^= 1 << (i % 8)
			if read(bad, g.rec) == nil {
				t.Errorf("%s: bit %d of the key", g.name, i)
			}
		}
		for i := range 31 {
			if day = goldenDay ^ 1<<i; read(key, g.rec) == nil {
				t.Errorf("%s: bit %d of the day", g.name, i)
			}
		}
	}
	if forms < 5 {
		t.Errorf("%d forms of tags", forms)
	}
}
