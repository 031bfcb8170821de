package census

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/ttpcron/ttpcron"
)

// disk makes the scratch files of a census. Its folder is made when the first one is.
type disk struct {
	folder *ttpcron.Scratch
	files  int
}

func (d *disk) create() (*os.File, error) {
	if d.folder == nil {
		folder, err := ttpcron.NewScratch(os.TempDir(), "ttpcron-census-", "")
		if err != nil {
			return nil, fmt.Errorf("make a folder for what does not fit into memory: %w", err)
		}
		d.folder = folder
	}
	d.files++
	return os.OpenFile(d.folder.File(fmt.Sprint(d.files)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

func (d *disk) close() error {
	if d.folder == nil {
		return nil
	}
	return d.folder.Remove()
}

// pair is an entry of a run. It is good until the next.
type pair struct{ key, value []byte }

// runs are sorted lists of pairs on disk. Several of one level are merged into one of the
// next, so that few files are open, and each pair is written few times.
type runs struct {
	disk *disk
	// join merges the values of equal keys, in the memory of the first; nil: no two keys
	// are equal.
	join   func(a, b []byte) []byte
	levels [][]*os.File
}

const (
	runsMerged = 16
	runBuffer  = 32 << 10
)

// add writes a run.
func (r *runs) add(pairs iter.Seq2[pair, error]) error {
	for level := 0; ; level++ {
		f, err := r.write(pairs)
		if err != nil {
			return err
		}
		if level == len(r.levels) {
			r.levels = append(r.levels, nil)
		}
		r.levels[level] = append(r.levels[level], f)
		if len(r.levels[level]) < runsMerged {
			return nil
		}
		full := r.levels[level]
		r.levels[level] = nil
		defer remove(full)
		pairs = r.merged(full)
	}
}

func (r *runs) write(pairs iter.Seq2[pair, error]) (*os.File, error) {
	f, err := r.disk.create()
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriterSize(f, runBuffer)
	var head []byte
	for p, err := range pairs {
		if err != nil {
			f.Close()
			return nil, err
		}
		head = binary.AppendUvarint(binary.AppendUvarint(head[:0], uint64(len(p.key))), uint64(len(p.value)))
		_, _ = w.Write(head)
		_, _ = w.Write(p.key)
		_, _ = w.Write(p.value)
	}
	if err := w.Flush(); err != nil { // that of a write before stays
		f.Close()
		return nil, fmt.Errorf("write what does not fit into memory: %w", err)
	}
	return f, nil
}

func remove(files []*os.File) {
	for _, f := range files {
		_ = os.Remove(f.Name())
		f.Close()
	}
}

// all yields the pairs of all runs in the order of their keys, with equal keys joined.
func (r *runs) all() iter.Seq2[pair, error] {
	var files []*os.File
	for _, l := range r.levels {
		files = append(files, l...)
	}
	return r.merged(files)
}

func (r *runs) close() {
	for _, l := range r.levels {
		remove(l)
	}
	r.levels = nil
}

func (r *runs) merged(files []*os.File) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		var h runHeap
		for _, f := range files {
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				yield(pair{}, err)
				return
			}
			rd := &runReader{r: bufio.NewReaderSize(f, runBuffer)}
			if more, err := rd.next(); err != nil {
				yield(pair{}, err)
				return
			} else if more {
				h = append(h, rd)
			}
		}
		heap.Init(&h)
		var p pair
		some := false
		for len(h) > 0 {
			first := h[0]
			if some && r.join != nil && bytes.Equal(p.key, first.key) {
				p.value = r.join(p.value, first.value)
			} else {
				if some && !yield(p, nil) {
					return
				}
				p.key, p.value, some = append(p.key[:0], first.key...), append(p.value[:0], first.value...), true
			}
			more, err := first.next()
			if err != nil {
				yield(pair{}, err)
				return
			}
			if more {
				heap.Fix(&h, 0)
			} else {
				heap.Pop(&h)
			}
		}
		if some {
			yield(p, nil)
		}
	}
}

// runReader reads a run.
type runReader struct {
	r *bufio.Reader
	pair
}

func (r *runReader) next() (more bool, err error) {
	key, err := binary.ReadUvarint(r.r)
	if err == io.EOF {
		return false, nil
	}
	var value uint64
	if err == nil {
		value, err = binary.ReadUvarint(r.r)
	}
	if err == nil {
		r.key, err = fill(r.r, r.key, int(key))
	}
	if err == nil {
		r.value, err = fill(r.r, r.value, int(value))
	}
	if err != nil {
		return false, fmt.Errorf("read what did not fit into memory: %w", err)
	}
	return true, nil
}

func fill(r io.Reader, buf []byte, n int) ([]byte, error) {
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	_, err := io.ReadFull(r, buf[:n])
	return buf[:n], err
}

type runHeap []*runReader

func (h runHeap) Len() int           { return len(h) }
func (h runHeap) Less(i, j int) bool { return bytes.Compare(h[i].key, h[j].key) < 0 }
func (h runHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *runHeap) Push(x any)        { *h = append(*h, x.(*runReader)) }
func (h *runHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
