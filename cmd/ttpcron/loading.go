package main

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/tagger"
)

// loadRules loads the rules that the settings name. Those that cannot be loaded
// are in the report.
func loadRules(set *settings.Settings, log hclog.Logger) (ruleset.Set, *tagger.LoadReport, error) {
	folders, err := ruleset.Folders(set.Embedded, set.Rules)
	if err != nil {
		return ruleset.Set{}, nil, err
	}
	rs, report := load(nil, folders, set, log)
	return rs, report, nil
}

// load loads the rules in folders, which may refer to those in folders beneath.
func load(beneath, folders []tagger.Folder, set *settings.Settings, log hclog.Logger) (ruleset.Set, *tagger.LoadReport) {
	o := ruleset.Options(folders, set.OwnNetworks)
	o.Beneath = beneath
	o.WithoutCorrelations = !set.Correlations
	rs, report := ruleset.Load(o, ruleset.GCQuick)
	return ruleset.Set{RuleSet: rs, Log: log}, report
}

// briefWait is how long a command that only reads rules waits for the store.
const briefWait = 200 * time.Millisecond

// rulesWithLife loads the rules for commands that only look at them: with what
// operators decided if there is a store that can be read, and without it otherwise.
func rulesWithLife(ctx context.Context, s *session) (rs ruleset.Set, life ruleset.Life, report *tagger.LoadReport, err error) {
	if rs, report, err = loadRules(s.set, s.log); err != nil {
		return rs, life, report, err
	}
	db, err := s.stores.Look(ctx, min(s.set.LockTimeout, briefWait))
	if err != nil {
		if !errors.Is(err, store.ErrNone) {
			s.log.Warn("the states of rules are not applied: the store cannot be read", "error", term.Clean(err.Error()))
		}
		return rs, life, report, nil
	}
	defer db.Close()
	if life, err = ruleset.ReadLife(ctx, db.Rules); err != nil {
		return rs, life, report, err
	}
	return life.InForce(rs, s.now()), life, report, nil
}
