package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/inputs"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/scheduler"
)

func configCommands() *command {
	return &command{
		Name: "config", Args: "COMMAND", Short: "check the config file",
		Text:     `docs/config.md lists everything that a config file can hold.`,
		Examples: "ttpcron config check",
		Sub:      []*command{configCheck()},
	}
}

func configCheck() *command {
	flags := cli.NewFlags()
	asJSON := flags.Bool("json", false, "print one JSON object: config, store, jobs, faults")
	return &command{
		Name: "config check", Args: "[FILE]", Short: "show what the daemon would do, and any faults", Flags: flags,
		Raw: true, // a config file with faults is its business
		Text: `Shows in words when each job of the config file would run, with the next five
times, and lists faults: unknown keys, invalid values and schedules, inputs that
cannot be read, rules that cannot be loaded. Without FILE it reads the file that
the daemon would read. Like the daemon it takes the shared flags, such as
--config and --rules, and the environment. It changes nothing.`,
		Examples: "ttpcron config check\nttpcron config check new.toml\nttpcron config check --json | jq .faults",
		Exits:    []int{exitFailed},
		Run: func(ctx context.Context, s *session, args []string) error {
			if len(args) > 1 {
				return cli.NoArgs(args[1:])
			}
			if len(args) == 1 {
				s.given = maps.Clone(s.given)
				s.given["config"] = args
			}
			return checkConfig(ctx, s, *asJSON)
		},
	}
}

// configReport is the result of a check.
type configReport struct {
	conf   *settings.Daemon
	faults []settings.Fault
	now    time.Time
	log    hclog.Logger
	out    io.Writer
}

type configJSON struct {
	Config string            `json:"config"`
	Found  bool              `json:"found"`
	Store  term.Exact        `json:"store"`
	Jobs   []configJobJSON   `json:"jobs"`
	Faults []configFaultJSON `json:"faults"`
}

type configJobJSON struct {
	Name   string       `json:"name"`
	Task   string       `json:"task"`
	Source string       `json:"source"`
	Inputs []term.Exact `json:"inputs"`
	Line   int          `json:"line"` // 0 for a job that is there by default
	Next   []time.Time  `json:"next"`
}

type configFaultJSON struct {
	Line int    `json:"line"` // 0 when it is in no line
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

// json is the report for programs.
func (r *configReport) json() configJSON {
	c := r.conf
	out := configJSON{Config: c.File.Path, Found: c.File.Found, Store: term.Exact(c.DB), Jobs: []configJobJSON{}, Faults: []configFaultJSON{}}
	for _, j := range c.Jobs {
		offset := scheduler.Offset(c.Node, c.Spread)
		one := configJobJSON{Name: j.Name, Task: j.Task, Source: j.Source, Inputs: term.Exacts(j.Inputs), Line: j.Line, Next: []time.Time{}}
		if j.Schedule != nil {
			if j.Schedule.Every() > 0 {
				offset = 0
			}
			_, next := scheduler.Explain(j.Schedule, r.now.Add(-offset), 5)
			for _, t := range next {
				one.Next = append(one.Next, t.Add(offset))
			}
		}
		out.Jobs = append(out.Jobs, one)
	}
	for _, f := range r.faults {
		out.Faults = append(out.Faults, configFaultJSON{f.Line, f.Text, f.Hint})
	}
	return out
}

func checkConfig(ctx context.Context, s *session, asJSON bool) error {
	conf, err := s.reader.Daemon(s.given)
	if err != nil {
		return err
	}
	s.use(&conf.Settings)
	r := &configReport{conf: conf, faults: conf.File.Faults, now: s.now(), log: s.log, out: s.out}
	if err := conf.RoleErr(); err != nil {
		r.faultf(conf.RoleLine(), hintOf(err), "the daemon would not start: %v", err)
	}
	if asJSON {
		r.out = io.Discard
	}
	r.print(ctx)
	r.sources(ctx, s.stores)
	slices.SortStableFunc(r.faults, func(a, b settings.Fault) int { return a.Line - b.Line })
	if asJSON {
		err := s.out.JSON(r.json())
		if len(r.faults) > 0 && err == nil {
			err = r.err()
		}
		return err
	}
	printFaults(s.out, r.faults)
	if len(r.faults) > 0 {
		return r.err()
	}
	return nil
}

func (r *configReport) err() error {
	return fmt.Errorf("config %s: %s", r.conf.File.Path, term.Plural(len(r.faults), "fault", "faults"))
}

// printFaults lists the faults.
func printFaults(out *term.Output, faults []settings.Fault) {
	if len(faults) == 0 {
		fmt.Fprintln(out, "\nNothing is wrong.")
		return
	}
	fmt.Fprintln(out, "\nWRONG")
	for _, f := range faults {
		where := ""
		if f.Line > 0 {
			where = fmt.Sprintf("line %d: ", f.Line)
		}
		fmt.Fprintf(out, "  %s%s\n", where, term.Clean(f.Text))
		if f.Hint != "" {
			fmt.Fprintf(out, "    %s\n", term.Clean(f.Hint))
		}
	}
}

// sources finds jobs whose source is neither known nor stored, which is a fault, and warns
// about such kinds.
func (r *configReport) sources(ctx context.Context, stores *store.Opener) {
	var stored []ttpcron.SourceKind
	if db, err := stores.Look(ctx, 0); err == nil {
		stored, _ = db.History.Kinds(ctx) // whoever reads the store next says what is wrong with it
		db.Close()
	}
	r.faults = append(r.faults, r.conf.CheckSources(stored)...)
	settings.WarnKinds(r.log, r.conf.Kinds, stored)
}

func (r *configReport) faultf(line int, hint, format string, args ...any) {
	r.faults = append(r.faults, settings.Fault{Line: line, Text: fmt.Sprintf(format, args...), Hint: hint})
}

// noConfig names the missing files.
func noConfig(last string) string {
	if last == settings.SystemConfig {
		return last
	}
	return settings.SystemConfig + " and no " + last
}

func (r *configReport) print(ctx context.Context) {
	c := r.conf
	path := c.File.Path
	if !c.File.Found {
		path = "none: there is no " + noConfig(path)
	}
	fmt.Fprintf(r.out, "config  %s\n", term.Clean(path))
	fmt.Fprintf(r.out, "store   %s%s\n", term.Clean(c.DB), r.disk())
	if here, err := os.Getwd(); err == nil && r.relative() {
		fmt.Fprintf(r.out, "paths   relative ones begin in %s, where you run ttpcron\n", term.Clean(here))
	}
	fmt.Fprintf(r.out, "rules   %s\n", r.rules())
	keep := func(v cli.Age) string {
		if v == 0 {
			return "for ever"
		}
		return v.String()
	}
	limit := "no limit"
	if c.MaxSize > 0 {
		limit = term.Bytes(int64(c.MaxSize))
	}
	fmt.Fprintf(r.out, "keeps   events %s, tags %s, size %s\n", keep(c.KeepEvents), keep(c.KeepTags), limit)
	if len(c.OwnNetworks) > 0 {
		fmt.Fprintf(r.out, "own     %s\n", strings.ReplaceAll(c.OwnNetworks.String(), ",", ", "))
	}
	if c.Attack != attack.Current() {
		fmt.Fprintf(r.out, "attack  ids and names of %s\n", c.Attack.Release())
	}
	if c.HTTP != "" {
		fmt.Fprintf(r.out, "http    %s: %s\n", term.Clean(c.HTTP), served(c))
	}
	offset := scheduler.Offset(c.Node, c.Spread)
	if offset > 0 {
		fmt.Fprintf(r.out, "node    starts each run %s late, so that nodes do not all start at once (spread %s)\n", offset, longText(c.Spread))
	}
	for _, j := range c.Jobs {
		r.job(j, offset)
	}
	r.inputs(ctx)
}

// relative reports whether the store or an input is a relative path, which means something
// else in another folder.
func (r *configReport) relative() bool {
	if !filepath.IsAbs(r.conf.DB) {
		return true
	}
	return slices.ContainsFunc(r.conf.AllInputs(), func(name string) bool {
		in, err := r.conf.Formats.ParseInput(name)
		return err == nil && in.Path != importer.Stdin && !importer.IsServer(in.Path) && !filepath.IsAbs(in.Path)
	})
}

// served says what the daemon serves at its address, and to whom.
func served(c *settings.Daemon) string {
	p := c.ReportPolicy()
	switch {
	case p.On && p.Token.Needed():
		return "metrics and health, and the report for anyone with the token"
	case p.On:
		return "metrics, health and the report, for everybody on this machine"
	}
	return "metrics and health"
}

// longText is a duration without the zeros at its end: 1h instead of 1h0m0s.
func longText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (r *configReport) job(j settings.Job, offset time.Duration) {
	what := "imports and tags"
	switch {
	case j.Task == settings.TaskMaintenance:
		what = "maintenance"
	case len(j.Inputs) == 0:
		what = "tags; it has no inputs"
	}
	if j.Source != "all" {
		what += ", source " + j.Source
	}
	if j.MaxRuntime > 0 {
		what += ", for " + longText(j.MaxRuntime) + " at most"
	}
	from := ""
	if j.Line == 0 {
		from = " (by default)"
	}
	fmt.Fprintf(r.out, "\njob %s%s: %s\n", term.Clean(j.Name), from, term.Clean(what))
	if j.Schedule == nil {
		return
	}
	if j.Schedule.Every() > 0 {
		offset = 0
	}
	words, next := scheduler.Explain(j.Schedule, r.now.Add(-offset), 5)
	fmt.Fprintf(r.out, "  %s\n", words)
	for _, t := range next {
		fmt.Fprintf(r.out, "  %s\n", t.Add(offset).Format("Mon 2006-01-02 15:04:05 MST"))
	}
}

// disk says how much is free where the store grows.
func (r *configReport) disk() string {
	dir := r.conf.StoreDir()
	for {
		free, err := host.FreeBytes(dir)
		if errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) {
			dir = filepath.Dir(dir)
			continue
		}
		if err != nil {
			r.faultf(0, "", "%v", err)
			return ""
		}
		if free < int64(r.conf.MinFree) {
			r.faultf(0, "min-free in [daemon] is the limit", "the disk of the store has %s free, so that nothing would be imported", term.Bytes(free))
		}
		return fmt.Sprintf(", %s free on its disk", term.Bytes(free))
	}
}

func (r *configReport) rules() string {
	c := r.conf
	rs, report, err := loadRules(&c.Settings, r.log)
	if err != nil {
		r.faultf(c.File.Line("rules"), "", "%v", err)
		return "-"
	}
	for _, p := range report.Problems {
		if !p.Warning {
			r.faultf(0, "", "rules: %s", p.String())
		}
	}
	n, several := rs.InForce(), 0
	for _, rule := range rs.Rules() {
		if rule.Active && rule.Correlation != nil {
			several++
		}
	}
	if !c.Correlations {
		n -= several
	}
	if n == 0 {
		r.faultf(0, "", "no rule is in force, so that no run would do anything")
	}
	text := fmt.Sprintf("%s, of which %s", term.Count(rs.Len()), term.Plural(n, "makes tags", "make tags"))
	switch {
	case !c.Correlations:
		text += ", without correlations"
	case several > 0:
		text += ", " + term.Plural(several, "of them a correlation", "of them correlations")
	}
	return text
}

// adviceOnInput says what to do about an input that cannot be opened.
func adviceOnInput(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "let this user read it: docs/systemd.md, logs with restricted access, says how"
	}
	return ""
}

// inputs tries to open what would be read.
func (r *configReport) inputs(ctx context.Context) {
	c := inputCheck{configReport: r, named: map[string]bool{}, checked: map[string]bool{}}
	any := false
	for _, j := range r.conf.Jobs {
		if any = any || len(j.Inputs) > 0; j.Task == settings.TaskRun {
			c.job(ctx, j)
		}
	}
	if !any {
		r.faultf(r.conf.File.Line("inputs"), `name your logs with the key inputs, such as inputs = ["/var/log/cowrie"]`, "no inputs are set, so nothing would be imported")
		return
	}
	fmt.Fprintf(r.out, "\ninputs  %s can be read now\n", term.Plural(c.files, "file", "files"))
	if c.servers > 0 {
		fmt.Fprintf(r.out, "        %s on a server: ttpcron doctor asks it\n", term.Plural(c.servers, "database", "databases"))
	}
}

// inputCheck looks at the inputs of jobs. Jobs may share inputs, which are looked at once.
type inputCheck struct {
	*configReport
	named, checked         map[string]bool // inputs, and files with their settings
	files, servers, opened int
}

// job looks at the inputs of a job.
func (c *inputCheck) job(ctx context.Context, j settings.Job) {
	var ways []*inputs.Way
	lines := map[*inputs.Way]int{}
	for _, name := range j.Inputs {
		for _, w := range c.input(j, name) {
			ways = append(ways, w)
			lines[w] = c.inputLine(j, name)
		}
	}
	for _, w := range inputs.Nearest(ways) {
		read := w.Input
		read.Path = w.Found.Path
		if key := read.String(); !c.checked[key] {
			c.checked[key] = true
			c.file(ctx, w, lines[w])
		}
	}
}

// input returns the files to which an input leads, and says what is wrong with it.
func (c *inputCheck) input(j settings.Job, name string) (ways []*inputs.Way) {
	said := c.named[name]
	c.named[name] = true
	in, err := c.conf.Formats.ParseInput(name)
	if err != nil {
		if j.Line == 0 && !said { // else it is known
			c.faultf(c.conf.File.Line("inputs"), "", "input %s: %v", importer.WithoutPassword(name), err)
		}
		return nil
	}
	x, err := importer.Expand([]string{in.Path})
	for _, found := range x.Files {
		ways = append(ways, inputs.NewWay(in, found))
	}
	if said {
		return ways
	}
	for _, e := range inputs.Errors(err) {
		c.faultf(c.inputLine(j, name), adviceOnInput(e), "input: %v", inputs.InWords(in.Path, e))
	}
	if len(x.Files)+len(x.Left) == 0 && err == nil {
		c.faultf(c.inputLine(j, name), "", "input %s: nothing to read there", name)
	}
	return ways
}

// file looks at a file of the input in a line of the config file.
func (c *inputCheck) file(ctx context.Context, w *inputs.Way, line int) {
	path := w.Found.Path
	switch {
	case w.Err != nil:
		c.faultf(line, "", "input: %v", w.Err)
		return
	case path == importer.Stdin:
		c.faultf(line, "", "input -: a daemon has no standard input")
		return
	case importer.IsServer(path):
		c.servers++
		return
	}
	f, _, err := ttpcron.OpenRegular(path)
	if err != nil {
		c.faultf(line, adviceOnInput(err), "input: %v", inputs.InWords(path, err))
		return
	}
	f.Close()
	if c.opened++; c.opened <= maxChecked {
		if lacks := lacksOf(ctx, c.conf.Formats, w.Input, w.Found); lacks != nil {
			c.faultf(line, "the files of one input may need different settings: a table [[input]] for each", "input: %v", lacks)
			return
		}
	}
	c.files++
}

// maxChecked is how many files are opened to see whether they need a setting.
const maxChecked = 200

// lacksOf says which setting a file needs that its input does not have, or returns nil.
func lacksOf(ctx context.Context, formats *importer.Catalog, in importer.Input, found importer.Found) error {
	f, err := importer.Open(ctx, found.Path, importer.Options{Catalog: formats, Format: in.Format, Settings: in.Settings, Below: found.Below, Named: found.Path == in.Path})
	if err == nil {
		f.Close()
	}
	if lacks := (*importer.LacksError)(nil); errors.As(err, &lacks) {
		return lacks
	}
	return nil
}

// inputLine is where an input of a job is named.
func (r *configReport) inputLine(j settings.Job, name string) int {
	if j.Line == 0 || slices.Equal(j.Inputs, r.conf.Settings.Inputs) {
		return r.conf.File.InputLine(name)
	}
	return j.Line
}
