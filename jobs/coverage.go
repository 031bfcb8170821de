package jobs

import (
	"slices"

	"github.com/ttpcron/ttpcron"
)

// A day's coverage is a list of parts. Each says that one rule set has looked at every
// event in an interval of arrival numbers, or only at those of them that happened at or
// after an instant. Parts of one rule set are joined if they touch, so most days have one
// part. Parts may overlap.

// maxCoverage is how many parts a day may have. Beyond that, parts are joined, and what
// they say about the events between them is lost.
const maxCoverage = 32

// holds reports whether a part covers an event of its day.
func holds(c *ttpcron.Coverage, e *ttpcron.Event) bool {
	return e.Seq > c.After && e.Seq <= c.UpTo && (c.Since.IsZero() || !e.Time.Before(c.Since))
}

// contains reports whether a covers all events of b, if the day's last event has the
// arrival number last.
func contains(a, b *ttpcron.Coverage, last uint64) bool {
	return a.After <= b.After && a.UpTo >= min(b.UpTo, last) && (a.Since.IsZero() || !b.Since.IsZero() && !b.Since.Before(a.Since))
}

// covered returns the list with one more part, which replaces the parts that it contains.
// The day's last event has the arrival number last.
func (s *ruleSets) covered(list []ttpcron.Coverage, c ttpcron.Coverage, last uint64) []ttpcron.Coverage {
	if c.UpTo <= c.After {
		return list
	}
	out := make([]ttpcron.Coverage, 0, len(list)+1)
	for _, x := range list {
		switch {
		case contains(&c, &x, last):
		case x.RuleSet == c.RuleSet && x.Since.Equal(c.Since) && x.After <= c.UpTo && c.After <= x.UpTo:
			c = join(x, c)
		case x.RuleSet == c.RuleSet && contains(&x, &c, last):
			return list
		default:
			out = append(out, x)
		}
	}
	out = append(out, c)
	slices.SortStableFunc(out, func(a, b ttpcron.Coverage) int {
		switch {
		case a.After < b.After:
			return -1
		case a.After > b.After:
			return 1
		}
		return a.Since.Compare(b.Since)
	})
	return s.fewer(out)
}

// fewer joins parts when there are too many: first those that touch, keeping the rules
// that they share; if that is not enough, all of them.
func (s *ruleSets) fewer(list []ttpcron.Coverage) []ttpcron.Coverage {
	for _, known := range []bool{true, false} {
		for len(list) > s.parts {
			i, k := s.touching(list, known)
			if k == 0 {
				break
			}
			c := join(list[i], list[k])
			c.RuleSet = s.shared(list[i].RuleSet, list[k].RuleSet)
			if list[i].RuleSet != list[k].RuleSet {
				c.Uncounted = true
				setCounts(&c, counts{})
			}
			list[i] = c
			list = slices.Delete(list, k, k+1)
		}
	}
	if len(list) > s.parts {
		return collapse(list)
	}
	return list
}

// touching finds two parts with nothing between them, the earlier one first; with known,
// only parts that have rules in common. The second is 0 if there are none.
func (s *ruleSets) touching(list []ttpcron.Coverage, known bool) (int, int) {
	for i := range list {
		for k := i + 1; k < len(list); k++ {
			a, b := &list[i], &list[k]
			if a.Since.Equal(b.Since) && b.After <= a.UpTo && (!known || s.shared(a.RuleSet, b.RuleSet) != "") {
				return i, k
			}
		}
	}
	return 0, 0
}

// join makes one part of two that touch, of the second's rule set.
func join(a, b ttpcron.Coverage) ttpcron.Coverage {
	c := b
	c.After, c.UpTo = min(a.After, b.After), max(a.UpTo, b.UpTo)
	c.Uncounted = a.Uncounted || b.Uncounted || a.UpTo != b.After && b.UpTo != a.After
	total := countsOf(a)
	total.add(countsOf(b))
	setCounts(&c, total)
	return c
}

// collapse joins all parts that are limited by time, and all that are not, with everything
// between them. It forgets their rules. So these events, and those between that no run has
// looked at, are looked at again with all rules.
func collapse(list []ttpcron.Coverage) []ttpcron.Coverage {
	var out []ttpcron.Coverage
	for _, limited := range []bool{false, true} {
		var all ttpcron.Coverage
		for _, c := range list {
			if c.Since.IsZero() == limited {
				continue
			}
			if all.Kind == "" {
				all = c
			}
			if c.Since.Before(all.Since) {
				all.Since = c.Since
			}
			all.After, all.UpTo = min(all.After, c.After), max(all.UpTo, c.UpTo)
		}
		if all.Kind != "" {
			all.RuleSet = ""
			setCounts(&all, counts{})
			all.Uncounted = true
			out = append(out, all)
		}
	}
	return out
}

func countsOf(c ttpcron.Coverage) counts {
	if c.Uncounted {
		return counts{}
	}
	return counts{c.Events, c.Tagged, c.Tags, c.Skipped, c.Bounded}
}

// setCounts sets the counts of a part, none when they are not known.
func setCounts(c *ttpcron.Coverage, n counts) {
	if c.Uncounted {
		n = counts{}
	}
	c.Events, c.Tagged, c.Tags, c.Skipped, c.Bounded = n.events, n.tagged, n.tags, n.skipped, n.bounded
}

// prefix returns the part of a rule set that covers a whole day up to an arrival number.
func prefix(list []ttpcron.Coverage, ruleSet string) (ttpcron.Coverage, bool) {
	for _, c := range list {
		if c.RuleSet == ruleSet && c.After == 0 && c.Since.IsZero() {
			return c, true
		}
	}
	return ttpcron.Coverage{}, false
}
