package kv

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// View reads a store's tags under the names of an ATT&CK release. Several techniques that a
// rule claims may have one name there, because they were merged. If tags of an event by one
// version of a rule say the same, only the surest is shown and counted. Tags are returned
// as recorded, so that their UUIDs can be computed from them; filters by technique and
// tactic mean the names shown.
type View struct {
	db    *DB
	names ttpcron.Naming
}

// Under returns a view of the store's tags under some names, nil for those of the rules. It
// is cheap, and what it computes for all claims is cached while the store is open.
func (db *DB) Under(names ttpcron.Naming) View { return View{db, names} }

// shownClaims are the claims of a store under some names.
type shownClaims struct {
	claims []ttpcron.Claim // number 1 first; nil where names are those of the rules
	alike  []*alike        // the same; nil for a claim that no other falls together with, and when there are none
}

// alike are claims of one rule version that are shown under one name but recorded with
// several techniques.
type alike struct {
	techniques []technique // as recorded, each once, in the order of their ids
	numbers    []uint32    // of the claims
}

type technique struct{ id, sub string }

func techniqueOf(c *ttpcron.Claim) technique { return technique{c.TechniqueID, c.SubTechniqueID} }

func (t technique) compare(o technique) int {
	return cmp.Or(cmp.Compare(t.id, o.id), cmp.Compare(t.sub, o.sub))
}

// shownTable keeps the claims of a store under each of the names asked for.
type shownTable struct {
	mu      sync.Mutex
	byNames map[ttpcron.Naming]*shownClaims
}

// of returns claims, number 1 first, under names.
func (t *shownTable) of(names ttpcron.Naming, claims []*record.Claim) *shownClaims {
	if names == nil {
		return &shownClaims{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.byNames[names]; s != nil && len(s.claims) == len(claims) {
		return s
	}
	if t.byNames == nil {
		t.byNames = map[ttpcron.Naming]*shownClaims{}
	}
	s := showClaims(names, claims)
	t.byNames[names] = s
	return s
}

func showClaims(names ttpcron.Naming, claims []*record.Claim) *shownClaims {
	type name struct {
		kind    ttpcron.SourceKind
		rule    string
		version int
		technique
	}
	s := &shownClaims{claims: make([]ttpcron.Claim, len(claims))}
	byName := map[name]*alike{}
	for i, c := range claims {
		shown := names.Shown(&c.Claim)
		s.claims[i] = shown
		k := name{c.Kind, c.RuleID, c.RuleVersion, techniqueOf(&shown)}
		a := byName[k]
		if a == nil {
			a = &alike{}
			byName[k] = a
		}
		a.numbers = append(a.numbers, uint32(i+1))
		if t := techniqueOf(&c.Claim); !slices.Contains(a.techniques, t) {
			a.techniques = append(a.techniques, t)
		}
	}
	for _, a := range byName {
		if len(a.techniques) == 1 {
			continue
		}
		if s.alike == nil {
			s.alike = make([]*alike, len(claims))
		}
		slices.SortFunc(a.techniques, technique.compare)
		for _, n := range a.numbers {
			s.alike[n-1] = a
		}
	}
	return s
}

// shown returns a claim, about which operators decided, under the names.
func (s *shownClaims) shown(number uint32, decided ttpcron.Claim) ttpcron.Claim {
	if s.claims == nil {
		return decided
	}
	c := s.claims[number-1]
	c.Confidence = decided.Confidence
	return c
}

// standIn finds the tags that another tag of the same event and rule stands for. It is nil
// if there can be none.
type standIn struct {
	claims  []*record.Claim
	alike   []*alike // by claim; nil where nothing can fall together
	fates   []fate   // by claim
	decided *decisions
}

// fate is what happens to the tags with a claim: a tag stands only for tags with the same
// fate.
type fate byte

const (
	fateHidden fate = iota // takes no part
	fateCounted
	fateLeftOut // by its level, and counted apart
)

// fatesOf are the fates of claims that count or take no part.
func fatesOf(counted []bool) []fate {
	fates := make([]fate, len(counted))
	for i, ok := range counted {
		if ok {
			fates[i] = fateCounted
		}
	}
	return fates
}

// standIn looks among the claims of stored tags that take part.
func (s *shownClaims) standIn(tx *txn, claims []*record.Claim, fates []fate, d *decisions) *standIn {
	if s.alike == nil {
		return nil
	}
	in := &standIn{claims, make([]*alike, len(claims)), fates, d}
	totals, some := tx.top(layout.Totals), false
	for i, a := range s.alike {
		if a == nil || a.numbers[0] != uint32(i+1) {
			continue
		}
		if in.several(a, func(id uint32) bool { return totals.Get(record.ClaimKey(record.RollupClaim, id)) != nil }) {
			for _, n := range a.numbers {
				in.alike[n-1] = a
			}
			some = true
		}
	}
	if !some {
		return nil
	}
	return in
}

// several reports whether the claims that take part have several recorded techniques.
func (in *standIn) several(a *alike, there func(id uint32) bool) bool {
	var first *ttpcron.Claim
	for _, id := range a.numbers {
		c := &in.claims[id-1].Claim
		switch {
		case in.fates[id-1] == fateHidden || !there(id):
		case first == nil:
			first = c
		case techniqueOf(c) != techniqueOf(first):
			return true
		}
	}
	return false
}

func (in *standIn) of(claim uint32) *alike {
	if in == nil || claim == 0 || uint64(claim) > uint64(len(in.alike)) || in.fates[claim-1] == fateHidden {
		return nil
	}
	return in.alike[claim-1]
}

// stands reports whether another tag in the day's bucket stands for the one recorded under
// a key.
func (in *standIn) stands(day *bucket, key []byte, t *ttpcron.Tag, claim uint32) (bool, error) {
	a := in.of(claim)
	if a == nil {
		return false, nil
	}
	other := ttpcron.Tag{Claim: t.Claim, SourceKind: t.SourceKind, SourceID: t.SourceID}
	var k record.TagKey
	copy(k[:], key)
	for _, x := range a.techniques {
		if x == techniqueOf(&t.Claim) {
			continue
		}
		other.TechniqueID, other.SubTechniqueID = x.id, x.sub
		u := other.UUID()
		copy(k[len(k)-len(u):], u[:])
		rec := day.Get(k[:])
		if rec == nil {
			continue
		}
		id, _, err := tagOf(in.claims, k[:], rec)
		if err != nil {
			return false, err
		}
		if in.of(id) != nil && in.fates[id-1] == in.fates[claim-1] && in.before(id, claim) {
			return true, nil
		}
	}
	return false, nil
}

// before reports whether a tag of claim a stands for one of claim b, with the confidence
// that operators left them.
func (in *standIn) before(a, b uint32) bool {
	x, _ := in.decided.shown(in.claims[a-1].Claim)
	y, _ := in.decided.shown(in.claims[b-1].Claim)
	return x.StandsFor(&y)
}

// within reports whether a day with the given rollup may have tags that others stand for,
// and when the tags of such claims happened.
func (in *standIn) within(day []byte, rollup *bucket) (span record.Tally, some bool, err error) {
	if in == nil || rollup == nil {
		return span, false, nil
	}
	there := map[uint32]record.Tally{}
	err = eachClaim(rollup, day, func(id uint32, t record.Tally) {
		if in.of(id) != nil {
			there[id] = t
		}
	})
	if err != nil {
		return span, false, err
	}
	for id := range there {
		a := in.alike[id-1]
		if !in.several(a, func(id uint32) bool { _, ok := there[id]; return ok }) {
			continue
		}
		for _, n := range a.numbers {
			if t, ok := there[n]; ok {
				span.Add(t)
			}
		}
		some = true
	}
	return span, some, nil
}

// eachOf calls do with a day's tags that others stand for.
func (in *standIn) eachOf(tx *txn, tags *tagReader, day ttpcron.Day, do func(claim uint32, t *ttpcron.Tag)) error {
	name := record.DayKey(day)
	b := tx.top(layout.Tags).Bucket(name)
	span, some, err := in.within(name, tx.top(layout.Rollups).Bucket(name))
	if err != nil || !some || b == nil {
		return err
	}
	return eachTagWithin(b, span.First, span.Last, func(k, rec []byte) error {
		if id, _, ok := record.PeekTag(rec); !ok || in.of(id) == nil {
			return nil
		}
		t, id, _, err := tags.read(tx, day, k, rec)
		if err != nil {
			return err
		}
		stands, err := in.stands(b, k, &t, id)
		if err != nil {
			return err
		}
		if stands {
			do(id, &t)
		}
		return nil
	})
}

// spared are counts of tags that others stand for, by claim.
type spared map[uint32]int

// spared counts the tags of the whole store that others stand for. The result is kept
// until something is written.
func (v View) spared(ctx context.Context, tx *txn, hidden hiddenClaims) (spared, error) {
	claims, err := v.db.claims.all(tx)
	if err != nil {
		return nil, err
	}
	shown := v.db.shown.of(v.names, claims)
	if shown.alike == nil {
		return nil, nil
	}
	d, err := v.db.decisions(tx)
	if err != nil {
		return nil, err
	}
	in := shown.standIn(tx, claims, fatesOf(hidden.others(len(claims))), &d)
	if in == nil {
		return nil, nil
	}
	if last := v.db.lastSpared.Load(); last != nil && last.names == v.names && last.tx == tx.bolt.ID() && slices.Equal(last.fates, in.fates) {
		return last.counts, nil
	}
	counts := spared{}
	tags := v.db.tagReader()
	defer tags.done()
	rollups := tx.top(layout.Rollups)
	err = rollups.ForEachBucket(func(k []byte) error {
		day, ok := record.ParseDay(k)
		if !ok {
			return record.Damagef("%x is no day", k)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return in.eachOf(tx, tags, day, func(claim uint32, _ *ttpcron.Tag) { counts[claim]++ })
	})
	if err != nil {
		return nil, err
	}
	v.db.lastSpared.Store(&lastSpared{v.names, tx.bolt.ID(), in.fates, counts})
	return counts, nil
}

// lastSpared is a transaction's counts.
type lastSpared struct {
	names  ttpcron.Naming
	tx     int
	fates  []fate
	counts spared
}

// others are the claims that are not hidden, of so many.
func (h hiddenClaims) others(claims int) []bool {
	shown := make([]bool, claims)
	for i := range shown {
		shown[i] = !h.has(uint32(i + 1))
	}
	return shown
}
