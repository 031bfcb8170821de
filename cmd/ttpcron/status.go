package main

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
)

// runsShown is how many runs status shows.
const runsShown = 5

func (a *app) statusCommand() *command {
	fs := a.flags()
	asJSON := fs.Bool("json", false, "print one JSON object")
	return &command{
		name: "status", short: "show what the store holds and how far runs have come", fs: fs,
		text: `Shows the size of the store, events and tags by source, for each source the
checkpoint and how many events came after it, the last runs, and where rules
come from. WAITING is what a run without --since-days would take; "<" means that
it may be fewer. Nothing is scanned and no rule is compiled, so that it answers at
once: rules check says whether all rules are sound.`,
		examples: "ttpcron status\nttpcron status --json | jq .sources",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			s, err := a.gatherStatus(ctx)
			if err != nil {
				return err
			}
			if *asJSON {
				return a.printJSON(s)
			}
			return a.printStatus(s)
		},
	}
}

// status is what status shows; its JSON form is its documentation.
type status struct {
	Store   storeStatus    `json:"store"`
	Role    string         `json:"role"`
	Rules   rulesStatus    `json:"rules"`
	Sources []sourceStatus `json:"sources"`
	Runs    []runStatus    `json:"runs"`
}

type storeStatus struct {
	Path            string    `json:"path"`
	Schema          int       `json:"schema"`
	Bytes           int64     `json:"bytes"`
	FreeBytes       int64     `json:"free_bytes"`
	LastSeq         uint64    `json:"last_seq"`
	Files           int       `json:"files"`
	Rejects         int       `json:"rejects"`
	RejectsDropped  int       `json:"rejects_dropped"`
	DaysWithTags    int       `json:"days_with_tags"`
	TagsOfAllKinds  int       `json:"tags"`
	EventsOfAllKind int       `json:"events"`
	Held            *heldJSON `json:"held"` // old, and not taken out yet; null: nothing
}

type rulesStatus struct {
	Sources  []rulesSource `json:"sources"`
	Disabled int           `json:"disabled"`
	Clipped  int           `json:"clipped"`
	Retired  int           `json:"retired"`  // rules, or versions of rules, whose tags are hidden
	RuleSet  string        `json:"rule_set"` // of the last run
}

type rulesSource struct {
	Name  string `json:"name"`
	Files int    `json:"files"`
}

type sourceStatus struct {
	Source       string     `json:"source"`
	Events       int        `json:"events"`
	Tags         int        `json:"tags"`
	Days         int        `json:"days"`
	Earliest     *time.Time `json:"earliest"`
	Latest       *time.Time `json:"latest"` // the newest that is not dated in the future
	Checkpoint   *uint64    `json:"checkpoint"`
	UpdatedAt    *time.Time `json:"checkpoint_at"`
	Waiting      int        `json:"waiting"`
	WaitingExact bool       `json:"waiting_exact"`
	FutureEvents int        `json:"future_events"`
	FutureDays   int        `json:"future_days"`
	FutureLatest *time.Time `json:"future_latest"`
	Horizon      *string    `json:"horizon"` // events of earlier days do not come in; null: of every day
}

type runStatus struct {
	ID       string     `json:"id"`
	Started  time.Time  `json:"started"`
	Finished *time.Time `json:"finished"`
	Outcome  string     `json:"outcome"`
	Since    *time.Time `json:"since"`
	Imported int        `json:"imported"`
	Before   int        `json:"before_horizon"` // events passed over: of days that were taken out
	Events   int        `json:"events"`
	Tags     int        `json:"tags"`
	Inserted int        `json:"inserted"`
	Known    int        `json:"known"`
	Sources  []string   `json:"sources"`
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (a *app) gatherStatus(ctx context.Context) (status, error) {
	var s status
	db, err := a.readStore(ctx)
	if err != nil {
		return s, err
	}
	defer db.Close()
	st, err := db.Stats(ctx)
	if err != nil {
		return s, err
	}
	s.Role = a.set.role
	if s.Rules, err = a.statusOfRules(ctx, db); err != nil {
		return s, err
	}
	s.Store = storeStatus{
		Path: st.Path, Schema: st.Schema, Bytes: st.FileBytes, FreeBytes: st.FreeBytes, LastSeq: st.LastSeq, Files: st.FilePositions,
		Rejects: st.Rejects, RejectsDropped: st.RejectsDropped, DaysWithTags: st.TagDays,
	}
	for _, k := range st.Kinds {
		s.Store.EventsOfAllKind += k.Events
		s.Store.TagsOfAllKinds += k.Tags
	}
	s.Store.Held = heldOf(&st.Clock, a.now())
	if s.Sources, err = sourcesOf(ctx, db, st); err != nil {
		return s, err
	}
	runs, err := db.Runs(ctx, runsShown)
	for _, r := range runs {
		s.Runs = append(s.Runs, statusOfRun(r))
		s.Rules.RuleSet = cmp.Or(s.Rules.RuleSet, r.RuleSet)
	}
	return s, err
}

// statusOfRules counts rule files and the states that are in force.
func (a *app) statusOfRules(ctx context.Context, db store) (rulesStatus, error) {
	s := rulesStatus{Sources: []rulesSource{}}
	sources, err := a.allRuleFolders()
	if err != nil {
		return s, err
	}
	for _, src := range sources {
		files, err := countRuleFiles(src.FS)
		if err != nil {
			return s, fmt.Errorf("rules: %s: %w", src.Name, err)
		}
		s.Sources = append(s.Sources, rulesSource{src.Name, files})
	}
	life, err := readLife(ctx, db)
	s.Retired = len(life.retired)
	for _, st := range life.states {
		switch st.At(a.now()) {
		case ttpcron.StatusDisabled:
			s.Disabled++
		case ttpcron.StatusClipped:
			s.Clipped++
		}
	}
	return s, err
}

// countRuleFiles counts the YAML files of a folder of rules.
func countRuleFiles(folder fs.FS) (int, error) {
	n := 0
	err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if ext := path.Ext(name); err == nil && !d.IsDir() && (ext == ".yaml" || ext == ".yml") {
			n++
		}
		return err
	})
	return n, err
}

// sourcesOf describes the kinds that are stored or have a checkpoint, commands
// and canaries first.
func sourcesOf(ctx context.Context, db store, st kv.Stats) ([]sourceStatus, error) {
	kinds := st.Kinds
	list, err := db.Cursors(ctx)
	if err != nil {
		return nil, err
	}
	cursors := map[ttpcron.SourceKind]ttpcron.Cursor{}
	for _, c := range list {
		cursors[c.Kind] = c
		if !slices.ContainsFunc(kinds, func(k kv.KindStats) bool { return k.Kind == c.Kind }) {
			kinds = append(kinds, kv.KindStats{Kind: c.Kind})
		}
	}
	for _, h := range st.Horizons {
		if !slices.ContainsFunc(kinds, func(k kv.KindStats) bool { return k.Kind == h.Kind }) {
			kinds = append(kinds, kv.KindStats{Kind: h.Kind})
		}
	}
	slices.SortStableFunc(kinds, func(a, b kv.KindStats) int {
		return cmp.Or(cmp.Compare(kindRank(a.Kind), kindRank(b.Kind)), cmp.Compare(a.Kind, b.Kind))
	})
	out := []sourceStatus{}
	for _, k := range kinds {
		s := sourceStatus{
			Source: jobs.SourceOf(k.Kind), Events: k.Events, Tags: k.Tags, Days: k.Days,
			Earliest: timeOrNull(k.Earliest), Latest: timeOrNull(k.Newest), FutureEvents: k.Future, FutureDays: k.FutureDays,
		}
		if k.Future > 0 {
			s.FutureLatest = timeOrNull(k.Latest)
		}
		for _, h := range st.Horizons {
			if h.Kind == k.Kind {
				day := h.Before.String()
				s.Horizon = &day
			}
		}
		if c, ok := cursors[k.Kind]; ok {
			s.Checkpoint, s.UpdatedAt = &c.Seq, timeOrNull(c.UpdatedAt)
		}
		if s.Waiting, s.WaitingExact, err = jobs.Waiting(ctx, db, k.Kind, cursors[k.Kind].Seq); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func kindRank(k ttpcron.SourceKind) int {
	switch k {
	case ttpcron.Command:
		return 0
	case ttpcron.CanaryFingerprint:
		return 1
	}
	return 2
}

func statusOfRun(r ttpcron.Run) runStatus {
	s := runStatus{ID: r.ID, Started: r.Started.UTC(), Finished: timeOrNull(r.Finished), Outcome: r.Outcome, Since: timeOrNull(r.Window.Since), Imported: r.Imported.New, Before: r.Imported.BeforeHorizon, Sources: []string{}}
	for _, src := range r.Sources {
		s.Events += src.Events + src.Retagged
		s.Tags += src.Tags + src.RetagTags
		s.Inserted += src.Inserted + src.RetagInserted
		s.Known += src.Known + src.RetagTags - src.RetagInserted
		s.Sources = append(s.Sources, src.Source)
	}
	return s
}

func (a *app) printStatus(s status) error {
	label := func(name string) string { return a.out.paint(bold, fmt.Sprintf("%-7s", name)) }
	fmt.Fprintf(a.stdout, "%s %s, %s, %s, schema %d\n", label("store"), clean(s.Store.Path), bytesText(s.Store.Bytes), plural(s.Store.Files, "file read", "files read"), s.Store.Schema)
	if n := s.Store.Rejects + s.Store.RejectsDropped; n > 0 {
		fmt.Fprintf(a.stdout, "%s %s rejected (ttpcron import --rejected)\n", label(""), plural(n, "line", "lines"))
	}
	if text := halfFree(s.Store.Bytes, s.Store.FreeBytes); text != "" {
		fmt.Fprintf(a.stdout, "%s %s\n", label(""), text)
	}
	if s.Store.Held != nil {
		fmt.Fprintf(a.stdout, "%s %s\n", label(""), a.out.paint(yellow, s.Store.Held.Text))
	}
	var from []string
	for _, src := range s.Rules.Sources {
		from = append(from, fmt.Sprintf("%s from %s", plural(src.Files, "file", "files"), clean(src.Name)))
	}
	fmt.Fprintf(a.stdout, "%s %s", label("rules"), cmp.Or(strings.Join(from, ", "), "none"))
	for _, n := range []struct {
		n    int
		what string
	}{{s.Rules.Disabled, "disabled"}, {s.Rules.Clipped, "clipped"}, {s.Rules.Retired, "retired"}} {
		if n.n > 0 {
			fmt.Fprintf(a.stdout, "; %d %s", n.n, n.what)
		}
	}
	fmt.Fprintln(a.stdout)
	if s.Role != roleStandalone {
		fmt.Fprintf(a.stdout, "%s %s\n", label("role"), s.Role)
	}
	fmt.Fprintln(a.stdout)
	if err := a.printSources(s.Sources); err != nil {
		return err
	}
	return a.printRuns(s.Runs)
}

func (a *app) printSources(sources []sourceStatus) error {
	if len(sources) == 0 {
		fmt.Fprintln(a.stdout, "No events yet: ttpcron import PATH")
		return nil
	}
	t := table{columns: []column{
		{title: "SOURCE", sgr: cyan}, {title: "EVENTS", right: true}, {title: "TAGS", right: true, sgr: green}, {title: "FROM"}, {title: "TO"},
		{title: "CHECKPOINT", right: true}, {title: "WAITING", right: true, sgr: yellow}, {title: "LAST MOVED"},
	}}
	for _, s := range sources {
		checkpoint, waiting, moved := "none", count(s.Waiting), ""
		if s.Checkpoint != nil {
			checkpoint = count(*s.Checkpoint)
		}
		if !s.WaitingExact {
			waiting = "<" + waiting
		}
		if s.UpdatedAt != nil {
			moved = away(*s.UpdatedAt, a.now())
		}
		t.add(s.Source, count(s.Events), count(s.Tags), dayOf(s.Earliest), dayOf(s.Latest), checkpoint, waiting, moved)
	}
	if err := t.print(a.stdout, a.out); err != nil {
		return err
	}
	for _, s := range sources {
		a.printAhead(s)
	}
	return nil
}

// printAhead says what of a source lies in the future.
func (a *app) printAhead(s sourceStatus) {
	if s.FutureEvents > 0 {
		fmt.Fprintf(a.stdout, "%s: %s of %s dated in the future, the latest %s, %s: was a clock wrong?\n", clean(s.Source),
			plural(s.FutureEvents, "event", "events"), plural(s.FutureDays, "day is", "days are"), shown(*s.FutureLatest), away(*s.FutureLatest, a.now()))
	}
	if s.Horizon != nil && *s.Horizon > ttpcron.DayOf(a.now()).String() {
		fmt.Fprintf(a.stdout, "%s: events before %s do not come in, which lies in the future: ttpcron db prune --forget-horizon\n", clean(s.Source), *s.Horizon)
	}
}

func dayOf(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Format(time.DateOnly)
}

func (a *app) printRuns(runs []runStatus) error {
	if len(runs) == 0 {
		fmt.Fprintln(a.stdout, "\nNo runs yet: ttpcron run-once")
		return nil
	}
	fmt.Fprintf(a.stdout, "\n%s\n", a.out.paint(bold, "Last runs"))
	t := table{columns: []column{
		{title: "STARTED"}, {title: "TOOK", right: true}, {title: "SOURCES"}, {title: "IMPORTED", right: true}, {title: "EVENTS", right: true},
		{title: "TAGS", right: true}, {title: "INSERTED", right: true, sgr: green}, {title: "OUTCOME", min: 12},
	}}
	for _, r := range runs {
		took, outcome := "-", cmp.Or(r.Outcome, "did not finish")
		if r.Finished != nil {
			took = ago(max(0, r.Finished.Sub(r.Started))) // the clock may have been set back
		}
		t.add(shown(r.Started), took, strings.Join(r.Sources, "+"), count(r.Imported), count(r.Events), count(r.Tags), count(r.Inserted), outcome)
	}
	return t.print(a.stdout, a.out)
}
