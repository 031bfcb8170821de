package ttpcron_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ttpcron/ttpcron"

type listed struct {
	ImportPath string
	Imports    []string
}

// list asks the go command about packages of this module.
func list(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, stderr.Bytes())
	}
	var packages []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		t.Fatal("go list found no package")
	}
	return packages
}

// star returns the folder under the module's root that a package lies in, "."
// for the root package and "" for a package of another module.
func star(path string) string {
	if path == module {
		return "."
	}
	rest, ours := strings.CutPrefix(path, module+"/")
	if !ours {
		return ""
	}
	folder, _, _ := strings.Cut(rest, "/")
	return folder
}

// jsonText is the package of JSON, the leaf below the root.
const jsonText = "jsontext"

// shelf are packages that know nothing of what others do with them, and which all but the
// root and jsontext may import: the dictionary of ATT&CK, and the form of CSV.
var shelf = []string{"attack", "csvtext"}

// Every package may import jsontext, the root, what is on the shelf, and its own
// sub-packages; the root imports jsontext alone, and that nothing of ours. Only the programs in cmd join
// packages of different folders.
func TestPackagesFormAStar(t *testing.T) {
	for _, p := range list(t, "./...") {
		from := star(p.ImportPath)
		if from == "cmd" {
			continue
		}
		for _, imported := range p.Imports {
			switch to := star(imported); {
			case to == "" || to == from:
			case from == jsonText:
				t.Errorf("%s imports %s", p.ImportPath, imported)
			case to == jsonText:
			case from == ".":
				t.Errorf("the root package imports %s", imported)
			case slices.Contains(shelf, to) && !slices.Contains(shelf, from):
			case to != ".":
				t.Errorf("%s imports %s: only cmd may import packages of other folders", p.ImportPath, imported)
			}
		}
	}
}

// Old events must not page anyone: nothing that reads, tags or stores them can
// reach a network. The standard library's package of addresses is no network,
// and google/uuid, which the SQLite driver brings, asks package net for the
// machine's hardware address at most.
func TestReplayOpensNoNetworkConnection(t *testing.T) {
	mayImportNet := []string{"github.com/google/uuid"}
	harmless := []string{"net/netip", "net/url"}
	for _, p := range list(t, "-deps", "./jobs", "./tagger", "./kv", "./importer", "./attack", "./export", "./story", "./census", "./report/...") {
		if p.ImportPath != "net" && strings.HasPrefix(p.ImportPath, "net/") && !slices.Contains(harmless, p.ImportPath) ||
			p.ImportPath == "crypto/tls" || strings.HasPrefix(p.ImportPath, "golang.org/x/net/") {
			t.Errorf("%s is linked in", p.ImportPath)
		}
		if slices.Contains(p.Imports, "net") && !slices.Contains(mayImportNet, p.ImportPath) {
			t.Errorf("%s imports net", p.ImportPath)
		}
	}
}

// The root package, with jsontext below it, is what everything else stands on.
func TestRootNeedsOnlyTheStandardLibrary(t *testing.T) {
	for _, p := range list(t, "-deps", ".") {
		if first, _, _ := strings.Cut(p.ImportPath, "/"); strings.Contains(first, ".") && star(p.ImportPath) == "" {
			t.Errorf("the root package needs %s", p.ImportPath)
		}
	}
}

// Within the store the arrows point from the doctor through transactions to the
// bytes: what knows how records and pages are laid out knows no transaction and no
// bbolt, so that it can be read, and tested, for itself.
func TestArrowsOfTheStore(t *testing.T) {
	may := map[string][]string{
		"record":    nil,
		"page":      nil,
		"storefile": nil,
		"block":     {"record"},
		"match":     {"record"},
		"rollup":    {"record"},
		"layout":    {"page", "record"},
		"tree":      {"layout", "page", "record"},
		".":         {"block", "layout", "match", "page", "record", "rollup", "storefile", "tree"},
		"doctor":    {".", "block", "layout", "match", "page", "record", "rollup", "storefile"},
		"kvtest":    {".", "layout", "page"},
	}
	knowsBbolt := []string{".", "kvtest"}
	for _, p := range list(t, "./kv/...") {
		from := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module+"/kv"), "/")
		if from == "" {
			from = "."
		}
		allowed, known := may[from]
		if !known {
			t.Errorf("kv/%s has no place among the packages of the store", from)
		}
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module+"/kv")
			if to = strings.TrimPrefix(to, "/"); to == "" {
				to = "."
			}
			if ours && !slices.Contains(allowed, to) {
				t.Errorf("kv/%s imports kv/%s", from, to)
			}
			if strings.HasPrefix(imported, "go.etcd.io/bbolt") && !slices.Contains(knowsBbolt, from) {
				t.Errorf("kv/%s knows bbolt", from)
			}
		}
	}
}

// Below the command the arrows point from the daemon through what it shares with
// commands down to terminal, command line and machine, which know nothing of events.
// Commands are in package main alone, which nothing can import.
func TestArrowsOfTheProgram(t *testing.T) {
	may := map[string][]string{
		"term":      {"jsontext"},
		"geo":       {"."},
		"host":      nil,
		"cli":       {"."},
		"live":      {".", "jsontext", "report/page"},
		"nodetest":  nil,
		"licences":  nil,
		"logging":   {"host", "jsontext", "term"},
		"retention": {".", "kv", "term"},
		"ruleset":   {".", "attack", "cli", "jobs", "tagger", "tagger/correlation", "term"},
		"mysqldb":   {".", "importer"},
		"inputs":    {".", "cli", "importer", "jobs", "mysqldb", "term"},
		"settings":  {".", "attack", "cli", "control", "host", "importer", "importer/mapping", "jobs", "kv", "live", "metrics", "scheduler", "term"},
		"store":     {".", "attack", "cli", "control", "host", "jobs", "kv", "kv/block", "kv/doctor", "scheduler", "term"},
		"daemon": {".", "attack", "cli", "control", "host", "inputs", "jobs", "kv", "live", "metrics", "retention", "ruleset", "scheduler", "settings", "store",
			"tagger", "term"},
	}
	const below = module + "/cmd/ttpcron/internal/"
	for _, p := range list(t, "./cmd/ttpcron/internal/...") {
		from := strings.TrimPrefix(p.ImportPath, below)
		allowed, known := may[from]
		if !known {
			t.Errorf("%s has no place below the command", from)
		}
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module)
			if to = strings.TrimPrefix(to, "/"); to == "" {
				to = "."
			}
			to = strings.TrimPrefix(to, "cmd/ttpcron/internal/")
			if ours && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s", from, imported)
			}
		}
	}
}
