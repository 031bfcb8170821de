package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jsontext"
	"github.com/ttpcron/ttpcron/tagger/correlation"
)

// correlationQuestion asks how far a group got in a correlation.
type correlationQuestion struct {
	rule             string
	group            cli.List
	at, since, until string
	json             bool
}

func (q *correlationQuestion) define(fs *flag.FlagSet) {
	cli.TextVar(fs, &q.rule, "correlation", "explain how close a group came to satisfying correlation `ID`")
	fs.Var(&q.group, "group", "with --correlation: the group with `VALUE`, or name=value; can be repeated")
	cli.TextVar(fs, &q.at, "at", "with --correlation: only windows that contain `TIME`")
	cli.TextVar(fs, &q.since, "since", "with --correlation: only windows that end at or after `TIME`: "+cli.WhenForms)
	cli.TextVar(fs, &q.until, "until", "with --correlation: only windows that end before `TIME`")
}

// misused refuses flags that need --correlation, where that is not given.
func (q *correlationQuestion) misused() error {
	if q.rule == "" && (len(q.group) > 0 || q.at+q.since+q.until != "") {
		return cli.Usage("--group, --at, --since and --until need --correlation RULE", "ttpcron rules list --kind correlation lists the rules over several events")
	}
	return nil
}

// window returns when the windows that are asked about end.
func (q *correlationQuestion) window(r *correlation.Rule, now time.Time) (ttpcron.Window, error) {
	if q.at == "" {
		return cli.Window(q.since, q.until, now)
	}
	if q.since+q.until != "" {
		return ttpcron.Window{}, cli.Usagef("--at takes no --since and no --until")
	}
	at, err := cli.ParseWhen(q.at, now)
	if err != nil {
		return ttpcron.Window{}, cli.Usagef("--at: %v", err)
	}
	return ttpcron.Window{Since: at, Until: at.Add(r.Timespan() + 1)}, nil // both edges are in a window
}

// sought reads --group: name=value for a field of the group, or else a value of some field.
func (q *correlationQuestion) sought(r *correlation.Rule) (store.GroupsSought, error) {
	s := soughtOf(r)
	s.Named = map[string]string{}
	names := r.Names()
	for _, text := range q.group {
		name, value, named := strings.Cut(text, "=")
		if !named || !slices.Contains(names, name) {
			s.Any = append(s.Any, text)
			continue
		}
		if _, twice := s.Named[name]; twice {
			return s, cli.Usagef("--group names %s twice", name)
		}
		s.Named[name] = value
	}
	if len(s.Named)+len(s.Any) > len(names) {
		return s, cli.Usage(fmt.Sprintf("--group is given %s, and the groups of %s have %s", term.Plural(len(q.group), "value", "values"), r.Def().ID, fieldsText(names)), "each value is that of another field")
	}
	return s, nil
}

// fieldsText lists the fields of groups.
func fieldsText(names []string) string {
	if len(names) == 0 {
		return "no field: all events are one group"
	}
	return strings.Join(names, ", ")
}

func explainCorrelation(ctx context.Context, s *session, q *correlationQuestion) error {
	if !s.set.Correlations {
		return cli.Usage("--correlation explains rules over several events, and --correlations=false leaves them out", "leave out that flag, or the key of the config file")
	}
	rs, report, err := loadRules(s.set, s.log)
	if err != nil {
		return err
	}
	ruleset.Warn(s.log, report)
	r, err := correlationNamed(rs, q.rule)
	if err != nil {
		return err
	}
	window, err := q.window(r, s.now())
	if err != nil {
		return err
	}
	sought, err := q.sought(r)
	if err != nil {
		return err
	}
	if len(q.group) == 0 && len(r.Names()) > 0 {
		return cli.Usage("--correlation needs --group VALUE", fmt.Sprintf("the groups of %s have %s: give the value of one or more, or name=value", r.Def().ID, fieldsText(r.Names())))
	}
	db, err := s.stores.Read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	most := maxStepsShown
	if q.json {
		most = maxStepsJSON
	}
	info, _ := rs.Rule(q.rule)
	var a *correlationAnswer
	if err := atOneMoment(ctx, s.out, db, func(uint64) error {
		found, more, err := findGroups(ctx, db, r, sought, window)
		if err != nil {
			return err
		}
		a = &correlationAnswer{rule: r, name: info.Name, feeds: info.Feeds, window: window, groups: found, more: more}
		if len(found) != 1 || more {
			return nil
		}
		if a.traced, err = traceGroup(ctx, db, rs, r, found[0].Group, window, most); err != nil {
			return err
		}
		return a.findTag(ctx, db)
	}); err != nil {
		return err
	}
	if len(a.groups) == 0 {
		return a.none(ctx, s, db, q)
	}
	if q.json {
		return s.out.JSON(a.json())
	}
	return a.print(s.out)
}

// correlationNamed finds a rule over several events, or says what else the id is.
func correlationNamed(rs ruleset.Set, id string) (*correlation.Rule, error) {
	if r := correlationIn(rs, id); r != nil {
		return r, nil
	}
	info, ok := rs.Rule(id)
	switch {
	case !ok:
		return nil, unknownRule(rs, id)
	case info.Inert != "":
		return nil, fmt.Errorf("the rule %s can never find anything: %s", id, info.Inert)
	}
	hint := "ttpcron rules list --kind correlation lists the rules over several events; ttpcron explain COMMAND, or --event, tries the others"
	if len(info.Feeds) > 0 {
		hint = "it feeds " + strings.Join(info.Feeds, ", ") + "; " + hint
	}
	return nil, cli.Hint(fmt.Errorf("the rule %s looks at single events: it has no groups", id), hint)
}

// maxGroups is how many groups are distinguished.
const maxGroups = 10_000

// findGroups finds the requested groups with base matches that matter for windows that end
// in a span of time, those with the most first. It reports whether there are too many to
// distinguish.
func findGroups(ctx context.Context, db *store.Store, r *correlation.Rule, q store.GroupsSought, w ttpcron.Window) (all []store.GroupFound, more bool, err error) {
	if !w.Since.IsZero() {
		w.Since = w.Since.Add(-r.Reach())
	}
	if groups, ok := q.Exactly(); ok {
		return countMatches(ctx, db, q, groups, w)
	}
	sum := map[ttpcron.Group]*store.GroupFound{}
	for d, err := range matchDays(ctx, db, w) {
		if err != nil {
			return nil, false, err
		}
		found, cut, err := db.Matches.Groups(ctx, q, d.Day)
		if err != nil {
			return nil, false, err
		}
		more = more || cut
		for i := range found {
			f := &found[i]
			if sum[f.Group] == nil {
				if len(sum) == maxGroups {
					more = true
					continue
				}
				sum[f.Group] = &store.GroupFound{}
			}
			sum[f.Group].Add(f)
		}
	}
	for _, f := range sum {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b store.GroupFound) int {
		return cmp.Or(cmp.Compare(b.Matches, a.Matches), cmp.Compare(a.Group, b.Group))
	})
	return all, more, nil
}

// countMatches counts the base matches of groups that are known.
func countMatches(ctx context.Context, db *store.Store, q store.GroupsSought, groups []ttpcron.Group, w ttpcron.Window) (all []store.GroupFound, more bool, err error) {
	for _, g := range groups {
		f := store.GroupFound{}
		for m, err := range db.Matches.BaseMatches(ctx, ttpcron.MatchQuery{Grouping: q.Grouping, Since: w.Since, Until: w.Until, Groups: []ttpcron.Group{g}}) {
			if err != nil {
				return nil, false, err
			}
			if slices.Contains(q.Streams, m.Stream.ID) {
				f.Add(&store.GroupFound{Group: g, Matches: 1, First: m.Time, Last: m.Time})
			}
		}
		if f.Matches > 0 {
			all = append(all, f)
		}
	}
	return all, false, nil
}

// correlationAnswer is how far a group got, or the candidate groups.
type correlationAnswer struct {
	rule   *correlation.Rule
	name   string
	feeds  []string // the correlations that name the rule
	window ttpcron.Window
	groups []store.GroupFound
	more   bool    // there are more groups than could be told apart
	traced *traced // of the only group
	tag    string  // the UUID of the first tag of what is found; empty for none
	stored bool    // whether the store has that tag
}

// findTag finds the finding's tag, if there is one.
func (a *correlationAnswer) findTag(ctx context.Context, db *store.Store) (err error) {
	if !a.traced.trace.Satisfied {
		return nil
	}
	tags := a.rule.Tags(ttpcron.NewSubject(a.traced.group, a.rule.Names()), ttpcron.Slot(a.traced.trace.Until, a.rule.Timespan()), nil)
	if len(tags) == 0 {
		return nil
	}
	u := tags[0].UUID()
	a.tag = u.String()
	_, a.stored, err = db.Tags.ByUUID(ctx, u)
	return err
}

// tagText says what has become of the finding's tag.
func (a *correlationAnswer) tagText() string {
	switch {
	case a.tag == "":
		return "The rule makes no tag."
	case a.stored:
		return "Its tag is " + a.tag + "."
	}
	return "No tag of it is in the store: no run has judged the group since, the rule is disabled, or events of its time were taken out."
}

// groupsShown is how many groups are listed.
const groupsShown = 50

func (a *correlationAnswer) print(out *term.Output) error {
	t, r := out.Term, a.rule
	line := func(name, text string) {
		fmt.Fprintf(out, "%s  %s\n", t.Paint(term.Bold, fmt.Sprintf("%-8s", name)), text)
	}
	line("rule", fmt.Sprintf("%s version %d: %s", t.Paint(term.Cyan, term.Clean(r.Def().ID)), r.Def().Version, term.Clean(a.name)))
	line("needs", term.Clean(neededBy(r)))
	if a.traced == nil {
		return a.list(out)
	}
	f := &a.groups[0]
	line("group", groupText(f.Group.AppendJSON(nil, r.Names())))
	line("matches", fmt.Sprintf("%s in this group, from %s to %s", term.Count(f.Matches), term.Time(f.First), term.Time(f.Last)))
	fmt.Fprintln(out)
	tr := a.traced.trace
	switch {
	case tr.Satisfied:
		fmt.Fprintf(out, "%s: the threshold is reached at %s. %s\n", t.Paint(term.Bold, "It is found"), term.Time(tr.Until), a.tagText())
	case tr.Since.IsZero():
		fmt.Fprintf(out, "%s: no window ends in the time that is asked about.\n", t.Paint(term.Bold, "It is not found"))
	default:
		fmt.Fprintf(out, "%s: at best %s. Missing: %s.\n", t.Paint(term.Bold, "It is not found"), term.Clean(tr.Reached), term.Clean(strings.Join(tr.Missing, ", ")))
	}
	return a.traced.print(out)
}

// list prints the candidate groups, so that the user can name one.
func (a *correlationAnswer) list(out *term.Output) error {
	names := a.rule.Names()
	table := term.Table{}
	for _, name := range names {
		table.Columns = append(table.Columns, term.Column{Title: name, Min: 12})
	}
	table.Columns = append(table.Columns, term.Column{Title: "SEEN FROM"}, term.Column{Title: "MATCHES", Right: true}, term.Column{Title: "FIRST"}, term.Column{Title: "LAST"})
	fmt.Fprintln(out)
	for i := range a.groups[:min(len(a.groups), groupsShown)] {
		f := &a.groups[i]
		var row []string
		for _, name := range names {
			row = append(row, beginning(out.Term, valueOf(f.Group, names, name)))
		}
		table.Add(append(row, f.Group.Vantage().String(), term.Count(f.Matches), term.Time(f.First), term.Time(f.Last))...)
	}
	if err := out.Table(&table); err != nil {
		return err
	}
	of := term.Count(len(a.groups))
	if a.more {
		of = "more than " + of
	}
	out.Note("%s groups fit; name one with --group name=value for each field that differs", of)
	return nil
}

// valueOf is the value of a field of a group, as text.
func valueOf(g ttpcron.Group, names []string, name string) string {
	v, ok := g.Value(names, name)
	switch {
	case !ok:
		return "-"
	case v.Hash != "":
		return string(v.AppendJSON(nil))
	}
	return v.Text
}

// none says why no group fits, as far as that is known.
func (a *correlationAnswer) none(ctx context.Context, s *session, db *store.Store, q *correlationQuestion) error {
	r, id := a.rule, a.rule.Def().ID
	err := fmt.Errorf("no event that a base rule of %s matches is of such a group", id)
	if len(q.group) == 0 {
		err = fmt.Errorf("no event is a base match of %s", id)
	}
	if a.window != (ttpcron.Window{}) {
		err = fmt.Errorf("%w in the time that is asked about", err)
	}
	hint := fmt.Sprintf("its groups have %s", fieldsText(r.Names()))
	some := false
	for d, err := range matchDays(ctx, db, ttpcron.Window{}) {
		if err != nil {
			return err
		}
		some = true
		_ = d
		break
	}
	switch {
	case len(r.Definition().Claims) == 0 && len(a.feeds) > 0:
		err = fmt.Errorf("%s makes no tag, and no such group of it is kept", id)
		hint = "its events are kept in the groups of what it feeds: ask about " + strings.Join(a.feeds, ", ")
	case !some:
		hint = "the store holds no base match at all: ttpcron run-once looks at the events with the base rules"
	case slices.ContainsFunc(q.group, func(v string) bool { return ownAddress(s.set.OwnNetworks, v) }) && slices.Contains(r.Names(), ttpcron.FieldAttackerIP):
		hint = "the address is in your --own-networks, whose addresses take no part in groups by address"
	case a.window != (ttpcron.Window{}):
		hint += "; without --at, --since and --until all of the history is looked at"
	default:
		hint += "; ttpcron explain --event shows whether a base rule matches an event, and an event that lacks a field takes no part"
	}
	return cli.Hint(err, hint)
}

// ownAddress reports whether a value of --group names an address in a network.
func ownAddress(own ttpcron.Networks, value string) bool {
	if name, address, ok := strings.Cut(value, "="); ok && name == ttpcron.FieldAttackerIP {
		value = address
	}
	return own.Contains(value)
}

// neededBy says what a rule needs in a window.
func neededBy(r *correlation.Rule) string {
	d := r.Definition()
	f := ttpcron.FindingEvidence{Type: string(d.Type), Condition: r.Condition(), Field: d.Condition.Fields}
	text := needed(&f) + " within " + ttpcron.FormatTimespan(r.Timespan())
	switch d.Type {
	case correlation.Temporal, correlation.TemporalOrdered:
		text = strings.Replace(text, fmt.Sprintf("%d or more of", len(d.Rules)), "all of", 1)
		text += ": " + strings.Join(d.Rules, ", ")
	default:
		text += ", from matches of " + strings.Join(d.Rules, ", ")
	}
	if len(d.GroupBy) == 0 {
		return text + "; all events are one group"
	}
	return text + "; one group for each " + strings.Join(d.GroupBy, ", ")
}

// groupText shows the fields of a group that have a value.
func groupText(object []byte) string {
	var parts []string
	jsontext.EachMember(object, func(name []byte, value jsontext.Value) bool {
		if !value.IsNull() {
			parts = append(parts, term.Clean(string(name))+" "+term.Clean(ttpcron.GroupText(value)))
		}
		return true
	})
	if parts == nil {
		return "all events"
	}
	return strings.Join(parts, ", ")
}

type correlationAnswerJSON struct {
	RuleID    string           `json:"rule_id"`
	Version   int              `json:"rule_version"`
	Name      string           `json:"name"`
	Type      string           `json:"type"`
	Condition string           `json:"condition"`
	Timespan  string           `json:"timespan"`
	Since     *time.Time       `json:"since"`
	Until     *time.Time       `json:"until"`
	Groups    []groupFoundJSON `json:"groups"` // that fit, those with the most base matches first
	More      bool             `json:"more_groups"`
	Trace     *tracedJSON      `json:"trace"`      // of the group, if one alone fits; else null
	Tag       *string          `json:"tag_uuid"`   // of what is found; null for nothing, or no tag
	Stored    bool             `json:"tag_stored"` // whether the store has that tag
}

type groupFoundJSON struct {
	Group   json.RawMessage `json:"group"`
	Matches int             `json:"base_matches"`
	First   time.Time       `json:"first"`
	Last    time.Time       `json:"last"`
}

func (a *correlationAnswer) json() correlationAnswerJSON {
	r := a.rule
	j := correlationAnswerJSON{
		RuleID: r.Def().ID, Version: r.Def().Version, Name: a.name, Type: string(r.Definition().Type), Condition: r.Condition(), Timespan: ttpcron.FormatTimespan(r.Timespan()),
		Since: term.TimeOrNull(a.window.Since), Until: term.TimeOrNull(a.window.Until), More: a.more,
	}
	for i := range a.groups {
		f := &a.groups[i]
		j.Groups = append(j.Groups, groupFoundJSON{f.Group.AppendJSON(nil, r.Names()), f.Matches, f.First.UTC(), f.Last.UTC()})
	}
	if a.traced != nil {
		j.Trace = a.traced.json()
	}
	if a.tag != "" {
		j.Tag, j.Stored = &a.tag, a.stored
	}
	return j
}
