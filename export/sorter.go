package export

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
)

const (
	sorterBytes = 16 << 20 // of records and their places that are kept in memory
	sorterRuns  = 16       // files that are merged at a time
)

// sorter sorts any number of records by their bytes: what does not fit into memory waits
// in files.
type sorter struct {
	scratch func() (string, error)

	buf    []byte
	places []place
	runs   []string // files of sorted records, each after its length
}

type place struct{ from, to uint32 }

// placeBytes is what a place takes in memory.
const placeBytes = 8

// add adds a record.
func (s *sorter) add(record []byte) error {
	if len(s.places) > 0 && len(s.buf)+len(record)+(len(s.places)+1)*placeBytes > sorterBytes {
		if err := s.spill(); err != nil {
			return err
		}
	}
	from := len(s.buf)
	s.buf = append(s.buf, record...)
	s.places = append(s.places, place{uint32(from), uint32(len(s.buf))})
	return nil
}

func (s *sorter) record(p place) []byte { return s.buf[p.from:p.to] }

func (s *sorter) sort() {
	slices.SortFunc(s.places, func(a, b place) int { return bytes.Compare(s.record(a), s.record(b)) })
}

// each calls do with every record in order, each good until the next, and is empty
// afterwards.
func (s *sorter) each(do func(record []byte) error) error {
	if len(s.runs) == 0 {
		s.sort()
		for _, p := range s.places {
			if err := do(s.record(p)); err != nil {
				return err
			}
		}
		s.buf, s.places = s.buf[:0], s.places[:0]
		return nil
	}
	if err := s.spill(); err != nil {
		return err
	}
	err := mergeRuns(s.runs, do)
	return errors.Join(err, s.drop())
}

// drop removes the files.
func (s *sorter) drop() (err error) {
	for _, path := range s.runs {
		err = errors.Join(err, os.Remove(path))
	}
	s.runs = nil
	return err
}

// spill moves what is in memory into a file. Many files are merged into one.
func (s *sorter) spill() error {
	s.sort()
	err := s.write(func(put func([]byte) error) error {
		for _, p := range s.places {
			if err := put(s.record(p)); err != nil {
				return err
			}
		}
		return nil
	})
	s.buf, s.places = s.buf[:0], s.places[:0]
	if err != nil || len(s.runs) < sorterRuns {
		return err
	}
	before := s.runs
	s.runs = nil
	if err := s.write(func(put func([]byte) error) error { return mergeRuns(before, put) }); err != nil {
		return err
	}
	return (&sorter{runs: before}).drop()
}

// write makes a file of the records that from puts.
func (s *sorter) write(from func(put func([]byte) error) error) error {
	dir, err := s.scratch()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "run-*")
	if err != nil {
		return err
	}
	defer f.Close()
	s.runs = append(s.runs, f.Name())
	w := bufio.NewWriterSize(f, 64<<10)
	var length []byte
	err = from(func(record []byte) error {
		length = binary.AppendUvarint(length[:0], uint64(len(record)))
		if _, err := w.Write(length); err != nil {
			return err
		}
		_, err := w.Write(record)
		return err
	})
	return cmp.Or(err, w.Flush(), f.Close())
}

// run reads a file of sorted records.
type run struct {
	f      *os.File
	r      *bufio.Reader
	record []byte
}

// next reads a record. It is io.EOF after the last.
func (r *run) next() error {
	n, err := binary.ReadUvarint(r.r)
	if err != nil {
		return err
	}
	r.record = slices.Grow(r.record[:0], int(n))[:n]
	_, err = io.ReadFull(r.r, r.record)
	return err
}

// runs is a heap of the runs that have a record left.
type runs []*run

func (h runs) Len() int           { return len(h) }
func (h runs) Less(i, j int) bool { return bytes.Compare(h[i].record, h[j].record) < 0 }
func (h runs) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *runs) Push(x any)        { *h = append(*h, x.(*run)) }
func (h *runs) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// mergeRuns calls do with every record of the files in order.
func mergeRuns(paths []string, do func(record []byte) error) error {
	var h runs
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		r := &run{f: f, r: bufio.NewReaderSize(f, 64<<10)}
		if err := r.next(); err == nil {
			h = append(h, r)
		} else if err != io.EOF {
			return err
		}
	}
	heap.Init(&h)
	for len(h) > 0 {
		if err := do(h[0].record); err != nil {
			return err
		}
		switch err := h[0].next(); err {
		case nil:
			heap.Fix(&h, 0)
		case io.EOF:
			heap.Pop(&h)
		default:
			return err
		}
	}
	return nil
}
