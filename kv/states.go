package kv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// RuleStates lists the states of rules, in the order of their ids. Expired ones
// are listed until they are cleared.
func (db *DB) RuleStates(ctx context.Context) ([]ttpcron.RuleState, error) {
	var states []ttpcron.RuleState
	err := db.view(ctx, func(tx *txn) error {
		return tx.top(layout.States).ForEach(func(k, rec []byte) error {
			s, err := record.ReadState(k, rec)
			states = append(states, s)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list states of rules: %w", err)
	}
	return states, nil
}

// SetRuleState replaces the state of a rule, and records in the audit trail that
// its SetBy did so.
func (db *DB) SetRuleState(ctx context.Context, s ttpcron.RuleState) error {
	if s.RuleID == "" {
		return errors.New("state of a rule without id")
	}
	err := db.change(ctx, func(tx *txn) error {
		b := tx.top(layout.States)
		before, err := stateOf(b, s.RuleID)
		if err != nil {
			return err
		}
		if err := b.Put([]byte(s.RuleID), record.AppendState(nil, &s)); err != nil {
			return err
		}
		return audit(tx, ttpcron.AuditEntry{
			At: s.SetAt, By: s.SetBy, Action: ttpcron.AuditStateSet, RuleID: s.RuleID, Version: ttpcron.AllVersions,
			Before: inForce(before, s.SetAt).String(), After: s.String(), Reason: s.Reason,
		})
	})
	if err != nil {
		return fmt.Errorf("state of rule %q: %w", s.RuleID, err)
	}
	return nil
}

// ClearRuleState forgets the state of a rule, which is enabled again, and records who did
// so. A rule without a state is not an error, and nothing is recorded.
func (db *DB) ClearRuleState(ctx context.Context, ruleID, by string) error {
	err := db.change(ctx, func(tx *txn) error {
		b := tx.top(layout.States)
		before, err := stateOf(b, ruleID)
		if err != nil || before.RuleID == "" {
			return err
		}
		if err := b.Delete([]byte(ruleID)); err != nil {
			return err
		}
		return audit(tx, ttpcron.AuditEntry{
			At: db.now(), By: by, Action: ttpcron.AuditStateClear, RuleID: ruleID, Version: ttpcron.AllVersions,
			Before: inForce(before, db.now()).String(), After: ttpcron.RuleState{}.String(),
		})
	})
	if err != nil {
		return fmt.Errorf("state of rule %q: %w", ruleID, err)
	}
	return nil
}

// inForce returns a state in force: an expired one counts as none.
func inForce(s ttpcron.RuleState, now time.Time) ttpcron.RuleState {
	if s.At(now) == ttpcron.StatusEnabled {
		return ttpcron.RuleState{}
	}
	return s
}

// stateOf returns the stored state of a rule, the zero state when it has none.
func stateOf(b *bucket, ruleID string) (ttpcron.RuleState, error) {
	rec := b.Get([]byte(ruleID))
	if rec == nil {
		return ttpcron.RuleState{}, nil
	}
	return record.ReadState([]byte(ruleID), rec)
}
