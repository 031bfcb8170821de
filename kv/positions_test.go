package kv

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// TestLengthsAskedForDuringAWrite asks for the lengths of heads, for the first
// time, while a read position with a new one is being written: it is among them
// later.
func TestLengthsAskedForDuringAWrite(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "t.db"), Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	asked := make(chan error, 1)
	db.writing.Lock()
	err = db.update(t.Context(), func(tx *txn) error {
		if err := db.putPosition(tx, &ttpcron.FilePosition{Format: "cowrie", HeadLen: 333}); err != nil {
			return err
		}
		go func() {
			_, err := db.HeadLengths(t.Context())
			asked <- err
		}()
		select {
		case err := <-asked: // it did not wait, and knows nothing of the position
			asked <- err
		case <-time.After(50 * time.Millisecond):
		}
		return nil
	})
	db.writing.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if err := <-asked; err != nil {
		t.Fatal(err)
	}
	lengths, err := db.HeadLengths(t.Context())
	if err != nil || !slices.Contains(lengths, 333) {
		t.Errorf("lengths %v, error %v: the mark's is not among them", lengths, err)
	}
}
