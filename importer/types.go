package importer

import (
	"cmp"

	"github.com/ttpcron/ttpcron"
)

// EmptyLine is the type under which empty lines are counted as ignored.
const EmptyLine = "(empty line)"

var emptyLine = []byte(EmptyLine)

// typeCounts counts the records of a batch that are ignored, by type. It is there for
// its speed: a log has few types, and most of its records may be of them.
type typeCounts struct {
	names []string
	n     []int
	other int
}

// add counts a record. Its type may be an attacker's text.
func (c *typeCounts) add(name []byte) { c.addSome(name, 1) }

// addSome counts n records of a type.
func (c *typeCounts) addSome(name []byte, n int) {
	name = name[:min(len(name), ttpcron.MaxName+1)] // so that it is seen to be longer
	for i := range c.names {
		if c.names[i] == string(name) {
			c.n[i] += n
			return
		}
	}
	if len(c.names) >= ttpcron.MaxNames {
		c.other += n
		return
	}
	c.names, c.n = append(c.names, string(name)), append(c.n, n)
}

// take returns the counts, and begins anew.
func (c *typeCounts) take() (all ttpcron.NameCounts) {
	for i, name := range c.names {
		all.Count(cmp.Or(name, ttpcron.OtherNames), c.n[i])
	}
	all.Count(ttpcron.OtherNames, c.other)
	c.names, c.n, c.other = c.names[:0], c.n[:0], 0
	return all
}
