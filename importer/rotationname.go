package importer

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// place is a file's place among the rotated files of one log, going by its name: first
// those with a date, the oldest first, then those with a number, the highest first, then
// the log that is written to.
type place struct {
	log    string // what the log that is written to is called
	form   placeForm
	stamp  []int // date and what follows it: year, month, day, …
	number int
	inside bool // the date stands before the ending: cowrie-2024-05-31.json
}

type placeForm int

const (
	dated placeForm = iota
	numbered
	written // the name has neither
)

var (
	datedName    = newExpression(`^(.+?)[._-](\d{8}|\d{4}[-_.]\d{1,2}[-_.]\d{1,2})((?:[-_.T]?\d{1,6}){0,5}Z?)((?:\.[A-Za-z][A-Za-z0-9_]*)*)$`)
	numberedName = newExpression(`^(.+)\.(\d{1,5})$`)
	packedEnding = newExpression(`^(.+)\.(?:gz|zst|bz2|xz)$`)
	digits       = newExpression(`\d+`)
)

// placeOf reads a file's name. Whether and how the file is compressed plays no part.
func placeOf(name string) place {
	for {
		m := packedEnding.FindStringSubmatch(name)
		if m == nil {
			break
		}
		name = m[1]
	}
	if m := datedName.FindStringSubmatch(name); m != nil {
		if stamp, ok := stampOf(m[2], m[3]); ok {
			return place{log: m[1] + m[4], form: dated, stamp: stamp, inside: m[4] != ""}
		}
	}
	if m := numberedName.FindStringSubmatch(name); m != nil {
		n, err := strconv.Atoi(m[2])
		if err == nil {
			return place{log: m[1], form: numbered, number: n}
		}
	}
	return place{log: name, form: written}
}

// stampOf reads a date, with or without marks between its parts, and the numbers
// that follow it: a time of day, or a number within the day.
func stampOf(date, rest string) ([]int, bool) {
	if len(date) == 8 && !strings.ContainsAny(date, "-_.") {
		date = date[:4] + "-" + date[4:6] + "-" + date[6:]
	}
	var stamp []int
	for _, part := range digits.FindAllString(date+" "+rest, -1) {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, false
		}
		stamp = append(stamp, n)
	}
	ok := len(stamp) >= 3 && stamp[1] >= 1 && stamp[1] <= 12 && stamp[2] >= 1 && stamp[2] <= 31
	return stamp, ok
}

// compare says which of two places of one log is older.
func (p place) compare(q place) int {
	return cmp.Or(
		cmp.Compare(p.form, q.form),
		slices.Compare(p.stamp, q.stamp),
		cmp.Compare(q.number, p.number),
	)
}

// oldestFirst puts the files that rotation made of one log, which lie in one folder,
// in order of age, so that what spans two files is met from its beginning. They
// take the places that they had among the others.
func oldestFirst(files []Found) {
	type member struct {
		place
		Found
	}
	type log struct{ folder, name string }
	at := map[log][]int{}
	for i := range files {
		folder, name := filepath.Split(files[i].Path)
		key := log{folder, placeOf(name).log}
		at[key] = append(at[key], i)
	}
	for _, places := range at {
		if len(places) == 1 {
			continue
		}
		var members []member
		for _, i := range places {
			members = append(members, member{placeOf(filepath.Base(files[i].Path)), files[i]})
		}
		slices.SortStableFunc(members, func(a, b member) int { return a.compare(b.place) })
		for k, i := range places {
			files[i] = members[k].Found
		}
	}
}
