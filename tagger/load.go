package tagger

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ttpcron/ttpcron"
)

// ruleFile is the form of a rule file's name. Other files are ignored, and so
// are those in folders within the folder, unless they hold a Sigma rule.
var ruleFile = regexp.MustCompile(`^[A-Za-z0-9_]+\.ya?ml$`)

// looksLikeRule finds what only a rule has.
var looksLikeRule = regexp.MustCompile(`(?m)^rule_id[ \t]*:`)

// looksLikeSigma finds what only Sigma's rules have.
var looksLikeSigma = regexp.MustCompile(`(?m)^(logsource|detection|correlation)[ \t]*:`)

// The most that the files of all folders may be together, and hold: more would keep a
// daemon over the memory that is promised.
const (
	maxFiles = 10_000
	maxBytes = 32 << 20
	maxRules = 10_000
)

// Load reads and compiles the rules of all folders. The set is never nil, but may be
// empty.
func Load(o Options) (*RuleSet, *LoadReport) { return load(o, nil) }

// load is Load with the files of an earlier set to fall back on.
func load(o Options, before files) (*RuleSet, *LoadReport) {
	l := loader{Options: &o, before: before, byID: map[string]*definition{}, refused: map[string]bool{}, files: files{}, report: &LoadReport{}}
	for i, folder := range o.Beneath {
		l.folder(folder, i)
	}
	l.report = &LoadReport{}
	for i, folder := range o.Folders {
		l.folder(folder, len(o.Beneath)+i)
	}
	links := l.link()
	l.sortProblems()
	if o.WithoutCorrelations {
		links = l.dropCorrelations()
	}
	defs := l.definitions()
	rs, report := newRuleSet(defs, nil, &sync.Map{}, links, nil), l.report
	rs.files, rs.beneath = l.files, len(o.Beneath)
	for i, r := range rs.rules {
		if defs[i].order < rs.beneath {
			continue
		}
		report.Loaded++
		if r.Inert != "" {
			report.Inert++
		}
		if len(r.Claims) == 0 {
			report.Silent++
		}
	}
	return rs, report
}

// sortProblems sorts the problems of correlations, which are found last, to the others of
// their files.
func (l *loader) sortProblems() {
	order := map[string]int{}
	for i, f := range l.Folders {
		order[f.Name] = i
	}
	slices.SortStableFunc(l.report.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(order[a.Folder], order[b.Folder]), cmp.Compare(a.File, b.File))
	})
}

// definitions lists the definitions by id.
func (l *loader) definitions() []*definition {
	defs := make([]*definition, 0, len(l.byID))
	for _, d := range l.byID {
		defs = append(defs, d)
	}
	slices.SortFunc(defs, func(a, b *definition) int { return cmp.Compare(a.ID, b.ID) })
	return defs
}

// link links the correlations and removes those that cannot be used. If the file had a
// usable one before, that stays.
func (l *loader) link() *links {
	links, refused := link(l.definitions(), l.refused, l.OwnNetworks)
	now := map[string]*definition{}
	for id := range refused {
		now[id] = l.byID[id]
		if old := l.correlationBefore(now[id]); old != nil {
			l.byID[id] = old
		}
	}
	still := refused
	if l.before != nil && len(refused) > 0 {
		links, still = link(l.definitions(), l.refused, l.OwnNetworks)
	}
	for _, id := range slices.Sorted(maps.Keys(refused)) {
		d, p := now[id], refused[id]
		_, out := still[id]
		if !out {
			l.report.Kept++
		}
		l.report.Problems = append(l.report.Problems, Problem{Folder: d.Folder, File: d.File, Line: d.lineOf(p.Key), Field: d.fieldOf(p.Key), Text: p.Reason, Kept: !out})
	}
	for id := range still {
		delete(l.byID, id)
	}
	for _, d := range l.definitions() {
		if len(refused)+len(l.refused) > 0 {
			break // they may name it
		}
		if d.order >= len(l.Beneath) && d.idle(links) {
			l.report.Problems = append(l.report.Problems, Problem{Folder: d.Folder, File: d.File, Line: d.line, Field: "emits", Text: "is empty, and no correlation that is loaded names the rule: it has no effect", Warning: true})
		}
	}
	for _, list := range l.files {
		for i, d := range list {
			if d := l.byID[d.ID]; d != nil && d.Folder == list[i].Folder && d.File == list[i].File {
				list[i] = d
			}
		}
	}
	return links
}

// idle reports whether a rule makes no tag and feeds no correlation. Many Sigma rules name
// no technique; they were not written for ttpcron.
func (d *definition) idle(links *links) bool {
	return len(d.Claims) == 0 && !d.sigma && len(links.feeds[d.ID]) == 0 && links.inert[d.ID] == "" && (d.correlation != nil || inertReason(d.match) == "")
}

// dropCorrelations removes all correlations, after their problems are known.
func (l *loader) dropCorrelations() *links {
	for id, d := range l.byID {
		if d.correlation != nil {
			delete(l.byID, id)
		}
	}
	links, _ := link(l.definitions(), nil, l.OwnNetworks)
	return links
}

// correlationBefore returns the correlation that the file had before under that id.
func (l *loader) correlationBefore(d *definition) *definition {
	for _, old := range l.before[fileName{d.Folder, d.File}] {
		if old.ID == d.ID && old.correlation != nil {
			kept := *old
			kept.order = d.order
			return &kept
		}
	}
	return nil
}

// loader is Load at work.
type loader struct {
	*Options
	before files // what the files gave before; nil for nothing
	byID   map[string]*definition
	// refused are the ids and names of rules that cannot be used.
	refused map[string]bool
	files   files
	report  *LoadReport
	room    room
}

// room is the number and size of the rule files that were read.
type room struct {
	files int
	bytes int64
}

// take counts a file, and returns an error when it is one too many.
func (r *room) take(size int64) error {
	size = min(size, maxFile) // larger ones are refused by themselves
	switch {
	case r.files == maxFiles:
		return fmt.Errorf("there are more than %d rule files: the rest is left out", maxFiles)
	case r.bytes+size > maxBytes:
		return fmt.Errorf("the rule files have more than %d MiB together: the rest is left out", maxBytes>>20)
	}
	r.files++
	r.bytes += size
	return nil
}

// folder reads one folder. Of two files with one rule_id the first counts.
func (l *loader) folder(folder Folder, number int) {
	names, listErr := ruleFiles(folder.FS, &l.room)
	read := loadFiles(folder, names, l.Options)
	for i := range read {
		r := &read[i]
		if len(r.defs) == 0 && !r.refused() {
			continue // not a rule
		}
		l.report.Files++
		for _, name := range r.names {
			l.refused[name] = true
		}
		for _, d := range r.defs {
			def := *d
			def.Folder, def.File, def.order = folder.Name, names[i], number
			r.problems = l.take(&def, r.problems)
		}
	}
	for i := range read { // now that the others have their ids
		if old := l.before[fileName{folder.Name, names[i]}]; old != nil && read[i].refused() {
			read[i].problems = l.keep(old, number, read[i].problems)
		}
	}
	if listErr != nil {
		p := Problem{Folder: folder.Name, Text: pathError(listErr).Error()}
		p.Kept = l.keepUnlisted(folder, number, names)
		l.report.Problems = append(l.report.Problems, p)
	}
	for i := range read {
		for _, p := range read[i].problems {
			p.Folder, p.File = folder.Name, names[i]
			l.report.Problems = append(l.report.Problems, p)
		}
	}
}

// take adds a definition to the set, unless its id is taken or the set is full.
func (l *loader) take(def *definition, problems []Problem) []Problem {
	refuse := func(field, format string, args ...any) []Problem {
		return append(problems, Problem{Line: def.line, Field: field, Text: fmt.Sprintf(format, args...)})
	}
	earlier, taken := l.byID[def.ID]
	switch {
	case taken && earlier.order == def.order && earlier.File == def.File:
		return refuse("rule_id", "%s is already the id of another document of the file", def.ID)
	case taken && earlier.order == def.order:
		return refuse("rule_id", "%s is already the id of %s", def.ID, earlier.File)
	case taken:
		l.report.Replaced++
	case len(l.byID) == maxRules:
		return refuse("", "there are more than %d rules: this one is left out", maxRules)
	}
	l.byID[def.ID] = def
	file := fileName{def.Folder, def.File}
	l.files[file] = append(l.files[file], def)
	return problems
}

// ruleFiles lists the YAML files of a folder and of the folders within it, but
// not of hidden ones, in the order of their names.
func ruleFiles(folder fs.FS, room *room) ([]string, error) {
	var names []string
	var failed error
	err := fs.WalkDir(folder, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil:
			failed = errors.Join(failed, fmt.Errorf("%s: %w", name, pathError(err)))
		case e.IsDir() && name != "." && strings.HasPrefix(e.Name(), "."):
			return fs.SkipDir
		case e.IsDir() || !strings.HasSuffix(name, ".yml") && !strings.HasSuffix(name, ".yaml"):
		default:
			size := int64(0)
			if info, err := fs.Stat(folder, name); err == nil { // what it leads to, if it is a link
				size = info.Size()
			}
			if err := room.take(size); err != nil {
				return err
			}
			names = append(names, name)
		}
		return nil
	})
	return names, errors.Join(err, failed)
}

// fileResult is the content of a file. If it has neither a definition nor a problem except
// warnings, the file has no rule.
type fileResult struct {
	defs     []*definition
	names    []string // ids and names of rules that cannot be used
	problems []Problem
}

func (r *fileResult) refused() bool {
	return slices.ContainsFunc(r.problems, func(p Problem) bool { return !p.Warning })
}

// loadFiles reads files on all cores, and returns the results in their order.
func loadFiles(folder Folder, names []string, o *Options) []fileResult {
	out := make([]fileResult, len(names))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(names) {
					return
				}
				out[i] = loadFile(folder, names[i], o)
			}
		})
	}
	workers.Wait()
	return out
}

func loadFile(folder Folder, name string, o *Options) fileResult {
	data, err := readFile(folder.FS, name)
	if err == nil && !ruleFile.MatchString(name) && !holdsSigma(data) {
		return fileResult{problems: passedOver(name, data)}
	}
	if err != nil {
		return fileResult{problems: []Problem{{Text: pathError(err).Error()}}}
	}
	return readRules(data, o)
}

// passedOver warns of a file that looks like a rule but has another sort of name.
func passedOver(name string, data []byte) []Problem {
	if !looksLikeRule.Match(data) || strings.HasPrefix(path.Base(name), ".") {
		return nil
	}
	why := "the name of a rule file has letters, digits and _ alone, before .yaml or .yml"
	if strings.Contains(name, "/") {
		why = "only Sigma's rules are read from folders within the folder"
	}
	return []Problem{{Text: "is passed over: " + why, Warning: true}}
}

func holdsSigma(data []byte) bool {
	roots, err := documents(data)
	if err != nil {
		return looksLikeSigma.Match(data) // to be refused for the error
	}
	return slices.ContainsFunc(roots, isSigma)
}

func readFile(folder fs.FS, name string) ([]byte, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("file is larger than %d bytes", maxFile)
	}
	return data, err
}

// pathError drops the path that a message already begins with.
func pathError(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// kindsOf returns the rule's kinds, each once.
func (d *definition) kindsOf() []ttpcron.SourceKind {
	var out []ttpcron.SourceKind
	for _, k := range d.Kinds {
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}
