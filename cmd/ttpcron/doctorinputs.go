package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/inputs"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/mysqldb"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/importer"
)

const (
	// maxLooked is how many files of an input are opened, the newest first.
	maxLooked = 20
	// tooQuiet is how long an input may go without changes before the doctor mentions it.
	tooQuiet = 7 * 24 * time.Hour
)

func (p *patient) lookAtRules(context.Context) {
	rs, report, err := loadRules(&p.conf.Settings, p.stores.Log)
	if err != nil {
		p.wrongly("rules in the config file, or --rules, names the folders", "rules: %v", err)
		return
	}
	p.rules = rs
	for _, one := range report.Problems {
		if one.Warning {
			p.doubtfully("ttpcron rules check lists all", "rules: %s", one.String())
		} else {
			p.wrongly("ttpcron rules check lists all", "rules: %s", one.String())
		}
	}
	if rs.InForce() == 0 {
		p.wrongly("ttpcron rules list shows the rules and why one is not in force", "no rule is in force, so that no run does anything")
		return
	}
	late, first := 0, ""
	for _, r := range rs.Rules() {
		if due, err := time.Parse(time.DateOnly, r.NextReview); err == nil && due.Before(p.now) {
			if late++; first == "" {
				first = r.ID
			}
		}
	}
	if late > 0 {
		p.doubtfully("look at it, and set last_reviewed and next_review", "%s past next_review, such as %s", term.Plural(late, "rule is", "rules are"), first)
	}
	if report.Inert > 0 {
		p.doubtfully("ttpcron rules list shows why", "%s never match", term.Plural(report.Inert, "rule can", "rules can"))
	}
	if !p.unwell("rules") {
		p.rightly("%s, of which %s", term.Plural(rs.Len(), "rule", "rules"), term.Plural(rs.InForce(), "makes tags", "make tags"))
	}
}

func (p *patient) lookAtInputs(ctx context.Context) {
	var names []string
	for _, j := range p.conf.Jobs {
		if j.Task == settings.TaskRun {
			names = append(names, j.Inputs...)
		}
	}
	names = append(names, p.conf.Inputs...)
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		p.doubtfully(`name them in the config file, such as inputs = ["/var/log/cowrie"]`, "no inputs are configured: only ttpcron import PATH brings events")
		return
	}
	db, err := p.stores.Look(ctx, p.stores.LockTimeout)
	if err != nil {
		db = nil // which is said elsewhere
	} else {
		defer db.Close()
	}
	var all []namedInput
	var ways []*inputs.Way
	for _, name := range names {
		in, err := p.conf.Formats.ParseInput(name)
		if err != nil {
			p.wrongly("ttpcron import --list-formats lists the formats", "input %s: %v", importer.WithoutPassword(name), err)
			continue
		}
		x, err := importer.Expand([]string{in.Path})
		for _, found := range x.Files {
			ways = append(ways, inputs.NewWay(in, found))
		}
		all = append(all, namedInput{name: name, in: in, empty: len(x.Files) == 0, err: err})
	}
	for _, w := range inputs.Nearest(ways) {
		if w.Err != nil {
			p.wrongly("name the file in one input", "input %v", w.Err)
			continue
		}
		i := slices.IndexFunc(all, func(n namedInput) bool { return n.in == w.Input })
		all[i].files = append(all[i].files, w.Found)
	}
	for _, n := range all {
		if ctx.Err() != nil {
			return
		}
		p.lookAtInput(ctx, n, db)
	}
}

// namedInput is an input: a file, folder or pattern.
type namedInput struct {
	name  string
	in    importer.Input
	files []importer.Found // without those that another input names nearer
	empty bool             // it leads to no file
	err   error            // of looking for its files
}

// lookAtInput checks one input.
func (p *patient) lookAtInput(ctx context.Context, n namedInput, db *store.Store) {
	name, in := n.name, n.in
	for _, e := range inputs.Errors(n.err) {
		do := "correct the path, or let the user that makes runs read it"
		if rotated, _ := filepath.Glob(in.Path + "*"); errors.Is(e, os.ErrNotExist) && len(rotated) > 0 {
			do = fmt.Sprintf("it was rotated away, to %s: name the folder, or the pattern '%s*'", rotated[0], in.Path)
		}
		if at := (*fs.PathError)(nil); errors.As(e, &at) {
			e = fmt.Errorf("%s: %w", at.Path, at.Err)
		}
		p.wrongly(do, "input %v", e)
	}
	if n.err != nil {
		return
	}
	if len(n.files) == 0 {
		if n.empty {
			p.doubtfully("is this where the sensor writes?", "input %s: nothing to read there", name)
		}
		return // other inputs name its files nearer, or it was said
	}
	newest, formats, unknown, ok := p.lookAtFiles(ctx, in, n.files)
	if !ok {
		return
	}
	if len(formats) == 0 && unknown != "" {
		p.wrongly("ttpcron import --explain "+unknown+" says what it looks like", "input %s: no file of a format that is known", name)
		return
	}
	read := p.lastRead(ctx, db, n.files)
	text := fmt.Sprintf("input %s: %s", name, term.Plural(len(n.files), "file", "files"))
	if len(formats) > 0 {
		text += " of " + strings.Join(formats, " and ")
	}
	if !newest.IsZero() {
		text += ", written " + term.Away(newest, p.now)
	}
	if !read.IsZero() {
		text += ", read " + term.Away(read, p.now)
	}
	switch {
	case !newest.IsZero() && p.now.Sub(newest) > tooQuiet:
		p.doubtfully("does the sensor still run, and does it write here?", "%s", text)
	default:
		p.rightly("%s", text)
	}
}

// lookAtFiles opens the newest files of an input. It returns when one was last written,
// their formats, and one without a format. If something is wrong, it has been reported,
// and ok is false.
func (p *patient) lookAtFiles(ctx context.Context, in importer.Input, files []importer.Found) (newest time.Time, formats []string, unknown string, ok bool) {
	type dated struct {
		importer.Found
		at time.Time
	}
	var all []dated
	for _, f := range files {
		if importer.IsServer(f.Path) {
			all = append(all, dated{f, time.Time{}})
		} else if info, err := os.Stat(f.Path); err == nil {
			all = append(all, dated{f, info.ModTime()})
			if info.ModTime().After(newest) && !info.ModTime().After(p.now.Add(time.Hour)) {
				newest = info.ModTime()
			}
		}
	}
	slices.SortFunc(all, func(a, b dated) int { return b.at.Compare(a.at) })
	for _, f := range all[:min(len(all), maxLooked)] {
		if importer.IsServer(f.Path) {
			// The server says itself who may read there.
		} else if err := p.service.May(f.Path, host.Read); err != nil {
			p.wrongly("add the user to the group of the file, such as SupplementaryGroups=cowrie: docs/systemd.md", "input %s: %v", in.Path, err)
			return newest, formats, unknown, false
		}
		file, err := importer.Open(ctx, f.Path, importer.Options{Catalog: p.conf.Formats, Format: in.Format, Settings: in.Settings, Below: f.Below, Named: f.Path == in.Path, Now: func() time.Time { return p.now }, Connect: mysqldb.Connect})
		var no *importer.UnknownFormatError
		var below *importer.BelowError
		var lacks *importer.LacksError
		switch {
		case ctx.Err() != nil:
			return newest, formats, unknown, false
		case errors.As(err, &no):
			unknown = f.Path
		case errors.As(err, &below):
		case errors.As(err, &lacks):
			p.wrongly("set it for this input in a table [[input]] of the config file", "input %s: %v", in.Path, err)
			return newest, formats, unknown, false
		case err != nil:
			p.wrongly("let the user that makes runs read it", "input %s: %v", in.Path, err)
			return newest, formats, unknown, false
		default:
			if name := file.Recognition().Format; name != "" && !slices.Contains(formats, name) {
				formats = append(formats, name)
			}
			file.Close()
		}
	}
	slices.Sort(formats)
	return newest, formats, unknown, true
}

// lastRead is when a run last saw one of some files; zero where that is not known.
func (p *patient) lastRead(ctx context.Context, db *store.Store, files []importer.Found) (last time.Time) {
	if db == nil {
		return last
	}
	var paths []string
	for _, f := range files[:min(len(files), 1000)] {
		paths = append(paths, f.Path)
	}
	looks, err := db.Archive.FileLooks(ctx, paths)
	if err != nil {
		return last
	}
	for _, l := range looks {
		if l.SeenAt.After(last) {
			last = l.SeenAt
		}
	}
	return last
}
