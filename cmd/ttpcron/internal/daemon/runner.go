package daemon

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/inputs"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/tagger"
)

// current is the configuration and the rules in force. A reload replaces each as a
// whole.
type current struct {
	mu    sync.RWMutex
	conf  *settings.Daemon
	rules *tagger.RuleSet
}

// config returns the configuration in force.
func (c *current) config() *settings.Daemon {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.conf
}

// ruleSet returns the rules in force, without the states that the store has.
func (c *current) ruleSet() *tagger.RuleSet {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.rules
}

// runner does the jobs of a configuration, one at a time.
type runner struct {
	current
	db     *kv.DB
	store  *store.Store // db, as a command without a daemon would use it
	log    hclog.Logger
	now    func() time.Time
	passed func() time.Duration // since the daemon began, whatever the clock says

	health   health
	observer *observer
	runEnded chan struct{} // has room for one

	moved  atomic.Int64           // counts signs of progress of the job that runs
	input  inputs.Wait            // the one that the job waits for
	said   map[string]*saidOnce   // by job
	places map[string]*jobs.Place // where imports stopped, by job

	unclaimed        map[ttpcron.SourceKind]bool // kinds without a rule, of which was said so
	onlyCommandsSaid string                      // what was said last of days that have only commands
	horizonSaid      string                      // what was said last of events that were passed over

	timesMu sync.Mutex
	times   map[string]time.Time // when jobs began last
}

// set returns rules as runs use them.
func (r *runner) set(rs *tagger.RuleSet) ruleset.Set {
	return ruleset.Set{RuleSet: rs, Log: r.log, Observer: r.observer}
}

// inForce counts the rules in force.
func (r *runner) inForce() int { return r.set(r.ruleSet()).InForce() }
