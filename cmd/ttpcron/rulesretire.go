package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger"
)

// ruleLife is what operators decided about rules, as the store keeps it.
type ruleLife struct {
	states  []ttpcron.RuleState
	retired []ttpcron.Retirement
}

func readLife(ctx context.Context, db store) (l ruleLife, err error) {
	if l.states, err = db.RuleStates(ctx); err == nil {
		l.retired, err = db.Retirements(ctx)
	}
	return l, err
}

// hides finds what hides the tags of a claim, nil when nothing does.
func (l ruleLife) hides(c *ttpcron.Claim) *ttpcron.Retirement {
	for i := range l.retired {
		if l.retired[i].Hides(c) {
			return &l.retired[i]
		}
	}
	return nil
}

// hidden is hides for a job; nil when nothing is retired.
func (l ruleLife) hidden() func(*ttpcron.Claim) bool {
	if len(l.retired) == 0 {
		return nil
	}
	return func(c *ttpcron.Claim) bool { return l.hides(c) != nil }
}

// retiredVersions lists the versions of a rule, other than the one that it has
// now, that are retired by number.
func (l ruleLife) retiredVersions(r *tagger.Rule) (list []int) {
	for _, x := range l.retired {
		if x.RuleID == r.ID && x.Version != ttpcron.AllVersions && x.Version != r.Version {
			list = append(list, x.Version)
		}
	}
	return list
}

// hidesRule finds what hides the tags that a rule makes now, nil for nothing.
func (l ruleLife) hidesRule(r *tagger.Rule) *ttpcron.Retirement {
	return l.hides(&ttpcron.Claim{RuleID: r.ID, RuleVersion: r.Version})
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
		return "", 0, usagef("%q: want the id of a rule, or ID@VERSION with a number", text)
	}
	return text[:i], version, nil
}

func (a *app) rulesRetire() *command {
	var reason string
	fs := a.flags()
	reasonFlag(fs, &reason)
	asJSON := fs.Bool("json", false, "print one JSON object: rule_id, rule_version, state, tags")
	return &command{
		name: "rules retire", args: "ID[@VERSION]", short: "hide the tags of a rule, or of one version", fs: fs,
		text: `Hides the tags of a bad rule, or of one version of it, from every view, summary
and export. They stay in the store, so that rules unretire brings them back, and
no run makes them again. A rule that is retired still runs: without a version also
its tags to come are hidden. To stop it, use rules state set.`,
		examples: "ttpcron rules retire TC2303@1 --reason 'took backups for theft'\nttpcron rules retire TC2303",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if len(args) != 1 {
				return &usageError{"rules retire takes one rule", "such as: ttpcron rules retire TC2303@1"}
			}
			id, version, err := parseRetired(args[0])
			if err == nil {
				err = checkReason(reason)
			}
			if err != nil {
				return err
			}
			return a.retire(ctx, ttpcron.Retirement{RuleID: id, Version: version, Reason: reason, SetBy: a.author(), SetAt: a.now().UTC()}, *asJSON)
		},
	}
}

func (a *app) retire(ctx context.Context, r ttpcron.Retirement, asJSON bool) error {
	rules, _, err := a.loadRules()
	if err != nil {
		return err
	}
	db, err := a.changeStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	tags, versions, err := tagsOf(ctx, db, r.RuleID, r.Version)
	if err != nil {
		return err
	}
	states, err := db.RuleStates(ctx)
	if err != nil {
		return err
	}
	rule, known := rules.WithStates(states, a.now()).Rule(r.RuleID)
	switch {
	case !known && len(versions) == 0:
		return unknownRule(rules, r.RuleID)
	case r.Version != ttpcron.AllVersions && tags == 0 && (!known || rule.Version != r.Version):
		hint := "ttpcron rules list shows the version that it has"
		if len(versions) > 0 {
			hint = "there are tags of " + strings.Join(versions, ", ")
		}
		return hinted{fmt.Errorf("rule %s has no version %d, and there are no tags of one", r.RuleID, r.Version), hint}
	}
	if err := db.Retire(ctx, r); err != nil {
		return err
	}
	err = a.printEither(asJSON, retireOf(r.RuleID, r.Version, "retired", tags), "%s: retired, %s hidden", clean(retiredName(r.RuleID, r.Version)), plural(tags, "tag is", "tags are"))
	if err != nil {
		return err
	}
	if known && (r.Version == ttpcron.AllVersions || r.Version == rule.Version) && rule.Active {
		a.note("the rule still runs, and its tags to come are hidden too; to stop it: ttpcron rules state set %s disabled", clean(r.RuleID))
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

// tagsOf counts the tags of a rule, or of one version of it, and lists the
// versions of which there are any.
func tagsOf(ctx context.Context, db store, id string, version int) (tags int, versions []string, err error) {
	all, err := db.RuleVersions(ctx)
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

func (a *app) rulesUnretire() *command {
	var reason string
	fs := a.flags()
	reasonFlag(fs, &reason)
	asJSON := fs.Bool("json", false, "print one JSON object: rule_id, rule_version, state, tags")
	return &command{
		name: "rules unretire", args: "ID[@VERSION]", short: "show the tags of a retired rule again", fs: fs,
		text: `Takes back what rules retire did, in the same words: what was retired by version
comes back by version. rules state list shows what is retired.`,
		examples: "ttpcron rules unretire TC2303@1",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if len(args) != 1 {
				return &usageError{"rules unretire takes one rule", "ttpcron rules state list shows what is retired"}
			}
			id, version, err := parseRetired(args[0])
			if err == nil {
				err = checkReason(reason)
			}
			if err != nil {
				return err
			}
			return a.unretire(ctx, id, version, reason, *asJSON)
		},
	}
}

func (a *app) unretire(ctx context.Context, id string, version int, reason string, asJSON bool) error {
	db, err := a.changeStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	was, err := db.Unretire(ctx, id, version, a.author(), reason)
	if err != nil {
		return err
	}
	life, err := readLife(ctx, db)
	if err != nil {
		return err
	}
	if !was {
		var other []string
		for _, r := range life.retired {
			if r.RuleID == id {
				other = append(other, retiredName(id, r.Version))
			}
		}
		hint := "ttpcron rules state list shows what is retired"
		if len(other) > 0 {
			hint = "what is retired is " + strings.Join(other, ", ")
		}
		return hinted{fmt.Errorf("%s is not retired", retiredName(id, version)), hint}
	}
	versions, err := db.RuleVersions(ctx)
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
	err = a.printEither(asJSON, retireOf(id, version, "enabled", back), "%s: no longer retired, %s shown again", clean(retiredName(id, version)), plural(back, "tag is", "tags are"))
	if err != nil {
		return err
	}
	if still > 0 {
		a.note("%s still hidden: another retirement names them, see ttpcron rules state list", plural(still, "tag is", "tags are"))
	}
	return db.Close()
}
