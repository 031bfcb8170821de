package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/ttpcron/ttpcron"
)

// ending is how a run ended.
type ending int

const (
	ended ending = iota
	interrupted
	broke
	noRules
)

var errBroken = errors.New("broken")

// disturbed runs a job that may be interrupted or fail to commit, and compares its report
// with what is stored.
func (m *memory) disturbed(rnd *rand.Rand, j *Job) (end ending, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer func() { m.commitErr, m.onPage, m.onMatch = nil, nil, nil }()
	fail := func(fails func(n int) bool) {
		takes := rnd.IntN(2) == 0
		m.commitErr = func(n int, c ttpcron.Commit) error {
			if fails(n) {
				if takes {
					m.taken = m.takeOut(c)
				}
				return errBroken
			}
			return nil
		}
	}
	at := m.commits + 1 + rnd.IntN(4+8*rnd.IntN(2))
	switch rnd.IntN(7) {
	case 0:
		at := m.pages + 1 + rnd.IntN(5)
		m.onPage = func(n int) {
			if n == at {
				cancel()
			}
		}
	case 1:
		fail(func(n int) bool { return n >= at })
	case 2:
		fail(func(n int) bool { return n == at })
	case 3:
		var left atomic.Int64
		left.Store(rnd.Int64N(80))
		m.onMatch = func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		}
	}
	before := m.done
	before.Changes = nil
	r, err := j.Run(ctx)
	switch {
	case errors.Is(err, ErrInterrupted):
		end = interrupted
	case errors.Is(err, errBroken):
		end = broke
	case errors.Is(err, ErrNoRules):
		end = noRules
	case err != nil:
		return end, err
	}
	if err := m.tells(&r, before.TagChanges); err != nil {
		return end, err
	}
	if c := r.Run.Correlation; end == ended && (c.Waiting > 0 || j.Store.Matches != nil && c.Rules != len(j.Rules.Correlations())) {
		return end, fmt.Errorf("a run that ended well says %+v of correlations", c)
	}
	return end, nil
}

// tells compares a run's report with what it has committed, and with its record.
func (m *memory) tells(r *Report, before ttpcron.TagChanges) error {
	sum := ttpcron.TagChanges{}
	for _, s := range r.Run.Sources {
		if s.Inserted+s.Known != s.Tags || s.RetagInserted > s.RetagTags {
			return fmt.Errorf("counts do not add up: %s", line(s))
		}
		sum.Add(ttpcron.TagChanges{Inserted: s.Inserted + s.RetagInserted, Replaced: s.Replaced, Removed: s.Removed})
	}
	c := r.Run.Correlation
	if c.Inserted+c.Known != c.Tags || c.Days < 0 || c.Waiting < 0 {
		return fmt.Errorf("counts do not add up: %+v", c)
	}
	sum.Add(ttpcron.TagChanges{Inserted: c.Inserted, Replaced: c.Replaced, Removed: c.Removed})
	before.Add(r.Tags.TagChanges)
	if before != m.done.TagChanges || sum.Inserted != r.Tags.Inserted || sum.Replaced != r.Tags.Replaced || sum.Removed > r.Tags.Removed { // those of former correlations are of no source
		return fmt.Errorf("the run says %+v of tags, its sources %+v; with those before it is %+v, and the store has done %+v", r.Tags.TagChanges, sum, before, m.done.TagChanges)
	}
	for _, x := range r.Changed {
		if ttpcron.IsStream(x.RuleID) {
			return fmt.Errorf("a stream is reported as a rule: %+v", x)
		}
		if x.Inserted+x.Replaced > x.Tags+r.Tags.Inserted {
			return fmt.Errorf("a changed rule has more tags than were made: %+v", x)
		}
	}
	if rec, ok := m.runs[r.Run.ID]; ok && !rec.Finished.IsZero() && !reflect.DeepEqual(rec, r.Run) {
		return fmt.Errorf("the record says\n%+v, the report\n%+v", rec, r.Run)
	}
	return nil
}

// TestFiguresAreThoseOfCommits: whichever commit of a run fails, its figures of sources
// and correlations, and its picture, match what is stored.
func TestFiguresAreThoseOfCommits(t *testing.T) {
	set := everyType()
	for at := 1; ; at++ {
		m := newMemory()
		add(m, tenEvents()...)
		m.commitErr = func(n int, _ ttpcron.Commit) error {
			if n == at {
				return errBroken
			}
			return nil
		}
		r, err := try(Job{Store: correlating(m), Rules: &set, Source: SourceAll, Now: ticking(), BatchSize: 1, limits: passLimits{kept: 1, touched: 1, tags: 1}})
		if err == nil {
			if at < 10 {
				t.Errorf("only %d commits", at)
			}
			return
		}
		if err := m.tells(&r, ttpcron.TagChanges{}); err != nil {
			t.Errorf("commit %d: %v", at, err)
		}
		shown, events, made := r.Found.LeftOut, 0, r.Run.Correlation.Tags
		for _, x := range r.Found.Techniques {
			shown += x.Tags
		}
		for _, s := range r.Run.Sources {
			events, made = events+s.Tagged, made+s.Tags
		}
		tagged := map[string]bool{}
		for _, x := range m.tags {
			if x.SourceKind != ttpcron.Correlation {
				tagged[x.SourceID] = true
			}
		}
		if shown != len(m.tags) || made != len(m.tags) || events != len(tagged) {
			t.Errorf("commit %d: the store has %d tags, of %d events; %d are shown, %d were made, of %d events", at, len(m.tags), len(tagged), shown, made, events)
		}
		if c := r.Run.Correlation; c.Rules > 0 && (c.Waiting > 0) != (len(m.book.touched) > 0) {
			t.Errorf("commit %d: %d base matches wait, and the run says %+v", at, len(m.book.touched), c)
		}
	}
}
