package main

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/kv"
)

type orphansJSON struct {
	DryRun    bool              `json:"dry_run"`
	Rules     []orphanRulesJSON `json:"rules"`
	Tags      int               `json:"tags"`
	Bytes     int64             `json:"bytes"`      // of the store
	FreeBytes int64             `json:"free_bytes"` // of which are free for reuse
}

type orphanRulesJSON struct {
	RuleID string `json:"rule_id"`
	Tags   int    `json:"tags"`
}

// pruneOrphans takes out the tags of rules that are not loaded.
func pruneOrphans(ctx context.Context, s *session, o pruneOptions) error {
	if o.keepEvents != "" || o.keepTags != "" || o.sourceGiven() {
		return cli.Usage("--orphans goes by rules, not by days or sources", "it goes with --dry-run, --yes and --json alone")
	}
	rules, report, err := loadRules(s.set, s.log)
	if err != nil {
		return err
	}
	ruleset.Warn(s.log, report)
	if n := ruleset.Refused(report); n > 0 {
		return cli.Hint(fmt.Errorf("%s cannot be used: the tags of their rules would be taken out", term.Plural(n, "rule file", "rule files")), "ttpcron rules check says what is wrong with them")
	}
	db, err := s.stores.Change(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	list, err := orphans(ctx, db, rules)
	if err != nil {
		return err
	}
	result := orphansJSON{DryRun: o.dryRun, Rules: []orphanRulesJSON{}}
	p := kv.PruneRules{}
	for _, v := range list { // by rule
		if n := len(p.Rules); n == 0 || p.Rules[n-1] != v.RuleID {
			p.Rules = append(p.Rules, v.RuleID)
			result.Rules = append(result.Rules, orphanRulesJSON{RuleID: v.RuleID})
		}
		result.Rules[len(result.Rules)-1].Tags += v.Tags
		result.Tags += v.Tags
	}
	switch {
	case o.dryRun || result.Tags == 0:
	case !o.yes:
		return cli.Hint(fmt.Errorf("%s of %s that are not loaded would be taken out, and only these rules can make them again", term.Plural(result.Tags, "tag", "tags"), term.Plural(len(p.Rules), "rule", "rules")),
			"nothing was done; --dry-run lists the rules, --yes does it")
	default:
		show, done := watchFile(s.out, s.log, s.now, "prune", 0)
		p.Progress = show
		gone, err := db.File.PruneRules(ctx, p)
		done()
		if err != nil {
			return err
		}
		result.Tags = gone.Removed
	}
	st, err := db.File.Stats(ctx)
	if err != nil {
		return err
	}
	result.Bytes, result.FreeBytes = st.FileBytes, st.FreeBytes
	if o.json {
		err = s.out.JSON(result)
	} else {
		err = printPrunedRules(s.out, result)
	}
	return closing(err, db)
}

func printPrunedRules(out *term.Output, r orphansJSON) error {
	if len(r.Rules) == 0 {
		fmt.Fprintln(out, "every rule with tags is loaded")
		return nil
	}
	t := term.Table{Columns: []term.Column{{Title: "RULE", SGR: term.Cyan}, {Title: "TAGS", Right: true}}}
	for _, v := range r.Rules {
		t.Add(v.RuleID, term.Count(v.Tags))
	}
	if err := out.Table(&t); err != nil {
		return err
	}
	verb := "removed"
	if r.DryRun {
		verb = "would remove"
	}
	fmt.Fprintf(out, "%s %s of %s that are not loaded\n", verb, term.Plural(r.Tags, "tag", "tags"), term.Plural(len(r.Rules), "rule", "rules"))
	if !r.DryRun {
		printRoom(out, r.Bytes, r.FreeBytes)
	}
	return nil
}
