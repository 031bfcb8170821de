package kv_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// TestFillIn imports events, tags them, and imports copies of some that say more.
func TestFillIn(t *testing.T) {
	db := kvtest.Open(t)
	gen := newGenerator(3)
	events := gen.events(1000)
	for i := range events {
		if i%3 == 0 {
			events[i].ID = fmt.Sprint("named ", i)
		}
	}
	imports(t, db, events, ttpcron.ImportReport{New: 1000})
	stored := storedIn(t, db)
	day := ttpcron.DayOf(stored[0].Time)
	c := ttpcron.Commit{
		Coverage: []ttpcron.Coverage{{Kind: ttpcron.Command, Day: day, RuleSet: "r", UpTo: 1000, Events: 1000}},
		RuleSets: []ttpcron.RuleSet{{Fingerprint: "r"}},
	}
	for i := range stored {
		c.Tags = append(c.Tags, tagOf(&stored[i], i%5))
	}
	if _, err := db.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	var copies []ttpcron.Event
	for _, i := range []int{500, 100, 501, 999} {
		e := events[i]
		e.IdentityUUID = fmt.Sprint("identity ", i)
		e.Payload = slices.Clone(e.Payload)
		e.Payload.Set("pwd", "/root")
		copies = append(copies, e, e)
	}
	imports(t, db, copies, ttpcron.ImportReport{Known: 8, Learned: 4})
	unchanged(t, db.Path(), func() { imports(t, db, copies, ttpcron.ImportReport{Known: 8}) })
	unchanged(t, db.Path(), func() { imports(t, db, events, ttpcron.ImportReport{Known: 1000}) })

	got := storedIn(t, db)
	for i := range got {
		want := stored[i]
		if i == 100 || i == 500 || i == 501 || i == 999 {
			want.IdentityUUID = fmt.Sprint("identity ", i)
			want.Payload = slices.Clone(want.Payload)
			want.Payload.Set("pwd", "/root")
		}
		if !reflect.DeepEqual(got[i], want) {
			t.Errorf("event %d is %+v, want %+v", i, got[i], want)
		}
	}
	days, err := db.Days(t.Context(), ttpcron.Command)
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, c := range days[0].Coverage {
		parts = append(parts, fmt.Sprintf("%s(%d,%d]", c.RuleSet, c.After, c.UpTo))
	}
	if got, want := strings.Join(parts, " "), "r(0,100] (100,101] r(101,500] (500,502] r(502,999] (999,1000]"; got != want {
		t.Errorf("the day is covered by %s, want %s", got, want)
	}
	n := 0
	for tag, err := range db.Tags(t.Context(), ttpcron.TagQuery{Attacker: "identity 500"}) {
		if err != nil || tag.Seq != 501 {
			t.Errorf("tag %+v, %v", tag, err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d tags of the identity, want 1", n)
	}
	other := copies[0]
	other.IdentityUUID = "another"
	unchanged(t, db.Path(), func() { imports(t, db, []ttpcron.Event{other}, ttpcron.ImportReport{Known: 1, Disputed: 1}) })
	closed(t, db)
}

// TestFillInMuch: the events of one block learn more than a block can hold.
func TestFillInMuch(t *testing.T) {
	db := kvtest.Open(t)
	events := newGenerator(4).events(200)
	imports(t, db, events, ttpcron.ImportReport{New: 200})
	for i := range events {
		events[i].Payload = slices.Clone(events[i].Payload)
		events[i].Payload.Set("pwd", strings.Repeat("x", 30_000))
	}
	imports(t, db, events, ttpcron.ImportReport{Known: 200, Learned: 200})
	imports(t, db, events, ttpcron.ImportReport{Known: 200})
	for i, e := range storedIn(t, db) {
		if got, _ := e.Payload.Text("pwd"); len(got) != 30_000 || e.Seq != uint64(i+1) {
			t.Errorf("event %d has learned %d bytes", e.Seq, len(got))
		}
	}
	imports(t, db, newGenerator(5).events(300), ttpcron.ImportReport{New: 300})
	closed(t, db)
}

// TestLearnInOneBatch gives one event three sessions at once: it has the first.
func TestLearnInOneBatch(t *testing.T) {
	db := kvtest.Open(t)
	e := counted(1, "192.0.2.1", noon)
	e.SessionID = ""
	events := []ttpcron.Event{e, e, e, e}
	for i, s := range []string{"", "one", "two", "one"} {
		events[i].SessionID = s
	}
	imports(t, db, events, ttpcron.ImportReport{New: 1, Known: 3, Learned: 1, Disputed: 1})
	if got := storedIn(t, db); len(got) != 1 || got[0].SessionID != "one" || events[0].SessionID != "" {
		t.Errorf("stored %+v of %+v", got, events[0])
	}
	imports(t, db, events, ttpcron.ImportReport{New: 1, Known: 3, Changed: 1})
	closed(t, db)
}

// TestRenamedLearns: an event learns whose ID another has.
func TestRenamedLearns(t *testing.T) {
	db := kvtest.Open(t)
	first, second := counted(1, "192.0.2.1", noon), counted(1, "192.0.2.2", noon)
	second.SessionID = ""
	imports(t, db, []ttpcron.Event{first, second}, ttpcron.ImportReport{New: 2, Changed: 1})
	more := storedIn(t, db)[1]
	more.SessionID = "s2"
	imports(t, db, []ttpcron.Event{more}, ttpcron.ImportReport{Known: 1, Learned: 1})
	unchanged(t, db.Path(), func() { imports(t, db, []ttpcron.Event{first, second, more}, ttpcron.ImportReport{Known: 3}) })
	closed(t, db)
}

func TestWithoutEvents(t *testing.T) {
	part := func(rules string, after, upTo uint64) ttpcron.Coverage {
		return ttpcron.Coverage{Kind: "k", Day: 1, RuleSet: rules, After: after, UpTo: upTo, Uncounted: true}
	}
	whole := part("r", 0, 9)
	whole.Events, whole.Uncounted = 9, false
	var many []uint64
	for i := range uint64(40) {
		many = append(many, 10+3*i)
	}
	for name, c := range map[string]struct {
		list []ttpcron.Coverage
		seqs []uint64
		want []ttpcron.Coverage
	}{
		"none":           {[]ttpcron.Coverage{whole}, []uint64{10}, []ttpcron.Coverage{whole}},
		"first":          {[]ttpcron.Coverage{whole}, []uint64{1}, []ttpcron.Coverage{part("", 0, 1), part("r", 1, 9)}},
		"last":           {[]ttpcron.Coverage{whole}, []uint64{9}, []ttpcron.Coverage{part("r", 0, 8), part("", 8, 9)}},
		"neighbours":     {[]ttpcron.Coverage{whole}, []uint64{3, 4, 5}, []ttpcron.Coverage{part("r", 0, 2), part("", 2, 5), part("r", 5, 9)}},
		"over two":       {[]ttpcron.Coverage{part("a", 0, 4), part("b", 4, 9)}, []uint64{4, 5}, []ttpcron.Coverage{part("a", 0, 3), part("", 3, 4), part("", 4, 5), part("b", 5, 9)}},
		"already":        {[]ttpcron.Coverage{part("", 0, 9)}, []uint64{4}, []ttpcron.Coverage{part("", 0, 9)}},
		"overlapping":    {[]ttpcron.Coverage{part("a", 0, 9), part("b", 3, 9)}, []uint64{6}, []ttpcron.Coverage{part("a", 0, 5), part("", 5, 6), part("a", 6, 9), part("b", 3, 5), part("", 5, 6), part("b", 6, 9)}},
		"many":           {[]ttpcron.Coverage{part("r", 0, 200)}, many, []ttpcron.Coverage{part("r", 0, 9), part("", 9, 127), part("r", 127, 200)}},
		"gap in between": {[]ttpcron.Coverage{part("r", 0, 2), part("r", 8, 9)}, []uint64{2, 3, 8, 9}, []ttpcron.Coverage{part("r", 0, 1), part("", 1, 2), part("", 8, 9)}},
	} {
		if got := kv.WithoutEvents(c.list, c.seqs); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// TestMemoryOfFillingIn imports small copies of one event in each of many blocks: memory
// does not grow with the blocks.
func TestMemoryOfFillingIn(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a hundred MiB")
	}
	const n, size, most = 1000, 128 << 10, 160 << 20
	db := kvtest.Open(t)
	rnd := rand.NewChaCha8([32]byte{})
	var copies []ttpcron.Event
	for from := 0; from < n; from += 50 {
		var events []ttpcron.Event
		for i := from; i < from+50; i++ {
			e := ttpcron.Event{
				Kind: ttpcron.Command, ID: fmt.Sprint("id ", i), AttackerIP: "192.0.2.1",
				Time:    ttpcron.Day(20000).Start().Add(time.Duration(i) * time.Second),
				Payload: ttpcron.TextPayload("command_text", "id"),
			}
			says := e
			says.Payload = slices.Clone(e.Payload)
			says.Payload.Set("pwd", "/root")
			copies = append(copies, says)
			noise := make([]byte, size*3/4)
			rnd.Read(noise)
			e.Payload.Set("noise", base64.StdEncoding.EncodeToString(noise))
			events = append(events, e)
		}
		imports(t, db, events, ttpcron.ImportReport{New: 50})
	}
	if high := peakHeap(func() { imports(t, db, copies, ttpcron.ImportReport{Known: n, Learned: n}) }); high > most {
		t.Errorf("filling in %d MiB of events took %d MiB", n*size>>20, high>>20)
	}
	unchanged(t, db.Path(), func() { imports(t, db, copies, ttpcron.ImportReport{Known: n}) })
	for _, e := range storedIn(t, db) {
		if pwd, _ := e.Payload.Text("pwd"); pwd != "/root" {
			t.Fatalf("event %d has not learned", e.Seq)
		}
	}
}

// peakHeap returns about the most memory that is in use while something is done.
func peakHeap(do func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	done, peak := make(chan bool), make(chan uint64)
	go func() {
		var m runtime.MemStats
		high := uint64(0)
		for {
			runtime.ReadMemStats(&m)
			high = max(high, m.HeapAlloc)
			select {
			case <-done:
				peak <- high
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	do()
	close(done)
	return <-peak
}

// TestMemoryOfPurging purges an attacker from days of large events: memory does not grow
// with the days.
func TestMemoryOfPurging(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a hundred MiB")
	}
	const days, perDay, size, most = 25, 50, 128 << 10, 130 << 20
	db := kvtest.Open(t)
	rnd := rand.NewChaCha8([32]byte{})
	for day := range ttpcron.Day(days) {
		var events []ttpcron.Event
		for i := range perDay {
			noise := make([]byte, size*3/4)
			rnd.Read(noise)
			events = append(events, ttpcron.Event{
				Kind: ttpcron.Command, AttackerIP: fmt.Sprint("192.0.2.", i%2+1), Time: (20000 + day).Start().Add(time.Duration(i) * time.Second),
				Payload: ttpcron.TextPayload("command_text", base64.StdEncoding.EncodeToString(noise)),
			})
		}
		imports(t, db, events, ttpcron.ImportReport{New: perDay})
	}
	high := peakHeap(func() {
		if _, err := db.Purge(t.Context(), kv.Purge{Attacker: "192.0.2.1"}); err != nil {
			t.Fatal(err)
		}
	})
	if high > most {
		t.Errorf("purging took %d MiB", high>>20)
	} else {
		t.Logf("%d MiB", high>>20)
	}
	if left := len(storedIn(t, db)); left != days*perDay/2 {
		t.Errorf("%d events are left", left)
	}
}
