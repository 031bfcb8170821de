package export

import (
	"fmt"
	"strconv"

	"github.com/ttpcron/ttpcron"
)

// layerChange is what became of a technique between two periods.
type layerChange struct{ label, color string }

// The changes, in the order of the legend. A fifth more or less is none.
var (
	changeNew  = layerChange{"new", "#e31a1c"}
	changeMore = layerChange{"more", "#fd8d3c"}
	changeNone = layerChange{"about as many", "#ffeda0"}
	changeLess = layerChange{"less", "#a6bddb"}
	changeGone = layerChange{"gone", "#2b8cbe"}

	layerChanges = []layerChange{changeNew, changeMore, changeNone, changeLess, changeGone}
)

// changeOf is what became of a score.
func changeOf(before, now int) layerChange {
	switch {
	case before == 0:
		return changeNew
	case now == 0:
		return changeGone
	case 5*now > 6*before:
		return changeMore
	case 5*now < 4*before:
		return changeLess
	}
	return changeNone
}

// colorDiff adds to a layer the cells that are gone, and colours each cell by its change.
// Scores stay those of the selection.
func (o *layerOptions) colorDiff(j *Job, l *layer, now, before *layerCounts, period ttpcron.Window) {
	both := &layerCounts{cells: map[layerKey]*layerCount{}}
	for _, c := range []*layerCounts{before, now} {
		for key, cell := range c.cells {
			both.cells[key] = cell
		}
	}
	l.Techniques = l.Techniques[:0]
	count := map[layerChange]int{}
	most := 0
	for _, key := range both.keys(j.Table) {
		t := o.technique(j.Table, key, now.cells[key])
		was, is := 0, 0
		if c := before.cells[key]; c != nil {
			was = c.score(o.score)
		}
		if t.Score != nil {
			is = *t.Score
			most = max(most, is)
		}
		if was+is > 0 {
			change := changeOf(was, is)
			count[change]++
			t.Color, t.Score = change.color, &is
			if is == 0 {
				t.Comment = fmt.Sprintf("Gone. Last seen %s.", minute(before.cells[key].last))
			}
			t.Comment = fmt.Sprintf("%s %s before: %s.", t.Comment, o.score, grouped(was))
			t.Metadata = append(t.Metadata, layerNote{"change", text(change.label)}, layerNote{string(o.score) + " before", text(strconv.Itoa(was))})
		}
		l.add(t)
	}
	l.Name += text(", compared with " + windowWords(period))
	l.Description += text(fmt.Sprintf(" Compared with %s, which have %s by %s.", windowWords(period), plural(before.all.tags, "tag", "tags"), plural(before.all.attackers, "attacker", "attackers")))
	l.Gradient = layerGradient{[]string{"#ffffff", changeNew.color}, 0, max(most, 1)}
	for _, c := range layerChanges {
		l.Legend = append(l.Legend, layerLegend{fmt.Sprintf("%s (%d)", c.label, count[c]), c.color})
	}
}
