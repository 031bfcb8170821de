package metrics

import "time"

// State describes one moment. Zero times are left out.
type State struct {
	Version     string
	Healthy     bool
	Began       time.Time // the process
	LastSuccess time.Time // of a run
	Sources     []Source  // the first maxSources are shown
	Techniques  []Technique
	Levels      []Level
	Jobs        []Job

	StoreBytes, StoreFree int64 // free: for reuse, within the file
	DiskFree              int64 // of the store's filesystem; negative: not known
	Rejects               int   // lines kept that could not be used
	RulesInForce          int
	RulesRefused          int // files and rules that could not be loaded
	BaseMatches           int // of correlations
	MatchesWaiting        int // that came or went and are not judged yet
	HeldEvents, HeldTags  int // due for removal, but held back by maintenance
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

// Level counts the tags of a level in the store.
type Level struct {
	Name    string
	Tags    int
	OfHosts int // those of them whose events were seen from a host
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
	buildInfo    = gauge("build_info", "1; the version is a label.", "version")
	healthy      = gauge("healthy", "1 when /healthz says so: the last success is recent enough.", "")
	startTime    = gauge("start_timestamp_seconds", "When the daemon began.", "")
	lastSuccess  = gauge("last_success_timestamp_seconds", "When a run last ended well; 0 for never.", "")
	storeEvents  = gauge("store_events", "Events in the store, by source.", "source")
	storeTags    = gauge("store_tags", "Tags in the store that are not retired, by source.", "source")
	waiting      = gauge("lag_events", "Events that wait to be tagged, at most, by source.", "source")
	moved        = gauge("checkpoint_timestamp_seconds", "When the checkpoint moved last, by source.", "source")
	latest       = gauge("latest_event_timestamp_seconds", "Time of the latest event that is not dated in the future, by source.", "source")
	future       = gauge("future_events", "Events that are dated later than tomorrow, by source.", "source")
	heldEvents   = gauge("held_events", "Events that are older than keep-events and that maintenance does not take out yet.", "")
	heldTags     = gauge("held_tags", "Tags that are older than keep-tags and that maintenance does not take out yet.", "")
	byTechnique  = gauge("store_tags_by_technique", "Tags in the store that are not retired, by technique.", "technique")
	byLevel      = gauge("store_tags_by_level", "Tags in the store that are not retired, by level.", "level")
	hostsByLevel = gauge("store_host_tags_by_level", "Tags in the store that are not retired and whose events were seen from a host, by level.", "level")
	storeBytes   = gauge("store_bytes", "Size of the store's file.", "")
	storeFree    = gauge("store_free_bytes", "Room in the store's file that is used again.", "")
	diskFree     = gauge("disk_free_bytes", "Free room of the store's filesystem.", "")
	rejects      = gauge("store_rejects", "Lines kept that could not be used.", "")
	baseMatches  = gauge("store_base_matches", "Base matches of correlations in the store.", "")
	lagMatches   = gauge("lag_base_matches", "Base matches that came or went and that correlations have not judged yet.", "")
	rulesInForce = gauge("rules_in_force", "Rules that can emit something.", "")
	rulesRefused = gauge("rules_refused", "Rules and rule files that could not be loaded.", "")
	jobRunning   = gauge("job_running", "1 while the job runs.", "name")
	jobStarted   = gauge("job_started_timestamp_seconds", "When the job last began.", "name")
	jobNext      = gauge("job_next_timestamp_seconds", "When the job is due.", "name")
	jobRuns      = total("job_runs_total", "Runs of the job that ended.", "name")
	jobFailures  = total("job_failures_total", "Runs of the job that failed.", "name")
	jobStopped   = total("job_stopped_total", "Runs of the job that max-runtime ended.", "name")
	jobSkipped   = total("job_overlap_skips_total", "Occurrences skipped because the job was still running.", "name")
	jobMissed    = total("job_missed_total", "Occurrences missed and made up for by a later run, at least.", "name")
)

func gauge(name, help, label string) family { return family{"ttpcron_" + name, help, "gauge", label} }
func total(name, help, label string) family { return family{"ttpcron_" + name, help, "counter", label} }

func (s *State) collect(e exposition) {
	at := func(f family, label string, t time.Time) {
		if !t.IsZero() {
			e.add(f, label, seconds(t))
		}
	}
	e.add(buildInfo, s.Version, 1)
	e.add(healthy, "", truth(s.Healthy))
	at(startTime, "", s.Began)
	e.add(lastSuccess, "", seconds(s.LastSuccess))
	for _, src := range s.Sources[:min(len(s.Sources), maxSources)] {
		e.add(storeEvents, src.Name, float64(src.Events))
		e.add(storeTags, src.Name, float64(src.Tags))
		e.add(waiting, src.Name, float64(src.Waiting))
		at(moved, src.Name, src.Moved)
		at(latest, src.Name, src.Latest)
		e.add(future, src.Name, float64(src.Future))
	}
	e.add(heldEvents, "", float64(s.HeldEvents))
	e.add(heldTags, "", float64(s.HeldTags))
	for _, t := range s.Techniques {
		e.add(byTechnique, t.ID, float64(t.Tags))
	}
	for _, l := range s.Levels {
		e.add(byLevel, l.Name, float64(l.Tags))
		e.add(hostsByLevel, l.Name, float64(l.OfHosts))
	}
	e.add(storeBytes, "", float64(s.StoreBytes))
	e.add(storeFree, "", float64(s.StoreFree))
	if s.DiskFree >= 0 {
		e.add(diskFree, "", float64(s.DiskFree))
	}
	e.add(rejects, "", float64(s.Rejects))
	e.add(baseMatches, "", float64(s.BaseMatches))
	e.add(lagMatches, "", float64(s.MatchesWaiting))
	e.add(rulesInForce, "", float64(s.RulesInForce))
	e.add(rulesRefused, "", float64(s.RulesRefused))
	for _, j := range s.Jobs {
		e.add(jobRunning, j.Name, truth(j.Running))
		at(jobStarted, j.Name, j.Started)
		at(jobNext, j.Name, j.Next)
		e.add(jobRuns, j.Name, float64(j.Runs))
		e.add(jobFailures, j.Name, float64(j.Failures))
		e.add(jobStopped, j.Name, float64(j.Stopped))
		e.add(jobSkipped, j.Name, float64(j.Skipped))
		e.add(jobMissed, j.Name, float64(j.Missed))
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
