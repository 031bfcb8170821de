// Package store is the store as commands see it, whether this process has it open
// or a daemon does: they ask for the same things in the same way, and get the same.
//
// Start with [Opener]. What can be asked is one typed list, in calls.go, that both
// ends use: an entry says what is taken, what is given, and how whoever has the
// store open does it. [Store] asks, and [Serve] answers for a daemon. Lists without
// a bound, such as tags and events, are asked for in pages, so that nothing waits
// in the daemon while a caller is slow.
package store

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// Store is a store that can be asked. It is divided into the parts that one command
// or another needs. Their methods do what methods of kv.DB do, here or through a
// daemon; each names its own.
type Store struct {
	History History // events, in the order of their days
	Matches Matches // what correlations judge
	Archive Archive // what imports write, and what they know of files
	Ledger  Ledger  // how far runs have come
	Tags    Tags    // what was found
	Rules   Rules   // what operators decided about rules
	File    File    // the file as a whole

	conn *conn
}

// conn leads to a store: one that this process has open, or a daemon's.
type conn struct {
	holder *Holder // nil when a daemon has it
	client *control.Client
	path   string
	wait   time.Duration // for a run that must end first

	streams streams // that this process has met
}

func newStore(c *conn) *Store {
	return &Store{History{c}, Matches{c}, Archive{c}, Ledger{c}, Tags{c}, Rules{c}, File{c}, c}
}

// Local returns a store that this process has open.
func Local(h *Holder) *Store { return newStore(&conn{holder: h, path: h.DB.Path()}) }

// Daemon returns the client with which the store is asked of a daemon, and false
// when this process has it open.
func (s *Store) Daemon() (*control.Client, bool) { return s.conn.client, s.conn.client != nil }

// Jobs is what a run takes of the store.
func (s *Store) Jobs() jobs.Store {
	return jobs.Store{History: s.History, Archive: s.Archive, Ledger: s.Ledger, Matches: s.Matches}
}

// Path returns the file of the store, as it was named.
func (s *Store) Path() string { return s.conn.path }

// Close closes a store that this process has open.
func (s *Store) Close() error {
	if s.conn.holder == nil {
		return nil
	}
	return s.conn.holder.DB.Close()
}

// History is the history of events.
type History struct{ conn *conn }

var (
	_ jobs.History   = History{}
	_ jobs.TimeOrder = History{}
)

// Kinds does what kv.DB.Kinds does.
func (s History) Kinds(ctx context.Context) ([]ttpcron.SourceKind, error) {
	return calls.Kinds.ask(ctx, s.conn, none{})
}

// DayPage does what kv.DB.DayPage does.
func (s History) DayPage(ctx context.Context, kind ttpcron.SourceKind, from ttpcron.Day) ([]ttpcron.DayHistory, error) {
	return calls.Days.ask(ctx, s.conn, daysFrom{kind, from})
}

// LastSeq does what kv.DB.LastSeq does.
func (s History) LastSeq(ctx context.Context) (uint64, error) {
	return calls.LastSeq.ask(ctx, s.conn, none{})
}

// Moment does what kv.DB.Moment does.
func (s History) Moment(ctx context.Context) (ttpcron.Moment, error) {
	return calls.Moment.ask(ctx, s.conn, none{})
}

// Events does what kv.DB.Events does.
func (s History) Events(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, after, upTo uint64) iter.Seq2[[]ttpcron.Event, error] {
	return kv.EventPages(after, upTo, func(after uint64) ([]ttpcron.Event, error) {
		return calls.Events.ask(ctx, s.conn, eventsOf{kind, day, after, upTo})
	})
}

// EventsInTime does what kv.DB.EventsInTime does; with a daemon the order of arrival
// is good enough.
func (s History) EventsInTime(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, after, upTo uint64) (iter.Seq2[[]ttpcron.Event, error], bool, error) {
	if h := s.conn.holder; h != nil {
		return h.DB.EventsInTime(ctx, kind, day, after, upTo)
	}
	return nil, false, nil
}

// EventByID does what kv.DB.EventByID does.
func (s History) EventByID(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, id string) (ttpcron.Event, bool, error) {
	f, err := calls.Event.ask(ctx, s.conn, eventOf{kind, day, id})
	return f.Value, f.OK, err
}

// ArrivedSince does what kv.DB.ArrivedSince does.
func (s History) ArrivedSince(ctx context.Context, t time.Time) (uint64, error) {
	return calls.ArrivedSince.ask(ctx, s.conn, t)
}

// ArrivedAt does what kv.DB.ArrivedAt does.
func (s History) ArrivedAt(ctx context.Context, seq uint64) (time.Time, bool, error) {
	f, err := calls.ArrivedAt.ask(ctx, s.conn, seq)
	return f.Value, f.OK, err
}

// Tags are the tags of a store.
type Tags struct{ conn *conn }

// Query does what kv.View.Tags does, under the names of a release; nil for those of
// the rules.
func (s Tags) Query(ctx context.Context, q ttpcron.TagQuery, under *attack.Table) iter.Seq2[ttpcron.Tag, error] {
	if h := s.conn.holder; h != nil {
		return h.DB.Under(names(under)).Tags(ctx, q)
	}
	return func(yield func(ttpcron.Tag, error) bool) {
		n := 0
		for at := (kv.TagPosition{}); !at.End; {
			about := maxTagPage
			if q.Limit > 0 {
				about = min(about, q.Limit-n)
			}
			page, err := calls.Tags.ask(ctx, s.conn, tagsFrom{q, number(under), at, about})
			if err != nil {
				yield(ttpcron.Tag{}, err)
				return
			}
			for _, t := range page.Tags {
				if !yield(t, nil) {
					return
				}
				if n++; n == q.Limit {
					return
				}
			}
			at = page.Next
		}
	}
}

// ByUUID does what kv.DB.TagByUUID does.
func (s Tags) ByUUID(ctx context.Context, u ttpcron.UUID) (ttpcron.Tag, bool, error) {
	f, err := calls.Tag.ask(ctx, s.conn, u)
	return f.Value, f.OK, err
}

// Summary does what kv.View.Summary does, as Query does.
func (s Tags) Summary(ctx context.Context, w ttpcron.Window, levels ttpcron.MinLevels, own ttpcron.Networks, under *attack.Table) (ttpcron.Summary, error) {
	return calls.Summary.ask(ctx, s.conn, summing{w, levels, own, number(under)})
}

// LeftOut does what kv.View.LeftOut does, as Query does.
func (s Tags) LeftOut(ctx context.Context, q ttpcron.TagQuery, under *attack.Table) (int, error) {
	return calls.LeftOut.ask(ctx, s.conn, leftOut{q, number(under)})
}

// Counts does what kv.View.Stats does, as Query does.
func (s Tags) Counts(ctx context.Context, under *attack.Table) (kv.Stats, error) {
	st, err := calls.Counts.ask(ctx, s.conn, number(under))
	st.Path = s.conn.path // as it was named here
	return st, err
}

// names are a release's names, nil for those of the rules.
func names(table *attack.Table) ttpcron.Naming {
	if table == nil {
		return nil
	}
	return table
}

// number identifies a release between processes.
func number(table *attack.Table) string {
	if table == nil {
		return ""
	}
	return table.Number()
}

// under views the tags under the names of a release, those of the rules for "".
func (h *Holder) under(release string) (kv.View, error) {
	if release == "" {
		return h.DB.Under(nil), nil
	}
	table, err := TableOf(release)
	if err != nil {
		return kv.View{}, err
	}
	return h.DB.Under(table), nil
}

// TableOf returns the release of ATT&CK that a caller names, whose version of the program
// may know others than this one.
func TableOf(release string) (*attack.Table, error) {
	table, ok := attack.In(release)
	if !ok {
		return nil, fmt.Errorf("the process that has the store does not know ATT&CK %s: it is of an older version than this command; restart it, or set --attack-release to one of %s",
			term.Clean(release), strings.Join(attack.Releases(), ", "))
	}
	return table, nil
}

// Rules are what a store knows of rules: what operators decided, and which
// versions made its tags.
type Rules struct{ conn *conn }

// States does what kv.DB.RuleStates does.
func (s Rules) States(ctx context.Context) ([]ttpcron.RuleState, error) {
	return calls.RuleStates.ask(ctx, s.conn, none{})
}

// SetState does what kv.DB.SetRuleState does. The process that has the store open
// says when it was set and, if that is a daemon, by whom.
func (s Rules) SetState(ctx context.Context, st ttpcron.RuleState) error {
	_, err := calls.SetRuleState.ask(ctx, s.conn, st)
	return err
}

// ClearState does what kv.DB.ClearRuleState does.
func (s Rules) ClearState(ctx context.Context, ruleID, by string) error {
	_, err := calls.ClearRuleState.ask(ctx, s.conn, clearing{ruleID, by})
	return err
}

// Versions does what kv.DB.RuleVersions does.
func (s Rules) Versions(ctx context.Context) ([]kv.VersionCount, error) {
	return calls.RuleVersions.ask(ctx, s.conn, none{})
}

// Retirements does what kv.DB.Retirements does.
func (s Rules) Retirements(ctx context.Context) ([]ttpcron.Retirement, error) {
	return calls.Retirements.ask(ctx, s.conn, none{})
}

// Retire does what kv.DB.Retire does, see SetState.
func (s Rules) Retire(ctx context.Context, r ttpcron.Retirement) error {
	_, err := calls.Retire.ask(ctx, s.conn, r)
	return err
}

// Unretire does what kv.DB.Unretire does.
func (s Rules) Unretire(ctx context.Context, ruleID string, version int, by, reason string) (bool, error) {
	return calls.Unretire.ask(ctx, s.conn, unretiring{ruleID, version, by, reason})
}

// Audit does what kv.DB.Audit does.
func (s Rules) Audit(ctx context.Context, limit int) ([]ttpcron.AuditEntry, error) {
	return calls.Audit.ask(ctx, s.conn, limit)
}

// File is the file of a store as a whole.
type File struct{ conn *conn }

// Stats does what kv.DB.Stats does.
func (s File) Stats(ctx context.Context) (kv.Stats, error) {
	st, err := calls.Stats.ask(ctx, s.conn, none{})
	st.Path = s.conn.path // as it was named here
	return st, err
}

// Prune does what kv.DB.Prune does. It shows no progress when a daemon has the
// store.
func (s File) Prune(ctx context.Context, p kv.Prune) (kv.PruneReport, error) {
	return calls.Prune.ask(ctx, s.conn, exclusive[kv.Prune]{s.conn.wait, p})
}

// PruneRules does what kv.DB.PruneRules does. It shows no progress when a daemon has
// the store.
func (s File) PruneRules(ctx context.Context, p kv.PruneRules) (ttpcron.Committed, error) {
	return calls.PruneRules.ask(ctx, s.conn, exclusive[kv.PruneRules]{s.conn.wait, p})
}

// ForgetHorizon does what kv.DB.ForgetHorizon does.
func (s File) ForgetHorizon(ctx context.Context, kind ttpcron.SourceKind) ([]kv.Horizon, error) {
	return calls.ForgetHorizon.ask(ctx, s.conn, exclusive[ttpcron.SourceKind]{s.conn.wait, kind})
}

// MeasureSpace does what doctor.MeasureOpen does. It shows no progress when a
// daemon has the store.
func (s File) MeasureSpace(ctx context.Context, show func(kv.Progress)) (doctor.Space, error) {
	return calls.Space.ask(ctx, s.conn, measuring{Progress: show})
}

// Check does what doctor.CheckOpen does. It shows no progress when a daemon has the
// store.
func (s File) Check(ctx context.Context, show func(kv.Progress)) (doctor.CheckReport, error) {
	r, err := calls.Check.ask(ctx, s.conn, measuring{Progress: show})
	r.Path = s.conn.path // as it was named here
	return r, err
}

// Backup does what doctor.Backup does. The copy that a daemon makes is written with
// the rights of this process.
func (s File) Backup(ctx context.Context, path string, replace bool, show func(kv.Progress)) error {
	if h := s.conn.holder; h != nil {
		return doctor.Backup(ctx, h.DB, path, replace, show)
	}
	if _, err := os.Lstat(path); err == nil && !replace { // before the daemon takes the trouble
		return fmt.Errorf("back up the store to %s: %w", path, &doctor.ExistsError{Path: path})
	}
	err := calls.Backup.Call(ctx, s.conn.client, none{}, func(size int64, content io.Reader) error {
		return doctor.WriteCopy(ctx, path, replace, size, content, show)
	})
	if err != nil {
		return fmt.Errorf("back up the store to %s: %w", path, err)
	}
	return nil
}
