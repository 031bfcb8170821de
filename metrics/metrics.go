// Package metrics counts what a daemon does and writes it in the text format of
// Prometheus. Start with [New]; [Metrics.Write] adds to the counters what a
// [State] says of the moment.
//
// Names and labels are an interface: what dashboards and alerts are built on is
// not renamed. Labels come from the program, its configuration and its rules,
// never from what attackers wrote, so that nobody can make their number grow.
package metrics

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/ttpcron/ttpcron"
)

// Metrics are the counters of a process. Its methods may be called from several
// goroutines at once.
type Metrics struct {
	registry *prometheus.Registry

	imported   *prometheus.CounterVec
	judged     *prometheus.CounterVec
	made       *prometheus.CounterVec
	inserted   *prometheus.CounterVec
	bounded    prometheus.Counter
	ruleErrors prometheus.Counter
	cache      *prometheus.CounterVec
	batch      prometheus.Histogram
	run        prometheus.Histogram

	mu      sync.Mutex
	sources map[string]bool
}

// maxSources bounds the values of the label source: a kind of event is what an
// input says it is.
const maxSources = 16

// New returns counters at zero.
func New() *Metrics {
	m := &Metrics{
		sources:  map[string]bool{},
		registry: prometheus.NewRegistry(),
		imported: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ttpcron_import_records_total", Help: "Lines and rows of inputs, by what became of them: new, known, changed, ignored, before_horizon, rejected, and rejected_known for those that were rejected before.",
		}, []string{"result"}),
		judged: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ttpcron_events_judged_total", Help: "Events that runs looked at, by source.",
		}, []string{"source"}),
		made: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ttpcron_tags_made_total", Help: "Tags that runs made, new to the store or not, by source.",
		}, []string{"source"}),
		inserted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ttpcron_tags_inserted_total", Help: "Tags that were new to the store, by source.",
		}, []string{"source"}),
		bounded: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttpcron_events_bounded_total", Help: "Events on which a rule met a limit of work or size.",
		}),
		ruleErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttpcron_rule_errors_total", Help: "Times that a rule failed on an event, whose tags are lost.",
		}),
		cache: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ttpcron_memo_lookups_total", Help: "Looks at remembered verdicts, by result: hit, miss.",
		}, []string{"result"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ttpcron_batch_duration_seconds", Help: "How long it took to commit a batch of tags.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}),
		run: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ttpcron_run_duration_seconds", Help: "How long runs took, imports included.",
			Buckets: []float64{.1, .5, 1, 5, 15, 60, 300, 900, 3600, 14400},
		}),
	}
	m.registry.MustRegister(m.imported, m.judged, m.made, m.inserted, m.bounded, m.ruleErrors, m.cache, m.batch, m.run)
	// What never happened is 0 rather than missing: rates need a start.
	for _, result := range []string{"new", "known", "changed", "ignored", "rejected", "rejected_known"} {
		m.imported.WithLabelValues(result)
	}
	for _, source := range []string{"command", "canary"} {
		m.source(source)
		m.judged.WithLabelValues(source)
		m.made.WithLabelValues(source)
		m.inserted.WithLabelValues(source)
	}
	m.cache.WithLabelValues("hit")
	m.cache.WithLabelValues("miss")
	return m
}

// Run counts what a run did.
func (m *Metrics) Run(r *ttpcron.Run) {
	m.Import(r.Imported)
	for i := range r.Sources {
		s := &r.Sources[i]
		source := m.source(s.Source)
		m.judged.WithLabelValues(source).Add(float64(s.Events + s.Retagged))
		m.made.WithLabelValues(source).Add(float64(s.Tags + s.RetagTags))
		m.inserted.WithLabelValues(source).Add(float64(s.Inserted + s.RetagInserted))
		m.bounded.Add(float64(s.Bounded))
	}
	if !r.Finished.IsZero() {
		m.run.Observe(max(0, r.Finished.Sub(r.Started).Seconds()))
	}
}

// source is the label of a source, "other" when there are too many.
func (m *Metrics) source(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.sources[name] {
		if len(m.sources) == maxSources {
			return "other"
		}
		m.sources[name] = true
	}
	return strings.ToValidUTF8(name, "?")
}

// Import counts what became of lines outside of a run.
func (m *Metrics) Import(r ttpcron.ImportReport) {
	for result, n := range map[string]int{"new": r.New, "known": r.Known, "changed": r.Changed, "ignored": r.Ignored, "before_horizon": r.BeforeHorizon, "rejected": r.Rejected - r.RejectedKnown, "rejected_known": r.RejectedKnown} {
		m.imported.WithLabelValues(result).Add(float64(max(0, n)))
	}
}

// Batch counts a commit of tags.
func (m *Metrics) Batch(took time.Duration) { m.batch.Observe(max(0, took.Seconds())) }

// Memo counts looks at remembered verdicts.
func (m *Metrics) Memo(hits, misses int) {
	m.cache.WithLabelValues("hit").Add(float64(hits))
	m.cache.WithLabelValues("miss").Add(float64(misses))
}

// RuleError counts a rule that failed on an event.
func (m *Metrics) RuleError() { m.ruleErrors.Inc() }

// Write writes all counters and the state.
func (m *Metrics) Write(w io.Writer, s *State) error {
	now := prometheus.NewRegistry()
	now.MustRegister((*stateCollector)(s))
	families, err := prometheus.Gatherers{m.registry, now}.Gather()
	if err != nil {
		return fmt.Errorf("gather metrics: %w", err)
	}
	enc := expfmt.NewEncoder(w, Format)
	for _, f := range families {
		if err := enc.Encode(f); err != nil {
			return fmt.Errorf("write metrics: %w", err)
		}
	}
	return nil
}

// Format is the format that Write writes, as a content type.
const Format expfmt.Format = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
