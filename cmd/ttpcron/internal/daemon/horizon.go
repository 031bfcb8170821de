package daemon

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/retention"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
)

// sayHorizon warns of events that were passed over, once for each horizon.
func (d *runner) sayHorizon(r ttpcron.ImportReport) {
	_, hint := retention.HorizonText(r, d.now())
	key := fmt.Sprint(r.Horizon, hint)
	if r.BeforeHorizon > 0 && key != d.horizonSaid {
		d.horizonSaid = key
		retention.WarnHorizon(d.log, r, d.now())
	}
}

// horizonAhead says that a horizon is in the future, so that no event comes in.
func (d *runner) horizonAhead(ctx context.Context) string {
	all, err := d.db.Horizons(ctx)
	if err != nil {
		return "" // whatever reads the store next says so
	}
	for _, h := range all {
		if h.Before > ttpcron.DayOf(d.now())+1 {
			return fmt.Sprintf("%s events are passed over until %s: ttpcron db prune --forget-horizon", term.Clean(jobs.SourceOf(h.Kind)), h.Before)
		}
	}
	return ""
}
