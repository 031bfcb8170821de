package kv_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// newer turns a record into one of a later version of its type.
func newer(t *testing.T, path, bucket string, sub []byte) {
	t.Helper()
	change(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		var sum [][]byte
		if sub != nil {
			b, sum = b.Bucket(sub), append(sum, sub)
		}
		k, v := b.Cursor().First()
		rec := slices.Clone(v)
		rec[0] += 2
		return b.Put(k, record.End(rec, append(sum, k)...))
	})
}

// TestNewerRecords: commands say that a newer program wrote a record. It does not count as
// damage, so that nobody repairs an intact store.
func TestNewerRecords(t *testing.T) {
	content := rich(t)
	tagDay := oldestTagDay(t, content)
	for _, c := range []struct {
		bucket string
		sub    []byte
		typ    string
		read   func(db *kv.DB) error
	}{
		{layout.Cursors, nil, "checkpoint", func(db *kv.DB) error { _, err := db.Cursors(t.Context()); return err }},
		{layout.Tags, record.DayKey(tagDay), "tag", func(db *kv.DB) error {
			for _, err := range db.Tags(t.Context(), ttpcron.TagQuery{}) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{layout.History, []byte("command"), "block of events", func(db *kv.DB) error {
			days, err := db.Days(t.Context(), ttpcron.Command)
			if err == nil {
				_, err = db.EventPage(t.Context(), ttpcron.Command, days[0].Day, 0, 1<<63)
			}
			return err
		}},
	} {
		path := write(t, content)
		newer(t, path, c.bucket, c.sub)
		said := func(where string, err error) {
			t.Helper()
			newer, damaged := (*record.NewerError)(nil), (*kv.DamagedError)(nil)
			if !errors.As(err, &newer) || newer.Type != c.typ || errors.As(err, &damaged) || !strings.Contains(err.Error(), "written by a newer ttpcron") {
				t.Errorf("%s: %s: %v", c.bucket, where, err)
			}
		}
		db, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		said("read", c.read(db))
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := doctor.Check(t.Context(), path, doctor.Options{})
		said("check", err)
		if r.Damaged() {
			t.Errorf("%s: check finds %+v", c.bucket, r.Findings)
		}
		_, err = doctor.Recover(t.Context(), path, filepath.Join(t.TempDir(), "to.db"), doctor.Options{})
		said("recover", err)
	}
}

// TestNewerSecret: a store that cannot be opened, because a newer program wrote its basic
// records, is not called damaged either.
func TestNewerSecret(t *testing.T) {
	for _, name := range []string{"schema", "secret"} {
		path := write(t, rich(t))
		change(t, path, func(tx *bbolt.Tx) error {
			b, k := tx.Bucket([]byte(layout.Meta)), []byte(name)
			rec := slices.Clone(b.Get(k))
			rec[0]++
			return b.Put(k, record.End(rec, k))
		})
		newer, damaged := (*record.NewerError)(nil), (*kv.DamagedError)(nil)
		if _, err := kv.Open(t.Context(), path, kv.Options{}); !errors.As(err, &newer) || errors.As(err, &damaged) {
			t.Errorf("%s: open: %v", name, err)
		}
		if r, err := doctor.Check(t.Context(), path, doctor.Options{}); !errors.As(err, &newer) || r.Damaged() {
			t.Errorf("%s: check: %+v, %v", name, r.Findings, err)
		}
	}
}

// oldestTagDay returns the first day of a store that has tags.
func oldestTagDay(t *testing.T, content []byte) (day ttpcron.Day) {
	t.Helper()
	db, err := kv.Open(t.Context(), write(t, content), kv.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for tag, err := range db.Tags(t.Context(), ttpcron.TagQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		day = ttpcron.DayOf(tag.EventTime)
	}
	return day
}
