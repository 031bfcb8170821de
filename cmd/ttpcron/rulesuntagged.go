package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/eval"
)

type untaggedOptions struct {
	since, until string
	kind         string
	limit        int
	json         bool
}

func (a *app) rulesUntagged() *command {
	var o untaggedOptions
	fs := a.flags()
	fs.StringVar(&o.since, "since", "", "only events at or after `TIME`: RFC 3339, YYYY-MM-DD, or how long ago, such as 7d or 36h")
	fs.StringVar(&o.until, "until", "", "only events before `TIME`")
	fs.StringVar(&o.kind, "kind", "", "only events of the `KIND`, such as command")
	fs.IntVar(&o.limit, "limit", 50, "list at most `N` texts; 0 for all")
	fs.BoolVar(&o.json, "json", false, "print one JSON object a line, one for each text")
	return &command{
		name: "rules untagged", short: "show what attackers did that no rule saw", fs: fs,
		text: `Judges the stored events of the window with the rules as they are now, those of
--rules among them, and lists what none of them fires on, the most frequent first:
where the next rule is to be found. Nothing is written. Events of one content are
listed once.`,
		examples: "ttpcron rules untagged --since 30d\nttpcron rules untagged --limit 0 --json | jq -r .payload.command_text",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			if o.limit < 0 {
				return usagef("--limit is %d, want 0 or more", o.limit)
			}
			w, err := window(o.since, o.until, a.now())
			if err != nil {
				return err
			}
			return a.showUntagged(ctx, w, o)
		},
	}
}

// untaggedJSON is one line of rules untagged --json.
type untaggedJSON struct {
	SourceKind ttpcron.SourceKind `json:"source_kind"`
	Events     int                `json:"events"`
	First      time.Time          `json:"first_seen"`
	Last       time.Time          `json:"last_seen"`
	Cut        bool               `json:"cut"`
	Payload    ttpcron.Payload    `json:"payload"`
}

func (a *app) showUntagged(ctx context.Context, w ttpcron.Window, o untaggedOptions) error {
	db, err := a.readStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	rs, report, err := a.loadRules()
	if err != nil {
		return err
	}
	a.warnRules(report)
	judge := rs.judge()
	u := eval.NewUntagged(judge)
	if err := eachEvent(ctx, db, w, func(e *ttpcron.Event) {
		if o.kind == "" || e.Kind == ttpcron.SourceKind(o.kind) {
			u.Add(e)
		}
	}); err != nil {
		return err
	}
	r := u.Report()
	t := table{columns: []column{{title: "EVENTS", right: true}, {title: "FIRST"}, {title: "LAST"}, {title: "KIND", sgr: cyan}, {title: "TEXT", min: 24}}}
	for i, m := range r.Contents {
		if o.limit > 0 && i == o.limit {
			break
		}
		if !o.json {
			t.add(count(m.Events), shown(m.First), shown(m.Last), string(m.Kind), a.out.excerpt(telling(m.Payload)))
		} else if err := a.printJSON(untaggedJSON{m.Kind, m.Events, m.First.UTC(), m.Last.UTC(), m.Cut, m.Payload}); err != nil {
			return err
		}
	}
	if err := t.print(a.stdout, a.out); err != nil {
		return err
	}
	shownContents := len(r.Contents)
	if o.limit > 0 {
		shownContents = min(o.limit, shownContents)
	}
	fmt.Fprintf(a.stderr, "%s of %s without a tag (%s); %s of %s shown\n", count(r.Untagged), plural(r.Events, "event", "events"),
		percent(share(r.Untagged, r.Events)), count(shownContents), plural(len(r.Contents), "text", "texts"))
	if r.Dropped > 0 {
		fmt.Fprintf(a.stderr, "there are more texts than can be counted: rare ones are missing, and counts may be too low by %s\n", count(r.Dropped))
	}
	if judge.bounded > 0 {
		a.log.Warn("a rule met a limit of work or size", "events", judge.bounded)
	}
	return nil
}

// telling is the part of a payload that tells a person most.
func telling(p ttpcron.Payload) string {
	for _, name := range tellingFields {
		if text, ok := p.Text(name); ok && text != "" {
			return text
		}
	}
	return string(p.AppendJSON(nil))
}
