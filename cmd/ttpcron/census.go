package main

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/census"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/csvtext"
)

// censusOptions are the flags of the commands that count events and tags.
type censusOptions struct {
	tagSelection
	sort      string
	reverse   bool
	limit     int
	json, csv bool
	own       ttpcron.Networks
	won       bool // only what has a login that worked
	who       bool // addresses are named that are not otherwise
	places    *placeOptions
}

// define defines the flags. Sorted is the name of the column that rows are sorted by by
// default.
func (o *censusOptions) define(fs *flag.FlagSet, sorted string) {
	o.filters(fs)
	fs.StringVar(&o.sort, "sort", sorted, "sort by `COLUMN`, named by its title or its key in --json: highest or latest first, names from A to Z")
	fs.BoolVar(&o.reverse, "reverse", false, "reverse the order")
	cli.LimitVar(fs, &o.limit, "limit", -1, "at most `N` rows; 0 for all (default: 100 as a table on a terminal, else all)")
	fs.BoolVar(&o.csv, "csv", false, "print CSV; no cell is a formula")
}

// filters defines the flags of commands that also show a picture.
func (o *censusOptions) filters(fs *flag.FlagSet) {
	o.defineWithEvents(fs)
	fs.BoolVar(&o.json, "json", false, "print one JSON object a line")
}

// defineWon defines the flag of commands that count logins.
func (o *censusOptions) defineWon(fs *flag.FlagSet) {
	fs.BoolVar(&o.won, "won", false, "only those with a login that worked")
}

const newSinceUsage = "only what is new: none of its events had arrived before `TIME`, whatever --since says"

// check validates the flags.
func (o *censusOptions) check(s *session) error {
	if o.json && o.csv {
		return cli.Usage("--json and --csv exclude one another", "give one of them")
	}
	o.own = s.set.OwnNetworks
	return o.tagSelection.check(s.now(), s.set.Attack)
}

// query is what a census counts.
func (o *censusOptions) query(ctx context.Context, db *store.Store) (q census.Query, err error) {
	q.Tags, q.NewSince = o.q, o.new
	q.Tagged, q.Won, q.Who = o.onlyTagged(), o.won, o.who
	if o.places != nil {
		o.places.selects(&q)
	}
	q.NewAfter, err = arrivedAfter(ctx, db.History, q.NewSince)
	return q, err
}

// source is the events and tags that a census reads.
func (o *censusOptions) source(db *store.Store) census.Source {
	return census.Source{Events: db.History, Tags: func(ctx context.Context, q ttpcron.TagQuery) iter.Seq2[census.Tag, error] {
		return func(yield func(census.Tag, error) bool) {
			o.without = 0
			for t, err := range o.tagsOf(ctx, db, q) {
				if err != nil {
					yield(census.Tag{}, err)
					return
				}
				if !yield(census.Tag{Tag: &t.Tag, Shown: &t.Shown}, nil) {
					return
				}
			}
		}
	}}
}

// censusView is the form in which counts are shown.
type censusView struct {
	by      census.By
	columns []censusColumn
	one     string // what a row is, in words
	many    string
}

// censusColumn is a column of a view. Its value is a string, a number, a time, a list or
// nil: that is what JSON and CSV show, and the table if the column has no text of its own.
type censusColumn struct {
	term.Column        // without a title: not in the table
	name        string // in JSON and CSV
	sort        string // by which column of a census rows are sorted by it; empty: not at all
	value       func(*census.Row) any
	cell        func(*census.Row) string
}

// run counts, and shows the rows.
func (v *censusView) run(ctx context.Context, s *session, o *censusOptions, args []string) error {
	if err := v.noArgs(args); err != nil {
		return err
	}
	if err := o.check(s); err != nil {
		return err
	}
	order, by, err := v.order(o, s.out)
	if err != nil {
		return err
	}
	v = v.showing(by)
	db, err := s.stores.Read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := o.begin(ctx, s.out, db); err != nil {
		return err
	}
	q, err := o.query(ctx, db)
	if err != nil {
		return err
	}
	var c *census.Census
	defer func() { closeCensus(c) }()
	err = atOneMoment(ctx, s.out, db, func(upTo uint64) error {
		closeCensus(c)
		c = census.New(q, v.by)
		return c.Count(ctx, o.source(db), upTo)
	})
	if err != nil {
		return err
	}
	total, err := v.show(ctx, s.out, o, c, order)
	if err != nil {
		return err
	}
	o.noteLacking(s.out)
	if n := c.OfGroups(); n > 0 && (v.by == census.Attackers || v.by == census.Places) {
		s.out.Note("without %s about several attackers: ttpcron tags shows them", term.Plural(n, "tag", "tags"))
	}
	return v.noteRows(ctx, s, db, o, total, order)
}

func closeCensus(c *census.Census) {
	if c != nil {
		_ = c.Close() // what is left is removed by the next
	}
}

// noteRows says what there is besides the shown rows.
func (v *censusView) noteRows(ctx context.Context, s *session, db *store.Store, o *censusOptions, total int, order census.Order) error {
	switch {
	case total == 0 && !o.found:
		if err := o.noteNone(ctx, s, db, "no "+v.many+" match", v.looked(o)); err != nil {
			return err
		}
	case total == 0:
		s.out.Note("no %s match", v.many)
	case !o.found && slices.ContainsFunc(v.columns, func(c censusColumn) bool { return c.name == countTags.name }):
		if _, err := o.noteUntagged(ctx, s, db); err != nil {
			return err
		}
	}
	switch {
	case order.Limit > 0 && total > order.Limit:
		s.out.Note("%s of %s; --limit 0 shows all", term.Count(order.Limit), term.Plural(total, v.one, v.many))
	}
	n, err := o.leftOut(ctx, db)
	noteLeftOut(s.out, n)
	return err
}

// looked reports what was searched if there is no row and no tag: events too, if each of
// them has a row.
func (v *censusView) looked(o *censusOptions) lookedAt {
	each := v.by == census.Attackers || v.by == census.Sensors || v.by == census.Sessions && o.q.Session != ""
	if each && o.new.IsZero() {
		return eventsAndTags
	}
	return someTags
}

// noArgs refuses arguments, and says where a name belongs.
func (v *censusView) noArgs(args []string) error {
	err := cli.NoArgs(args)
	if err == nil || v.by != census.Attackers && v.by != census.Sessions {
		return err
	}
	return cli.Usage(err.Error(), fmt.Sprintf("ttpcron %s tells of one %[1]s; --%[1]s shows the row of one", v.one))
}

// showing is the view with a column in its table, however narrow that is.
func (v *censusView) showing(column int) *censusView {
	shown := *v
	shown.columns = slices.Clone(v.columns)
	c := &shown.columns[column]
	c.Spare, c.Rare = 0, false
	if c.Title == "" {
		c.Title = strings.ToUpper(strings.ReplaceAll(c.name, "_", " "))
		if c.Min = 12; c.sort != "name" {
			c.Right, c.Min = true, 0
		}
	}
	return &shown
}

// order is how the rows are sorted, and how many are shown. By is the index of the column
// that they are sorted by.
func (v *censusView) order(o *censusOptions, out *term.Output) (order census.Order, by int, err error) {
	order.Limit, order.Reverse = max(o.limit, 0), o.reverse
	if o.limit < 0 && out.Term.Is && !o.json && !o.csv {
		order.Limit = screenful
	}
	for i := range v.columns {
		c := &v.columns[i]
		if c.sort == "" {
			continue
		}
		if strings.EqualFold(o.sort, c.name) || strings.EqualFold(o.sort, c.sort) || c.Title != "" && strings.EqualFold(o.sort, c.Title) {
			order.By = census.ColumnNamed(c.sort)
			return order, i, nil
		}
	}
	names := v.sorts()
	e := cli.Usage(fmt.Sprintf("--sort %q is no column to sort by", o.sort), "columns are "+strings.Join(names, ", "))
	if near := cli.Nearest(strings.ToLower(o.sort), names); near != "" {
		e.Hint = fmt.Sprintf("did you mean %s?", near)
	}
	return order, 0, e
}

// sorts names the columns that rows can be sorted by.
func (v *censusView) sorts() (names []string) {
	for _, c := range v.columns {
		if c.sort != "" {
			names = append(names, c.name)
		}
	}
	return names
}

// show prints the rows.
func (v *censusView) show(ctx context.Context, out *term.Output, o *censusOptions, c *census.Census, order census.Order) (total int, err error) {
	switch {
	case o.json:
		var line []byte
		return c.Rows(ctx, 0, order, func(r *census.Row) error {
			line = append(v.appendJSON(line[:0], r), '\n')
			return out.RawJSON(line)
		})
	case o.csv:
		return v.csv(ctx, out, c, order)
	}
	var t term.Table
	for _, col := range v.columns {
		if col.Title != "" {
			t.Columns = append(t.Columns, col.Column)
		}
	}
	total, err = c.Rows(ctx, 0, order, func(r *census.Row) error {
		t.Add(v.cells(r)...)
		if t.Len() < 1000 {
			return nil
		}
		return out.Table(&t)
	})
	if err != nil {
		return total, err
	}
	return total, out.Table(&t)
}

func (v *censusView) cells(r *census.Row) (cells []string) {
	for _, c := range v.columns {
		switch {
		case c.Title == "":
		case c.cell != nil:
			cells = append(cells, c.cell(r))
		default:
			cells = append(cells, tableValue(c.value(r)))
		}
	}
	return cells
}

func (v *censusView) csv(ctx context.Context, out *term.Output, c *census.Census, order census.Order) (total int, err error) {
	w := csvtext.NewWriter(out)
	cells := make([]string, len(v.columns))
	for i, col := range v.columns {
		cells[i] = col.name
	}
	if err := w.Row(cells...); err != nil {
		return 0, err
	}
	total, err = c.Rows(ctx, 0, order, func(r *census.Row) error {
		for i, col := range v.columns {
			cells[i] = csvValue(col.value(r))
		}
		return w.Row(cells...)
	})
	if err != nil {
		return total, err
	}
	return total, w.Flush()
}
