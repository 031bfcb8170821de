package jobs

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/ttpcron/ttpcron"
)

// history plays one random sequence of arrivals and runs against the promises.
func history(seed uint64) error {
	rnd := rand.New(rand.NewPCG(seed, 1))
	m := newMemory()
	m.pageSize = 1 + rnd.IntN(4)
	sets := []words{rules("wget"), rules("wget", "curl")}
	for step := range 30 {
		if rnd.IntN(2) == 0 {
			for range rnd.IntN(6) {
				add(m, command(daysAgo(20*rnd.Float64()), fmt.Sprint("wget curl ", step, rnd.Uint64())))
			}
			continue
		}
		j := Job{Store: storeOf(m), Rules: sets[rnd.IntN(10)/9], Source: SourceCommand, Now: clock, BatchSize: 1 + rnd.IntN(5), Workers: 1 + rnd.IntN(3)}
		if rnd.IntN(3) == 0 {
			j.Now = ticking()
		}
		if rnd.IntN(2) == 0 {
			j.SinceDays = 1 + rnd.IntN(25)
		}
		before := len(m.tags)
		if j.DryRun = rnd.IntN(6) == 0; j.DryRun {
			writes := m.writes
			if r, err := j.Run(context.Background()); err != nil || m.writes != writes || len(m.tags) != before {
				return fmt.Errorf("step %d: dry run: %v, wrote %d; %+v", step, err, m.writes-writes, r)
			}
			continue
		}
		old := m.cursors[ttpcron.Command]
		end, err := m.disturbed(rnd, &j)
		if err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		if c := m.cursors[ttpcron.Command]; c.Seq < old.Seq {
			return fmt.Errorf("step %d: cursor went back from %d to %d", step, old.Seq, c.Seq)
		}
		if err := m.truthful(); err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		if end == ended && j.SinceDays == 0 {
			if err := m.nothingMissed(); err != nil {
				return fmt.Errorf("step %d: %w", step, err)
			}
		}
	}
	return nil
}

// truthful checks that coverage of a day speaks of tags that are there.
func (m *memory) truthful() error {
	have := keysOf(m.tags)
	for k, list := range m.coverage {
		for _, c := range list {
			if err := m.truthfulPart(k, c, have); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *memory) truthfulPart(k kindDay, c ttpcron.Coverage, have map[string]bool) error {
	set, known := m.sets[c.RuleSet]
	if !known && c.RuleSet != "" {
		return fmt.Errorf("%v is covered by rules that nobody knows, %q", k.day, c.RuleSet)
	}
	events, tags := 0, 0
	for _, e := range m.events {
		if e.Kind != k.kind || ttpcron.DayOf(e.Time) != k.day || !holds(&c, &e) {
			continue
		}
		events++
		for _, r := range set.Rules {
			tags++
			if !have[r.ID+"|"+e.ID] {
				return fmt.Errorf("%v is covered from %d to %d, but event %d has no tag of %s", k.day, c.After, c.UpTo, e.Seq, r.ID)
			}
		}
	}
	if !c.Uncounted && (events != c.Events || tags != c.Tags) {
		return fmt.Errorf("coverage of %v counts %d events and %d tags, there are %d and %d", k.day, c.Events, c.Tags, events, tags)
	}
	return nil
}

// nothingMissed checks that every event has a tag.
func (m *memory) nothingMissed() error {
	have := keysOf(m.tags)
	for _, e := range m.events {
		if !have["Wwget|"+e.ID] {
			return fmt.Errorf("event %d of %v has no tag", e.Seq, e.Time)
		}
	}
	return nil
}
