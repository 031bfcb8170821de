package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// created is when a tag was made.
var created = regexp.MustCompile(`"created_at":"[^"]*",?`)

// said runs a command that must succeed, and returns the printed lines, in order or
// sorted.
func (d *damager) said(t *testing.T, store, line string, order func([]string)) []string {
	t.Helper()
	a := d.invoke(store, line)
	if a.code != exitDone {
		t.Fatalf("%s: exit %d\n%s%s", line, a.code, a.stdout, a.stderr)
	}
	lines := strings.Split(a.stdout, "\n")
	order(lines)
	return lines
}

// held is a store's content: tags with all their fields in the order of queries, and
// events, which may have arrived in another order.
func (d *damager) held(t *testing.T, store string) (tags, events []string) {
	t.Helper()
	kept := func([]string) {}
	return d.said(t, store, "tags --json --limit 0", kept), d.said(t, store, "export-events", slices.Sort[[]string])
}

// TestRecoveredComesBack loses each page of history, tags and coverage, and each page that
// leads to them, counts or indexes them, in turn, some pairs of them, and both headers.
// After db recover, the log is imported again, and an ordinary run follows. The store must
// then equal an intact one, in each field of each event and tag, also after the next run,
// with another rule, has looked at history.
func TestRecoveredComesBack(t *testing.T) {
	d := newWhole(t)
	d.now = d.now.AddDate(0, 2, 0)
	whole, recovered := d.path("whole.db"), d.path("recovered.db")
	os.Remove(whole)
	log, err := os.ReadFile(d.path("all.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(bytes.SplitAfter(log, []byte("\n")), 300) {
		d.write(t, "part.jsonl", bytes.Join(part, nil))
		d.said(t, whole, "import --format events DIR/part.jsonl", slices.Sort[[]string])
		d.said(t, whole, "run-once --since-days 3650", slices.Sort[[]string])
	}
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	// What is made again has a new creation time.
	strip := func(lines []string) []string {
		for i := range lines {
			lines[i] = created.ReplaceAllString(lines[i], "")
		}
		return lines
	}
	tags, events := d.held(t, whole)
	d.writeRule(t, "D2", `\bwget\b|\bcat\b`)
	d.said(t, whole, "run-once", slices.Sort[[]string])
	edited, _ := d.held(t, whole)
	tags, edited = strip(tags), strip(edited)
	if slices.Equal(tags, edited) || len(tags) < 1000 || len(events) < 900 {
		t.Fatalf("%d events, %d tags, %d with the rule that was edited", len(events), len(tags), len(edited))
	}
	var all, lost [][]kvtest.Region
	for _, r := range kvtest.Regions(t, content) {
		switch r.Of {
		case "history", "tags", "coverage", "cursors", "days", "rollups", "identity", "named", "claims", "totals", "marks":
			all = append(all, []kvtest.Region{r})
		}
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		pair := append([]kvtest.Region{}, all[rnd.IntN(len(all))]...)
		lost = append(lost, append(pair, all[rnd.IntN(len(all))]...))
	}
	lost = append(append(lost, []kvtest.Region{{Sort: "both headers", From: 0, To: 2 * 4096}}), all...)
	losses := 0
	for i, places := range lost {
		if testing.Short() && i%5 > 0 {
			continue
		}
		bad, where := bytes.Clone(content), ""
		for _, r := range places {
			clear(bad[r.From:r.To])
			where += fmt.Sprintf("%s (%s) at page %d, ", r.Sort, r.Of, r.From/4096)
		}
		d.write(t, "damaged.db", bad)
		os.Remove(recovered)
		d.writeRule(t, "D2", damageRules["D2"])
		report := strings.Join(d.said(t, d.path("damaged.db"), "db recover DIR/recovered.db --json", slices.Sort[[]string]), "")
		if !strings.Contains(report, `"whole":true`) {
			losses++
		}
		d.said(t, recovered, "import --format events DIR/all.jsonl", slices.Sort[[]string])
		d.said(t, recovered, "run-once", slices.Sort[[]string])
		for _, c := range []struct {
			pattern string
			tags    []string
		}{{damageRules["D2"], tags}, {`\bwget\b|\bcat\b`, edited}} {
			d.writeRule(t, "D2", c.pattern)
			d.said(t, recovered, "run-once", slices.Sort[[]string])
			d.said(t, recovered, "db check", slices.Sort[[]string])
			gotTags, gotEvents := d.held(t, recovered)
			if !slices.Equal(gotEvents, events) {
				t.Errorf("%s%d events come back, of %d: %s\n%s", where, len(gotEvents), len(events), firstChange(strings.Join(gotEvents, "\n"), strings.Join(events, "\n")), report)
			}
			if gotTags = strip(gotTags); !slices.Equal(gotTags, c.tags) {
				t.Errorf("%s%d tags come back, of %d: %s\n%s", where, len(gotTags), len(c.tags), firstChange(strings.Join(gotTags, "\n"), strings.Join(c.tags, "\n")), report)
			}
		}
	}
	if losses < 10 {
		t.Errorf("something was lost %d times", losses)
	}
}
