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
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/inputs"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/retention"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/kv"
)

// runsShown is how many runs status shows.
const runsShown = 5

func statusCommand() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object")
	return &command{
		Name: "status", Short: "show the size of the store and the progress of runs", Flags: fs,
		Text: `Shows the size of the store, events and tags by source, checkpoints and how many
events came after them, tags by level, the last runs, and where rules come from.
WAITING is what the next run takes without --since-days: "<" means at most that
many, and "no rule" that in the last run no rule applied to that source. For
each correlation it shows the tags and how many changed base matches no run has
judged yet.

It answers at once, since it scans no events and compiles no rules after the
first run; use rules check to check rules. It reads tags only where several tags
of one event by one rule are the same technique in the ATT&CK release that is
shown, to count them once.`,
		Examples: "ttpcron status\nttpcron status --json | jq .sources",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			st, err := gatherStatus(ctx, s)
			if err != nil {
				return err
			}
			claimSources(&st, s)
			if *asJSON {
				return s.out.JSON(st)
			}
			return printStatus(s.out, s.now, st)
		},
	}
}

// status is what status shows; its JSON form is its documentation.
type status struct {
	Store   storeStatus    `json:"store"`
	Role    string         `json:"role"`
	Rules   rulesStatus    `json:"rules"`
	Sources []store.Source `json:"sources"`
	Levels  levelsStatus   `json:"levels"`
	// Correlations is what the store holds of rules over several events.
	Correlations correlationStatus `json:"correlations"`
	Runs         []runStatus       `json:"runs"`

	ran bool // a run came to the events
}

// levelsStatus counts tags by the vantage of their event and by level.
type levelsStatus struct {
	Honeypot levelCounts `json:"honeypot"`
	Host     levelCounts `json:"host"`
}

type levelCounts struct {
	Critical      int `json:"critical"`
	High          int `json:"high"`
	Medium        int `json:"medium"`
	Low           int `json:"low"`
	Informational int `json:"informational"`
}

// of is the count of a level.
func (c *levelCounts) of(l ttpcron.Level) *int {
	switch l {
	case ttpcron.LevelCritical:
		return &c.Critical
	case ttpcron.LevelHigh:
		return &c.High
	case ttpcron.LevelLow:
		return &c.Low
	case ttpcron.LevelInformational:
		return &c.Informational
	}
	return &c.Medium
}

func statusOfLevels(list []kv.LevelCount) (s levelsStatus) {
	for _, c := range list {
		of := &s.Honeypot
		if c.Vantage == ttpcron.VantageHost {
			of = &s.Host
		}
		*of.of(c.Level) += c.Tags
	}
	return s
}

type storeStatus struct {
	Path            string          `json:"path"`
	Schema          int             `json:"schema"`
	Bytes           int64           `json:"bytes"`
	FreeBytes       int64           `json:"free_bytes"`
	LastSeq         uint64          `json:"last_seq"`
	Arrived         *time.Time      `json:"last_arrival"` // when events arrived last; null where that is not known
	Files           int             `json:"files"`
	Rejects         int             `json:"rejects"`
	RejectsDropped  int             `json:"rejects_dropped"`
	DaysWithTags    int             `json:"days_with_tags"`
	TagsOfAllKinds  int             `json:"tags"`
	EventsOfAllKind int             `json:"events"`
	Held            *retention.Held `json:"held"` // old, and not taken out yet; null: nothing
	// OnlyCommands are days of which there are only commands: their logs were read by an
	// earlier version, and were not there to be read again.
	OnlyCommands []store.DayRange `json:"only_commands"`

	onlyCommands string // in a sentence
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
	// Correlations is what came of rules over several events, whose tags are counted
	// above; null where none was in force.
	Correlations *correlationsJSON `json:"correlations"`
}

func gatherStatus(ctx context.Context, s *session) (st status, err error) {
	db, err := s.stores.Read(ctx)
	if err != nil {
		return st, err
	}
	defer db.Close()
	err = atOneMoment(ctx, s.out, db, func(uint64) (err error) {
		st, err = statusOf(ctx, db, s.set, s.now)
		return err
	})
	return st, err
}

func statusOf(ctx context.Context, db *store.Store, set *settings.Settings, now func() time.Time) (status, error) {
	var s status
	st, err := db.Tags.Counts(ctx, set.Attack)
	if err != nil {
		return s, err
	}
	s.Role = set.Role
	if s.Rules, err = statusOfRules(ctx, set, now, db); err != nil {
		return s, err
	}
	s.Store = storeStatus{
		Path: st.Path, Schema: st.Schema, Bytes: st.FileBytes, FreeBytes: st.FreeBytes, LastSeq: st.LastSeq, Arrived: term.TimeOrNull(st.Arrived), Files: st.FilePositions,
		Rejects: st.Rejects, RejectsDropped: st.RejectsDropped, DaysWithTags: st.TagDays,
	}
	for _, k := range st.Kinds {
		s.Store.EventsOfAllKind += k.Events
		s.Store.TagsOfAllKinds += k.Tags
	}
	s.Store.Held = retention.Describe(&st.Clock, now())
	if s.Sources, err = db.Sources(ctx, st); err != nil {
		return s, err
	}
	// Findings of correlations belong to no source.
	s.Sources = slices.DeleteFunc(s.Sources, func(one store.Source) bool { return one.Source == string(ttpcron.Correlation) && one.Events == 0 })
	if s.Correlations, err = statusOfCorrelations(ctx, db, now()); err != nil {
		return s, err
	}
	if _, s.ran, err = db.Unclaimed(ctx); err != nil {
		return s, err
	}
	days, err := db.OnlyCommands(ctx, inputs.Readings{}, set.Kinds)
	if err != nil {
		return s, err
	}
	s.Store.OnlyCommands, s.Store.onlyCommands = append([]store.DayRange{}, store.RangesOf(days)...), store.OnlyCommandsText(days)
	s.Levels = statusOfLevels(st.Levels)
	runs, err := db.Ledger.Runs(ctx, runsShown)
	for _, r := range runs {
		s.Runs = append(s.Runs, statusOfRun(r))
		s.Rules.RuleSet = cmp.Or(s.Rules.RuleSet, r.RuleSet)
	}
	return s, err
}

// claimSources finds the kinds without a rule before the first run.
func claimSources(st *status, s *session) {
	if st.ran || len(st.Sources) == 0 {
		return
	}
	if rules, _, err := loadRules(s.set, s.log); err == nil && rules.InForce() > 0 {
		store.Claim(st.Sources, rules)
	}
}

// statusOfRules counts rule files and the states that are in force.
func statusOfRules(ctx context.Context, set *settings.Settings, now func() time.Time, db *store.Store) (rulesStatus, error) {
	s := rulesStatus{Sources: []rulesSource{}}
	folders, err := ruleset.Folders(set.Embedded, set.Rules)
	if err != nil {
		return s, err
	}
	for _, src := range folders {
		files, err := countRuleFiles(src.FS)
		if err != nil {
			return s, fmt.Errorf("rules: %s: %w", src.Name, err)
		}
		s.Sources = append(s.Sources, rulesSource{src.Name, files})
	}
	life, err := ruleset.ReadLife(ctx, db.Rules)
	s.Retired = len(life.Retired)
	for _, st := range life.States {
		switch st.At(now()) {
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

func statusOfRun(r ttpcron.Run) runStatus {
	s := runStatus{ID: r.ID, Started: r.Started.UTC(), Finished: term.TimeOrNull(r.Finished), Outcome: r.Outcome, Since: term.TimeOrNull(r.Window.Since), Imported: r.Imported.New, Before: r.Imported.BeforeHorizon, Sources: []string{}}
	for _, src := range r.Sources {
		s.Events += src.Events + src.Retagged
		s.Tags += src.Tags + src.RetagTags
		s.Inserted += src.Inserted + src.RetagInserted
		s.Known += src.Known + src.RetagTags - src.RetagInserted
		s.Sources = append(s.Sources, src.Source)
	}
	c := &r.Correlation
	s.Tags, s.Inserted, s.Known = s.Tags+c.Tags, s.Inserted+c.Inserted, s.Known+c.Known
	s.Correlations = correlationsOf(c)
	return s
}

func printStatus(out *term.Output, now func() time.Time, s status) error {
	label := func(name string) string { return out.Term.Paint(term.Bold, fmt.Sprintf("%-7s", name)) }
	fmt.Fprintf(out, "%s %s, %s, %s, schema %d\n", label("store"), term.Clean(s.Store.Path), term.Bytes(s.Store.Bytes), term.Plural(s.Store.Files, "file read", "files read"), s.Store.Schema)
	if at := s.Store.Arrived; at != nil {
		fmt.Fprintf(out, "%s the last events arrived %s, %s\n", label(""), term.Away(*at, now().Truncate(time.Second)), term.Time(*at))
	}
	if n := s.Store.Rejects + s.Store.RejectsDropped; n > 0 {
		fmt.Fprintf(out, "%s %s rejected (ttpcron import --rejected)\n", label(""), term.Plural(n, "line", "lines"))
	}
	if text := halfFree(s.Store.Bytes, s.Store.FreeBytes); text != "" {
		fmt.Fprintf(out, "%s %s\n", label(""), text)
	}
	if s.Store.onlyCommands != "" {
		fmt.Fprintf(out, "%s %s\n", label(""), s.Store.onlyCommands)
	}
	if s.Store.Held != nil {
		fmt.Fprintf(out, "%s %s\n", label(""), out.Term.Paint(term.Yellow, s.Store.Held.Text))
	}
	var from []string
	for _, src := range s.Rules.Sources {
		from = append(from, fmt.Sprintf("%s from %s", term.Plural(src.Files, "file", "files"), term.Clean(src.Name)))
	}
	fmt.Fprintf(out, "%s %s", label("rules"), cmp.Or(strings.Join(from, ", "), "none"))
	for _, n := range []struct {
		n    int
		what string
	}{{s.Rules.Disabled, "disabled"}, {s.Rules.Clipped, "clipped"}, {s.Rules.Retired, "retired"}} {
		if n.n > 0 {
			fmt.Fprintf(out, "; %d %s", n.n, n.what)
		}
	}
	fmt.Fprintln(out)
	if s.Role != settings.RoleStandalone {
		fmt.Fprintf(out, "%s %s\n", label("role"), s.Role)
	}
	fmt.Fprintln(out)
	if err := printSources(out, now, s.Sources); err != nil {
		return err
	}
	if err := printStatusOfCorrelations(out, &s.Correlations); err != nil {
		return err
	}
	if err := printLevels(out, s.Levels); err != nil {
		return err
	}
	return printRuns(out, s.Runs)
}

func printSources(out *term.Output, now func() time.Time, sources []store.Source) error {
	if len(sources) == 0 {
		fmt.Fprintln(out, "No events yet: ttpcron import PATH")
		return nil
	}
	t := term.Table{Columns: []term.Column{
		{Title: "SOURCE", SGR: term.Cyan}, {Title: "EVENTS", Right: true}, {Title: "TAGS", Right: true, SGR: term.Green}, {Title: "FROM"}, {Title: "TO"},
		{Title: "CHECKPOINT", Right: true}, {Title: "WAITING", Right: true, SGR: term.Yellow}, {Title: "LAST MOVED"},
	}}
	for _, s := range sources {
		checkpoint, waiting, moved := "none", term.Count(s.Waiting), ""
		if s.Checkpoint != nil {
			checkpoint = term.Count(*s.Checkpoint)
		}
		switch {
		case s.Unclaimed:
			waiting = "no rule"
		case !s.WaitingExact:
			waiting = "<" + waiting
		}
		if s.UpdatedAt != nil {
			moved = term.Away(*s.UpdatedAt, now())
		}
		t.Add(s.Source, term.Count(s.Events), term.Count(s.Tags), dayOf(s.Earliest), dayOf(s.Latest), checkpoint, waiting, moved)
	}
	if err := out.Table(&t); err != nil {
		return err
	}
	for _, s := range sources {
		printAhead(out, now, s)
	}
	return nil
}

// printAhead says what a source has in the future.
func printAhead(out *term.Output, now func() time.Time, s store.Source) {
	if s.FutureEvents > 0 {
		fmt.Fprintf(out, "%s: %s of %s dated in the future, the latest %s, %s: was a clock wrong?\n", term.Clean(s.Source),
			term.Plural(s.FutureEvents, "event", "events"), term.Plural(s.FutureDays, "day is", "days are"), term.Time(*s.FutureLatest), term.Away(*s.FutureLatest, now()))
	}
	if s.Horizon != nil && *s.Horizon > ttpcron.DayOf(now()).String() {
		fmt.Fprintf(out, "%s: events before %s do not come in, which lies in the future: ttpcron db prune --forget-horizon\n", term.Clean(s.Source), *s.Horizon)
	}
}

// printLevels prints the tags by level, a row for honeypots and one for hosts, and says
// which of them views leave out.
func printLevels(out *term.Output, s levelsStatus) error {
	t := term.Table{Columns: []term.Column{{Title: "TAGS OF", SGR: term.Cyan}}}
	for _, l := range ttpcron.Levels() {
		t.Columns = append(t.Columns, term.Column{Title: strings.ToUpper(l.String()), Right: true})
	}
	for _, of := range []struct {
		name   string
		counts levelCounts
	}{{"honeypots", s.Honeypot}, {"hosts", s.Host}} {
		if of.counts == (levelCounts{}) {
			continue
		}
		row := []string{of.name}
		for _, l := range ttpcron.Levels() {
			row = append(row, term.Count(*of.counts.of(l)))
		}
		t.Add(row...)
	}
	if t.Len() == 0 {
		return nil
	}
	fmt.Fprintln(out)
	if err := out.Table(&t); err != nil {
		return err
	}
	n := 0
	for _, l := range ttpcron.Levels() {
		if !ttpcron.DefaultMinLevels().Show(l, ttpcron.VantageHost) {
			n += *s.Host.of(l)
		}
	}
	if n > 0 {
		fmt.Fprintf(out, "ttpcron tags leaves out %s of hosts below medium, unless --min-level is given\n", term.Plural(n, "tag", "tags"))
	}
	return nil
}

func dayOf(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Format(time.DateOnly)
}

func printRuns(out *term.Output, runs []runStatus) error {
	if len(runs) == 0 {
		fmt.Fprintln(out, "\nNo runs yet: ttpcron run-once")
		return nil
	}
	fmt.Fprintf(out, "\n%s\n", out.Term.Paint(term.Bold, "Last runs"))
	t := term.Table{Columns: []term.Column{
		{Title: "STARTED"}, {Title: "TOOK", Right: true}, {Title: "SOURCES"}, {Title: "IMPORTED", Right: true}, {Title: "EVENTS", Right: true},
		{Title: "TAGS", Right: true}, {Title: "INSERTED", Right: true, SGR: term.Green}, {Title: "OUTCOME", Min: 12},
	}}
	for _, r := range runs {
		took, outcome := "-", cmp.Or(r.Outcome, "did not finish")
		if r.Finished != nil {
			took = term.Ago(max(0, r.Finished.Sub(r.Started))) // the clock may have been set back
		}
		t.Add(term.Time(r.Started), took, strings.Join(r.Sources, "+"), term.Count(r.Imported), term.Count(r.Events), term.Count(r.Tags), term.Count(r.Inserted), outcome)
	}
	return out.Table(&t)
}
