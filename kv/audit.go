package kv

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/ttpcron/ttpcron"
)

// MaxAudit is how many entries of the audit trail are kept; the oldest are
// dropped. Their numbers tell how many there were.
const MaxAudit = 10_000

// maxAuditText bounds each text of an entry, in bytes.
const maxAuditText = 1024

// Audit lists the changes of rules in operation, newest first; limit 0 lists all
// that are kept.
func (db *DB) Audit(ctx context.Context, limit int) ([]ttpcron.AuditEntry, error) {
	var entries []ttpcron.AuditEntry
	err := db.view(ctx, func(tx *txn) error {
		c := tx.Bucket(bucketAudit).Cursor()
		for k, rec := c.Last(); k != nil && (limit == 0 || len(entries) < limit); k, rec = c.Prev() {
			e, err := readAudit(k, rec)
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
	b := tx.Bucket(bucketAudit)
	n, err := b.NextSequence()
	if err != nil {
		return err
	}
	k := numberKey(n)
	if err := b.Put(k, appendAudit(nil, k, &e)); err != nil {
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

func appendAudit(dst, key []byte, e *ttpcron.AuditEntry) []byte {
	dst = appendInt(appendTime(beginRecord(dst), e.At), e.Version)
	for _, s := range [...]string{e.By, e.Action, e.RuleID, e.Before, e.After, e.Reason} {
		dst = appendText(dst, cut(s, maxAuditText))
	}
	return endRecord(dst, key)
}

func readAudit(key, rec []byte) (e ttpcron.AuditEntry, err error) {
	if len(key) != 8 {
		return e, damagef("%x is no number of an entry", key)
	}
	r, err := openRecord(rec, key)
	if err == nil {
		e = ttpcron.AuditEntry{Number: binary.BigEndian.Uint64(key), At: r.time(), Version: r.int()}
		for _, s := range [...]*string{&e.By, &e.Action, &e.RuleID, &e.Before, &e.After, &e.Reason} {
			*s = r.text()
		}
		err = r.finish()
	}
	if err != nil {
		return ttpcron.AuditEntry{}, fmt.Errorf("audit entry %x: %w", key, err)
	}
	return e, nil
}
