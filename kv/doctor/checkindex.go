package doctor

import (
	"encoding/binary"
	"fmt"

	"github.com/ttpcron/ttpcron/kv/record"
)

// runCheck checks the runs of an identity index, or of several indexes with
// prefixes of one length.
type runCheck struct {
	form   record.Index // without prefix
	prefix int          // length
	each   func(prefix []byte, hash uint64, value record.IndexValue)
	bad    func(error)

	at   string         // the prefix at hand
	runs map[uint32]int // entries that the list says are still to come
	run  uint32
	last uint64
	none bool // no entry of the run has been seen
}

func (x *runCheck) entry(k, v []byte) {
	if len(k) != x.prefix+4 && len(k) != x.prefix+12 {
		x.badf("%x is no key of an index", k)
		return
	}
	prefix, id := k[:x.prefix], binary.BigEndian.Uint32(k[x.prefix:])
	if string(prefix) != x.at || x.runs == nil {
		x.end()
		x.at, x.runs, x.run, x.none = string(prefix), map[uint32]int{}, 0, true
	}
	form := x.form
	form.Prefix = prefix
	if len(k) == x.prefix+4 {
		x.list(&form, id, v)
		return
	}
	entries, err := form.ReadChunk(k, v)
	if err != nil {
		x.bad(fmt.Errorf("run %d: %w", id, err))
		return
	}
	if id != x.run {
		x.run, x.none = id, true
	}
	if _, ok := x.runs[id]; !ok {
		x.badf("run %d is not in the list of runs", id)
	}
	for e := entries; len(e) > 0; e = e[form.EntrySize():] {
		h := binary.BigEndian.Uint64(e)
		if !x.none && h <= x.last {
			x.badf("run %d is not in order", id)
		}
		x.last, x.none = h, false
		x.runs[id]--
		x.each(prefix, h, form.Value(e))
	}
	if key := binary.BigEndian.Uint64(k[x.prefix+4:]); key != x.last {
		x.badf("run %d: a chunk ends otherwise than its key says", id)
	}
}

// list reads the list of runs.
func (x *runCheck) list(form *record.Index, id uint32, rec []byte) {
	if id != 0 {
		x.badf("the list of runs has number %d", id)
		return
	}
	runs, err := form.ReadRuns(rec)
	for _, r := range runs {
		x.runs[r.ID] = r.Count
	}
	if err != nil {
		x.bad(fmt.Errorf("the list of runs is damaged: %w", err))
	} else if len(x.runs) != len(runs) {
		x.badf("the list of runs names one twice")
	}
}

func (x *runCheck) badf(format string, args ...any) { x.bad(fmt.Errorf(format, args...)) }

// end ends an index: no entry may be missing.
func (x *runCheck) end() {
	for id, n := range x.runs {
		if n != 0 {
			x.badf("run %d has %d entries more or less than the list of runs says", id, n)
		}
	}
	x.runs = nil
}
