package daemon

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
)

const day = 24 * time.Hour

// seen lets the store see the clock so many days ago.
func (b *bench) seen(daysAgo ...int) {
	b.t.Helper()
	now := b.clock
	for _, n := range daysAgo {
		b.clock = now.AddDate(0, 0, -n)
		if _, err := b.d.db.SeeClock(b.t.Context()); err != nil {
			b.t.Fatal(err)
		}
	}
	b.clock = now
}

// heldADayAgo is what is held back, with a day added.
func (b *bench) heldADayAgo() kv.Held {
	h := b.clockSeen().Held
	h.Since = h.Since.Add(-day)
	return h
}

func (b *bench) clockSeen() kv.Clock {
	b.t.Helper()
	c, err := b.d.db.Clock(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// log appends events of the clock's present, a minute apart.
func (b *bench) log(name string, n int) {
	b.t.Helper()
	base := b.n.Base
	for i := range n {
		b.n.Base = b.clock.Add(-time.Duration(i) * time.Minute)
		b.n.Event(len(name)*1000000+i, 0)
	}
	b.n.Base = base
}

// count checks how many events the store has.
func (b *bench) count(want int, when string) {
	b.t.Helper()
	if got := events(b.stats()); got != want {
		b.t.Fatalf("%s: %d events, want %d\n%s", when, got, want, b.stderr.String())
	}
}

func (b *bench) healthz() string {
	w := httptest.NewRecorder()
	b.d.handlers()["GET /healthz"].ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
	return w.Body.String()
}

// newRetentionBench begins at noon, which keeps what happens within some hours on one day.
func newRetentionBench(t *testing.T, config string) *bench {
	b := newBench(t, nodetest.EverySecond+"[daemon]\n"+config+"\n")
	b.clock = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	b.n.Base = b.clock
	return b
}

// keep is a configuration that keeps events and tags for some time alike.
func keep(age string) string { return fmt.Sprintf("keep-events = %q\nkeep-tags = %[1]q\n", age) }

// The clock is ten years ahead for a while, one event is logged under it, and maintenance
// runs: nothing is lost, and when the clock is right again, new events come in. That goes
// for a new store and for one that is months old.
func TestClockYearsAhead(t *testing.T) {
	for _, tt := range []struct {
		name string
		seen []int
	}{{"young", nil}, {"old", []int{3, 2, 1, 0}}} {
		t.Run(tt.name, func(t *testing.T) {
			b := newRetentionBench(t, keep("90d"))
			b.seen(tt.seen...)
			b.log("a", 200)
			b.run("often")
			b.count(200, "at first")
			right := b.clock
			b.clock = right.AddDate(10, 0, 0)
			b.log("bb", 1)
			for range 10 { // several times within a day, over midnight
				b.run("often")
				b.run("maintenance")
				b.clock = b.clock.Add(2 * time.Hour)
			}
			b.count(201, "under the wrong clock")
			if text := b.d.health.text(); tt.seen != nil && !strings.Contains(text, "the clock says 2036-11-21, and until it was seen on 3 days of a week age counts from 2026-11-20") {
				t.Errorf("status: %s", text)
			}
			b.clock = right.Add(time.Hour)
			b.log("ccc", 20)
			b.run("often")
			b.run("maintenance")
			b.count(221, "under the right clock")
			s := b.stats().Kinds[0]
			if s.Future != 1 || s.FutureDays != 1 || !s.Newest.Equal(b.clock) {
				t.Errorf("%d events of %d days in the future, the newest %v", s.Future, s.FutureDays, s.Newest)
			}
			if c := b.clockSeen(); len(c.Days) > len(tt.seen)+1 {
				t.Errorf("days that were seen under the wrong clock stay: %v", c.Days)
			}
			if h := b.clockSeen().Held; h.Why != "" {
				t.Errorf("%+v is held back", h)
			}
		})
	}
}

// A clock begins in 1970 and jumps to the present once it is heard of.
func TestClockYearsBehind(t *testing.T) {
	b := newRetentionBench(t, keep("90d")+"max-size = \"1GiB\"")
	right := b.clock
	for i := range 5 { // five starts
		today := right.AddDate(0, 0, i)
		b.clock = time.Unix(int64(i)*60, 0).UTC()
		b.log(strings.Repeat("x", 2*i+1), 3)
		b.run("often")
		b.run("maintenance")
		b.clock = today
		b.log(strings.Repeat("x", 2*i+2), 100)
		b.run("often")
		b.run("maintenance")
		if got := b.clockSeen(); i >= 2 && got.Seen(b.clock) < 3 {
			t.Errorf("start %d: days seen: %v", i, got.Days)
		}
	}
	// What was logged in 1970 is old, and little; the rest stays.
	b.count(500, "after five starts")
	for _, h := range b.stats().Horizons {
		if h.Before > 1 {
			t.Errorf("the horizon is %v", h.Before)
		}
	}
}

// A machine that was off for months keeps everything for some days, then goes on.
func TestClockAfterMonths(t *testing.T) {
	b := newRetentionBench(t, keep("10d"))
	b.seen(2, 1, 0)
	for i := range 10 {
		b.n.Event(i, i)
	}
	b.run("often")
	b.run("maintenance")
	b.clock = b.clock.AddDate(0, 6, 0)
	b.log("a", 100)
	for i := range 3 {
		b.run("often")
		b.run("maintenance")
		if i < 2 {
			b.count(110, fmt.Sprintf("day %d", i))
		}
		b.clock = b.clock.Add(day)
	}
	b.count(100, "on the third day") // ten of 110 is no great share
}

// Removing more than a quarter at once needs a second look, a day later. Meanwhile it is
// reported, and a step back of the clock starts again.
func TestSecondLook(t *testing.T) {
	b := newRetentionBench(t, keep("10d"))
	b.seen(2, 1, 0)
	for i := range 20 {
		b.n.Event(i, i)
	}
	b.run("often")
	b.run("maintenance")
	b.count(20, "at the first look")
	const want = "kept although old: 9 of 20 events before 2026-11-10 and 9 of 20 tags before 2026-11-10: that is much at once, and waits for a second look from 2026-11-21 12:00:00 UTC on; " +
		"ttpcron db prune --keep-events 10d --keep-tags 10d --yes takes it out now"
	if got := b.healthz(); got != "ok\nTROUBLE: "+want+"\n" {
		t.Errorf("/healthz: %s", got)
	}
	if text := b.d.health.text(); !strings.Contains(text, want) {
		t.Errorf("status line: %s", text)
	}
	if n := strings.Count(b.stderr.String(), want); n != 1 {
		t.Errorf("said %d times", n)
	}
	b.clock = b.clock.Add(23 * time.Hour)
	b.run("maintenance")
	b.count(20, "after 23 hours")
	if n := strings.Count(b.stderr.String(), "kept although old"); n != 1 {
		t.Errorf("said %d times", n)
	}
	b.clock = b.clock.Add(-time.Hour)
	b.run("maintenance")
	b.clock = b.clock.Add(3 * time.Hour)
	b.run("maintenance")
	b.count(20, "after a step back, and 25 hours in all")
	b.clock = b.clock.Add(22 * time.Hour)
	b.run("maintenance")
	b.count(9, "a day after the step") // the line has moved on with the clock
	if got := b.healthz(); got != "ok\n" {
		t.Errorf("/healthz: %s", got)
	}
	for range 5 { // from now on it goes day by day, unasked
		b.clock = b.clock.Add(day)
		b.run("maintenance")
	}
	b.count(4, "five days later")
}

// Everything is never removed, however often retention runs.
func TestNeverAll(t *testing.T) {
	b := newRetentionBench(t, keep("10d"))
	b.n.Event(0, 0)
	b.run("often")
	for range 30 {
		b.run("maintenance")
		b.clock = b.clock.Add(day)
	}
	b.count(1, "after a month")
	if text := b.d.health.text(); !strings.Contains(text, "there are no later ones, and the clock says 2026-12-19") {
		t.Errorf("status line: %s", text)
	}
}

// A store that is young keeps all, and says so.
func TestYoungStore(t *testing.T) {
	b := newRetentionBench(t, keep("10d"))
	for i := range 100 {
		b.n.Event(i, 0)
	}
	b.n.Event(100, 30)
	b.run("often")
	b.run("maintenance")
	b.count(101, "on the first day")
	if text := b.stderr.String(); !strings.Contains(text, "1 of 101 events before 2026-11-10 and 1 of 101 tags before 2026-11-10: the clock was seen on 1 day so far, and age counts once it was on 3") {
		t.Errorf("log: %s", text)
	}
	if got := b.healthz(); got != "ok\n" {
		t.Errorf("/healthz: %s", got)
	}
	for range 2 {
		b.clock = b.clock.Add(day)
		b.run("maintenance")
	}
	b.count(100, "on the third day")
}

// max-size removes nothing that may be today's, under any clock.
func TestMaxSizeWithWrongClock(t *testing.T) {
	for _, tt := range []struct {
		name  string
		years int
		seen  []int
		want  string
	}{
		{"ahead", 10, []int{2, 1, 0}, "what is left is of 2026-11-19 or later"},
		{"ahead in a young store", 10, nil, "what is left is of 2026-11-20 or later"},
		{"behind", -50, []int{2, 1, 0}, "what is left is of 1970-01-01 or later, which stays; this machine's clock says 1976-11-20, and 400 events are dated later than tomorrow"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newRetentionBench(t, "")
			b.d.conf.MaxSize = 32 << 10 // less than a config may say, and 400 events fill it
			b.seen(tt.seen...)
			b.log("a", 400)
			b.run("often")
			b.clock = b.clock.AddDate(tt.years, 0, 0)
			err := b.d.maintain(t.Context(), b.d.conf, "maintenance")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("maintenance: %v", err)
			}
			b.count(400, "after maintenance")
		})
	}
}

// If a horizon is in the future after all, it is reported once, and forgetting it lets
// everything in again.
func TestHorizonAhead(t *testing.T) {
	b := newRetentionBench(t, "")
	right := b.clock
	b.log("a", 10)
	b.clock = right.AddDate(10, 0, 0)
	b.log("bb", 10)
	b.run("often")
	if _, err := b.d.db.Prune(t.Context(), kv.Prune{EventsBefore: ttpcron.DayOf(b.clock) + 1, TagsBefore: ttpcron.DayOf(b.clock) + 1}); err != nil {
		t.Fatal(err)
	}
	b.clock = right
	for i := range 3 {
		b.log(strings.Repeat("c", i+3), 1)
		b.run("often")
	}
	b.count(0, "before the horizon")
	const want = "1 event was passed over: days before 2036-11-21 were taken out of the store, and stay out"
	if n := strings.Count(b.stderr.String(), want); n != 1 || !strings.Contains(b.stderr.String(), "ttpcron db prune --forget-horizon") {
		t.Errorf("said %d times:\n%s", n, b.stderr.String())
	}
	if got := b.healthz(); !strings.Contains(got, "TROUBLE: command events are passed over until 2036-11-21: ttpcron db prune --forget-horizon") {
		t.Errorf("/healthz: %s", got)
	}
	runs, err := b.d.db.Runs(t.Context(), 0)
	if err != nil || len(runs) != 4 || runs[1].Imported.BeforeHorizon != 1 || runs[1].Imported.Ignored != 0 {
		t.Errorf("%+v, %v", runs, err)
	}
	gone, err := b.d.db.ForgetHorizon(t.Context(), jobs.KindOf("command"))
	if err != nil || len(gone) != 1 || gone[0].Before.String() != "2036-11-21" {
		t.Errorf("%v, %v", gone, err)
	}
	b.log("dddddddd", 1)
	b.run("often")
	b.count(1, "without a horizon")
	if got := b.healthz(); got != "ok\n" {
		t.Errorf("/healthz: %s", got)
	}
}

// On each of twenty days there are an event with a tag, which stays as long as the
// tag does, and two without.
func TestRetention(t *testing.T) {
	const daily = "[[job]]\nname = \"often\"\nschedule = \"@every 1s\"\nmax-runtime = \"1h\"\n[daemon]\n"
	for _, tt := range []struct {
		config       string
		events, tags int
	}{
		{"", 60, 20},
		{`keep-events = "10d"`, 42, 20}, // today and ten days
		{"keep_events = \"5d\"\nkeep_tags = \"15d\"", 28, 16},
		{"keep_events = \"10d\"\nkeep_tags = \"10d\"", 33, 11},
		{`keep-events = "0"`, 60, 20},
	} {
		b := newBench(t, daily+tt.config)
		b.seen(2, 1, 0)
		b.n.Event(0, 0)
		b.run("often")
		for i := range 20 {
			if i > 0 {
				b.n.Event(i, i)
			}
			b.n.Untagged(2*i, i)
			b.n.Untagged(2*i+1, i)
		}
		b.run("often")
		b.run("maintenance")
		if tt.events < 60 {
			if s := b.stats(); events(s) != 60 { // much at once: there is a second look
				t.Errorf("%q: %d events after one look", tt.config, events(s))
			}
			if err := b.d.db.SetHeld(t.Context(), b.heldADayAgo()); err != nil {
				t.Fatal(err)
			}
			b.run("maintenance")
		}
		for _, when := range []string{"", " after another run", " after maintenance once more"} {
			if s := b.stats(); events(s) != tt.events || tags(s) != tt.tags {
				t.Errorf("%q: %d events, %d tags%s, want %d and %d\n%s", tt.config, events(s), tags(s), when, tt.events, tt.tags, b.stderr.String())
			}
			b.run(map[bool]string{true: "often", false: "maintenance"}[when == ""]) // what was taken out does not come back
		}
	}
}

// Days on which every event has a tag stay however old they are, and so does the horizon:
// late events of these days come in.
func TestRetentionOfTagged(t *testing.T) {
	b := newRetentionBench(t, `keep-events = "10d"`)
	b.seen(2, 1, 0)
	b.n.Event(0, 0)
	b.run("often")
	for i := 1; i < 20; i++ {
		b.n.Event(i, i)
	}
	b.run("often")
	for range 4 {
		b.run("maintenance")
		b.clock = b.clock.Add(day)
	}
	b.count(20, "after four days")
	if s := b.stats(); len(s.Horizons) != 0 {
		t.Errorf("horizons: %v", s.Horizons)
	}
	b.n.Event(99, 15)
	b.run("often")
	b.count(21, "with a late one")
	if got := b.healthz(); got != "ok\n" {
		t.Errorf("/healthz: %s", got)
	}
}

// The oldest days make room, never today, and although each event is held by a tag.
func TestMaxSize(t *testing.T) {
	b := newBench(t, nodetest.EverySecond+"[daemon]\nkeep-events = \"30d\"\nmax-size = \"150KiB\"\n")
	b.n.Event(0, 0)
	b.run("often")
	var text strings.Builder
	for i := range 40 {
		for k := range 40 {
			at := b.clock.AddDate(0, 0, -i).Format(time.RFC3339)
			fmt.Fprintf(&text, `{"source_kind":"command","time":%q,"attacker_ip":"203.0.113.7","payload":{"command_text":"uname -a; echo %d-%d-%s"}}`+"\n", at, i, k, strings.Repeat(fmt.Sprint(i*k), 20))
		}
	}
	b.n.Write("events.jsonl", text.String())
	b.run("often")
	before := b.stats()
	b.run("maintenance")
	after := b.stats()
	used := after.FileBytes - after.FreeBytes
	if used > 150<<10 {
		t.Errorf("%d bytes are used", used)
	}
	if events(after) == 0 || events(after) >= events(before) || tags(after) != events(after) {
		t.Errorf("%d events and %d tags, of %d before", events(after), tags(after), events(before))
	}
	if latest := after.Kinds[0].Latest; ttpcron.DayOf(latest) != ttpcron.DayOf(b.clock) {
		t.Errorf("the latest event is of %v", latest)
	}
}
