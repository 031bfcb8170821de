package report

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ttpcron/ttpcron"
)

// history is a store in memory.
type history struct {
	events []ttpcron.Event
	tags   []ttpcron.Tag
}

var start = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

func pick(r *rand.Rand, list ...string) string { return list[r.IntN(len(list))] }

// randomHistory is short of values, so that they meet.
func randomHistory(r *rand.Rand, n int) *history {
	h := &history{}
	for i := range n {
		e := randomEvent(r, i)
		h.events = append(h.events, e)
		for range r.IntN(3) {
			h.tags = append(h.tags, randomTag(r, &e))
		}
	}
	slices.SortStableFunc(h.tags, func(a, b ttpcron.Tag) int { return b.EventTime.Compare(a.EventTime) })
	return h
}

func randomEvent(r *rand.Rand, i int) ttpcron.Event {
	e := ttpcron.Event{Seq: uint64(i + 1), Kind: ttpcron.SourceKind(pick(r, "command", "auth_attempt", "payload", "session", "canary_fingerprint", "http_request", "service_request")), ID: fmt.Sprint(i),
		Time: start.Add(time.Duration(r.IntN(6*24*4)) * 15 * time.Minute), DeckyID: pick(r, "", "hp-1", "hp-\x00"), SessionID: pick(r, "", "s1", "s2", "s\x00\xff", "s4", "s5", "s6")}
	switch r.IntN(8) {
	case 0:
		e.IdentityUUID = ttpcron.SessionIdentity(e.DeckyID, e.SessionID)
	case 1:
		e.AttackerUUID = "5f1a6a80-0000-5000-8000-00000000000" + pick(r, "1", "2")
		e.AttackerIP = pick(r, "", "192.0.2.1", "192.0.2.2", "192.0.2.3")
	case 2:
		e.AttackerIP = pick(r, "2001:db8::1", "2001:DB8:0::1", "::ffff:203.0.113.1")
	default:
		e.AttackerIP = fmt.Sprintf("203.0.113.%d", r.IntN(20))
	}
	switch e.Kind {
	case ttpcron.AuthAttempt:
		if r.IntN(6) > 0 {
			e.Payload.Set("username", pick(r, "root", "a\x00b", "a", "<script>", strings.Repeat("user", 200)))
		}
		e.Payload.Set(pick(r, "password", "password", "key_fingerprint", "method"), pick(r, "", "x", "\x00", strings.Repeat("long", 200)))
		_ = e.Payload.SetRaw("success", []byte(pick(r, "true", "false")))
	case ttpcron.FileTransfer:
		e.Payload.Set("url", "http://203.0.113.9/"+pick(r, "a", "b", strings.Repeat("c", 300)))
		e.Payload.Set("direction", pick(r, "in", "out"))
		_ = e.Payload.SetRaw("size", []byte(pick(r, "7", "900", "-1", `"x"`)))
		if r.IntN(2) == 0 {
			e.Payload.Set("sha256", pick(r, "AB", "cd"))
		}
	case ttpcron.CanaryFingerprint:
		e.Payload.Set("token_uuid", pick(r, "t1", "t2"))
		e.Payload.Set(pick(r, "user_agent", "dns_qname"), pick(r, "curl", "\x1b]0;x\a", "\u202egpj.exe"))
		e.Payload.Set("password", "hunter2")
	}
	return e
}

func randomTag(r *rand.Rand, e *ttpcron.Event) ttpcron.Tag {
	who, _ := e.Attacker()
	t := ttpcron.Tag{SourceKind: e.Kind, SourceID: e.ID, AttackerUUID: who, AttackerIP: e.AttackerIP, IdentityUUID: e.IdentityUUID, SessionID: e.SessionID, DeckyID: e.DeckyID,
		Seq: e.Seq, EventTime: e.Time, CreatedAt: start, Claim: ttpcron.Claim{RuleID: pick(r, "R1", "R2", "R3"), Tactic: pick(r, "TA0001", "TA0007", "TA9"), TechniqueID: pick(r, "T1", "T2", "T3"), Level: ttpcron.Level(r.IntN(6))}}
	if t.TechniqueID == "T3" {
		t.SubTechniqueID = pick(r, "T3.001", "T3.002")
	}
	switch r.IntN(10) {
	case 0:
		t.Seq = 0 // its event is gone
		t.SourceID += "gone"
	case 1:
		t.Seq, t.SourceKind, t.CreatedAt = 0, ttpcron.Correlation, start.Add(time.Duration(r.IntN(100))*time.Hour)
		if r.IntN(2) == 0 {
			t.AttackerUUID, t.AttackerIP, t.IdentityUUID = "", "", ""
		}
		if r.IntN(3) == 0 { // it is about a group that names no attacker
			names := []string{"client_version"}
			s := ttpcron.NewSubject(groupOf(pick(r, "a", "b")), names)
			of := s.Tag(ttpcron.NewTerms("event_count", "gte 2", nil, names, time.Hour), ttpcron.Slot(t.EventTime, time.Hour))
			t.SourceID, t.AttackerUUID, t.AttackerIP, t.IdentityUUID = of.SourceID, of.AttackerUUID, of.AttackerIP, of.IdentityUUID
		}
	}
	return t
}

func groupOf(value string) ttpcron.Group {
	v := ttpcron.PackedValue{Text: value}
	return ttpcron.Group(v.Append([]byte{0}))
}

func randomOptions(r *rand.Rand, n int) (o Options) {
	maybe := func(do func()) {
		if r.IntN(5) == 0 {
			do()
		}
	}
	q := &o.Query
	maybe(func() {
		q.SelectAttacker(pick(r, "203.0.113.3", "5f1a6a80-0000-5000-8000-000000000001", "2001:db8::1"))
	})
	maybe(func() { q.Networks, _ = ttpcron.ParseNetworks("203.0.113.0/28") })
	maybe(func() { q.Session = "s1" })
	maybe(func() { q.Sensor = "hp-1" })
	maybe(func() { q.Window.Since = start.Add(time.Duration(r.IntN(80)) * time.Hour) })
	maybe(func() { q.Window.Until = start.Add(time.Duration(80+r.IntN(60)) * time.Hour) })
	maybe(func() { q.ArrivedAfter, q.FoundSince = uint64(r.IntN(n)), start.Add(20*time.Hour) })
	maybe(func() { q.Technique, o.Tagged = "T1", true })
	maybe(func() { q.MinLevels, o.Tagged = ttpcron.FromLevel(ttpcron.LevelHigh), true })
	maybe(func() { q.UpTo = uint64(1 + r.IntN(n)) })
	if r.IntN(2) == 0 {
		o.NewSince, o.NewAfter = start.Add(50*time.Hour), uint64(r.IntN(n))
	}
	o.WithPasswords = r.IntN(2) == 0
	o.Own, _ = ttpcron.ParseNetworks("203.0.113.7")
	o.Rows = 1000
	return o
}

// show passes a history to a gatherer as a store does: events in any order, and the tags
// that the query selects.
func (h *history) show(g *Gatherer) {
	var both sync.WaitGroup
	both.Go(func() {
		for i := range h.events {
			g.Event(&h.events[i])
		}
	})
	both.Go(func() {
		q := g.o.Query
		if !g.o.NewSince.IsZero() {
			q.Window, q.ArrivedAfter, q.FoundSince = ttpcron.Window{}, 0, time.Time{}
		}
		for i := range h.tags {
			if t := &h.tags[i]; q.Match(t) {
				g.Tag(t, &t.Claim)
			}
		}
	})
	both.Wait()
}
