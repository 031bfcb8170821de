package kv_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func command(id, ip, text string) ttpcron.Event {
	return ttpcron.Event{Kind: ttpcron.Command, ID: id, Time: noon, AttackerIP: ip, Payload: ttpcron.TextPayload("command_text", text)}
}

// idsOf returns the ids of all stored commands in order of arrival.
func idsOf(t *testing.T, db *kv.DB) (ids []string) {
	t.Helper()
	readAll(t, db, func(page []ttpcron.Event) {
		for _, e := range page {
			ids = append(ids, e.SourceID())
		}
	})
	return ids
}

// TestIdentity imports batches one after the other.
func TestIdentity(t *testing.T) {
	plain := command("", "192.0.2.1", "id")
	own := command(plain.ContentID(), "192.0.2.1", "id")
	later := plain
	later.Time = noon.Add(time.Nanosecond)
	resolved := plain
	resolved.AttackerUUID, resolved.AttackerOrigin = ttpcron.DeriveAttacker("x"), ttpcron.OriginResolved
	other := command("cmd_1", "192.0.2.1", "other")
	digest := other.RecordDigest()
	renamed := fmt.Sprintf("cmd_1~%x", digest[:6])
	moved := command("cmd_1", "192.0.2.1", "id")
	moved.Time = noon.AddDate(0, 0, -3)
	canary := command("cmd_1", "192.0.2.1", "id")
	canary.Kind = ttpcron.CanaryFingerprint
	country := command("cmd_1", "192.0.2.1", "id")
	country.Payload.Set("country_code", "NL")
	type counts struct{ New, Known, Changed int }
	for _, c := range []struct {
		name    string
		batches [][]ttpcron.Event
		want    counts // of the last batch
		ids     []string
	}{
		{"a line read twice", [][]ttpcron.Event{{plain}, {plain}}, counts{Known: 1}, []string{own.ID}},
		{"twice in one batch", [][]ttpcron.Event{{plain, plain}}, counts{New: 1, Known: 1}, []string{own.ID}},
		{"an export read back", [][]ttpcron.Event{{plain}, {own}}, counts{Known: 1}, []string{own.ID}},
		{"an export before the log", [][]ttpcron.Event{{own}, {plain}}, counts{Known: 1}, []string{own.ID}},
		{"a nanosecond later", [][]ttpcron.Event{{plain}, {later}}, counts{New: 1}, []string{own.ID, later.ContentID()}},
		{"attacker resolved meanwhile", [][]ttpcron.Event{{plain}, {resolved}}, counts{Known: 1}, []string{own.ID}},
		{"given id again", [][]ttpcron.Event{{command("cmd_1", "192.0.2.1", "id")}, {command("cmd_1", "192.0.2.1", "id")}}, counts{Known: 1}, []string{"cmd_1"}},
		{"given id, other address", [][]ttpcron.Event{{command("cmd_1", "192.0.2.1", "id")}, {command("cmd_1", "192.0.2.9", "id")}}, counts{New: 1, Changed: 1}, nil},
		{"given id on another day", [][]ttpcron.Event{{command("cmd_1", "192.0.2.1", "id")}, {moved}}, counts{New: 1, Changed: 1}, nil},
		{"country learned later", [][]ttpcron.Event{{command("cmd_1", "192.0.2.1", "id")}, {country}}, counts{Known: 1}, []string{"cmd_1"}},
		{"given id, other text", [][]ttpcron.Event{{command("cmd_1", "192.0.2.1", "id")}, {other}}, counts{New: 1, Changed: 1}, []string{"cmd_1", renamed}},
		{"the same in one batch", [][]ttpcron.Event{{command("cmd_1", "192.0.2.1", "id"), other}}, counts{New: 1 + 1, Changed: 1}, []string{"cmd_1", renamed}},
		{"the other text again", [][]ttpcron.Event{{command("cmd_1", "192.0.2.1", "id"), other}, {other}}, counts{Known: 1}, []string{"cmd_1", renamed}},
		{"under its new name", [][]ttpcron.Event{{command("cmd_1", "192.0.2.1", "id"), other}, {command(renamed, "192.0.2.1", "other")}}, counts{Known: 1}, []string{"cmd_1", renamed}},
		{"a third text", [][]ttpcron.Event{{command("cmd_1", "192.0.2.1", "id"), other}, {command("cmd_1", "192.0.2.1", "third"), command("cmd_1", "192.0.2.1", "id")}}, counts{New: 1, Known: 1, Changed: 1}, nil},
		{"same id, other kind", [][]ttpcron.Event{{command("cmd_1", "192.0.2.1", "id")}, {canary}}, counts{New: 1}, []string{"cmd_1"}},
		{"id that looks derived", [][]ttpcron.Event{{command("sha256:00112233445566778899aabbccddeeff", "192.0.2.1", "id")}, {plain}}, counts{New: 1}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := kvtest.Open(t)
			var got ttpcron.ImportReport
			for _, batch := range c.batches {
				var err error
				if got, err = db.Import(t.Context(), ttpcron.Batch{Events: batch}); err != nil {
					t.Fatal(err)
				}
			}
			if (counts{got.New, got.Known, got.Changed}) != c.want {
				t.Errorf("reported %+v, want %+v", got, c.want)
			}
			if ids := idsOf(t, db); c.ids != nil && !slices.Equal(ids, c.ids) {
				t.Errorf("stored %q, want %q", ids, c.ids)
			}
		})
	}
}

func TestImportKeepsWhatCannotBeStored(t *testing.T) {
	db := kvtest.Open(t)
	wide := command("", "192.0.2.1", "x")
	for i := range 20_000 {
		wide.Payload = append(wide.Payload, ttpcron.Field{Name: fmt.Sprintf("f%05d", i)})
	}
	got, err := db.Import(t.Context(), ttpcron.Batch{
		Events:   []ttpcron.Event{command("", "", "nobody"), command("", "192.0.2.1", "good"), wide, command("", "192.0.2.1", strings.Repeat("x", ttpcron.MaxText))},
		Rejects:  []ttpcron.Reject{{File: "f", Line: 1, Reason: "first", Excerpt: bytes.Repeat([]byte("e"), 5000)}},
		Position: &ttpcron.FilePosition{Path: "f", Format: "events", Line: 9},
	})
	if err != nil || got.New != 1 || got.Rejected != 4 {
		t.Fatalf("%+v, %v", got, err)
	}
	var rejects []ttpcron.Reject
	for r, err := range db.Rejects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		rejects = append(rejects, r)
	}
	if len(rejects) != 4 || rejects[0].Reason != "first" || len(rejects[0].Excerpt) != ttpcron.MaxExcerpt {
		t.Fatalf("%d rejects, the first %.80q", len(rejects), rejects[0].Reason)
	}
	if r := rejects[1]; r.File != "f" || r.Line != 9 || !strings.Contains(r.Reason, "attacker_ip") || !bytes.Contains(r.Excerpt, []byte("nobody")) {
		t.Errorf("reject %+v", r)
	}
	if r := rejects[3]; len(r.Excerpt) > ttpcron.MaxExcerpt {
		t.Errorf("excerpt of %d bytes", len(r.Excerpt))
	}
}

// TestLargeEvents stores the largest possible events. They must not share a block, and
// must not be refused.
func TestLargeEvents(t *testing.T) {
	db := kvtest.Open(t)
	var events []ttpcron.Event
	for i := range 5 {
		events = append(events, command("", "192.0.2.1", strings.Repeat(fmt.Sprint(i), ttpcron.MaxText-len("command_text"))), command("", "192.0.2.1", fmt.Sprint("small", i)))
	}
	if r, err := db.Import(t.Context(), ttpcron.Batch{Events: events}); err != nil || r.New != 10 {
		t.Fatal(r, err)
	}
	n := 0
	readAll(t, db, func(page []ttpcron.Event) {
		size := 0
		for _, e := range page {
			text, _ := e.Payload.Text("command_text")
			if want, _ := events[n].Payload.Text("command_text"); text != want {
				t.Errorf("event %d has changed", n)
			}
			size += len(text)
			n++
		}
		if len(page) > 1 && size > 1<<20 {
			t.Errorf("a page of %d events has %d bytes", len(page), size)
		}
	})
	if n != 10 {
		t.Errorf("%d events read", n)
	}
}

// TestSmallImports imports one event at a time, as a daemon does.
func TestSmallImports(t *testing.T) {
	db := kvtest.Open(t)
	g := newGenerator(5)
	events := g.events(600)
	for i := range events {
		if r, err := db.Import(t.Context(), ttpcron.Batch{Events: events[i : i+1]}); err != nil || r.New != 1 {
			t.Fatal(r, err)
		}
	}
	pages := 0
	readAll(t, db, func([]ttpcron.Event) { pages++ })
	if pages > 4 {
		t.Errorf("600 events lie in %d blocks", pages)
	}
	if known, err := db.Known(t.Context(), events); err != nil || slices.Contains(known, false) {
		t.Errorf("some events are not known, %v", err)
	}
}

func TestYears(t *testing.T) {
	db := kvtest.Open(t)
	var events []ttpcron.Event
	for _, at := range []time.Time{time.Unix(0, 0), time.Date(2100, 2, 28, 23, 59, 59, 999_999_999, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), noon.In(time.FixedZone("", 3600*13))} {
		e := command("", "192.0.2.1", "id")
		e.Time = at
		events = append(events, e)
	}
	importAll(t, db, events)
	var tags []ttpcron.Tag
	days, err := db.Days(t.Context(), ttpcron.Command)
	if err != nil || len(days) != 4 || days[0].Day != 0 || days[3].Day != 2932896 {
		t.Fatal(days, err)
	}
	readAll(t, db, func(page []ttpcron.Event) {
		for i := range page {
			if page[i].Time.Location() != time.UTC {
				t.Errorf("time %v is not UTC", page[i].Time)
			}
			tags = append(tags, tagOf(&page[i], 1))
		}
	})
	if n, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); n.Inserted != 4 || err != nil {
		t.Fatal(n, err)
	}
	var got []time.Time
	for tag, err := range db.Tags(t.Context(), ttpcron.TagQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, tag.EventTime)
	}
	if len(got) != 4 || !got[0].Equal(events[2].Time) || !got[1].Equal(events[1].Time) || !got[3].Equal(events[0].Time) {
		t.Errorf("tags at %v", got)
	}
}

// unchanged fails when do writes to the store.
func unchanged(t *testing.T, path string, do func()) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	do()
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file has been written to")
	}
}

func TestNothingNewIsNotWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db := kvtest.OpenAt(t, path)
	events := newGenerator(1).events(1000)
	mark := ttpcron.FilePosition{Path: "f", Format: "cowrie", HeadLen: 3, Offset: 9, SeenAt: noon}
	if _, err := db.Import(t.Context(), ttpcron.Batch{Events: events, Position: &mark}); err != nil {
		t.Fatal(err)
	}
	var tags []ttpcron.Tag
	tagAll(t, db, 1, func(some []ttpcron.Tag) { tags = some })
	c := ttpcron.Commit{
		Tags: tags, Cursors: []ttpcron.Cursor{{Kind: ttpcron.Command, Seq: 1000, UpdatedAt: noon}},
		Coverage: []ttpcron.Coverage{{Kind: ttpcron.Command, Day: 1, UpTo: 7}}, Run: &ttpcron.Run{ID: "run", Started: noon},
	}
	if n, err := db.Commit(t.Context(), c); err != nil || n.Inserted != 1000 {
		t.Fatal(n, err)
	}
	unchanged(t, path, func() {
		mark.SeenAt = noon.Add(time.Hour)
		if r, err := db.Import(t.Context(), ttpcron.Batch{Events: events, Position: &mark}); err != nil || r.Known != 1000 {
			t.Error(r, err)
		}
		c.Run.Sources = []ttpcron.SourceReport{{Source: "command", Known: 1000}}
		for i := range c.Tags {
			c.Tags[i].CreatedAt = noon.Add(time.Hour) // the first time stays
		}
		if n, err := db.Commit(t.Context(), c); err != nil || n.Inserted != 0 {
			t.Error(n, err)
		}
		if n, err := known(db, tags); err != nil || n != 1000 {
			t.Error(n, err)
		}
	})
	c.Run.Finished = noon.Add(time.Hour)
	if n, err := db.Commit(t.Context(), c); err != nil || n.Inserted != 0 {
		t.Fatal(n, err)
	}
	runs, err := db.Runs(t.Context(), 1)
	if err != nil || len(runs) != 1 || len(runs[0].Sources) != 1 || runs[0].Finished.IsZero() {
		t.Errorf("runs %+v, %v", runs, err)
	}
}

func TestRunIsWrittenWithTheRest(t *testing.T) {
	db := kvtest.Open(t)
	run := ttpcron.Run{ID: "run", Started: noon}
	for i := range 3 {
		e := command(fmt.Sprint(i), "192.0.2.1", "id")
		run.Outcome = fmt.Sprint(i)
		if n, err := db.Commit(t.Context(), ttpcron.Commit{Tags: []ttpcron.Tag{tagOf(&e, 1)}, Run: &run}); err != nil || n.Inserted != 1 {
			t.Fatal(n, err)
		}
		if runs, err := db.Runs(t.Context(), 0); err != nil || len(runs) != 1 || runs[0].Outcome != run.Outcome {
			t.Errorf("%+v, %v", runs, err)
		}
	}
}

func TestCommitRefuses(t *testing.T) {
	db := kvtest.Open(t)
	e := command("a", "192.0.2.1", "id")
	for name, change := range map[string]func(*ttpcron.Tag){
		"no kind":    func(t *ttpcron.Tag) { t.SourceKind = "" },
		"no source":  func(t *ttpcron.Tag) { t.SourceID = "" },
		"no rule":    func(t *ttpcron.Tag) { t.RuleID = "" },
		"no time":    func(t *ttpcron.Tag) { t.EventTime = time.Time{} },
		"confidence": func(t *ttpcron.Tag) { t.Confidence = math.NaN() },
		"too sure":   func(t *ttpcron.Tag) { t.Confidence = 1.5 },
	} {
		bad := tagOf(&e, 0)
		change(&bad)
		if n, err := db.Commit(t.Context(), ttpcron.Commit{Tags: []ttpcron.Tag{tagOf(&e, 1), bad}}); err == nil || n.Inserted != 0 {
			t.Errorf("%s: inserted %d", name, n.Inserted)
		}
	}
	for name, c := range map[string]ttpcron.Commit{
		"run":      {Run: &ttpcron.Run{}},
		"cursor":   {Cursors: []ttpcron.Cursor{{}}},
		"coverage": {Coverage: []ttpcron.Coverage{{}}},
	} {
		if _, err := db.Commit(t.Context(), c); err == nil {
			t.Errorf("a %s without name is stored", name)
		}
	}
	for tag, err := range db.Tags(t.Context(), ttpcron.TagQuery{}) {
		t.Errorf("%v, %v", tag, err)
	}
}

func TestRejectsAreBounded(t *testing.T) {
	db := kvtest.Open(t)
	line := 0
	add := func(n int) {
		t.Helper()
		im := ttpcron.Batch{}
		for i := range n {
			line++
			im.Rejects = append(im.Rejects, ttpcron.Reject{Line: i + 1, Excerpt: fmt.Append(nil, line)})
		}
		if r, err := db.Import(t.Context(), im); err != nil || r.Rejected != n {
			t.Fatal(r, err)
		}
	}
	expect := func(kept, dropped, first int) {
		t.Helper()
		var lines []int
		for r, err := range db.Rejects(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, r.Line)
		}
		got, err := db.RejectsDropped(t.Context())
		s, err2 := db.Stats(t.Context())
		if err != nil || err2 != nil || len(lines) != kept || got != dropped || lines[0] != first || s.Rejects != kept || s.RejectsDropped != dropped {
			t.Errorf("%d rejects from line %d, %d dropped, want %d from %d, %d dropped", len(lines), lines[0], got, kept, first, dropped)
		}
	}
	add(3)
	expect(3, 0, 1)
	add(kv.MaxRejects - 1)
	expect(kv.MaxRejects, 2, 3)
	add(3 * kv.MaxRejects)
	expect(kv.MaxRejects, 2+3*kv.MaxRejects, 2*kv.MaxRejects+1)
}

func TestRunsAreBounded(t *testing.T) {
	db := kvtest.Open(t)
	for i := range kv.MaxRuns + 20 {
		if _, err := db.Commit(t.Context(), ttpcron.Commit{Run: &ttpcron.Run{ID: fmt.Sprintf("%05d", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := db.Runs(t.Context(), 0)
	if err != nil || len(runs) != kv.MaxRuns || runs[0].ID != "01019" || runs[len(runs)-1].ID != "00020" {
		t.Errorf("%d runs, %v", len(runs), err)
	}
	if runs, err = db.Runs(t.Context(), 2); err != nil || len(runs) != 2 || runs[1].ID != "01018" {
		t.Errorf("%+v, %v", runs, err)
	}
}

func TestMarksAreFoundByHead(t *testing.T) {
	db := kvtest.Open(t)
	// One position with the present length of head, and one with another length, as
	// an earlier version made it.
	marks := []ttpcron.FilePosition{
		{Path: "a", Format: "cowrie/1", Head: [32]byte{1}, HeadLen: 4096, Offset: 5000, TailLen: 1, SeenAt: noon},
		{Path: "b", Format: "cowrie/1", Head: [32]byte{2}, HeadLen: 3000, Offset: 3000, TailLen: 1, SeenAt: noon},
	}
	for i := range marks {
		if _, err := db.Import(t.Context(), ttpcron.Batch{Position: &marks[i]}); err != nil {
			t.Fatal(err)
		}
		if i == 0 { // what is known of lengths is kept up to date
			if lengths, err := db.HeadLengths(t.Context()); err != nil || !slices.Equal(lengths, []int{4096}) {
				t.Fatalf("%v, %v", lengths, err)
			}
		}
	}
	if lengths, err := db.HeadLengths(t.Context()); err != nil || !slices.Equal(lengths, []int{3000, 4096}) {
		t.Errorf("%v, %v", lengths, err)
	}
	got, err := db.FindPositions(t.Context(), "cowrie/1", []ttpcron.FileHead{{Length: 3000, Sum: [32]byte{2}}, {Length: 2048, Sum: [32]byte{1}}, {Length: 4096, Sum: [32]byte{1}}})
	if err != nil || !slices.Equal(got, []ttpcron.FilePosition{marks[1], marks[0]}) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := db.FindPositions(t.Context(), "events/1", []ttpcron.FileHead{{Length: 3000, Sum: [32]byte{2}}}); err != nil || got != nil {
		t.Errorf("of another format: %+v, %v", got, err)
	}
}

func lookOf(path string) ttpcron.FileLook {
	return ttpcron.FileLook{
		Path: path, How: "auto", Size: 7, Modified: noon, Changed: noon.Add(1), Inode: 1 << 63, Head: [32]byte{1}, Tail: [32]byte{2}, Format: "cowrie",
		Outcome: ttpcron.LookGivenUp, Reason: "why", PositionFormat: "cowrie/1", PositionHead: ttpcron.FileHead{Length: 4, Sum: [32]byte{3}}, SeenAt: noon.Add(2),
	}
}

func TestLooks(t *testing.T) {
	db := kvtest.Open(t)
	if got, err := db.FileLooks(t.Context(), []string{"a", "b"}); err != nil || !slices.Equal(got, make([]ttpcron.FileLook, 2)) {
		t.Errorf("in a store without any: %+v, %v", got, err)
	}
	mark := ttpcron.FilePosition{Path: "a", Format: "cowrie/1", Head: [32]byte{3}, HeadLen: 4, SeenAt: noon}
	if _, err := db.Import(t.Context(), ttpcron.Batch{Position: &mark}); err != nil {
		t.Fatal(err)
	}
	a, b := lookOf("a"), lookOf("b")
	if err := db.KeepLooks(t.Context(), []ttpcron.FileLook{a, b}); err != nil {
		t.Fatal(err)
	}
	a.Size, a.Outcome, a.SeenAt = 8, ttpcron.LookRead, noon.Add(time.Hour)
	if err := db.KeepLooks(t.Context(), []ttpcron.FileLook{a}); err != nil {
		t.Fatal(err)
	}
	got, err := db.FileLooks(t.Context(), []string{"b", "c", "a"})
	if err != nil || !slices.Equal(got, []ttpcron.FileLook{b, {}, a}) {
		t.Errorf("%+v, %v", got, err)
	}
	marks, err := db.FilePositions(t.Context())
	if mark.SeenAt = a.SeenAt; err != nil || !slices.Equal(marks, []ttpcron.FilePosition{mark}) {
		t.Errorf("the mark of a file that was seen: %+v, %v", marks, err)
	}
}

// TestForgetFiles: if there are too many files, those seen longest ago are forgotten, but
// none that the last scan saw, however many these are.
func TestForgetFiles(t *testing.T) {
	defer kv.SetMaxFilePositions(100)()
	db := kvtest.Open(t)
	var looks []ttpcron.FileLook
	for i := range 180 {
		l := lookOf(fmt.Sprint(i))
		l.SeenAt = noon.Add(time.Duration(i) * time.Hour)
		l.PositionFormat = ""
		looks = append(looks, l)
		m := &ttpcron.FilePosition{Path: l.Path, Format: "f", HeadLen: i, SeenAt: l.SeenAt}
		if _, err := db.Import(t.Context(), ttpcron.Batch{Position: m}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.KeepLooks(t.Context(), looks); err != nil {
		t.Fatal(err)
	}
	left := func() (oldest string, marks, held int) {
		all, err := db.FilePositions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		paths := make([]string, len(looks))
		for i := range looks {
			paths[i] = looks[i].Path
		}
		found, err := db.FileLooks(t.Context(), paths)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range found {
			if l.Path != "" {
				held++
			}
		}
		s, err := db.Stats(t.Context())
		if err != nil || s.FilePositions != len(all) {
			t.Errorf("%d marks are counted, there are %d, %v", s.FilePositions, len(all), err)
		}
		return all[len(all)-1].Path, len(all), held
	}
	if n, err := db.ForgetFiles(t.Context(), noon.Add(30*time.Hour)); err != nil || n != 60 {
		t.Errorf("dropped %d, %v", n, err)
	}
	if oldest, marks, held := left(); oldest != "30" || marks != 150 || held != 150 {
		t.Errorf("the oldest is %s of %d marks and %d looks", oldest, marks, held)
	}
	if n, err := db.ForgetFiles(t.Context(), noon.Add(1000*time.Hour)); err != nil || n != 120 {
		t.Errorf("dropped %d, %v", n, err)
	}
	if oldest, marks, held := left(); oldest != "90" || marks != 90 || held != 90 {
		t.Errorf("the oldest is %s of %d marks and %d looks", oldest, marks, held)
	}
	if n, err := db.ForgetFiles(t.Context(), noon.Add(1000*time.Hour)); err != nil || n != 0 {
		t.Errorf("dropped %d of what is not too much, %v", n, err)
	}
}

func TestResetForgetsCoverage(t *testing.T) {
	db := kvtest.Open(t)
	importAll(t, db, []ttpcron.Event{command("", "192.0.2.1", "id")})
	day := ttpcron.DayOf(noon)
	c := ttpcron.Coverage{Kind: ttpcron.Command, Day: day, RuleSet: "r", UpTo: 1, Events: 1}
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Coverage: []ttpcron.Coverage{c}, Cursors: []ttpcron.Cursor{{Kind: ttpcron.Command, Seq: 1}}}); err != nil {
		t.Fatal(err)
	}
	if days, err := db.Days(t.Context(), ttpcron.Command); err != nil || !slices.Equal(days[0].Coverage, []ttpcron.Coverage{c}) {
		t.Errorf("%+v, %v", days, err)
	}
	if err := db.SetCursor(t.Context(), ttpcron.Cursor{Kind: ttpcron.Command, Seq: 0, RunID: "manual"}); err != nil {
		t.Fatal(err)
	}
	if days, _ := db.Days(t.Context(), ttpcron.Command); !slices.Equal(days[0].Coverage, []ttpcron.Coverage{c}) {
		t.Error("setting the checkpoint forgets coverage")
	}
	for range 2 {
		if err := db.DeleteCursor(t.Context(), ttpcron.Command); err != nil {
			t.Fatal(err)
		}
	}
	days, err := db.Days(t.Context(), ttpcron.Command)
	cursors, err2 := db.Cursors(t.Context())
	if err != nil || err2 != nil || days[0].Coverage != nil || len(cursors) != 0 {
		t.Errorf("%+v, %+v", days, cursors)
	}
}

// TestWritingWhileReading writes to the store in the middle of every loop.
func TestWritingWhileReading(t *testing.T) {
	db := kvtest.Open(t)
	g := newGenerator(1)
	importAll(t, db, g.events(2000))
	n := 0
	for page, err := range db.Events(t.Context(), ttpcron.Command, 19875, 0, 2000) {
		if err != nil {
			t.Fatal(err)
		}
		n += len(page)
		importAll(t, db, g.events(10))
		var tags []ttpcron.Tag
		for i := range page {
			tags = append(tags, tagOf(&page[i], i%5))
		}
		if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
			t.Fatal(err)
		}
	}
	if n != 2000 {
		t.Errorf("%d events read", n)
	}
	n = 0
	for tag, err := range db.Tags(t.Context(), ttpcron.TagQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%100 == 0 {
			e := g.next()
			e.ID = e.ContentID()
			e.Time = tag.EventTime.AddDate(0, 1, 0)
			if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: []ttpcron.Tag{tagOf(&e, n/100+20)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n != 2000 {
		t.Errorf("%d tags read", n)
	}
}

// TestConcurrently reads and writes from several goroutines.
func TestConcurrently(t *testing.T) {
	db := kvtest.Open(t)
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			g := newGenerator(uint64(w))
			for range 20 {
				events := g.events(100)
				_, err := db.Import(t.Context(), ttpcron.Batch{Events: events})
				if err != nil {
					t.Error(err)
				}
				for i := range events {
					events[i].ID = events[i].ContentID()
				}
				if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: []ttpcron.Tag{tagOf(&events[0], w), tagOf(&events[1], w+3)}}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 20 {
				if err := touchReading(t.Context(), db); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if s, err := db.Stats(t.Context()); err != nil || s.LastSeq != 4000 || s.Kinds[0].Tags != 80 {
		t.Errorf("%+v, %v", s, err)
	}
}

func touchReading(ctx context.Context, db *kv.DB) error {
	for _, err := range db.Events(ctx, ttpcron.Command, 19875, 0, math.MaxUint64) {
		if err != nil {
			return err
		}
	}
	for _, err := range db.Tags(ctx, ttpcron.TagQuery{Tactics: []string{"TA0007"}}) {
		if err != nil {
			return err
		}
	}
	_, err := db.Under(nil).Summary(ctx, ttpcron.Window{}, ttpcron.MinLevels{}, nil)
	return err
}

func TestCancelled(t *testing.T) {
	db := kvtest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range db.Tags(ctx, ttpcron.TagQuery{}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("tags: %v", err)
		}
	}
	if _, err := db.Import(ctx, ttpcron.Batch{Events: newGenerator(1).events(1)}); !errors.Is(err, context.Canceled) {
		t.Errorf("import: %v", err)
	}
	if _, err := db.Commit(ctx, ttpcron.Commit{Run: &ttpcron.Run{ID: "r"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("commit: %v", err)
	}
}

func TestDiskFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db := kvtest.OpenAt(t, path)
	importAll(t, db, newGenerator(1).events(100))
	kv.LimitSize(db, 1<<20)
	g := newGenerator(2)
	g.unique = true
	var err error
	stored := 100
	for range 100 {
		if _, err = db.Import(t.Context(), ttpcron.Batch{Events: g.events(1000)}); err != nil {
			break
		}
		stored += 1000
	}
	if err == nil {
		t.Fatal("the file grows beyond its limit")
	}
	kv.LimitSize(db, 0)
	if ids := idsOf(t, db); len(ids) != stored {
		t.Errorf("%d events are stored, want %d", len(ids), stored)
	}
	if r, err := db.Import(t.Context(), ttpcron.Batch{Events: g.events(10)}); err != nil || r.New != 10 {
		t.Errorf("importing after the disk was full: %+v, %v", r, err)
	}
}
