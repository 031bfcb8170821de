package kv_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

const (
	purgedIP = "203.0.113.77"
	otherIP  = "203.0.113.7" // the beginning of the other
)

// secrets returns texts that no compression hides.
func secrets(n int) (all []string) {
	rnd := rand.New(rand.NewPCG(9, 9))
	for range n {
		b := make([]byte, 600)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		all = append(all, string(b))
	}
	return all
}

// purgeEvents returns events of an attacker with the given secrets, one for each day and
// kind, among those of another, with and without given ids.
func purgeEvents(secrets []string) (events []ttpcron.Event) {
	for i, secret := range secrets {
		for k := range 6 {
			e := ttpcron.Event{
				Kind: kinds[i%2], Time: noon.AddDate(0, 0, i/4).Add(time.Duration(k) * time.Minute), AttackerIP: otherIP, SessionID: "other",
				DeckyID: "d", Payload: ttpcron.TextPayload("command_text", fmt.Sprint("uname ", k)),
			}
			e.Payload.Set("user_agent", fmt.Sprint("curl ", k))
			if i%4 > 1 {
				e.ID = fmt.Sprint("id", k%5) // taken again and again
			}
			if k == 2 || k == 5 {
				e.AttackerIP, e.SessionID = purgedIP, "bad-session"
				e.Payload.Set("command_text", secret+fmt.Sprint(k))
				e.Payload.Set("user_agent", secret)
			}
			events = append(events, e)
		}
	}
	return events
}

// purgeStore makes a store of these events, with tags for all of them and rejects that
// name the attacker.
func purgeStore(t *testing.T, secrets []string) (path string, events []ttpcron.Event) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "t.db")
	db := kvtest.OpenAt(t, path)
	events = purgeEvents(secrets)
	im := ttpcron.Batch{Events: events, Rejects: []ttpcron.Reject{
		{File: "f", Line: 1, Reason: "odd", Excerpt: []byte(`{"src_ip":"` + purgedIP + `","x":1`)},
		{File: "f", Line: 2, Reason: "odd: " + purgedIP, Excerpt: []byte(`{`)},
		{File: "f", Line: 3, Reason: "odd", Excerpt: []byte(`{"src_ip":"` + otherIP + `","x":1`)},
		{File: "f", Line: 4, Reason: "odd", Excerpt: []byte(`{"src_ip":"1` + purgedIP + `","y":"` + purgedIP + `0"`)},
	}}
	if r, err := db.Import(t.Context(), im); err != nil || r.New != len(events) {
		t.Fatal(r, err)
	}
	var tags []ttpcron.Tag
	stored := eventsOf(t, db)
	for i := range stored {
		e := &stored[i]
		tag := tagOf(e, i%3)
		if e.AttackerIP == purgedIP {
			text, _ := e.Payload.Text("command_text")
			tag.Match = ttpcron.Match{Literal: "literally " + text[:60]}
		}
		tags = append(tags, tag)
	}
	day := ttpcron.DayOf(noon)
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags, Coverage: []ttpcron.Coverage{{Kind: kinds[0], Day: day, RuleSet: "r", UpTo: stored[len(stored)-1].Seq, Tags: 5}}}); err != nil {
		t.Fatal(err)
	}
	closed(t, db)
	checked(t, path)
	return path, events
}

func holdsTexts(t *testing.T, path string, texts []string) (n int) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if bytes.Contains(content, []byte(text)) {
			n++
		}
	}
	return n
}

func purgeOptions() doctor.Options {
	return doctor.Options{Options: kv.Options{NoSync: true, Now: func() time.Time { return noon }}}
}

// TestPurge removes an attacker, by each of the names: the file no longer has anything
// about them, and everything else is unchanged. The purged events do not come in again,
// whatever is done to the store; others do.
func TestPurge(t *testing.T) {
	hidden := secrets(12)
	for _, p := range []kv.Purge{
		{Attacker: purgedIP}, {Attacker: ttpcron.DeriveAttacker(purgedIP)}, {Session: "bad-session"}, {Attacker: "::ffff:" + purgedIP},
	} {
		path, events := purgeStore(t, hidden)
		find := []string{`"src_ip":"` + purgedIP + `"`, "literally " + hidden[0][:60]}
		for _, s := range hidden {
			find = append(find, s[:90])
		}
		if n := holdsTexts(t, path, find); n < 3 {
			t.Fatalf("%d of the texts are in the file before", n)
		}
		db := kvtest.OpenAt(t, path)
		var others []ttpcron.Event
		for _, e := range eventsOf(t, db) {
			if e.AttackerIP == otherIP {
				others = append(others, e)
			}
		}
		closed(t, db)
		rejects := 2
		if p.Session != "" {
			rejects, find = 0, find[1:]
		}
		for n, want := range []int{24, 24, 0} {
			p.By, p.DryRun = "me", n == 0
			r, c, err := doctor.Purge(t.Context(), path, p, purgeOptions())
			events := 0
			for _, k := range r.Kinds {
				events += k.Events
			}
			if err != nil || events != want || r.Tags != want || r.Rejects != min(rejects, want) || (c.After == 0) != p.DryRun {
				t.Fatalf("%+v: %+v, %+v, %v", p, r, c, err)
			}
			checked(t, path)
		}
		if n := holdsTexts(t, path, find); n > 0 {
			t.Errorf("%+v: %d texts are left", p, n)
		}
		again := func(what string, change func(db *kv.DB)) {
			t.Helper()
			db := kvtest.OpenAt(t, path)
			if change != nil {
				change(db)
			}
			imports(t, db, events, ttpcron.ImportReport{Known: len(events)})
			if got := eventsOf(t, db); !reflect.DeepEqual(got, others) {
				t.Errorf("%+v: %s: %d events that differ from the %d of others", p, what, len(got), len(others))
			}
			s, err := db.Stats(t.Context())
			if err != nil || s.Kinds[0].Tags+s.Kinds[1].Tags != len(others) || s.Rejects != 4-rejects {
				t.Errorf("%+v: %s: %+v, %v", p, what, s, err)
			}
			closed(t, db)
			checked(t, path)
		}
		again("purged", nil)
		again("without a horizon", func(db *kv.DB) {
			if _, err := db.ForgetHorizon(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
		})
		to := filepath.Join(t.TempDir(), "new.db")
		if r, err := doctor.Recover(t.Context(), path, to, purgeOptions()); err != nil || !r.Whole() {
			t.Fatalf("recover: %+v, %v", r, err)
		}
		path = to
		again("recovered", nil)
		if _, err := doctor.Compact(t.Context(), path, purgeOptions()); err != nil {
			t.Fatal(err)
		}
		again("compacted", nil)

		db = kvtest.OpenAt(t, path)
		entries, err := db.Audit(t.Context(), 0)
		if err != nil || len(entries) != 1 || entries[0].By != "me" || entries[0].Action != ttpcron.AuditPurge || !strings.Contains(entries[0].After, "events 24, tags 24") {
			t.Errorf("audit trail: %+v, %v", entries, err)
		}
		closed(t, db)
	}
}

// TestPurgedAndOthers imports, after a purge, events similar to the purged ones.
func TestPurgedAndOthers(t *testing.T) {
	db := kvtest.Open(t)
	first := command("1", purgedIP, "uname")
	first.Time = noon
	second := first
	second.AttackerIP, second.Time = otherIP, noon.Add(time.Hour) // of the same id
	third := first
	third.Time = noon.Add(2 * time.Hour)
	plain := first
	plain.ID = ""
	imports(t, db, []ttpcron.Event{first, second, third, plain}, ttpcron.ImportReport{New: 4, Changed: 2})
	if _, err := db.Purge(t.Context(), kv.Purge{Attacker: purgedIP}); err != nil {
		t.Fatal(err)
	}
	learned := first
	learned.SessionID, learned.DeckyID, learned.AttackerUUID = "s", "d", ttpcron.DeriveAttacker("other")
	imports(t, db, []ttpcron.Event{first, second, third, plain, learned}, ttpcron.ImportReport{Known: 5})
	// One that had learned before it was purged is known by copies that say less.
	whole, part := command("2", purgedIP, "id"), command("2", purgedIP, "id")
	part.SessionID, part.DeckyID = "s", "d"
	imports(t, db, []ttpcron.Event{whole}, ttpcron.ImportReport{New: 1})
	imports(t, db, []ttpcron.Event{part}, ttpcron.ImportReport{Known: 1, Learned: 1})
	if _, err := db.Purge(t.Context(), kv.Purge{Session: "s"}); err != nil {
		t.Fatal(err)
	}
	imports(t, db, []ttpcron.Event{whole, part}, ttpcron.ImportReport{Known: 2})
	if known, err := db.Known(t.Context(), []ttpcron.Event{first, third, plain, learned}); err != nil || fmt.Sprint(known) != "[true true true true]" {
		t.Errorf("known: %v, %v", known, err)
	}

	later := first
	later.Time = noon.AddDate(0, 0, 1) // of the attacker, and of the id
	same := later
	same.ID = ""
	more := plain
	more.SessionID = "s"
	imports(t, db, []ttpcron.Event{later, same, more}, ttpcron.ImportReport{New: 3})
	if ids := idsOf(t, db); len(ids) != 4 || !slices.Contains(ids, "1") { // the id is free
		t.Errorf("stored as %q", ids)
	}
	if _, err := db.Purge(t.Context(), kv.Purge{}); err == nil {
		t.Error("whom to purge need not be said")
	}
	closed(t, db)
}

// TestPurgeKilled copies the file at any write of a purge: it is intact, and another purge
// does the rest.
func TestPurgeKilled(t *testing.T) {
	hidden := secrets(8)
	source, events := purgeStore(t, hidden)
	content, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	p := kv.Purge{Attacker: purgedIP}
	left := -1
	for at := 0; ; at++ {
		path := write(t, content)
		db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		disk := kv.TakeDisk(t, db)
		n := 0
		var image []byte
		disk.Write = func(b []byte, off int64) (int, error) {
			if n++; n == at+1 {
				if image, err = os.ReadFile(path); err != nil {
					t.Error(err)
				}
				if !isHeader(off) {
					image = put(image, off, b[:len(b)/2])
				}
			}
			return disk.File.WriteAt(b, off)
		}
		if _, err := db.Purge(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if image == nil {
			break // there are fewer writes
		}
		path = write(t, image)
		r := checked(t, path)
		if left >= 0 && r.Events > left {
			t.Fatalf("write %d: %d events are left, fewer were before", at, r.Events)
		}
		left = r.Events
		if _, _, err := doctor.Purge(t.Context(), path, p, purgeOptions()); err != nil {
			t.Fatal(err)
		}
		if r := checked(t, path); r.Events != 4*len(hidden) || r.Tags != 4*len(hidden) {
			t.Fatalf("write %d: %d events and %d tags are left", at, r.Events, r.Tags)
		}
		if n := holdsTexts(t, path, append(hidden, `"src_ip":"`+purgedIP+`"`)); n > 0 {
			t.Fatalf("write %d: %d texts are left", at, n)
		}
		db = kvtest.OpenAt(t, path)
		imports(t, db, events, ttpcron.ImportReport{Known: len(events)})
		closed(t, db)
	}
	if left < 0 {
		t.Error("nothing was written")
	}
}

// TestPurgeInterrupted ends a purge between two transactions.
func TestPurgeInterrupted(t *testing.T) {
	path, _ := purgeStore(t, secrets(8))
	ctx, cancel := context.WithCancel(t.Context())
	o := purgeOptions()
	o.Progress = func(at kv.Progress) {
		if at.Done > 0 {
			cancel()
		}
	}
	if _, _, err := doctor.Purge(ctx, path, kv.Purge{Attacker: purgedIP}, o); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	r := checked(t, path)
	if r.Events <= 32 || r.Events >= 48 {
		t.Errorf("%d events are left of a purge that was interrupted", r.Events)
	}
	if _, _, err := doctor.Purge(t.Context(), path, kv.Purge{Attacker: purgedIP}, purgeOptions()); err != nil {
		t.Fatal(err)
	}
	if r := checked(t, path); r.Events != 32 || r.Tags != 32 {
		t.Errorf("%d events and %d tags are left", r.Events, r.Tags)
	}
}

// TestPurgeWholeTags removes tags whose events were pruned under an earlier schema.
func TestPurgeWholeTags(t *testing.T) {
	path := write(t, unpack(t, "v4.db.gz"))
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	whole := map[string]int{} // by attacker
	for tag, err := range db.Tags(t.Context(), ttpcron.TagQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if tag.Seq == 0 {
			whole[cmp.Or(tag.AttackerIP, tag.AttackerUUID, tag.IdentityUUID)]++
		}
	}
	for name := range whole {
		q := ttpcron.TagQuery{Attacker: name}
		before, matching := count(t, db, ttpcron.TagQuery{}), count(t, db, q)
		r, err := db.Purge(t.Context(), kv.Purge{Attacker: name})
		if err != nil || r.Tags < matching { // those of retired rules are not shown
			t.Fatalf("%s: %+v, %v, want %d tags", name, r, err, matching)
		}
		if left := count(t, db, ttpcron.TagQuery{}); left != before-matching || count(t, db, q) != 0 {
			t.Errorf("%s: %d tags are left of %d, %d of which match", name, left, before, matching)
		}
	}
	if len(whole) == 0 {
		t.Error("the store has no tags without events")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	checked(t, path)
}

func count(t *testing.T, db *kv.DB, q ttpcron.TagQuery) (n int) {
	t.Helper()
	for _, err := range db.Tags(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}
