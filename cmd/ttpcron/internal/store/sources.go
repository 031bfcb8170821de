package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
)

// Source is what a store holds of one source, as status shows it.
type Source struct {
	Source       string     `json:"source"`
	Events       int        `json:"events"`
	Tags         int        `json:"tags"`
	Days         int        `json:"days"`
	Earliest     *time.Time `json:"earliest"`
	Latest       *time.Time `json:"latest"` // the newest that is not dated in the future
	Checkpoint   *uint64    `json:"checkpoint"`
	UpdatedAt    *time.Time `json:"checkpoint_at"`
	Waiting      int        `json:"waiting"`
	WaitingExact bool       `json:"waiting_exact"`
	Unclaimed    bool       `json:"unclaimed"` // no rule in force applies: none is waiting, as no run takes any
	FutureEvents int        `json:"future_events"`
	FutureDays   int        `json:"future_days"`
	FutureLatest *time.Time `json:"future_latest"`
	Horizon      *string    `json:"horizon"` // events of earlier days do not come in; null: of every day
}

// Sources describes the kinds that are stored or have a checkpoint, commands
// and canaries first. To which of them no rule applies is what the last run found.
func (s *Store) Sources(ctx context.Context, st kv.Stats) ([]Source, error) {
	kinds := st.Kinds
	unclaimed, _, err := s.Unclaimed(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.Ledger.Cursors(ctx)
	if err != nil {
		return nil, err
	}
	cursors := map[ttpcron.SourceKind]ttpcron.Cursor{}
	for _, c := range list {
		cursors[c.Kind] = c
		if !slices.ContainsFunc(kinds, func(k kv.KindStats) bool { return k.Kind == c.Kind }) {
			kinds = append(kinds, kv.KindStats{Kind: c.Kind})
		}
	}
	for _, h := range st.Horizons {
		if !slices.ContainsFunc(kinds, func(k kv.KindStats) bool { return k.Kind == h.Kind }) {
			kinds = append(kinds, kv.KindStats{Kind: h.Kind})
		}
	}
	slices.SortStableFunc(kinds, func(a, b kv.KindStats) int {
		return cmp.Or(cmp.Compare(kindRank(a.Kind), kindRank(b.Kind)), cmp.Compare(a.Kind, b.Kind))
	})
	out := []Source{}
	for _, k := range kinds {
		one := Source{
			Source: jobs.SourceOf(k.Kind), Events: k.Events, Tags: k.Tags, Days: k.Days,
			Earliest: term.TimeOrNull(k.Earliest), Latest: term.TimeOrNull(k.Newest), FutureEvents: k.Future, FutureDays: k.FutureDays,
		}
		if k.Future > 0 {
			one.FutureLatest = term.TimeOrNull(k.Latest)
		}
		for _, h := range st.Horizons {
			if h.Kind == k.Kind {
				day := h.Before.String()
				one.Horizon = &day
			}
		}
		if c, ok := cursors[k.Kind]; ok {
			one.Checkpoint, one.UpdatedAt = &c.Seq, term.TimeOrNull(c.UpdatedAt)
		}
		if one.Waiting, one.WaitingExact, err = jobs.Waiting(ctx, s.History, k.Kind, cursors[k.Kind].Seq); err != nil {
			return nil, err
		}
		if slices.Contains(unclaimed, k.Kind) {
			one.unclaimed()
		}
		out = append(out, one)
	}
	return out, nil
}

func (s *Source) unclaimed() { s.Unclaimed, s.Waiting, s.WaitingExact = true, 0, true }

// lookedBack is how many runs are searched for one that reached the events.
const lookedBack = 5

// Unclaimed lists the kinds to which no rule applied in the last run that came to
// the events, and reports false where none did.
func (s *Store) Unclaimed(ctx context.Context) (kinds []ttpcron.SourceKind, ran bool, err error) {
	runs, err := s.Ledger.Runs(ctx, lookedBack)
	for _, r := range runs {
		if len(r.Sources) > 0 {
			return r.Unclaimed, true, nil
		}
	}
	return nil, false, err
}

// Claim marks the sources to which none of some rules applies, for a store in which
// no run has found that out.
func Claim(sources []Source, rules jobs.Rules) {
	for i := range sources {
		if s := &sources[i]; rules.Applying(jobs.KindOf(s.Source)) == 0 {
			s.unclaimed()
		}
	}
}

func kindRank(k ttpcron.SourceKind) int {
	switch k {
	case ttpcron.Command:
		return 0
	case ttpcron.CanaryFingerprint:
		return 1
	}
	return 2
}
