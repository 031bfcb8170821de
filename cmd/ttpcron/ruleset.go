package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/tagger"
)

// ruleSet gives a tagger's rule set the shape that jobs declares.
type ruleSet struct {
	*tagger.RuleSet
	a *app
}

var _ jobs.Rules = ruleSet{}

// InForce does not compile the rules, as looking at each would.
func (r ruleSet) InForce() int { return len(r.Definitions()) }

func (r ruleSet) Applying(kind ttpcron.SourceKind) int {
	return r.Active(kind)
}

func (r ruleSet) Only(ids map[string]bool) jobs.Rules {
	return ruleSet{r.RuleSet.Only(ids), r.a}
}

func (r ruleSet) Tagger() jobs.Tagger {
	t := r.RuleSet.Tagger(func(e ttpcron.Event, rule string, err error) {
		if rule == "" {
			r.a.log.Warn("no rule applies to a kind of event", "kind", clean(string(e.Kind)))
			return
		}
		if r.a.observer != nil {
			r.a.observer.RuleError()
		}
		r.a.log.Warn("a rule failed on an event, its tags are lost", "rule", clean(rule), "kind", clean(string(e.Kind)), "event", clean(e.ID), "error", clean(err.Error()))
	})
	if r.a.observer != nil {
		r.a.observer.tagger(t)
	}
	return t
}

// allRuleFolders lists where rules come from: the embedded pack, unless
// --embedded=false, and the folders of --rules over it.
func (a *app) allRuleFolders() ([]tagger.Folder, error) {
	var folders []tagger.Folder
	if a.set.embedded {
		folders = append(folders, tagger.Folder{Name: "embedded", FS: tagger.Embedded()})
	}
	for _, dir := range a.set.rules {
		s, err := ruleFolder(dir)
		if err != nil {
			return nil, err
		}
		folders = append(folders, s)
	}
	return folders, nil
}

// loadRules loads the rules of all folders. Those that cannot be loaded are in
// the report.
func (a *app) loadRules() (ruleSet, *tagger.LoadReport, error) {
	folders, err := a.allRuleFolders()
	if err != nil {
		return ruleSet{}, nil, err
	}
	rs, report := a.load(folders)
	return rs, report, nil
}

func (a *app) load(folders []tagger.Folder) (ruleSet, *tagger.LoadReport) {
	// Little of what loading allocates stays, and the heap is small: looking for
	// garbage at every few MiB would take a third of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(a.loadGC))
	rs, report := tagger.Load(tagger.Options{Folders: folders, Technique: technique, Release: attack.Release})
	return ruleSet{rs, a}, report
}

func ruleFolder(dir string) (tagger.Folder, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("there is no folder %s", dir)
	case err == nil && !info.IsDir():
		err = fmt.Errorf("%s is not a folder", dir)
	}
	if err != nil {
		return tagger.Folder{}, hinted{fmt.Errorf("rules: %w", err), "--rules names a folder that holds rule files, *.yaml"}
	}
	return tagger.Folder{Name: dir, FS: ttpcron.RegularFS(dir)}, nil
}

// technique tells the tagger what the embedded ATT&CK table knows of an id.
func technique(id string) (tagger.Technique, bool) {
	t, ok := attack.Lookup(id)
	return tagger.Technique{Name: t.FullName(), Tactics: t.Tactics, Revoked: t.Revoked, RevokedBy: t.RevokedBy, Deprecated: t.Deprecated}, ok
}

// warnRules logs what is wrong with rule files.
func (a *app) warnRules(report *tagger.LoadReport) {
	for _, p := range report.Problems {
		if p.Warning {
			a.log.Debug("rule file", "problem", clean(p.String()))
		} else {
			a.log.Warn("rule refused", "problem", clean(p.String()))
		}
	}
}

// rulesWithLife loads the rules for commands that only look at them: with what
// operators decided where there is a store that can be read, without otherwise.
func (a *app) rulesWithLife(ctx context.Context) (rs ruleSet, life ruleLife, report *tagger.LoadReport, err error) {
	if rs, report, err = a.loadRules(); err != nil {
		return rs, life, report, err
	}
	db, err := a.lookStore(ctx, min(a.set.lockTimeout, 200*time.Millisecond))
	if err != nil {
		if !errors.Is(err, errNoStore) {
			a.log.Warn("the states of rules are not applied: the store cannot be read", "error", clean(err.Error()))
		}
		return rs, life, report, nil
	}
	defer db.Close()
	if life, err = readLife(ctx, db); err != nil {
		return rs, life, report, err
	}
	return ruleSet{rs.WithStates(life.states, a.now()), a}, life, report, nil
}
