package kv

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// MaxAudit is how many entries of the audit trail are kept; the oldest are dropped. Entry
// numbers show how many there were.
const MaxAudit = 10_000

// Audit lists the changes of rules in operation, newest first; limit 0 lists all
// that are kept.
func (db *DB) Audit(ctx context.Context, limit int) ([]ttpcron.AuditEntry, error) {
	var entries []ttpcron.AuditEntry
	err := db.view(ctx, func(tx *txn) error {
		c := tx.top(layout.Audit).Cursor()
		for k, rec := c.Last(); k != nil && (limit == 0 || len(entries) < limit); k, rec = c.Prev() {
			e, err := record.ReadAudit(k, rec)
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the audit trail: %w", err)
	}
	return entries, nil
}

// audit adds an entry and drops the oldest over MaxAudit.
func audit(tx *txn, e ttpcron.AuditEntry) error {
	b := tx.top(layout.Audit)
	n, err := b.NextSequence()
	if err != nil {
		return err
	}
	k := record.NumberKey(n)
	if err := b.Put(k, record.AppendAudit(nil, k, &e)); err != nil {
		return err
	}
	c := b.Cursor()
	for k, _ := c.First(); len(k) == 8 && binary.BigEndian.Uint64(k)+MaxAudit <= n; k, _ = c.First() {
		if err := b.Delete(bytes.Clone(k)); err != nil {
			return err
		}
	}
	return nil
}
