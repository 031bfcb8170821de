package kv

import (
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// filter tells from a rollup whether a day can hold what a query selects.
type filter struct {
	claims  []uint32 // nil: any
	names   [][]byte // keys, one of which must exist; nil: any
	session []byte   // key that must exist; nil: any
}

// newFilter prepares a query's filter. Matching says of each claim, number 1
// first, whether the query can select it.
func newFilter(s *record.Secret, q *ttpcron.TagQuery, matching []bool) *filter {
	f := &filter{}
	for i, ok := range matching {
		if ok {
			f.claims = append(f.claims, uint32(i+1))
		}
	}
	if len(f.claims) == len(matching) {
		f.claims = nil
	}
	if q.Attacker != "" {
		hash := s.Attacker(q.Attacker)
		derived := s.Attacker(ttpcron.DeriveAttacker(q.Attacker)) // has no alias for the address
		f.names = append(f.names, record.HashKey(record.RollupAttacker, hash), record.HashKey(record.RollupAlias, hash), record.HashKey(record.RollupAttacker, derived))
	}
	if q.Session != "" {
		f.session = record.HashKey(record.RollupAlias, s.Session(q.Session))
	}
	return f
}

// excludes reports whether nothing in the day can match.
func (f *filter) excludes(rollup *bucket) bool {
	has := func(k []byte) bool { return rollup.Get(k) != nil }
	return f.session != nil && !has(f.session) ||
		f.names != nil && !slices.ContainsFunc(f.names, has) ||
		f.claims != nil && !slices.ContainsFunc(f.claims, func(id uint32) bool { return has(record.ClaimKey(record.RollupClaim, id)) })
}
