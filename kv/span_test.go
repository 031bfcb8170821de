package kv_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// spread fills a store with tags of sessions and attackers that are seen in parts of
// two days, in commits that arrive in another order than that of time.
func spread(t *testing.T, path string) (all []ttpcron.Tag) {
	t.Helper()
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	day := time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
	seq := uint64(0)
	for _, hours := range [][]int{{30, 13, 12}, {0, 47}, {23, 24, 1}} {
		for _, h := range hours {
			var events []ttpcron.Event
			for i := range 40 {
				at := day.Add(time.Duration(h)*time.Hour + time.Duration(i)*90*time.Second)
				if h == 23 && i == 39 {
					at = day.Add(24*time.Hour - 1)
				}
				e := ttpcron.Event{
					Kind: ttpcron.Command, Time: at, AttackerIP: fmt.Sprint("192.0.2.", i%5), SessionID: fmt.Sprint("s", (h+i)%7),
					Payload: ttpcron.TextPayload("command_text", fmt.Sprint("ls ", h, i)),
				}
				switch i % 3 {
				case 1:
					e.AttackerUUID = fmt.Sprint("attacker ", i%4)
				case 2:
					e.AttackerUUID, e.IdentityUUID = fmt.Sprint("attacker ", i%4), fmt.Sprint("identity ", i%2)
				}
				events = append(events, e)
			}
			importAll(t, db, events)
		}
		var tags []ttpcron.Tag
		readAll(t, db, func(page []ttpcron.Event) {
			for i := range page {
				if page[i].Seq > seq {
					tags = append(tags, tagOf(&page[i], i%3))
				}
			}
		})
		if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
			t.Fatal(err)
		}
		if seq, err = db.LastSeq(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return tagsOf(t, db, ttpcron.TagQuery{})
}

func tagsOf(t *testing.T, db *kv.DB, q ttpcron.TagQuery) (tags []ttpcron.Tag) {
	t.Helper()
	for tag, err := range db.Tags(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		tags = append(tags, tag)
	}
	return tags
}

// TestTagsOfNames queries tags by session and attacker, whose part of a day is in the
// rollups: none is missed, whatever the order of arrival.
func TestTagsOfNames(t *testing.T) {
	path := t.TempDir() + "/t.db"
	all := spread(t, path)
	if len(all) != 320 {
		t.Fatalf("%d tags", len(all))
	}
	checked(t, path)
	db, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	day := all[len(all)-1].EventTime
	windows := []ttpcron.Window{{}, {Since: day.Add(13 * time.Hour)}, {Until: day.Add(24*time.Hour + 20*time.Minute)}, {Since: day.Add(12*time.Hour + 7*time.Minute), Until: day.Add(13*time.Hour + time.Second)}}
	var queries []ttpcron.TagQuery
	for _, w := range windows {
		for i := range 8 {
			queries = append(queries,
				ttpcron.TagQuery{Window: w, Session: fmt.Sprint("s", i)},
				ttpcron.TagQuery{Window: w, Attacker: fmt.Sprint("192.0.2.", i)},
				ttpcron.TagQuery{Window: w, Attacker: ttpcron.DeriveAttacker(fmt.Sprint("192.0.2.", i))},
				ttpcron.TagQuery{Window: w, Attacker: fmt.Sprint("attacker ", i)},
				ttpcron.TagQuery{Window: w, Attacker: fmt.Sprint("identity ", i), Session: "s3"},
			)
		}
	}
	found := 0
	for _, q := range queries {
		var want []ttpcron.Tag
		for i := range all {
			if q.Match(&all[i]) {
				want = append(want, all[i])
			}
		}
		found += len(want)
		if got := tagsOf(t, db, q); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v: %d tags, want %d, or others", q, len(got), len(want))
		}
	}
	if found < 500 {
		t.Errorf("the queries select %d tags", found)
	}
}

// TestCheckComparesSpans: a span in a rollup that is too short would hide tags.
func TestCheckComparesSpans(t *testing.T) {
	path := t.TempDir() + "/t.db"
	all := spread(t, path)
	name := record.DayKey(ttpcron.DayOf(all[0].EventTime))
	change(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(layout.Rollups)).Bucket(name)
		k, v := b.Cursor().Seek([]byte{record.RollupAlias})
		k = append([]byte(nil), k...)
		span, err := record.ReadAlias(v, name, k)
		if err != nil {
			return err
		}
		span.Last--
		return b.Put(k, record.AppendAlias(nil, span, name, k))
	})
	r, err := doctor.Check(t.Context(), path, doctor.Options{})
	if err != nil || len(r.Findings) != 1 || r.Findings[0].Place != "rollups" {
		t.Errorf("%+v, %v", r.Findings, err)
	}
}
