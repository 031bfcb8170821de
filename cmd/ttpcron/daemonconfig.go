package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/scheduler"
)

// daemonConfig is what a daemon goes by until the next reload. It does not
// change.
type daemonConfig struct {
	app  *app // the settings that every command has, and the log
	file configured
	jobs []jobConfig

	keepEvents, keepTags age
	maxSize, minFree     size
	spread               time.Duration
	node                 string

	healthLimit       time.Duration
	http, metricsFile string
	httpExposed       bool
}

// jobConfig is one [[job]].
type jobConfig struct {
	name       string
	task       string
	schedule   *scheduler.Schedule
	inputs     []string // of the task run
	source     string
	maxRuntime time.Duration
	line       int // in the config file; 0 for a default job
}

// What a job can do.
const (
	taskRun         = "run"         // import the inputs, then tag
	taskMaintenance = "maintenance" // keep to the limits of age and size
)

// The jobs of a configuration that names none.
const (
	defaultRun         = "@every 5m"
	defaultMaintenance = "@daily"
	// defaultMaxRuntime keeps one job that hangs from keeping the others waiting.
	defaultMaxRuntime = time.Hour
)

var jobKeys = []string{"name", "schedule", "task", "inputs", "source", "max-runtime"}

var jobName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// maxJobName is the most bytes that a name has. The expression does not say so,
// because a repeat that is written out costs every start of the program.
const maxJobName = 64

// complete checks the values and reads the jobs.
func (c *daemonConfig) complete() error {
	c.checkLimits()
	if c.keepTags > 0 && (c.keepEvents == 0 || c.keepTags < c.keepEvents) {
		c.file.faults = append(c.file.faults, configFault{c.file.lines["daemon.keep-tags"], "keep-tags is shorter than keep-events",
			"the next run would make the tags of events that are kept again; keep events no longer than tags"})
	}
	if c.spread < 0 || c.spread > 24*time.Hour {
		c.file.faults = append(c.file.faults, configFault{c.file.lines["daemon.spread"], fmt.Sprintf("spread is %s, want 0s to 24h", c.spread), ""})
	}
	if c.healthLimit < 0 {
		c.faultAt("daemon.health-limit", "", "health-limit is %s, want 0s or more", c.healthLimit)
	}
	var usage *usageError
	if err := c.checkHTTP(); errors.As(err, &usage) {
		c.faultAt("daemon.http", usage.hint, "%s", usage.text)
	}
	c.checkPlaces()
	if c.node == "" {
		c.node = nodeID()
	}
	c.file.faults = append(c.file.faults, c.readJobs()...)
	if c.app.lenient {
		return nil
	}
	return c.file.fault()
}

// The least that limits may be: what is below was meant otherwise.
const (
	minMaxSize = size(16 << 10)
	minKeep    = age(24 * time.Hour)
)

// checkLimits refuses limits that would leave nothing.
func (c *daemonConfig) checkLimits() {
	if c.maxSize > 0 && c.maxSize < minMaxSize {
		c.faultAt("daemon.max-size", "a unit such as GiB may be missing; 0 is no limit", "max-size is %s, want at least %s", bytesText(int64(c.maxSize)), bytesText(int64(minMaxSize)))
	}
	for _, k := range []struct {
		key  string
		keep age
	}{{"keep-events", c.keepEvents}, {"keep-tags", c.keepTags}} {
		if k.keep > 0 && k.keep < minKeep {
			c.faultAt("daemon."+k.key, "whole days are kept; 0 keeps for ever", "%s is %s, want at least 1d", k.key, k.keep.String())
		}
	}
}

// nodeID tells this node from the others of a fleet, the same at every start.
func nodeID() string {
	if id, err := os.ReadFile("/etc/machine-id"); err == nil && len(strings.TrimSpace(string(id))) > 0 {
		return strings.TrimSpace(string(id))
	}
	name, _ := os.Hostname()
	return name
}

// readJobs reads the tables [[job]]. What is not there by default gets a default:
// a run, unless some job runs, and maintenance, unless some job maintains.
func (c *daemonConfig) readJobs() (faults []configFault) {
	seen := map[string]int{}
	for _, t := range c.file.jobs {
		j, bad := c.readJob(t)
		if len(bad) == 0 && seen[j.name] > 0 {
			bad = append(bad, configFault{j.line, fmt.Sprintf("job %q is there already, in line %d", j.name, seen[j.name]), "names of jobs are unique"})
		}
		faults = append(faults, bad...)
		seen[j.name] = j.line
		c.jobs = append(c.jobs, j)
	}
	has := func(task string) bool {
		return slices.ContainsFunc(c.jobs, func(j jobConfig) bool { return j.task == task })
	}
	for _, d := range []struct{ name, task, schedule string }{{"import", taskRun, defaultRun}, {"maintenance", taskMaintenance, defaultMaintenance}} {
		if has(d.task) || seen[d.name] > 0 {
			continue
		}
		s, err := scheduler.Parse(d.schedule)
		if err != nil {
			panic(err) // a constant
		}
		c.jobs = append(c.jobs, jobConfig{name: d.name, task: d.task, schedule: s, inputs: c.inputsOf(nil), source: jobs.SourceAll, maxRuntime: defaultMaxRuntime})
	}
	return faults
}

// inputsOf returns a job's own inputs, else those of the whole configuration.
func (c *daemonConfig) inputsOf(own []string) []string {
	if own != nil {
		return own
	}
	return c.app.set.inputs
}

func (c *daemonConfig) readJob(t *tomlTable) (j jobConfig, faults []configFault) {
	at := t.line
	j = jobConfig{task: taskRun, source: jobs.SourceAll, maxRuntime: defaultMaxRuntime, line: at}
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
			faults = append(faults, configFault{line, "job.inputs is no list of texts in quotes", ""})
			continue
		case values[name] != nil:
			faults = append(faults, configFault{line, fmt.Sprintf("job.%s is there twice, with - and with _", name), ""})
			continue
		case name != "inputs" && (err != nil || tomlKind(t.values[key]) != kindText || v[0] == ""):
			faults = append(faults, configFault{line, fmt.Sprintf("job.%s is no text in quotes", name), ""})
			continue
		}
		values[name] = v
		if name == "inputs" && v == nil {
			values[name] = []string{}
		}
	}
	bad := func(key, text, hint string) {
		faults = append(faults, configFault{cmp.Or(lines[key], at), text, hint})
	}
	one := func(key string) string { return strings.Join(values[key], ",") }
	if j.name = one("name"); len(j.name) > maxJobName || !jobName.MatchString(j.name) {
		bad("name", fmt.Sprintf("job.name is %q", j.name), "a job has a name of letters, digits and . _ -, at most 64 of them")
	}
	var err error
	if j.schedule, err = scheduler.Parse(one("schedule")); err != nil {
		bad("schedule", fmt.Sprintf("job %q: %v", j.name, err), `such as "*/5 * * * *", "@every 5m", "@daily" or "CRON_TZ=Europe/Berlin 30 2 * * *"`)
	}
	if v := one("task"); v != "" {
		if j.task = v; v != taskRun && v != taskMaintenance {
			bad("task", fmt.Sprintf("job %q: task is %q", j.name, v), "want run or maintenance")
		}
	}
	if v := one("source"); v != "" {
		o := oneOf{values: []string{jobs.SourceCommand, jobs.SourceCanary, jobs.SourceAll}}
		if j.source = v; o.Set(v) != nil {
			bad("source", fmt.Sprintf("job %q: source is %q", j.name, v), "want command, canary or all")
		}
	}
	if v := one("max-runtime"); v != "" {
		if j.maxRuntime, err = time.ParseDuration(v); v == "none" {
			j.maxRuntime = 0
		} else if err != nil || j.maxRuntime < 0 {
			bad("max-runtime", fmt.Sprintf("job %q: max-runtime is %q", j.name, v), `want a duration such as 30m or 2h, or "none"`)
		}
	}
	j.inputs = c.inputsOf(values["inputs"])
	for _, name := range j.inputs {
		if _, err := importer.ParseInput(name); err != nil {
			bad("inputs", fmt.Sprintf("job %q: %v", j.name, err), "ttpcron import --help lists the formats")
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

// daemonConfigOf reads the configuration that arguments of the daemon command
// give, as that command would at its start.
func (a *app) daemonConfigOf(args []string) (*daemonConfig, error) {
	fresh := newApp(strings.NewReader(""), a.stdout, a.stderr.w, a.env)
	fresh.stderr, fresh.now, fresh.lenient = a.stderr, a.now, a.lenient
	var got *daemonConfig
	fresh.daemonReads = func(c *daemonConfig) { got = c }
	if err := fresh.main(context.Background(), args); err != nil {
		return nil, err
	}
	if got == nil {
		return nil, errors.New("the arguments are not those of the daemon")
	}
	return got, nil
}

// storeDir is the folder in which the store grows.
func (c *daemonConfig) storeDir() string { return filepath.Dir(c.app.set.db) }
