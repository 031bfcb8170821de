package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// leastOfUUID is how much of a UUID names it.
const leastOfUUID = 8

// uuidBeginning is the beginning of a UUID, perhaps as a table cuts it, and whether a name
// is one.
func uuidBeginning(name string) (string, bool) {
	const whole = "00000000-0000-0000-0000-000000000000"
	begins := strings.ToLower(strings.TrimRight(name, "…~"))
	if len(begins) < leastOfUUID || len(begins) >= len(whole) {
		return "", false
	}
	_, ok := ttpcron.ParseUUID(begins + whole[len(begins):])
	return begins, ok
}

// begun are the few names found that begin as was named.
type begun struct {
	names []string
	more  bool
}

// add adds a name, and reports whether there is room for others.
func (b *begun) add(name string) bool {
	if slices.Contains(b.names, name) {
		return true
	}
	if b.more = len(b.names) == 8; !b.more {
		b.names = append(b.names, strings.Clone(name))
	}
	return !b.more
}

// only returns the only one, empty if there is none.
func (b *begun) only(what, begins string) (string, error) {
	switch {
	case len(b.names) == 0:
		return "", nil
	case len(b.names) == 1:
		return b.names[0], nil
	case slices.Contains(b.names, begins):
		return begins, nil
	}
	slices.Sort(b.names)
	list := term.Clean(strings.Join(b.names, ", "))
	if b.more {
		list += " and others"
	}
	return "", cli.Hint(fmt.Errorf("several %s begin with %q", what, term.Clean(begins)), "name one of "+list)
}

// attackerBeginning finds the only attacker or identity whose UUID begins as was named,
// empty if there is none. It reads all tags, and the actors of all events.
func attackerBeginning(ctx context.Context, db *store.Store, begins string) (string, error) {
	var found begun
	add := func(uuids ...string) (room bool) {
		room = true
		for _, u := range uuids {
			if strings.HasPrefix(strings.ToLower(u), begins) {
				room = found.add(u) && room
			}
		}
		return room
	}
	for t, err := range db.Tags.Query(ctx, ttpcron.TagQuery{Bare: true}, nil) {
		if err != nil {
			return "", err
		}
		if !add(t.AttackerUUID, t.IdentityUUID) {
			break
		}
	}
	q := ttpcron.EventQuery{AttackerBegins: begins}
	blocks, err := db.History.Blocks(ctx, q)
	if err != nil {
		return "", err
	}
	var attackers ttpcron.Attackers
	for e, err := range db.History.EventsOf(ctx, q, blocks) {
		if err != nil {
			return "", err
		}
		if uuid, _ := attackers.Of(e); !add(uuid, e.IdentityUUID) {
			break
		}
	}
	return found.only("attackers", begins)
}

// tagBeginning finds the only tag whose UUID begins as was named. It reads all tags but
// those of retired rules.
func tagBeginning(ctx context.Context, db *store.Store, begins string) (ttpcron.UUID, error) {
	var found begun
	for t, err := range db.Tags.Query(ctx, ttpcron.TagQuery{Bare: true}, nil) {
		if err != nil {
			return ttpcron.UUID{}, err
		}
		if name := t.UUID().String(); strings.HasPrefix(name, begins) && !found.add(name) {
			break
		}
	}
	name, err := found.only("tags", begins)
	if err == nil && name == "" {
		err = cli.Hint(fmt.Errorf("there is no tag whose UUID begins with %s in %s", begins, db.Path()),
			"ttpcron tags --uuid shows UUIDs; one of a retired rule must be given in full")
	}
	if err != nil {
		return ttpcron.UUID{}, err
	}
	u, _ := ttpcron.ParseUUID(name)
	return u, nil
}
