package kv

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

// mapLimit is how many bytes of a store this process can map; 0 means no practical limit.
// bbolt maps the whole store, so no store can be larger.
var mapLimit = sync.OnceValue(func() int64 {
	if strconv.IntSize > 32 {
		return 0
	}
	return mappable()
})

// mapSizes are the sizes of the mappings that bbolt makes of a large file on a 32-bit
// system: it doubles them up to 1 GiB, and 2 GiB less one byte is its largest.
var mapSizes = [...]int64{1<<31 - 1, 1 << 30, 512 << 20, 256 << 20}

// heapRoom is the address space that is left for the rest of the process when a store is
// mapped.
const heapRoom = 256 << 20

// growLimit is how large this process lets a store become: a little less than it can map.
// bbolt computes sizes with the process's integers. These must not overflow when it adds
// the largest page and the step by which a file grows (see growStep), 80 MiB in all.
func growLimit() int64 {
	limit := mapLimit()
	return limit - limit/16
}

// MaxBytes returns the size in bytes up to which this process lets a store grow, and 0
// when only the disk limits it. On a 32-bit system that is 1.9 GiB at most, and less
// where a limit on the process or other mappings leave less address space.
func MaxBytes() int64 { return growLimit() }

// TooLargeError says that a store is, or would be, larger than this process can map.
type TooLargeError struct {
	Path         string
	Bytes, Limit int64 // of the file, and the most that can be mapped
	Grows        bool  // a write would make it so large; it was not done
}

// Error says what to do.
func (e *TooLargeError) Error() string {
	const do = "use ttpcron on a 64-bit system"
	if e.Grows {
		return fmt.Sprintf("store %s is %s and cannot grow: a 32-bit process can map a store of at most %s here; take out old days with ttpcron db prune, set max-size, or %s", e.Path, mebibytes(e.Bytes), mebibytes(e.Limit), do)
	}
	return fmt.Sprintf("store %s is %s and a 32-bit process can map at most %s here: %s, where ttpcron db prune and ttpcron db compact also make it smaller", e.Path, mebibytes(e.Bytes), mebibytes(e.Limit), do)
}

func mebibytes(n int64) string {
	if n >= 1<<30 {
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// fits reports a file that this process cannot map.
func fits(f *os.File, path string) error {
	limit := mapLimit()
	if limit == 0 {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() > limit {
		return &TooLargeError{Path: path, Bytes: info.Size(), Limit: limit}
	}
	return nil
}

// grown is the error of a write that bbolt refused because of growLimit.
func (db *DB) grown() error {
	e := &TooLargeError{Path: db.path, Limit: growLimit(), Grows: true}
	if info, err := os.Stat(db.path); err == nil {
		e.Bytes = info.Size()
	}
	return e
}

// isMapped reports whether bbolt has the file mapped. It has not after the system refused
// it a larger mapping.
func (db *DB) isMapped() (is bool) {
	defer func() { is = recover() == nil }()
	return db.bolt == nil || db.bolt.Info().Data != 0
}
