package report

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// tiny are limits that every history meets.
var tiny = limits{
	attackers: 4, eventSessions: 3, tagSessions: 3, logins: 3, pairs: 16, files: 2, sensors: 2, techniques: 4, rules: 3, claims: 6,
	rowWords: 1, texts: 2 * textBlock, joined: 2, days: 2, cells: 8, met: 2,
}

// Within any limits, totals are exact, sums add up, no count is too high, and a report
// says which are too low.
func TestBounds(t *testing.T) {
	for seed := range uint64(200) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			n := 1 + r.IntN(300)
			h, o := randomHistory(r, n), randomOptions(r, n)
			lim := standard
			for _, p := range []struct{ to, from *int }{
				{&lim.attackers, &tiny.attackers}, {&lim.eventSessions, &tiny.eventSessions}, {&lim.tagSessions, &tiny.tagSessions}, {&lim.logins, &tiny.logins},
				{&lim.pairs, &tiny.pairs}, {&lim.files, &tiny.files}, {&lim.sensors, &tiny.sensors}, {&lim.techniques, &tiny.techniques}, {&lim.rules, &tiny.rules},
				{&lim.claims, &tiny.claims}, {&lim.rowWords, &tiny.rowWords}, {&lim.texts, &tiny.texts}, {&lim.joined, &tiny.joined}, {&lim.days, &tiny.days},
				{&lim.cells, &tiny.cells}, {&lim.met, &tiny.met},
			} {
				if r.IntN(2) == 0 {
					*p.to = *p.from
				}
			}
			g := newLimited(o, lim)
			h.show(g)
			bounded := g.Report()
			whole := New(o)
			h.show(whole)
			c := &boundsChecker{T: t, got: bounded, want: whole.Report()}
			c.totals()
			c.lists()
			c.sums()
		})
	}
}

type boundsChecker struct {
	*testing.T
	got, want *Report
}

func (c *boundsChecker) same(what string, got, want any) {
	c.Helper()
	if got != want {
		c.Errorf("%s: %v, want %v", what, got, want)
	}
}

// most compares counts that may be lower if the report says so.
func (c *boundsChecker) most(what string, got, want int, said bool) {
	c.Helper()
	if got > want || got < want && !said {
		c.Errorf("%s: %d of %d, said: %v", what, got, want, said)
	}
}

func (c *boundsChecker) totals() {
	got, want := c.got.Total, c.want.Total
	c.most("attackers", got.Attackers, want.Attackers, got.AtLeast)
	c.most("tagged attackers", got.TaggedAttackers, want.TaggedAttackers, got.AtLeast)
	c.most("sessions", got.Sessions, want.Sessions, got.AtLeast)
	c.most("sensors", got.Sensors, want.Sensors, got.AtLeast)
	c.most("tagged", got.Tagged, want.Tagged, got.AtLeast)
	c.most("techniques", got.Techniques, want.Techniques, len(c.got.Notes) > 0)
	got.TaggedAttackers = want.TaggedAttackers
	got.Attackers, got.Sessions, got.Sensors, got.Tagged, got.Techniques, got.AtLeast = want.Attackers, want.Sessions, want.Sensors, want.Tagged, want.Techniques, false
	c.same("totals", got, want)
	c.same("first", c.got.First, c.want.First)
	c.same("last", c.got.Last, c.want.Last)
	c.most("canaries", c.got.Canaries.Total, c.want.Canaries.Total, false)
}

func (c *boundsChecker) lists() {
	got, want, said := c.got, c.want, len(c.got.Notes) > 0
	c.most("list of attackers", got.Attackers.Total, want.Attackers.Total, got.Attackers.AtLeast)
	c.most("list of sessions", got.Sessions.Total, want.Sessions.Total, got.Sessions.AtLeast)
	c.most("list of logins", got.Credentials.Total, want.Credentials.Total, got.Credentials.AtLeast)
	c.most("list of files", got.Files.Total, want.Files.Total, got.Files.AtLeast)
	c.most("new attackers", got.New.Attackers.Total, want.New.Attackers.Total, got.New.Attackers.AtLeast)
	c.most("new files", got.New.Files.Total, want.New.Files.Total, got.New.Files.AtLeast)
	c.most("new sensors", got.New.Sensors.Total, want.New.Sensors.Total, said)
	attackers := map[string]*Attacker{}
	for _, row := range want.Attackers.Rows {
		attackers[row.UUID] = row
	}
	for _, row := range got.Attackers.Rows {
		is := attackers[row.UUID]
		for i, n := range [][2]int{{row.Events, is.Events}, {row.Tags, is.Tags}, {row.Sessions, is.Sessions}, {row.Commands, is.Commands}, {row.Won, is.Won}, {row.Tactics, is.Tactics}, {len(row.Techniques), len(is.Techniques)}} {
			c.most(fmt.Sprint(row.UUID, " ", i), n[0], n[1], said)
		}
		if row.New && !is.New {
			c.Errorf("%s is said to be new", row.UUID)
		}
	}
	logins := map[string]*Credential{}
	for _, row := range want.Credentials.Rows {
		logins[credentialName(row)] = row
	}
	for _, row := range got.Credentials.Rows {
		is := logins[credentialName(row)]
		for i, n := range [][2]int{{row.Tries, is.Tries}, {row.Won, is.Won}, {row.Attackers, is.Attackers}, {row.Passwords, is.Passwords}} {
			c.most(fmt.Sprint(row.User, " ", i), n[0], n[1], said)
		}
	}
	for _, row := range got.Sensors {
		for _, is := range want.Sensors {
			if row.Name == is.Name {
				c.most(row.Name, row.Attackers, is.Attackers, said)
				c.most(row.Name, row.Sessions, is.Sessions, said)
				c.most(row.Name, row.Events, is.Events, said)
			}
		}
	}
	for _, row := range got.Techniques {
		for _, is := range want.Techniques {
			if row.Tactic == is.Tactic && row.ID == is.ID {
				c.most(row.ID, row.Tags, is.Tags, said)
				c.most(row.ID, row.Events, is.Events, said || got.Total.AtLeast)
				c.most(row.ID, row.Attackers, is.Attackers, said)
				c.most(row.ID, row.Sessions, is.Sessions, said)
			}
		}
	}
}

// sums adds up the counts that stand for all tags.
func (c *boundsChecker) sums() {
	cells, hours, days := c.got.Cube.Left, 0, c.got.DaysLeft
	attackers := map[int]int{}
	for _, k := range c.got.Cube.Cells {
		cells += k.Tags
		attackers[k.Attacker] += k.Tags
		if k.Day < 0 || k.Day >= len(c.got.Days) || k.Sensor < -1 || k.Sensor >= len(c.got.Sensors) || k.Technique < 0 || k.Technique >= len(c.got.Techniques) || k.Attacker >= len(c.got.Cube.Attackers) || k.Level < 1 || k.Level > 5 {
			c.Errorf("cell %+v", k)
		}
	}
	for _, h := range c.got.Cube.Hours {
		hours += h.Tags
	}
	for _, d := range c.got.Days {
		days.Events += d.Events
		for level, n := range d.Tags {
			days.Tags[level] += n
		}
	}
	tags := 0
	for _, n := range days.Tags {
		tags += n
	}
	c.same("tags in cells", cells, c.got.Total.Tags)
	c.same("tags in hours", hours, c.got.Total.Tags)
	c.same("tags of days", tags, c.got.Total.Tags)
	c.same("events of days", days.Events, c.got.Total.Events)
	told := map[string]int{}
	for _, row := range c.want.Attackers.Rows {
		told[row.UUID] = row.Tags
	}
	for _, row := range c.got.Attackers.Rows {
		if row.Seen.Attacker > 0 && c.got.Cube.Left == 0 {
			c.same("tags in cells of "+row.UUID, attackers[row.Seen.Attacker], told[row.UUID])
		}
	}
}

// hostile is what an attacker sends who wants a gatherer to run out of memory: everything is
// different, and long.
func hostile(g *Gatherer, n int) {
	r := rand.New(rand.NewPCG(1, 1))
	long := strings.Repeat("x", 300)
	text := func() string {
		if r.IntN(8) == 0 {
			return strconv.FormatUint(r.Uint64(), 36) + long
		}
		return strconv.FormatUint(r.Uint64(), 36)
	}
	for i := range n {
		at := start.Add(time.Duration(r.IntN(1<<22)) * time.Minute)
		e := ttpcron.Event{Seq: uint64(i + 1), Kind: []ttpcron.SourceKind{ttpcron.AuthAttempt, ttpcron.FileTransfer, ttpcron.CanaryFingerprint}[i%3], ID: fmt.Sprint(i), Time: at,
			AttackerIP: text(), SessionID: text(), DeckyID: text()}
		for _, name := range []string{"username", "password", "sha256", "url", "direction"} {
			e.Payload.Set(name, text())
		}
		g.Event(&e)
		t := ttpcron.Tag{SourceKind: e.Kind, SourceID: e.ID, AttackerUUID: text(), AttackerIP: e.AttackerIP, SessionID: e.SessionID, DeckyID: e.DeckyID, Seq: e.Seq, EventTime: at,
			Claim: ttpcron.Claim{RuleID: fmt.Sprint(r.IntN(5000)), Tactic: "TA0001", TechniqueID: fmt.Sprint("T", r.IntN(2000)), Level: ttpcron.LevelHigh}}
		if i%3 == 0 {
			t.EventTime = start // of one instant
		}
		g.Tag(&t, &t.Claim)
	}
}

// What a gatherer keeps has a bound.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	g := New(Options{WithPasswords: true})
	hostile(g, 400_000)
	runtime.GC()
	runtime.ReadMemStats(&after)
	kept := int(after.HeapAlloc) - int(before.HeapAlloc)
	t.Logf("%d MiB", kept>>20)
	if kept > 80<<20 {
		t.Errorf("%d MiB are kept", kept>>20)
	}
	r := g.Report()
	c := &boundsChecker{T: t, got: r, want: r}
	c.sums()
	for _, note := range r.Notes {
		t.Log(note)
	}
	if r.Total.Events != 400_000 || r.Total.Tags != 400_000 || !r.Total.AtLeast || len(r.Notes) < 6 {
		t.Errorf("%+v", r.Total)
	}
}

// BenchmarkGather counts the events and tags of a history with few different values.
func BenchmarkGather(b *testing.B) {
	h := randomHistory(rand.New(rand.NewPCG(1, 2)), 20_000)
	b.Run("events", func(b *testing.B) {
		b.ReportAllocs()
		g, n := New(Options{}), 0
		for b.Loop() {
			g.Event(&h.events[n%len(h.events)])
			n++
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("tags", func(b *testing.B) {
		b.ReportAllocs()
		g, n := New(Options{}), 0
		for b.Loop() {
			t := &h.tags[n%len(h.tags)]
			g.Tag(t, &t.Claim)
			n++
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "tags/s")
	})
}
