package kv

import (
	"bytes"
	"context"
	"os"
	"reflect"
	"testing"
	"unsafe"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// SetSchema makes a store one of another schema.
func SetSchema(t testing.TB, path string, n uint64) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(layout.Meta)).Put(record.KeySchema, record.AppendSchema(nil, int(n)))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TagBytes returns the mean size of key and value of some tags.
func TagBytes(tags []ttpcron.Tag) int {
	var d record.Deriver
	n := 0
	for i := range tags {
		day := ttpcron.DayOf(tags[i].EventTime)
		key := record.MakeTagKey(tags[i].SourceKind, record.NanosOf(tags[i].EventTime, day), tags[i].UUID())
		n += len(key) + len(record.AppendTag(nil, record.DayKey(day), &key, 1, &tags[i], &d))
	}
	return n / len(tags)
}

// LimitSize makes writes that need a larger file fail, as a full disk does; 0
// lifts the limit.
func LimitSize(db *DB, n int) { db.bolt.MaxSize = n }

// BreakMigration makes the last step of a migration fail until the function
// returned is called.
func BreakMigration(err error) (restore func()) {
	last := &migrations[len(migrations)-1]
	step := *last
	*last = func(db *DB, tx *txn) error {
		if serr := step(db, tx); serr != nil {
			return serr
		}
		return err
	}
	return func() { *last = step }
}

// OpenTransactions counts the read transactions in progress.
func OpenTransactions(db *DB) int { return db.bolt.Stats().OpenTxN }

// StopUpgrade makes upgrades to schema 5 take up so many rows in a transaction, and
// end with an error after the n-th, until the function returned is called.
func StopUpgrade(n, rows int, err error) (restore func()) {
	before, call := upgradeRows, upgraded
	upgradeRows = rows
	upgraded = func() error {
		if n--; n == 0 {
			return err
		}
		return nil
	}
	return func() { upgradeRows, upgraded = before, call }
}

// Disk stands between bbolt and the file of an open store. Whatever bbolt writes
// goes through Write; Sync fails from BreakSync on.
type Disk struct {
	File  *os.File
	bolt  *os.File
	Write func(b []byte, off int64) (int, error)
}

// TakeDisk puts a disk beneath an open store.
func TakeDisk(t testing.TB, db *DB) *Disk {
	t.Helper()
	bolt := reflect.ValueOf(db.bolt).Elem()
	write, file := bolt.FieldByName("ops").FieldByName("writeAt"), bolt.FieldByName("file")
	if !write.IsValid() || !file.IsValid() {
		t.Fatal("bbolt writes otherwise now")
	}
	d := &Disk{bolt: (*os.File)(file.UnsafePointer())}
	var err error
	if d.File, err = os.OpenFile(db.path, os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.File.Close() })
	d.Write = d.File.WriteAt
	do := func(b []byte, off int64) (int, error) { return d.Write(b, off) }
	reflect.NewAt(write.Type(), unsafe.Pointer(write.UnsafeAddr())).Elem().Set(reflect.ValueOf(do))
	return d
}

// BreakSync lets every later sync fail: it closes the file beneath bbolt.
func (d *Disk) BreakSync() { d.bolt.Close() }

// Days lists all days of a kind.
func (db *DB) Days(ctx context.Context, kind ttpcron.SourceKind) (days []ttpcron.DayHistory, err error) {
	err = db.eachDay(ctx, kind, func(d ttpcron.DayHistory) bool {
		days = append(days, d)
		return true
	})
	return days, err
}

// TakeOutAtOnce sets how many tags reviews remove in a transaction; 0 is the default.
func TakeOutAtOnce(db *DB, n int) { db.taken = n }

// AtOnce makes Summary add up so many attackers at once.
func AtOnce(db *DB, n int) { db.sums = n }

// Miscount adds one tag to the attackers of a day whose hashes come first and
// last in its rollup.
func Miscount(t testing.TB, path string, day ttpcron.Day) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(layout.Rollups)).Bucket(record.DayKey(day))
		first, _ := b.Cursor().Seek([]byte{record.RollupAttacker})
		c := b.Cursor()
		c.Seek([]byte{record.RollupAttacker + 1})
		last, _ := c.Prev()
		for _, k := range [][]byte{bytes.Clone(first), bytes.Clone(last)} {
			a, err := record.ReadAttacker(b.Get(k), record.DayKey(day), k)
			if err != nil {
				return err
			}
			a.Tags++
			if err := b.Put(k, record.AppendAttacker(nil, a, record.DayKey(day), k)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ChangeTag changes what the record of a tag says, and leaves its key as it is.
func ChangeTag(t testing.TB, path string, tag *ttpcron.Tag, change func(*ttpcron.Tag)) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		day := ttpcron.DayOf(tag.EventTime)
		b := tx.Bucket([]byte(layout.Tags)).Bucket(record.DayKey(day))
		key := record.MakeTagKey(tag.SourceKind, record.NanosOf(tag.EventTime, day), tag.UUID())
		var d record.Deriver
		stored, claim, err := record.ReadTag(day, key[:], b.Get(key[:]), &d)
		if err != nil {
			return err
		}
		change(&stored)
		return b.Put(key[:], record.AppendTag(nil, record.DayKey(day), &key, claim, &stored, &d))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// SetMaxFilePositions lowers a bound until the function that it returns is called.
func SetMaxFilePositions(n int) func() {
	before := maxFilePositions
	maxFilePositions = n
	return func() { maxFilePositions = before }
}

// WithoutEvents is the coverage of a day when some of its events have learned.
var WithoutEvents = withoutEvents

// ForgetTags takes the tags out of a store, and leaves what counts them.
func ForgetTags(t testing.TB, path string) {
	t.Helper()
	inFile(t, path, func(tx *bbolt.Tx) error {
		if err := tx.DeleteBucket([]byte(layout.Tags)); err != nil {
			return err
		}
		_, err := tx.CreateBucket([]byte(layout.Tags))
		return err
	})
}

// ForgetVantages makes every claim of a store one of honeypots.
func ForgetVantages(t testing.TB, path string) {
	t.Helper()
	inFile(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(layout.Claims))
		for id := uint32(1); ; id++ {
			k := record.ClaimNumber(id)
			rec := b.Get(k)
			if rec == nil {
				return nil
			}
			c, err := record.ReadClaim(k, rec)
			if err != nil {
				return err
			}
			c.Vantage = ttpcron.VantageHoneypot
			if err := b.Put(k, record.AppendClaim(nil, k, c)); err != nil {
				return err
			}
		}
	})
}

// ForgetThatVantagesAreKnown has the claims of a store as they were before they told the
// vantage.
func ForgetThatVantagesAreKnown(t testing.TB, path string) {
	t.Helper()
	ForgetVantages(t, path)
	inFile(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(layout.Claims))
		for id := uint32(1); ; id++ {
			k := record.ClaimNumber(id)
			rec := bytes.Clone(b.Get(k))
			if rec == nil {
				return nil
			}
			rec = rec[:len(rec)-6]
			rec[0] = 2
			record.End(rec, k)
			if err := b.Put(k, rec); err != nil {
				return err
			}
		}
	})
}

// inFile changes the file of a store that is not open.
func inFile(t testing.TB, path string, do func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(do); err != nil {
		t.Fatal(err)
	}
}

// LimitRuns makes the runs of base matches, and their blocks, small.
func LimitRuns(db *DB, lowest, merged, block, went int) {
	db.runs, db.taken = runLimits{lowest: lowest, merged: merged, block: block}, went
}

// ScanBegins reads matches, calls do with the number of each, and returns how often the
// scan has begun.
func ScanBegins(ctx context.Context, db *DB, q ttpcron.MatchQuery, do func(n int, m *ttpcron.BaseMatch)) (begins int, err error) {
	n := 0
	err = db.eachMatch(ctx, q, MatchPosition{}, func(m *ttpcron.BaseMatch, s *matchScan) bool {
		begins = s.begins
		do(n, m)
		n++
		return true
	})
	return begins, err
}

// LimitMapping has the process map so many bytes of a store at most.
func LimitMapping(bytes int64) (restore func()) {
	before := mapLimit
	mapLimit = func() int64 { return bytes }
	return func() { mapLimit = before }
}

// Mappable is what the system lets a 32-bit process map.
func Mappable() int64 { return mappable() }
