package main

import (
	"context"
	"fmt"
	"os"

	"github.com/ttpcron/ttpcron/scheduler"
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
// old in force: a broken configuration everything, a broken rule file the rules.
// It returns what is wrong.
func (d *daemon) reload() error {
	d.reloads.Lock()
	defer d.reloads.Unlock()
	d.notify.reloading()
	old := d.config()
	err := d.reloadInto(old)
	log := d.config().app.log
	if err != nil {
		log.Error("reload: the old stays in force", "error", clean(err.Error()))
		d.health.failed("reload refused: " + err.Error())
	} else {
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
	if rerr == nil {
		d.rules = rules
	}
	d.mu.Unlock()
	return rerr
}

// reloadRules loads the rules of a configuration, all or none: what a new file
// got wrong must not take a rule away that is in force.
func (d *daemon) reloadRules(c *daemonConfig) (ruleSet, error) {
	rules, report, err := c.app.loadRules()
	if err != nil {
		return rules, err
	}
	for _, p := range report.Problems {
		if !p.Warning {
			return rules, fmt.Errorf("rules: %s", p.String())
		}
	}
	c.app.warnRules(report)
	return rules, nil
}
