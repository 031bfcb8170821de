package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/daemon"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/inputs"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/retention"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/jsontext"
)

type runOnceOptions struct {
	sinceDays, batchSize, workers cli.Bounded
	source                        sourceFlag
	onInterrupt                   cli.OneOf
	dryRun, changedOnly, json     bool
}

func runOnceCommand() *command {
	o := runOnceOptions{
		sinceDays:   cli.Bounded{Low: 1, High: jobs.MaxSinceDays},
		batchSize:   cli.Bounded{N: jobs.DefaultBatchSize, Low: 1, High: jobs.MaxBatchSize},
		workers:     cli.Bounded{Low: 1, High: 256},
		source:      jobs.SourceAll,
		onInterrupt: cli.OneOf{Value: daemon.InterruptCancel, Values: []string{daemon.InterruptCancel, daemon.InterruptDetach}},
	}
	fs := cli.NewFlags()
	fs.Var(&o.sinceDays, "since-days", "take the events of the last `N` days, 1 to 3650, instead of resuming at the checkpoint")
	fs.Var(&o.source, "source", sourceUsage)
	fs.BoolVar(&o.dryRun, "dry-run", false, "tag and count, but write nothing to the store")
	fs.BoolVar(&o.changedOnly, "rules-changed-only", false, "only apply new and changed rules to what earlier runs covered; no import, no new events")
	fs.Var(&o.batchSize, "batch-size", "gather at least `N` tags before a write, 1 to 100000")
	fs.Var(&o.workers, "workers", "tag with `N` workers (default: one for each processor)")
	settings.ShareInputs(fs, "import `[FORMAT:]PATH` first; can be repeated")
	fs.Var(&o.onInterrupt, "on-interrupt", "on Ctrl-C during a run in the daemon: `WHAT` is cancel, or detach to let it continue")
	fs.BoolVar(&o.json, "json", false, "print one JSON object a line: each source, the correlations, each changed rule")
	return &command{
		Name: "run-once", Short: "import the inputs, then tag what is new", Flags: fs,
		Text: `Imports the inputs, replays stored events through the rules, and keeps the tags.

Without --since-days a run resumes: it takes every event that arrived after its
source's checkpoint, however old, and moves the checkpoint. In a first run, that
is every event. With --since-days 7 it takes the events that happened in the
last 7 days. The checkpoint then moves only if nothing that arrived after it was
left out, and never back.

Sources are command and canary; all means these, and then every other kind of
event in the store to which a rule applies. Existing tags are left alone, so a
second pass reports inserted 0. A day that the same rules have already covered
is not read again: its events and tags are counted as known.

If rules are new, changed or enabled again, the run then applies just these to
everything that earlier runs covered, however old, and lists them. Tags that a
changed rule no longer makes are removed, and those that it makes differently
are replaced, so the store always shows what the rules in force say.
--rules-changed-only does only this. If a later copy of a log completed an
event, or the store does not know which rules have looked, as after an upgrade,
all rules look again; the run lists those whose tags changed.

When all events are tagged, correlations are judged: on what changed among the
events that their rules match, or on everything if they are new or changed. Tags
that a correlation no longer finds are removed.

--dry-run writes nothing to the store. Inputs are read into a temporary store in
$TMPDIR, which is then deleted. Only events that the real store does not have
count as new; "inserted" is what a real run would insert. It lists by rule and
technique how many tags would be added, changed and removed, and which rules
have tags but are not loaded; with --rules-changed-only only this. Correlations
are judged on events that runs have looked at. It says for which ones it cannot
know that, as when the rules that they count are new.

--batch-size is the least number of tags gathered before they are written;
several batches may be committed together. A run that is stopped or killed loses
at most what it had not committed, and the next run repeats that. Ctrl-C ends a
run after the current batch; a second Ctrl-C ends it at once. A run fails if no
rule is in force. Nothing is ever sent over a network.

While a daemon has the store, the inputs are imported through it, and the run
waits for its turn. If the daemon has the same rules as this command, the daemon
does the run; otherwise this command does, during its turn. A command that is
suspended loses its turn after 20 seconds and exits with 75 when it continues.
What it had committed is kept.`,
		Examples: `ttpcron run-once --input /var/log/cowrie
ttpcron run-once --since-days 7 --source command
ttpcron run-once --dry-run --input cowrie:new.json --json
ttpcron run-once --dry-run --rules-changed-only --rules ./my-rules`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			return runOnce(ctx, s, o)
		},
	}
}

func runOnce(ctx context.Context, s *session, o runOnceOptions) error {
	if s.set.Role == settings.RoleAgent {
		return cli.Hint(errors.New("this host is an agent: tags are made on the host that keeps them"), "run run-once there; import and status work here; role = \"standalone\" in the config lets this host keep its own tags")
	}
	if o.changedOnly && o.sinceDays.IsSet {
		return cli.Usage("--rules-changed-only takes no --since-days", "it takes all that runs have covered, however old")
	}
	rules, report, err := loadRules(s.set, s.log)
	if err != nil {
		return err
	}
	ruleset.Warn(s.log, report)
	found, err := inputs.Find(s.set.Inputs, inputs.Options{Catalog: s.set.Formats, Demanding: s.given.Has("input"), Kinds: s.set.Kinds, Now: s.now, Stdin: s.stdin})
	if err != nil {
		return err
	}
	if s.stores.Absent() {
		if err := jobs.CheckSource(string(o.source), nil); err != nil {
			return err // before a store is made
		}
	}
	if err := nothingToStore(ctx, s, found); err != nil {
		return err
	}
	notes := inputs.Notes{Log: s.log}
	job := jobs.Job{
		Inputs: found, Source: string(o.source), SinceDays: o.sinceDays.N, DryRun: o.dryRun, BatchSize: o.batchSize.N, Workers: o.workers.N,
		ChangedOnly: o.changedOnly, OwnNetworks: s.set.OwnNetworks, Names: s.set.Attack,
		Now: s.now, Log: s.log, FileDone: notes.Add,
	}
	db, release, err := storeForRun(ctx, s.stores, o.dryRun, &job)
	if err != nil {
		return err
	}
	defer release()
	if _, err := o.source.kinds(ctx, db); err != nil {
		return err // before anything is imported, or a run begins that the store would list
	}
	life, err := ruleset.ReadLife(ctx, db.Rules)
	if err != nil {
		return err
	}
	job.Rules, job.Decided = life.InForce(rules, s.now()), life.Decided(s.now())
	show := newProgress(s.out, s.log, s.now)
	job.Progress = show.update
	there := daemon.There{Job: &job, Store: db, Rules: rules.Fingerprint(), AttackRelease: s.set.Attack.Number(), Detach: o.onInterrupt.Value == daemon.InterruptDetach, Log: s.log}
	r, err := runHereOrThere(ctx, &there)
	show.done()
	notes.End()
	retention.WarnHorizon(s.log, r.Run.Imported, s.now())
	ruleset.SayUnclaimed(s.log, r.Run.Unclaimed)
	if kerr := warnKinds(ctx, s.log, db, s.set.Kinds, r.Files); err == nil {
		err = kerr
	}
	if !o.dryRun {
		if serr := sayOnlyCommands(ctx, s.log, db, s.set.Kinds, r.Files); err == nil {
			err = serr
		}
	}
	if len(r.Run.Sources)+len(r.Files)+r.Run.Correlation.Rules == 0 {
		return err // it did nothing
	}
	var old []orphanJSON
	if o.dryRun {
		var serr error
		if old, serr = orphans(context.WithoutCancel(ctx), db, rules); err == nil {
			err = serr
		}
	}
	if perr := printRun(ctx, s.out, db, r, s.set, old, o); err == nil {
		err = perr
	}
	return err
}

// runHereOrThere does a run in this process, or asks the daemon that has the store to do
// it. A dry run only reads the store, and needs no turn.
func runHereOrThere(ctx context.Context, there *daemon.There) (jobs.Report, error) {
	if _, served := there.Store.Daemon(); served && !there.Job.DryRun {
		return there.Run(ctx)
	}
	return there.Job.Run(ctx)
}

// storeForRun opens the store of a run. A dry run reads the real store, or an empty one if
// there is none, and writes into a scratch store.
func storeForRun(ctx context.Context, stores *store.Opener, dry bool, job *jobs.Job) (*store.Store, func(), error) {
	if !dry {
		db, err := stores.Write(ctx)
		if err != nil {
			return db, nil, err
		}
		job.Store = db.Jobs()
		return db, func() { db.Close() }, nil
	}
	scratch, drop, err := store.Scratch(ctx, stores.Now)
	if err != nil {
		return scratch, nil, err
	}
	tagged := scratch.Jobs()
	job.Scratch = &tagged
	db, err := stores.Read(ctx)
	closeDB := func() { db.Close() }
	if errors.Is(err, store.ErrNone) {
		stores.Log.Debug("dry run without a store", "store", stores.DB)
		db, closeDB, err = store.Scratch(ctx, stores.Now)
	}
	if err != nil {
		drop()
		return db, nil, err
	}
	job.Store = db.Jobs()
	return db, func() { closeDB(); drop() }, nil
}

// printRun prints what a run did.
func printRun(ctx context.Context, out *term.Output, db *store.Store, r jobs.Report, set *settings.Settings, old []orphanJSON, o runOnceOptions) error {
	if o.json {
		for _, s := range r.Run.Sources {
			if err := out.RawJSON(appendSourceJSON(nil, s)); err != nil {
				return err
			}
		}
		if c := correlationsOf(&r.Run.Correlation); c != nil {
			c.Unforetold, c.Untagged = r.Unforetold, r.Untagged
			if err := out.JSON(c); err != nil {
				return err
			}
		}
		printNotes(out.Err, r)
		return changedLines(out, r, old, o.dryRun)
	}
	if len(r.Files) > 0 {
		printImported(out, r.Files, &r.Run.Imported)
		fmt.Fprintln(out)
	}
	if len(r.Run.Sources)+r.Run.Correlation.Rules == 0 {
		return nil // it ended before it tagged anything
	}
	if len(r.Run.Sources) > 0 {
		if err := out.Table(sourceTable(r.Run.Sources, o.dryRun)); err != nil {
			return err
		}
		if r.Run.Correlation.Rules > 0 {
			fmt.Fprintln(out)
		}
	}
	printCorrelations(out, &r)
	if err := printChanged(out, r, old, o.dryRun); err != nil {
		return err
	}
	if err := printPicture(ctx, out, db, r, set, o.dryRun); err != nil {
		return err
	}
	printNotes(out, r)
	return nil
}

func appendSourceJSON(b []byte, s ttpcron.SourceReport) []byte {
	b = append(b, `{"source":`...)
	b = jsontext.AppendString(b, s.Source)
	return fmt.Appendf(b, `,"events":%d,"commands":%d,"tagged":%d,"tags":%d,"inserted":%d,"known":%d,"skipped":%d,"bounded":%d,"retagged":%d,"retag_tags":%d,"retag_inserted":%d,"replaced":%d,"removed":%d,"dry_run":%t,"elapsed_s":%s}`+"\n",
		s.Events, s.Commands, s.Tagged, s.Tags, s.Inserted, s.Known, s.Skipped, s.Bounded, s.Retagged, s.RetagTags, s.RetagInserted, s.Replaced, s.Removed, s.DryRun, strconv.FormatFloat(s.Elapsed.Seconds(), 'f', 3, 64))
}

func sourceTable(sources []ttpcron.SourceReport, dry bool) *term.Table {
	inserted := "INSERTED"
	if dry {
		inserted = "WOULD INSERT"
	}
	t := &term.Table{Columns: []term.Column{
		{Title: "SOURCE", SGR: term.Cyan}, {Title: "EVENTS", Right: true}, {Title: "COMMANDS", Right: true}, {Title: "TAGGED", Right: true}, {Title: "TAGS", Right: true},
		{Title: inserted, Right: true, SGR: term.Green}, {Title: "KNOWN", Right: true}, {Title: "SKIPPED", Right: true}, {Title: "TIME", Right: true},
	}}
	for _, s := range sources {
		t.Add(s.Source, term.Count(s.Events), term.Count(s.Commands), term.Count(s.Tagged), term.Count(s.Tags), term.Count(s.Inserted), term.Count(s.Known), term.Count(s.Skipped), term.Ago(s.Elapsed))
	}
	return t
}

// printNotes prints what the numbers alone do not show.
func printNotes(w io.Writer, r jobs.Report) {
	for _, s := range r.Run.Sources {
		if s.Bounded > 0 {
			fmt.Fprintf(w, "\nOn %s a rule met a limit of work or size and did not finish.\n", term.Plural(s.Bounded, term.Clean(s.Source)+" event", term.Clean(s.Source)+" events"))
		}
	}
	noteBoundedGroups(w, &r.Run.Correlation)
	noteUnforetold(w, &r)
}
