package kv_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/internal/nountest"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// stored fills every exported field of a noun, stores it, reopens the store and reads it.
// Fields that are not stored are listed with the reason: all others must be, and the
// listed ones must not.
func stored[T any](t *testing.T, put func(ctx context.Context, db *kv.DB, v T) error, get func(ctx context.Context, db *kv.DB, v T) (T, error), but map[string]string) {
	t.Helper()
	var want T
	nountest.Fill(t, &want)
	path := filepath.Join(t.TempDir(), "t.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), db, want); err != nil {
		t.Fatalf("put %T: %v", want, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := get(t.Context(), kvtest.OpenAt(t, path), want)
	if err != nil {
		t.Fatalf("get %T: %v", want, err)
	}
	lost := nountest.Differences(want, got)
	for _, field := range lost {
		if but[field] == "" {
			t.Errorf("%T: %s does not come back", want, field)
		}
	}
	for field := range but {
		if !slices.Contains(lost, field) {
			t.Errorf("%T: %s comes back", want, field)
		}
	}
}

// one returns the only element of a list.
func one[T any](list []T, err error) (v T, _ error) {
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("%d of them", len(list))
	}
	if err != nil {
		return v, err
	}
	return list[0], nil
}

// TestStoredEvents and the tests after it check that the store loses no field of a noun: a
// new field must be stored, or be listed here with a reason.
func TestStoredEvents(t *testing.T) {
	stored(t, func(ctx context.Context, db *kv.DB, e ttpcron.Event) error {
		r, err := db.Import(ctx, ttpcron.Batch{Events: []ttpcron.Event{e}})
		if err == nil && r.New != 1 {
			err = fmt.Errorf("%+v", r)
		}
		return err
	}, func(ctx context.Context, db *kv.DB, e ttpcron.Event) (ttpcron.Event, error) {
		return one(db.EventPage(ctx, e.Kind, ttpcron.DayOf(e.Time), 0, 1<<63))
	}, map[string]string{"Seq": "the store gives it"})
}

func TestStoredRejects(t *testing.T) {
	stored(t, func(ctx context.Context, db *kv.DB, r ttpcron.Reject) error {
		_, err := db.Import(ctx, ttpcron.Batch{Rejects: []ttpcron.Reject{r}})
		return err
	}, func(ctx context.Context, db *kv.DB, _ ttpcron.Reject) (ttpcron.Reject, error) {
		page, _, err := db.RejectPage(ctx, 0)
		return one(page, err)
	}, nil)
}

func TestStoredFiles(t *testing.T) {
	stored(t, func(ctx context.Context, db *kv.DB, p ttpcron.FilePosition) error {
		_, err := db.Import(ctx, ttpcron.Batch{Position: &p})
		return err
	}, func(ctx context.Context, db *kv.DB, _ ttpcron.FilePosition) (ttpcron.FilePosition, error) {
		return one(db.FilePositions(ctx))
	}, nil)
	stored(t, func(ctx context.Context, db *kv.DB, l ttpcron.FileLook) error {
		return db.KeepLooks(ctx, []ttpcron.FileLook{l})
	}, func(ctx context.Context, db *kv.DB, l ttpcron.FileLook) (ttpcron.FileLook, error) {
		return one(db.FileLooks(ctx, []string{l.Path}))
	}, nil)
}

// TestStoredTags checks tags without an event in the store, which are stored whole.
// TestReferringTags checks the others.
func TestStoredTags(t *testing.T) {
	stored(t, func(ctx context.Context, db *kv.DB, tag ttpcron.Tag) error {
		tag.Seq = 0
		n, err := db.Commit(ctx, ttpcron.Commit{Tags: []ttpcron.Tag{tag}})
		if err == nil && n.Inserted != 1 {
			err = fmt.Errorf("%d stored", n.Inserted)
		}
		return err
	}, func(ctx context.Context, db *kv.DB, _ ttpcron.Tag) (ttpcron.Tag, error) {
		page, _, err := db.Under(nil).TagPage(ctx, ttpcron.TagQuery{}, kv.TagPosition{}, 10)
		return one(page, err)
	}, map[string]string{"Seq": "there is no event", "ByResolver": "an event says it", "Finding": "it is of another slot", "Match.Shows": "evidence says it", "Match.Field": "evidence says it", "Match.Start": "evidence says it", "Match.End": "evidence says it", "Match.Literal": "evidence says it", "Match.Evidence": "evidence says it", "Text": "evidence says it", "TextMasked": "evidence says it", "MatchedSecret": "an event says it"})
}

// TestReferringTags: a tag whose event is stored is read back with the event's data, in
// each form in which it is stored.
func TestReferringTags(t *testing.T) {
	var e ttpcron.Event
	nountest.Fill(t, &e)
	e.ID, e.Kind = "", ttpcron.Command
	e.Payload = append(ttpcron.TextPayload("command_text", "cd /tmp; wget x"), ttpcron.Field{Name: "uid", Raw: []byte("0")})
	for _, m := range []ttpcron.Match{
		{}, {Shows: "command_text\x00"}, {Shows: "command_text\x00", Start: 9, End: 15}, {Start: 0, End: 15},
		{Field: "command_text", Start: 0, End: 2}, {Literal: "decoded"}, {Literal: "", Evidence: []byte(`{"metric":"m"}`)},
	} {
		path := filepath.Join(t.TempDir(), "t.db")
		db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		importAll(t, db, []ttpcron.Event{e})
		var want ttpcron.Tag
		nountest.Fill(t, &want)
		stored := e
		stored.Seq = 1
		want.SourceKind, want.SourceID, want.EventTime, want.Seq, want.Match = e.Kind, stored.SourceID(), e.Time, 1, m
		want.AttackerUUID, want.AttackerIP, want.IdentityUUID, want.SessionID, want.DeckyID = e.AttackerUUID, e.AttackerIP, e.IdentityUUID, e.SessionID, e.DeckyID
		want.ByResolver = e.ByResolver()
		want.CreatedAt, want.Finding, want.Evidence = want.CreatedAt.Truncate(time.Second), nil, nil
		if n, err := db.Commit(t.Context(), ttpcron.Commit{Tags: []ttpcron.Tag{want}}); n.Inserted != 1 || err != nil {
			t.Fatal(n, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		want.Evidence = ttpcron.AppendEvidence(nil, &stored, &m)
		want.SetText(&stored)
		again := kvtest.OpenAt(t, path)
		got, err := one(tagPage(t.Context(), again, ttpcron.TagQuery{Attacker: e.AttackerIP, Session: e.SessionID}))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v\ngot  %+v\nwant %+v\n%v", m, got, want, err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		checked(t, path)
	}
}

// TestStoredFindings: a finding's tag is read back with everything in its group and terms;
// a tag that its finding does not imply is stored whole.
func TestStoredFindings(t *testing.T) {
	g := newGenerator(1)
	e := g.events(1)[0]
	for name, change := range map[string]func(*ttpcron.Tag){
		"as it is":         func(*ttpcron.Tag) {},
		"within a slot":    func(t *ttpcron.Tag) { t.EventTime = t.EventTime.Add(time.Minute) },
		"no timespan":      func(t *ttpcron.Tag) { t.Finding.Terms.Timespan = 0 },
		"part of a second": func(t *ttpcron.Tag) { t.Finding.Terms.Timespan++ },
		"a name too many":  func(t *ttpcron.Tag) { t.Finding.Terms.Group += "x\x00" },
		"a name too few":   func(t *ttpcron.Tag) { t.Finding.Terms.Group = "x\x00" },
		"no group":         func(t *ttpcron.Tag) { t.Finding.Group = "" },
		"a broken group":   func(t *ttpcron.Tag) { t.Finding.Group += "t" },
		"a longer head":    func(t *ttpcron.Tag) { t.Finding.Group, t.Finding.Terms.Group = "\x00t\x81\x00x", "x\x00" },
		"another vantage":  func(t *ttpcron.Tag) { t.Vantage = ttpcron.VantageHost },
		"of an event":      func(t *ttpcron.Tag) { t.SourceKind = ttpcron.Command },
		"of no terms":      func(t *ttpcron.Tag) { t.Finding.Terms = nil },
	} {
		path := filepath.Join(t.TempDir(), "t.db")
		db := kvtest.OpenAt(t, path)
		want := findingOf(&e, 1)
		change(&want)
		commit(t, db, ttpcron.Commit{Tags: []ttpcron.Tag{want}})
		closed(t, db)
		if name != "as it is" {
			want.Finding = nil
		}
		want.SetText(nil)
		again := kvtest.OpenAt(t, path)
		got, err := one(tagPage(t.Context(), again, ttpcron.TagQuery{}))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v\n%v", name, got, want, err)
		}
		if done, err := again.Commit(t.Context(), ttpcron.Commit{Tags: []ttpcron.Tag{want}}); err != nil || done.TagChanges != (ttpcron.TagChanges{}) {
			t.Errorf("%s: again: %+v, %v", name, done, err)
		}
		closed(t, again)
		checked(t, path)
	}
}

// TestFindingsOfAnyGroup: a finding's tag is read back whatever an attacker wrote into the
// fields of its group: texts that look like what follows the one before them, and each
// form in which they are packed.
func TestFindingsOfAnyGroup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	db := kvtest.OpenAt(t, path)
	rnd := rand.New(rand.NewPCG(3, 9))
	of := ttpcron.DeriveAttacker
	texts := []string{
		"", "x", "\x00", "\xff\xfe", "192.0.2.1", "192.0.2.01", "0.0.0.0", "::1", "00", "abcd", "ABCD", strings.Repeat("0f", 47), strings.Repeat("0f", 48),
		"sha256:" + strings.Repeat("a", 32), "SHA256:" + strings.Repeat("a", 32), strings.Repeat("x", 127), strings.Repeat("x", 128), strings.Repeat("\u2028", 64) + "x", strings.Repeat("x", 255), strings.Repeat("ü", 128),
		of("x"), of(of("x")), of(of(of("x"))), of(""), strings.ToUpper(of("x")), of("192.0.2.1"), "00000000-0000-0000-0000-000000000000",
	}
	var tags []ttpcron.Tag
	want := map[string]ttpcron.Tag{}
	for slot := range 2000 {
		group, names := []byte{byte(rnd.IntN(2))}, []string{}
		text := "x"
		for i := range rnd.IntN(6) {
			names = append(names, fmt.Sprintf("f%d", i))
			switch v := (ttpcron.PackedValue{}); rnd.IntN(8) {
			case 0:
				v.Null = true
				group = v.Append(group)
			case 1:
				v.Hash = strings.Repeat("\x05", 32)
				group = v.Append(group)
			case 2, 3, 4:
				text = of(text)
				group = ttpcron.AppendPackedText(group, text)
			default:
				text = texts[rnd.IntN(len(texts))]
				group = ttpcron.AppendPackedText(group, text)
			}
		}
		tag := ttpcron.NewSubject(ttpcron.Group(group), names).Tag(ttpcron.NewTerms("event_count", "gte 5", nil, names, time.Second), int64(slot))
		tag.Claim = ttpcron.Claim{RuleID: "C", RuleVersion: 1, Tactic: "TA0006", TechniqueID: "T1110", Confidence: 0.5, Level: ttpcron.LevelHigh}
		tag.CreatedAt = time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC)
		tag.Evidence = tag.Finding.AppendEvidence(nil)
		tag.SetText(nil)
		want[tag.UUID().String()], tags = tag, append(tags, tag)
	}
	commit(t, db, ttpcron.Commit{Tags: tags})
	got, _, err := db.Under(nil).TagPage(t.Context(), ttpcron.TagQuery{}, kv.TagPosition{}, 3000)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d of %d tags: %v", len(got), len(want), err)
	}
	for _, tag := range got {
		if w := want[tag.UUID().String()]; !reflect.DeepEqual(tag, w) {
			t.Errorf("got  %+v\nwant %+v", tag, w)
		}
	}
	closed(t, db)
	checked(t, path)
}

func tagPage(ctx context.Context, db *kv.DB, q ttpcron.TagQuery) ([]ttpcron.Tag, error) {
	page, _, err := db.Under(nil).TagPage(ctx, q, kv.TagPosition{}, 10)
	return page, err
}

func TestStoredRuns(t *testing.T) {
	stored(t, func(ctx context.Context, db *kv.DB, r ttpcron.Run) error {
		_, err := db.Commit(ctx, ttpcron.Commit{Run: &r})
		return err
	}, func(ctx context.Context, db *kv.DB, _ ttpcron.Run) (ttpcron.Run, error) {
		return one(db.Runs(ctx, 0))
	}, nil)
	stored(t, func(ctx context.Context, db *kv.DB, c ttpcron.Cursor) error {
		return db.SetCursor(ctx, c)
	}, func(ctx context.Context, db *kv.DB, _ ttpcron.Cursor) (ttpcron.Cursor, error) {
		return one(db.Cursors(ctx))
	}, nil)
	stored(t, func(ctx context.Context, db *kv.DB, s ttpcron.RuleSet) error {
		_, err := db.Commit(ctx, ttpcron.Commit{RuleSets: []ttpcron.RuleSet{s}, Coverage: []ttpcron.Coverage{{Kind: "k", Day: 1, RuleSet: s.Fingerprint}}})
		return err
	}, func(ctx context.Context, db *kv.DB, s ttpcron.RuleSet) (ttpcron.RuleSet, error) {
		s, _, err := db.RuleSet(ctx, s.Fingerprint)
		return s, err
	}, nil)
}

// TestStoredCoverage looks at the coverage of a day that has an event.
func TestStoredCoverage(t *testing.T) {
	stored(t, func(ctx context.Context, db *kv.DB, c ttpcron.Coverage) error {
		e := ttpcron.Event{Kind: c.Kind, Time: c.Day.Start(), AttackerIP: "192.0.2.1", Payload: ttpcron.TextPayload("a", "b")}
		if _, err := db.Import(ctx, ttpcron.Batch{Events: []ttpcron.Event{e}}); err != nil {
			return err
		}
		_, err := db.Commit(ctx, ttpcron.Commit{Coverage: []ttpcron.Coverage{c}})
		return err
	}, func(ctx context.Context, db *kv.DB, c ttpcron.Coverage) (ttpcron.Coverage, error) {
		day, err := one(db.DayPage(ctx, c.Kind, 0))
		return day.Coverage[0], err
	}, nil)
}

func TestStoredRules(t *testing.T) {
	stored(t, func(ctx context.Context, db *kv.DB, s ttpcron.RuleState) error {
		return db.SetRuleState(ctx, s)
	}, func(ctx context.Context, db *kv.DB, _ ttpcron.RuleState) (ttpcron.RuleState, error) {
		return one(db.RuleStates(ctx))
	}, nil)
	stored(t, func(ctx context.Context, db *kv.DB, r ttpcron.Retirement) error {
		return db.Retire(ctx, r)
	}, func(ctx context.Context, db *kv.DB, _ ttpcron.Retirement) (ttpcron.Retirement, error) {
		return one(db.Retirements(ctx))
	}, nil)
	// Entries of the audit trail are the store's own.
	stored(t, func(ctx context.Context, db *kv.DB, e ttpcron.AuditEntry) error {
		return db.TakeOver(ctx, func(to *kv.Takeover) error {
			k := record.NumberKey(e.Number)
			return to.Put("audit", "", k, record.AppendAudit(nil, k, &e))
		})
	}, func(ctx context.Context, db *kv.DB, _ ttpcron.AuditEntry) (ttpcron.AuditEntry, error) {
		return one(db.Audit(ctx, 0))
	}, nil)
}

func TestStoredTimes(t *testing.T) {
	stored(t, func(ctx context.Context, db *kv.DB, times map[string]time.Time) error {
		return db.SetJobTimes(ctx, times)
	}, func(ctx context.Context, db *kv.DB, _ map[string]time.Time) (map[string]time.Time, error) {
		return db.JobTimes(ctx)
	}, nil)
	stored(t, func(ctx context.Context, db *kv.DB, h kv.Held) error {
		return db.SetHeld(ctx, h)
	}, func(ctx context.Context, db *kv.DB, _ kv.Held) (kv.Held, error) {
		c, err := db.Clock(ctx)
		return c.Held, err
	}, nil)
}

// TestMisplacedFinding: a finding's tag among those of events is damage. A recovery puts
// it in its place.
func TestMisplacedFinding(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	db := kvtest.OpenAt(t, path)
	g := newGenerator(1)
	e := g.events(1)[0]
	e.Time = ttpcron.DayOf(e.Time).Start().Add(12 * time.Hour)
	first, second := findingOf(&e, 0), findingOf(&e, 1)
	own := tagOf(&e, 0)
	own.EventTime, own.Seq = first.EventTime.Add(-time.Nanosecond), 0
	commit(t, db, ttpcron.Commit{Tags: []ttpcron.Tag{own, first, second}})
	closed(t, db)
	checked(t, path)
	day := record.DayKey(ttpcron.DayOf(e.Time))
	change(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(layout.Tags)).Bucket(day)
		c := b.Cursor()
		c.First()
		k, v := c.Next() // between two others: what is said of the first and the last stays true
		key, rec := record.AppendTagPosition(nil, k), bytes.Clone(v)
		if !record.OfFinding(k) {
			t.Fatalf("%x is no finding", k)
		}
		if err := b.Delete(k); err != nil {
			return err
		}
		return b.Put(key, record.End(rec, day, key))
	})
	r, err := doctor.Check(t.Context(), path, doctor.Options{})
	if err != nil || len(r.Findings) != 1 || !strings.Contains(r.Findings[0].What, "of correlation lies where those of others belong") {
		t.Errorf("%+v, %v", r.Findings, err)
	}
	to, saved := recovered(t, path)
	if saved.Tags != 3 {
		t.Errorf("recovered %+v", saved)
	}
	checked(t, to)
}
