package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

func rulesRetire() *command {
	var reason string
	fs := cli.NewFlags()
	reasonFlag(fs, &reason)
	asJSON := fs.Bool("json", false, "print one JSON object: rule_id, rule_version, state, tags")
	return &command{
		Name: "rules retire", Args: "ID[@VERSION]", Short: "hide the tags of a rule, or of one version", Flags: fs,
		Text: `Hides the tags of a bad rule, or of one version of it, from every view, summary
and export. They stay in the store, so no run makes them again, and rules
unretire brings them back. A retired rule still runs; if you name no version,
its future tags are hidden too. To stop a rule, use rules state set.`,
		Examples: "ttpcron rules retire TC2303@1 --reason 'took backups for theft'\nttpcron rules retire TC2303",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if len(args) != 1 {
				return cli.Usage("rules retire takes one rule", "such as: ttpcron rules retire TC2303@1")
			}
			id, version, err := parseRetired(args[0])
			if err == nil {
				err = checkReason(reason)
			}
			if err != nil {
				return err
			}
			return retire(ctx, s, ttpcron.Retirement{RuleID: id, Version: version, Reason: reason, SetBy: s.author(), SetAt: s.now().UTC()}, *asJSON)
		},
	}
}

func retire(ctx context.Context, s *session, r ttpcron.Retirement, asJSON bool) error {
	rules, _, err := loadRules(s.set, s.log)
	if err != nil {
		return err
	}
	db, err := s.stores.Change(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	tags, versions, err := tagsOf(ctx, db, r.RuleID, r.Version)
	if err != nil {
		return err
	}
	states, err := db.Rules.States(ctx)
	if err != nil {
		return err
	}
	rule, known := rules.WithStates(states, s.now()).Rule(r.RuleID)
	switch {
	case !known && len(versions) == 0:
		return unknownRule(rules, r.RuleID)
	case r.Version != ttpcron.AllVersions && tags == 0 && (!known || rule.Version != r.Version):
		hint := "ttpcron rules list shows the version that it has"
		if len(versions) > 0 {
			hint = "there are tags of " + strings.Join(versions, ", ")
		}
		return cli.Hint(fmt.Errorf("rule %s has no version %d, and there are no tags of one", r.RuleID, r.Version), hint)
	}
	if err := db.Rules.Retire(ctx, r); err != nil {
		return err
	}
	err = s.out.Either(asJSON, retireOf(r.RuleID, r.Version, "retired", tags), "%s: retired, %s hidden", term.Clean(retiredName(r.RuleID, r.Version)), term.Plural(tags, "tag is", "tags are"))
	if err != nil {
		return err
	}
	if known && (r.Version == ttpcron.AllVersions || r.Version == rule.Version) && rule.Active {
		s.out.Note("the rule still runs, and its tags to come are hidden too; to stop it: ttpcron rules state set %s disabled", term.Clean(r.RuleID))
	}
	return db.Close()
}

type retireJSON struct {
	RuleID  string `json:"rule_id"`
	Version *int   `json:"rule_version"` // null for all of them
	State   string `json:"state"`
	Tags    int    `json:"tags"` // that are hidden, or shown again
}

func retireOf(id string, version int, state string, tags int) retireJSON {
	j := retireJSON{RuleID: id, State: state, Tags: tags}
	if version != ttpcron.AllVersions {
		j.Version = &version
	}
	return j
}

// tagsOf counts the tags of a rule, or of one version of it, and lists the versions that
// have any.
func tagsOf(ctx context.Context, db *store.Store, id string, version int) (tags int, versions []string, err error) {
	all, err := db.Rules.Versions(ctx)
	for _, v := range all {
		if v.RuleID != id {
			continue
		}
		versions = append(versions, retiredName(id, v.Version))
		if version == ttpcron.AllVersions || version == v.Version {
			tags += v.Tags
		}
	}
	return tags, versions, err
}

func rulesUnretire() *command {
	var reason string
	fs := cli.NewFlags()
	reasonFlag(fs, &reason)
	asJSON := fs.Bool("json", false, "print one JSON object: rule_id, rule_version, state, tags")
	return &command{
		Name: "rules unretire", Args: "ID[@VERSION]", Short: "show the tags of a retired rule again", Flags: fs,
		Text: `Undoes rules retire. Name the rule as you did there: if you retired a version,
unretire that version. rules state list shows what is retired.`,
		Examples: "ttpcron rules unretire TC2303@1",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if len(args) != 1 {
				return cli.Usage("rules unretire takes one rule", "ttpcron rules state list shows what is retired")
			}
			id, version, err := parseRetired(args[0])
			if err == nil {
				err = checkReason(reason)
			}
			if err != nil {
				return err
			}
			return unretire(ctx, s, id, version, reason, *asJSON)
		},
	}
}

func unretire(ctx context.Context, s *session, id string, version int, reason string, asJSON bool) error {
	db, err := s.stores.Change(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	was, err := db.Rules.Unretire(ctx, id, version, s.author(), reason)
	if err != nil {
		return err
	}
	life, err := ruleset.ReadLife(ctx, db.Rules)
	if err != nil {
		return err
	}
	if !was {
		var other []string
		for _, r := range life.Retired {
			if r.RuleID == id {
				other = append(other, retiredName(id, r.Version))
			}
		}
		hint := "ttpcron rules state list shows what is retired"
		if len(other) > 0 {
			hint = "what is retired is " + strings.Join(other, ", ")
		}
		return cli.Hint(fmt.Errorf("%s is not retired", retiredName(id, version)), hint)
	}
	versions, err := db.Rules.Versions(ctx)
	if err != nil {
		return err
	}
	back, still := 0, 0
	for _, v := range versions {
		switch {
		case v.RuleID != id || version != ttpcron.AllVersions && version != v.Version:
		case v.Retired:
			still += v.Tags
		default:
			back += v.Tags
		}
	}
	err = s.out.Either(asJSON, retireOf(id, version, "enabled", back), "%s: no longer retired, %s shown again", term.Clean(retiredName(id, version)), term.Plural(back, "tag is", "tags are"))
	if err != nil {
		return err
	}
	if still > 0 {
		s.out.Note("%s still hidden: another retirement names them, see ttpcron rules state list", term.Plural(still, "tag is", "tags are"))
	}
	return db.Close()
}

// retiredName is ID@VERSION, or the id alone for all versions.
func retiredName(id string, version int) string {
	if version == ttpcron.AllVersions {
		return id
	}
	return fmt.Sprintf("%s@%d", id, version)
}

// parseRetired reads ID or ID@VERSION.
func parseRetired(text string) (id string, version int, err error) {
	i := strings.LastIndexByte(text, '@')
	if i < 0 {
		return text, ttpcron.AllVersions, nil
	}
	version, err = strconv.Atoi(text[i+1:])
	if err != nil || version < 0 || i == 0 {
		return "", 0, cli.Usagef("%q: want the id of a rule, or ID@VERSION with a number", text)
	}
	return text[:i], version, nil
}
