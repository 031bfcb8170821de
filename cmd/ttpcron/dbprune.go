package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/retention"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
)

type pruneOptions struct {
	keepEvents, keepTags string
	dryRun, yes, json    bool
	forgetHorizon        bool
	orphans              bool
	source               sourceFlag
}

func dbPrune() *command {
	var o pruneOptions
	fs := cli.NewFlags()
	cli.TextVar(fs, &o.keepEvents, "keep-events", "keep events of the last `DURATION`, such as 365d or 52w; remove older ones that have no tags")
	cli.TextVar(fs, &o.keepTags, "keep-tags", "keep tags whose events are of the last `DURATION`, with these events; remove older ones (default: keep all)")
	fs.BoolVar(&o.dryRun, "dry-run", false, "show what would be removed, and remove nothing")
	fs.BoolVar(&o.yes, "yes", false, "remove even if it is a lot at once, or everything, or not yet looked at by a run")
	fs.BoolVar(&o.forgetHorizon, "forget-horizon", false, "remove nothing; let events of removed days be imported again")
	fs.BoolVar(&o.orphans, "orphans", false, "remove only the tags of rules that are not loaded, of any day")
	o.source = jobs.SourceAll
	fs.Var(&o.source, "source", "with --forget-horizon: only `SOURCE`: command, canary, another kind of event, or all")
	fs.BoolVar(&o.json, "json", false, "print one JSON object")
	return &command{
		Name: "db prune", Short: "remove old days from the store", Flags: fs,
		Text: `Removes events from before a UTC day, the earliest first. Events with tags stay
as long as their tags do. So --keep-events removes events without tags, and
--keep-tags removes tags together with their events. Tags can be kept longer
than events but not shorter, since the next run would make them again.

Age is measured by this machine's clock, which may be wrong, and removed events
come back only from the logs. So db prune removes nothing without --yes if it
would remove

  - more than a quarter of the events or tags (unless all of them lie within two
    days of the cutoff, as when you prune every day),
  - anything, when no event is newer than the cutoff, or
  - events that no run has looked at.

It says which of these applies. The daemon waits a day and looks again before it
removes more than a quarter, and removes nothing while no event is newer than
the cutoff.

The day after the last one that lost events is the horizon. When a log holds
events of earlier days, of any kind, import skips and counts them.
--forget-horizon admits them again and prints the old horizon; ttpcron import
--again PATH then rereads the logs.

--orphans removes the tags of rules that are not loaded, whatever their age. It
needs --yes, because such rules may still exist: in a folder that is not
mounted, or that another command loads with --rules. It does nothing while any
rule file is broken. If such a rule comes back, a run applies it to the history
again.

Checkpoints stay, as does the record of what runs have covered in the remaining
days. If interrupted, db prune keeps what it has done, and you can repeat it.
The space becomes free within the file; ttpcron db compact returns it to the
disk.`,
		Examples: "ttpcron db prune --keep-events 365d --dry-run\nttpcron db prune --keep-events 90d --keep-tags 730d\nttpcron db prune --orphans --dry-run\nttpcron db prune --forget-horizon --source command",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			if o.forgetHorizon {
				return forgetHorizon(ctx, s.out, s.stores, o)
			}
			if o.orphans {
				return pruneOrphans(ctx, s, o)
			}
			p, err := o.plan(s.now())
			if err != nil {
				return err
			}
			return prune(ctx, s, p, o)
		},
	}
}

// plan validates the flags.
func (o *pruneOptions) plan(now time.Time) (p kv.Prune, err error) {
	if o.sourceGiven() {
		return p, cli.Usage("--source goes with --forget-horizon", "days are taken out of all sources")
	}
	if o.keepEvents == "" {
		return p, cli.Usage("nothing says what to keep", "ttpcron db prune --keep-events 365d --dry-run shows what would go")
	}
	if p.EventsBefore, err = keepFrom("--keep-events", o.keepEvents, now); err != nil {
		return p, err
	}
	if o.keepTags == "" {
		return p, nil
	}
	if p.TagsBefore, err = keepFrom("--keep-tags", o.keepTags, now); err != nil {
		return p, err
	}
	if p.TagsBefore > p.EventsBefore {
		return p, cli.Usage("--keep-tags is shorter than --keep-events", "tags of events that are kept would be made again by the next run")
	}
	return p, nil
}

func (o *pruneOptions) sourceGiven() bool { return o.source != jobs.SourceAll }

// keepFrom returns the first day to keep.
func keepFrom(flag, value string, now time.Time) (ttpcron.Day, error) {
	d, ok := cli.ParseAgo(value)
	if !ok || d < 24*time.Hour {
		return 0, cli.Usage(fmt.Sprintf("%s is %q, want a time of a day or more", flag, value), "such as 365d, 52w or 36h")
	}
	return max(0, ttpcron.DayOf(now.Add(-d))), nil
}

type pruneJSON struct {
	EventsBefore string       `json:"events_before"`
	TagsBefore   *string      `json:"tags_before"`
	DryRun       bool         `json:"dry_run"`
	Sources      []prunedJSON `json:"sources"`
	Tags         int          `json:"tags"`
	TagDays      int          `json:"tag_days"`
	Bytes        int64        `json:"bytes"`      // of the store
	FreeBytes    int64        `json:"free_bytes"` // of which are free for reuse
}

type prunedJSON struct {
	Source  string `json:"source"`
	Days    int    `json:"days"`
	Events  int    `json:"events"`
	Waiting int    `json:"waiting"`
}

func prune(ctx context.Context, s *session, p kv.Prune, o pruneOptions) error {
	db, err := s.stores.Change(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	p.DryRun = true
	r, err := db.File.Prune(ctx, p)
	if err != nil {
		return err
	}
	if !o.dryRun {
		if err := mayPrune(ctx, s.now, db, p, r); err != nil && !o.yes {
			return err
		}
		p.DryRun = false
		show, done := watchFile(s.out, s.log, s.now, "prune", 0)
		p.Progress = show
		r, err = db.File.Prune(ctx, p)
		done()
		if err != nil {
			return err
		}
	}
	st, err := db.File.Stats(ctx)
	if err != nil {
		return err
	}
	result := pruneJSON{EventsBefore: p.EventsBefore.String(), DryRun: o.dryRun, Sources: []prunedJSON{}, Tags: r.Tags, TagDays: r.TagDays, Bytes: st.FileBytes, FreeBytes: st.FreeBytes}
	if o.keepTags != "" {
		day := p.TagsBefore.String()
		result.TagsBefore = &day
	}
	for _, k := range r.Kinds {
		result.Sources = append(result.Sources, prunedJSON{jobs.SourceOf(k.Kind), k.Days, k.Events, k.Waiting})
	}
	if o.json {
		err = s.out.JSON(result)
	} else {
		err = printPruned(s.out, result)
	}
	return closing(err, db)
}

// mayPrune reports why a pruning needs confirmation: it would remove events that no rule
// has seen, or a large part, or everything.
func mayPrune(ctx context.Context, now func() time.Time, db *store.Store, p kv.Prune, r kv.PruneReport) error {
	st, err := db.File.Stats(ctx)
	if err != nil {
		return err
	}
	cursors, err := db.Ledger.Cursors(ctx)
	if err != nil {
		return err
	}
	tagged := map[ttpcron.SourceKind]bool{ttpcron.Command: true, ttpcron.CanaryFingerprint: true}
	for _, c := range cursors {
		tagged[c.Kind] = true
	}
	var untagged []string
	for _, k := range r.Kinds {
		if k.Waiting > 0 && tagged[k.Kind] {
			untagged = append(untagged, fmt.Sprintf("%s of %s", term.Count(k.Waiting), jobs.SourceOf(k.Kind)))
		}
	}
	h := retention.Counts(p, r, st)
	switch why := retention.Reason(p, r, st); {
	case why == kv.HeldAll:
		return cli.Hint(fmt.Errorf("there are no events of %s or later, and %s of %s would be taken out; this machine's clock says %s", p.EventsBefore, term.Count(h.Events), term.Plural(h.OfEvents, "event", "events"), term.Time(now())),
			"nothing was done; --yes does it")
	case len(untagged) > 0:
		return cli.Hint(fmt.Errorf("no run has looked at some of the events before %s: %s", p.EventsBefore, strings.Join(untagged, ", ")),
			"nothing was done; tag them with ttpcron run-once, or take them out with --yes")
	case why != "":
		return cli.Hint(fmt.Errorf("much would be taken out at once: %s; this machine's clock says %s", retention.Amount(h), term.Time(now())),
			"nothing was done; --yes does it")
	}
	return nil
}

func printPruned(out *term.Output, r pruneJSON) error {
	verb, which := "removed", ""
	switch {
	case r.TagsBefore == nil:
		which = "without tags "
	case *r.TagsBefore < r.EventsBefore:
		which = "to take out "
	}
	if r.DryRun {
		verb = "would remove"
	}
	for _, s := range r.Sources {
		waiting := ""
		if s.Waiting > 0 && r.DryRun {
			waiting = fmt.Sprintf(", %s of them not looked at by any run", term.Count(s.Waiting))
		}
		fmt.Fprintf(out, "%s: %s %s of %s before %s%s\n", term.Clean(s.Source), verb, term.Plural(s.Events, "event", "events"), term.Plural(s.Days, "day", "days"), r.EventsBefore, waiting)
	}
	if len(r.Sources) == 0 {
		fmt.Fprintf(out, "there are no events %sbefore %s\n", which, r.EventsBefore)
	}
	if r.TagsBefore != nil {
		fmt.Fprintf(out, "tags: %s %s of %s before %s\n", verb, term.Plural(r.Tags, "tag", "tags"), term.Plural(r.TagDays, "day", "days"), *r.TagsBefore)
	}
	if !r.DryRun {
		printRoom(out, r.Bytes, r.FreeBytes)
	}
	return nil
}

// printRoom says how much of the store is free.
func printRoom(out *term.Output, bytes, free int64) {
	fmt.Fprintf(out, "the store has %s, of which %s are free\n", term.Bytes(bytes), term.Bytes(free))
	if halfFree(bytes, free) != "" {
		fmt.Fprintln(out, "ttpcron db compact gives them back to the disk")
	}
}
