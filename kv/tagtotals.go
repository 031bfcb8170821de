package kv

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// TechniqueTotal counts all tags of a technique that are shown.
type TechniqueTotal struct {
	Technique string // the sub-technique where there is one
	Tags      int
}

// TechniqueTotals returns the tags of every technique from the stored counts, by id. Unlike
// Summary, it costs the same whatever the size of the history, unless the names merge tags.
func (v View) TechniqueTotals(ctx context.Context) ([]TechniqueTotal, error) {
	db, sum := v.db, map[string]int{}
	err := db.view(ctx, func(tx *txn) error {
		hidden, err := db.hidden(tx)
		if err != nil {
			return err
		}
		claims, err := db.claims.all(tx)
		if err != nil {
			return err
		}
		spared, err := v.spared(ctx, tx, hidden)
		if err != nil {
			return err
		}
		named := db.shown.of(v.names, claims)
		c := tx.top(layout.Totals).Cursor()
		for k, rec := c.Seek([]byte{record.RollupClaim}); len(k) == 5 && k[0] == record.RollupClaim; k, rec = c.Next() {
			id := binary.BigEndian.Uint32(k[1:])
			if hidden.has(id) {
				continue
			}
			t, err := record.ReadTotal(k, rec)
			if err != nil {
				return err
			}
			cl, err := db.claims.get(tx, id)
			if err != nil {
				return err
			}
			shown := named.shown(id, cl.Claim)
			sum[shown.Technique()] += t.Tags - spared[id]
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count tags by technique: %w", err)
	}
	out := make([]TechniqueTotal, 0, len(sum))
	for technique, n := range sum {
		out = append(out, TechniqueTotal{technique, n})
	}
	slices.SortFunc(out, func(a, b TechniqueTotal) int { return cmp.Compare(a.Technique, b.Technique) })
	return out, nil
}

// VersionCount counts the tags of one version of one rule.
type VersionCount struct {
	RuleID  string
	Version int
	Tags    int
	Retired bool // the tags are hidden, whatever the state of the rule
}

// RuleVersions counts tags by rule and version, in that order, including those of retired
// rules.
func (db *DB) RuleVersions(ctx context.Context) ([]VersionCount, error) {
	var out []VersionCount
	err := db.view(ctx, func(tx *txn) error {
		d, err := db.decisions(tx)
		if err != nil {
			return err
		}
		d.states = nil
		counts := map[VersionCount]int{}
		c := tx.top(layout.Totals).Cursor()
		for k, rec := c.Seek([]byte{record.RollupClaim}); len(k) == 5 && k[0] == record.RollupClaim; k, rec = c.Next() {
			t, err := record.ReadTotal(k, rec)
			if err != nil {
				return err
			}
			id := binary.BigEndian.Uint32(k[1:])
			cl, err := db.claims.get(tx, id)
			if err != nil {
				return err
			}
			_, shown := d.shown(cl.Claim)
			counts[VersionCount{RuleID: cl.RuleID, Version: cl.RuleVersion, Retired: !shown}] += t.Tags
		}
		for v, n := range counts {
			v.Tags = n
			out = append(out, v)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count tags by version: %w", err)
	}
	slices.SortFunc(out, func(a, b VersionCount) int {
		return cmp.Or(cmp.Compare(a.RuleID, b.RuleID), cmp.Compare(a.Version, b.Version))
	})
	return out, nil
}

// RulesOf lists the rules that have tags of events of a kind, hidden ones included, by id.
func (db *DB) RulesOf(ctx context.Context, kind ttpcron.SourceKind) (ids []string, err error) {
	err = db.view(ctx, func(tx *txn) error {
		claims, err := db.claims.all(tx)
		if err != nil {
			return err
		}
		totals := tx.top(layout.Totals)
		for i, c := range claims {
			if c.Kind == kind && totals.Get(record.ClaimKey(record.RollupClaim, uint32(i+1))) != nil {
				ids = append(ids, c.RuleID)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the rules of %s tags: %w", kind, err)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}
