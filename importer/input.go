package importer

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Input is what a user asked to import.
type Input struct {
	Format   string // a format's name, or Auto
	Settings Settings
	Path     string // a file, a folder, a pattern, "-" or a database on a server
}

// String writes the input as [Catalog.ParseInput] reads it.
func (in Input) String() string {
	settings := in.Settings.String()
	switch {
	case settings != "":
		return in.Format + "," + settings + ":" + in.Path
	case in.Format != Auto || formatPrefix.MatchString(before(in.Path)):
		return in.Format + ":" + in.Path
	}
	return in.Path
}

// before returns what stands before the first colon, empty if there is none.
func before(path string) string {
	prefix, _, ok := strings.Cut(path, ":")
	if !ok {
		return ""
	}
	return prefix
}

var formatPrefix = newExpression(`^[A-Za-z][A-Za-z0-9_-]+(,[a-z]+=[^,:=]*)*$`)

// ParseInput is [Catalog.ParseInput] for the formats that this program knows.
func ParseInput(s string) (Input, error) { return (*Catalog)(nil).ParseInput(s) }

// ParseInput reads "PATH", "FORMAT:PATH" or "FORMAT,SETTING=VALUE,…:PATH". A prefix counts
// as a format only if it looks like a format's name: "/var/log/a:b", "C:\logs" and the name
// of an existing file that holds a colon are paths. An unknown format is an error.
func (c *Catalog) ParseInput(s string) (Input, error) {
	if s == "" {
		return Input{}, errors.New("the path of an input is empty")
	}
	if IsServer(s) {
		return onServer(Input{Format: Auto, Path: s})
	}
	prefix, path, ok := strings.Cut(s, ":")
	if _, known := c.find(prefix); !known && !strings.Contains(prefix, ",") && prefix != Auto && IsLikeServer(s) {
		if _, err := os.Lstat(s); err != nil {
			return Input{}, errNoServer
		}
	}
	if !ok || !formatPrefix.MatchString(prefix) {
		return Input{Format: Auto, Path: s}, nil
	}
	format, settings, some := strings.Cut(prefix, ",")
	if _, known := c.find(format); known || format == Auto {
		if path == "" {
			return Input{}, fmt.Errorf("input %q has no path after the format", s)
		}
		in := Input{Format: format, Path: path}
		if some {
			var err error
			if in.Settings, err = parseSettings(settings); err != nil {
				return Input{}, fmt.Errorf("input %q: %w", WithoutPassword(s), err)
			}
		}
		return onServer(in)
	}
	if _, err := os.Lstat(s); err == nil {
		return Input{Format: Auto, Path: s}, nil
	}
	if strings.Contains(s, "@") { // and perhaps a password before it
		return Input{}, fmt.Errorf("input %s…: unknown format %q", format, format)
	}
	return Input{}, fmt.Errorf("input %q: unknown format %q", s, format)
}

var errNoServer = errors.New("an input is a file, a folder, a pattern or a database mysql://USER@HOST:PORT/DATABASE, and no other URL")

// onServer checks the name of a database, if an input is on a server.
func onServer(in Input) (Input, error) {
	if IsServer(in.Path) {
		if _, err := ParseServer(in.Path); err != nil {
			return Input{}, err
		}
	}
	return in, nil
}

// Expansion is the result of Expand.
type Expansion struct {
	Files []Found
	// Left is what the scan skipped: links out of a folder, devices, folders of captured
	// files. It is not a failure.
	Left []*LeftError
}

// Found is a file to read.
type Found struct {
	Path string
	// Below says that the user named neither the file nor the folder that it
	// lies in, but one further up: see [Options.Below].
	Below bool
}

const (
	maxCapturesNamed = 5
	// maxLeft limits how many skipped items are listed separately.
	maxLeft = 10_000
	// maxNamed is how many bytes of a path that is too long are named.
	maxNamed = 255
	// maxFound bounds the files of one scan.
	maxFound = 1_000_000
)

// captureFolders are the names of folders where sensors keep attackers' files: uploads,
// downloads, recordings. An attacker chooses their content, and it may look like a log, so
// a scan skips them, see isCapture.
var captureFolders = map[string]bool{
	"artefacts": true, "artifacts": true, "attachments": true, "attacks": true, "binaries": true, "bistreams": true,
	"captures": true, "dl": true, "download": true, "downloads": true, "extract_files": true, "filestore": true,
	"malware": true, "payload": true, "payloads": true, "pcap": true, "pcaps": true, "quarantine": true, "roots": true,
	"rtp": true, "tty": true, "ttylog": true, "ttylogs": true, "upload": true, "uploads": true,
}

// CaptureFolders lists the names of folders that a scan does not enter, sorted.
func CaptureFolders() []string { return slices.Sorted(maps.Keys(captureFolders)) }

// isCapture reports whether a folder's name is one of these, in upper or lower case, or
// begins or ends with one as a separate word: "downloads.old", "tty.1",
// "sensor1_downloads".
func isCapture(name string) bool {
	name = strings.ToLower(name)
	if captureFolders[name] {
		return true
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return r < 'a' || r > 'z' })
	return len(words) > 0 && (captureFolders[words[0]] || captureFolders[words[len(words)-1]])
}

// Expand turns files, folders, patterns (as in [path/filepath.Match]), "-" and databases on servers into the
// paths of files, each once, in the order given and sorted within a folder or pattern. In a
// folder, the rotated files of one log come oldest first: cowrie.json.10, cowrie.json.2,
// cowrie.json.1, cowrie.json. Folders are read with everything below them, except folders
// of captured files (see [CaptureFolders]) that the user did not name. Symbolic links in
// them are not followed. A pattern that names an existing file is that file; its wildcards
// do not match folders of captured files.
//
// The paths are valid even if the error is not nil: it joins one error for each path that
// is missing, unreadable, or named but not a file.
func Expand(patterns []string) (Expansion, error) {
	x := expansion{seen: map[string]int{}}
	for _, p := range patterns {
		x.pattern(p)
		x.endCaptures(p)
	}
	return x.Expansion, errors.Join(x.errs...)
}

type expansion struct {
	Expansion
	seen     map[string]int // index in Files
	errs     []error
	captures []string // folders of captured files, the first of them
	captured int
	left     int // of Left, without those folders
	tpot     tpotFolder
}

// add adds a file. If it is found from two places, it counts as named if it is in one of
// them directly.
func (x *expansion) add(path string, below bool) {
	clean := path
	if path != Stdin && !IsServer(path) {
		clean = filepath.Clean(path)
	}
	if i, ok := x.seen[clean]; ok {
		x.Files[i].Below = x.Files[i].Below && below
		return
	}
	x.seen[clean] = len(x.Files)
	x.Files = append(x.Files, Found{clean, below})
}

func (x *expansion) fail(err error) { x.errs = append(x.errs, err) }

// leave records that something in a folder is skipped. If there are too many, only the
// first are named.
func (x *expansion) leave(path, reason string) {
	if x.left++; x.left <= maxLeft {
		x.Left = append(x.Left, &LeftError{Path: path, Reason: reason})
	}
}

// capture counts a folder of files that Cowrie captured. It is skipped: it has attackers'
// files, not logs.
func (x *expansion) capture(path string) {
	x.captured++
	if len(x.captures) < maxCapturesNamed {
		x.captures = append(x.captures, path)
	}
}

// endCaptures says which folders of captured files were not entered.
func (x *expansion) endCaptures(pattern string) {
	if x.captured == 0 {
		return
	}
	folders := "1 folder"
	if x.captured > 1 {
		folders = fmt.Sprintf("%d folders", x.captured)
	}
	list := strings.Join(x.captures, ", ")
	if more := x.captured - len(x.captures); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	x.Left = append(x.Left, &LeftError{Path: pattern, Reason: fmt.Sprintf("%s of captured files, not entered: %s; name one to read what is in it", folders, list)})
	x.captures, x.captured = nil, 0
}

func (x *expansion) pattern(p string) {
	if p == Stdin || IsServer(p) {
		x.add(p, false)
		return
	}
	_, err := os.Lstat(p)
	if err == nil || !strings.ContainsAny(p, wildcards) {
		x.named(p)
		return
	}
	matches, err := filepath.Glob(p)
	if err != nil {
		x.fail(fmt.Errorf("pattern %q: %w", p, err))
		return
	}
	if len(matches) == 0 {
		x.fail(fmt.Errorf("pattern %q: no file matches", p))
		return
	}
	slices.Sort(matches)
	for _, m := range matches {
		if folder := capturedBy(p, m); folder != "" {
			if !slices.Contains(x.captures, folder) {
				x.capture(folder)
			}
		} else if !companion(m) {
			x.named(m)
		}
	}
}

const wildcards = `*?[`

// capturedBy returns the folder of captured files that a wildcard of a pattern
// matched, if one did.
func capturedBy(pattern, match string) string {
	pattern, match = filepath.Clean(pattern), filepath.Clean(match)
	want, got := strings.Split(pattern, "/"), strings.Split(match, "/")
	if len(want) != len(got) {
		return ""
	}
	for i := range want {
		if !strings.ContainsAny(want[i], wildcards) || !isCapture(got[i]) {
			continue
		}
		folder := strings.Join(got[:i+1], "/")
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			return folder
		}
	}
	return ""
}

// named takes in a path that the user gave, following it when it is a link.
func (x *expansion) named(path string) {
	info, err := os.Stat(path)
	if err != nil {
		x.fail(err)
		return
	}
	if info.IsDir() {
		x.folder(path)
		return
	}
	if kind := ttpcron.Irregular(info.Mode()); kind != "" {
		x.fail(notRegular(&ttpcron.NotRegularError{Path: path, Kind: kind}))
		return
	}
	x.add(path, false)
}

// folder takes in all files below a folder.
func (x *expansion) folder(root string) {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		x.fail(err)
		return
	}
	first := len(x.Files)
	err = filepath.WalkDir(real, func(path string, d fs.DirEntry, err error) error {
		shown := root
		if rel, relErr := filepath.Rel(real, path); relErr == nil {
			shown = filepath.Join(root, rel)
		}
		switch {
		case errors.Is(err, syscall.ENAMETOOLONG):
			x.leave(shown[:min(len(shown), maxNamed)]+"…", "its path is too long")
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
		case err != nil:
			x.fail(err)
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir() && path != real && isCapture(d.Name()):
			x.capture(shown)
			return fs.SkipDir
		case path != real && x.tpot.leaves(path, d) != "":
			x.leave(shown, x.tpot.leaves(path, d))
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir() || companion(path):
		case d.Type()&fs.ModeSymlink != 0:
			x.link(real, path, shown)
		case !d.Type().IsRegular():
			x.leave(shown, "it is "+ttpcron.Irregular(d.Type())+", not a file")
		case len(x.Files) >= maxFound:
			return fmt.Errorf("more than %d files: the rest is not read; name folders further down", maxFound)
		default:
			x.add(shown, filepath.Dir(path) != real && !x.tpot.names(path))
		}
		return nil
	})
	if err != nil {
		x.fail(err)
	}
	oldestFirst(x.Files[first:])
	for i := first; i < len(x.Files); i++ {
		x.seen[x.Files[i].Path] = i
	}
}

// link handles a symbolic link in a folder. If its target is in the folder too, that is
// read under its own name; otherwise it is skipped.
func (x *expansion) link(root, path, shown string) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		x.leave(shown, "it is a link that leads nowhere")
		return
	}
	if rel, err := filepath.Rel(root, target); err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		x.leave(shown, "it is a link out of the folder and was not followed; name it to read it")
	}
}

// LeftError says that a scan skipped something.
type LeftError struct {
	Path, Reason string
	look         *ttpcron.FileLook
	said         bool
}

func (e *LeftError) Error() string { return e.Path + ": " + e.Reason }

// Look returns what is to be remembered, or nil.
func (e *LeftError) Look() *ttpcron.FileLook { return e.look }

// SaidBefore reports whether an earlier import skipped the same.
func (e *LeftError) SaidBefore() bool { return e.said }

// howLeft is the How of what was left.
const howLeft = "left"

// Remembered returns the error for a caller that knows what an earlier import remembered
// under its path.
func (e *LeftError) Remembered(known ttpcron.FileLook, now time.Time) *LeftError {
	left := *e
	left.said = known.Path == e.Path && known.How == howLeft && known.Reason == e.Reason
	if age := now.Sub(known.SeenAt); !left.said || age < 0 || age >= seenAgain {
		left.look = &ttpcron.FileLook{Path: e.Path, How: howLeft, Outcome: ttpcron.LookUnknown, Reason: e.Reason, SeenAt: now}
	}
	return &left
}

// companion reports whether a file belongs to a SQLite database next to it, and is read
// with that.
func companion(path string) bool {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if base, ok := strings.CutSuffix(path, suffix); ok {
			if info, err := os.Stat(base); err == nil && info.Mode().IsRegular() {
				return true
			}
		}
	}
	return false
}
