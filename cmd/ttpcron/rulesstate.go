package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

func rulesStateCommands() *command {
	return &command{
		Name: "rules state", Args: "COMMAND", Short: "disable or clip rules",
		Text: `A state is an operator's decision about a rule, apart from its file. It is kept
in the store and takes effect at once, in views and in runs that start. With
--for it ends by itself. rules log shows who decided what.`,
		Examples: "ttpcron rules state set TC2303 disabled --for 4h\nttpcron rules state list",
		Sub: []*command{
			rulesStateSet(),
			rulesStateClear(),
			rulesStateList(),
		},
	}
}

// longestState is the longest time for which a state can be set.
const longestState = 10 * 365 * 24 * time.Hour

// maxReason is how many bytes a reason may have.
const maxReason = 1000

// reasonFlag defines --reason.
func reasonFlag(fs *flag.FlagSet, reason *string) {
	cli.TextVar(fs, reason, "reason", "the reason, for rules log: `TEXT`")
}

func checkReason(reason string) error {
	if len(reason) > maxReason {
		return cli.Usagef("--reason has %d bytes, at most %d are kept", len(reason), maxReason)
	}
	return nil
}

func rulesStateSet() *command {
	var length, reason string
	fs := cli.NewFlags()
	cli.TextVar(fs, &length, "for", "end the state after `DURATION`, such as 4h or 7d (default: until cleared)")
	reasonFlag(fs, &reason)
	asJSON := fs.Bool("json", false, "print the state as one JSON object, as rules state list does")
	return &command{
		Name: "rules state set", Args: "ID disabled|clipped=C", Short: "disable a rule, or clip its confidence", Flags: fs,
		Text: `disabled: the rule makes no tags, and its existing tags are hidden. clipped=C:
its tags are shown with a confidence of at most C, or not at all if that is
below 0.3. Both begin and end at once. After a disabled rule's state ends or is
cleared, the next run makes the tags that were left out.`,
		Examples: "ttpcron rules state set TC2303 disabled --for 4h --reason 'fires on our probe'\nttpcron rules state set TC2303 clipped=0.5",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if len(args) != 2 {
				return cli.Usage("rules state set takes a rule and its state", "such as: ttpcron rules state set TC2303 disabled")
			}
			st, err := parseState(args[1])
			if err != nil {
				return err
			}
			st.RuleID, st.Reason, st.SetBy, st.SetAt = args[0], reason, s.author(), s.now().UTC()
			if st.ExpiresAt, err = expiry(s.now, length); err != nil {
				return err
			}
			if err := checkReason(reason); err != nil {
				return err
			}
			return setState(ctx, s, st, *asJSON)
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
		return s, cli.Usage("a rule without a state is enabled", "ttpcron rules state clear ID forgets its state")
	case !clipped || name != string(ttpcron.StatusClipped):
		return s, cli.Usage(fmt.Sprintf("%q is no state", text), "a state is disabled, or clipped=C with a confidence C, such as clipped=0.5")
	}
	s.Status = ttpcron.StatusClipped
	s.ConfidenceMax, err = strconv.ParseFloat(ceiling, 64)
	if err != nil || !(s.ConfidenceMax >= 0 && s.ConfidenceMax <= 1) {
		return s, cli.Usagef("clipped=%s: want a confidence from 0 to 1", ceiling)
	}
	return s, nil
}

// expiry reads --for.
func expiry(now func() time.Time, length string) (time.Time, error) {
	if length == "" {
		return time.Time{}, nil
	}
	d, ok := cli.ParseAgo(length)
	if !ok || d <= 0 || d > longestState {
		return time.Time{}, cli.Usagef("--for is %.80q, want a duration, such as 30m, 4h or 7d, of ten years at most", length)
	}
	return now().Add(d).UTC().Truncate(time.Second), nil
}

// setState stores the state of a rule, which must be loaded.
func setState(ctx context.Context, s *session, st ttpcron.RuleState, asJSON bool) error {
	rules, _, err := loadRules(s.set, s.log)
	if err != nil {
		return err
	}
	if _, known := rules.Rule(st.RuleID); !known {
		return unknownRule(rules, st.RuleID)
	}
	db, err := s.stores.Change(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Rules.SetState(ctx, st); err != nil {
		return err
	}
	if err := s.out.Either(asJSON, stateOf(s.now, st), "%s: %s", term.Clean(st.RuleID), st); err != nil {
		return err
	}
	if st.Status == ttpcron.StatusClipped && st.ConfidenceMax < ttpcron.MinConfidence {
		s.out.Note("tags under %v are not shown: those of the rule are hidden", ttpcron.MinConfidence)
	}
	return db.Close()
}

// unknownRule is the error for a rule that is not among those loaded.
func unknownRule(rules ruleset.Set, id string) error {
	var ids []string
	for _, r := range rules.Rules() {
		ids = append(ids, r.ID)
	}
	hint := "ttpcron rules list shows the rules; --rules names a folder with more"
	if near := nearestRule(id, ids); near != "" {
		hint = fmt.Sprintf("did you mean %s? %s", near, hint)
	}
	return cli.Hint(fmt.Errorf("there is no rule %s", id), hint)
}

// nearestRule is the id that differs in case alone, or in one letter.
func nearestRule(typed string, ids []string) string {
	near := ""
	for _, id := range ids {
		if strings.EqualFold(id, typed) {
			return id
		}
		if near == "" && len(id) > 3 && len(typed) <= 2*len(id) && cli.EditDistance(typed, id) == 1 {
			near = id
		}
	}
	return near
}

func rulesStateClear() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object a line: rule_id, state, cleared")
	return &command{
		Name: "rules state clear", Args: "ID...", Short: "enable a rule again", Flags: fs,
		Text: `Removes the state of a rule, which is then enabled. The next run looks at what
was covered while the rule was disabled. It is no error if a rule has no state.`,
		Examples: "ttpcron rules state clear TC2303",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if len(args) == 0 {
				return cli.Usage("rules state clear takes the id of a rule", "ttpcron rules state list shows what there is to clear")
			}
			return clearStates(ctx, s, args, *asJSON)
		},
	}
}

func clearStates(ctx context.Context, s *session, ids []string, asJSON bool) error {
	rules, _, err := loadRules(s.set, s.log)
	if err != nil {
		return err
	}
	db, err := s.stores.Change(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	states, err := db.Rules.States(ctx)
	if err != nil {
		return err
	}
	was := map[string]ttpcron.RuleState{}
	for _, st := range states {
		was[st.RuleID] = st
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
		if err := db.Rules.ClearState(ctx, id, s.author()); err != nil {
			return err
		}
		before := "had no state"
		st, has := was[id]
		if has {
			before = "was " + st.String()
		}
		if err := s.out.Either(asJSON, clearedJSON{id, ttpcron.StatusEnabled, has}, "%s: enabled, %s", term.Clean(id), before); err != nil {
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

func rulesStateList() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object a line")
	return &command{
		Name: "rules state list", Short: "list rule states and retired rules", Flags: fs,
		Text: `Lists rules that are disabled or clipped, and rules or versions whose tags are
hidden, with who did it and why. A state whose time is over is listed as expired
until it is cleared; it has no effect.`,
		Examples: "ttpcron rules state list\nttpcron rules state list --json | jq 'select(.expired | not)'",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			db, err := s.stores.Read(ctx)
			if err != nil {
				return err
			}
			defer db.Close()
			life, err := ruleset.ReadLife(ctx, db.Rules)
			if err != nil {
				return err
			}
			return listStates(s.out, s.now, life, *asJSON)
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

func stateOf(now func() time.Time, s ttpcron.RuleState) stateJSON {
	j := stateJSON{
		RuleID: s.RuleID, State: string(s.Status), ExpiresAt: term.TimeOrNull(s.ExpiresAt), Expired: s.At(now()) == ttpcron.StatusEnabled,
		Reason: s.Reason, SetBy: s.SetBy, SetAt: term.TimeOrNull(s.SetAt),
	}
	if s.Status == ttpcron.StatusClipped {
		j.ConfidenceMax = &s.ConfidenceMax
	}
	return j
}

func retirementOf(r ttpcron.Retirement) stateJSON {
	j := stateJSON{RuleID: r.RuleID, State: "retired", Reason: r.Reason, SetBy: r.SetBy, SetAt: term.TimeOrNull(r.SetAt)}
	if r.Version != ttpcron.AllVersions {
		j.Version = &r.Version
	}
	return j
}

func listStates(out *term.Output, now func() time.Time, life ruleset.Life, asJSON bool) error {
	var list []stateJSON
	for _, s := range life.States {
		list = append(list, stateOf(now, s))
	}
	for _, r := range life.Retired {
		list = append(list, retirementOf(r))
	}
	if asJSON {
		for _, j := range list {
			if err := out.JSON(j); err != nil {
				return err
			}
		}
		return nil
	}
	t := term.Table{Columns: []term.Column{{Title: "RULE", SGR: term.Cyan}, {Title: "STATE", SGR: term.Yellow}, {Title: "UNTIL"}, {Title: "SET BY", Min: 8}, {Title: "SET AT"}, {Title: "REASON", Min: 12}}}
	for _, j := range list {
		id, state, until := j.RuleID, j.State, "cleared"
		switch {
		case j.Version != nil:
			id, until = retiredName(j.RuleID, *j.Version), "unretired"
		case j.State == "retired":
			until = "unretired"
		case j.ExpiresAt != nil:
			until = term.Time(*j.ExpiresAt)
		}
		if j.ConfidenceMax != nil {
			state = fmt.Sprintf("%s to %v", state, *j.ConfidenceMax)
		}
		if j.Expired {
			state = "expired, was " + state
		}
		at := "-"
		if j.SetAt != nil {
			at = term.Time(*j.SetAt)
		}
		t.Add(id, state, until, cmp.Or(j.SetBy, "-"), at, j.Reason)
	}
	if len(list) == 0 {
		fmt.Fprintln(out, "No rule has a state, and none is retired: all are enabled.")
	}
	return out.Table(&t)
}
