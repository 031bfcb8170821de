package main

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// selectAttacker has the query select the attacker that was named, as a table shows it too:
// with a mark behind it.
func (s *tagSelection) selectAttacker() {
	name := strings.TrimSpace(s.attacker)
	for _, mark := range besideAttacker {
		name = strings.TrimSuffix(name, mark)
	}
	if name == "" {
		return
	}
	if _, err := netip.ParseAddr(name); err != nil {
		if networks, err := ttpcron.ParseNetworks(name); err == nil && len(networks) > 0 {
			s.q.Networks = networks
			return
		}
		s.malformed = addressLike.MatchString(name)
	}
	s.q.SelectAttacker(name)
}

// addressLike is what somebody meant as an address or a network: digits and dots, perhaps
// with a port, or hexadecimal digits and two colons at least.
var addressLike = regexp.MustCompile(`^(\d+(\.\d+)+(:\d+)?|[0-9a-fA-F.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(%\S*)?)(/\d*)?$`)

var (
	pastedAgreement = regexp.MustCompile(`^(\S+) \+\d+$`)
	pastedName      = regexp.MustCompile(`^(?i)(TA?\d{4}(?:\.\d{3})?) .+$`)
)

// pastedRule is a rule as a table shows it, without the number of others that agree.
func pastedRule(s string) string {
	return pastedAgreement.ReplaceAllString(strings.TrimSpace(s), "$1")
}

// pastedID is the id of a technique or tactic as a table shows it, with its name.
func pastedID(s string) string { return pastedName.ReplaceAllString(strings.TrimSpace(s), "$1") }

// recognise asks the store about names that may be ambiguous: an invalid address may have
// been recorded all the same, and a name copied from a table may have escapes that the
// record lacks.
func (s *tagSelection) recognise(ctx context.Context, db *store.Store) error {
	if s.malformed {
		known, err := hasTags(ctx, db, ttpcron.TagQuery{Attacker: s.q.Attacker})
		if err != nil {
			return err
		}
		if !known {
			return cli.Usage(fmt.Sprintf("--attacker %q is neither an address nor a network, and nobody is recorded under it", s.attacker),
				"an address looks like 203.0.113.7 or 2001:db8::7, a network like 192.0.2.0/24 or 2001:db8::/32")
		}
	}
	if begins, is := uuidBeginning(s.q.Attacker); is && s.q.Networks == nil {
		full, err := attackerBeginning(ctx, db, begins)
		if err != nil {
			return err
		}
		if full != "" {
			s.q.SelectAttacker(full)
		}
	}
	for _, name := range []struct {
		text  *string
		query func(string) ttpcron.TagQuery
	}{
		{&s.q.Session, func(text string) ttpcron.TagQuery { return ttpcron.TagQuery{Session: text} }},
		{&s.q.Sensor, func(text string) ttpcron.TagQuery { return ttpcron.TagQuery{Sensor: text} }},
	} {
		recorded := term.Unclean(*name.text)
		if recorded == *name.text {
			continue
		}
		known, err := hasTags(ctx, db, name.query(*name.text))
		if err != nil {
			return err
		}
		if !known {
			*name.text = recorded
		}
	}
	return nil
}

// hasTags reports whether the store has a tag that a query selects, at any level.
func hasTags(ctx context.Context, db *store.Store, q ttpcron.TagQuery) (bool, error) {
	q.Limit = 1
	for _, err := range db.Tags.Query(ctx, q, nil) {
		return err == nil, err
	}
	return false, nil
}

// hasEvents reports whether the store has an event that a query selects.
func hasEvents(ctx context.Context, db *store.Store, q ttpcron.EventQuery) (bool, error) {
	blocks, err := db.History.Blocks(ctx, q)
	if err != nil {
		return false, err
	}
	for _, err := range db.History.EventsOf(ctx, q, blocks) {
		return err == nil, err
	}
	return false, nil
}

// lookedAt is what was searched without a match.
type lookedAt int

const (
	someTags      lookedAt = iota // tags, but perhaps not those of every level, or some kinds of event
	everyTag                      // tags of every level
	eventsAndTags                 // all events, tags or not
)

func allTags(all bool) lookedAt {
	if all {
		return everyTag
	}
	return someTags
}

// noteUntagged says that a store has no tags.
func (s *tagSelection) noteUntagged(ctx context.Context, c *session, db *store.Store) (untagged bool, err error) {
	tagged, err := hasTags(ctx, db, ttpcron.TagQuery{})
	if err == nil && !tagged {
		c.out.Note("the store has no tags at all: ttpcron run-once tags the events that no run has taken")
	}
	return !tagged, err
}

// noteNone says that there are none, and which filters nothing can match.
func (s *tagSelection) noteNone(ctx context.Context, c *session, db *store.Store, none string, looked lookedAt) error {
	arrived, err := lastArrived(ctx, db, s.q.ArrivedAfter)
	if err != nil {
		return err
	}
	c.out.Note("%s%s", none, arrived)
	if untagged, err := s.noteUntagged(ctx, c, db); err != nil || untagged {
		return err
	}
	for _, miss := range []func() (string, error){
		func() (string, error) { return s.missingRule(ctx, c, db) },
		func() (string, error) {
			return s.missing(ctx, db, "session", s.q.Session, ttpcron.TagQuery{Session: s.q.Session})
		},
		func() (string, error) {
			return s.missing(ctx, db, "attacker", s.q.Attacker, ttpcron.TagQuery{Attacker: s.q.Attacker, AttackerToo: s.q.AttackerToo})
		},
		func() (string, error) {
			if text, err := s.missingSensor(ctx, db); text != "" || err != nil {
				return text, err
			}
			return s.unsought(looked), nil
		},
		func() (string, error) { return s.outsideWindow(ctx, db) },
	} {
		text, err := miss()
		if err != nil {
			return err
		}
		if text != "" {
			c.out.Note("%s", text)
		}
	}
	return nil
}

// missing says that the store has no tag with a name, going by its daily counts, and
// whether it has events.
func (s *tagSelection) missing(ctx context.Context, db *store.Store, what, name string, q ttpcron.TagQuery) (string, error) {
	if name == "" {
		return "", nil
	}
	known, err := hasTags(ctx, db, q)
	if err != nil || known {
		return "", err
	}
	text := fmt.Sprintf("the store has neither events nor tags of the %s %s", what, term.Clean(name))
	if known, err = hasEvents(ctx, db, ttpcron.EventQuery{Attacker: q.Attacker, AttackerToo: q.AttackerToo, Session: q.Session}); err != nil {
		return "", err
	} else if known {
		text = fmt.Sprintf("the store has events of the %s %s, but no tag", what, term.Clean(name))
	}
	if strings.HasSuffix(name, "…") || strings.HasSuffix(name, "~") {
		text += ". A table cuts long names: tags --json has all of it"
	}
	return text, nil
}

// missingSensor says that the store has no event of the sensor.
func (s *tagSelection) missingSensor(ctx context.Context, db *store.Store) (string, error) {
	if s.q.Sensor == "" {
		return "", nil
	}
	if known, err := hasEvents(ctx, db, ttpcron.EventQuery{Sensor: s.q.Sensor}); known || err != nil {
		return "", err
	}
	return fmt.Sprintf("the store has no event of a sensor %s; ttpcron sensors lists the sensors", term.Clean(s.q.Sensor)), nil
}

// unsought says what is known about filters that the store does not count: everything if
// there is no other filter, otherwise how to find out.
func (s *tagSelection) unsought(looked lookedAt) string {
	what := ""
	rest := s.filters()
	switch {
	case s.q.Sensor != "":
		what, rest.Sensor = "of the sensor "+term.Clean(s.q.Sensor), ""
	case s.q.Networks != nil:
		what, rest.Networks = "of attackers in "+s.q.Networks.String(), nil
	default:
		return ""
	}
	if reflect.DeepEqual(rest, ttpcron.TagQuery{}) && !s.minLevel.IsSet {
		switch looked {
		case everyTag:
			return "the store has no tag " + what
		case eventsAndTags:
			return "the store has neither events nor tags " + what
		}
	}
	return fmt.Sprintf("there may be tags %s that the other filters leave out: try without them", what)
}

// filters is what was requested, without a command's own additions.
func (s *tagSelection) filters() ttpcron.TagQuery {
	q := s.q
	q.Limit, q.UpTo = 0, 0
	if !s.minLevel.IsSet {
		q.MinLevels = ttpcron.MinLevels{}
	}
	return q
}

// missingRule says whether a rule without tags is known at all.
func (s *tagSelection) missingRule(ctx context.Context, c *session, db *store.Store) (string, error) {
	if s.q.Rule == "" {
		return "", nil
	}
	versions, err := db.Rules.Versions(ctx)
	if err != nil {
		return "", err
	}
	ids := map[string]string{} // by how they are compared
	hidden := false
	for _, v := range versions {
		if v.RuleID == s.q.Rule && !v.Retired {
			return "", nil
		}
		hidden = hidden || v.RuleID == s.q.Rule
		ids[strings.ToLower(v.RuleID)] = v.RuleID
	}
	name := term.Clean(s.q.Rule)
	if hidden {
		return fmt.Sprintf("the tags of the rule %s are hidden: it is retired", name), nil
	}
	rules, _, err := loadRules(c.set, c.log)
	if err != nil {
		return fmt.Sprintf("the store has no tag of the rule %s; whether it is loaded is not known: %v", name, err), nil
	}
	for _, r := range rules.Rules() {
		if r.ID == s.q.Rule {
			return fmt.Sprintf("the rule %s is loaded, and the store has no tag of it", name), nil
		}
		ids[strings.ToLower(r.ID)] = r.ID
	}
	text := fmt.Sprintf("the rule %s is not loaded, and the store has no tag of it", name)
	var known []string
	for id := range ids {
		known = append(known, id)
	}
	slices.Sort(known)
	if near := cli.Nearest(s.q.Rule, known); near != "" {
		text += fmt.Sprintf("; did you mean %s?", term.Clean(ids[near]))
	}
	return text, nil
}

// lastArrived says when events arrived last, to somebody who asked for what arrived
// later than something and saw nothing.
func lastArrived(ctx context.Context, db *store.Store, after uint64) (string, error) {
	if after == 0 {
		return "", nil
	}
	st, err := db.File.Stats(ctx)
	if err != nil {
		return "", err
	}
	if st.Arrived.IsZero() {
		return "; when events arrived is not known", nil
	}
	return "; the last events arrived " + term.Time(st.Arrived), nil
}

// outsideWindow says when the store has events, if that is outside the window.
func (s *tagSelection) outsideWindow(ctx context.Context, db *store.Store) (string, error) {
	if s.q.Window.Since.IsZero() && s.q.Window.Until.IsZero() {
		return "", nil
	}
	st, err := db.Tags.Counts(ctx, s.under)
	if err != nil {
		return "", err
	}
	var first, last time.Time
	for _, k := range st.Kinds {
		if k.Events == 0 {
			continue
		}
		if first.IsZero() || k.Earliest.Before(first) {
			first = k.Earliest
		}
		if k.Newest.After(last) {
			last = k.Newest
		}
	}
	inside := (s.q.Window.Since.IsZero() || !last.Before(s.q.Window.Since)) && (s.q.Window.Until.IsZero() || first.Before(s.q.Window.Until))
	if inside || last.IsZero() {
		return "", nil
	}
	return fmt.Sprintf("the store has events from %s to %s (UTC)", term.Time(first), term.Time(last)), nil
}
