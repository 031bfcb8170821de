package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/scheduler"
	"github.com/ttpcron/ttpcron/tagger"
)

// rulesLooked is how often the folders of rules are looked at, at most. A change
// is taken after two looks.
const rulesLooked = time.Second

// reloadOn reloads at every signal, and the rules alone when their files have
// changed.
func (d *daemon) reloadOn(ctx context.Context, hup <-chan os.Signal) {
	changed := tagger.Watch(ctx, d.ruleFolders, rulesLooked)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			_ = d.reload() // it logged what is wrong
		case <-changed:
			d.rulesChanged()
		}
	}
}

// ruleFolders are the folders of rules that may change, whether they are there
// or not.
func (d *daemon) ruleFolders() []tagger.Folder {
	var folders []tagger.Folder
	for _, dir := range d.config().app.set.rules {
		folders = append(folders, tagger.Folder{Name: dir, FS: ttpcron.RegularFS(dir)})
	}
	return folders
}

// rulesChanged takes the rules anew under the configuration in force.
func (d *daemon) rulesChanged() {
	d.reloads.Lock()
	defer d.reloads.Unlock()
	c, old := d.config(), d.ruleSet()
	rules, err := d.reloadRules(c)
	d.mu.Lock()
	d.rules = rules
	d.mu.Unlock()
	log := c.app.log
	if err != nil {
		log.Error("rules: what is broken stays as it was", "error", clean(err.Error()))
	}
	d.health.rulesLoaded(err)
	d.notify.tell(d.state(d.sched.Status()))
	if rules.Fingerprint() == old.Fingerprint() {
		return
	}
	before, after := ttpcron.RuleSet{Rules: old.Definitions()}, ttpcron.RuleSet{Rules: rules.Definitions()}
	var ids []string
	for _, change := range after.Since(&before) {
		ids = append(ids, change.RuleID)
	}
	log.Info("rules changed, the next run looks again with those that are new or changed", "rules", rules.InForce(), "new_or_changed", len(ids), "ids", clean(strings.Join(ids[:min(len(ids), 10)], " ")))
}

// reload reads the configuration and the rules again. What is broken leaves the
// old in force: a broken configuration all of it, a broken rule file the rule
// that it gave before. It returns what is wrong.
func (d *daemon) reload() error {
	d.reloads.Lock()
	defer d.reloads.Unlock()
	d.notify.reloading()
	old := d.config()
	cerr, rerr := d.reloadInto(old)
	c := d.config()
	log := c.app.log
	if cerr != nil {
		d.health.reloadFailed(cerr)
	} else {
		d.tookOver(old, c)
	}
	err := errors.Join(cerr, rerr)
	if err != nil {
		log.Error("reload: what is broken stays as it was", "error", clean(err.Error()))
	}
	d.notify.ready(d.state(d.sched.Status()))
	return err
}

// tookOver says what a new configuration brought and took away.
func (d *daemon) tookOver(old, c *daemonConfig) {
	log, ch, trouble := c.app.log, changeOf(old, c), ""
	log.Info("reloaded", append([]any{"jobs", len(c.jobs), "rules", d.ruleSet().InForce()}, ch.args()...)...)
	was := old.allInputs()
	if len(was) > 0 && len(c.allInputs()) == 0 {
		trouble = "the reload left no input, nothing is imported any more; it took away " + named(was)
		log.Warn("the reload left no input: nothing is imported any more", "gone", clean(named(was)))
	}
	d.health.reloaded(c.app.now(), ch, trouble)
}

// reloadInto returns what is wrong with the configuration, and with rules.
func (d *daemon) reloadInto(old *daemonConfig) (cerr, rerr error) {
	c, err := old.app.daemonConfigOf(old.app.args)
	if err == nil {
		err = lost(old, c)
	}
	if err == nil {
		err = d.serveWeb(c)
	}
	if err != nil {
		return err, nil
	}
	c.keepOfStart(old)
	rules, rerr := d.reloadRules(c)
	d.health.rulesLoaded(rerr)
	d.timesMu.Lock()
	entries := d.entries(c)
	d.timesMu.Unlock()
	if err := d.sched.Replace(entries); err != nil {
		return err, rerr
	}
	d.health.keep(c.jobs)
	d.mu.Lock()
	d.conf = c
	d.rules = rules
	d.mu.Unlock()
	select {
	case d.runEnded <- struct{}{}: // the file of metrics may be another one
	default:
	}
	return nil, rerr
}

// keepOfStart keeps what only a restart changes, and says so at each reload at
// which it differs.
func (c *daemonConfig) keepOfStart(old *daemonConfig) {
	// One log for the life of the process, with the new level.
	old.app.log.SetLevel(c.app.log.GetLevel())
	c.app.log = old.app.log
	set, was := &c.app.set, &old.app.set
	for _, s := range []struct {
		name string
		same bool
	}{{"db", set.db == was.db}, {"socket", set.socket == was.socket}, {"role", set.role == was.role}, {"log-json", set.logJSON == was.logJSON},
		{"node or spread", scheduler.Offset(c.node, c.spread) == scheduler.Offset(old.node, old.spread)}} {
		if !s.same {
			c.app.log.Warn("a change of this needs a restart", "setting", s.name)
		}
	}
	set.db, set.socket, set.role, set.logJSON, c.node, c.spread = was.db, was.socket, was.role, was.logJSON, old.node, old.spread
}

// reloadRules loads the rules of a configuration anew. A rule whose file is
// broken stays as it was; the error names the first such file.
func (d *daemon) reloadRules(c *daemonConfig) (ruleSet, error) {
	folders, err := c.app.allRuleFolders()
	if err != nil {
		return d.ruleSet(), err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(gcForYears))
	rs, report := d.ruleSet().Reload(tagger.Options{Folders: folders, Technique: technique, Release: attack.Release})
	c.app.warnRules(report)
	d.refused.Store(int64(refused(report)))
	rules := ruleSet{rs, c.app}
	for _, p := range report.Problems {
		if !p.Warning {
			return rules, fmt.Errorf("rules: %s; %s", p.String(), plural(report.Kept, "rule stays as it was", "rules stay as they were"))
		}
	}
	return rules, nil
}
