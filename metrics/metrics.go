// Package metrics counts what a daemon does and writes it in the text format of Prometheus.
// Start with [New]; [Metrics.Write] writes the counters together with the current [State].
//
// Names and labels are an interface: dashboards and alerts rely on them, so they are not
// renamed. Labels come from the program, its configuration and its rules, never from what
// attackers wrote, so nobody can make their number grow.
package metrics

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Metrics are the counters of a process. Its methods may be called from several
// goroutines at once.
type Metrics struct {
	imported   *counter
	judged     *counter
	made       *counter
	inserted   *counter
	bounded    *counter
	groups     *counter
	cutGroups  *counter
	ruleErrors *counter
	cache      *counter
	refused    *counter
	reports    *counter
	batch      *histogram
	run        *histogram

	mu      sync.Mutex
	sources map[string]bool
}

// maxSources bounds the values of the label source: a kind of event is what an
// input says it is.
const maxSources = 16

// New returns counters at zero. Reasons are those for which requests for the live report
// are refused.
func New(reasons ...string) *Metrics {
	m := &Metrics{
		sources:    map[string]bool{},
		imported:   newCounter("import_records_total", "Lines and rows of inputs, by what became of them: new, known, changed, ignored, left_out, before_horizon, rejected, and rejected_known for those that were rejected before; of the known ones, learned and disputed.", "result"),
		judged:     newCounter("events_judged_total", "Events that runs looked at, by source.", "source"),
		made:       newCounter("tags_made_total", "Tags that runs made, new to the store or not, by source; those of correlations under correlation.", "source"),
		inserted:   newCounter("tags_inserted_total", "Tags that were new to the store, by source.", "source"),
		bounded:    newCounter("events_bounded_total", "Events on which a rule met a limit of work or size.", ""),
		groups:     newCounter("groups_judged_total", "Groups of base matches that correlations judged, each as often as one did.", ""),
		cutGroups:  newCounter("groups_bounded_total", "Groups of base matches in which a correlation met a limit, so that findings may be missing.", ""),
		ruleErrors: newCounter("rule_errors_total", "Times that a rule failed on an event, whose tags are lost.", ""),
		cache:      newCounter("memo_lookups_total", "Looks at remembered verdicts, by result: hit, miss.", "result"),
		refused:    newCounter("report_refused_total", "Requests for the live report that were refused, by reason.", "reason"),
		reports:    newCounter("report_pages_total", "Pages of the live report that were made, by result: made, failed.", "result"),
		batch:      newHistogram("batch_duration_seconds", "How long it took to commit a batch of tags.", .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10),
		run:        newHistogram("run_duration_seconds", "How long runs took, imports included.", .1, .5, 1, 5, 15, 60, 300, 900, 3600, 14400),
	}
	// Counters start at 0 rather than missing, because rates need a start.
	for _, result := range []string{"new", "known", "changed", "ignored", "left_out", "before_horizon", "rejected", "rejected_known", "learned", "disputed"} {
		m.imported.add(result, 0)
	}
	for _, source := range []string{"command", "canary", string(ttpcron.Correlation)} {
		m.source(source)
		m.made.add(source, 0)
		m.inserted.add(source, 0)
		if source != string(ttpcron.Correlation) {
			m.judged.add(source, 0)
		}
	}
	m.Memo(0, 0)
	for _, reason := range reasons {
		m.refused.add(reason, 0)
	}
	for _, result := range []string{"made", "failed"} {
		m.reports.add(result, 0)
	}
	m.bounded.add("", 0)
	m.groups.add("", 0)
	m.cutGroups.add("", 0)
	m.ruleErrors.add("", 0)
	return m
}

// Run counts what a run did.
func (m *Metrics) Run(r *ttpcron.Run) {
	m.Import(r.Imported)
	for i := range r.Sources {
		s := &r.Sources[i]
		source := m.source(s.Source)
		m.judged.add(source, s.Events+s.Retagged)
		m.made.add(source, s.Tags+s.RetagTags)
		m.inserted.add(source, s.Inserted+s.RetagInserted)
		m.bounded.add("", s.Bounded)
	}
	c := &r.Correlation
	m.made.add(m.source(string(ttpcron.Correlation)), c.Tags)
	m.inserted.add(string(ttpcron.Correlation), c.Inserted)
	m.groups.add("", c.Groups)
	m.cutGroups.add("", c.Bounded)
	if !r.Finished.IsZero() {
		m.run.observe(max(0, r.Finished.Sub(r.Started).Seconds()))
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

// Import counts the results of an import outside of a run.
func (m *Metrics) Import(r ttpcron.ImportReport) {
	for result, n := range map[string]int{"new": r.New, "known": r.Known, "changed": r.Changed, "ignored": r.Ignored, "left_out": r.LeftOut, "before_horizon": r.BeforeHorizon, "rejected": r.Rejected - r.RejectedKnown, "rejected_known": r.RejectedKnown, "learned": r.Learned, "disputed": r.Disputed} {
		m.imported.add(result, n)
	}
}

// Batch counts a commit of tags.
func (m *Metrics) Batch(took time.Duration) { m.batch.observe(max(0, took.Seconds())) }

// Memo counts looks at remembered verdicts.
func (m *Metrics) Memo(hits, misses int) {
	m.cache.add("hit", hits)
	m.cache.add("miss", misses)
}

// ReportRefused counts a request for the live report that was refused. The reason is the
// program's own.
func (m *Metrics) ReportRefused(reason string) { m.refused.add(reason, 1) }

// ReportMade counts a page of the live report that was made, or not.
func (m *Metrics) ReportMade(err error) {
	if err != nil {
		m.reports.add("failed", 1)
		return
	}
	m.reports.add("made", 1)
}

// RuleError counts a rule that failed on an event.
func (m *Metrics) RuleError() { m.ruleErrors.add("", 1) }

// Write writes all counters and the state.
func (m *Metrics) Write(w io.Writer, s *State) error {
	all := exposition{}
	for _, c := range []interface{ collect(exposition) }{m.imported, m.judged, m.made, m.inserted, m.bounded, m.groups, m.cutGroups, m.ruleErrors, m.cache, m.refused, m.reports, m.batch, m.run, s} {
		c.collect(all)
	}
	if _, err := w.Write(all.text()); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}
