package correlation

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// slotsOf are the slots that a judge finds in a group with these matches.
func slotsOf(j *Judge, g ttpcron.Group, matches []streamed) []int64 {
	j.Begin(g)
	for i := range matches {
		j.Match(matches[i].stream, &matches[i].m)
	}
	slots, _ := j.End(nil)
	return slots
}

// A pass over changed groups relies on three properties: a slot depends only on the
// matches from the rule's reach before its start to its end; a match affects only the
// slots from its own to that of its time plus the reach; and no match removes a finding.
func TestWhatAMatchMayDecide(t *testing.T) {
	tried, decided := 0, 0
	for seed := range uint64(1500) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		h := aHistory(rnd)
		rules, _ := h.link()
		for _, r := range rules {
			j := r.Judge()
			for g, matches := range h.grouped(r) {
				all := slotsOf(j, g, matches)
				if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
					t.Fatalf("seed %d: slots are %v", seed, all)
				}
				if len(all) > 0 && len(matches) < r.Least() {
					t.Fatalf("seed %d, %+v: %d matches are enough, of at least %d", seed, r.def, len(matches), r.Least())
				}
				for s := ttpcron.Slot(time.Unix(995, 0), r.Timespan()); s <= ttpcron.Slot(time.Unix(1030, 0), r.Timespan()); s++ {
					w := r.SlotWindow(s)
					var near []streamed
					for _, m := range matches {
						if !m.m.Time.Before(w.Since.Add(-r.Reach())) && m.m.Time.Before(w.Until) {
							near = append(near, m)
						}
					}
					got := slices.Contains(slotsOf(j, g, near), s)
					if got != slices.Contains(all, s) {
						t.Fatalf("seed %d, %+v: slot %d depends on more than its reach", seed, r.def, s)
					}
					if got && len(near) < r.Least() {
						t.Fatalf("seed %d, %+v: %d matches are enough, of at least %d", seed, r.def, len(near), r.Least())
					}
				}
				i := rnd.IntN(len(matches))
				m := matches[i].m
				less := slotsOf(j, g, slices.Delete(slices.Clone(matches), i, i+1))
				tried++
				for _, s := range less {
					if !slices.Contains(all, s) {
						t.Fatalf("seed %d, %+v: a match takes slot %d back", seed, r.def, s)
					}
				}
				for _, s := range all {
					if slices.Contains(less, s) {
						continue
					}
					decided++
					if s < ttpcron.Slot(m.Time, r.Timespan()) || s > ttpcron.Slot(m.Time.Add(r.Reach()), r.Timespan()) {
						t.Fatalf("seed %d, %+v: the match at %v decides slot %d", seed, r.def, m.Time, s)
					}
				}
			}
		}
	}
	if decided < 500 {
		t.Errorf("of %d matches only %d decided anything", tried, decided)
	}
}

// bytesThen are random numbers that begin with a text's bytes.
type bytesThen struct {
	text []byte
	rest rand.Source
}

func (b *bytesThen) Uint64() uint64 {
	if len(b.text) < 8 {
		return b.rest.Uint64()
	}
	n := binary.LittleEndian.Uint64(b.text)
	b.text = b.text[8:]
	return n
}

// For any history made from the bytes, the judge finds what the definition says. It also
// survives matches that no store would give it.
func FuzzJudge(f *testing.F) {
	f.Add([]byte{})
	for seed := range uint64(20) {
		var text []byte
		rnd := rand.New(rand.NewPCG(seed, 4))
		for range 60 {
			text = binary.LittleEndian.AppendUint64(text, rnd.Uint64())
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		h := aHistory(rand.New(&bytesThen{text, rand.NewPCG(uint64(len(text)), 5)}))
		rules, _ := h.link()
		for _, r := range rules {
			if got, want := h.judged(r), h.byReference(r.def); !slices.Equal(got, want) {
				t.Fatalf("%+v\nfound %v\nwant  %v", r.def, got, want)
			}
			j := r.Judge()
			j.Begin(ttpcron.Group(text))
			for i, b := range text {
				at := time.Unix(int64(b), 0)
				j.Match(int(b)%len(r.streams), &ttpcron.BaseMatch{Time: at, Seq: uint64(i), Values: string(text[i:])})
			}
			j.End(nil)
			r.Tags(ttpcron.NewSubject(ttpcron.Group(text), r.Names()), int64(len(text)), nil)
		}
	})
}
