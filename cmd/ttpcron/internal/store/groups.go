package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

// GroupsSought selects groups of base matches by values of their fields.
type GroupsSought struct {
	Grouping string            // see [ttpcron.Stream.Grouping]
	Streams  []string          // ids of those whose matches count
	Named    map[string]string // what fields have, by name
	Any      []string          // what other fields have, each another one
	Hash     string            // that of the group, see [ttpcron.Group.Hash]; empty: any
}

// Names lists the fields of the groups.
func (q *GroupsSought) Names() []string {
	if q.Grouping == "" {
		return nil
	}
	return strings.Split(q.Grouping, ",")
}

// Exactly returns the groups that are sought when the values leave nothing open: one of
// honeypots, one of hosts. Otherwise it is false.
func (q *GroupsSought) Exactly() (groups []ttpcron.Group, ok bool) {
	names := q.Names()
	if len(q.Named)+len(q.Any) != len(names) || len(q.Any) > 1 || q.Hash != "" {
		return nil, false
	}
	for _, v := range []ttpcron.Vantage{ttpcron.VantageHoneypot, ttpcron.VantageHost} {
		packed := []byte{byte(v)}
		for _, name := range names {
			text, named := q.Named[name]
			if !named {
				text = q.Any[0]
			}
			packed = append(packed, packedText(text)...)
		}
		groups = append(groups, ttpcron.Group(packed))
	}
	return groups, true
}

// packedText is a text as groups have it.
func packedText(text string) string {
	v := ttpcron.PackedValue{Text: text}
	return string(v.Append(nil))
}

// fits returns a function that reports whether a group is sought.
func (q *GroupsSought) fits() func(ttpcron.Group) bool {
	names := q.Names()
	named := make([]string, len(names)) // packed; empty: any value
	for i, name := range names {
		if text, ok := q.Named[name]; ok {
			named[i] = packedText(text)
		}
	}
	var others []string
	for _, text := range q.Any {
		others = append(others, packedText(text))
	}
	values := make([]string, len(names))
	return func(g ttpcron.Group) bool {
		rest := string(g[min(len(g), 1):])
		for i := range names {
			before := rest
			_, after, ok := ttpcron.NextPacked(rest)
			if !ok {
				return false
			}
			values[i], rest = before[:len(before)-len(after)], after
			if named[i] != "" && values[i] != named[i] {
				return false
			}
		}
		return eachElsewhere(others, values, named) && (q.Hash == "" || g.Hash(names) == q.Hash)
	}
}

// eachElsewhere reports whether each of some texts is the value of a different field
// without a given name.
func eachElsewhere(texts, values, named []string) bool {
	if len(texts) == 0 {
		return true
	}
	for i, v := range values {
		if named[i] != "" || v != texts[0] {
			continue
		}
		taken := slices.Clone(named)
		taken[i] = v
		if eachElsewhere(texts[1:], values, taken) {
			return true
		}
	}
	return false
}

// GroupFound counts the base matches of a group.
type GroupFound struct {
	Group       ttpcron.Group
	Matches     int
	First, Last time.Time // when the events happened
}

// Add adds what another count has of the same group.
func (f *GroupFound) Add(o *GroupFound) {
	if f.Matches == 0 {
		*f = *o
		return
	}
	f.Matches += o.Matches
	if o.First.Before(f.First) {
		f.First = o.First
	}
	if o.Last.After(f.Last) {
		f.Last = o.Last
	}
}

// maxFound is how many groups are found in a call, at most.
const maxFound = 4096

// findGroups finds the groups with base matches on a day. It reports whether there are
// more than it returns.
func findGroups(ctx context.Context, db *kv.DB, q *GroupsSought, day ttpcron.Day) (found []GroupFound, more bool, err error) {
	fits := q.fits()
	var group string
	var at *GroupFound // of the group at hand; nil when it is not sought
	began := false
	for m, err := range db.BaseMatches(ctx, ttpcron.MatchQuery{Grouping: q.Grouping, Since: day.Start(), Until: (day + 1).Start()}) {
		if err != nil {
			return nil, false, err
		}
		if !began || m.Group != group {
			began, group, at = true, strings.Clone(m.Group), nil
			if g := ttpcron.Group(group); fits(g) {
				if len(found) == maxFound && found[maxFound-1].Matches > 0 {
					return found, true, nil
				}
				if n := len(found); n == 0 || found[n-1].Matches > 0 {
					found = append(found, GroupFound{})
				}
				at = &found[len(found)-1]
				at.Group = g
			}
		}
		if at != nil && slices.Contains(q.Streams, m.Stream.ID) {
			at.Add(&GroupFound{at.Group, 1, m.Time, m.Time})
		}
	}
	if n := len(found); n > 0 && found[n-1].Matches == 0 {
		found = found[:n-1]
	}
	return found, false, nil
}
