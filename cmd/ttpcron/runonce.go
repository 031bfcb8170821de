package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/jsontext"
)

// bounded is an integer flag with limits, which knows whether it was set.
type bounded struct {
	n, low, high int
	set          bool
}

func (b *bounded) String() string {
	if b == nil || b.n == 0 {
		return ""
	}
	return strconv.Itoa(b.n)
}

func (b *bounded) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < b.low || n > b.high {
		return fmt.Errorf("want a whole number from %d to %d", b.low, b.high)
	}
	b.n, b.set = n, true
	return nil
}

// oneOf is a flag with a few values.
type oneOf struct {
	value  string
	values []string
}

func (o *oneOf) String() string { return o.value }

func (o *oneOf) Set(s string) error {
	for _, v := range o.values {
		if s == v {
			o.value = s
			return nil
		}
	}
	return fmt.Errorf("want %s or %s", strings.Join(o.values[:len(o.values)-1], ", "), o.values[len(o.values)-1])
}

type runOnceOptions struct {
	sinceDays, batchSize, workers bounded
	source                        oneOf
	onInterrupt                   oneOf
	dryRun, changedOnly, json     bool
}

func (a *app) runOnceCommand() *command {
	o := runOnceOptions{
		sinceDays:   bounded{low: 1, high: jobs.MaxSinceDays},
		batchSize:   bounded{n: jobs.DefaultBatchSize, low: 1, high: jobs.MaxBatchSize},
		workers:     bounded{low: 1, high: 256},
		source:      oneOf{jobs.SourceAll, []string{jobs.SourceCommand, jobs.SourceCanary, jobs.SourceAll}},
		onInterrupt: oneOf{interruptCancel, []string{interruptCancel, interruptDetach}},
	}
	fs := a.flags()
	fs.Var(&o.sinceDays, "since-days", "take the events of the last `N` days, 1 to 3650, whatever the checkpoint says (default: resume, or 7 on a first run)")
	fs.Var(&o.source, "source", "`SOURCE`: command, canary or all")
	fs.BoolVar(&o.dryRun, "dry-run", false, "tag and count, but write nothing into the store")
	fs.BoolVar(&o.changedOnly, "rules-changed-only", false, "only look again at what runs have covered, with the rules that are new or changed since: no import, no new events")
	fs.Var(&o.batchSize, "batch-size", "gather `N` tags before an insert, 1 to 100000")
	fs.Var(&o.workers, "workers", "tag with `N` workers; without it with one for each processor")
	fs.Var(&a.set.inputs, "input", "import `[FORMAT:]PATH` first; can be repeated")
	fs.Var(&o.onInterrupt, "on-interrupt", "what Ctrl-C does with a run that a daemon does: `cancel` it, or detach and let it go on")
	fs.BoolVar(&o.json, "json", false, "print one JSON object a line for each source, then for each changed rule")
	return &command{
		name: "run-once", short: "import the inputs, then tag what is new", fs: fs,
		text: `Imports the inputs, replays stored events through the rules, and keeps the tags.

Without --since-days a run resumes: it takes every event that arrived after the
checkpoint of its source, however old, and moves the checkpoint. Where a source
has no checkpoint yet, it takes the events of the last 7 days, says how many
older ones it left out, and sets the checkpoint. With --since-days N it takes the
events of the last N days by the time they happened; the checkpoint moves only
when nothing that arrived after it was left out, and never back.

Sources are command, then canary; all means these and then every further kind of
event in the store to which a rule applies. Tags that exist are left alone, so a
second pass reports inserted 0. A day that the same rules have already covered
is not read again: its events and tags are counted from the store, as known.

When rules are new or changed, or enabled again, a run then looks again at all
that runs have covered before, however old, with just these rules, and lists them.
You need not ask for it; --rules-changed-only does this and nothing else.

--dry-run writes nothing into the store. Inputs are read into a temporary store
($TMPDIR), which is deleted afterwards, and only events that the real store does
not have count as new; "inserted" is what a real run would insert. Of changed
rules it says how many tags each would add, and how many tags the store has of
versions that are no longer loaded: with --rules-changed-only just this.

--batch-size is the least number of tags that are gathered before they are
written; several batches are committed together where that is faster. A run that
is stopped or killed loses at most what it had not committed, and the next one
does that again. Ctrl-C ends a run after the batch in hand, a second one at once.
A run with no rule in force fails. Nothing is ever sent anywhere.

While a daemon has the store the inputs are imported through it, and the run waits
for its turn there. The daemon does it if its rules are those of this command, and
otherwise this command does, while it has its turn. A command that is suspended
loses its turn after 20 seconds and exits with 75 when it goes on; what it had
committed is kept.`,
		examples: `ttpcron run-once --input /var/log/cowrie
ttpcron run-once --since-days 3650 --source command
ttpcron run-once --dry-run --input cowrie:new.json --json
ttpcron run-once --dry-run --rules-changed-only --rules ./my-rules`,
		exits: []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			return a.runOnce(ctx, o)
		},
	}
}

func (a *app) runOnce(ctx context.Context, o runOnceOptions) error {
	if a.set.role == roleAgent {
		return hinted{errors.New("this host is an agent: tags are made on the host that keeps them"), "run run-once there; import and status work here; role = \"standalone\" in the config lets this host keep its own tags"}
	}
	if o.changedOnly && o.sinceDays.set {
		return &usageError{"--rules-changed-only takes no --since-days", "it takes all that runs have covered, however old"}
	}
	rules, report, err := a.loadRules()
	if err != nil {
		return err
	}
	a.warnRules(report)
	inputs, err := a.inputs(a.set.inputs, "", false)
	if err != nil {
		return err
	}
	notes := fileNotes{app: a}
	job := jobs.Job{
		Inputs: inputs, Source: o.source.value, SinceDays: o.sinceDays.n, DryRun: o.dryRun, BatchSize: o.batchSize.n, Workers: o.workers.n,
		ChangedOnly: o.changedOnly,
		Now:         a.now, Log: a.log, FileDone: notes.add,
	}
	db, release, err := a.storeForRun(ctx, o.dryRun, &job)
	if err != nil {
		return err
	}
	defer release()
	life, err := readLife(ctx, db)
	if err != nil {
		return err
	}
	job.Rules, job.Hidden = ruleSet{rules.WithStates(life.states, a.now()), a}, life.hidden()
	show := a.newProgress()
	job.Progress = show.update
	var r jobs.Report
	if served, ok := db.(remoteStore); ok && !o.dryRun {
		r, err = a.runInDaemon(ctx, served, &job, rules.Fingerprint(), o)
	} else {
		r, err = job.Run(ctx)
	}
	show.done()
	notes.end()
	a.warnHorizon(r.Run.Imported)
	if len(r.Run.Sources) == 0 {
		return err
	}
	var old []supersededJSON
	if o.dryRun {
		var serr error
		if old, serr = superseded(context.WithoutCancel(ctx), db, rules); err == nil {
			err = serr
		}
	}
	if perr := a.printRun(ctx, db, r, old, o); err == nil {
		err = perr
	}
	return err
}

// storeForRun opens the store of a run. A dry run reads the real store, or an
// empty one where there is none, and writes into a scratch store.
func (a *app) storeForRun(ctx context.Context, dry bool, job *jobs.Job) (store, func(), error) {
	if !dry {
		db, err := a.openStore(ctx)
		if err != nil {
			return db, nil, err
		}
		job.Store = db
		return db, func() { db.Close() }, nil
	}
	scratch, drop, err := a.scratchStore(ctx)
	if err != nil {
		return scratch, nil, err
	}
	job.Scratch = scratch
	db, err := a.readStore(ctx)
	closeDB := func() { db.Close() }
	if errors.Is(err, errNoStore) {
		a.log.Debug("dry run without a store", "store", a.set.db)
		db, closeDB, err = a.scratchStore(ctx)
	}
	if err != nil {
		drop()
		return db, nil, err
	}
	job.Store = db
	return db, func() { closeDB(); drop() }, nil
}

// printRun prints what a run did.
func (a *app) printRun(ctx context.Context, db store, r jobs.Report, old []supersededJSON, o runOnceOptions) error {
	if o.json {
		for _, s := range r.Run.Sources {
			if err := a.writeJSON(appendSourceJSON(nil, s)); err != nil {
				return err
			}
		}
		a.printNotes(a.stderr, r)
		return a.changedLines(r, old, o.dryRun)
	}
	if len(r.Files) > 0 {
		m := r.Run.Imported
		before := ""
		if m.BeforeHorizon > 0 {
			before = fmt.Sprintf(", %s before the horizon", count(m.BeforeHorizon))
		}
		fmt.Fprintf(a.stdout, "Imported %s: %s lines, %s new, %s known, %s ignored%s, %s rejected%s.\n\n",
			plural(len(r.Files), "file", "files"), count(m.Lines), count(m.New), count(m.Known), count(m.Ignored), before, count(m.Rejected), knownRejects(m))
	}
	if err := sourceTable(r.Run.Sources, o.dryRun).print(a.stdout, a.out); err != nil {
		return err
	}
	if err := a.printChanged(r, old, o.dryRun); err != nil {
		return err
	}
	if err := a.printPicture(ctx, db, r, o.dryRun); err != nil {
		return err
	}
	a.printNotes(a.stdout, r)
	return nil
}

func appendSourceJSON(b []byte, s ttpcron.SourceReport) []byte {
	b = append(b, `{"source":`...)
	b = jsontext.AppendString(b, s.Source)
	return fmt.Appendf(b, `,"events":%d,"commands":%d,"tagged":%d,"tags":%d,"inserted":%d,"known":%d,"skipped":%d,"bounded":%d,"left":%d,"retagged":%d,"retag_tags":%d,"retag_inserted":%d,"dry_run":%t,"elapsed_s":%s}`+"\n",
		s.Events, s.Commands, s.Tagged, s.Tags, s.Inserted, s.Known, s.Skipped, s.Bounded, s.Left, s.Retagged, s.RetagTags, s.RetagInserted, s.DryRun, strconv.FormatFloat(s.Elapsed.Seconds(), 'f', 3, 64))
}

func sourceTable(sources []ttpcron.SourceReport, dry bool) *table {
	inserted := "INSERTED"
	if dry {
		inserted = "WOULD INSERT"
	}
	t := &table{columns: []column{
		{title: "SOURCE", sgr: cyan}, {title: "EVENTS", right: true}, {title: "COMMANDS", right: true}, {title: "TAGGED", right: true}, {title: "TAGS", right: true},
		{title: inserted, right: true, sgr: green}, {title: "KNOWN", right: true}, {title: "SKIPPED", right: true}, {title: "TIME", right: true},
	}}
	for _, s := range sources {
		t.add(s.Source, count(s.Events), count(s.Commands), count(s.Tagged), count(s.Tags), count(s.Inserted), count(s.Known), count(s.Skipped), ago(s.Elapsed))
	}
	return t
}

// printNotes says what the numbers alone do not.
func (a *app) printNotes(w io.Writer, r jobs.Report) {
	for _, s := range r.Run.Sources {
		if s.Left > 0 {
			fmt.Fprintf(w, "\nFirst run of %s: it took the events since %s and left out %s.\nTo include them: ttpcron run-once --since-days %d\n",
				clean(s.Source), shown(r.Since), plural(s.Left, "older one", "older ones"), jobs.MaxSinceDays)
		}
		if s.Bounded > 0 {
			fmt.Fprintf(w, "\nOn %s a rule met a limit of work or size and did not finish.\n", plural(s.Bounded, clean(s.Source)+" event", clean(s.Source)+" events"))
		}
	}
}
