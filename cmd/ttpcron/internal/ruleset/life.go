package ruleset

import (
	"context"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger"
)

// Decisions is the part of a store that keeps what operators decided about rules.
type Decisions interface {
	States(ctx context.Context) ([]ttpcron.RuleState, error)
	Retirements(ctx context.Context) ([]ttpcron.Retirement, error)
}

// Life is what operators decided about rules, as the store keeps it.
type Life struct {
	States  []ttpcron.RuleState
	Retired []ttpcron.Retirement
}

// ReadLife reads it from a store.
func ReadLife(ctx context.Context, db Decisions) (l Life, err error) {
	if l.States, err = db.States(ctx); err == nil {
		l.Retired, err = db.Retirements(ctx)
	}
	return l, err
}

// Hides finds what hides the tags of a claim, nil when nothing does.
func (l Life) Hides(c *ttpcron.Claim) *ttpcron.Retirement {
	for i := range l.Retired {
		if l.Retired[i].Hides(c) {
			return &l.Retired[i]
		}
	}
	return nil
}

// Decided tells with which confidence the tags of a claim are shown at an instant, and
// whether they are; nil when all are, as their rules say.
func (l Life) Decided(now time.Time) func(*ttpcron.Claim) (confidence float64, shown bool) {
	states := map[string]ttpcron.RuleState{}
	for _, s := range l.States {
		if s.At(now) != ttpcron.StatusEnabled {
			states[s.RuleID] = s
		}
	}
	if len(l.Retired)+len(states) == 0 {
		return nil
	}
	return func(c *ttpcron.Claim) (float64, bool) {
		confidence, shown := states[c.RuleID].Shown(c.Confidence, now)
		return confidence, shown && l.Hides(c) == nil
	}
}

// RetiredVersions lists the versions of a rule, other than the one that it has
// now, that are retired by number.
func (l Life) RetiredVersions(r *tagger.Rule) (list []int) {
	for _, x := range l.Retired {
		if x.RuleID == r.ID && x.Version != ttpcron.AllVersions && x.Version != r.Version {
			list = append(list, x.Version)
		}
	}
	return list
}

// HidesRule finds what hides the tags that a rule makes now, nil for nothing.
func (l Life) HidesRule(r *tagger.Rule) *ttpcron.Retirement {
	return l.Hides(&ttpcron.Claim{RuleID: r.ID, RuleVersion: r.Version})
}

// InForce returns the rules of a set with what operators decided about them at an
// instant.
func (l Life) InForce(rs Set, now time.Time) Set { return rs.with(rs.WithStates(l.States, now)) }
