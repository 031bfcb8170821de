package settings

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/scheduler"
)

// Job is one [[job]].
type Job struct {
	Name       string
	Task       string // TaskRun or TaskMaintenance
	Schedule   *scheduler.Schedule
	Inputs     []string      // of the task run
	Source     string        // only the store knows whether it exists
	MaxRuntime time.Duration // 0: no limit
	Line       int           // in the config file; 0 for a default job

	sourceLine int
}

// What a job can do.
const (
	TaskRun         = "run"         // import the inputs, then tag
	TaskMaintenance = "maintenance" // keep to the limits of age and size
)

// The jobs of a configuration that names none.
const (
	defaultRun         = "@every 5m"
	defaultMaintenance = "@daily"
	// defaultMaxRuntime keeps one job that hangs from keeping the others waiting.
	defaultMaxRuntime = time.Hour
)

var jobKeys = []string{"name", "schedule", "task", "inputs", "source", "max-runtime"}

// Key is a key of the config file that is no flag, with what it means.
type Key struct{ Name, Text string }

// JobKeys are the keys of a table [[job]].
func JobKeys() []Key {
	return []Key{
		{"name", "letters, digits and . _ -; required"},
		{"schedule", "a cron expression, or @every 15m and its like; CRON_TZ=Europe/Berlin before it names a time zone, otherwise UTC; required"},
		{"task", "run imports the inputs, then tags what is new; maintenance keeps to keep-events, keep-tags and max-size (default run)"},
		{"inputs", "a list; [] tags and imports nothing (default: the inputs of the file)"},
		{"source", "which events are tagged: command, canary, all, or another kind of event (default all)"},
		{"max-runtime", "a run that takes longer is stopped at the end of a batch, and the next one goes on; none is no limit (default 1h)"},
	}
}

var jobName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// maxJobName is how many bytes a name may have. The regular expression does not say
// so, because a counted repeat would be expanded at every start of the program.
const maxJobName = 64

// readJobs reads the tables [[job]], and adds a default job for each task that none
// of them has: a run, and maintenance.
func (c *Daemon) readJobs() {
	seen := map[string]int{}
	for _, t := range c.File.jobs {
		j, bad := c.readJob(t)
		if len(bad) == 0 && seen[j.Name] > 0 {
			bad = append(bad, Fault{j.Line, fmt.Sprintf("job %q is there already, in line %d", j.Name, seen[j.Name]), "names of jobs are unique"})
		}
		c.File.Faults = append(c.File.Faults, bad...)
		seen[j.Name] = j.Line
		c.Jobs = append(c.Jobs, j)
	}
	has := func(task string) bool {
		return slices.ContainsFunc(c.Jobs, func(j Job) bool { return j.Task == task })
	}
	for _, d := range []struct{ name, task, schedule string }{{"import", TaskRun, defaultRun}, {"maintenance", TaskMaintenance, defaultMaintenance}} {
		if has(d.task) || seen[d.name] > 0 {
			continue
		}
		s, err := scheduler.Parse(d.schedule)
		if err != nil {
			panic(err) // a constant
		}
		c.Jobs = append(c.Jobs, Job{Name: d.name, Task: d.task, Schedule: s, Inputs: c.inputsOf(nil), Source: jobs.SourceAll, MaxRuntime: defaultMaxRuntime})
	}
}

// inputsOf returns a job's own inputs, else those of the whole configuration.
func (c *Daemon) inputsOf(own []string) []string {
	if own != nil {
		return own
	}
	return c.Inputs
}

func (c *Daemon) readJob(t *tomlTable) (j Job, faults []Fault) {
	at := t.line
	j = Job{Task: TaskRun, Source: jobs.SourceAll, MaxRuntime: defaultMaxRuntime, Line: at}
	values := map[string][]string{}
	lines := map[string]int{}
	for _, key := range t.keys() {
		name, line := strings.ReplaceAll(key, "_", "-"), t.lines[key]
		line = max(line, lines[name]) // of a key that is there twice, the second
		lines[name] = line
		v, err := tomlValues(t.values[key])
		switch {
		case !slices.Contains(jobKeys, name):
			faults = append(faults, unknownKey("job."+name, line, prefixed("job.", jobKeys)))
			continue
		case name == "inputs" && (err != nil || tomlKind(t.values[key]) != kindList):
			faults = append(faults, Fault{line, "job.inputs is no list of texts in quotes", ""})
			continue
		case values[name] != nil:
			faults = append(faults, Fault{line, fmt.Sprintf("job.%s is there twice, with - and with _", name), ""})
			continue
		case name != "inputs" && (err != nil || tomlKind(t.values[key]) != kindText || v[0] == ""):
			faults = append(faults, Fault{line, fmt.Sprintf("job.%s is no text in quotes", name), ""})
			continue
		}
		values[name] = v
		if name == "inputs" && v == nil {
			values[name] = []string{}
		}
	}
	bad := func(key, text, hint string) {
		faults = append(faults, Fault{cmp.Or(lines[key], at), text, hint})
	}
	one := func(key string) string { return strings.Join(values[key], ",") }
	if j.Name = one("name"); len(j.Name) > maxJobName || !jobName.MatchString(j.Name) {
		bad("name", fmt.Sprintf("job.name is %q", j.Name), "a job has a name of letters, digits and . _ -, at most 64 of them")
	}
	var err error
	if j.Schedule, err = scheduler.Parse(one("schedule")); err != nil {
		bad("schedule", fmt.Sprintf("job %q: %v", j.Name, err), `such as "*/5 * * * *", "@every 5m", "@daily" or "CRON_TZ=Europe/Berlin 30 2 * * *"`)
	}
	if v := one("task"); v != "" {
		if j.Task = v; v != TaskRun && v != TaskMaintenance {
			bad("task", fmt.Sprintf("job %q: task is %q", j.Name, v), "want run or maintenance")
		}
	}
	if v := one("source"); v != "" {
		j.sourceLine = lines["source"]
		if j.Source = v; ttpcron.SourceKind(v).Validate() != nil {
			bad("source", fmt.Sprintf("job %q: source is %q", j.Name, v), "want command, canary, all, or another kind of event")
		}
	}
	if v := one("max-runtime"); v != "" {
		if j.MaxRuntime, err = time.ParseDuration(v); v == "none" {
			j.MaxRuntime = 0
		} else if err != nil || j.MaxRuntime < 0 {
			bad("max-runtime", fmt.Sprintf("job %q: max-runtime is %q", j.Name, v), `want a duration such as 30m or 2h, or "none"`)
		}
	}
	j.Inputs = c.inputsOf(values["inputs"])
	for _, name := range j.Inputs {
		if _, err := c.Formats.ParseInput(name); err != nil {
			bad("inputs", fmt.Sprintf("job %q: %v", j.Name, err), "ttpcron import --help lists the formats")
		}
	}
	return j, faults
}

func prefixed(prefix string, names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, prefix+n)
	}
	return out
}
