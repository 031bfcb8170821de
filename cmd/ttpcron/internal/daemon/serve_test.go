package daemon

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/kv"
)

// A caller cannot forge its identity or the time: the audit trail has the kernel's
// information, and the daemon's clock.
func TestCallerCannotForgeWhoItIs(t *testing.T) {
	s := newServed(t, nodetest.Rarely)
	ctx, longAgo := t.Context(), time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	const forged = "mallory (uid 1, process 1)"
	db := s.store()
	_, pruned := db.File.Prune(ctx, kv.Prune{})
	calls := []error{
		db.Rules.SetState(ctx, ttpcron.RuleState{RuleID: "TEST1", Status: ttpcron.StatusDisabled, SetBy: forged, SetAt: longAgo}),
		db.Rules.ClearState(ctx, "TEST1", forged),
		db.Rules.Retire(ctx, ttpcron.Retirement{RuleID: "TEST2", Version: ttpcron.AllVersions, SetBy: forged, SetAt: longAgo}),
		db.Ledger.SetCursor(ctx, ttpcron.Cursor{Kind: ttpcron.Command, UpdatedAt: longAgo, RunID: "20260101T000000.000000Z-00000000"}),
		pruned,
	}
	for i, err := range calls {
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if _, err := db.Rules.Unretire(ctx, "TEST2", ttpcron.AllVersions, forged, ""); err != nil {
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
	if err != nil || len(cursors) != 1 || cursors[0].RunID != store.Manual || !cursors[0].UpdatedAt.Equal(s.clock) {
		t.Errorf("cursors %+v, %v", cursors, err)
	}
	if n := strings.Count(s.stderr.String(), me); n != 6 {
		t.Errorf("the log names the caller %d times, want 6:\n%s", n, s.stderr.String())
	}
}

// A commit may wait while a caller has the store copied or measured, which is
// progress too.
func TestBackupIsProgress(t *testing.T) {
	s := newServed(t, nodetest.Rarely)
	before := s.d.moved.Load()
	db := s.store()
	if err := db.File.Backup(t.Context(), s.n.Path("b.db"), false, nil); err != nil {
		t.Fatal(err)
	}
	copied := s.d.moved.Load()
	if _, err := db.File.MeasureSpace(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if copied == before || s.d.moved.Load() == copied {
		t.Errorf("no progress is counted: %d, %d, %d", before, copied, s.d.moved.Load())
	}
}
