package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/scheduler"
)

func (a *app) configCommands() *ffcli.Command {
	group := &command{
		name: "config", args: "COMMAND", short: "look at the config file before the daemon does", fs: a.flags(), bare: true,
		text:     `What a config file may hold is in docs/config.md.`,
		examples: "ttpcron config check",
	}
	return a.build(group, a.build(a.configCheck()))
}

func (a *app) configCheck() *command {
	flags := a.flags()
	asJSON := flags.Bool("json", false, "print one JSON object: config, store, jobs, faults")
	c := &command{
		name: "config check", args: "[FILE]", short: "say what the daemon would do, and what is wrong", fs: flags,
		bare: true, // a config file with faults is its business
		text: `Says in words when each job of the config file would run, with the next five
times, and finds what is wrong: unknown keys with their lines, values that mean
nothing, schedules, inputs that cannot be read, rules that cannot be loaded.
Without FILE it reads the file that the daemon would read. It takes the shared
flags, such as --config and --rules, and the environment as the daemon does, and
changes nothing.`,
		examples: "ttpcron config check\nttpcron config check new.toml\nttpcron config check --json | jq .faults",
		exits:    []int{exitFailed},
	}
	c.run = func(ctx context.Context, args []string) error {
		if len(args) > 1 {
			return noArgs(args[1:])
		}
		if len(args) == 1 {
			a.set.config = args[0]
		}
		return a.checkConfig(ctx, c, *asJSON)
	}
	return c
}

// configReport is what a check finds.
type configReport struct {
	app    *app
	conf   *daemonConfig
	faults []configFault
	out    *bufio.Writer
}

type configJSON struct {
	Config string            `json:"config"`
	Found  bool              `json:"found"`
	Store  exact             `json:"store"`
	Jobs   []configJobJSON   `json:"jobs"`
	Faults []configFaultJSON `json:"faults"`
}

type configJobJSON struct {
	Name   string      `json:"name"`
	Task   string      `json:"task"`
	Source string      `json:"source"`
	Inputs []exact     `json:"inputs"`
	Line   int         `json:"line"` // 0 for a job that is there by default
	Next   []time.Time `json:"next"`
}

type configFaultJSON struct {
	Line int    `json:"line"` // 0 when it is in no line
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

// json is the report for programs.
func (r *configReport) json() configJSON {
	c := r.conf
	out := configJSON{Config: c.file.path, Found: c.file.found, Store: exact(c.app.set.db), Jobs: []configJobJSON{}, Faults: []configFaultJSON{}}
	for _, j := range c.jobs {
		offset := scheduler.Offset(c.node, c.spread)
		one := configJobJSON{Name: j.name, Task: j.task, Source: j.source, Inputs: exacts(j.inputs), Line: j.line, Next: []time.Time{}}
		if j.schedule != nil {
			if j.schedule.Every() > 0 {
				offset = 0
			}
			_, next := scheduler.Explain(j.schedule, r.app.now().Add(-offset), 5)
			for _, t := range next {
				one.Next = append(one.Next, t.Add(offset))
			}
		}
		out.Jobs = append(out.Jobs, one)
	}
	for _, f := range r.faults {
		out.Faults = append(out.Faults, configFaultJSON{f.line, f.text, f.hint})
	}
	return out
}

func (a *app) checkConfig(_ context.Context, c *command, asJSON bool) error {
	a.lenient = true
	conf, err := a.daemonConfigOf(daemonArgs(a, c))
	if err != nil {
		return err
	}
	r := &configReport{app: a, conf: conf, faults: conf.file.faults, out: a.stdout}
	if asJSON {
		r.out = bufio.NewWriter(io.Discard)
	}
	r.print()
	slices.SortStableFunc(r.faults, func(a, b configFault) int { return a.line - b.line })
	if asJSON {
		err := a.printJSON(r.json())
		if len(r.faults) > 0 && err == nil {
			err = fmt.Errorf("config %s: %s", conf.file.path, plural(len(r.faults), "fault", "faults"))
		}
		return err
	}
	if len(r.faults) == 0 {
		fmt.Fprintln(a.stdout, "\nNothing is wrong.")
		return nil
	}
	fmt.Fprintln(a.stdout, "\nWRONG")
	for _, f := range r.faults {
		where := ""
		if f.line > 0 {
			where = fmt.Sprintf("line %d: ", f.line)
		}
		fmt.Fprintf(a.stdout, "  %s%s\n", where, clean(f.text))
		if f.hint != "" {
			fmt.Fprintf(a.stdout, "    %s\n", clean(f.hint))
		}
	}
	return fmt.Errorf("config %s: %s", conf.file.path, plural(len(r.faults), "fault", "faults"))
}

// daemonArgs are the arguments of a daemon with the shared flags that were given
// to a command.
func daemonArgs(a *app, c *command) []string {
	args := []string{"daemon"}
	for _, fs := range []*flag.FlagSet{a.root.FlagSet, c.group, c.fs} {
		fs.Visit(func(f *flag.Flag) {
			if f.Name != "config" && f.Name != "rules" && f.Name != "json" {
				args = append(args, "--"+f.Name+"="+f.Value.String())
			}
		})
	}
	for _, dir := range a.set.rules {
		args = append(args, "--rules="+dir)
	}
	if a.set.config != "" {
		args = append(args, "--config="+a.set.config)
	}
	return args
}

func (r *configReport) faultf(line int, hint, format string, args ...any) {
	r.faults = append(r.faults, configFault{line, fmt.Sprintf(format, args...), hint})
}

func (r *configReport) print() {
	c := r.conf
	path := c.file.path
	if !c.file.found {
		path += " (not there)"
	}
	fmt.Fprintf(r.out, "config  %s\n", clean(path))
	fmt.Fprintf(r.out, "store   %s%s\n", clean(c.app.set.db), r.disk())
	fmt.Fprintf(r.out, "rules   %s\n", r.rules())
	keep := func(v age) string {
		if v == 0 {
			return "for ever"
		}
		return v.String()
	}
	limit := "no limit"
	if c.maxSize > 0 {
		limit = bytesText(int64(c.maxSize))
	}
	fmt.Fprintf(r.out, "keeps   events %s, tags %s, size %s\n", keep(c.keepEvents), keep(c.keepTags), limit)
	offset := scheduler.Offset(c.node, c.spread)
	if offset > 0 {
		fmt.Fprintf(r.out, "node    begins %s later than scheduled, of a spread of %s\n", offset, longText(c.spread))
	}
	for _, j := range c.jobs {
		r.job(j, offset)
	}
	r.inputs()
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

func (r *configReport) job(j jobConfig, offset time.Duration) {
	what := "imports and tags"
	switch {
	case j.task == taskMaintenance:
		what = "maintenance"
	case len(j.inputs) == 0:
		what = "tags; it has no inputs"
	}
	if j.source != "all" {
		what += ", source " + j.source
	}
	if j.maxRuntime > 0 {
		what += ", for " + longText(j.maxRuntime) + " at most"
	}
	from := ""
	if j.line == 0 {
		from = " (by default)"
	}
	fmt.Fprintf(r.out, "\njob %s%s: %s\n", clean(j.name), from, clean(what))
	if j.schedule == nil {
		return
	}
	if j.schedule.Every() > 0 {
		offset = 0
	}
	words, next := scheduler.Explain(j.schedule, r.app.now().Add(-offset), 5)
	fmt.Fprintf(r.out, "  %s\n", words)
	for _, t := range next {
		fmt.Fprintf(r.out, "  %s\n", t.Add(offset).Format("Mon 2006-01-02 15:04:05 MST"))
	}
}

// disk says what is free where the store grows.
func (r *configReport) disk() string {
	dir := r.conf.storeDir()
	for {
		free, err := freeBytes(dir)
		if errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) {
			dir = filepath.Dir(dir)
			continue
		}
		if err != nil {
			r.faultf(0, "", "%v", err)
			return ""
		}
		if free < int64(r.conf.minFree) {
			r.faultf(0, "min-free in [daemon] is the limit", "the disk of the store has %s free, so that nothing would be imported", bytesText(free))
		}
		return fmt.Sprintf(", %s free on its disk", bytesText(free))
	}
}

func (r *configReport) rules() string {
	c := r.conf
	rs, report, err := c.app.loadRules()
	if err != nil {
		r.faultf(c.file.lines["rules"], "", "%v", err)
		return "-"
	}
	for _, p := range report.Problems {
		if !p.Warning {
			r.faultf(0, "", "rules: %s", p.String())
		}
	}
	n := rs.InForce()
	if n == 0 {
		r.faultf(0, "", "no rule is in force, so that no run would do anything")
	}
	return fmt.Sprintf("%s in force", count(n))
}

// inputs tries to open what would be read.
func (r *configReport) inputs() {
	seen := map[string]bool{}
	files, any := 0, false
	for _, j := range r.conf.jobs {
		for _, name := range j.inputs {
			any = true
			if seen[name] || j.task != taskRun {
				continue
			}
			seen[name] = true
			in, err := importer.ParseInput(name)
			if err != nil {
				if j.line == 0 { // else it is known
					r.faultf(r.conf.file.lines["inputs"], "", "input %s: %v", name, err)
				}
				continue
			}
			x, err := importer.Expand([]string{in.Path})
			for _, e := range unjoin(err) {
				r.faultf(r.inputLine(j), "", "input %v", e)
			}
			if len(x.Files)+x.Captured == 0 && err == nil {
				r.faultf(r.inputLine(j), "", "input %s: nothing to read there", name)
			}
			for _, found := range x.Files {
				p := found.Path
				if p == importer.Stdin {
					r.faultf(r.inputLine(j), "", "input -: a daemon has no standard input")
					continue
				}
				f, _, err := ttpcron.OpenRegular(p)
				if err != nil {
					r.faultf(r.inputLine(j), "", "input %v", err)
					continue
				}
				f.Close()
				files++
			}
		}
	}
	if any {
		fmt.Fprintf(r.out, "\ninputs  %s can be read now\n", plural(files, "file", "files"))
	} else {
		r.faultf(0, `such as inputs = ["/var/log/cowrie"]`, "no job has inputs, so that nothing would be imported")
	}
}

// inputLine is where a job's inputs are named.
func (r *configReport) inputLine(j jobConfig) int {
	if j.line == 0 || slices.Equal(j.inputs, r.conf.app.set.inputs) {
		return r.conf.file.lines["inputs"]
	}
	return j.line
}
