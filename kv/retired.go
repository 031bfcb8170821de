package kv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// What operators decided about rules is applied when tags are read, so that it works
// at once, can be taken back, and ends by itself. The tags of a rule that is retired,
// disabled or clipped below ttpcron.MinConfidence stay where they are: Commit knows
// them. Tags, Summary and Stats leave them out. Since a tag's rule and version are in
// its claim, and everything counts tags by claim, they are left out by number of
// claim; only the counts by attacker mix claims, so days that hold hidden tags are
// counted again for a Summary.

// Retirements lists what is retired, by rule and version.
func (db *DB) Retirements(ctx context.Context) ([]ttpcron.Retirement, error) {
	var list []ttpcron.Retirement
	err := db.view(ctx, func(tx *txn) (err error) {
		list, err = retirements(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list retired rules: %w", err)
	}
	return list, nil
}

// Retire hides the tags of a rule, or of one version of it, and records who did
// so. Retiring again replaces reason and author.
func (db *DB) Retire(ctx context.Context, r ttpcron.Retirement) error {
	if r.RuleID == "" || r.Version < ttpcron.AllVersions {
		return errors.New("retirement of a rule without id or version")
	}
	return db.changeRetired(ctx, r, ttpcron.AuditRetire, "hidden", func(b *bucket, k []byte) (bool, error) {
		return true, b.Put(k, record.AppendRetirement(nil, k, &r))
	})
}

// Unretire shows the tags of a rule, or of one version, again; by and reason go
// into the audit trail. It reports whether exactly that was retired.
func (db *DB) Unretire(ctx context.Context, ruleID string, version int, by, reason string) (was bool, err error) {
	r := ttpcron.Retirement{RuleID: ruleID, Version: version, SetBy: by, SetAt: db.now(), Reason: reason}
	err = db.changeRetired(ctx, r, ttpcron.AuditUnretire, "shown", func(b *bucket, k []byte) (bool, error) {
		was = b.Get(k) != nil
		return was, b.Delete(k)
	})
	return was, err
}

func (db *DB) changeRetired(ctx context.Context, r ttpcron.Retirement, action, after string, do func(b *bucket, k []byte) (bool, error)) error {
	err := db.change(ctx, func(tx *txn) error {
		b := tx.top(layout.Retired)
		k := record.RetiredKey(r.RuleID, r.Version)
		before := "shown"
		if b.Get(k) != nil {
			before = "hidden"
		}
		if changed, err := do(b, k); err != nil || !changed {
			return err
		}
		return audit(tx, ttpcron.AuditEntry{
			At: r.SetAt, By: r.SetBy, Action: action, RuleID: r.RuleID, Version: r.Version,
			Before: before, After: after, Reason: r.Reason,
		})
	})
	if err != nil {
		return fmt.Errorf("%s rule %q: %w", action, r.RuleID, err)
	}
	return nil
}

func retirements(tx *txn) (list []ttpcron.Retirement, err error) {
	err = tx.top(layout.Retired).ForEach(func(k, rec []byte) error {
		r, err := record.ReadRetirement(k, rec)
		list = append(list, r)
		return err
	})
	return list, err
}

// hiddenClaims says for each claim, number 1 first, whether its tags are hidden. It is nil
// if none are.
type hiddenClaims []bool

func (h hiddenClaims) has(id uint32) bool {
	return id > 0 && uint64(id) <= uint64(len(h)) && h[id-1]
}

// decisions are operators' decisions about rules in force at an instant.
type decisions struct {
	retired []ttpcron.Retirement
	states  map[string]ttpcron.RuleState // by rule, those that are not enabled
	at      time.Time
}

func (db *DB) decisions(tx *txn) (d decisions, err error) {
	d.at = db.now()
	if d.retired, err = retirements(tx); err != nil {
		return d, err
	}
	err = tx.top(layout.States).ForEach(func(k, rec []byte) error {
		s, err := record.ReadState(k, rec)
		if err == nil && s.At(d.at) != ttpcron.StatusEnabled {
			if d.states == nil {
				d.states = map[string]ttpcron.RuleState{}
			}
			d.states[s.RuleID] = s
		}
		return err
	})
	return d, err
}

// shown returns a claim as shown, or false if its tags are hidden.
func (d *decisions) shown(c ttpcron.Claim) (ttpcron.Claim, bool) {
	for i := range d.retired {
		if d.retired[i].Hides(&c) {
			return c, false
		}
	}
	s, ok := d.states[c.RuleID]
	if !ok {
		return c, true
	}
	c.Confidence, ok = s.Shown(c.Confidence, d.at)
	return c, ok
}

// hidden finds the claims whose tags are hidden.
func (d *decisions) hidden(claims []*record.Claim) hiddenClaims {
	if len(d.retired)+len(d.states) == 0 {
		return nil
	}
	h, any := make(hiddenClaims, len(claims)), false
	for i, c := range claims {
		_, shown := d.shown(c.Claim)
		h[i] = !shown
		any = any || h[i]
	}
	if !any {
		return nil
	}
	return h
}

// hidden finds the claims whose tags are hidden.
func (db *DB) hidden(tx *txn) (hiddenClaims, error) {
	d, err := db.decisions(tx)
	if err != nil {
		return nil, err
	}
	claims, err := db.claims.all(tx)
	if err != nil {
		return nil, err
	}
	return d.hidden(claims), nil
}

// inDay reports whether the rollup of a day counts a hidden claim, and whether it counts
// one that is not.
func (h hiddenClaims) inDay(rollup *bucket) (hidden, shown bool) {
	c := rollup.Cursor()
	for k, _ := c.Seek([]byte{record.RollupClaim}); len(k) == 5 && k[0] == record.RollupClaim && !(hidden && shown); k, _ = c.Next() {
		if h.has(binary.BigEndian.Uint32(k[1:])) {
			hidden = true
		} else {
			shown = true
		}
	}
	return hidden, shown
}

// shownTagDays counts the days on which there are tags that are not hidden.
func (h hiddenClaims) shownTagDays(tx *txn) (int, error) {
	if h == nil {
		return tagDays(tx)
	}
	n := 0
	rollups := tx.top(layout.Rollups)
	err := rollups.ForEachBucket(func(k []byte) error {
		if _, shown := h.inDay(rollups.Bucket(k)); shown {
			n++
		}
		return nil
	})
	return n, err
}
