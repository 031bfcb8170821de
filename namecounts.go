package ttpcron

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// NameCounts counts by name. Names may be an attacker's text, so their number and length
// are bounded. Nil is empty; [NameCounts.Count] and [NameCounts.Add] make the map. Writing
// to it directly bypasses the bounds.
type NameCounts map[string]int

const (
	// MaxNames is how many names NameCounts distinguishes; all others count as
	// [OtherNames].
	MaxNames = 64
	// MaxName is the most bytes of a name that count; the rest is cut off.
	MaxName = 64
	// OtherNames stands for all names beyond MaxNames.
	OtherNames = "(other)"
)

// Count adds n to a name, or to OtherNames if there are MaxNames others already.
func (c *NameCounts) Count(name string, n int) {
	if n == 0 {
		return
	}
	if *c == nil {
		*c = NameCounts{}
	}
	name = shortName(name)
	if _, known := (*c)[name]; !known && c.toldApart() >= MaxNames {
		name = OtherNames
	}
	(*c)[name] += n
}

func (c *NameCounts) toldApart() int {
	if _, others := (*c)[OtherNames]; others {
		return len(*c) - 1
	}
	return len(*c)
}

// shortName cuts a name, and no character of it in two. JSON, which has no other
// bytes than those of UTF-8, leaves it as it is.
func shortName(name string) string {
	if len(name) > MaxName {
		end := MaxName
		for end > MaxName-utf8.UTFMax && !utf8.RuneStart(name[end]) {
			end--
		}
		name = strings.Clone(name[:end])
	}
	return strings.ToValidUTF8(name, "\ufffd")
}

// Add adds other counts, the most frequent first, so that map order does not decide which
// names are kept.
func (c *NameCounts) Add(o NameCounts) {
	for _, name := range o.Names() {
		c.Count(name, o[name])
	}
}

// Names lists the names, the most frequent first, those of one count by name, and
// OtherNames last.
func (c NameCounts) Names() []string {
	names := make([]string, 0, len(c))
	for name := range c {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == OtherNames:
			return 1
		case b == OtherNames:
			return -1
		}
		return cmp.Or(cmp.Compare(c[b], c[a]), cmp.Compare(a, b))
	})
	return names
}
