package settings

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/live"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/scheduler"
)

// Daemon is the configuration of a daemon until the next reload.
type Daemon struct {
	Settings // Socket is where the daemon answers
	File     File
	Jobs     []Job

	KeepEvents, KeepTags cli.Age
	MaxSize, MinFree     cli.Size
	Spread               time.Duration
	Node                 string

	HealthLimit   time.Duration
	HTTP          string // the address for metrics and health, empty for none
	HTTPExposed   bool
	HTTPReport    bool // the address has the report, too
	HTTPHosts     live.Hosts
	HTTPToken     live.Token // what is in HTTPTokenFile
	ReportSince   cli.Age    // 0: from the beginning
	HTTPTokenFile string     // empty: nobody is asked who they are
	MetricsFile   string

	from layers // where the values come from
}

// ShareDaemon defines the flags of the command daemon. What they are set to is
// taken from the flag set, as with [Share].
func ShareDaemon(fs *flag.FlagSet) { new(Daemon).define(fs) }

func (c *Daemon) define(fs *flag.FlagSet) {
	c.MinFree = 256 << 20
	ShareInputs(fs, "import `[FORMAT:]PATH` in each run; can be repeated")
	fs.Var(&c.KeepEvents, "keep-events", "keep events for `DURATION`, such as 90d; maintenance removes older ones that have no tags (default: for ever)")
	fs.Var(&c.KeepTags, "keep-tags", "keep tags and their events for `DURATION`, by the time of the events; at least --keep-events (default: for ever)")
	fs.Var(&c.MaxSize, "max-size", "maintenance removes the oldest days while the store holds more than `SIZE`, such as 2GiB (default: no limit)")
	fs.Var(&c.MinFree, "min-free", "stop importing when less than `SIZE` of disk is free; stored events are still tagged")
	fs.DurationVar(&c.HealthLimit, "health-limit", 0, "/healthz fails when no run has succeeded for `DURATION` (default: three times the interval between runs, at least 15m)")
	fs.Lookup("health-limit").DefValue = ""
	fs.StringVar(&c.HTTP, "http", "", "also serve /metrics and /healthz at `ADDRESS`, such as 127.0.0.1:9847; the control socket always serves them")
	fs.BoolVar(&c.HTTPExposed, "http-exposed", false, "allow --http at an address that other machines can reach")
	fs.BoolVar(&c.HTTPReport, "http-report", false, "also serve the report, at /report of --http; needs --http-token-file if other machines can reach the address")
	fs.StringVar(&c.HTTPTokenFile, "http-token-file", "", "show the report only to those with the token in `FILE`; it needs 16 characters or more, and FILE must not be readable by everyone")
	fs.Var(&c.HTTPHosts, httpHostsFlag, "also accept requests for the report at `HOST`, a name or an address that a proxy passes on; can be repeated")
	fs.Var(&c.ReportSince, "http-report-since", "limit the report to the last `DURATION`, such as 90d; it then does not say what is new (default: all)")
	fs.StringVar(&c.MetricsFile, "metrics-file", "", "write metrics to `FILE` for node_exporter's textfile collector, such as DIR/ttpcron.prom")
	fs.DurationVar(&c.Spread, "spread", time.Minute, "delay the start of jobs by up to `DURATION`; the delay is fixed for each --node")
	fs.Lookup("spread").DefValue = "1m"
	fs.StringVar(&c.Node, "node", "", "identify this node by `NAME` (default: the machine id)")
}

// Daemon makes the configuration of a daemon with the flags that were given. What
// means nothing is among the faults of its File: see [File.Err]. An error says that
// the file cannot be read at all, or that there is no place for the store.
func (r *Reader) Daemon(given Given) (*Daemon, error) {
	file, err := r.file(given)
	if err != nil {
		return nil, err
	}
	c := &Daemon{}
	fs := cli.NewFlags()
	c.define(fs)
	l := layers{r.Env, &file, given}
	c.from = l
	faults := append(l.set(fs), l.fill(fs, "daemon")...)
	shared, more := l.shared()
	if c.Settings, err = r.placed(shared, false); err != nil {
		return nil, err
	}
	c.File = file
	c.File.Faults = append(c.File.Faults, append(faults, more...)...)
	c.Socket = c.socket(r.Env)
	if c.Node == "" {
		c.Node = host.NodeID()
	}
	c.check()
	c.readJobs()
	return c, nil
}

// socket is where the daemon answers.
func (c *Daemon) socket(env map[string]string) string {
	if dir := serviceDir(env, "RUNTIME_DIRECTORY"); c.Socket == "" && dir != "" {
		return filepath.Join(dir, filepath.Base(SystemSocket))
	}
	return cmp.Or(c.Socket, SocketOf(c.DB))
}

// SocketOfStore reports whether the daemon answers beside its store, wherever that is.
func (c *Daemon) SocketOfStore() bool { return c.Socket == SocketOf(c.DB) }

// StoreDir is the folder in which the store grows.
func (c *Daemon) StoreDir() string { return filepath.Dir(c.DB) }

// RoleErr returns why a daemon does not start on a host of this role, or nil. Other commands
// work there, so it is no fault of the file.
func (c *Daemon) RoleErr() error {
	if c.Role != RoleAgent {
		return nil
	}
	return cli.Hint(errors.New("this host is an agent: tags are made on the host that keeps them"),
		"run the daemon there; role = \"standalone\" in the config lets this host keep its own tags")
}

// RoleLine is the line of the file that sets the role; 0 if a flag or a variable does.
func (c *Daemon) RoleLine() int {
	if _, _, ofFile := c.from.fallback("", "role"); !ofFile || c.from.given.Has("role") {
		return 0
	}
	return c.File.Line("role")
}

// check collects the values that are invalid.
func (c *Daemon) check() {
	c.checkLimits()
	if c.KeepTags > 0 && (c.KeepEvents == 0 || c.KeepTags < c.KeepEvents) {
		c.faultAt("daemon.keep-tags", "the next run would make the tags of events that are kept again; keep events no longer than tags", "keep-tags is shorter than keep-events")
	}
	if c.Spread < 0 || c.Spread > 24*time.Hour {
		c.faultAt("daemon.spread", "", "spread is %s, want 0s to 24h", c.Spread)
	}
	if c.HealthLimit < 0 {
		c.faultAt("daemon.health-limit", "", "health-limit is %s, want 0s or more", c.HealthLimit)
	}
	var usage *cli.UsageError
	if err := c.checkHTTP(); errors.As(err, &usage) {
		c.faultAt("daemon.http", usage.Hint, "%s", usage.Text)
	} else {
		c.checkReport()
	}
	c.checkPlaces()
}

// The lower bounds of limits: a smaller value is a mistake.
const (
	minMaxSize = cli.Size(16 << 10)
	minKeep    = cli.Age(24 * time.Hour)
)

// checkLimits refuses limits that would leave nothing.
func (c *Daemon) checkLimits() {
	if c.MaxSize > 0 && c.MaxSize < minMaxSize {
		c.faultAt("daemon.max-size", "a unit such as GiB may be missing; 0 is no limit", "max-size is %s, want at least %s", term.Bytes(int64(c.MaxSize)), term.Bytes(int64(minMaxSize)))
	}
	for _, k := range []struct {
		key  string
		keep cli.Age
	}{{"keep-events", c.KeepEvents}, {"keep-tags", c.KeepTags}} {
		if k.keep > 0 && k.keep < minKeep {
			c.faultAt("daemon."+k.key, "whole days are kept; 0 keeps for ever", "%s is %s, want at least 1d", k.key, k.keep.String())
		}
	}
}

// CheckSources looks for jobs whose source is neither known nor among the kinds of
// event that are stored, and returns what is wrong.
func (c *Daemon) CheckSources(stored []ttpcron.SourceKind) (faults []Fault) {
	for _, j := range c.Jobs {
		if ttpcron.SourceKind(j.Source).Validate() != nil {
			continue // which is a fault of the file
		}
		if err := jobs.CheckSource(j.Source, stored); err != nil {
			faults = append(faults, Fault{Line: j.sourceLine, Text: fmt.Sprintf("job %q: %v", j.Name, err)})
		}
	}
	return faults
}

// minHealthLimit is the least that the limit of health is when it is not set.
const minHealthLimit = 15 * time.Minute

// HealthyWithin is how old the last success may be: what is configured, else
// three times what lies between two runs of the job that runs most often.
func (c *Daemon) HealthyWithin(now time.Time) time.Duration {
	if c.HealthLimit > 0 {
		return c.HealthLimit
	}
	limit := time.Duration(0)
	for _, j := range c.Jobs {
		if j.Task != TaskRun {
			continue
		}
		gap := gapOf(j.Schedule, now)
		if limit == 0 || gap < limit {
			limit = gap
		}
	}
	return max(minHealthLimit, 3*limit)
}

// gapOf is the longest time between two of the next occurrences of a schedule.
func gapOf(s *scheduler.Schedule, now time.Time) (gap time.Duration) {
	if s.Every() > 0 {
		return s.Every()
	}
	at := s.Next(now)
	for range 8 {
		next := s.Next(at)
		if next.IsZero() {
			break
		}
		gap, at = max(gap, next.Sub(at)), next
	}
	return gap
}
