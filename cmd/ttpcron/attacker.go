package main

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/story"
)

// sessionsTold is how many of an attacker's sessions are shown by default.
const sessionsTold = 20

func attackerCommand() *command {
	var o storyOptions
	fs := cli.NewFlags()
	o.define(fs)
	cli.TextVar(fs, &o.sensor, "sensor", "only events of sensor `NAME`")
	cli.LimitVar(fs, &o.limit, "limit", sessionsTold, "tell at most `N` sessions, the first and the last; 0 for all; --json and --csv always have all")
	return &command{
		Name: "attacker", Args: "ADDRESS", Short: "tell the story of an attacker", Flags: fs,
		Text: `Tells what one attacker did: when and by which sensors they were seen, what that
showed, and then each session in short, oldest first. ADDRESS is an address, or
the UUID of an attacker or identity, or its first 8 characters or more if only
one begins so. Of each session, the commands with the highest level are shown.
Consecutive sessions in which no login succeeded are counted in one line. Events
without a session are told by sensor, in visits: after an hour without an event,
the next one begins another.

--full tells each session as ttpcron session does. --json prints an object about
the attacker, one for each event with its tags in the form of tags --json, and
one for each tag without an event. Captured passwords are shown.`,
		Examples: `ttpcron attacker 203.0.113.24
ttpcron attacker 203.0.113.24 --since 2026-11-01 --full
ttpcron attacker 203.0.113.24 --csv > timeline.csv`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if len(args) != 1 || strings.TrimSpace(args[0]) == "" {
				return cli.Usage("attacker needs one address or UUID", "ttpcron attackers lists them")
			}
			if _, err := netip.ParsePrefix(args[0]); err == nil {
				return cli.Usage(fmt.Sprintf("%s is a network", args[0]), "ttpcron attackers --attacker "+args[0]+" lists who is in it")
			}
			if err := o.check(s); err != nil {
				return err
			}
			defer o.places.Close()
			return tellAttacker(ctx, s.out, s.stores, strings.TrimSpace(args[0]), &o)
		},
	}
}

func tellAttacker(ctx context.Context, out *term.Output, stores *store.Opener, name string, o *storyOptions) error {
	db, err := stores.Read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	at, err := db.History.Moment(ctx)
	if err != nil {
		return err
	}
	for _, mark := range besideAttacker {
		name = strings.TrimSuffix(name, mark)
	}
	src, a, loose, err := o.attackerNamed(ctx, db, name, at.Seq)
	if err != nil {
		return err
	}
	if begins, is := uuidBeginning(name); is && a.Events == 0 && a.Tags.N == 0 {
		full, err := attackerBeginning(ctx, db, begins)
		if err != nil {
			return err
		}
		if full != "" {
			name = full
			if src, a, loose, err = o.attackerNamed(ctx, db, name, at.Seq); err != nil {
				return err
			}
		}
	}
	if a.Events == 0 && a.Tags.N == 0 {
		return noAttacker(name, db, o)
	}
	w := newStoryWriter(out, o)
	switch {
	case o.json:
		if err = out.JSON(attackerJSONOf(o, a)); err == nil {
			err = w.each(ctx, src, w.entryJSON, w.looseJSON)
		}
	case o.csv:
		err = w.each(ctx, src, w.entryRow, w.looseRow)
	default:
		err = newStoryPage(w).attacker(ctx, name, a, loose, src)
	}
	if err == nil {
		err = w.end()
	}
	if err != nil {
		return err
	}
	if err := src.noteHidden(ctx, out, o.minLevel.IsSet); err != nil {
		return err
	}
	return streamed(ctx, out, db, at)
}

// attackerNamed sums up what the attacker with a name did.
func (o *storyOptions) attackerNamed(ctx context.Context, db *store.Store, name string, upTo uint64) (*storySource, *story.Attacker, *looseTags, error) {
	var names ttpcron.TagQuery
	names.SelectAttacker(name)
	src, err := o.source(ctx, db, ttpcron.EventQuery{Attacker: names.Attacker, AttackerToo: names.AttackerToo, Sensor: o.sensor, Window: o.window, UpTo: upTo})
	if err != nil {
		return nil, nil, nil, err
	}
	a, loose, err := o.attacker(ctx, src)
	return src, a, loose, err
}

func noAttacker(name string, db *store.Store, o *storyOptions) error {
	where := ""
	if o.sensor != "" {
		where = " seen by sensor " + term.Clean(o.sensor)
	}
	if !o.window.Since.IsZero() || !o.window.Until.IsZero() {
		where += " between --since and --until"
	}
	return cli.Hint(fmt.Errorf("there is no attacker %q%s in %s", term.Clean(name), where, db.Path()), "ttpcron attackers lists them; a UUID needs its first "+strconv.Itoa(leastOfUUID)+" characters; events of pruned days are gone")
}

// attacker sums up what an attacker did.
func (o *storyOptions) attacker(ctx context.Context, src *storySource) (*story.Attacker, *looseTags, error) {
	a, loose := &story.Attacker{}, &looseTags{}
	for e, err := range src.Events(ctx) {
		if err != nil {
			return nil, nil, err
		}
		a.Add(e, o.own)
	}
	for t, err := range src.Tags(ctx, ttpcron.Window{}) {
		if err != nil {
			return nil, nil, err
		}
		a.Tags.Add(t)
		if a.Events == 0 {
			a.OfGroup = t.OfGroup()
			a.Actor = story.Actor{IP: t.AttackerIP, UUID: t.AttackerUUID, Identity: t.IdentityUUID, Mark: t.Mark(o.own)}
		}
		if t.Seq == 0 && (t.SessionID == "" || a.Events == 0) {
			loose.add(t)
		}
	}
	return a, loose, nil
}
