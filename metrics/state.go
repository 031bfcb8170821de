package metrics

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// State is what is true at one moment. Times that are zero are left out.
type State struct {
	Version     string
	Healthy     bool
	Began       time.Time // the process
	LastSuccess time.Time // of a run
	Sources     []Source  // the first maxSources are shown
	Techniques  []Technique
	Jobs        []Job

	StoreBytes, StoreFree int64 // free: for reuse, within the file
	DiskFree              int64 // of the store's filesystem; negative: not known
	Rejects               int   // lines kept that could not be used
	RulesInForce          int
	RulesRefused          int // files and rules that could not be loaded
	HeldEvents, HeldTags  int // that are old, and that maintenance does not take out yet
}

// Source describes the events of one kind.
type Source struct {
	Name         string
	Events, Tags int
	Waiting      int       // events that the next run takes, at most
	Moved        time.Time // when the checkpoint moved last
	Latest       time.Time // the latest event that is not dated in the future, by its own time
	Future       int       // events that are dated in the future
}

// Technique counts the tags of a technique in the store.
type Technique struct {
	ID   string
	Tags int
}

// Job is a job of the schedule.
type Job struct {
	Name          string
	Running       bool
	Started, Next time.Time
	Runs          int
	Failures      int
	Stopped       int // ended by max-runtime
	Skipped       int // occurrences during which the job was still running
	Missed        int // occurrences made up for by a later run
}

// The metrics of a State.
var (
	buildInfo    = describe("build_info", "1; the version is a label.", "version")
	healthy      = describe("healthy", "1 when /healthz says so: the last success is recent enough.")
	startTime    = describe("start_timestamp_seconds", "When the daemon began.")
	lastSuccess  = describe("last_success_timestamp_seconds", "When a run last ended well; 0 for never.")
	storeEvents  = describe("store_events", "Events in the store, by source.", "source")
	storeTags    = describe("store_tags", "Tags in the store that are not retired, by source.", "source")
	waiting      = describe("lag_events", "Events that wait to be tagged, at most, by source.", "source")
	moved        = describe("checkpoint_timestamp_seconds", "When the checkpoint moved last, by source.", "source")
	latest       = describe("latest_event_timestamp_seconds", "Time of the latest event that is not dated in the future, by source.", "source")
	future       = describe("future_events", "Events that are dated later than tomorrow, by source.", "source")
	heldEvents   = describe("held_events", "Events that are older than keep-events and that maintenance does not take out yet.")
	heldTags     = describe("held_tags", "Tags that are older than keep-tags and that maintenance does not take out yet.")
	byTechnique  = describe("store_tags_by_technique", "Tags in the store that are not retired, by technique.", "technique")
	storeBytes   = describe("store_bytes", "Size of the store's file.")
	storeFree    = describe("store_free_bytes", "Room in the store's file that is used again.")
	diskFree     = describe("disk_free_bytes", "Free room of the store's filesystem.")
	rejects      = describe("store_rejects", "Lines kept that could not be used.")
	rulesInForce = describe("rules_in_force", "Rules that can emit something.")
	rulesRefused = describe("rules_refused", "Rules and rule files that could not be loaded.")
	jobRunning   = describe("job_running", "1 while the job runs.", "name")
	jobStarted   = describe("job_started_timestamp_seconds", "When the job last began.", "name")
	jobNext      = describe("job_next_timestamp_seconds", "When the job is due.", "name")
	jobRuns      = describe("job_runs_total", "Runs of the job that ended.", "name")
	jobFailures  = describe("job_failures_total", "Runs of the job that failed.", "name")
	jobStopped   = describe("job_stopped_total", "Runs of the job that max-runtime ended.", "name")
	jobSkipped   = describe("job_overlap_skips_total", "Occurrences skipped because the job was still running.", "name")
	jobMissed    = describe("job_missed_total", "Occurrences missed and made up for by a later run, at least.", "name")
)

var described []*prometheus.Desc

func describe(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc("ttpcron_"+name, help, labels, nil)
	described = append(described, d)
	return d
}

// stateCollector gives a State to Prometheus's library.
type stateCollector State

// Describe implements prometheus.Collector.
func (s *stateCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range described {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (s *stateCollector) Collect(to chan<- prometheus.Metric) {
	send := func(kind prometheus.ValueType, d *prometheus.Desc, v float64, labels []string) {
		for i := range labels {
			labels[i] = strings.ToValidUTF8(labels[i], "?")
		}
		to <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) { send(prometheus.GaugeValue, d, v, labels) }
	counter := func(d *prometheus.Desc, n int, labels ...string) {
		send(prometheus.CounterValue, d, float64(n), labels)
	}
	at := func(d *prometheus.Desc, t time.Time, labels ...string) {
		if !t.IsZero() {
			gauge(d, seconds(t), labels...)
		}
	}
	gauge(buildInfo, 1, s.Version)
	gauge(healthy, truth(s.Healthy))
	at(startTime, s.Began)
	gauge(lastSuccess, seconds(s.LastSuccess))
	for _, src := range s.Sources[:min(len(s.Sources), maxSources)] {
		gauge(storeEvents, float64(src.Events), src.Name)
		gauge(storeTags, float64(src.Tags), src.Name)
		gauge(waiting, float64(src.Waiting), src.Name)
		at(moved, src.Moved, src.Name)
		at(latest, src.Latest, src.Name)
		gauge(future, float64(src.Future), src.Name)
	}
	gauge(heldEvents, float64(s.HeldEvents))
	gauge(heldTags, float64(s.HeldTags))
	for _, t := range s.Techniques {
		gauge(byTechnique, float64(t.Tags), t.ID)
	}
	gauge(storeBytes, float64(s.StoreBytes))
	gauge(storeFree, float64(s.StoreFree))
	if s.DiskFree >= 0 {
		gauge(diskFree, float64(s.DiskFree))
	}
	gauge(rejects, float64(s.Rejects))
	gauge(rulesInForce, float64(s.RulesInForce))
	gauge(rulesRefused, float64(s.RulesRefused))
	for _, j := range s.Jobs {
		gauge(jobRunning, truth(j.Running), j.Name)
		at(jobStarted, j.Started, j.Name)
		at(jobNext, j.Next, j.Name)
		counter(jobRuns, j.Runs, j.Name)
		counter(jobFailures, j.Failures, j.Name)
		counter(jobStopped, j.Stopped, j.Name)
		counter(jobSkipped, j.Skipped, j.Name)
		counter(jobMissed, j.Missed, j.Name)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// seconds is Unix time, 0 for the zero time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
