package page

import (
	"github.com/ttpcron/ttpcron/report"
)

// part is a list of the page, or one of several lists of a name.
type part struct {
	name name
	of   int
}

// layout is what fits on a page.
type layout struct {
	settled bool         // what fits is known
	kept    map[part]int // how many rows of a list are on the page

	stories map[sessionKey]int // rows of Report.Sessions with a story
	index   map[string]int     // rows of Report.Techniques by tactic and id; by id alone the first
	rowOf   map[int]int        // rows of Report.Attackers by their place in the cube
}

type sessionKey struct{ sensor, id string }

// budgets are how many bytes the rows of a list take at most. With the style, the script
// and what stands around the lists they are less than MaxBytes.
var budgets = map[name]int{
	"head":        48 << 10,
	"filters":     96 << 10,
	"matrix":      512 << 10,
	"activity":    256 << 10,
	"data":        896 << 10,
	"new":         128 << 10,
	"techniques":  384 << 10,
	"evidence":    768 << 10,
	"attackers":   192 << 10,
	"sessions":    192 << 10,
	"stories":     896 << 10,
	"credentials": 96 << 10,
	"files":       96 << 10,
	"sensors":     96 << 10,
	"rules":       128 << 10,
	"canaries":    128 << 10,
	"notes":       32 << 10,
}

// maxStory is how many bytes the lines of one story take at most.
const maxStory = 64 << 10

func newLayout(r *report.Report) *layout {
	l := &layout{kept: map[part]int{}, stories: map[sessionKey]int{}, index: map[string]int{}, rowOf: map[int]int{}}
	for i, s := range r.Sessions.Rows {
		if _, has := l.stories[sessionKey{s.Sensor, s.ID}]; !has && s.Story != nil {
			l.stories[sessionKey{s.Sensor, s.ID}] = i
		}
	}
	for i, t := range r.Techniques {
		for _, key := range []string{t.ID, t.Tactic + "/" + t.ID} {
			if _, has := l.index[key]; !has {
				l.index[key] = i
			}
		}
	}
	for i, a := range r.Attackers.Rows {
		if _, has := l.rowOf[a.Attacker]; !has && a.Attacker > 0 {
			l.rowOf[a.Attacker] = i
		}
	}
	return l
}

// settle ends the first pass: from now on what fits is known.
func (l *layout) settle() { l.settled = true }

// has reports whether a row of a list is on the page, or may be as far as is known.
func (l *layout) has(p part, row int) bool {
	kept, known := l.kept[p]
	return !l.settled || known && row < kept
}

// rows writes n rows of a list, as many as take no more than some bytes.
func (d *document) rows(p part, n, most int, row func(i int)) {
	if d.settled {
		n = d.kept[p]
	}
	start := len(d.buf)
	for i := range n {
		mark := len(d.buf)
		row(i)
		d.nl()
		if !d.settled && len(d.buf)-start > most {
			d.buf = d.buf[:mark]
			n = i
			break
		}
	}
	d.kept[p] = n
}

// written returns how many of n rows of a list are on the page.
func (d *document) written(p part, n int) int {
	if d.settled {
		return d.kept[p]
	}
	return n
}
