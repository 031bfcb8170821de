package main

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/eval"
	"github.com/ttpcron/ttpcron/internal/testlogs"
	"github.com/ttpcron/ttpcron/jsontext"
	"github.com/ttpcron/ttpcron/tagger"
)

// TestPackIsCalibrated measures the embedded pack on real commands, where there are
// any: confidence against the judgement of analysts, level against what harmless
// commands get.
func TestPackIsCalibrated(t *testing.T) {
	judgements, err := readJudgements("../../eval/testdata/judged.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for hash, of := range judgements {
		for id := range of {
			if a, ok := attack.Lookup(id); !ok || !a.Live() {
				t.Errorf("judged.tsv: %s of %x is not in use in %s", id, hash, attack.Release)
			}
		}
	}
	for _, h := range testlogs.All(t) {
		if h.Name == "real" {
			calibrated(t, measurePack(t, h, judgements))
		}
	}
}

// measurePack measures the embedded pack on the lists of a history, and on what was
// typed in its logs.
func measurePack(t *testing.T, h testlogs.History, judgements eval.Judgements) eval.Report {
	rs, _ := tagger.Load(ruleset.Options([]tagger.Folder{{Name: "embedded", FS: tagger.Embedded()}}, nil))
	m := eval.New(judge(ruleset.Set{RuleSet: rs, Log: hclog.NewNullLogger()}), eval.Options{
		MinConfidence: eval.DefaultMinConfidence, MinLevel: eval.DefaultMinLevel, Judgements: judgements, CountAs: nameIn(attack.Current()),
	})
	for _, path := range h.Lists(t) {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := m.Read(context.Background(), path, f); err != nil {
			t.Fatal(err)
		}
	}
	listed := map[string]bool{}
	for _, text := range h.Listed(t) {
		listed[text] = true
	}
	var typed bytes.Buffer
	for _, text := range h.Commands(t) {
		if !listed[text] {
			typed.Write(append(jsontext.AppendString([]byte(`{"command_text":`), text), `,"judged":{}}`+"\n"...))
		}
	}
	if err := m.Read(context.Background(), "typed", &typed); err != nil {
		t.Fatal(err)
	}
	return m.Report()
}

func calibrated(t *testing.T, r eval.Report) {
	least := func(what string, got, want float64) {
		t.Helper()
		if got < want {
			t.Errorf("%s is %.3f, want %.2f or more", what, got, want)
		}
	}
	judged := 0
	for i := range r.Bins {
		b := &r.Bins[i]
		judged += b.Judged
		if b.Wrong() {
			t.Errorf("confidence %.1f to %.1f: %.2f of %d judged tags are right, their mean confidence is %.2f", b.From, b.To, b.RightShare(), b.Judged, b.JudgedMean())
		}
	}
	least("the number of judged tags", float64(judged), 600)
	q := &r.Recall
	least("recall by technique at confidence >= 0.6", q.Share(q.AtConfidence.Technique), 0.88)
	least("recall by sub-technique at confidence >= 0.6", q.Share(q.AtConfidence.Sub), 0.86)
	least("recall by technique at level >= "+ttpcron.LevelMedium.String(), q.Share(q.AtLevel.Technique), 0.65)
	if n := r.Harmless.PerThousand(r.Harmless.AtLevel); n > 20 || r.Harmless.Commands < 9000 {
		t.Errorf("%.1f false positives in a thousand of %d harmless commands, want 20 at most", n, r.Harmless.Commands)
	}
	least("the number of judged tags on harmless commands", float64(r.Harmless.Calibration.Judged), eval.EnoughJudged)
	least("precision of tags at confidence >= 0.6 on harmless commands", r.Harmless.Calibration.RightShare(), 0.90)
}
