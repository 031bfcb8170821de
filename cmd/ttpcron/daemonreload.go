package main

import (
	"context"
	"fmt"
	"os"

	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/scheduler"
	"github.com/ttpcron/ttpcron/tagger"
)

// reloadOn reloads at every signal.
func (d *daemon) reloadOn(ctx context.Context, hup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			d.reload()
		}
	}
}

// reload reads the configuration and the rules again. What is broken leaves the
// old in force: a broken configuration all of it, a broken rule file the rule
// that it gave before. It returns what is wrong.
func (d *daemon) reload() error {
	d.reloads.Lock()
	defer d.reloads.Unlock()
	d.notify.reloading()
	old := d.config()
	err := d.reloadInto(old)
	log := d.config().app.log
	if err != nil {
		log.Error("reload: what is broken stays as it was", "error", clean(err.Error()))
		d.health.reloaded("reload: " + err.Error())
	} else {
		d.health.reloaded("")
		log.Info("reloaded", "jobs", len(d.config().jobs), "rules", d.ruleSet().InForce())
	}
	d.notify.ready(d.state(d.sched.Status()))
	return err
}

func (d *daemon) reloadInto(old *daemonConfig) error {
	c, err := old.app.daemonConfigOf(old.app.args)
	if err != nil {
		return err
	}
	// One log for the life of the process, with the new level.
	old.app.log.SetLevel(c.app.log.GetLevel())
	c.app.log = old.app.log
	for _, s := range []struct {
		name string
		same bool
	}{{"db", c.app.set.db == old.app.set.db}, {"role", c.app.set.role == old.app.set.role}, {"log-json", c.app.set.logJSON == old.app.set.logJSON},
		{"node or spread", scheduler.Offset(c.node, c.spread) == scheduler.Offset(old.node, old.spread)}} {
		if !s.same {
			c.app.log.Warn("a change of this needs a restart", "setting", s.name)
		}
	}
	c.app.set.db, c.app.set.role, c.node, c.spread = old.app.set.db, old.app.set.role, old.node, old.spread
	rules, rerr := d.reloadRules(c)
	d.timesMu.Lock()
	entries := d.entries(c)
	d.timesMu.Unlock()
	if err := d.sched.Replace(entries); err != nil {
		return err
	}
	d.mu.Lock()
	d.conf = c
	d.rules = rules
	d.mu.Unlock()
	return rerr
}

// reloadRules loads the rules of a configuration anew. A rule whose file is
// broken stays as it was; the error names the first such file.
func (d *daemon) reloadRules(c *daemonConfig) (ruleSet, error) {
	sources, err := c.app.ruleSources()
	if err != nil {
		return d.ruleSet(), err
	}
	rs, report := d.ruleSet().Reload(tagger.Options{Sources: sources, Technique: technique, Release: attack.Release})
	c.app.warnRules(report)
	rules := ruleSet{rs, c.app}
	for _, p := range report.Problems {
		if !p.Warning {
			return rules, fmt.Errorf("rules: %s; %s", p.String(), plural(report.Kept, "rule stays as it was", "rules stay as they were"))
		}
	}
	return rules, nil
}
