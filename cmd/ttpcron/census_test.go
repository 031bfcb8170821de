package main

import (
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/census"
)

// TestSortedColumnStays holds that the column that rows are sorted by has a title, and is
// never left out of a narrow table.
func TestSortedColumnStays(t *testing.T) {
	for _, v := range []*censusView{
		attackersView(nil), sessionsView, techniquesView(attack.Current(), 0), sensorsView(time.Time{}), credentialsView(census.Credentials), filesView,
	} {
		for i, c := range v.columns {
			if c.sort == "" {
				continue
			}
			shown := v.showing(i).columns[i]
			if shown.Title == "" || shown.Spare != 0 {
				t.Errorf("%s --sort %s: title %q, spare %d", v.many, c.name, shown.Title, shown.Spare)
			}
			if v.columns[i].Title != c.Title || v.columns[i].Spare != c.Spare {
				t.Errorf("%s --sort %s changes the view", v.many, c.name)
			}
		}
	}
}
