package retention

import (
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// HorizonText says how many events were passed over, "" for none. The hint says
// what to do where that was hardly intended: the horizon lies in the future, as
// after a clock was wrong, or hardly anything came in.
func HorizonText(r ttpcron.ImportReport, now time.Time) (text, hint string) {
	if r.BeforeHorizon == 0 {
		return "", ""
	}
	text = fmt.Sprintf("%s passed over: days before %s were taken out of the store, and stay out", term.Plural(r.BeforeHorizon, "event was", "events were"), r.Horizon)
	if r.Horizon > ttpcron.DayOf(now) || r.BeforeHorizon >= 9*r.New {
		hint = "if the clock was wrong, or they are wanted: ttpcron db prune --forget-horizon"
	}
	return text, hint
}

// WarnHorizon logs what HorizonText says.
func WarnHorizon(log hclog.Logger, r ttpcron.ImportReport, now time.Time) {
	switch text, hint := HorizonText(r, now); {
	case hint != "":
		log.Warn(text, "hint", hint)
	case text != "":
		log.Warn(text)
	}
}
