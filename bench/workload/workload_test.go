package workload

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
)

func TestEventsAreOrderedAndStorable(t *testing.T) {
	for _, unique := range []bool{false, true} {
		o := Options{Commands: 20_000, Unique: unique, Days: 3}
		n, sessions := 0, map[string]string{}
		var last ttpcron.Event
		ids := map[string]bool{}
		for e := range Events(o) {
			n++
			if err := e.Validate(); err != nil {
				t.Fatalf("%+v: %v", e, err)
			}
			if e.Time.Before(last.Time) {
				t.Fatalf("event %d at %s comes after one at %s", n, e.Time, last.Time)
			}
			if ip, ok := sessions[e.SessionID]; ok && ip != e.AttackerIP {
				t.Fatalf("session %s has two attackers", e.SessionID)
			}
			sessions[e.SessionID] = e.AttackerIP
			ids[e.ContentID()] = true
			last = e
		}
		if n != o.Commands || len(ids) != n {
			t.Errorf("unique=%v: %d events with %d ids, want %d", unique, n, len(ids), o.Commands)
		}
		if days := int(ttpcron.DayOf(last.Time)) - 20454; days < 1 || days > 5 { // 20454 is 2026-01-01
			t.Errorf("unique=%v: the history ends on day %d, want about 3", unique, days)
		}
	}
}

func TestDuplication(t *testing.T) {
	distinct := func(unique bool) float64 {
		texts := map[string]bool{}
		const n = 100_000
		for e := range Events(Options{Commands: n, Unique: unique}) {
			text, _ := e.Payload.Text("command_text")
			texts[text] = true
		}
		return float64(len(texts)) / n
	}
	if got := distinct(false); got < 0.08 || got > 0.12 {
		t.Errorf("real: a share of %.3f is distinct, want about 0.1", got)
	}
	if got := distinct(true); got != 1 {
		t.Errorf("unique: a share of %.6f is distinct, want 1", got)
	}
}

// Figures of different versions can only be compared while the history stays.
func TestHistoryGolden(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Commands: 2000}, "4e0361bde33a0427"},
		{Options{Commands: 2000, Unique: true, Seed: 7}, "1d86dd189021b5fa"},
		{Options{Commands: 2000, Whole: true}, "0bbfbb504268f527"},
		{Options{Commands: 2000, Logins: 2000}, "ba62e2845bd25a83"},
		{Options{Logins: 2000, Addresses: 2000}, "2239ebe79d6c1f5c"},
	} {
		var b bytes.Buffer
		if err := WriteCowrie(&b, c.o); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b.Bytes())
		if got := hex.EncodeToString(sum[:8]); got != c.want {
			t.Errorf("%+v: the history's SHA-256 begins %s, want %s", c.o, got, c.want)
		}
	}
}

func TestWriteCowrieHoldsTheEvents(t *testing.T) {
	for _, o := range []Options{{Commands: 3000, Seed: 3}, {Commands: 3000, Seed: 3, Whole: true}, {Commands: 3000, Seed: 3, Logins: 3000}} {
		holdsTheEvents(t, o)
	}
}

func holdsTheEvents(t *testing.T, o Options) {
	var log, native bytes.Buffer
	if err := WriteCowrie(&log, o); err != nil {
		t.Fatal(err)
	}
	if err := WriteEvents(&native, o); err != nil {
		t.Fatal(err)
	}
	want := bufio.NewScanner(&native)
	want.Buffer(nil, 1<<20)
	commands, lines := 0, 0
	for line := range bytes.Lines(log.Bytes()) {
		lines++
		var got struct {
			EventID, Input, Session, Sensor, Timestamp string
			Username, Password                         string
			SrcIP                                      string `json:"src_ip"`
		}
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		login := o.Logins > 0 && strings.HasPrefix(got.EventID, "cowrie.login.")
		if got.EventID != "cowrie.command.input" && !login {
			continue
		}
		if !login {
			commands++
		}
		var e ttpcron.Event
		if !want.Scan() || json.Unmarshal(want.Bytes(), &e) != nil {
			t.Fatalf("no event for %s", line)
		}
		text, _ := e.Payload.Text("command_text")
		user, _ := e.Payload.Text("username")
		password, _ := e.Payload.Text("password")
		if text != got.Input || user != got.Username || password != got.Password || e.SessionID != got.Session || e.AttackerIP != got.SrcIP ||
			e.DeckyID != got.Sensor || e.Time.Format(logTime) != got.Timestamp {
			t.Fatalf("%s is not %+v", line, e)
		}
	}
	if commands != o.Commands || want.Scan() {
		t.Errorf("%d commands in the log, want %d", commands, o.Commands)
	}
	if lines < commands*3/2 {
		t.Errorf("%d lines for %d commands, want other activity too", lines, commands)
	}
}

func BenchmarkEvents(b *testing.B) {
	for _, unique := range []bool{false, true} {
		name := "real"
		if unique {
			name = "unique"
		}
		b.Run(name, func(b *testing.B) {
			n := 0
			b.ReportAllocs()
			for range Events(Options{Commands: b.N, Unique: unique}) {
				n++
			}
			if n != b.N {
				b.Fatalf("%d events", n)
			}
		})
	}
}

func TestLoginsAreHalf(t *testing.T) {
	o := Options{Commands: 100_000, Logins: 100_000}
	commands, logins, addresses, longest := 0, 0, map[string]int{}, 0
	var last ttpcron.Event
	for e := range Events(o) {
		if err := e.Validate(); err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		if e.Time.Before(last.Time) {
			t.Fatalf("%s at %s comes after %s", e.Kind, e.Time, last.Time)
		}
		last = e
		if e.Kind == ttpcron.Command {
			commands++
			continue
		}
		logins++
		addresses[e.AttackerIP]++
		longest = max(longest, addresses[e.AttackerIP])
	}
	if commands != o.Commands || logins < o.Logins*98/100 || logins > o.Logins*102/100 {
		t.Errorf("%d commands and %d logins, want %d and about as many", commands, logins, o.Commands)
	}
	if len(addresses) < 2000 || longest < 2000 {
		t.Errorf("%d addresses, the busiest of %d logins, want thousands of both", len(addresses), longest)
	}
	if days := int(ttpcron.DayOf(last.Time)) - 20454; days < 3 || days > 6 { // 20454 is 2026-01-01
		t.Errorf("the history ends on day %d, want about 4", days)
	}
}

func TestLoginsOfAddresses(t *testing.T) {
	for _, want := range []int{1, 7, 5000} {
		o := Options{Logins: 5000, Addresses: want, Days: 2}
		n, addresses, ids := 0, map[string]int{}, map[string]bool{}
		var last ttpcron.Event
		for e := range Events(o) {
			if err := e.Validate(); err != nil || e.Kind != ttpcron.AuthAttempt || e.Time.Before(last.Time) {
				t.Fatalf("%+v after %s: %v", e, last.Time, err)
			}
			n, last = n+1, e
			addresses[e.AttackerIP]++
			ids[e.ContentID()] = true
		}
		if n != o.Logins || len(ids) != n || len(addresses) != want {
			t.Errorf("%d logins with %d ids of %d addresses, want %d of %d", n, len(ids), len(addresses), o.Logins, want)
		}
		if day := int(ttpcron.DayOf(last.Time)) - 20454; day != 1 {
			t.Errorf("the last is on day %d, want 1", day)
		}
	}
}
