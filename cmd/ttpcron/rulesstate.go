package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/ttpcron/ttpcron"
)

func (a *app) rulesStateCommands() *ffcli.Command {
	group := &command{
		name: "rules state", args: "COMMAND", short: "disable or clip a rule, for a while or for good", fs: a.flags(),
		text: `A state is what an operator decides about a rule, apart from its file: it is kept
in the store, holds for every run that begins from then on, and ends by itself
when it was set for a while. rules log tells who decided what.`,
		examples: "ttpcron rules state set TC2303 disabled --for 4h\nttpcron rules state list",
	}
	return a.build(group, a.build(a.rulesStateSet()), a.build(a.rulesStateClear()), a.build(a.rulesStateList()))
}

// longestState is the longest time for which a state can be set.
const longestState = 10 * 365 * 24 * time.Hour

// maxReason is how many bytes a reason may have.
const maxReason = 1000

// reasonFlag defines --reason.
func reasonFlag(fs *flag.FlagSet, reason *string) {
	fs.StringVar(reason, "reason", "", "`TEXT` that says why, for whoever reads rules log")
}

func checkReason(reason string) error {
	if len(reason) > maxReason {
		return usagef("--reason has %d bytes, at most %d are kept", len(reason), maxReason)
	}
	return nil
}

func (a *app) rulesStateSet() *command {
	var length, reason string
	fs := a.flags()
	fs.StringVar(&length, "for", "", "for `DURATION`, such as 4h or 7d; then the rule is enabled again (default: until it is cleared)")
	reasonFlag(fs, &reason)
	asJSON := fs.Bool("json", false, "print the state as one JSON object, as rules state list does")
	return &command{
		name: "rules state set", args: "ID disabled|clipped=C", short: "disable a rule, or clip its confidence", fs: fs,
		text: `disabled: the rule gives no tags. clipped=C: its tags get at most the confidence
C; under 0.3 none is written. Tags that exist stay as they are: rules retire hides
them. What a disabled rule leaves out, the first run after its state has ended or
was cleared makes up for.`,
		examples: "ttpcron rules state set TC2303 disabled --for 4h --reason 'fires on our probe'\nttpcron rules state set TC2303 clipped=0.5",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if len(args) != 2 {
				return &usageError{"rules state set takes a rule and its state", "such as: ttpcron rules state set TC2303 disabled"}
			}
			s, err := parseState(args[1])
			if err != nil {
				return err
			}
			s.RuleID, s.Reason, s.SetBy, s.SetAt = args[0], reason, a.author(), a.now().UTC()
			if s.ExpiresAt, err = a.expiry(length); err != nil {
				return err
			}
			if err := checkReason(reason); err != nil {
				return err
			}
			return a.setState(ctx, s, *asJSON)
		},
	}
}

// parseState reads disabled or clipped=C.
func parseState(text string) (s ttpcron.RuleState, err error) {
	name, ceiling, clipped := strings.Cut(text, "=")
	switch {
	case text == string(ttpcron.StatusDisabled):
		s.Status = ttpcron.StatusDisabled
		return s, nil
	case text == string(ttpcron.StatusEnabled):
		return s, &usageError{"a rule without a state is enabled", "ttpcron rules state clear ID forgets its state"}
	case !clipped || name != string(ttpcron.StatusClipped):
		return s, &usageError{fmt.Sprintf("%q is no state", text), "a state is disabled, or clipped=C with a confidence C, such as clipped=0.5"}
	}
	s.Status = ttpcron.StatusClipped
	s.ConfidenceMax, err = strconv.ParseFloat(ceiling, 64)
	if err != nil || !(s.ConfidenceMax >= 0 && s.ConfidenceMax <= 1) {
		return s, usagef("clipped=%s: want a confidence from 0 to 1", ceiling)
	}
	return s, nil
}

// expiry reads --for.
func (a *app) expiry(length string) (time.Time, error) {
	if length == "" {
		return time.Time{}, nil
	}
	d, ok := parseAgo(length)
	if !ok || d <= 0 || d > longestState {
		return time.Time{}, usagef("--for %q: want how long, such as 30m, 4h or 7d, up to ten years", length)
	}
	return a.now().Add(d).UTC().Truncate(time.Second), nil
}

// setState stores the state of a rule that there is.
func (a *app) setState(ctx context.Context, s ttpcron.RuleState, asJSON bool) error {
	rules, _, err := a.loadRules()
	if err != nil {
		return err
	}
	if _, known := rules.Rule(s.RuleID); !known {
		return unknownRule(rules, s.RuleID)
	}
	db, err := a.changeStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.SetRuleState(ctx, s); err != nil {
		return err
	}
	if err := a.printEither(asJSON, a.stateOf(s), "%s: %s", clean(s.RuleID), s); err != nil {
		return err
	}
	if s.Status == ttpcron.StatusClipped && s.ConfidenceMax < ttpcron.MinConfidence {
		a.note("tags under %v are not written: the rule gives none", ttpcron.MinConfidence)
	}
	return db.Close()
}

// unknownRule is the error for a rule that is not among those loaded.
func unknownRule(rules ruleSet, id string) error {
	var ids []string
	for _, r := range rules.Rules() {
		ids = append(ids, r.ID)
	}
	hint := "ttpcron rules list shows the rules; --rules names a folder with more"
	if near := nearestRule(id, ids); near != "" {
		hint = fmt.Sprintf("did you mean %s? %s", near, hint)
	}
	return hinted{fmt.Errorf("there is no rule %s", id), hint}
}

// nearestRule is the id that differs in case alone, or in one letter.
func nearestRule(typed string, ids []string) string {
	near := ""
	for _, id := range ids {
		if strings.EqualFold(id, typed) {
			return id
		}
		if near == "" && len(id) > 3 && len(typed) <= 2*len(id) && editDistance(typed, id) == 1 {
			near = id
		}
	}
	return near
}

func (a *app) rulesStateClear() *command {
	fs := a.flags()
	asJSON := fs.Bool("json", false, "print one JSON object a line: rule_id, state, cleared")
	return &command{
		name: "rules state clear", args: "ID...", short: "enable a rule again", fs: fs,
		text: `Forgets the state of a rule, which is enabled from then on. The next run looks at
what was covered while the rule was disabled. A rule without a state is no error.`,
		examples: "ttpcron rules state clear TC2303",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if len(args) == 0 {
				return &usageError{"rules state clear takes the id of a rule", "ttpcron rules state list shows what there is to clear"}
			}
			return a.clearStates(ctx, args, *asJSON)
		},
	}
}

func (a *app) clearStates(ctx context.Context, ids []string, asJSON bool) error {
	rules, _, err := a.loadRules()
	if err != nil {
		return err
	}
	db, err := a.changeStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	states, err := db.RuleStates(ctx)
	if err != nil {
		return err
	}
	was := map[string]ttpcron.RuleState{}
	for _, s := range states {
		was[s.RuleID] = s
	}
	for _, id := range ids {
		if _, has := was[id]; has {
			continue
		}
		if _, known := rules.Rule(id); !known {
			return unknownRule(rules, id)
		}
	}
	for _, id := range ids {
		if err := db.ClearRuleState(ctx, id, a.author()); err != nil {
			return err
		}
		before := "had no state"
		s, has := was[id]
		if has {
			before = "was " + s.String()
		}
		if err := a.printEither(asJSON, clearedJSON{id, ttpcron.StatusEnabled, has}, "%s: enabled, %s", clean(id), before); err != nil {
			return err
		}
	}
	return db.Close()
}

type clearedJSON struct {
	RuleID  string             `json:"rule_id"`
	State   ttpcron.RuleStatus `json:"state"`
	Cleared bool               `json:"cleared"` // whether it had a state
}

func (a *app) rulesStateList() *command {
	fs := a.flags()
	asJSON := fs.Bool("json", false, "print one JSON object a line")
	return &command{
		name: "rules state list", short: "list the states of rules, and what is retired", fs: fs,
		text: `Lists the rules that are disabled or clipped and the rules, or versions of rules,
whose tags are hidden, with who did it and why. A state whose time is over is
listed as expired until it is cleared; it does nothing.`,
		examples: "ttpcron rules state list\nttpcron rules state list --json | jq 'select(.expired | not)'",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			db, err := a.readStore(ctx)
			if err != nil {
				return err
			}
			defer db.Close()
			life, err := readLife(ctx, db)
			if err != nil {
				return err
			}
			return a.listStates(life, *asJSON)
		},
	}
}

type stateJSON struct {
	RuleID        string     `json:"rule_id"`
	Version       *int       `json:"rule_version"` // of a retired version
	State         string     `json:"state"`
	ConfidenceMax *float64   `json:"confidence_max"`
	ExpiresAt     *time.Time `json:"expires_at"`
	Expired       bool       `json:"expired"`
	Reason        string     `json:"reason"`
	SetBy         string     `json:"set_by"`
	SetAt         *time.Time `json:"set_at"`
}

func (a *app) stateOf(s ttpcron.RuleState) stateJSON {
	j := stateJSON{
		RuleID: s.RuleID, State: string(s.Status), ExpiresAt: timeOrNull(s.ExpiresAt), Expired: s.At(a.now()) == ttpcron.StatusEnabled,
		Reason: s.Reason, SetBy: s.SetBy, SetAt: timeOrNull(s.SetAt),
	}
	if s.Status == ttpcron.StatusClipped {
		j.ConfidenceMax = &s.ConfidenceMax
	}
	return j
}

func retirementOf(r ttpcron.Retirement) stateJSON {
	j := stateJSON{RuleID: r.RuleID, State: "retired", Reason: r.Reason, SetBy: r.SetBy, SetAt: timeOrNull(r.SetAt)}
	if r.Version != ttpcron.AllVersions {
		j.Version = &r.Version
	}
	return j
}

func (a *app) listStates(life ruleLife, asJSON bool) error {
	var list []stateJSON
	for _, s := range life.states {
		list = append(list, a.stateOf(s))
	}
	for _, r := range life.retired {
		list = append(list, retirementOf(r))
	}
	if asJSON {
		for _, j := range list {
			if err := a.printJSON(j); err != nil {
				return err
			}
		}
		return nil
	}
	t := table{columns: []column{{title: "RULE", sgr: cyan}, {title: "STATE", sgr: yellow}, {title: "UNTIL"}, {title: "SET BY", min: 8}, {title: "SET AT"}, {title: "REASON", min: 12}}}
	for _, j := range list {
		id, state, until := j.RuleID, j.State, "cleared"
		switch {
		case j.Version != nil:
			id, until = retiredName(j.RuleID, *j.Version), "unretired"
		case j.State == "retired":
			until = "unretired"
		case j.ExpiresAt != nil:
			until = shown(*j.ExpiresAt)
		}
		if j.ConfidenceMax != nil {
			state = fmt.Sprintf("%s to %v", state, *j.ConfidenceMax)
		}
		if j.Expired {
			state = "expired, was " + state
		}
		at := "-"
		if j.SetAt != nil {
			at = shown(*j.SetAt)
		}
		t.add(id, state, until, cmp.Or(j.SetBy, "-"), at, j.Reason)
	}
	if len(list) == 0 {
		fmt.Fprintln(a.stdout, "No rule has a state, and none is retired: all are enabled.")
	}
	return t.print(a.stdout, a.out)
}
