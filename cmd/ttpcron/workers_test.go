package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/internal/testlogs"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/tagger"
)

// TestSameTags: the embedded pack gives the same tags with one worker and with many, with
// and without the memory of texts, over each history of logs.
func TestSameTags(t *testing.T) {
	for _, h := range testlogs.All(t) {
		t.Run(h.Name, func(t *testing.T) { sameTags(t, append(h.Folders(), writeListed(t, h))) })
	}
}

func sameTags(t *testing.T, inputs []string) {
	tags := map[string][]string{}
	var alone []string
	for _, workers := range []string{"1", "2", "7"} {
		db := filepath.Join(t.TempDir(), "t.db")
		p := program{t, []string{"TTPCRON_DB=" + db, "TTPCRON_RULES="}}
		for _, in := range inputs {
			p.ok("import", in)
		}
		p.ok("run-once", "--since-days", "3650", "--workers", workers, "--batch-size", workers+"00")
		store, err := kv.Open(t.Context(), db, kv.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		tags[workers] = storedTags(t, store)
		if workers == "1" {
			alone = tagsAlone(t, store)
		}
	}
	if len(alone) == 0 {
		t.Fatal("no tags")
	}
	t.Logf("%d tags", len(alone))
	for workers, all := range tags {
		if !slices.Equal(all, tags["1"]) {
			t.Errorf("%s workers give %d tags, 1 gives %d; first difference: %s", workers, len(all), len(tags["1"]), difference(all, tags["1"]))
		}
		got := slices.DeleteFunc(slices.Clone(all), ofCorrelation)
		if len(got) == len(all) {
			t.Error("no correlation found anything")
		}
		if !slices.Equal(got, alone) {
			t.Errorf("%s workers give %d tags, events judged one by one without any memory %d; first difference: %s", workers, len(got), len(alone), difference(got, alone))
		}
	}
}

// ofCorrelation reports whether a tag comes from several events.
func ofCorrelation(tag string) bool { return strings.Contains(tag, " correlation corr:") }

func difference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return got[i] + " is not " + want[i]
		}
	}
	return "the length"
}

// writeListed writes the listed commands of a history as native events.
func writeListed(t *testing.T, h testlogs.History) (path string) {
	var b bytes.Buffer
	for i, text := range h.Listed(t) {
		payload := ttpcron.TextPayload("command_text", text)
		fmt.Fprintf(&b, `{"source_kind":"command","time":"2026-05-04T%02d:%02d:%02dZ","attacker_ip":"203.0.113.7","payload":%s}`+"\n", i/3600%24, i/60%60, i%60, payload.AppendJSON(nil))
	}
	path = filepath.Join(t.TempDir(), "listed.jsonl")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// line says all of a tag but when it was made.
func line(tag *ttpcron.Tag) string {
	return fmt.Sprintf("%s %s %s %v %v %s %s %s", tag.UUID(), tag.SourceKind, tag.SourceID, tag.Claim, tag.EventTime.UTC(), tag.AttackerUUID, tag.AttackerIP, tag.Evidence)
}

func storedTags(t *testing.T, db *kv.DB) (out []string) {
	for tag, err := range db.Tags(t.Context(), ttpcron.TagQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, line(&tag))
	}
	slices.Sort(out)
	return out
}

// tagsAlone tags every event of a store with a tagger that has seen no other.
func tagsAlone(t *testing.T, db *kv.DB) (out []string) {
	ctx := context.Background()
	rs, _ := tagger.Load(ruleset.Options([]tagger.Folder{{Name: "embedded", FS: tagger.Embedded()}}, nil))
	kinds, err := db.Kinds(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		for day, err := range jobs.Days(ctx, db, kind) {
			if err != nil {
				t.Fatal(err)
			}
			for page, err := range db.Events(ctx, kind, day.Day, 0, math.MaxUint64) {
				if err != nil {
					t.Fatal(err)
				}
				for i := range page {
					tags, _ := rs.Tagger(nil).Tag(&page[i], nil)
					for k := range tags {
						tags[k].Evidence = ttpcron.AppendEvidence(nil, &page[i], &tags[k].Match)
						tags[k].SetText(&page[i])
						out = append(out, line(&tags[k]))
					}
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
