// Package census counts the events and tags of a store by attacker, session, technique,
// sensor, login or file: who, where from, with what, how often, when first and last.
//
// Start with [New]. A [Census] reads the events once and the tags once, whatever it
// counts by, and needs no more memory for ten million attackers than for a thousand:
// counts that do not fit go to sorted runs in a scratch folder, which are merged as rows
// are read. It reads through [Events] and [Source], and does not depend on a store.
//
// Counts are exact, except that attackers, sessions and events within a group are
// distinguished by a keyed 64-bit hash.
package census

import (
	"context"
	"errors"
	"hash/maphash"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Events is a stored history, as jobs.History has it.
type Events interface {
	// Kinds lists the kinds of which events are stored.
	Kinds(ctx context.Context) ([]ttpcron.SourceKind, error)
	// DayPage lists days with events of a kind, ascending from the given one: as many as it
	// likes, and none only when there are no more.
	DayPage(ctx context.Context, kind ttpcron.SourceKind, from ttpcron.Day) ([]ttpcron.DayHistory, error)
	// Events yields a day's events with arrival numbers in (after, upTo].
	Events(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, after, upTo uint64) iter.Seq2[[]ttpcron.Event, error]
}

// Tag is a tag, with its claim under the names that are shown.
type Tag struct {
	*ttpcron.Tag
	Shown *ttpcron.Claim
}

// Source provides the events and tags to count.
type Source struct {
	Events Events
	// Tags yields the tags that a query selects by the time of their event, each good until
	// the next.
	Tags func(ctx context.Context, q ttpcron.TagQuery) iter.Seq2[Tag, error]
}

// Query selects what is counted.
type Query struct {
	// Tags selects tags. What it says of attacker, session, sensor, time and arrival
	// selects events too.
	Tags ttpcron.TagQuery
	// Tagged leaves out groups that have none of these tags.
	Tagged bool
	// NewSince, if not zero, leaves out groups of which an event arrived up to NewAfter, or
	// for those by technique an event that has one of the tags, whatever Tags says of time
	// and arrival. Tags of several events have no arrival number: they count as old if they
	// were made before NewSince.
	NewSince time.Time
	NewAfter uint64 // arrival number
	// Won leaves out groups without a login that worked.
	Won bool
	// Who names the addresses of groups by credentials, users, passwords and keys too: with
	// Won, those whose login worked.
	Who bool
	// Keep, if not nil, says of which addresses events and tags are counted. It is asked
	// for each event.
	Keep func(address string) bool
	// Place gives the place of an address, for groups by [Places].
	Place func(address string) string
}

func (q *Query) onlyNew() bool { return !q.NewSince.IsZero() }

// Bound is the approximate memory, in bytes, that a census uses for counts.
const Bound = 24 << 20

// Census counts. It is not safe for concurrent use.
type Census struct {
	q      Query
	seed   maphash.Seed
	disk   disk
	counts []*count
	who    ttpcron.Attackers
	whose  ttpcron.TagQuery // that of q, whatever it says of time and arrival
	as     ttpcron.Tag      // an event, as the query looks at it
	met    met
	bound  int
	// ofGroups counts tags of groups that name no attacker.
	ofGroups int
}

// New returns a census that counts by the given properties. It must be closed.
func New(q Query, by ...By) *Census { return newBounded(q, Bound, by...) }

func newBounded(q Query, bound int, by ...By) *Census {
	c := &Census{q: q, seed: maphash.MakeSeed(), bound: bound, met: newMet()}
	tables := 0
	for _, b := range by {
		tables++
		if c.joins(b) {
			tables++
		}
	}
	for _, b := range by {
		n := &count{by: b, c: c, table: newTable(&c.disk, bound/tables)}
		if c.joins(b) {
			n.joined = newTable(&c.disk, bound/tables)
		}
		c.counts = append(c.counts, n)
	}
	return c
}

// joins reports whether tags are joined with events by arrival number, since only events
// have the group.
func (c *Census) joins(b By) bool { return b.joined() && (c.q.Tagged || b == Files) }

// Close removes files on disk.
func (c *Census) Close() error {
	for _, n := range c.counts {
		n.table.close()
		if n.joined != nil {
			n.joined.close()
		}
	}
	return c.disk.close()
}

// Count reads the events and tags that arrived up to an arrival number. Call it once.
func (c *Census) Count(ctx context.Context, from Source, upTo uint64) error {
	c.q.Tags.UpTo, c.q.Tags.Limit, c.q.Tags.Bare = upTo, 0, true
	if upTo == 0 {
		return nil // an empty store, and 0 is no bound
	}
	c.whose = c.q.Tags
	c.whose.Window, c.whose.ArrivedAfter, c.whose.MadeSince = ttpcron.Window{}, 0, time.Time{}
	kinds, err := from.Events.Kinds(ctx)
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		var of []*count
		for _, n := range c.counts {
			if n.by.ofKind(kind) {
				of = append(of, n)
			}
		}
		if len(of) > 0 {
			if err := c.events(ctx, from.Events, kind, of); err != nil {
				return err
			}
		}
	}
	if err := c.tags(ctx, from); err != nil {
		return err
	}
	for _, n := range c.counts {
		if err := n.join(ctx); err != nil {
			return err
		}
	}
	return nil
}

// events counts the events of a kind.
func (c *Census) events(ctx context.Context, from Events, kind ttpcron.SourceKind, of []*count) error {
	span := Span{UpTo: c.q.Tags.UpTo}
	if !c.q.onlyNew() {
		span.Window, span.After = c.q.Tags.Window, c.q.Tags.ArrivedAfter
	}
	for page, err := range Pages(ctx, from, kind, span) {
		if err != nil {
			return err
		}
		for i := range page {
			if err := c.event(&page[i], of); err != nil {
				return err
			}
		}
	}
	return nil
}

// event counts one.
func (c *Census) event(e *ttpcron.Event, of []*count) error {
	q := &c.q.Tags
	if c.q.Keep != nil && !c.q.Keep(e.AttackerIP) {
		return nil
	}
	who, _ := c.who.Of(e)
	c.as.AttackerUUID, c.as.AttackerIP, c.as.IdentityUUID = who, e.AttackerIP, e.IdentityUUID
	c.as.SessionID, c.as.DeckyID, c.as.Seq, c.as.EventTime = e.SessionID, e.DeckyID, e.Seq, e.Time
	if !c.whose.MatchEvent(&c.as) {
		return nil
	}
	if who == "" {
		who = e.IdentityUUID
	}
	o := observed{
		who: who, address: e.AttackerIP, session: e.SessionID, sensor: e.DeckyID, kind: e.Kind,
		sum:    sum{1, e.Seq, 0, instantOf(e.Time), instantOf(e.Time)},
		within: q.Window.Contains(e.Time) && e.Seq > q.ArrivedAfter,
	}
	if !o.within && !c.q.onlyNew() {
		return nil
	}
	for _, n := range of {
		if err := n.event(&o, e); err != nil {
			return err
		}
	}
	return nil
}

// tags counts the tags.
func (c *Census) tags(ctx context.Context, from Source) error {
	q := c.q.Tags
	all := c.q.onlyNew() && slices.ContainsFunc(c.counts, func(n *count) bool { return n.by == Techniques })
	if all {
		q.Window, q.ArrivedAfter, q.FoundSince = ttpcron.Window{}, 0, time.Time{}
	}
	if !slices.ContainsFunc(c.counts, (*count).wantsTags) {
		return nil
	}
	for t, err := range from.Tags(ctx, q) {
		if err != nil {
			return err
		}
		if c.q.Keep != nil && !c.q.Keep(t.AttackerIP) {
			continue
		}
		if err := c.tag(t, !all || c.q.Tags.MatchEvent(t.Tag)); err != nil {
			return err
		}
	}
	return nil
}

func (c *Census) tag(t Tag, within bool) error {
	who := t.AttackerUUID
	if who == "" {
		who = t.IdentityUUID
	}
	group := t.OfGroup()
	if group {
		who = ""
		if within {
			c.ofGroups++
		}
	}
	o := observed{
		who: who, nobody: group, address: t.AttackerIP, session: t.SessionID, sensor: t.DeckyID, kind: t.SourceKind,
		sum:    sum{1, c.arrival(t.Tag), uint64(t.Level.Rank()), instantOf(t.EventTime), instantOf(t.EventTime)},
		within: within,
	}
	c.met.at(o.sum.first)
	for _, n := range c.counts {
		if err := n.tag(&o, t); err != nil {
			return err
		}
	}
	return nil
}

// arrival is when a tag's event arrived. An event that is gone counts as old.
func (c *Census) arrival(t *ttpcron.Tag) uint64 {
	switch {
	case t.Seq > 0:
		return t.Seq
	case t.SourceKind == ttpcron.Correlation && !t.CreatedAt.Before(c.q.NewSince.Truncate(time.Second)):
		return math.MaxUint64
	}
	return 0
}

// observed is what is counted for an event or a tag.
type observed struct {
	who, address    string // who is a UUID
	nobody          bool   // it is a tag of a group that names no attacker
	session, sensor string
	kind            ttpcron.SourceKind
	sum             sum
	within          bool // it is selected by time and arrival
	lost            bool // it is a login that did not work, where those that did are asked for
}

// OfGroups returns how many of the tags that were counted are about groups that name no
// attacker: they are in no row by attacker or place. See [ttpcron.Tag.OfGroup].
func (c *Census) OfGroups() int { return c.ofGroups }

// Rows yields the rows for the i-th property given to New, in an order. Rows stay valid.
// It returns the total number of rows, including those beyond the limit.
func (c *Census) Rows(ctx context.Context, i int, order Order, do func(*Row) error) (total int, err error) {
	if order.By == nil {
		return 0, errors.New("census: no column to sort by")
	}
	s := &sorter{order: order, bound: c.bound / 3, runs: runs{disk: &c.disk}}
	defer s.runs.close()
	if err := c.counts[i].rows(ctx, s.add); err != nil {
		return 0, err
	}
	for r, err := range s.all() {
		if err != nil {
			return 0, err
		}
		if err := do(r); err != nil {
			return 0, err
		}
	}
	return s.n, nil
}
