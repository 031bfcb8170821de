package export

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

// navigator is a layer of the ATT&CK Navigator: a picture of the matrix, in which techniques
// that were seen have a colour.
var navigator = Format{
	Name: "navigator", Short: "a layer for the ATT&CK Navigator",
	New: func(fs *flag.FlagSet) Write {
		o := &layerOptions{score: scoreTags}
		fs.Func("score", "navigator: score techniques by their number of `WHAT`: tags, attackers or events (default tags)", func(s string) error {
			if o.score = layerScore(s); !slices.Contains(layerScores, o.score) {
				return fmt.Errorf("want tags, attackers or events")
			}
			return nil
		})
		fs.StringVar(&o.diff, "diff", "", "navigator: compare with the `PERIOD` from..until, such as 14d..7d with --since 7d: what is new, gone, more or less")
		return o.write
	},
}

type layerOptions struct {
	score layerScore
	diff  string
}

// layerScore is what scores count.
type layerScore string

const (
	scoreTags      layerScore = "tags"
	scoreAttackers layerScore = "attackers"
	scoreEvents    layerScore = "events"
)

var layerScores = []layerScore{scoreTags, scoreAttackers, scoreEvents}

// layer is a layer in version 4.5 of its format.
type layer struct {
	Name         text             `json:"name"`
	Versions     layerVersions    `json:"versions"`
	Domain       string           `json:"domain"`
	Description  text             `json:"description"`
	Sorting      int              `json:"sorting"`
	Layout       layerLayout      `json:"layout"`
	HideDisabled bool             `json:"hideDisabled"`
	Techniques   []layerTechnique `json:"techniques"`
	Gradient     layerGradient    `json:"gradient"`
	Legend       []layerLegend    `json:"legendItems"`
	Metadata     []layerNote      `json:"metadata"`
	Across       bool             `json:"selectTechniquesAcrossTactics"`
	WithParent   bool             `json:"selectSubtechniquesWithParent"`
}

type layerVersions struct {
	Attack    string `json:"attack"` // the first number alone, as MITRE's own layers have it
	Navigator string `json:"navigator"`
	Layer     string `json:"layer"`
}

type layerLayout struct {
	Layout        string `json:"layout"`
	Aggregate     string `json:"aggregateFunction"`
	ShowAggregate bool   `json:"showAggregateScores"`
	ShowID        bool   `json:"showID"`
	ShowName      bool   `json:"showName"`
	CountUnscored bool   `json:"countUnscored"`
	Expanded      string `json:"expandedSubtechniques"`
}

type layerTechnique struct {
	ID       string      `json:"techniqueID"`
	Tactic   string      `json:"tactic"`
	Score    *int        `json:"score,omitempty"`
	Color    string      `json:"color,omitempty"`
	Comment  string      `json:"comment,omitempty"`
	Enabled  bool        `json:"enabled"`
	Metadata []layerNote `json:"metadata,omitempty"`
	Subs     bool        `json:"showSubtechniques,omitempty"`
}

type layerNote struct {
	Name  string `json:"name"`
	Value text   `json:"value"`
}

type layerGradient struct {
	Colors []string `json:"colors"`
	Min    int      `json:"minValue"`
	Max    int      `json:"maxValue"`
}

type layerLegend struct {
	Label string `json:"label"`
	Color string `json:"color"`
}

// layerColors are the colours of scores, from 1, 10, 100, …: few techniques have nearly
// all tags of a honeypot, and next to these, every other would look like none at all.
var layerColors = []string{"#fff3cd", "#fed976", "#fd8d3c", "#e31a1c", "#99000d"}

func (o *layerOptions) write(ctx context.Context, j *Job) error {
	var before *layerCounts
	var period ttpcron.Window
	if o.diff != "" {
		from, until, ok := strings.Cut(o.diff, "..")
		if !ok {
			return fmt.Errorf("--diff %q is no period: name one as from..until, such as 14d..7d", o.diff)
		}
		var err error
		if period, err = j.Window(from, until); err != nil {
			return fmt.Errorf("--diff %s: %w", o.diff, err)
		}
		q := j.Query
		q.Window = period
		if before, err = o.count(ctx, j, q); err != nil {
			return err
		}
	}
	now, err := o.count(ctx, j, j.Query)
	if err != nil {
		return err
	}
	if now.lacking > 0 {
		j.Note("%d tags left out: %s does not have their technique, or not under their tactic", now.lacking, j.Table.Release())
	}
	l := o.layer(j, now)
	if before == nil {
		o.colorScores(l)
	} else {
		o.colorDiff(j, l, now, before, period)
	}
	b, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	_, err = j.json().Write(append(b, '\n'))
	return err
}

// layer is the layer of the counts, without colours and legend.
func (o *layerOptions) layer(j *Job, c *layerCounts) *layer {
	l := &layer{
		Name: text("ttpcron: " + selectionWords(&j.Query)), Domain: "enterprise-attack",
		Versions:    layerVersions{Attack: strings.Split(j.Table.Number(), ".")[0], Navigator: "5.3.2", Layer: "4.5"},
		Description: text(o.description(j, c)), Sorting: 3, Layout: layerLayout{Layout: "side", Aggregate: "sum", ShowAggregate: true, ShowName: true, Expanded: "annotated"},
		Metadata: []layerNote{
			{"made by", text("ttpcron " + j.Version)}, {"ATT&CK", text(j.Table.Release())}, {"score", text("number of " + o.score)},
			{"tags", text(grouped(c.all.tags))}, {"attackers", text(grouped(c.all.attackers))},
		},
		Across: true, Techniques: []layerTechnique{},
	}
	for _, key := range c.keys(j.Table) {
		l.add(o.technique(j.Table, key, c.cells[key]))
	}
	return l
}

// add adds a cell, in the order of ids. That of a technique before its sub-techniques shows
// them.
func (l *layer) add(t layerTechnique) {
	if parent, _, sub := strings.Cut(t.ID, "."); sub {
		i := slices.IndexFunc(l.Techniques, func(x layerTechnique) bool { return x.ID == parent && x.Tactic == t.Tactic })
		l.Techniques[i].Subs = true
	}
	l.Techniques = append(l.Techniques, t)
}

func (o *layerOptions) description(j *Job, c *layerCounts) string {
	words := fmt.Sprintf("What sensors recorded: %s. %s by %s.", selectionWords(&j.Query), plural(c.all.tags, "tag", "tags"), plural(c.all.attackers, "attacker", "attackers"))
	return words + " A score is a number of " + string(o.score) + "; that of a technique with sub-techniques is shown with theirs."
}

// technique is a cell of the layer. It is that of a parent alone where nothing was counted.
func (o *layerOptions) technique(table *attack.Table, key layerKey, c *layerCount) layerTechnique {
	t := layerTechnique{ID: key.technique, Tactic: shortName(table, key.tactic), Enabled: true}
	if c == nil || c.tags == 0 {
		return t
	}
	score := c.score(o.score)
	t.Score = &score
	t.Comment = fmt.Sprintf("%s by %s. First seen %s, last seen %s. Highest level: %s.",
		plural(c.tags, "tag", "tags"), plural(c.attackers, "attacker", "attackers"), minute(c.first), minute(c.last), c.level)
	t.Metadata = []layerNote{
		{"tags", text(strconv.Itoa(c.tags))}, {"attackers", text(strconv.Itoa(c.attackers))}, {"first seen", text(stamp(c.first))},
		{"last seen", text(stamp(c.last))}, {"highest level", text(c.level.String())},
	}
	return t
}

// colorScores colours each cell by its score, including sub-techniques.
func (o *layerOptions) colorScores(l *layer) {
	most := 0
	sums := l.sums()
	for i := range l.Techniques {
		t := &l.Techniques[i]
		n := sums[layerKey{t.ID, t.Tactic}]
		most = max(most, n)
		t.Color = layerColors[min(len(strconv.Itoa(n))-1, len(layerColors)-1)]
	}
	// The Navigator wants the least to be less than the most.
	l.Gradient = layerGradient{layerColors, 0, max(most, 1)}
	l.Legend = []layerLegend{}
	least := 1
	for i, color := range layerColors {
		label := fmt.Sprintf("%s to %s %s", grouped(least), grouped(10*least-1), o.score)
		if i == len(layerColors)-1 {
			label = fmt.Sprintf("%s %s and more", grouped(least), o.score)
		}
		l.Legend = append(l.Legend, layerLegend{label, color})
		least *= 10
	}
}

// sums are the scores of cells, with a technique's sub-techniques added to its own.
func (l *layer) sums() map[layerKey]int {
	sums := map[layerKey]int{}
	for _, t := range l.Techniques {
		if t.Score == nil {
			continue
		}
		sums[layerKey{t.ID, t.Tactic}] += *t.Score
		if parent, _, sub := strings.Cut(t.ID, "."); sub {
			sums[layerKey{parent, t.Tactic}] += *t.Score
		}
	}
	return sums
}

// keys are the cells of a layer in the order of ids and of the matrix: those with counts,
// and the parents of their techniques.
func (c *layerCounts) keys(table *attack.Table) []layerKey {
	keys := map[layerKey]bool{}
	for key := range c.cells {
		keys[key] = true
		if parent, _, sub := strings.Cut(key.technique, "."); sub {
			keys[layerKey{parent, key.tactic}] = true
		}
	}
	column := map[string]int{}
	for i, t := range table.Tactics() {
		column[t.ID] = i
	}
	return slices.SortedFunc(maps.Keys(keys), func(a, b layerKey) int {
		return cmp.Or(cmp.Compare(a.technique, b.technique), cmp.Compare(column[a.tactic], column[b.tactic]))
	})
}

func shortName(table *attack.Table, tactic string) string {
	for _, t := range table.Tactics() {
		if t.ID == tactic {
			return t.ShortName
		}
	}
	return ""
}

// plural writes a number with its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

// grouped writes a number with commas between thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
