package settings

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
	"github.com/ttpcron/ttpcron/scheduler"
)

// daemonTable returns the flag set of the command that has a table in the config
// file.
func daemonTable() map[string]*flag.FlagSet {
	fs := cli.NewFlags()
	ShareDaemon(fs)
	return map[string]*flag.FlagSet{"daemon": fs}
}

// daemonOf reads the configuration of a daemon.
func daemonOf(t *testing.T, config string) *Daemon {
	t.Helper()
	c, err := readDaemon(t, config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// readDaemon reads it, and returns what is wrong with it.
func readDaemon(t *testing.T, config string) (*Daemon, error) {
	t.Helper()
	n := nodetest.New(t, config, "../../testdata/rules")
	r := Reader{Env: n.Vars(), Commands: daemonTable}
	c, err := r.Daemon(nil)
	if err == nil {
		err = c.File.Err()
	}
	return c, err
}

// A configuration that names no job runs and maintains.
func TestDefaultJobs(t *testing.T) {
	for _, tt := range []struct{ config, want string }{
		{"", "import run @every 5m 1, maintenance maintenance @daily 1"},
		{nodetest.EverySecond, "often run @every 1s 1, maintenance maintenance @daily 1"},
		{"[[job]]\nname = \"weekly\"\nschedule = \"@weekly\"\ntask = \"maintenance\"\n", "weekly maintenance @weekly 1, import run @every 5m 1"},
		{"[[job]]\nname = \"cowrie\"\nschedule = \"0 * * * *\"\ninputs = [\"cowrie:a\", \"b\"]\nsource = \"command\"\nmax-runtime = \"5m\"\n", "cowrie run 0 * * * * 2, maintenance maintenance @daily 1"},
		{"[[job]]\nname = \"tag\"\nschedule = \"0 * * * *\"\ninputs = []\n", "tag run 0 * * * * 0, maintenance maintenance @daily 1"},
	} {
		var got []string
		for _, j := range daemonOf(t, tt.config).Jobs {
			got = append(got, fmt.Sprintf("%s %s %s %d", j.Name, j.Task, j.Schedule, len(j.Inputs)))
		}
		if text := strings.Join(got, ", "); text != tt.want {
			t.Errorf("%q:\ngot  %s\nwant %s", tt.config, text, tt.want)
		}
	}
}

// A job without a limit ends after an hour, so one that hangs does not keep the others
// waiting.
func TestMaxRuntime(t *testing.T) {
	for value, want := range map[string]time.Duration{"": time.Hour, `max-runtime = "5m"`: 5 * time.Minute, `max-runtime = "none"`: 0, `max-runtime = "0"`: 0} {
		c := daemonOf(t, "[[job]]\nname = \"cowrie\"\nschedule = \"0 * * * *\"\n"+value+"\n")
		if got := c.Jobs[0].MaxRuntime; got != want || c.Jobs[1].MaxRuntime != time.Hour {
			t.Errorf("%q: %s, and %s by default", value, got, c.Jobs[1].MaxRuntime)
		}
	}
}

func TestHealthLimit(t *testing.T) {
	now := time.Date(2026, 5, 4, 5, 6, 7, 0, time.UTC)
	job := func(task, schedule string) Job {
		s, err := scheduler.Parse(schedule)
		if err != nil {
			t.Fatal(err)
		}
		return Job{Task: task, Schedule: s}
	}
	for _, c := range []struct {
		set  time.Duration
		jobs []Job
		want time.Duration
	}{
		{0, []Job{job(TaskRun, "@every 1m")}, 15 * time.Minute},
		{0, []Job{job(TaskRun, "@every 1h")}, 3 * time.Hour},
		{0, []Job{job(TaskRun, "@daily"), job(TaskMaintenance, "@hourly")}, 72 * time.Hour},
		{0, []Job{job(TaskRun, "0 8,9 * * *")}, 69 * time.Hour}, // 23 hours lie between them
		{0, nil, 15 * time.Minute},
		{time.Minute, []Job{job(TaskRun, "@daily")}, time.Minute},
	} {
		d := &Daemon{Jobs: c.jobs, HealthLimit: c.set}
		if got := d.HealthyWithin(now); got != c.want {
			t.Errorf("%+v: %s, want %s", c, got, c.want)
		}
	}
}

// The example and the documentation name every key of a daemon.
func TestKeysAreDocumented(t *testing.T) {
	example, err := os.ReadFile("../../../../packaging/ttpcron.toml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range append(keysOf(daemonTable()), prefixed("job.", jobKeys)...) {
		name := key[strings.LastIndex(key, ".")+1:]
		if !strings.Contains(string(example), name+" = ") {
			t.Errorf("the example lacks %s", key)
		}
		if !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("docs/config.md lacks %s", key)
		}
	}
}
