package tagger

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"slices"
	"time"
)

// fileName names a rule file by the name of its folder and its own.
type fileName struct{ folder, file string }

// files says which definitions each file gave.
type files map[fileName][]*definition

// Reload reads the rules of all folders again, as Load does, with one difference: a file
// that can no longer be used, in whole or in part, keeps those of its rules in this set
// that it no longer gives. So do the files of a folder that cannot be listed. Their
// faults are in the report, with Kept set. The rules of a deleted file go with it.
//
// The set itself does not change: its users keep it, and switch to the new one when
// convenient. States are not carried over, see [RuleSet.WithStates].
func (rs *RuleSet) Reload(o Options) (*RuleSet, *LoadReport) { return load(o, rs.files) }

// keep puts a file's earlier rules in place of those that it no longer gives, and adds
// that to its problems.
func (l *loader) keep(before []*definition, number int, problems []Problem) []Problem {
	n, kept := len(problems), false
	for _, old := range before {
		if now := l.byID[old.ID]; now != nil && now.Folder == old.Folder && now.File == old.File {
			continue
		}
		def := *old
		def.order, def.line = number, 0
		before := len(problems)
		if problems = l.take(&def, problems); len(problems) == before {
			l.report.Kept++
			kept = true
		}
	}
	for i := range problems[:n] {
		problems[i].Kept = kept && !problems[i].Warning
	}
	return problems
}

// keepUnlisted keeps the rules of a folder's files that are not in a list that
// could not be made to its end, and reports whether there are any.
func (l *loader) keepUnlisted(folder Folder, number int, listed []string) bool {
	var lost []string
	for name := range l.before {
		if name.folder == folder.Name && !slices.Contains(listed, name.file) {
			lost = append(lost, name.file)
		}
	}
	slices.Sort(lost)
	for _, file := range lost {
		l.keep(l.before[fileName{folder.Name, file}], number, nil)
	}
	return lost != nil
}

// lookCost is the shortest pause after a look, in multiples of the time that the look
// took, so watching many files on a slow disk is cheap.
const lookCost = 200

// Watch sends a value when the rule files of the folders have changed, until ctx is
// done. At each interval it compares the names, sizes, times and inodes of the files by
// path, so it notices folders that are replaced by a rename or a symbolic link, and
// files on network disks. A change is reported once two consecutive looks agree, so that
// files are not read while they are being written. At most one value is pending. folders
// is called each time; a different result counts as a change.
func Watch(ctx context.Context, folders func() []Folder, every time.Duration) <-chan struct{} {
	changed := make(chan struct{}, 1)
	w := watch{reported: stamp(folders())}
	w.seen = w.reported
	go func() {
		pause := time.NewTimer(every)
		defer pause.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-pause.C:
			}
			began := time.Now()
			if w.look(stamp(folders())) {
				select {
				case changed <- struct{}{}:
				default:
				}
			}
			pause.Reset(max(every, lookCost*time.Since(began)))
		}
	}()
	return changed
}

// watch decides when a change is reported.
type watch struct{ reported, seen [sha256.Size]byte }

// look reports whether the state is the same as at the last look and has not been reported
// yet.
func (w *watch) look(now [sha256.Size]byte) bool {
	settled := now == w.seen && now != w.reported
	w.seen = now
	if settled {
		w.reported = now
	}
	return settled
}

// stamp is over the names, sizes, times and inodes of all files that may hold a
// rule.
func stamp(folders []Folder) (sum [sha256.Size]byte) {
	h := sha256.New()
	var all room
	for _, folder := range folders {
		names, err := ruleFiles(folder.FS, &all)
		fmt.Fprintf(h, "%q %t\n", folder.Name, err == nil)
		for _, name := range names {
			if info, err := fs.Stat(folder.FS, name); err == nil {
				fmt.Fprintf(h, "%q %d %d %v %v\n", name, info.Size(), info.ModTime().UnixNano(), info.Mode(), inode(info))
			} else {
				fmt.Fprintf(h, "%q\n", name)
			}
		}
	}
	h.Sum(sum[:0])
	return sum
}
