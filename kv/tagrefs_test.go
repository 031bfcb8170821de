package kv_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
)

// storedAs returns the events that a new store gives these arrival numbers to.
func storedAs(events []ttpcron.Event) []ttpcron.Event {
	events = slices.Clone(events)
	for i := range events {
		events[i].Seq = uint64(i + 1)
	}
	return events
}

// TestCheckFindsWrongReferences makes tags refer to other events. A check names the tag,
// no reader gets a tag with another event's data, and recovery leaves out just that tag.
func TestCheckFindsWrongReferences(t *testing.T) {
	g := newGenerator(5)
	g.pace = 20 * time.Minute
	events := storedAs(g.events(200))
	for i := range events {
		if i%4 == 3 {
			events[i].Kind = ttpcron.CanaryFingerprint
		}
	}
	first, last := &events[0], &events[len(events)-1]
	if ttpcron.DayOf(first.Time) == ttpcron.DayOf(last.Time) || first.Kind == events[3].Kind {
		t.Fatal("the events are of one day or kind")
	}
	var tags []ttpcron.Tag
	for i := range events {
		tags = append(tags, tagOf(&events[i], 1))
	}
	for name, c := range map[string]struct {
		change  func(*ttpcron.Tag)
		what    string
		readers bool // they notice it
	}{
		"no event":               {func(t *ttpcron.Tag) { t.Seq = 1000 }, "refers to command event 1000, which is not there", true},
		"of another kind":        {func(t *ttpcron.Tag) { t.Seq = 4 }, "refers to command event 4, which is not there", true},
		"of another day":         {func(t *ttpcron.Tag) { t.Seq = last.Seq }, fmt.Sprintf("refers to command event %d, which is not there", last.Seq), true},
		"another event":          {func(t *ttpcron.Tag) { t.Seq = 2 }, "its fields give the UUID", false},
		"a quote behind the end": {func(t *ttpcron.Tag) { t.Match.Start, t.Match.End = 1, 1_000_000 }, "what it quotes, up to byte 1000000, is not in its event, command 1", false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "t.db")
			db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
			if err != nil {
				t.Fatal(err)
			}
			importAll(t, db, events)
			if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
				t.Fatal(err)
			}
			closed(t, db)
			checked(t, path)
			kv.ChangeTag(t, path, &tags[0], c.change)
			r, err := doctor.Check(t.Context(), path, doctor.Options{})
			if err != nil {
				t.Fatal(err)
			}
			uuid, day := tags[0].UUID().String(), ttpcron.DayOf(first.Time).String()
			if len(r.Findings) != 1 || r.Findings[0].Place != "tags" || r.Findings[0].Day != day || !strings.Contains(r.Findings[0].What, c.what) || !strings.Contains(r.Findings[0].What, uuid) {
				t.Errorf("findings %+v, want one of tag %s: %s", r.Findings, uuid, c.what)
			}
			var damage *kv.DamagedError
			if err := readEverything(t, path); c.readers != errors.As(err, &damage) {
				t.Errorf("readers say %v", err)
			}
			to, saved := recovered(t, path)
			if saved.Events != len(events) || saved.Tags != len(tags)-1 || saved.LostTags != 1 || !slices.Equal(saved.LostDays, []string{day}) {
				t.Errorf("recovered %+v", saved)
			}
			if bytes.Contains(dumpFile(t, to), []byte(uuid)) {
				t.Error("the tag was saved")
			}
		})
	}
}

// TestRecoverStray loses the pages that lead to events, to tags, and to both. All
// entries are found, in stores of any size of a day.
func TestRecoverStray(t *testing.T) {
	for name, pace := range map[string]time.Duration{"one day": time.Second, "days": 5 * time.Minute} {
		g := newGenerator(7)
		g.pace, g.unique = pace, true
		events := storedAs(g.events(3000))
		path := filepath.Join(t.TempDir(), "t.db")
		db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		importAll(t, db, events)
		for part := range slices.Chunk(events, 500) {
			var tags []ttpcron.Tag
			for i := range part {
				tags = append(tags, tagOf(&part[i], i%8), tagOf(&part[i], i%8+1))
			}
			if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
				t.Fatal(err)
			}
		}
		closed(t, db)
		want := byDay(dumpFile(t, path))
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, lost := range [][]string{{"history"}, {"tags"}, {"history", "tags"}} {
			bad, pages := bytes.Clone(content), 0
			for _, r := range kvtest.Regions(t, content) {
				if r.Sort == "branch" && slices.Contains(lost, r.Of) {
					clear(bad[r.From:r.To])
					pages++
				}
			}
			if pages < len(lost) {
				t.Fatalf("%s: %d branches of %v", name, pages, lost)
			}
			to, r := recovered(t, write(t, bad))
			if r.Events != 3000 || r.Tags != 6000 || r.Stray == 0 || r.LostTags+r.LostBlocks+r.MissingEvents+r.MissingTags > 0 {
				t.Errorf("%s, without the way to %v: %d events and %d tags, %d of them stray, lost %d tags, %d blocks", name, lost, r.Events, r.Tags, r.Stray, r.LostTags, r.LostBlocks)
			}
			if events, tags := 3000, 6000; slices.Contains(lost, "history") && r.Stray < events || slices.Equal(lost, []string{"history"}) && r.Stray > events || len(lost) == 2 && r.Stray > events+tags {
				t.Errorf("%s, without the way to %v: %d stray", name, lost, r.Stray)
			}
			got := byDay(dumpFile(t, to))
			for day, lines := range want {
				if slices.Sort(lines); !slices.Equal(lines, sortedLines(got[day])) {
					t.Errorf("%s, without the way to %v: %d entries of %s, want %d", name, lost, len(got[day]), day, len(lines))
				}
			}
		}
	}
}

func sortedLines(lines []string) []string {
	slices.Sort(lines)
	return lines
}

// TestRecoverCountsOrphansOnce loses a page of history and both headers of a store
// whose pages lie in it in several states: a tag that lacks its event counts once.
func TestRecoverCountsOrphansOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	events := storedAs(newGenerator(7).events(60))
	importAll(t, db, events[:40])
	importAll(t, db, events[40:])
	for i := range events {
		if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: []ttpcron.Tag{tagOf(&events[i], 1)}}); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, db)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := page.Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for id := uint64(2); id < f.Header.Pages; id++ {
		p, err := f.Page(id)
		if err != nil || p.Flags != page.FlagLeaf {
			continue
		}
		elements, _ := p.Elements(nil)
		for _, e := range elements {
			if _, _, ok := record.ParseBlockKey(e.Key); ok && !e.Bucket {
				at := int(id)*page.Size + bytes.Index(p.Data, e.Value)
				content[at+len(e.Value)/2] ^= 1
				blocks++
			}
		}
	}
	clear(content[:2*page.Size])
	if blocks == 0 {
		t.Fatal("no block was found")
	}
	_, r := recovered(t, write(t, content))
	if r.WithEvents != 60 || r.LostTags != 60 || r.Tags+r.Events > 0 {
		t.Errorf("%+v", r)
	}
}

// TestEveryByteOfTagsAndBlocks changes each byte of the tags and the history of a small
// store. A check finds it, and readers get an error; or the byte is unused, and everything
// reads as before.
func TestEveryByteOfTagsAndBlocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	events := storedAs(newGenerator(7).events(4))
	importAll(t, db, events)
	var tags []ttpcron.Tag
	for i := range events { // one of each form
		tags = append(tags, tagOf(&events[i], i))
	}
	whole := events[0]
	whole.Seq = 0
	tags = append(tags, tagOf(&whole, 4))
	if n, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); n.Inserted != 5 || err != nil {
		t.Fatal(n, err)
	}
	closed(t, db)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := dumpFile(t, path)
	for _, r := range kvtest.Regions(t, content) {
		if r.Sort != "history" && r.Sort != "tags" {
			continue
		}
		noticed, silent := 0, 0
		for at := r.From; at < r.To && silent < 64; at++ { // the rest of the page belongs to nothing
			if testing.Short() && at%7 > 0 {
				continue
			}
			content[at] ^= 1 << (at % 8)
			bad := write(t, content)
			content[at] ^= 1 << (at % 8)
			report, err := doctor.Check(t.Context(), bad, doctor.Options{})
			found := err != nil || report.Damaged()
			rerr := readEverything(t, bad)
			switch damage := (*kv.DamagedError)(nil); {
			case rerr != nil && !errors.As(rerr, &damage):
				t.Errorf("%s, byte %d: %v", r.Sort, at-r.From, rerr)
			case rerr != nil && !found:
				t.Errorf("%s, byte %d: a check finds nothing, and readers say %v", r.Sort, at-r.From, rerr)
			case rerr == nil && !bytes.Equal(dumpFile(t, bad), want):
				t.Errorf("%s, byte %d: readers are told something else", r.Sort, at-r.From)
			case found && silent > 0:
				t.Errorf("%s: nobody notices %d bytes before byte %d", r.Sort, silent, at-r.From)
			case !found:
				silent++
			case rerr != nil:
				noticed++
			}
			os.Remove(bad)
		}
		if noticed < 30 {
			t.Errorf("%s: readers notice %d bytes", r.Sort, noticed)
		}
	}
}

// countingReader counts the reads of a file.
type countingReader struct {
	*bytes.Reader
	reads int
}

func (r *countingReader) ReadAt(p []byte, off int64) (int, error) {
	r.reads++
	return r.Reader.ReadAt(p, off)
}

// TestCheckReadsBlocksOnce checks a day of sensors whose logs arrived one after another,
// so the order of its tags is not that of its blocks. The check reads no more of the file
// than for one sensor.
func TestCheckReadsBlocksOnce(t *testing.T) {
	reads := func(sensors int) int {
		path := filepath.Join(t.TempDir(), "t.db")
		db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		var all []ttpcron.Event
		for i := range sensors {
			g := newGenerator(uint64(i + 1))
			g.pace = time.Second * time.Duration(sensors)
			all = append(all, g.events(9000/sensors)...)
		}
		all = storedAs(all)
		importAll(t, db, all)
		var tags []ttpcron.Tag
		for i := range all {
			tags = append(tags, tagOf(&all[i], i%9))
		}
		if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
			t.Fatal(err)
		}
		closed(t, db)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r := &countingReader{Reader: bytes.NewReader(content)}
		if report, err := doctor.CheckReader(t.Context(), r, int64(len(content)), doctor.Options{}); err != nil || report.Damaged() || report.Tags != 9000 {
			t.Fatal(report, err)
		}
		return r.reads
	}
	if one, many := reads(1), reads(30); many > one+one/4 {
		t.Errorf("%d reads, for one sensor %d", many, one)
	}
}

// TestRecoverLearned loses both headers of a store whose events have learned, so that the
// file has two states of their blocks: the later one is saved.
func TestRecoverLearned(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	events := newGenerator(7).events(60)
	for i := range events {
		events[i].ID = fmt.Sprint("id", i)
	}
	for _, user := range []string{"", "root"} {
		for i := range events {
			if events[i].Payload = slices.Clone(events[i].Payload); user != "" {
				events[i].Payload.Set("user", fmt.Sprint(user, i))
			}
		}
		for part := range slices.Chunk(events, 20) {
			importAll(t, db, part)
		}
	}
	closed(t, db)
	want := byDay(dumpFile(t, path))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(content[:2*page.Size])
	to, r := recovered(t, write(t, content))
	if got := byDay(dumpFile(t, to)); r.Events != 60 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d events: %v, want %v", r.Events, got, want)
	}
}

// TestRecoverSaysOfPurged damages the records of purged events: recovery warns that these
// may come in again.
func TestRecoverSaysOfPurged(t *testing.T) {
	path, _ := purgeStore(t, secrets(12))
	if _, _, err := doctor.Purge(t.Context(), path, kv.Purge{Attacker: purgedIP, By: "me"}, purgeOptions()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, r := range kvtest.Regions(t, content) {
		if r.Sort != "purged" {
			continue
		}
		tried++
		content[(r.From+r.To)/2] ^= 1
		if r.From%page.Size == 0 {
			clear(content[r.From:r.To])
		}
	}
	_, report := recovered(t, write(t, content))
	if tried == 0 || report.LostRecords == 0 || !slices.ContainsFunc(report.Findings, func(f doctor.Finding) bool { return strings.Contains(f.What, "come in when their logs are read again") }) {
		t.Errorf("%d places: %+v", tried, report)
	}
}
