package story

import (
	"cmp"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// MaxExcerpt is how many texts an [Excerpt] has at most.
const MaxExcerpt = 4

// maxExcerptRules is how many rules an excerpt distinguishes.
const maxExcerptRules = 64

// Excerpt is the few events of one kind that a short story of a session shows: those with
// the highest level, one for each rule, in the order of time. Without enough tags, the first
// events fill it.
//
// Add all tags first, then all events. The zero value is ready to use.
type Excerpt struct {
	best   []notable       // of each rule
	chosen map[uint64]bool // by arrival number, nil until the first event
	first  []excerpted     // that are not chosen
	picked []excerpted
	n      int
}

// notable is the event with the highest level of a rule, the earliest one.
type notable struct {
	rule  string
	level ttpcron.Level
	time  time.Time
	seq   uint64
}

// excerpted is a text, and the how many-th it was.
type excerpted struct {
	at   int
	text string
}

// AddTag adds the tag of an event.
func (x *Excerpt) AddTag(t *Tag) {
	n := notable{t.RuleID, t.Level, t.EventTime, t.Seq}
	i := slices.IndexFunc(x.best, func(b notable) bool { return b.rule == n.rule })
	switch {
	case i < 0 && len(x.best) < maxExcerptRules:
		x.best = append(x.best, n)
	case i < 0:
		if last := slices.MaxFunc(x.best, before); before(n, last) < 0 {
			x.best[slices.Index(x.best, last)] = n
		}
	case before(n, x.best[i]) < 0:
		x.best[i] = n
	}
}

// before puts the highest level first, then the earliest event.
func before(a, b notable) int {
	return cmp.Or(cmp.Compare(b.level.Rank(), a.level.Rank()), a.time.Compare(b.time), cmp.Compare(a.seq, b.seq), cmp.Compare(a.rule, b.rule))
}

// Add adds an event, in the order of time, by its arrival number and text.
func (x *Excerpt) Add(seq uint64, text string) {
	if x.chosen == nil {
		x.choose()
	}
	x.n++
	text = ttpcron.Shorten(text, maxKeptBytes)
	to := &x.first
	if x.chosen[seq] {
		to = &x.picked
	}
	same := func(e excerpted) bool { return e.text == text }
	if len(*to) < MaxExcerpt && !slices.ContainsFunc(x.picked, same) && !slices.ContainsFunc(*to, same) {
		*to = append(*to, excerpted{x.n, text})
	}
}

func (x *Excerpt) choose() {
	x.chosen = map[uint64]bool{}
	slices.SortFunc(x.best, before)
	for _, b := range x.best {
		if len(x.chosen) < MaxExcerpt {
			x.chosen[b.seq] = true
		}
	}
	x.best = nil
}

// Texts returns the distinct texts, and how many events there are besides.
func (x *Excerpt) Texts() (texts []string, more int) {
	all := slices.Clone(x.picked)
	for _, f := range x.first {
		if len(all) < MaxExcerpt && !slices.ContainsFunc(x.picked, func(e excerpted) bool { return e.text == f.text }) {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b excerpted) int { return cmp.Compare(a.at, b.at) })
	for _, e := range all {
		texts = append(texts, e.text)
	}
	return texts, x.n - len(texts)
}
