package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/scheduler"
	"github.com/ttpcron/ttpcron/tagger"
)

// rulesLooked is the least time between two looks at the rule folders. A change is taken
// after two looks.
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
	for _, dir := range d.config().Rules {
		folders = append(folders, tagger.Folder{Name: dir, FS: ttpcron.RegularFS(dir)})
	}
	return folders
}

// rulesChanged loads the rules again under the configuration in force.
func (d *daemon) rulesChanged() {
	d.reloads.Lock()
	defer d.reloads.Unlock()
	c, old := d.config(), d.ruleSet()
	rules, err := d.reloadRules(c)
	d.mu.Lock()
	d.rules = rules
	d.mu.Unlock()
	if err != nil {
		d.log.Error("rules: what is broken stays as it was", "error", term.Clean(err.Error()))
	}
	d.health.rulesLoaded(err)
	d.notify.tell(d.state(d.sched.Status()))
	if rules.Fingerprint() == old.Fingerprint() {
		return
	}
	before, after := ttpcron.RuleSet{Rules: old.Definitions()}, ttpcron.RuleSet{Rules: rules.Definitions()}
	var ids []string
	for _, change := range after.Since(&before) {
		if !ttpcron.IsStream(change.RuleID) {
			ids = append(ids, change.RuleID)
		}
	}
	d.log.Info("rules changed, the next run looks again with those that are new or changed", "rules", d.set(rules).InForce(), "new_or_changed", len(ids), "ids", term.Clean(strings.Join(ids[:min(len(ids), 10)], " ")))
}

// reload reads the configuration and the rules again. A broken configuration changes
// nothing; if a rule file is broken, its earlier rules stay. It returns the faults.
func (d *daemon) reload() error {
	d.reloads.Lock()
	defer d.reloads.Unlock()
	d.notify.reloading()
	old := d.config()
	cerr, rerr := d.reloadInto(old)
	if cerr != nil {
		d.health.reloadFailed(cerr)
	} else {
		d.tookOver(old, d.config())
	}
	err := errors.Join(cerr, rerr)
	if err != nil {
		d.log.Error("reload: what is broken stays as it was", "error", term.Clean(err.Error()))
	}
	d.notify.ready(d.state(d.sched.Status()))
	return err
}

// tookOver logs what a new configuration added and removed.
func (d *daemon) tookOver(old, c *settings.Daemon) {
	ch, trouble := settings.ChangeOf(old, c), ""
	d.log.Info("reloaded", append([]any{"jobs", len(c.Jobs), "rules", d.inForce()}, ch.Args()...)...)
	was := old.AllInputs()
	if len(was) > 0 && len(c.AllInputs()) == 0 {
		trouble = "the reload left no input, nothing is imported any more; it took away " + settings.Named(was)
		d.log.Warn("the reload left no input: nothing is imported any more", "gone", term.Clean(settings.Named(was)))
	}
	d.health.reloaded(d.now(), ch, trouble)
}

// reloadInto returns the faults of the configuration, and of rules.
func (d *daemon) reloadInto(old *settings.Daemon) (cerr, rerr error) {
	c, err := d.read()
	if err == nil {
		err = c.File.Err()
	}
	if err == nil {
		err = settings.Lost(old, c)
	}
	if err == nil {
		err = d.checkSources(context.Background(), c)
	}
	if err == nil {
		err = d.serveWeb(c)
	}
	if err != nil {
		return err, nil
	}
	c = d.keepingStart(old, c)
	rules, rerr := d.reloadRules(c)
	d.health.rulesLoaded(rerr)
	d.timesMu.Lock()
	entries := d.entries(c)
	d.timesMu.Unlock()
	if err := d.sched.Replace(entries); err != nil {
		return err, rerr
	}
	d.health.keep(c.Jobs)
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

// keepingStart returns a new configuration with the old values of settings that need a
// restart. It logs those that differ, at each reload.
func (d *daemon) keepingStart(old, read *settings.Daemon) *settings.Daemon {
	c := *read
	// One log for the life of the process, with the new level.
	d.log.SetLevel(hclog.LevelFromString(c.LogLevel))
	for _, s := range []struct {
		name string
		same bool
	}{{"db", c.DB == old.DB}, {"socket", c.Socket == old.Socket || c.SocketOfStore() && old.SocketOfStore()}, {"role", c.Role == old.Role}, {"log-json", c.LogJSON == old.LogJSON},
		{"node or spread", scheduler.Offset(c.Node, c.Spread) == scheduler.Offset(old.Node, old.Spread)}} {
		if !s.same {
			d.log.Warn("a change of this needs a restart", "setting", s.name)
		}
	}
	c.DB, c.Socket, c.Role, c.LogJSON, c.Node, c.Spread = old.DB, old.Socket, old.Role, old.LogJSON, old.Node, old.Spread
	return &c
}

// reloadRules loads a configuration's rules. If a rule's file is broken, the rule stays as
// it was; the error names the first such file.
func (d *daemon) reloadRules(c *settings.Daemon) (*tagger.RuleSet, error) {
	folders, err := ruleset.Folders(c.Embedded, c.Rules)
	if err != nil {
		return d.ruleSet(), err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(ruleset.GCForYears))
	o := ruleset.Options(folders, c.OwnNetworks)
	o.WithoutCorrelations = !c.Correlations
	rs, report := d.ruleSet().Reload(o)
	ruleset.Warn(d.log, report)
	d.refused.Store(int64(ruleset.Refused(report)))
	for _, p := range report.Problems {
		if !p.Warning {
			return rs, fmt.Errorf("rules: %s; %s", p.String(), term.Plural(report.Kept, "rule stays as it was", "rules stay as they were"))
		}
	}
	return rs, nil
}
