package daemon

import (
	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
)

// calls are a daemon's calls besides those of its store: runs with its rules, and turns
// for commands that run with their own.
var calls = control.Name(struct {
	Run       control.Method[runAsked, string] // gives an ID
	RunFollow control.Method[following, runNews]
	RunCancel control.Method[string, none]

	Turn     control.Method[none, string] // gives an ID
	TurnKeep control.Method[keeping, turnState]
	TurnEnd  control.Method[string, none]
	Commit   control.Method[committing, ttpcron.Committed]
}{
	RunFollow: control.NewMethod[following, runNews]("", control.Waits),
	TurnKeep:  control.NewMethod[keeping, turnState]("", control.Waits),
	Commit:    control.NewMethod[committing, ttpcron.Committed]("", control.Large),
})

// What calls take and give.
type (
	none struct{ None bool }
	// runAsked is a run that somebody asks for. Inputs were imported by who asks.
	runAsked struct {
		Source                        string
		SinceDays, BatchSize, Workers int
		Rules                         string // fingerprint of the rules that are meant, without states
		ChangedOnly                   bool
		Imported                      ttpcron.ImportReport
		OwnNetworks                   ttpcron.Networks
		AttackRelease                 string // whose names the report's picture has
		Failed                        string // what of the inputs could not be read
	}
	following struct {
		ID      string
		Version uint64
	}
	// runNews is the progress of such a run.
	runNews struct {
		Version  uint64 // grows with each change
		Waiting  bool   // for another run
		Done     bool
		Progress jobs.Progress
		Report   jobs.Report    // once it is done; without Files
		Fault    *control.Fault // what it returned
	}
	// keeping is a sign of life from the caller of a turn, with the state that the
	// caller knows.
	keeping struct {
		ID    string
		Begun bool
	}
	// turnState is what a turn's caller learns.
	turnState struct{ Begun bool }
	// committing is a ttpcron.Commit in transit: unbounded parts are lists, the rest has
	// few bytes.
	committing struct {
		Turn     string
		Tagging  store.Tagging
		Coverage control.List[ttpcron.Coverage]
		RuleSets control.List[ttpcron.RuleSet]
		Audit    control.List[ttpcron.AuditEntry]
		// What correlations come to.
		Matches store.MatchList
		Judged  control.List[ttpcron.JudgedDay]
		Settled control.List[ttpcron.SettledMatches]
		Rest    control.Small[rest]
	}
	// rest is a commit without its lists.
	rest struct {
		Cursors []ttpcron.Cursor
		Run     *ttpcron.Run
	}
)

// commit puts together what travelled in parts.
func (q *committing) commit() ttpcron.Commit {
	c := q.Tagging.Commit()
	c.Coverage, c.RuleSets, c.Audit = q.Coverage.Items, q.RuleSets.Items, q.Audit.Items
	c.Matches, c.Judged, c.Settled = q.Matches.Items, q.Judged.Items, q.Settled.Items
	c.Cursors, c.Run = q.Rest.Value.Cursors, q.Rest.Value.Run
	return c
}
