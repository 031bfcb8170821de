package settings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/live"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// Change is what a reload brought and took away.
type Change struct{ added, gone, changed []string }

// ChangeOf compares two configurations.
func ChangeOf(old, c *Daemon) Change {
	var ch Change
	for _, list := range []struct {
		what     string
		old, now []string
	}{
		{"input", old.AllInputs(), c.AllInputs()},
		{"job", old.jobNames(), c.jobNames()},
		{"rules", old.ruleNames(), c.ruleNames()},
		{"kinds", kindNames(old.Kinds), kindNames(c.Kinds)},
		{"own-networks", networkNames(old.OwnNetworks), networkNames(c.OwnNetworks)},
		{"attack-release", one(old.Attack.Number()), one(c.Attack.Number())},
		{"http", one(old.HTTP), one(c.HTTP)},
		{"http-report", onlyIf(old.HTTPReport), onlyIf(c.HTTPReport)},
		{"http-hosts", hostNames(old.HTTPHosts), hostNames(c.HTTPHosts)},
		{"http-token-file", one(old.HTTPTokenFile), one(c.HTTPTokenFile)},
		{"metrics-file", one(old.MetricsFile), one(c.MetricsFile)},
	} {
		ch.gone = append(ch.gone, without(list.what, list.old, list.now)...)
		ch.added = append(ch.added, without(list.what, list.now, list.old)...)
	}
	limits := c.limits()
	for i, was := range old.limits() {
		if was != limits[i] {
			ch.changed = append(ch.changed, fmt.Sprintf("%s %s to %s", limitNames[i], was, limits[i]))
		}
	}
	if old.HTTPTokenFile == c.HTTPTokenFile && old.HTTPToken != c.HTTPToken {
		ch.changed = append(ch.changed, "the token of the report")
	}
	for _, j := range c.Jobs {
		i := slices.IndexFunc(old.Jobs, func(o Job) bool { return o.Name == j.Name })
		if i >= 0 && !j.same(old.Jobs[i]) {
			ch.changed = append(ch.changed, "job "+j.Name)
		}
	}
	return ch
}

func kindNames(kinds []ttpcron.SourceKind) (names []string) {
	for _, k := range kinds {
		names = append(names, string(k))
	}
	return names
}

// one returns a list with a text in it, or none if the text is empty.
func one(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// onlyIf returns a list with true in it, or none.
func onlyIf(on bool) []string {
	if !on {
		return nil
	}
	return []string{"true"}
}

func hostNames(hosts live.Hosts) (names []string) {
	for _, h := range hosts {
		names = append(names, h.String())
	}
	return names
}

// without returns the members of list that other lacks, each with what before it.
func without(what string, list, other []string) (out []string) {
	for _, s := range list {
		if !slices.Contains(other, s) {
			out = append(out, what+" "+s)
		}
	}
	return out
}

// AllInputs lists the inputs of all jobs.
func (c *Daemon) AllInputs() (all []string) {
	for _, j := range c.Jobs {
		if j.Task == TaskRun {
			all = append(all, j.Inputs...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (c *Daemon) jobNames() (names []string) {
	for _, j := range c.Jobs {
		names = append(names, j.Name)
	}
	return names
}

func (c *Daemon) ruleNames() []string {
	names := slices.Clone(c.Rules)
	if c.Embedded {
		names = append(names, "embedded")
	}
	if c.Correlations {
		names = append(names, "correlations")
	}
	return names
}

func networkNames(networks ttpcron.Networks) (names []string) {
	for _, n := range networks {
		names = append(names, n.String())
	}
	return names
}

var limitNames = [...]string{"keep-events", "keep-tags", "max-size", "min-free", "health-limit", "http-report-since"}

func (c *Daemon) limits() (l [len(limitNames)]string) {
	health := "0"
	if c.HealthLimit > 0 {
		health = c.HealthLimit.String()
	}
	for i, v := range []string{c.KeepEvents.String(), c.KeepTags.String(), c.MaxSize.String(), c.MinFree.String(), health, c.ReportSince.String()} {
		if l[i] = v; v == "0" {
			l[i] = "none"
		}
	}
	return l
}

func (j Job) same(o Job) bool {
	return j.Task == o.Task && j.Schedule.String() == o.Schedule.String() && j.Source == o.Source && j.MaxRuntime == o.MaxRuntime && (j.Task != TaskRun || slices.Equal(j.Inputs, o.Inputs))
}

// maxNamed is how many things of a kind are named.
const maxNamed = 10

// Named lists things, a few of them by name.
func Named(things []string) string {
	if n := len(things) - maxNamed; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(things[:maxNamed], ", "), n)
	}
	return strings.Join(things, ", ")
}

// Args are what a log line says of a change.
func (ch Change) Args() (args []any) {
	for _, part := range ch.parts() {
		args = append(args, part.name, term.Clean(Named(part.things)))
	}
	return args
}

// String says it in a few words, "" for nothing.
func (ch Change) String() string {
	var all []string
	for _, part := range ch.parts() {
		all = append(all, part.name+" "+Named(part.things))
	}
	return strings.Join(all, "; ")
}

type changePart struct {
	name   string
	things []string
}

// parts are the parts of a change that are not empty.
func (ch Change) parts() []changePart {
	return slices.DeleteFunc([]changePart{{"gone", ch.gone}, {"added", ch.added}, {"changed", ch.changed}},
		func(p changePart) bool { return len(p.things) == 0 })
}

// Lost refuses a configuration whose file has lost all that it said: an editor may
// be writing it, or a full disk may have left it empty.
func Lost(old, c *Daemon) error {
	if !old.File.Found || old.File.Empty {
		return nil
	}
	what := "is empty"
	switch {
	case c.File.Path != old.File.Path || !c.File.Found:
		what = "is gone"
	case !c.File.Empty:
		return nil
	}
	return fmt.Errorf("config %s %s; a restart would go on without it", old.File.Path, what)
}
