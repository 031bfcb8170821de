package kv_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// checked checks a store's file and wants nothing found.
func checked(t *testing.T, path string) doctor.CheckReport {
	t.Helper()
	r, err := doctor.Check(t.Context(), path, doctor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range r.Findings {
		if i < 5 {
			t.Errorf("%s %s %s: %s", f.Place, f.Kind, f.Day, f.What)
		}
	}
	if r.Damaged() {
		t.FailNow()
	}
	return r
}

func TestCheckWhole(t *testing.T) {
	r := checked(t, write(t, small(t)))
	if r.Events != 3000 || r.Tags != 6000 || r.Schema != kv.Schema || r.Days == 0 {
		t.Errorf("%+v", r)
	}
}

// flips chooses single bits to flip: half of them anywhere, the others in a page of each
// sort in turn, since there are many leaves and only one list of free pages.
func flips(content []byte, n int, do func(sort string, at int, bad []byte)) {
	sorts := map[uint16]string{1: "branch", 2: "leaf", 4: "header", 16: "free pages"}
	pages := map[string][]int{}
	for at := 0; at < len(content); at += 4096 {
		sort := sorts[binary.LittleEndian.Uint16(content[at+8:])]
		if sort == "free pages" && at != freePages(content) {
			continue // an earlier list
		}
		pages[sort] = append(pages[sort], at)
	}
	order := []string{"any", "branch", "any", "leaf", "any", "header", "any", "free pages"}
	rnd := rand.New(rand.NewPCG(3, 9))
	for i := range n {
		sort, at := order[i%len(order)], 0
		if p := pages[sort]; len(p) > 0 {
			at = p[rnd.IntN(len(p))] + rnd.IntN(4096)
			switch sort {
			case "header", "free pages":
				at = at&^4095 + rnd.IntN(80) // the rest of the page is empty
			case "branch":
				at = at&^4095 + rnd.IntN(usedOfBranch(content[at&^4095:]))
			}
		} else {
			at = rnd.IntN(len(content))
		}
		bad := bytes.Clone(content)
		bad[at] ^= 1 << rnd.IntN(8)
		do(sort, at, bad)
	}
}

// freePages returns where the list of free pages is.
func freePages(content []byte) int {
	const free, txid = 48, 64 // in a header
	newer := content
	if n := binary.LittleEndian.Uint64; n(content[4096+txid:]) > n(content[txid:]) {
		newer = content[4096:]
	}
	return 4096 * int(binary.LittleEndian.Uint64(newer[free:]))
}

// usedOfBranch returns how many bytes of a branch page are in use: small stores have
// nearly empty ones.
func usedOfBranch(page []byte) int {
	last := 16 * int(binary.LittleEndian.Uint16(page[10:])) // where the last element is
	return last + int(binary.LittleEndian.Uint32(page[last:])+binary.LittleEndian.Uint32(page[last+4:]))
}

// TestCheckFindsFlippedBits flips single bits all over a store's file. A check
// finds each, or the bit belongs to nothing: then everything reads as before.
func TestCheckFindsFlippedBits(t *testing.T) {
	content := tiny(t)
	path := write(t, content)
	want := dumpFile(t, path)
	found, silent := map[string]int{}, map[string]int{}
	flips(content, rounds(400), func(sort string, at int, bad []byte) {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := doctor.Check(t.Context(), path, doctor.Options{})
		switch {
		case err != nil, r.Damaged():
			found[sort]++
		case !bytes.Equal(dumpFile(t, path), want):
			t.Fatalf("byte %d of page %d (%s): nothing found, and the store reads otherwise", at%4096, at/4096, sort)
		default:
			silent[sort]++
		}
	})
	t.Logf("found %v; in places that belong to nothing %v", found, silent)
	for _, sort := range []string{"any", "branch", "leaf", "header", "free pages"} {
		if found[sort] == 0 {
			t.Errorf("no damage found in %s", sort)
		}
	}
}
