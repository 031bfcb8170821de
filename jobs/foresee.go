package jobs

import (
	"cmp"
	"context"
	"slices"

	"github.com/ttpcron/ttpcron"
)

// A dry run foretells what correlations would find in the stored base matches. It does not
// know the base matches that a real run would add.

// foreseeable returns the correlations whose base matches are stored for all events that
// runs have looked at. The report names the others, and says in how many events no run has
// looked for base matches.
func (r *run) foreseeable(ctx context.Context, rules []Correlation) ([]Correlation, error) {
	missing := map[string]bool{} // streams
	var kinds []ttpcron.SourceKind
	for _, c := range rules {
		for _, s := range c.Streams() {
			kinds = append(kinds, s.Kind)
		}
	}
	slices.Sort(kinds)
	for _, kind := range slices.Compact(kinds) {
		for d, err := range Days(ctx, r.Store.History, kind) {
			if err != nil {
				return nil, err
			}
			for _, c := range d.Coverage {
				changed, err := r.changedSince(ctx, c.RuleSet, kind)
				if err != nil {
					return nil, err
				}
				for _, s := range changed.look {
					missing[s.RuleID] = true
				}
			}
			n, err := r.uncovered(ctx, kind, d)
			if err != nil {
				return nil, err
			}
			r.out.Untagged += n
		}
	}
	r.out.Untagged += r.out.Run.Imported.New
	return slices.DeleteFunc(slices.Clone(rules), func(c Correlation) bool {
		lacks := slices.ContainsFunc(c.Streams(), func(s *ttpcron.Stream) bool { return missing[s.ID] })
		if lacks {
			r.out.Unforetold = append(r.out.Unforetold, c.Def().ID)
		}
		return lacks
	}), nil
}

// uncovered estimates how many events of a day no run has looked at: none if there are
// none, and at least one if there are some.
func (r *run) uncovered(ctx context.Context, kind ttpcron.SourceKind, d ttpcron.DayHistory) (n int, err error) {
	list := slices.DeleteFunc(slices.Clone(d.Coverage), func(c ttpcron.Coverage) bool { return !c.Since.IsZero() })
	slices.SortFunc(list, func(a, b ttpcron.Coverage) int { return cmp.Compare(a.After, b.After) })
	upTo := d.FirstSeq - 1
	for _, c := range append(list, ttpcron.Coverage{After: d.LastSeq}) {
		gap, err := arrived(ctx, r.Store.History, kind, d.Day, upTo, c.After)
		if err != nil {
			return 0, err
		}
		if gap {
			n += int(min(c.After-upTo, uint64(d.Events)))
		}
		upTo = max(upTo, c.UpTo)
	}
	return min(n, d.Events), nil
}
