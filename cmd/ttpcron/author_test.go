package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/kv"
)

// A caller cannot say who it is, nor when it is: the audit trail has what the
// kernel says of it, and the daemon's clock.
func TestCallerCannotForgeWhoItIs(t *testing.T) {
	s := newServed(t, rarely)
	ctx, longAgo := t.Context(), time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	const forged = "mallory (uid 1, process 1)"
	calls := []error{
		call(s, "set-rule-state", ttpcron.RuleState{RuleID: "TEST1", Status: ttpcron.StatusDisabled, SetBy: forged, SetAt: longAgo}),
		call(s, "clear-rule-state", clearing{"TEST1", forged}),
		call(s, "retire", ttpcron.Retirement{RuleID: "TEST2", Version: ttpcron.AllVersions, SetBy: forged, SetAt: longAgo}),
		call(s, "set-cursor", exclusive[ttpcron.Cursor]{patience, ttpcron.Cursor{Kind: ttpcron.Command, UpdatedAt: longAgo, RunID: "20260101T000000.000000Z-00000000"}}),
		call(s, "prune", exclusive[kv.Prune]{patience, kv.Prune{}}),
	}
	for i, err := range calls {
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if _, err := control.Call[unretiring, bool](ctx, s.client, "unretire", unretiring{"TEST2", ttpcron.AllVersions, forged, ""}); err != nil {
		t.Error(err)
	}
	me := fmt.Sprintf("(uid %d, process %d)", os.Getuid(), os.Getpid())
	entries, err := s.d.db.Audit(ctx, 0)
	if err != nil || len(entries) != 4 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.By, me) || e.At.Year() < 2026 {
			t.Errorf("%s by %q at %s", e.Action, e.By, e.At)
		}
	}
	cursors, err := s.d.db.Cursors(ctx)
	if err != nil || len(cursors) != 1 || cursors[0].RunID != manual || !cursors[0].UpdatedAt.Equal(s.clock) {
		t.Errorf("cursors %+v, %v", cursors, err)
	}
	if n := strings.Count(s.n.stderr.String(), me); n != 6 {
		t.Errorf("the log names the caller %d times, want 6:\n%s", n, s.n.stderr.String())
	}
}

// call makes a call whose answer says nothing.
func call[Req any](s *served, name string, q Req) error {
	_, err := control.Call[Req, none](s.t.Context(), s.client, name, q)
	if err != nil && strings.Contains(err.Error(), "gob") { // an answer that says something
		return nil
	}
	return err
}

func TestAuthor(t *testing.T) {
	for sudo, want := range map[string]string{
		"": "(uid 4294967, process 7)", "ann": "(uid 4294967, process 7, sudo by ann)", "a.b-c@x": "(uid 4294967, process 7, sudo by a.b-c@x)",
		"ann) (uid 0": "(uid 4294967, process 7)", "\x1b[31m": "(uid 4294967, process 7)", strings.Repeat("a", 65): "(uid 4294967, process 7)",
	} {
		if got := authorOf(4294967, 7, sudo); got != "somebody "+want {
			t.Errorf("%q: %q, want %q", sudo, got, want)
		}
	}
}
