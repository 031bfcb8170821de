package main

import (
	"fmt"
	"slices"
	"strings"
)

// configChange is what a reload brought and took away.
type configChange struct{ added, gone, changed []string }

// changeOf compares two configurations.
func changeOf(old, c *daemonConfig) configChange {
	var ch configChange
	for _, list := range []struct {
		what     string
		old, now []string
	}{
		{"input", old.allInputs(), c.allInputs()},
		{"job", old.jobNames(), c.jobNames()},
		{"rules", old.ruleNames(), c.ruleNames()},
		{"http", one(old.http), one(c.http)},
		{"metrics-file", one(old.metricsFile), one(c.metricsFile)},
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
	for _, j := range c.jobs {
		i := slices.IndexFunc(old.jobs, func(o jobConfig) bool { return o.name == j.name })
		if i >= 0 && !j.same(old.jobs[i]) {
			ch.changed = append(ch.changed, "job "+j.name)
		}
	}
	return ch
}

// one is a list of a text, unless that is empty.
func one(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// without names what one list has and another has not.
func without(what string, list, other []string) (out []string) {
	for _, s := range list {
		if !slices.Contains(other, s) {
			out = append(out, what+" "+s)
		}
	}
	return out
}

func (c *daemonConfig) allInputs() (all []string) {
	for _, j := range c.jobs {
		if j.task == taskRun {
			all = append(all, j.inputs...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (c *daemonConfig) jobNames() (names []string) {
	for _, j := range c.jobs {
		names = append(names, j.name)
	}
	return names
}

func (c *daemonConfig) ruleNames() []string {
	names := slices.Clone([]string(c.app.set.rules))
	if c.app.set.embedded {
		names = append(names, "embedded")
	}
	return names
}

var limitNames = [...]string{"keep-events", "keep-tags", "max-size", "min-free", "health-limit"}

func (c *daemonConfig) limits() (l [len(limitNames)]string) {
	health := ""
	if c.healthLimit > 0 {
		health = c.healthLimit.String()
	}
	for i, v := range []string{c.keepEvents.String(), c.keepTags.String(), c.maxSize.String(), c.minFree.String(), health} {
		if l[i] = v; v == "" {
			l[i] = "none"
		}
	}
	return l
}

func (j jobConfig) same(o jobConfig) bool {
	return j.task == o.task && j.schedule.String() == o.schedule.String() && j.source == o.source && j.maxRuntime == o.maxRuntime && (j.task != taskRun || slices.Equal(j.inputs, o.inputs))
}

// maxNamed is how many things of a kind are named.
const maxNamed = 10

// named lists things, a few of them by name.
func named(things []string) string {
	if n := len(things) - maxNamed; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(things[:maxNamed], ", "), n)
	}
	return strings.Join(things, ", ")
}

// args are what a log line says of a change.
func (ch configChange) args() (args []any) {
	for _, part := range ch.parts() {
		args = append(args, part.name, clean(named(part.things)))
	}
	return args
}

// String says it in a few words, "" for nothing.
func (ch configChange) String() string {
	var all []string
	for _, part := range ch.parts() {
		all = append(all, part.name+" "+named(part.things))
	}
	return strings.Join(all, "; ")
}

type changePart struct {
	name   string
	things []string
}

// parts are those that are not empty.
func (ch configChange) parts() []changePart {
	return slices.DeleteFunc([]changePart{{"gone", ch.gone}, {"added", ch.added}, {"changed", ch.changed}},
		func(p changePart) bool { return len(p.things) == 0 })
}

// lost refuses a configuration whose file has lost all that it said: an editor
// may be writing it, and a disk that was full has left it empty.
func lost(old, c *daemonConfig) error {
	if !old.file.found || old.file.empty {
		return nil
	}
	what := "is empty"
	switch {
	case c.file.path != old.file.path || !c.file.found:
		what = "is gone"
	case !c.file.empty:
		return nil
	}
	return fmt.Errorf("config %s %s; a restart would go on without it", old.file.path, what)
}
