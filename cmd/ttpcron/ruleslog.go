package main

import (
	"context"
	"time"

	"github.com/ttpcron/ttpcron"
)

func (a *app) rulesLog() *command {
	fs := a.flags()
	asJSON := fs.Bool("json", false, "print one JSON object a line")
	rule := fs.String("rule", "", "only changes of the rule with id `R`")
	limit := fs.Int("limit", 100, "at most `N` changes, the newest; 0 for all that are kept")
	return &command{
		name: "rules log", short: "show who changed what rules do, newest first", fs: fs,
		text: `Shows every state that was set or cleared and every rule that was retired or came
back: when, by whom, what was before and after, and why. The store keeps the last
10,000 changes. A state that was set for a while ends at the time that stands in
its entry, without another one.`,
		examples: "ttpcron rules log\nttpcron rules log --rule TC2303 --json",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			if *limit < 0 {
				return usagef("--limit is %d, want 0 or more", *limit)
			}
			return a.showLog(ctx, *rule, *limit, *asJSON)
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

func (a *app) showLog(ctx context.Context, rule string, limit int, asJSON bool) error {
	db, err := a.readStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	read := limit
	if rule != "" {
		read = 0 // of all, some are of the rule
	}
	entries, err := db.Audit(ctx, read)
	if err != nil {
		return err
	}
	t := table{columns: []column{{title: "TIME"}, {title: "BY", min: 8}, {title: "ACTION", sgr: yellow}, {title: "RULE", sgr: cyan}, {title: "CHANGE", min: 20}, {title: "REASON", min: 12}}}
	n := 0
	for _, e := range entries {
		if rule != "" && e.RuleID != rule {
			continue
		}
		if n++; limit > 0 && n > limit {
			break
		}
		if !asJSON {
			t.add(shown(e.At), e.By, e.Action, retiredName(e.RuleID, e.Version), e.Before+" -> "+e.After, e.Reason)
			continue
		}
		j := auditJSON{Number: e.Number, Time: e.At.UTC(), By: e.By, Action: e.Action, RuleID: e.RuleID, Before: e.Before, After: e.After, Reason: e.Reason}
		if e.Version != ttpcron.AllVersions {
			j.Version = &e.Version
		}
		if err := a.printJSON(j); err != nil {
			return err
		}
	}
	if n == 0 {
		a.note("nothing has been changed")
	}
	return t.print(a.stdout, a.out)
}
