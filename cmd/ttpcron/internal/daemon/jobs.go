package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/inputs"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/scheduler"
)

// entries are the jobs for the scheduler. A new job counts from now, so that it catches up
// even if the machine is always off at its hours. So does a job that last ran under a
// clock far ahead of now: otherwise it would not run until that time came.
func (d *runner) entries(c *settings.Daemon) []scheduler.Entry {
	var out []scheduler.Entry
	kept := map[string]time.Time{}
	for _, j := range c.Jobs {
		last, known := d.times[j.Name]
		if last.Sub(d.now()) > scheduler.MaxStepBack {
			last, known = time.Time{}, false
		}
		if !known && j.Schedule.Every() == 0 {
			last = d.now()
		}
		if !last.IsZero() {
			kept[j.Name] = last
		}
		out = append(out, scheduler.Entry{Name: j.Name, Schedule: j.Schedule, Last: last, MaxRuntime: j.MaxRuntime, Job: d.job(j)})
	}
	d.remember(kept)
	return out
}

// remember stores when jobs began, so that a restart knows what was missed.
func (d *runner) remember(times map[string]time.Time) {
	if maps.EqualFunc(times, d.times, time.Time.Equal) {
		return
	}
	d.times = times
	if err := d.db.SetJobTimes(context.Background(), times); err != nil {
		d.log.Warn("when jobs ran cannot be noted: a restart may run them again", "error", term.Clean(err.Error()))
	}
}

// giveBack returns a run's memory to the system: it may be long until the next run. It
// collects twice, because pools keep their content through one collection.
func (d *runner) giveBack() {
	runtime.GC()
	debug.FreeOSMemory()
	_ = d.db.Release(context.Background()) // what it does not release the kernel may take
}

// job returns what the scheduler runs for a job.
func (d *runner) job(j settings.Job) scheduler.JobFunc {
	return func(ctx context.Context) error {
		c := d.config()
		d.timesMu.Lock()
		times := maps.Clone(d.times)
		times[j.Name] = d.now().UTC()
		d.remember(times)
		d.timesMu.Unlock()
		defer d.giveBack()
		var err error
		if j.Task == settings.TaskMaintenance {
			err = d.maintain(ctx, c, j.Name)
		} else {
			err = d.runJob(ctx, c, j)
		}
		if err != nil && !errors.Is(err, jobs.ErrInterrupted) {
			d.health.failed(j.Name, err)
		}
		return err
	}
}

// runJob imports a job's inputs and tags what is new.
func (d *runner) runJob(ctx context.Context, c *settings.Daemon, j settings.Job) error {
	said, notes := d.saidBy(j.Name), inputs.Notes{Log: d.log}
	said.next()
	trouble := ""
	job := jobs.Job{
		Store: d.timed(), Source: j.Source, ImportLimit: j.MaxRuntime / importShare, Place: d.placeOf(j.Name),
		Now: d.now, Log: d.log, Progress: d.progress, FileDone: d.fileDone(&notes, said),
	}
	free, err := host.FreeBytes(c.StoreDir())
	switch {
	case err != nil:
		d.log.Warn("free disk is not known", "error", err.Error())
	case free < int64(c.MinFree):
		trouble = fmt.Sprintf("disk nearly full, %s free: nothing is imported", term.Bytes(free))
		if said.news("too little free disk") {
			d.log.Error("too little free disk: nothing is imported until there is more; what is stored is tagged", "job", j.Name, "free", term.Bytes(free), "min_free", term.Bytes(int64(c.MinFree)))
		}
	}
	if trouble == "" {
		endWait := d.input.Begin("folders")
		job.Inputs, err = inputs.Find(j.Inputs, inputs.Options{Catalog: c.Formats, Kinds: c.Kinds, Now: d.now})
		if endWait(); err != nil {
			return err
		}
		job.Inputs = d.input.Over(job.Inputs)
	}
	life, err := ruleset.ReadLife(ctx, d.store.Rules)
	if err != nil {
		return err
	}
	job.Rules, job.Decided = life.InForce(d.set(d.ruleSet()), d.now()), life.Decided(d.now())
	r, err := job.Run(ctx)
	notes.End()
	var bad *jobs.InputError
	if errors.As(err, &bad) {
		// Everything else was done, and the next run tries these inputs again.
		trouble, err = bad.Error(), nil
	}
	d.logRun(j.Name, r, err)
	if at := job.Place; at.Name != "" && len(r.Files) > 0 && err == nil {
		d.log.Info("importing had its part of max-runtime: the next run goes on after this input", "job", j.Name, "input", term.Clean(at.Name), "inputs_left", at.Left)
	}
	d.count(&r.Run)
	if looked(r) > manyEvents {
		d.ruleSet().Release()
	}
	if err != nil {
		return err
	}
	said.whole = len(r.Files) > 0 && job.Place.Name == ""
	d.sayHorizon(r.Run.Imported)
	if r.Run.Imported.Known > 0 {
		d.sayOnlyCommands(ctx, c)
	}
	if ahead := d.horizonAhead(ctx); ahead != "" {
		trouble = strings.TrimPrefix(trouble+"; "+ahead, "; ")
	}
	d.health.troubled(j.Name, trouble)
	d.health.succeeded(d.now(), d.passed(), did(r))
	return nil
}

// importShare is the part of a job's max-runtime that importing may take: half.
const importShare = 2

// placeOf returns where a job's last import stopped. Only runs use it, one at a time.
func (d *runner) placeOf(job string) *jobs.Place {
	if d.places == nil {
		d.places = map[string]*jobs.Place{}
	}
	if d.places[job] == nil {
		d.places[job] = &jobs.Place{}
	}
	return d.places[job]
}

// did summarises a run.
func did(r jobs.Report) string {
	return fmt.Sprintf("%s, %s", term.Plural(r.Run.Imported.New, "new event", "new events"), term.Plural(inserted(r), "new tag", "new tags"))
}

// manyEvents is how many events make most rules compile their patterns, which they keep.
const manyEvents = 20_000

func looked(r jobs.Report) (n int) {
	for _, s := range r.Run.Sources {
		n += s.Events
	}
	return n
}

func inserted(r jobs.Report) (n int) {
	for _, s := range r.Run.Sources {
		n += s.Inserted + s.RetagInserted
	}
	return n + r.Run.Correlation.Inserted
}

// logRun puts a line into the log about a run that did something.
func (d *runner) logRun(name string, r jobs.Report, err error) {
	m, n := r.Run.Imported, inserted(r)
	log := d.log.Info
	if m.New == 0 && m.Learned == 0 && n == 0 && m.Rejected == m.RejectedKnown && err == nil {
		log = d.log.Debug
	}
	args := []any{"job", name, "new", m.New, "known", m.Known, "rejected", m.Rejected, "inserted", n, "took", max(0, r.Run.Finished.Sub(r.Run.Started)).Round(time.Millisecond).String()}
	if m.LeftOut > 0 {
		args = append(args, "left_out", m.LeftOut)
	}
	if m.RejectedKnown > 0 {
		args = append(args, "rejected_known", m.RejectedKnown)
	}
	if m.Learned > 0 || m.Disputed > 0 {
		args = append(args, "learned", m.Learned, "disputed", m.Disputed)
	}
	if err != nil {
		args = append(args, "outcome", term.Clean(err.Error()))
	}
	log("run", args...)
	for _, s := range r.Run.Sources {
		if s.Retagged+s.Removed+s.Replaced > 0 {
			d.log.Info("looked again at events", "source", term.Clean(s.Source), "rules", len(r.Changed), "events", s.Retagged, "tags", s.RetagTags, "inserted", s.RetagInserted, "replaced", s.Replaced, "removed", s.Removed)
		}
	}
	if c := &r.Run.Correlation; c.Inserted+c.Removed+c.Replaced+c.Bounded > 0 {
		d.log.Info("correlations judged", "rules", c.Rules, "days", c.Days, "groups", c.Groups, "tags", c.Tags, "inserted", c.Inserted, "replaced", c.Replaced, "removed", c.Removed, "bounded", c.Bounded, "took", c.Elapsed.Round(time.Millisecond).String())
	}
	d.sayUnclaimed(r.Run.Unclaimed)
}

// sayOnlyCommands warns of days that have only commands, whenever they are others.
func (d *runner) sayOnlyCommands(ctx context.Context, c *settings.Daemon) {
	days, err := d.store.OnlyCommands(ctx, inputs.Readings{}, c.Kinds)
	text := store.OnlyCommandsText(days)
	if err != nil || text == d.onlyCommandsSaid {
		return // whatever reads the store next says what is wrong with it
	}
	if d.onlyCommandsSaid = text; text != "" {
		d.log.Warn(text)
	}
}

// sayUnclaimed logs, once in the life of the process, which kinds of event no rule
// applies to.
func (d *runner) sayUnclaimed(kinds []ttpcron.SourceKind) {
	var news []ttpcron.SourceKind
	for _, k := range kinds {
		if !d.unclaimed[k] {
			news = append(news, k)
		}
	}
	if len(news) == 0 {
		return
	}
	if d.unclaimed == nil {
		d.unclaimed = map[ttpcron.SourceKind]bool{}
	}
	for _, k := range news {
		d.unclaimed[k] = true
	}
	ruleset.SayUnclaimed(d.log, news)
}

// progress is called many times a second while a job runs.
func (d *runner) progress(jobs.Progress) { d.moved.Add(1) }

// fileDone logs what the user should know about a file, once.
func (d *runner) fileDone(notes *inputs.Notes, said *saidOnce) func(jobs.FileReport) {
	return func(f jobs.FileReport) {
		d.moved.Add(1)
		reason := strings.Join(f.Notes, "; ")
		if f.Err != nil {
			reason += f.Err.Error()
		}
		if reason != "" && said.news(f.File+": "+reason) {
			notes.Add(f)
		}
	}
}
