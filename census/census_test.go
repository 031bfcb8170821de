package census

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// history is a store in memory.
type history struct {
	events []ttpcron.Event
	tags   []ttpcron.Tag
}

func (h *history) Kinds(context.Context) ([]ttpcron.SourceKind, error) {
	return []ttpcron.SourceKind{ttpcron.AuthAttempt, ttpcron.Command, ttpcron.FileTransfer, ttpcron.SessionFact}, nil
}

func (h *history) DayPage(_ context.Context, kind ttpcron.SourceKind, from ttpcron.Day) (days []ttpcron.DayHistory, err error) {
	for _, e := range h.events {
		day := ttpcron.DayOf(e.Time)
		if e.Kind != kind || day < from {
			continue
		}
		i, found := slices.BinarySearchFunc(days, day, func(d ttpcron.DayHistory, day ttpcron.Day) int { return cmp.Compare(d.Day, day) })
		if !found {
			days = slices.Insert(days, i, ttpcron.DayHistory{Kind: kind, Day: day, FirstSeq: e.Seq})
		}
		days[i].LastSeq = e.Seq
	}
	return days[:min(len(days), 2)], nil
}

func (h *history) Events(_ context.Context, kind ttpcron.SourceKind, day ttpcron.Day, after, upTo uint64) iter.Seq2[[]ttpcron.Event, error] {
	return func(yield func([]ttpcron.Event, error) bool) {
		for _, e := range h.events {
			if e.Kind == kind && ttpcron.DayOf(e.Time) == day && e.Seq > after && e.Seq <= upTo && !yield([]ttpcron.Event{e}, nil) {
				return
			}
		}
	}
}

func (h *history) source() Source {
	return Source{h, func(_ context.Context, q ttpcron.TagQuery) iter.Seq2[Tag, error] {
		return func(yield func(Tag, error) bool) {
			for i := range h.tags {
				if t := &h.tags[i]; q.Match(t) && !yield(Tag{t, &t.Claim}, nil) {
					return
				}
			}
		}
	}}
}

var start = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

func pick(r *rand.Rand, list ...string) string { return list[r.IntN(len(list))] }

// randomHistory is short of values, so that they meet.
func randomHistory(r *rand.Rand, n int) *history {
	h := &history{}
	for i := range n {
		e := ttpcron.Event{Seq: uint64(i + 1), Kind: ttpcron.SourceKind(pick(r, "command", "auth_attempt", "payload", "session")), ID: fmt.Sprint(i),
			Time: start.Add(time.Duration(r.IntN(6*24*4)) * 15 * time.Minute), DeckyID: pick(r, "", "hp-1", "hp-\x00"), SessionID: pick(r, "", "s1", "s2", "s\x00\xff", "s4")}
		switch r.IntN(8) {
		case 0:
			e.IdentityUUID = ttpcron.SessionIdentity(e.DeckyID, e.SessionID)
		case 1:
			e.AttackerUUID = "5f1a6a80-0000-5000-8000-00000000000" + pick(r, "1", "2")
			e.AttackerIP = pick(r, "", "192.0.2.1")
		default:
			e.AttackerIP = fmt.Sprintf("203.0.113.%d", r.IntN(20))
		}
		switch e.Kind {
		case ttpcron.AuthAttempt:
			e.Payload.Set("username", pick(r, "root", "a\x00b", "a"))
			e.Payload.Set(pick(r, "password", "password", "key_fingerprint"), pick(r, "", "x", "\x00", strings.Repeat("long", 200)))
			_ = e.Payload.SetRaw("success", []byte(pick(r, "true", "false")))
		case ttpcron.FileTransfer:
			e.Payload.Set("url", "http://203.0.113.9/"+pick(r, "a", "b"))
			_ = e.Payload.SetRaw("size", []byte(pick(r, "7", "900", "-1", `"x"`)))
			if r.IntN(2) == 0 {
				e.Payload.Set("sha256", pick(r, "AB", "cd"))
			}
		case ttpcron.SessionFact:
			e.Payload.Set("fact", pick(r, "opened", "closed"))
			_ = e.Payload.SetRaw("duration_ms", []byte("1500"))
		}
		h.events = append(h.events, e)
		for range r.IntN(3) {
			h.tags = append(h.tags, randomTag(r, &e))
		}
	}
	slices.SortStableFunc(h.tags, func(a, b ttpcron.Tag) int { return b.EventTime.Compare(a.EventTime) })
	return h
}

func randomTag(r *rand.Rand, e *ttpcron.Event) ttpcron.Tag {
	who, _ := e.Attacker()
	t := ttpcron.Tag{SourceKind: e.Kind, SourceID: e.ID, AttackerUUID: who, AttackerIP: e.AttackerIP, IdentityUUID: e.IdentityUUID, SessionID: e.SessionID, DeckyID: e.DeckyID,
		Seq: e.Seq, EventTime: e.Time, CreatedAt: start, Claim: ttpcron.Claim{RuleID: pick(r, "R1", "R2"), Tactic: pick(r, "TA1", "TA2"), TechniqueID: pick(r, "T1", "T2"), Level: ttpcron.Level(r.IntN(6))}}
	switch r.IntN(10) {
	case 0:
		t.Seq = 0 // its event is gone
		t.SourceID += "gone"
	case 1:
		t.Seq, t.SourceKind, t.CreatedAt = 0, ttpcron.Correlation, start.Add(time.Duration(r.IntN(100))*time.Hour)
		if r.IntN(2) == 0 { // it is about a group that names no attacker
			names, v := []string{"client_version"}, ttpcron.PackedValue{Text: pick(r, "a", "b")}
			s := ttpcron.NewSubject(ttpcron.Group(v.Append([]byte{0})), names)
			of := s.Tag(ttpcron.NewTerms("event_count", "gte 2", nil, names, time.Hour), ttpcron.Slot(t.EventTime, time.Hour))
			t.SourceID, t.AttackerUUID, t.AttackerIP, t.IdentityUUID = of.SourceID, of.AttackerUUID, of.AttackerIP, of.IdentityUUID
		}
	}
	return t
}

func randomQuery(r *rand.Rand, n int) Query {
	var q Query
	maybe := func(do func()) {
		if r.IntN(5) == 0 {
			do()
		}
	}
	maybe(func() { q.Tags.Attacker = pick(r, "203.0.113.3", "5f1a6a80-0000-5000-8000-000000000001") })
	maybe(func() { q.Tags.Networks, _ = ttpcron.ParseNetworks("203.0.113.0/28") })
	maybe(func() { q.Tags.Session = "s1" })
	maybe(func() { q.Tags.Sensor = "hp-1" })
	maybe(func() { q.Tags.Window.Since = start.Add(time.Duration(r.IntN(80)) * time.Hour) })
	maybe(func() { q.Tags.Window.Until = start.Add(time.Duration(80+r.IntN(60)) * time.Hour) })
	maybe(func() { q.Tags.ArrivedAfter = uint64(r.IntN(n)) })
	maybe(func() { q.Tags.Technique, q.Tagged = "T1", true })
	maybe(func() { q.Tags.MinLevels, q.Tagged = ttpcron.FromLevel(ttpcron.LevelHigh), true })
	maybe(func() { q.NewSince, q.NewAfter = start.Add(50*time.Hour), uint64(r.IntN(n)) })
	maybe(func() { q.Keep = func(a string) bool { return strings.HasSuffix(a, "1") } })
	q.Place = func(a string) string { return "place " + a[max(0, len(a)-1):] }
	return q
}

var allBy = []By{Whole, Attackers, Places, Sessions, Techniques, Sensors, Credentials, Users, Passwords, Keys, Files}

// A census equals that of a model that keeps everything, with any amount of memory.
func TestModel(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	defer func(n int) { mostMet = n }(mostMet)
	for seed := range uint64(60) {
		mostMet = []int{0, 2, 1 << 15}[seed%3]
		r := rand.New(rand.NewPCG(seed, 1))
		n := 1 + r.IntN(300)
		h, q := randomHistory(r, n), randomQuery(r, n)
		upTo := uint64(1 + r.IntN(n))
		c := newBounded(q, []int{30_000, 400_000, Bound}[seed%3], allBy...)
		if err := c.Count(t.Context(), h.source(), upTo); err != nil {
			t.Fatal(err)
		}
		for i, by := range allBy {
			want := model(h, q, by, upTo)
			o := Order{By: &columns[r.IntN(len(columns))], Reverse: r.IntN(2) == 0, Limit: r.IntN(4)}
			total := len(want)
			sortModel(want, o)
			if o.Limit > 0 {
				want = want[:min(o.Limit, len(want))]
			}
			var got []*Row
			all, err := c.Rows(t.Context(), i, o, func(r *Row) error { got = append(got, r); return nil })
			if err != nil || all != total {
				t.Fatalf("seed %d, by %d: %d rows, want %d: %v", seed, by, all, total, err)
			}
			for k := range want {
				if !reflect.DeepEqual(got[k], want[k]) {
					t.Fatalf("seed %d, by %d, %s: row %d is\n%+v, want\n%+v", seed, by, o.By.Name, k, got[k], want[k])
				}
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestKeys(t *testing.T) {
	texts := []string{"", "\x00", "\x00\x00", "\x00a", "\x00\xff", "\x01", "a", "a\x00", "a\x00\x00", "a\x00\xff", "ab", "\xff"}
	for i, a := range texts {
		for k, b := range texts {
			x, y := appendPart(appendPart(nil, a), b), appendPart(appendPart(nil, b), a)
			if got := cmp.Compare(string(x), string(y)); got != cmp.Compare(i, k) {
				t.Errorf("%q and %q compare as %d", a, b, got)
			}
			x = append(x, "\x00rest"...)
			first, rest := cutPart(x)
			second, rest := cutPart(rest)
			if first != a || second != b || string(rest) != "\x00rest" || string(afterParts(x, 2)) != "\x00rest" {
				t.Errorf("%q, %q come back as %q, %q, %q", a, b, first, second, rest)
			}
		}
	}
	if a, b := bounded(strings.Repeat("x", 5000)+"1"), bounded(strings.Repeat("x", 5000)+"2"); a == b || len(a) > maxName+10 {
		t.Errorf("%d bytes: %s", len(a), a)
	}
}
