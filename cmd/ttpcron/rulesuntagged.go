package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/eval"
)

type untaggedOptions struct {
	since, until string
	kind         string
	limit        int
	json         bool
}

func rulesUntagged() *command {
	var o untaggedOptions
	fs := cli.NewFlags()
	cli.TextVar(fs, &o.since, "since", "only events at or after `TIME`: "+cli.WhenForms)
	cli.TextVar(fs, &o.until, "until", "only events before `TIME`")
	cli.TextVar(fs, &o.kind, "kind", "only events of `KIND`, such as command")
	cli.LimitVar(fs, &o.limit, "limit", 50, "list at most `N` texts; 0 for all")
	fs.BoolVar(&o.json, "json", false, "print one JSON object a line, one for each text")
	return &command{
		Name: "rules untagged", Short: "list what attackers did that no rule matched", Flags: fs,
		Text: `Judges the stored events of the window with the present rules, those of --rules
included, and lists what none of them matches, the most frequent first. Use it
to find the next rule to write. Nothing is written. Events with the same content
are listed once. Session facts, such as that a session was opened, are left out
unless you give --kind session. Correlations do not count, since they match no
single event.`,
		Examples: "ttpcron rules untagged --since 30d\nttpcron rules untagged --limit 0 --json | jq -r .payload.command_text",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			w, err := cli.Window(o.since, o.until, s.now())
			if err != nil {
				return err
			}
			return showUntagged(ctx, s, w, o)
		},
	}
}

// wants reports whether events of a kind are listed: all deeds, or the requested kind.
func (o *untaggedOptions) wants(kind ttpcron.SourceKind) bool {
	if o.kind == "" {
		return kind != ttpcron.SessionFact
	}
	return kind == ttpcron.SourceKind(o.kind)
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

func showUntagged(ctx context.Context, s *session, w ttpcron.Window, o untaggedOptions) error {
	db, err := s.stores.Read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	rs, report, err := loadRules(s.set, s.log)
	if err != nil {
		return err
	}
	ruleset.Warn(s.log, report)
	begun, err := db.History.Moment(ctx)
	if err != nil {
		return err
	}
	judge := judge(rs)
	u := eval.NewUntagged(judge)
	if err := eachEvent(ctx, db, w, func(e *ttpcron.Event) {
		if o.wants(e.Kind) {
			u.Add(e)
		}
	}); err != nil {
		return err
	}
	r := u.Report()
	t := term.Table{Columns: []term.Column{{Title: "EVENTS", Right: true}, {Title: "FIRST"}, {Title: "LAST"}, {Title: "KIND", SGR: term.Cyan}, {Title: "TEXT", Min: 24}}}
	for i, m := range r.Contents {
		if o.limit > 0 && i == o.limit {
			break
		}
		if !o.json {
			t.Add(term.Count(m.Events), term.Time(m.First), term.Time(m.Last), string(m.Kind), beginning(s.out.Term, (&ttpcron.Event{Kind: m.Kind, Payload: m.Payload}).Telling()))
		} else if err := s.out.JSON(untaggedJSON{m.Kind, m.Events, m.First.UTC(), m.Last.UTC(), m.Cut, m.Payload}); err != nil {
			return err
		}
	}
	if err := s.out.Table(&t); err != nil {
		return err
	}
	shownContents := len(r.Contents)
	if o.limit > 0 {
		shownContents = min(o.limit, shownContents)
	}
	fmt.Fprintf(s.out.Err, "%s of %s without a tag (%s); %s of %s shown\n", term.Count(r.Untagged), term.Plural(r.Events, "event", "events"),
		percent(share(r.Untagged, r.Events)), term.Count(shownContents), term.Plural(len(r.Contents), "text", "texts"))
	if r.Dropped > 0 {
		fmt.Fprintf(s.out.Err, "there are more texts than can be counted: rare ones are missing, and counts may be too low by %s\n", term.Count(r.Dropped))
	}
	noteCorrelations(s.out, rs)
	if judge.bounded > 0 {
		s.log.Warn("a rule met a limit of work or size", "events", judge.bounded)
	}
	return streamed(ctx, s.out, db, begun)
}
