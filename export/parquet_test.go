package export

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

// readRow is a row as parquet-go reads it, whose reader knows nothing of our writer.
type readRow struct {
	UUID       string    `parquet:"uuid"`
	EventTime  time.Time `parquet:"event_time"`
	CreatedAt  time.Time `parquet:"created_at"`
	Kind       string    `parquet:"source_kind"`
	SourceID   string    `parquet:"source_id"`
	IP         *string   `parquet:"attacker_ip"`
	Attacker   *string   `parquet:"attacker_uuid"`
	Identity   *string   `parquet:"identity_uuid"`
	Session    *string   `parquet:"session_id"`
	Technique  string    `parquet:"technique_id"`
	Sub        *string   `parquet:"sub_technique_id"`
	Name       string    `parquet:"technique_name"`
	Level      string    `parquet:"level"`
	Confidence float64   `parquet:"confidence"`
	Version    int32     `parquet:"rule_version"`
	Text       string    `parquet:"text"`
	Evidence   string    `parquet:"evidence"`
	Checked    bool      `parquet:"checked"`
}

// readDays reads a folder of days, the last first.
func readDays(t testing.TB, path string) (rows []readRow) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(path, "date=*", "part-0.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for i := len(files) - 1; i >= 0; i-- {
		of, err := parquet.ReadFile[readRow](files[i])
		if err != nil {
			t.Fatalf("%s: %v", files[i], err)
		}
		for _, r := range of {
			if want := "date=" + r.EventTime.UTC().Format(time.DateOnly); filepath.Base(filepath.Dir(files[i])) != want {
				t.Errorf("a row of %s is in %s", want, files[i])
			}
		}
		rows = append(rows, of...)
	}
	return rows
}

func said(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestParquetRows(t *testing.T) {
	tags := append(sampleTags(5000), everyKind()[2*len(hostile):]...)
	for i := range tags {
		tags[i].EventTime = tags[0].EventTime.Add(-time.Duration(i) * time.Minute)
	}
	_, path := exportTo(t, parquetFormat, tags)
	rows := readDays(t, path)
	if len(rows) != len(tags) {
		t.Fatalf("%d rows of %d tags", len(rows), len(tags))
	}
	for i, r := range rows {
		tag := &tags[i]
		want := fmt.Sprintln(tag.UUID, tag.EventTime.Truncate(time.Microsecond), tag.CreatedAt, tag.SourceKind, tag.SourceID, tag.AttackerIP, tag.AttackerUUID, tag.IdentityUUID, unicodeText(tag.SessionID),
			tag.Shown.TechniqueID, tag.Shown.SubTechniqueID, attack.Current().TechniqueName(tag.Shown.Technique()), tag.Level, tag.Confidence, tag.RuleVersion, unicodeText(tag.Text), string(unicodeJSON(nil, tag.Evidence)), tag.Checked)
		got := fmt.Sprintln(r.UUID, r.EventTime.UTC(), r.CreatedAt.UTC(), r.Kind, r.SourceID, said(r.IP), said(r.Attacker), said(r.Identity), said(r.Session),
			r.Technique, said(r.Sub), r.Name, r.Level, r.Confidence, r.Version, r.Text, r.Evidence, r.Checked)
		if got != want {
			t.Fatalf("row %d is\n%s\nwant\n%s", i, got, want)
		}
	}
}

// TestParquetGroups: a day with many tags becomes several row groups and pages, each
// sorted as declared, with correct statistics of times.
func TestParquetGroups(t *testing.T) {
	tags := make([]Tag, 60000)
	for i := range tags {
		tags[i] = sampleTag(i)
		tags[i].EventTime = time.Date(2026, 5, 20, 23, 0, 0, 0, time.UTC).Add(-time.Duration(i) * time.Second / 2)
		tags[i].Text = fmt.Sprint(i, strings.Repeat("x", i%700))
	}
	_, path := exportTo(t, parquetFormat, tags)
	file, err := os.Open(filepath.Join(path, "date=2026-05-20", "part-0.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, _ := file.Stat()
	p, err := parquet.OpenFile(file, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.RowGroups()); n < 2 {
		t.Errorf("%d row groups", n)
	}
	last := tags[0].EventTime.Add(time.Second)
	i := 0
	for _, g := range p.Metadata().RowGroups {
		if s := g.SortingColumns; len(s) != 1 || !s[0].Descending || g.Columns[s[0].ColumnIdx].MetaData.PathInSchema[0] != "event_time" {
			t.Errorf("sorted by %v", s)
		}
		if g.TotalByteSize > parquetGroup+(1<<20) {
			t.Errorf("a row group has %d bytes", g.TotalByteSize)
		}
	}
	for _, r := range readDays(t, path) {
		if r.EventTime.After(last) || r.Text != tags[i].Text {
			t.Fatalf("row %d is of %s, the one before of %s", i, r.EventTime, last)
		}
		last = r.EventTime
		i++
	}
	if i != len(tags) {
		t.Errorf("%d rows of %d tags", i, len(tags))
	}
}

func TestParquetRefusesOtherOrder(t *testing.T) {
	tags := []Tag{sampleTag(3), sampleTag(1)}
	write := parquetFormat.New(nil)
	if err := write(t.Context(), jobOf(t, tags)); err == nil {
		t.Error("tags that do not come by time were taken, by a file that says that they are sorted")
	}
}

// TestParquetPlace is about a folder that is there already.
func TestParquetPlace(t *testing.T) {
	tags := sampleTags(60) // six days
	day := func(d int) time.Time { return time.Date(2026, 5, d, 0, 0, 0, 0, time.UTC) }
	to := filepath.Join(t.TempDir(), "to")
	place := func(tags []Tag, q ttpcron.TagQuery) error {
		j := jobOf(t, tags)
		j.To, j.Query = to, q
		if err := parquetFormat.New(nil)(t.Context(), j); err != nil {
			return err
		}
		return parquetFormat.Place(j)
	}
	is := func(want ...Tag) {
		t.Helper()
		got := readDays(t, to)
		if len(got) != len(want) {
			t.Errorf("%d rows, want %d", len(got), len(want))
			return
		}
		for i := range got {
			if got[i].UUID != want[i].UUID {
				t.Errorf("row %d is %s, want %s", i, got[i].UUID, want[i].UUID)
			}
		}
	}
	all := ttpcron.TagQuery{}
	for _, tags := range [][]Tag{tags, tags, tags[:40], tags} { // days that are gone go
		if err := place(tags, all); err != nil {
			t.Fatal(err)
		}
		is(tags...)
	}
	within := func(w ttpcron.Window) (in []Tag) {
		for _, tag := range tags {
			if w.Contains(tag.EventTime) {
				in = append(in, tag)
			}
		}
		return in
	}
	w := ttpcron.Window{Since: day(18), Until: day(20)}
	if err := place(within(w)[1:], ttpcron.TagQuery{Window: w}); err != nil { // others stay
		t.Fatal(err)
	}
	if got := len(readDays(t, to)); got != len(tags)-1 {
		t.Errorf("%d rows, want %d", got, len(tags)-1)
	}
	if err := place(tags, all); err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]ttpcron.TagQuery{
		"holds an export of other tags": {Technique: "T1082"},
		"a part of that day":            {Window: ttpcron.Window{Since: day(18).Add(time.Hour)}},
		"part of that day":              {Window: ttpcron.Window{Until: day(18).Add(time.Hour)}},
	} {
		if err := place(tags, q); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want %q: %v", name, err)
		}
	}
	is(tags...)
	// What is somebody else's is not touched.
	stranger := filepath.Join(to, "date=2026-05-19", "notes.txt")
	if err := os.WriteFile(stranger, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := place(tags[:5], all); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("a folder with a file of another's: %v", err)
	}
	if _, err := os.Stat(stranger); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(to, markerFile)); err != nil {
		t.Fatal(err)
	}
	if err := place(tags, all); err == nil || !strings.Contains(err.Error(), "no Parquet export") {
		t.Errorf("a folder without the marker: %v", err)
	}
}

func TestParquetPlacedFolders(t *testing.T) {
	j := jobOf(t, sampleTags(30))
	j.To = filepath.Join(t.TempDir(), "to")
	if err := parquetFormat.New(nil)(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	if err := parquetFormat.Place(j); err != nil {
		t.Fatal(err)
	}
	usual := filepath.Join(t.TempDir(), "usual")
	if err := os.Mkdir(usual, 0o777); err != nil {
		t.Fatal(err)
	}
	want, _ := os.Stat(usual)
	err := filepath.WalkDir(j.To, func(path string, d fs.DirEntry, err error) error {
		if info, _ := d.Info(); d.IsDir() && info.Mode() != want.Mode() {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
