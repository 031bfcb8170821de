package tagger

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// maxFiles bounds how many rule files one source may have.
const maxFiles = 20_000

// Load reads and compiles the rules of all sources. The set is never nil; it
// may be empty, which is the caller's to judge.
func Load(o Options) (*RuleSet, *LoadReport) {
	report := &LoadReport{}
	byID := map[string]*definition{}
	for i, src := range o.Sources {
		loadSource(src, i, &o, byID, report)
	}
	defs := make([]*definition, 0, len(byID))
	for _, d := range byID {
		defs = append(defs, d)
	}
	slices.SortFunc(defs, func(a, b *definition) int { return cmp.Compare(a.ID, b.ID) })
	rs := newRuleSet(defs, nil, &sync.Map{})
	report.Loaded = len(defs)
	for _, r := range rs.rules {
		if r.Inert != "" {
			report.Inert++
		}
	}
	return rs, report
}

// loadSource reads one folder. Of two files with one rule_id the first counts.
func loadSource(src Source, number int, o *Options, byID map[string]*definition, report *LoadReport) {
	names, err := ruleFiles(src.FS)
	if err != nil {
		report.Problems = append(report.Problems, Problem{Source: src.Name, Text: pathError(err).Error()})
	}
	for i, read := range loadFiles(src, names, o) {
		name, def, problems := names[i], read.def, read.problems
		if def == nil && len(problems) == 0 {
			continue // not a rule
		}
		report.Files++
		if def != nil {
			def.Source, def.File, def.source = src.Name, name, number
			earlier, taken := byID[def.ID]
			switch {
			case taken && earlier.source == number:
				problems = append(problems, Problem{Field: "rule_id", Text: fmt.Sprintf("%s is already the id of %s", def.ID, earlier.File)})
			case taken:
				report.Replaced++
				fallthrough
			default:
				byID[def.ID] = def
			}
		}
		for _, p := range problems {
			p.Source, p.File = src.Name, name
			report.Problems = append(report.Problems, p)
		}
	}
}

// ruleFiles lists the YAML files of a folder and of the folders within it, but
// not of hidden ones, in the order of their names.
func ruleFiles(folder fs.FS) ([]string, error) {
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
		case len(names) == maxFiles:
			return fmt.Errorf("more than %d rule files, the rest is left out", maxFiles)
		default:
			names = append(names, name)
		}
		return nil
	})
	return names, errors.Join(err, failed)
}

// fileResult is what became of one file.
type fileResult struct {
	def      *definition
	problems []Problem
}

// loadFiles reads files on all cores, and returns the results in their order.
func loadFiles(src Source, names []string, o *Options) []fileResult {
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
				out[i].def, out[i].problems = loadFile(src, names[i], o)
			}
		})
	}
	workers.Wait()
	return out
}

// loadFile reads one file. Without a definition and without a problem it is no
// rule.
func loadFile(src Source, name string, o *Options) (*definition, []Problem) {
	data, err := readFile(src.FS, name)
	if err == nil && !ruleFile.MatchString(name) && !holdsSigma(data) {
		return nil, nil
	}
	if err != nil {
		return nil, []Problem{{Text: pathError(err).Error()}}
	}
	return readRule(data, o)
}

// holdsSigma reports whether a file is a Sigma rule.
func holdsSigma(data []byte) bool {
	root, err := document(data)
	return err == nil && isSigma(root)
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

// cut returns the first bytes of s, ending at a rune boundary.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	// A rune has at most three continuation bytes; bytes that are no UTF-8 at
	// all are cut where they are.
	for i := most; i > most-4 && i > 0; i-- {
		if s[i]&0xc0 != 0x80 {
			return s[:i]
		}
	}
	return s[:most]
}
