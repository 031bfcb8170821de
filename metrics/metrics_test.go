package metrics_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/metrics"
)

func state() *metrics.State {
	at := time.Unix(1_700_000_000, 500e6)
	return &metrics.State{
		Version: "v1", Healthy: true, Began: at, LastSuccess: at, DiskFree: 7, StoreBytes: 8, StoreFree: 9, Rejects: 10, RulesInForce: 11, RulesRefused: 12, BaseMatches: 13, MatchesWaiting: 14,
		Sources:    []metrics.Source{{Name: "command", Events: 1, Tags: 2, Waiting: 3, Moved: at, Latest: at}, {Name: "bad\xff"}},
		Techniques: []metrics.Technique{{ID: "T1059.004", Tags: 4}},
		Levels:     []metrics.Level{{Name: "high", Tags: 3, OfHosts: 1}, {Name: "low"}},
		Jobs:       []metrics.Job{{Name: "import", Running: true, Started: at, Next: at, Runs: 5, Failures: 1, Stopped: 2, Skipped: 3, Missed: 4}, {Name: "new"}},
	}
}

// written parses what Write gives, and returns the values by name and labels.
func written(t *testing.T, m *metrics.Metrics, s *metrics.State) map[string]float64 {
	t.Helper()
	var b bytes.Buffer
	if err := m.Write(&b, s); err != nil {
		t.Fatal(err)
	}
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(&b)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for name, f := range families {
		if f.GetHelp() == "" {
			t.Errorf("%s has no help", name)
		}
		for _, metric := range f.Metric {
			key := name
			for _, l := range metric.Label {
				key += fmt.Sprintf("{%s=%s}", l.GetName(), l.GetValue())
			}
			switch {
			case metric.Counter != nil:
				got[key] = metric.Counter.GetValue()
			case metric.Gauge != nil:
				got[key] = metric.Gauge.GetValue()
			case metric.Histogram != nil:
				got[key] = float64(metric.Histogram.GetSampleCount())
			}
		}
	}
	return got
}

func TestWrite(t *testing.T) {
	m := metrics.New("host", "token")
	if _, ok := written(t, m, state())["ttpcron_import_records_total{result=before_horizon}"]; !ok {
		t.Error("what never happened is missing rather than 0")
	}
	m.Run(&ttpcron.Run{
		Started: time.Unix(1, 0), Finished: time.Unix(3, 0), Imported: ttpcron.ImportReport{New: 3, Rejected: 2},
		Sources:     []ttpcron.SourceReport{{Source: "command", Events: 5, Tags: 4, Inserted: 3, Retagged: 2, RetagTags: 2, RetagInserted: 1, Bounded: 1}},
		Correlation: ttpcron.CorrelationReport{Rules: 1, Groups: 20, Bounded: 2, Tags: 9, Inserted: 8},
	})
	m.Run(&ttpcron.Run{Started: time.Unix(9, 0), Finished: time.Unix(3, 0)}) // the clock was set back
	m.Batch(time.Second)
	m.Memo(7, 2)
	m.RuleError()
	m.ReportRefused("host")
	got := written(t, m, state())
	for key, want := range map[string]float64{
		"ttpcron_import_records_total{result=new}":             3,
		"ttpcron_import_records_total{result=rejected}":        2,
		"ttpcron_import_records_total{result=known}":           0,
		"ttpcron_events_judged_total{source=command}":          7,
		"ttpcron_tags_made_total{source=command}":              6,
		"ttpcron_tags_inserted_total{source=command}":          4,
		"ttpcron_tags_inserted_total{source=canary}":           0,
		"ttpcron_events_bounded_total":                         1,
		"ttpcron_tags_made_total{source=correlation}":          9,
		"ttpcron_tags_inserted_total{source=correlation}":      8,
		"ttpcron_groups_judged_total":                          20,
		"ttpcron_groups_bounded_total":                         2,
		"ttpcron_store_base_matches":                           13,
		"ttpcron_lag_base_matches":                             14,
		"ttpcron_rule_errors_total":                            1,
		"ttpcron_report_refused_total{reason=host}":            1,
		"ttpcron_report_refused_total{reason=token}":           0,
		"ttpcron_memo_lookups_total{result=hit}":               7,
		"ttpcron_batch_duration_seconds":                       1,
		"ttpcron_run_duration_seconds":                         2,
		"ttpcron_build_info{version=v1}":                       1,
		"ttpcron_healthy":                                      1,
		"ttpcron_last_success_timestamp_seconds":               1_700_000_000.5,
		"ttpcron_lag_events{source=command}":                   3,
		"ttpcron_store_events{source=bad?}":                    0,
		"ttpcron_store_tags_by_technique{technique=T1059.004}": 4,
		"ttpcron_store_tags_by_level{level=high}":              3,
		"ttpcron_store_host_tags_by_level{level=high}":         1,
		"ttpcron_store_tags_by_level{level=low}":               0,
		"ttpcron_disk_free_bytes":                              7,
		"ttpcron_job_overlap_skips_total{name=import}":         3,
		"ttpcron_job_missed_total{name=import}":                4,
		"ttpcron_job_running{name=new}":                        0,
	} {
		if v, ok := got[key]; !ok || v != want {
			t.Errorf("%s is %v (%t), want %v", key, v, ok, want)
		}
	}
	for _, absent := range []string{"ttpcron_job_started_timestamp_seconds{name=new}", "ttpcron_checkpoint_timestamp_seconds{source=bad?}"} {
		if _, ok := got[absent]; ok {
			t.Errorf("%s is there", absent)
		}
	}
}

// Whatever a label's value is, a reader gets it back, and nothing else with it. Two
// values that read alike once they are valid UTF-8 are one series.
func TestHostileLabels(t *testing.T) {
	for _, name := range []string{
		`"} 7`, "x\nttpcron_healthy 0\n", `\`, `\n`, `\"`, "\x00\x1b[2J", "a,b=\"c\"}", "# HELP x", "\u2028\u00e9", " ", "\r\n",
	} {
		m := metrics.New()
		m.Run(&ttpcron.Run{Sources: []ttpcron.SourceReport{{Source: name, Events: 3}}})
		s := state()
		s.Sources = []metrics.Source{{Name: name, Events: 5}}
		s.Jobs = []metrics.Job{{Name: name, Runs: 6}}
		s.Techniques = []metrics.Technique{{ID: name, Tags: 7}}
		got, plain := written(t, m, s), written(t, metrics.New(), state())
		for key, want := range map[string]float64{
			"ttpcron_events_judged_total{source=" + name + "}":        3,
			"ttpcron_store_events{source=" + name + "}":               5,
			"ttpcron_job_runs_total{name=" + name + "}":               6,
			"ttpcron_store_tags_by_technique{technique=" + name + "}": 7,
			"ttpcron_healthy": 1,
		} {
			if v, ok := got[key]; !ok || v != want {
				t.Errorf("%q: %s is %v (%t), want %v", name, key, v, ok, want)
			}
		}
		for key := range got {
			if _, ok := plain[key]; !ok && !strings.Contains(key, "="+name+"}") {
				t.Errorf("%q adds %q", name, key)
			}
		}
	}
	m := metrics.New()
	s := state()
	for _, name := range []string{"\xff", "\xfe"} {
		m.Run(&ttpcron.Run{Sources: []ttpcron.SourceReport{{Source: name, Events: 3}}})
		s.Sources = append(s.Sources, metrics.Source{Name: name, Events: 5})
	}
	got := written(t, m, s)
	if n := got["ttpcron_events_judged_total{source=?}"]; n != 6 {
		t.Errorf("%v events", n)
	}
	var b bytes.Buffer
	if err := m.Write(&b, s); err != nil || strings.Count(b.String(), `ttpcron_store_events{source="?"}`) != 1 {
		t.Errorf("%v: a series comes twice:\n%s", err, b.String())
	}
}

// The buckets of a histogram count what is at most their bound, and so what is in
// the buckets before them.
func TestHistogram(t *testing.T) {
	m := metrics.New()
	for _, took := range []time.Duration{-time.Second, time.Millisecond, 1500 * time.Microsecond, 2500 * time.Microsecond, time.Second, time.Minute} {
		m.Batch(took)
	}
	var b bytes.Buffer
	if err := m.Write(&b, state()); err != nil {
		t.Fatal(err)
	}
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(&b)
	if err != nil {
		t.Fatal(err)
	}
	var got string
	h := families["ttpcron_batch_duration_seconds"].Metric[0].Histogram
	for _, bucket := range h.Bucket {
		got += fmt.Sprintf("%g:%d ", bucket.GetUpperBound(), bucket.GetCumulativeCount())
	}
	if want := "0.001:2 0.0025:4 0.005:4 0.01:4 0.025:4 0.05:4 0.1:4 0.25:4 0.5:4 1:5 2.5:5 10:5 +Inf:6 "; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if h.GetSampleCount() != 6 || h.GetSampleSum() != 61.005 {
		t.Errorf("%d, %v", h.GetSampleCount(), h.GetSampleSum())
	}
}

// An input that says of each line that it is another kind of event makes no more
// time series than a few.
func TestSourcesAreBounded(t *testing.T) {
	m := metrics.New()
	s := state()
	for i := range 1000 {
		name := fmt.Sprint("kind", i)
		m.Run(&ttpcron.Run{Sources: []ttpcron.SourceReport{{Source: name, Events: 1}}})
		s.Sources = append(s.Sources, metrics.Source{Name: name})
	}
	got := written(t, m, s)
	if len(got) > 400 {
		t.Errorf("%d time series", len(got))
	}
	if n := got["ttpcron_events_judged_total{source=other}"]; n < 900 {
		t.Errorf("%v events of other sources", n)
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ttpcron.prom")
	m := metrics.New()
	for range 2 { // the second replaces the first
		if err := m.WriteFile(path, state()); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "ttpcron_healthy 1\n") {
		t.Errorf("%v: %s", err, text)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files are left", len(files))
	}
	if err := m.WriteFile(filepath.Join(dir, "no", "x.prom"), state()); err == nil {
		t.Error("a folder that is missing is no error")
	}
}

// TestWriteFileReplacesNoOther holds that a file which is none of metrics stays as
// it was, by whatever name it is known.
func TestWriteFileReplacesNoOther(t *testing.T) {
	m := metrics.New()
	for _, tt := range []struct {
		name string
		make func(file, path string) error
	}{
		{"a file", os.Rename}, {"a hard link", os.Link}, {"a symbolic link", os.Symlink},
		{"a folder", func(_, path string) error { return os.Mkdir(path, 0o700) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file, path := filepath.Join(dir, "store"), filepath.Join(dir, "x.prom")
			if err := errors.Join(os.WriteFile(file, []byte("# HELP is not here\x00"), 0o600), tt.make(file, path)); err != nil {
				t.Fatal(err)
			}
			before, _ := os.Lstat(path)
			err := m.WriteFile(path, state())
			var foreign *ttpcron.ForeignFileError
			if after, serr := os.Lstat(path); !errors.As(err, &foreign) || serr != nil || !os.SameFile(before, after) {
				t.Errorf("%v; it was replaced, or is gone: %v", err, serr)
			}
		})
	}
}

// TestWriteFileFollowsLinks holds that a link to a file of metrics stays one.
func TestWriteFileFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	m := metrics.New()
	file, link := filepath.Join(dir, "real.prom"), filepath.Join(dir, "link.prom")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(file, link), m.WriteFile(link, state()), m.WriteFile(link, state())); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if text, _ := os.ReadFile(file); err != nil || info.Mode().Type() != os.ModeSymlink || !strings.Contains(string(text), "ttpcron_healthy") {
		t.Errorf("%v, %v: %s", info.Mode(), err, text)
	}
}
