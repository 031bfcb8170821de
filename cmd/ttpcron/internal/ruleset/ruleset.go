// Package ruleset loads the rules that are in force: the embedded pack and the
// folders that were named, and what operators decided about them. Start with
// [Load], which reads files; a [Set] is those rules as a job uses them, and
// [Life.InForce] applies the decisions in a store.
package ruleset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/tagger"
	"github.com/ttpcron/ttpcron/tagger/correlation"
)

// Set is a set of rules as runs use it.
type Set struct {
	*tagger.RuleSet
	Log      hclog.Logger // is told of rules that fail on an event
	Observer Observer     // nil for none
}

// Observer is told what taggers do.
type Observer interface {
	// RuleError is called when a rule failed on an event.
	RuleError()
	// Tagger is called with each tagger that is made.
	Tagger(*tagger.Composite)
}

var _ jobs.Rules = Set{}

// Applying counts the rules in force that apply to a kind.
func (r Set) Applying(kind ttpcron.SourceKind) int { return r.Active(kind) }

// Only returns the rules with these ids.
func (r Set) Only(ids map[string]bool) jobs.Rules { return r.with(r.RuleSet.Only(ids)) }

// Has reports whether the set has a rule, in force or not.
func (r Set) Has(id string) bool {
	_, ok := r.Rule(id)
	return ok
}

func (r Set) with(rs *tagger.RuleSet) Set { return Set{rs, r.Log, r.Observer} }

// Correlations lists the rules over several events that are in force.
func (r Set) Correlations() []jobs.Correlation {
	rules := r.RuleSet.Correlations()
	out := make([]jobs.Correlation, len(rules))
	for i, rule := range rules {
		out[i] = correlationRule{rule}
	}
	return out
}

// correlationRule is a rule over several events as jobs use it.
type correlationRule struct{ *correlation.Rule }

// Judge returns a judge for one goroutine.
func (r correlationRule) Judge() jobs.Judge { return r.Rule.Judge() }

// Streams are those whose matches it looks at: none where no tag would come of it.
func (r correlationRule) Streams() []*ttpcron.Stream {
	if r.Silent() {
		return nil
	}
	return r.Rule.Streams()
}

// Tagger returns a tagger for one goroutine.
func (r Set) Tagger() jobs.Tagger {
	t := r.RuleSet.Tagger(func(e ttpcron.Event, rule string, err error) {
		if rule == "" {
			r.Log.Warn("no rule applies to a kind of event", "kind", term.Clean(string(e.Kind)))
			return
		}
		if r.Observer != nil {
			r.Observer.RuleError()
		}
		r.Log.Warn("a rule failed on an event, its tags are lost", "rule", term.Clean(rule), "kind", term.Clean(string(e.Kind)), "event", term.Clean(e.SourceID()), "error", term.Clean(err.Error()))
	})
	if r.Observer != nil {
		r.Observer.Tagger(t)
	}
	return t
}

// Folders lists where rules come from: the embedded pack, if it is in force, and
// folders over it.
func Folders(embedded bool, dirs []string) ([]tagger.Folder, error) {
	var folders []tagger.Folder
	if embedded {
		folders = append(folders, tagger.Folder{Name: "embedded", FS: tagger.Embedded()})
	}
	for _, dir := range dirs {
		s, err := folder(dir)
		if err != nil {
			return nil, err
		}
		folders = append(folders, s)
	}
	return folders, nil
}

// How eagerly garbage is collected while rules are loaded, see debug.SetGCPercent.
const (
	// GCQuick is for a command: little of what loading allocates stays, and the heap
	// is small, so that looking for garbage at every few MiB would take a third of
	// the time.
	GCQuick = 400
	// GCForYears is for a daemon, whose rules stay for years: it leaves few gaps
	// between them, and the idle daemon takes a quarter less memory than with Go's
	// default.
	GCForYears = 20
)

// Load loads rules. Those that cannot be loaded are in the report.
func Load(o tagger.Options, gc int) (*tagger.RuleSet, *tagger.LoadReport) {
	defer debug.SetGCPercent(debug.SetGCPercent(gc))
	return tagger.Load(o)
}

// Options are those with which rules are loaded. Addresses of own networks take no part
// in groups by address.
func Options(folders []tagger.Folder, own ttpcron.Networks) tagger.Options {
	o := tagger.Options{Folders: folders, OwnNetworks: own}
	for _, table := range attack.Tables() {
		o.Releases = append(o.Releases, tagger.AttackRelease{Name: table.Release(), Technique: techniqueIn(table), Tactics: tacticsOf(table)})
	}
	return o
}

func folder(dir string) (tagger.Folder, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("there is no folder %s", dir)
	case err == nil && !info.IsDir():
		err = fmt.Errorf("%s is not a folder", dir)
	}
	if err != nil {
		return tagger.Folder{}, cli.Hint(fmt.Errorf("rules: %w", err), "name a folder that holds rule files, *.yaml")
	}
	return tagger.Folder{Name: dir, FS: ttpcron.RegularFS(dir)}, nil
}

// tacticsOf are the ids of a table's tactics, by short name.
func tacticsOf(table *attack.Table) map[string]string {
	ids := map[string]string{}
	for _, t := range table.Tactics() {
		ids[t.ShortName] = t.ID
	}
	return ids
}

// techniqueIn tells the tagger what an embedded ATT&CK table knows of an id.
func techniqueIn(table *attack.Table) func(id string) (tagger.Technique, bool) {
	return func(id string) (tagger.Technique, bool) {
		t, ok := table.Lookup(id)
		return tagger.Technique{Tactics: t.Tactics, Revoked: t.Revoked, RevokedBy: t.RevokedBy, Deprecated: t.Deprecated}, ok
	}
}

// Warn logs what is wrong with rule files.
func Warn(log hclog.Logger, report *tagger.LoadReport) {
	for _, p := range report.Problems {
		if p.Warning {
			log.Debug("rule file", "problem", term.Clean(p.String()))
		} else {
			log.Warn("rule refused", "problem", term.Clean(p.String()))
		}
	}
	if report.Silent > 0 {
		log.Debug("rules that name no technique make no tag", "rules", report.Silent)
	}
}

// SayUnclaimed logs that no rule in force applies to some kinds of event, if there
// are any.
func SayUnclaimed(log hclog.Logger, kinds []ttpcron.SourceKind) {
	var names []string
	for _, k := range kinds {
		names = append(names, term.Clean(jobs.SourceOf(k)))
	}
	if len(names) > 0 {
		log.Info("no rule in force applies to some kinds of event: they are kept, and no run looks at them", "kinds", strings.Join(names, ", "))
	}
}

// Refused counts the files that gave no rule.
func Refused(report *tagger.LoadReport) int {
	files := map[[2]string]bool{}
	for _, p := range report.Problems {
		if !p.Warning {
			files[[2]string{p.Folder, p.File}] = true
		}
	}
	return len(files)
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

// FolderOrFile returns a folder of rules, or a file as a folder that holds nothing else.
func FolderOrFile(path string) (tagger.Folder, error) {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		dir, name := filepath.Split(path)
		dir = filepath.Clean(dir)
		return tagger.Folder{Name: dir, FS: oneFile{ttpcron.RegularFS(dir), name}}, nil
	}
	return folder(path)
}
