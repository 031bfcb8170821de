package main

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger"
)

func (a *app) rulesCommands() *ffcli.Command {
	group := &command{
		name: "rules", args: "COMMAND", short: "list, check and test rules, and decide about them", fs: a.flags(),
		text: `Rules are YAML files, DECNET's among them. The embedded pack is loaded first; a
rule of a folder given with --rules replaces an earlier one with the same rule_id.`,
		examples: "ttpcron rules list --technique T1105\nttpcron rules check ./my-rules",
	}
	return a.build(group, a.build(a.rulesList()), a.rulesStateCommands(), a.build(a.rulesRetire()), a.build(a.rulesUnretire()), a.build(a.rulesLog()), a.build(a.rulesCheck()), a.build(a.rulesTest()), a.build(a.rulesEval()), a.build(a.rulesNoise()), a.build(a.rulesUntagged()), a.build(a.rulesCoverage()))
}

// refused counts the files that gave no rule.
func refused(report *tagger.LoadReport) int {
	files := map[[2]string]bool{}
	for _, p := range report.Problems {
		if !p.Warning {
			files[[2]string{p.Folder, p.File}] = true
		}
	}
	return len(files)
}

// named loads the folders and files that a command names, or all rules when it
// names none.
func (a *app) named(dirs []string) (ruleSet, *tagger.LoadReport, error) {
	if len(dirs) == 0 {
		return a.loadRules()
	}
	var folders []tagger.Folder
	for _, dir := range dirs {
		s, err := ruleFolderOrFile(dir)
		if err != nil {
			return ruleSet{}, nil, err
		}
		folders = append(folders, s)
	}
	rs, report := a.load(folders)
	return rs, report, nil
}

// oneFile is a folder of which one file alone is seen.
type oneFile struct {
	fs.FS
	name string
}

func (o oneFile) ReadDir(string) ([]fs.DirEntry, error) {
	info, err := fs.Stat(o.FS, o.name)
	if err != nil {
		return nil, err
	}
	return []fs.DirEntry{fs.FileInfoToDirEntry(info)}, nil
}

func ruleFolderOrFile(path string) (tagger.Folder, error) {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		dir, name := filepath.Split(path)
		dir = filepath.Clean(dir)
		return tagger.Folder{Name: dir, FS: oneFile{ttpcron.RegularFS(dir), name}}, nil
	}
	return ruleFolder(path)
}

type problemJSON struct {
	Source  string `json:"source"`
	File    string `json:"file"`
	Line    int    `json:"line"`  // 0 when it concerns the whole file
	Field   string `json:"field"` // empty when it concerns the whole file
	Text    string `json:"text"`
	Warning bool   `json:"warning"` // the rule is in use all the same
}

// printProblems prints what is wrong with rule files, and counts the warnings.
func (a *app) printProblems(report *tagger.LoadReport, asJSON bool) (warnings int, err error) {
	for _, p := range report.Problems {
		color := red
		if p.Warning {
			color = yellow
			warnings++
		}
		if asJSON {
			err = a.printJSON(problemJSON{p.Folder, p.File, p.Line, p.Field, p.Text, p.Warning})
		} else {
			_, err = fmt.Fprintln(a.stdout, a.out.paint(color, clean(p.String())))
		}
		if err != nil {
			return warnings, err
		}
	}
	return warnings, nil
}

// manyRefused is how many refused files call for a table of the reasons.
const manyRefused = 10

// printReasons counts refused files by the first reason of each, where there
// are many, as in a checkout of SigmaHQ.
func (a *app) printReasons(report *tagger.LoadReport) error {
	if refused(report) < manyRefused {
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
	t := table{columns: []column{{title: "FILES", right: true}, {title: "REFUSED BECAUSE", min: 40}}}
	for _, r := range reasons[:min(len(reasons), most)] {
		t.add(count(files[r]), r)
	}
	fmt.Fprintln(a.stdout)
	if err := t.print(a.stdout, a.out); err != nil {
		return err
	}
	if n := len(reasons) - most; n > 0 {
		fmt.Fprintf(a.stdout, "and %s\n", plural(n, "other reason", "other reasons"))
	}
	fmt.Fprintln(a.stdout)
	return nil
}

func (a *app) rulesCheck() *command {
	fs := a.flags()
	asJSON := fs.Bool("json", false, "print one JSON object a line for each thing that is wrong")
	return &command{
		name: "rules check", args: "[DIR|FILE...]", short: "check rule files without using them", fs: fs, unstored: true,
		text: `Reports what is wrong with rule files, by file, line and field: of the folders
and files named, or of the embedded pack and --rules. A file with an error gives
no rule, and the exit status is 1. A warning leaves its rule in use, or says that
a file which looks like a rule is passed over.`,
		examples: "ttpcron rules check ./my-rules\nttpcron rules check ./my-rules/download.yaml --json",
		exits:    []int{exitFailed, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			rs, report, err := a.named(args)
			if err != nil {
				return err
			}
			warnings, err := a.printProblems(report, *asJSON)
			if err != nil {
				return err
			}
			summary := fmt.Sprintf("%s, %s loaded, %d inert, %d refused, %s", plural(report.Files, "file", "files"), plural(rs.Len(), "rule", "rules"), report.Inert, refused(report), plural(warnings, "warning", "warnings"))
			if *asJSON {
				a.note("%s", summary)
			} else {
				if err := a.printReasons(report); err != nil {
					return err
				}
				fmt.Fprintln(a.stdout, summary)
			}
			if n := refused(report); n > 0 {
				return fmt.Errorf("%s refused", plural(n, "rule file is", "rule files are"))
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

func (a *app) rulesTest() *command {
	fs := a.flags()
	asJSON := fs.Bool("json", false, "print one JSON object a line for each example that fails")
	return &command{
		name: "rules test", args: "[DIR|FILE...]", short: "run the examples that rules carry", fs: fs, unstored: true,
		text: `Runs the examples of every rule, of the folders and files named or of the embedded
pack and --rules: those under tests.match must match, those under tests.no_match
must not.
The exit status is 1 when one comes out otherwise, or a rule file is refused.`,
		examples: "ttpcron rules test\nttpcron rules test ./my-rules",
		exits:    []int{exitFailed, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			rs, report, err := a.named(args)
			if err != nil {
				return err
			}
			a.warnRules(report)
			failures := tagger.Test(rs.RuleSet)
			for _, f := range failures {
				if *asJSON {
					if err := a.printJSON(failureJSON{f.Rule, f.Folder, f.File, f.Example, f.Want, f.Text}); err != nil {
						return err
					}
					continue
				}
				want := "must match"
				if !f.Want {
					want = "must not match"
				}
				fmt.Fprintf(a.stdout, "%s %s (%s/%s): %s, %s: %s\n", a.out.paint(red, "FAIL"), clean(f.Rule), clean(f.Folder), clean(f.File), want, clean(f.Text), clean(f.Example))
			}
			examples, without := 0, 0
			for _, r := range rs.Rules() {
				examples += r.MatchExamples + r.MissExamples
				if r.MatchExamples+r.MissExamples == 0 {
					without++
				}
			}
			summary := fmt.Sprintf("%s, %s, %d failed", plural(rs.Len(), "rule", "rules"), plural(examples, "example", "examples"), len(failures))
			if without > 0 {
				summary += fmt.Sprintf(", %s without examples", plural(without, "rule", "rules"))
			}
			if *asJSON {
				a.note("%s", summary)
			} else {
				fmt.Fprintln(a.stdout, summary)
			}
			switch {
			case len(failures) > 0:
				return fmt.Errorf("%s failed", plural(len(failures), "example", "examples"))
			case refused(report) > 0:
				return hinted{fmt.Errorf("%s refused", plural(refused(report), "rule file was", "rule files were")), "ttpcron rules check says why"}
			}
			return nil
		},
	}
}
