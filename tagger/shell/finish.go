package shell

import "slices"

// finish packs the drafts into a script that shares no memory with the build.
func (b *build) finish() *Script {
	b.neighbours()
	s := &Script{Decoded: b.layers, Bounded: b.boundMet(), Fallback: b.fell}
	b.layers = nil
	s.Processes = slices.Clone(b.processes)
	if len(b.cmds) == 0 {
		return s
	}
	size := 0
	for i := range b.cmds {
		for _, list := range b.cmds[i].lists() {
			size += len(*list)
		}
	}
	packed := make([]string, 0, size)
	s.Commands = make([]Command, len(b.cmds))
	for i := range b.cmds {
		d := &b.cmds[i]
		for _, list := range d.lists() {
			if len(*list) == 0 {
				*list = nil
				continue
			}
			from := len(packed)
			packed = append(packed, *list...)
			*list = packed[from:len(packed):len(packed)]
		}
		s.Commands[i] = d.Command
	}
	return s
}

// view is finish without copies: the script shares the build's memory.
func (b *build) view() *Script {
	b.neighbours()
	b.viewed = Script{Commands: slices.Grow(b.viewed.Commands[:0], len(b.cmds)), Decoded: b.layers, Bounded: b.boundMet(), Fallback: b.fell}
	b.viewed.Processes = b.processes
	for i := range b.cmds {
		b.viewed.Commands = append(b.viewed.Commands, b.cmds[i].Command)
	}
	return &b.viewed
}

// lists are the fields that finish packs. The pipeline lists are not among
// them: commands share those.
func (d *draft) lists() [8]*[]string {
	return [8]*[]string{&d.Args, &d.Flags, &d.Operands, &d.Wrappers, &d.Assigns, &d.Reads, &d.Writes, &d.URLs}
}

// neighbours fills the pipeline fields, now that every program is known.
func (b *build) neighbours() {
	for i := range b.cmds {
		d := &b.cmds[i]
		script := false // what the outer pipeline writes is the script, not its input
		for at := d.place; at != nil; at = at.parent {
			script = script || at.script
			if at.feeds != "" {
				d.PipesTo = b.lists.joinLists(d.PipesTo, []string{at.feeds})
			}
			if at.pipe == nil {
				continue
			}
			before, after := at.pipe.around(at.stage)
			d.PipesTo = b.lists.joinLists(d.PipesTo, after)
			if !script {
				d.PipedFrom = b.lists.joinLists(before, d.PipedFrom)
			}
		}
	}
	for i := range b.cmds {
		d := &b.cmds[i]
		for _, sub := range d.fed {
			for j := i + 1; j < min(len(b.cmds), i+2*maxNeighbours) && len(d.PipedFrom) < maxNeighbours && b.lists.spend(1); j++ {
				if b.cmds[j].place != nil && b.cmds[j].place.within(sub) && b.cmds[j].Program != "" {
					d.PipedFrom = b.lists.joinLists(d.PipedFrom, []string{b.cmds[j].Program})
				}
			}
		}
	}
}

// maxNeighbours bounds a list that joins those of several pipelines.
const maxNeighbours = 32

// joinLists returns x and y in one list, sharing if one of them is empty. It is x if the
// budget does not allow the list.
func (m *budget) joinLists(x, y []string) []string {
	if len(x) == 0 {
		return y
	}
	if len(y) == 0 || len(x) >= maxNeighbours || !m.spend(stringCost*(len(x)+min(len(y), maxNeighbours))) {
		return x
	}
	return append(x[:len(x):len(x)], y[:min(len(y), maxNeighbours)]...)
}

// stringCost is the cost of a string in a list.
const stringCost = 16

// around returns the programs of earlier and of later stages. In a long pipeline, it
// returns each name once, the nearest first in after and last in before.
func (p *pipeline) around(stage int) (before, after []string) {
	first, _ := slices.BinarySearch(p.stages, stage)
	next, _ := slices.BinarySearch(p.stages, stage+1)
	if len(p.programs) <= maxExact {
		return p.programs[:first:first], p.programs[next:len(p.programs):len(p.programs)]
	}
	if p.before == nil {
		p.distinct()
	}
	return p.before[first], p.after[next]
}

// maxExact is how many programs of a pipeline are listed one by one, and how many distinct
// names of a longer one.
const maxExact = 64

// distinct fills before and after: for each index into programs, the names up to
// it and from it on. Neighbouring lists share memory.
func (p *pipeline) distinct() {
	n := len(p.programs)
	p.before, p.after = make([][]string, n+1), make([][]string, n+1)
	for i, name := range p.programs {
		p.before[i+1] = p.before[i]
		if !slices.Contains(p.before[i], name) && len(p.before[i]) < maxExact {
			p.before[i+1] = append(slices.Clip(p.before[i]), name)
		}
	}
	for i := n - 1; i >= 0; i-- {
		name := p.programs[i]
		p.after[i] = p.after[i+1]
		if !slices.Contains(p.after[i+1], name) && len(p.after[i+1]) < maxExact {
			p.after[i] = append([]string{name}, p.after[i+1]...)
		}
	}
}

func (p *place) within(outer *place) bool {
	for ; p != nil; p = p.parent {
		if p == outer {
			return true
		}
	}
	return false
}
