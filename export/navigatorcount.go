package export

import (
	"context"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// layerKey is a cell of the matrix: a technique or sub-technique, under a tactic.
type layerKey struct{ technique, tactic string }

// layerCount is the counts of a cell, or of all.
type layerCount struct {
	tags, attackers, events int
	first, last             time.Time
	level                   ttpcron.Level

	number uint16 // of the cell, in records of a sorter
}

func (c *layerCount) score(of layerScore) int {
	switch of {
	case scoreAttackers:
		return c.attackers
	case scoreEvents:
		return c.events
	}
	return c.tags
}

func (c *layerCount) add(t *Tag) {
	if c.tags++; c.tags == 1 {
		c.first, c.last, c.level = t.EventTime, t.EventTime, t.Level
	}
	c.first, c.last = earlier(c.first, t.EventTime), later(c.last, t.EventTime)
	if t.Level.AtLeast(c.level) {
		c.level = t.Level
	}
}

// layerCounts is the counts of a selection.
type layerCounts struct {
	cells   map[layerKey]*layerCount
	all     layerCount
	lacking int // tags whose technique the release does not have, or not under their tactic
}

// count counts what a query selects.
func (o *layerOptions) count(ctx context.Context, j *Job, q ttpcron.TagQuery) (*layerCounts, error) {
	c := &layerCounts{cells: map[layerKey]*layerCount{}}
	attackers, events := newDistinct(j.Scratch), newDistinct(j.Scratch)
	byNumber := []*layerCount{&c.all}
	for t, err := range j.Tags(ctx, q) {
		if err != nil {
			return nil, err
		}
		key := layerKey{t.Shown.Technique(), t.Shown.Tactic}
		cell := c.cells[key]
		if cell == nil {
			if x, ok := j.Table.Lookup(key.technique); !ok || !x.Live() || !slices.Contains(x.Tactics, key.tactic) {
				c.lacking++
				continue
			}
			cell = &layerCount{number: uint16(len(byNumber))}
			c.cells[key], byNumber = cell, append(byNumber, cell)
		}
		cell.add(t)
		c.all.add(t)
		if !t.OfGroup() { // which is no attacker
			who := whose(t)
			for _, of := range [...]*layerCount{cell, &c.all} {
				if err := attackers.add(of.number, who); err != nil {
					return nil, err
				}
			}
		}
		if o.score == scoreEvents {
			event := ttpcron.DeriveUUID(stixSpace, append(append([]byte(t.SourceKind), '|'), t.SourceID...))
			if err := events.add(cell.number, event); err != nil {
				return nil, err
			}
		}
	}
	if err := attackers.each(func(cell uint16) { byNumber[cell].attackers++ }); err != nil {
		return nil, err
	}
	return c, events.each(func(cell uint16) { byNumber[cell].events++ })
}

// whose is a tag's attacker, or else its identity.
func whose(t *Tag) ttpcron.UUID {
	for _, s := range [...]string{t.AttackerUUID, t.IdentityUUID} {
		if s == "" {
			continue
		}
		if id, ok := ttpcron.ParseUUID(s); ok {
			return id
		}
		return ttpcron.DeriveUUID(stixSpace, []byte(s))
	}
	return ttpcron.DeriveUUID(stixSpace, []byte(t.AttackerIP))
}

// distinct counts different values, in bounded memory.
type distinct struct {
	sorted sorter
	lately map[distinctKey]struct{} // that were added lately, and need not be again
}

type distinctKey [18]byte

const mostLately = 100_000

func newDistinct(scratch func() (string, error)) *distinct {
	return &distinct{sorter{scratch: scratch}, map[distinctKey]struct{}{}}
}

func (d *distinct) add(of uint16, id ttpcron.UUID) error {
	key := distinctKey{byte(of >> 8), byte(of)}
	copy(key[2:], id[:])
	if _, ok := d.lately[key]; ok {
		return nil
	}
	if len(d.lately) >= mostLately {
		clear(d.lately)
	}
	d.lately[key] = struct{}{}
	return d.sorted.add(key[:])
}

// each calls do once for each different value, with its owner.
func (d *distinct) each(do func(of uint16)) error {
	var last distinctKey
	first := true
	return d.sorted.each(func(record []byte) error {
		key := distinctKey(record)
		if first || key != last {
			do(uint16(key[0])<<8 | uint16(key[1]))
		}
		first, last = false, key
		return nil
	})
}
