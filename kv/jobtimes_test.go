package kv_test

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

func TestJobTimes(t *testing.T) {
	path, ctx := filepath.Join(t.TempDir(), "t.db"), t.Context()
	db := kvtest.OpenAt(t, path)
	if got, err := db.JobTimes(ctx); err != nil || len(got) != 0 {
		t.Fatalf("a new store: %v, %v", got, err)
	}
	want := map[string]time.Time{"import": noon, "maintenance": noon.Add(time.Second), "never": {}, strings.Repeat("x", 100): noon}
	for _, times := range []map[string]time.Time{{"gone": noon}, want} {
		if err := db.SetJobTimes(ctx, times); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := db.JobTimes(ctx); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	report, err := doctor.Check(ctx, path, doctor.Options{})
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("check: %v, %+v", err, report)
	}
}
