package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// earlierStores are stores that programs of each schema wrote from the same input;
// testdata/stores/README.md says how.
var earlierStores = []struct {
	name  string
	older bool // of an earlier schema
}{
	{"schema2", true}, {"schema3", true}, {"schema4", true}, {"v0.1.0", false},
}

// unzipped reads a compressed file.
func unzipped(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// newUpgrade is a node with a store that an earlier program left.
func newUpgrade(t *testing.T, store string) *node {
	t.Helper()
	n := newNode(t, rarely)
	if err := os.RemoveAll(n.Path("rules")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(n.Path("events.jsonl")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(n.Dir, os.DirFS(filepath.Join("testdata", "stores", "input"))); err != nil {
		t.Fatal(err)
	}
	n.Write("t.db", string(unzipped(t, store)))
	n.Env = append(n.Env, "TTPCRON_INPUT=", "TTPCRON_LOG_LEVEL=error")
	return n
}

// must runs a command that must succeed, and returns its output.
func (n *node) must(args ...string) string {
	n.T.Helper()
	code, out, errs := n.run("", args...)
	if code != exitDone {
		n.T.Fatalf("%v: exit %d: %s%s", args, code, out, errs)
	}
	return out
}

// TestUpgrade opens earlier programs' stores with the present one: commands that read say
// what to do and change nothing, one that writes upgrades the store, and then its content
// and behaviour are the same as before.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	for _, store := range earlierStores {
		t.Run(store.name, func(t *testing.T) {
			t.Parallel()
			golden := func(what string) []map[string]any {
				return objects(t, string(unzipped(t, filepath.Join("testdata", "stores", store.name+"."+what+".jsonl.gz"))))
			}
			n := newUpgrade(t, filepath.Join("testdata", "stores", store.name+".db.gz"))
			before, err := os.ReadFile(n.Path("t.db"))
			if err != nil {
				t.Fatal(err)
			}
			for _, args := range []string{"status", "tags --json", "export-events", "db check", "db stats", "db backup b.db"} {
				code, _, errs := n.run("", strings.Fields(args)...)
				if store.older && (code != exitFailed || !strings.Contains(errs, "ttpcron run-once, brings it up to date; make a copy of the file first")) || !store.older && code != exitDone {
					t.Errorf("%s before the upgrade: exit %d: %s", args, code, errs)
				}
			}
			if after, err := os.ReadFile(n.Path("t.db")); err != nil || !bytes.Equal(before, after) {
				t.Errorf("commands that read have changed the store: %v", err)
			}

			if got := objects(t, n.must("import", "--json", "late.jsonl")); len(got) != 1 || got[0]["new"] != 0.0 {
				t.Errorf("a log that was imported is new: %v", got)
			}
			n.must("db", "check")
			contains(t, "events", objects(t, n.must("export-events")), golden("events"), "source_id")
			contains(t, "rejects", objects(t, n.must("import", "--rejected", "--json")), golden("rejected"), "")
			contains(t, "checkpoints", objects(t, n.must("checkpoint", "show", "--json")), golden("checkpoint"), "waiting_exact")
			log := n.must("rules", "log")
			for _, want := range []string{"OLD3", "matches ourselves", "OLD2", "noisy"} {
				if !strings.Contains(log, want) {
					t.Errorf("the log of rules lacks %q: %s", want, log)
				}
			}

			// The next run makes the tags again, under their ids, and those of late
			// events.
			n.must("run-once")
			n.must("db", "check")
			tags, want := objects(t, n.must("tags", "--json")), golden("tags")
			contains(t, "tags", tags, want, "created_at source_id uuid confidence attack_release")
			if late := 2; len(tags) != len(want)+late {
				t.Errorf("%d tags, want %d: %v", len(tags), len(want)+late, tags)
			}
			ids := map[any]bool{}
			for _, tag := range tags {
				ids[tag["uuid"]] = true
				if tag["rule_id"] == "OLD3" {
					t.Errorf("the tag of a retired rule: %v", tag)
				}
			}
			for _, tag := range want {
				if !strings.HasPrefix(tag["source_id"].(string), "sha256:") && !ids[tag["uuid"]] {
					t.Errorf("the tag has another id: %v", tag)
				}
			}
			// There is nothing left to do.
			n.must("import", "events.jsonl", "late.jsonl")
			n.must("run-once", "--since-days", "3650")
			if again := objects(t, n.must("tags", "--json")); !reflect.DeepEqual(again, tags) {
				t.Errorf("another run changed the tags: %v, want %v", again, tags)
			}
			// A new rule matches the old events.
			n.Write("rules/new.yaml", strings.NewReplacer("OLD1", "NEW1", `\buname\b`, `\becho\b`, "'uname -a'", "'echo b'", "'echo a'", "'cat'").Replace(string(read(t, n.Path("rules/old1.yaml")))))
			n.must("run-once")
			if now := objects(t, n.must("tags", "--json", "--rule", "NEW1")); len(now) != 1 || now[0]["source_id"] != "c4" {
				t.Errorf("a new rule found %v", now)
			}
			if now := objects(t, n.must("tags", "--json")); len(now) != len(tags)+1 {
				t.Errorf("%d tags with a new rule, %d before", len(now), len(tags))
			}
		})
	}
}

// TestUpgradeOfFirst opens a store of schema 1, whose program is not in the history any
// more; kv's TestSchema1 compares its content.
func TestUpgradeOfFirst(t *testing.T) {
	t.Parallel()
	n := newUpgrade(t, filepath.Join("..", "..", "kv", "testdata", "v1.db.gz"))
	if code, _, errs := n.run("", "status"); code != exitFailed || !strings.Contains(errs, "has schema 1") {
		t.Errorf("exit %d: %s", code, errs)
	}
	n.must("run-once")
	n.must("db", "check")
	if events := objects(t, n.must("export-events")); len(events) == 0 {
		t.Error("no events are left")
	}
}

// TestNewerStore has a store of a later program: every command says what to do, and none
// changes it.
func TestNewerStore(t *testing.T) {
	t.Parallel()
	n := newUpgrade(t, filepath.Join("testdata", "stores", "schema6.db.gz"))
	before := read(t, n.Path("t.db"))
	for _, args := range []string{"status", "tags", "run-once", "import events.jsonl", "db check", "db compact", "db recover r.db", "db backup b.db", "daemon"} {
		code, _, errs := n.run("", strings.Fields(args)...)
		if code != exitFailed || !strings.Contains(errs, "install the version of ttpcron that wrote it, or a later one, or restore a backup") {
			t.Errorf("%s: exit %d: %s", args, code, errs)
		}
	}
	if !bytes.Equal(before, read(t, n.Path("t.db"))) {
		t.Error("the store was changed")
	}
}

// TestUpgradeKilled ends the upgrade by SIGKILL at several instants: the next upgrade has
// the result of an undisturbed one.
func TestUpgradeKilled(t *testing.T) {
	t.Parallel()
	store := filepath.Join("testdata", "stores", "schema2.db.gz")
	whole := newUpgrade(t, store)
	began := time.Now()
	whole.must("run-once")
	took := time.Since(began)
	events := whole.must("export-events")
	tags := whole.must("tags", "--json")
	const instants = 12
	alive := 0
	for i := range instants {
		n := newUpgrade(t, store)
		c := n.begin(nil, "run-once")
		time.Sleep(took * time.Duration(i+1) / (instants + 1))
		if c.cmd.Process.Kill() == nil {
			alive++
		}
		<-c.ended
		n.must("run-once")
		n.must("db", "check")
		if got := n.must("export-events"); got != events {
			t.Errorf("killed at %d of %d: other events: %s", i+1, instants+1, got)
		}
		a, b := objects(t, n.must("tags", "--json")), objects(t, tags)
		for _, list := range [][]map[string]any{a, b} {
			for _, tag := range list {
				delete(tag, "created_at")
			}
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("killed at %d of %d: other tags: %v, want %v", i+1, instants+1, a, b)
		}
	}
	if alive == 0 {
		t.Error("no kill met the program alive")
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// objects reads JSON objects, one a line.
func objects(t *testing.T, text string) (list []map[string]any) {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		o := map[string]any{}
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		list = append(list, o)
	}
	return list
}

// contains compares lists of objects: each wanted one is there, with all its members
// except for some names. There may be others.
func contains(t *testing.T, what string, got, want []map[string]any, but string) {
	t.Helper()
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g map[string]any) bool {
			for k, v := range w {
				if !slices.Contains(strings.Fields(but), k) && !reflect.DeepEqual(g[k], v) {
					return false
				}
			}
			return true
		}) {
			t.Errorf("%s: %v is not among %v", what, w, got)
		}
	}
	if len(want) == 0 {
		t.Errorf("%s: there is nothing to compare", what)
	}
}
