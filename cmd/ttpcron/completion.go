package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/census"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/export"
	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/jobs"
)

func completionCommand() *command {
	return &command{
		Name: "completion", Args: strings.Join(cli.Shells(), "|"), Short: "print a completion script for your shell", Bare: true,
		Text: `The script completes commands, flags, file names and the values of flags that take
one of a list: levels, tactics, techniques, formats, kinds of event, and the rules
of the embedded pack. It matches this version and runs no program.

For bash, now and in every new shell:
  source <(ttpcron completion bash)
  ttpcron completion bash >/usr/share/bash-completion/completions/ttpcron
For zsh, in a folder of $fpath:
  ttpcron completion zsh >/usr/local/share/zsh/site-functions/_ttpcron
For fish:
  ttpcron completion fish >~/.config/fish/completions/ttpcron.fish`,
		Examples: "ttpcron completion bash\nttpcron completion fish | source",
		Exits:    []int{exitFailed},
		Run: func(ctx context.Context, s *session, args []string) error {
			if len(args) != 1 {
				return cli.Usage("completion needs the name of one shell", "shells are "+strings.Join(cli.Shells(), ", "))
			}
			values, err := completedValues()
			if err != nil {
				return err
			}
			program := programOf(rootCommand())
			script, err := cli.Completion(args[0], program.Pages(), values, program.TopicNames())
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(s.out, script)
			return err
		},
	}
}

// completedValues lists what flags and arguments can be, beyond what flags know
// themselves: see [cli.Completion].
func completedValues() (map[string][]string, error) {
	folders, err := ruleset.Folders(true, nil)
	if err != nil {
		return nil, err
	}
	rs, _ := ruleset.Load(ruleset.Options(folders, nil), ruleset.GCQuick)
	var rules, correlations, techniques, tactics, levels, kinds, read, written []string
	for _, l := range ttpcron.Levels() {
		levels = append(levels, l.String())
	}
	for _, r := range rs.Rules() {
		rules = append(rules, r.ID)
	}
	for _, c := range rs.Correlations() {
		correlations = append(correlations, c.Def().ID)
	}
	for t := range attack.Current().All() {
		techniques = append(techniques, t.ID)
	}
	for _, t := range attack.Current().Tactics() {
		tactics = append(tactics, t.ShortName)
	}
	for _, k := range ttpcron.Kinds() {
		kinds = append(kinds, string(k))
	}
	for _, f := range importer.Formats() {
		read = append(read, f.Name)
	}
	for _, f := range export.Formats() {
		written = append(written, f.Name)
	}
	return map[string][]string{
		"--log-level": settings.LogLevels(), "--role": settings.Roles(), "--attack-release": attack.Releases(),
		"--rule": rules, "--correlation": correlations, "--technique": techniques, "--tactic": tactics, "--level": levels,
		"attackers --sort": attackersView(nil).sorts(), "sessions --sort": sessionsView.sorts(), "techniques --sort": techniquesView(attack.Current(), 0).sorts(),
		"sensors --sort": sensorsView(time.Time{}).sorts(), "credentials --sort": credentialsView(census.Credentials).sorts(), "files --sort": filesView.sorts(),
		"--kind": kinds, "--kinds": kinds, "--source": append([]string{jobs.SourceAll, "canary"}, kinds...),
		"import --format": append([]string{importer.Auto}, read...), "export --format": written,
		"rules show": rules, "rules list": rules, "rules retire": rules, "rules unretire": rules, "rules state set": rules, "rules state clear": rules,
		"checkpoint set": {"end"}, "completion": cli.Shells(),
	}, nil
}
