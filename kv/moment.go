package kv

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
)

// Moment returns the moment at which the store is.
func (db *DB) Moment(ctx context.Context) (m ttpcron.Moment, err error) {
	err = db.view(ctx, func(tx *txn) error {
		m.Commit = tx.bolt.ID()
		m.Seq, err = arrival(tx)
		return err
	})
	if err != nil {
		return m, fmt.Errorf("read the moment of the store: %w", err)
	}
	return m, nil
}
