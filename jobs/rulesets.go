package jobs

import (
	"context"
	"fmt"
	"sync"

	"github.com/ttpcron/ttpcron"
)

// ruleSets are the rule sets of a run: its own, those that coverage names, and those that
// it makes from them.
type ruleSets struct {
	ledger Ledger
	own    *ttpcron.RuleSet
	parts  int // that the coverage of a day may have

	mu    sync.Mutex
	known map[string]*ttpcron.RuleSet // by fingerprint; nil for one that the ledger lacks
	made  map[string]bool             // by this run, so that the ledger may lack them
}

func newRuleSets(l Ledger, own *ttpcron.RuleSet, parts int) *ruleSets {
	s := &ruleSets{ledger: l, own: own, parts: parts, known: map[string]*ttpcron.RuleSet{}, made: map[string]bool{}}
	s.make(*own)
	return s
}

// make adds a set that the run has made and returns its fingerprint, which is empty if it
// has no rules.
func (s *ruleSets) make(set ttpcron.RuleSet) string {
	if len(set.Rules) == 0 {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[set.Fingerprint] == nil {
		s.known[set.Fingerprint], s.made[set.Fingerprint] = &set, true
	}
	return set.Fingerprint
}

// get returns a set, or nil if it is unknown.
func (s *ruleSets) get(ctx context.Context, fingerprint string) (*ttpcron.RuleSet, error) {
	if fingerprint == "" {
		return nil, nil
	}
	if set, ok := s.cached(fingerprint); ok {
		return set, nil
	}
	set, ok, err := s.ledger.RuleSet(ctx, fingerprint)
	if err != nil {
		return nil, fmt.Errorf("rules of earlier runs: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[fingerprint] = nil; ok {
		s.known[fingerprint] = &set
	}
	return s.known[fingerprint], nil
}

func (s *ruleSets) cached(fingerprint string) (set *ttpcron.RuleSet, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set, ok = s.known[fingerprint]
	return set, ok
}

// over returns the rule set that had looked at events, and then the run's own.
func (s *ruleSets) over(fingerprint string) string {
	old, _ := s.cached(fingerprint)
	if old == nil {
		return s.own.Fingerprint
	}
	return s.make(s.own.Over(old))
}

// shared returns the set of the rules that two sets have in common.
func (s *ruleSets) shared(a, b string) string {
	if a == b {
		return a
	}
	one, _ := s.cached(a)
	other, _ := s.cached(b)
	if one == nil || other == nil {
		return ""
	}
	return s.make(one.Shared(other))
}

// unstored returns the sets of some coverage that the ledger may lack.
func (s *ruleSets) unstored(list []ttpcron.Coverage) (sets []ttpcron.RuleSet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[string]bool{}
	for i := range list {
		if f := list[i].RuleSet; s.made[f] && !seen[f] {
			seen[f] = true
			sets = append(sets, *s.known[f])
		}
	}
	return sets
}
