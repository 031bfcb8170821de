package correlation

import (
	"cmp"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

func inOrder(matches []streamed) iter.Seq2[*ttpcron.BaseMatch, error] {
	return func(yield func(*ttpcron.BaseMatch, error) bool) {
		for i := range matches {
			if m := matches[i].m; !yield(&m, nil) {
				return
			}
		}
	}
}

// leaves are the matches of base rules in steps, with the streams of a rule.
func leaves(r *Rule, steps []Step) (out []streamed) {
	for _, s := range steps {
		if s.Match != nil {
			i := slices.IndexFunc(r.streams, func(o *ttpcron.Stream) bool { return o.ID == s.Match.Stream.ID })
			out = append(out, streamed{i, *s.Match})
		}
		out = append(out, leaves(r, s.Steps)...)
	}
	return out
}

// A trace agrees with the judge, and the matches that it shows are enough: the rule has
// the same finding with these alone. Without a finding, it says what is missing.
func TestTraceShowsWhatSuffices(t *testing.T) {
	found, not := 0, 0
	for seed := range uint64(1500) {
		h := aHistory(rand.New(rand.NewPCG(seed, 2)))
		rules, _ := h.link()
		for _, r := range rules {
			j := r.Judge()
			for g, matches := range h.grouped(r) {
				slots := slotsOf(j, g, matches)
				for s := ttpcron.Slot(matches[0].m.Time, r.Timespan()); s <= ttpcron.Slot(matches[len(matches)-1].m.Time, r.Timespan()); s++ {
					trace, err := r.Trace(g, r.SlotWindow(s), inOrder(matches))
					if err != nil {
						t.Fatal(err)
					}
					fail := func(why string) {
						t.Helper()
						t.Fatalf("seed %d, rule %+v, slot %d: %s: %+v", seed, r.Definition(), s, why, trace)
					}
					if trace.Satisfied != slices.Contains(slots, s) {
						fail("not what was judged")
					}
					if trace.Reached == "" || trace.Satisfied != (len(trace.Missing) == 0) {
						fail("what is missing?")
					}
					for i, step := range trace.Steps {
						if step.Time.Before(trace.Since) || step.Time.After(trace.Until) || step.Note == "" || i > 0 && step.Time.Before(trace.Steps[i-1].Time) {
							fail("a step is out of place")
						}
					}
					if !trace.Satisfied {
						not++
						continue
					}
					found++
					enough := leaves(r, trace.Steps)
					slices.SortFunc(enough, func(a, b streamed) int {
						return cmp.Or(a.m.Time.Compare(b.m.Time), cmp.Compare(a.m.Seq, b.m.Seq), cmp.Compare(a.stream, b.stream))
					})
					enough = slices.CompactFunc(enough, func(a, b streamed) bool { return a.stream == b.stream && a.m.Seq == b.m.Seq })
					if got := slotsOf(j, g, enough); !slices.Contains(got, s) {
						fail("these matches do not suffice")
					}
				}
			}
		}
	}
	if found < 1000 || not < 1000 {
		t.Errorf("%d slots with a finding, %d without", found, not)
	}
}

func TestTraceOfGroupsThatFallShort(t *testing.T) {
	h := sequence(TemporalOrdered, Condition{}, "1@0s", "3@1s", "2@2s", "1@3s")
	rules, problems := h.link()
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	r := rules[0]
	for g, matches := range h.grouped(r) {
		trace, err := r.Trace(g, ttpcron.Window{}, inOrder(matches))
		if err != nil {
			t.Fatal(err)
		}
		if trace.Satisfied || trace.Reached != "2 of 3 rules" || !slices.Equal(trace.Missing, []string{"TC3 after TC2"}) {
			t.Errorf("got %+v", trace)
		}
		if len(trace.Steps) != 2 || trace.Steps[1].Note != "2nd of 3 in order" || !trace.Until.Equal(time.Unix(1002, 0)) {
			t.Errorf("steps are %+v until %v", trace.Steps, trace.Until)
		}
	}
}
