package page

import (
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/report"
)

// part is a list of the page, or one of several lists of a name.
type part struct {
	name name
	of   int
}

// layout is what is on a page.
type layout struct {
	settled bool         // it is known what fits
	kept    map[part]int // how many rows of a list are on the page

	told    []int              // rows of Report.Sessions whose story is told, in order
	stories map[sessionKey]int // their places in told
	index   map[string]int     // rows of Report.Techniques, by tactic and id and by id alone
	rowOf   map[int]int        // rows of Report.Attackers by their place in the cube

	sensorAt map[string]int // places of Report.Sensors by name
	ruleAt   map[string]int // rows of Report.Rules by id
	showed   []showing      // by row of Report.Techniques
	last     time.Time      // the last event of a sensor that a clock which is right can have told
	counted  *block         // what the script counts from, once it is made
}

type sessionKey struct{ sensor, id string }

// budgets are the limits of lists' rows in bytes. With the style, the script and what
// surrounds the lists, they stay below MaxBytes, see TestBudgets.
var budgets = map[name]int{
	"head":        32 << 10,
	"filters":     64 << 10,
	"matrix":      512 << 10,
	"activity":    128 << 10,
	"days":        48 << 10,
	"hours":       24 << 10,
	"data":        768 << 10,
	"new":         96 << 10,
	"techniques":  640 << 10,
	"details":     1100 << 10,
	"attackers":   160 << 10,
	"sessions":    160 << 10,
	"stories":     700 << 10,
	"credentials": 80 << 10,
	"files":       96 << 10,
	"sensors":     96 << 10,
	"rules":       112 << 10,
	"canaries":    96 << 10,
	"notes":       24 << 10,
}

func newLayout(r *report.Report) *layout {
	l := &layout{
		kept: map[part]int{}, stories: map[sessionKey]int{}, index: map[string]int{},
		rowOf: map[int]int{}, sensorAt: map[string]int{}, ruleAt: map[string]int{}, showed: showingOf(r),
	}
	for i, s := range r.Sessions.Rows {
		key := sessionKey{s.Sensor, s.ID}
		if _, has := l.stories[key]; !has && s.Story != nil {
			l.stories[key] = len(l.told)
			l.told = append(l.told, i)
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
	for i, s := range r.Sensors {
		l.sensorAt[s.Name] = i
		if s.Last.After(l.last) && !s.Last.After(r.Made) {
			l.last = s.Last
		}
	}
	for i, rule := range r.Rules.Rows {
		l.ruleAt[rule.ID] = i
	}
	return l
}

// settle ends the first pass: from now on it is known what fits.
func (l *layout) settle() { l.settled = true }

// has reports whether a row of a list is on the page, or may be as far as is known.
func (l *layout) has(list name, row int) bool {
	kept, known := l.kept[part{name: list}]
	return !l.settled || known && row < kept
}

// written returns how many of a list's n rows are on the page.
func (l *layout) written(list name, n int) int {
	if l.settled {
		return l.kept[part{name: list}]
	}
	return n
}

// rows writes n rows of a list, as many as fit into a number of bytes, and returns how
// many were left out.
func (d *document) rows(p part, n, most int, row func(i int)) (left int) {
	all := n
	if d.settled {
		n = d.kept[p]
	}
	start := d.size()
	for i := range n {
		mark := d.size()
		row(i)
		if !d.settled && d.size()-start > most {
			d.back(mark)
			n = i
			break
		}
	}
	d.kept[p] = n
	return all - n
}

// shares writes n rows of a list that have their own lists, and gives each a share of the
// bytes so that all of them fit. What one does not use is left to the next.
func (d *document) shares(list name, n int, row func(i, most int)) (left int) {
	most, start := budgets[list], d.size()
	return d.rows(part{name: list}, n, most, func(i int) {
		row(i, (most-(d.size()-start))/max(n-i, 1))
	})
}

// section writes a section, if its rows are bounded by themselves or it takes no more than
// its budget. Otherwise it says that it was left out.
func (d *document) section(s *section) {
	d.el("section", named(s.name), headed("aria-labelledby", s.name))
	switch most, whole := budgets[s.name]; {
	case !whole || s.rows != nil:
		s.write(d)
	case d.rows(part{name: s.name}, 1, most, func(int) { s.write(d) }) > 0:
		d.heading(s.name, s.title)
		d.with("p", "This is too large for the page, and was left out. Choose fewer sensors or techniques when you make the report.", class("left"))
	}
	d.end()
	d.nl()
}

// techniqueAt returns the row of Report.Techniques of an id, the first of several.
func (l *layout) techniqueAt(id string) (row int, known bool) {
	row, known = l.index[strings.TrimSpace(id)]
	return row, known
}
