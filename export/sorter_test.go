package export

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

func TestSorter(t *testing.T) {
	for _, c := range []struct{ records, size int }{{0, 0}, {1, 10}, {1000, 0}, {1000, 50}, {500, 1 << 20}, {3, sorterBytes + 1}} {
		dir := t.TempDir()
		s := sorter{scratch: func() (string, error) { return dir, nil }}
		r := rand.New(rand.NewPCG(1, 2))
		for range 2 { // it is used again
			var want []string
			record := make([]byte, c.size+4)
			for range c.records {
				binary.BigEndian.PutUint32(record, r.Uint32N(uint32(2*c.records)))
				want = append(want, string(record[:4]))
				if err := s.add(record); err != nil {
					t.Fatal(err)
				}
			}
			slices.Sort(want)
			var got []string
			if err := s.each(func(b []byte) error {
				if len(b) != len(record) {
					t.Fatalf("a record has %d bytes", len(b))
				}
				got = append(got, string(b[:4]))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d records of %d bytes come out in another order", c.records, c.size)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("%d files are left", len(left))
			}
		}
	}
}
