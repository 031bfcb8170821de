package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/tagger"
)

func rulesCommands() *command {
	return &command{
		Name: "rules", Args: "COMMAND", Short: "list, check, test and control rules",
		Text: `Rules are YAML files; DECNET's rule files work too. The embedded pack is loaded
first. A rule from a --rules folder replaces an earlier one with the same
rule_id.`,
		Examples: "ttpcron rules list --technique T1105\nttpcron rules check ./my-rules",
		Sub: []*command{
			rulesList(),
			rulesShow(),
			rulesStateCommands(),
			rulesRetire(),
			rulesUnretire(),
			rulesLog(),
			rulesCheck(),
			rulesTest(),
			rulesEval(),
			rulesNoise(),
			rulesUntagged(),
			rulesCoverage(),
		},
	}
}

// named loads the folders and files that a command names, or all rules if it names none,
// and lists their rules. Correlations may refer to a run's rules in other places.
func named(set *settings.Settings, log hclog.Logger, dirs []string) (rs ruleset.Set, own []tagger.Rule, report *tagger.LoadReport, err error) {
	if len(dirs) == 0 {
		rs, report, err = loadRules(set, log)
		if err == nil {
			own = rs.Rules()
		}
		return rs, own, report, err
	}
	names := map[string]bool{}
	var folders []tagger.Folder
	for _, dir := range dirs {
		s, err := ruleset.FolderOrFile(dir)
		if err != nil {
			return rs, nil, nil, err
		}
		folders = append(folders, s)
		names[s.Name] = true
	}
	rs, report = load(nil, folders, set, log)
	if severalOf(rs.Rules()).correlations > 0 || slices.ContainsFunc(report.Problems, func(p tagger.Problem) bool { return strings.HasPrefix(p.Field, "correlation") }) {
		beneath, err := ruleset.Folders(set.Embedded, set.Rules)
		if err != nil {
			return rs, nil, nil, err
		}
		rs, report = load(beneath, folders, set, log)
	}
	for _, r := range rs.Rules() {
		if names[r.Folder] {
			own = append(own, r)
		}
	}
	return rs, own, report, nil
}

type problemJSON struct {
	Source  string `json:"source"`
	File    string `json:"file"`
	Line    int    `json:"line"`  // 0 when it concerns the whole file
	Field   string `json:"field"` // empty when it concerns the whole file
	Text    string `json:"text"`
	Warning bool   `json:"warning"` // the rule is in use all the same
}

// printProblems prints the faults in rule files, and counts the warnings.
func printProblems(out *term.Output, report *tagger.LoadReport, asJSON bool) (warnings int, err error) {
	for _, p := range report.Problems {
		color := term.Red
		if p.Warning {
			color = term.Yellow
			warnings++
		}
		if asJSON {
			err = out.JSON(problemJSON{p.Folder, p.File, p.Line, p.Field, p.Text, p.Warning})
		} else {
			_, err = fmt.Fprintln(out, out.Term.Paint(color, term.Clean(p.String())))
		}
		if err != nil {
			return warnings, err
		}
	}
	return warnings, nil
}

// manyRefused is the number of refused files from which the reasons are tabulated.
const manyRefused = 10

// printReasons counts refused files by the first reason of each, where there
// are many, as in a checkout of SigmaHQ.
func printReasons(out *term.Output, report *tagger.LoadReport) error {
	if ruleset.Refused(report) < manyRefused {
		return nil
	}
	files, last := map[string]int{}, tagger.Problem{}
	for _, p := range report.Problems {
		if p.Warning || p.Folder == last.Folder && p.File == last.File {
			continue
		}
		last = p
		field := p.Field
		if strings.HasPrefix(field, "detection.") {
			field = "detection"
		}
		files[strings.TrimPrefix(field+": "+p.Text, ": ")]++
	}
	reasons := slices.SortedFunc(maps.Keys(files), func(x, y string) int {
		return cmp.Or(cmp.Compare(files[y], files[x]), cmp.Compare(x, y))
	})
	const most = 20
	t := term.Table{Columns: []term.Column{{Title: "FILES", Right: true}, {Title: "REFUSED BECAUSE", Min: 40}}}
	for _, r := range reasons[:min(len(reasons), most)] {
		t.Add(term.Count(files[r]), r)
	}
	fmt.Fprintln(out)
	if err := out.Table(&t); err != nil {
		return err
	}
	if n := len(reasons) - most; n > 0 {
		fmt.Fprintf(out, "and %s\n", term.Plural(n, "other reason", "other reasons"))
	}
	fmt.Fprintln(out)
	return nil
}

// several counts the rules that have to do with several events.
type several struct {
	correlations int
	bases        int // rules about single events that these name
	onlyFeeding  int // rules of either sort that make no tag, and feed correlations
}

func severalOf(rules []tagger.Rule) (n several) {
	for i := range rules {
		r := &rules[i]
		if r.Correlation != nil {
			n.correlations++
		} else if len(r.Feeds) > 0 {
			n.bases++
		}
		if len(r.Feeds) > 0 && len(r.Claims) == 0 {
			n.onlyFeeding++
		}
	}
	return n
}

// noteCorrelations says that a command which looks at events one by one leaves out the
// rules that look at several.
func noteCorrelations(out *term.Output, rs ruleset.Set) {
	if n := severalOf(rs.Rules()).correlations; n > 0 {
		out.Note("%s left out: ttpcron rules list --kind correlation", term.Plural(n, "correlation, a rule over several events, is", "correlations, rules over several events, are"))
	}
}

func rulesCheck() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object a line for each fault")
	return &command{
		Name: "rules check", Args: "[DIR|FILE...]", Short: "check rule files without using them", Flags: fs, Unstored: true,
		Text: `Reports what is wrong with rule files, by file, line and field. It checks the
files and folders that you name, or else the embedded pack and --rules. A rule
with an error is left out, and the exit status is 1. A warning does not disable
a rule; it also marks files that look like rules but are skipped. Correlations
in the named files may refer to rules of the pack and of --rules.`,
		Examples: "ttpcron rules check ./my-rules\nttpcron rules check ./my-rules/download.yaml --json",
		Exits:    []int{exitFailed, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			_, own, report, err := named(s.set, s.log, args)
			if err != nil {
				return err
			}
			warnings, err := printProblems(s.out, report, *asJSON)
			if err != nil {
				return err
			}
			summary := fmt.Sprintf("%s, %s loaded, %d inert, %d refused, %s", term.Plural(report.Files, "file", "files"), term.Plural(report.Loaded, "rule", "rules"), report.Inert, ruleset.Refused(report), term.Plural(warnings, "warning", "warnings"))
			several := severalOf(own)
			if several.correlations > 0 {
				summary += "\n" + term.Plural(several.correlations, "rule is a correlation, over several events", "rules are correlations, over several events")
			}
			if several.onlyFeeding > 0 {
				summary += "\n" + term.Plural(several.onlyFeeding, "rule makes no tag, and feeds correlations", "rules make no tag, and feed correlations")
			}
			if n := report.Silent - several.onlyFeeding; n > 0 {
				summary += "\n" + term.Plural(n, "rule names no technique, and so makes no tag", "rules name no technique, and so make no tag")
			}
			if *asJSON {
				s.out.Note("%s", summary)
			} else {
				if err := printReasons(s.out, report); err != nil {
					return err
				}
				fmt.Fprintln(s.out, summary)
			}
			if n := ruleset.Refused(report); n > 0 {
				return fmt.Errorf("%s refused", term.Plural(n, "rule file is", "rule files are"))
			}
			if report.Files == 0 {
				return fmt.Errorf("no rule files, *.yaml, found")
			}
			return nil
		},
	}
}

type failureJSON struct {
	RuleID  string `json:"rule_id"`
	Source  string `json:"source"`
	File    string `json:"file"`
	Example string `json:"example"`
	Want    bool   `json:"want_match"`
	Text    string `json:"text"`
}

func rulesTest() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object a line for each example that fails")
	return &command{
		Name: "rules test", Args: "[DIR|FILE...]", Short: "run the examples in rules", Flags: fs, Unstored: true,
		Text: `Runs the examples of every rule in the files and folders that you name, or else
in the embedded pack and --rules. Examples under tests.match must match; those
under tests.no_match must not. The exit status is 1 if an example fails or a
rule file is refused.`,
		Examples: "ttpcron rules test\nttpcron rules test ./my-rules",
		Exits:    []int{exitFailed, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			rs, own, report, err := named(s.set, s.log, args)
			if err != nil {
				return err
			}
			ruleset.Warn(s.log, report)
			failures := tagger.Test(rs.RuleSet)
			for _, f := range failures {
				if *asJSON {
					if err := s.out.JSON(failureJSON{f.Rule, f.Folder, f.File, f.Example, f.Want, f.Text}); err != nil {
						return err
					}
					continue
				}
				want := "must match"
				if !f.Want {
					want = "must not match"
				}
				fmt.Fprintf(s.out, "%s %s (%s/%s): %s, %s: %s\n", s.out.Term.Paint(term.Red, "FAIL"), term.Clean(f.Rule), term.Clean(f.Folder), term.Clean(f.File), want, term.Clean(f.Text), term.Clean(f.Example))
			}
			examples, without := 0, 0
			for _, r := range own {
				examples += r.MatchExamples + r.MissExamples
				if r.MatchExamples+r.MissExamples == 0 {
					without++
				}
			}
			summary := fmt.Sprintf("%s, %s, %d failed", term.Plural(report.Loaded, "rule", "rules"), term.Plural(examples, "example", "examples"), len(failures))
			if without > 0 {
				summary += fmt.Sprintf(", %s without examples", term.Plural(without, "rule", "rules"))
			}
			if *asJSON {
				s.out.Note("%s", summary)
			} else {
				fmt.Fprintln(s.out, summary)
			}
			switch {
			case len(failures) > 0:
				return fmt.Errorf("%s failed", term.Plural(len(failures), "example", "examples"))
			case ruleset.Refused(report) > 0:
				return cli.Hint(fmt.Errorf("%s refused", term.Plural(ruleset.Refused(report), "rule file was", "rule files were")), "ttpcron rules check says why")
			}
			return nil
		},
	}
}
