package doctor

import (
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
)

// compareCounts compares the copied events and tags with the store's counts, as far as
// these can be read.
func (r *recovery) compareCounts() {
	bad := r.w.Bad
	r.w.Bad = func(what string) {
		r.report.Uncounted = true
		r.find(what)
	}
	defer func() { r.w.Bad = bad }()
	for _, b := range []string{layout.DayCounts, layout.Rollups} {
		if _, ok := r.top[b]; !ok {
			r.report.Uncounted = true
		}
	}
	r.compareEvents()
	if r.err == nil && !r.old {
		r.compareTags()
	}
}

// passOver skips a damaged count. Nothing else is lost with it, unless the counted data
// was on damaged pages, which nobody can know.
func (r *recovery) passOver(what string, err error) {
	if r.harmed[what] || r.harmed["file"] {
		r.report.Uncounted = true
		r.find(fmt.Sprintf("a count cannot be read: %v", err))
	}
}

// compareTags finds the days with missing tags.
func (r *recovery) compareTags() {
	got, err := r.dst.TagCounts(r.ctx)
	r.err = err
	r.place = "rollups"
	r.directory(r.top[layout.Rollups], func(name string, b page.Bucket) {
		day, ok := record.ParseDay([]byte(name))
		want := 0
		r.values(b, func(k, v []byte) {
			switch {
			case len(k) == 5 && k[0] == record.RollupClaim:
				t, err := record.ReadTally(v, []byte(name), k)
				if err != nil {
					r.passOver(layout.Tags, err)
					return
				}
				want += t.Tags
			case len(k) != 9 || k[0] != record.RollupAttacker && k[0] != record.RollupAlias:
				r.passOver(layout.Tags, record.Damagef("%x is no key of a rollup", k))
			}
		})
		if n := want - got[day]; ok && n > 0 {
			r.report.MissingTags += n
			r.day = day
			r.lose(fmt.Sprintf("%d of %d tags are lost", n, want))
			r.day = 0
		}
	})
}

// compareEvents finds the days with missing events.
func (r *recovery) compareEvents() {
	r.place = "days"
	got := map[record.KindDay]int{}
	kinds, err := r.dst.Kinds(r.ctx)
	for _, kind := range kinds {
		if err == nil {
			err = r.eventCounts(kind, got)
		}
	}
	if err != nil {
		r.err = err
		return
	}
	r.directory(r.top[layout.DayCounts], func(name string, b page.Bucket) {
		r.values(b, func(k, v []byte) {
			day, ok := record.ParseDay(k)
			at := record.KindDay{Kind: ttpcron.SourceKind(name), Day: day}
			h, err := record.ReadDay(at, v)
			if !ok {
				err = record.Damagef("%x is no day", k)
			}
			if err != nil {
				r.passOver(layout.History, err)
				return
			}
			if n := h.Events - got[at]; n > 0 {
				r.kind, r.day = at.Kind, day
				r.report.MissingEvents += n
				r.lose(fmt.Sprintf("%d of %d events are lost", n, h.Events))
				r.kind, r.day = "", 0
			}
		})
	})
}

// eventCounts has the number of copied events of a kind, by day.
func (r *recovery) eventCounts(kind ttpcron.SourceKind, got map[record.KindDay]int) error {
	for from := ttpcron.Day(0); ; {
		days, err := r.dst.DayPage(r.ctx, kind, from)
		if err != nil || len(days) == 0 {
			return err
		}
		for _, d := range days {
			got[record.KindDay{Kind: kind, Day: d.Day}] = d.Events
			from = d.Day + 1
		}
	}
}
