package main

import (
	"context"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

func rulesLog() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object a line")
	rule := fs.String("rule", "", "only changes of rule `ID`")
	var limit int
	cli.LimitVar(fs, &limit, "limit", 100, "at most `N` changes, the newest; 0 for all")
	return &command{
		Name: "rules log", Short: "show changes to rules, newest first", Flags: fs,
		Text: `Lists every state that was set or cleared and every rule that was retired or
unretired: when, by whom, the values before and after, and why. A run that
applied a changed rule to the history is listed with the tags that came (+) and
went (-), if any; a purge (ttpcron db purge) with how much it removed. The store
keeps the last 10,000 changes. When a state set with --for ends, there is no new
entry.`,
		Examples: "ttpcron rules log\nttpcron rules log --rule TC2303 --json",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			return showLog(ctx, s, *rule, limit, *asJSON)
		},
	}
}

type auditJSON struct {
	Number  uint64    `json:"number"`
	Time    time.Time `json:"time"`
	By      string    `json:"by"`
	Action  string    `json:"action"`
	RuleID  string    `json:"rule_id"`
	Version *int      `json:"rule_version"`
	Before  string    `json:"before"`
	After   string    `json:"after"`
	Reason  string    `json:"reason"`
}

func showLog(ctx context.Context, s *session, rule string, limit int, asJSON bool) error {
	out := s.out
	db, err := s.stores.Read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	read := limit
	if rule != "" {
		read = 0 // of all, some are of the rule
	}
	entries, err := db.Rules.Audit(ctx, read)
	if err != nil {
		return err
	}
	t := term.Table{Columns: []term.Column{{Title: "TIME"}, {Title: "BY", Min: 8}, {Title: "ACTION", SGR: term.Yellow}, {Title: "RULE", SGR: term.Cyan}, {Title: "CHANGE", Min: 20}, {Title: "REASON", Min: 12}}}
	n := 0
	for _, e := range entries {
		if rule != "" && e.RuleID != rule {
			continue
		}
		if n++; limit > 0 && n > limit {
			break
		}
		if !asJSON {
			change := e.After
			if e.Before != "" {
				change = e.Before + " -> " + e.After
			}
			t.Add(term.Time(e.At), e.By, e.Action, retiredName(e.RuleID, e.Version), change, e.Reason)
			continue
		}
		j := auditJSON{Number: e.Number, Time: e.At.UTC(), By: e.By, Action: e.Action, RuleID: e.RuleID, Before: e.Before, After: e.After, Reason: e.Reason}
		if e.Version != ttpcron.AllVersions {
			j.Version = &e.Version
		}
		if err := out.JSON(j); err != nil {
			return err
		}
	}
	if n == 0 {
		if err := noChanges(s, rule); err != nil {
			return err
		}
	}
	return out.Table(&t)
}

// noChanges says that the log has no entry, or that there is no such rule.
func noChanges(s *session, rule string) error {
	if rule == "" {
		s.out.Note("nothing has been changed")
		return nil
	}
	rs, _, err := loadRules(s.set, s.log)
	if err != nil {
		return err
	}
	if !rs.Has(rule) {
		return unknownRule(rs, rule)
	}
	s.out.Note("nothing of rule %s has been changed", term.Clean(rule))
	return nil
}
