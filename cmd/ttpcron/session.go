package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/story"
)

// entriesTold is how many of a session's events are shown by default.
const entriesTold = 500

func sessionCommand() *command {
	var o storyOptions
	fs := cli.NewFlags()
	o.define(fs)
	cli.TextVar(fs, &o.sensor, "sensor", "only the session of sensor `NAME`, if several sensors have this id")
	cli.LimitVar(fs, &o.limit, "limit", entriesTold, "tell at most `N` events, the first; 0 for all. --json and --csv have all")
	return &command{
		Name: "session", Args: "ID", Short: "tell the story of a session", Flags: fs,
		Text: `Tells what happened in a session, in order: who connected from where, how they
logged in after how many tries, what they typed, fetched and requested, and how
it ended. Each event is followed by the techniques that it showed. Commands
without tags are told too. Decoded text, such as a script in base64, is shown
below its command. Findings of correlations come last.

You can shorten the id if only one session begins with it. Sensors may give
different sessions the same id: each is told, unless you give --sensor.

Only the first few failed logins are told, and the first few commands that echo
a file piece by piece; the rest are counted. Long texts are cut after a few
lines. --full cuts nothing. --json prints an object about the session, one for
each event with its tags in the form of tags --json, and one for each tag
without an event. Captured passwords are shown.`,
		Examples: `ttpcron session a7fabf13a562
ttpcron session a7fa --full --min-level medium
ttpcron session a7fabf13a562 --json | jq -r 'select(.type=="event")|.told.text'`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return cli.Usage("session needs one id", "ttpcron sessions lists them")
			}
			if err := o.check(s); err != nil {
				return err
			}
			defer o.places.Close()
			return tellSession(ctx, s.out, s.stores, args[0], &o)
		},
	}
}

func tellSession(ctx context.Context, out *term.Output, stores *store.Opener, id string, o *storyOptions) error {
	db, err := stores.Read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	at, err := db.History.Moment(ctx)
	if err != nil {
		return err
	}
	q := ttpcron.EventQuery{Session: id, Sensor: o.sensor, Window: o.window, UpTo: at.Seq}
	src, heads, err := o.sessions(ctx, db, q)
	if err != nil {
		return err
	}
	if len(heads) == 0 {
		q.Session = pastedSession(q.Session)
		full, err := fullID(ctx, db, q)
		if err != nil {
			return err
		}
		q.Session = full
		if src, heads, err = o.sessions(ctx, db, q); err != nil {
			return err
		}
	}
	if len(heads) > 1 {
		out.Note("%s have a session %s: all are shown; choose one with --sensor", term.Plural(len(heads), "sensor", "sensors"), term.Clean(q.Session))
	}
	w := newStoryWriter(out, o)
	for i, sensor := range slices.Sorted(maps.Keys(heads)) {
		if i > 0 && !o.json && !o.csv {
			fmt.Fprintln(out)
		}
		if err := w.tell(ctx, heads[sensor], src.of(q.Session, sensor)); err != nil {
			return err
		}
	}
	if err := w.end(); err != nil {
		return err
	}
	if err := src.noteHidden(ctx, out, o.minLevel.IsSet); err != nil {
		return err
	}
	return streamed(ctx, out, db, at)
}

// head is what stands above the story of a session.
type head struct {
	story.Session
	loose looseTags

	commands, files, others story.Excerpt // of a short story
}

// excerpt is the one that events of a kind go to, nil for logins and facts.
func (h *head) excerpt(kind ttpcron.SourceKind) *story.Excerpt {
	switch kind {
	case ttpcron.Command:
		return &h.commands
	case ttpcron.FileTransfer:
		return &h.files
	case ttpcron.AuthAttempt, ttpcron.SessionFact, ttpcron.Correlation:
		return nil
	}
	return &h.others
}

// maxSensors is how many sensors with a session of the same id are distinguished.
const maxSensors = 256

// sessions sums up the sessions that a query selects, by sensor.
func (o *storyOptions) sessions(ctx context.Context, db *store.Store, q ttpcron.EventQuery) (*storySource, map[string]*head, error) {
	src, err := o.source(ctx, db, q)
	if err != nil {
		return nil, nil, err
	}
	heads := map[string]*head{}
	of := func(sensor string) *head {
		h := heads[sensor]
		if h == nil && len(heads) < maxSensors {
			h = &head{}
			heads[sensor] = h
		}
		return h
	}
	for e, err := range src.Events(ctx) {
		if err != nil {
			return nil, nil, err
		}
		if h := of(e.DeckyID); h != nil {
			h.Add(e, o.own)
		}
	}
	for t, err := range src.Tags(ctx, ttpcron.Window{}) {
		if err != nil {
			return nil, nil, err
		}
		h := of(t.DeckyID)
		if h == nil {
			continue
		}
		h.Tags.Add(t)
		if h.Events == 0 { // they are gone
			h.ID, h.Sensor, h.Vantage = t.SessionID, t.DeckyID, t.Vantage
			h.Attacker = story.Actor{IP: t.AttackerIP, UUID: t.AttackerUUID, Identity: t.IdentityUUID, Mark: t.Mark(o.own)}
		}
		if t.Seq == 0 {
			h.loose.add(t)
		}
	}
	if len(heads) == maxSensors {
		return nil, nil, cli.Hint(fmt.Errorf("there are sessions %q of %d sensors or more", q.Session, maxSensors), "name one with --sensor")
	}
	return src, heads, nil
}

// pastedSession is a session's id, or its beginning, as a table shows it: cut, and with
// escapes.
func pastedSession(id string) string {
	return term.Unclean(strings.TrimRight(id, "…~"))
}

// fullID finds the only session whose id begins with the given text.
func fullID(ctx context.Context, db *store.Store, q ttpcron.EventQuery) (string, error) {
	q.Session, q.SessionBegins = "", q.Session
	var ids []string
	more := false
	blocks, err := db.History.Blocks(ctx, q)
	if err != nil {
		return "", err
	}
	for e, err := range db.History.EventsOf(ctx, q, blocks) {
		if err != nil {
			return "", err
		}
		if slices.Contains(ids, e.SessionID) {
			continue
		}
		if more = len(ids) == 8; more {
			break
		}
		ids = append(ids, strings.Clone(e.SessionID))
	}
	where := ""
	if q.Sensor != "" {
		where = " of sensor " + term.Clean(q.Sensor)
	}
	if !q.Window.Since.IsZero() || !q.Window.Until.IsZero() {
		where += " with events between --since and --until"
	}
	switch {
	case len(ids) == 1:
		return ids[0], nil
	case slices.Contains(ids, q.SessionBegins):
		return q.SessionBegins, nil
	case len(ids) == 0:
		return "", cli.Hint(fmt.Errorf("there is no session %q%s in %s", term.Clean(q.SessionBegins), where, db.Path()), "ttpcron sessions lists them; those of pruned days are gone")
	}
	slices.Sort(ids)
	list := term.Clean(strings.Join(ids, ", "))
	if more {
		list += " and others"
	}
	return "", cli.Hint(fmt.Errorf("several sessions%s begin with %q", where, term.Clean(q.SessionBegins)), "name one of "+list)
}
