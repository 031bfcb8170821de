package page

import (
	"bytes"
	cli "flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/report"
)

var update = cli.Bool("update", false, "write the golden files anew")

func written(t testing.TB, r *report.Report, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// withoutAssets leaves out the style, the script and their hashes, which have tests of
// their own and change often, and techniques that were not seen.
func withoutAssets(page string) string {
	for _, asset := range []string{style, script} {
		page = strings.Replace(page, asset, "…", 1)
		page = strings.Replace(page, string(appendText(nil, hashOf(asset))), "…", 1)
	}
	return unseen.ReplaceAllString(page, "")
}

// unseen are the places of the matrix where nothing was seen: most of the table of ATT&CK.
var unseen = regexp.MustCompile(`<(?:li|div) class="unseen">.*?</(?:li|div)>`)

func TestGolden(t *testing.T) {
	for name, r := range map[string]*report.Report{
		"small": sample(4, someHostile()),
		"empty": {Made: time.Date(2026, 11, 29, 3, 14, 15, 0, time.UTC), Masked: true},
	} {
		file := filepath.Join("testdata", name+".html")
		got := withoutAssets(written(t, r, Options{}))
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			line := 0
			a, b := strings.Split(got, "\n"), strings.Split(string(want), "\n")
			for line < min(len(a), len(b)) && a[line] == b[line] {
				line++
			}
			t.Errorf("%s differs in line %d; go test ./report/page -run TestGolden -update writes it anew", file, line+1)
		}
	}
}

// A tag or a rule without a level counts as medium, in filters and for loud rules.
func TestMediumIsZero(t *testing.T) {
	r := &report.Report{Total: report.Total{Events: 1, Tags: 1}, Rules: report.Top[*report.Rule]{Rows: []*report.Rule{{ID: "R1", Of: ttpcron.LevelMedium, Tags: 1}}, Total: 1}}
	r.Techniques = []*report.Technique{{ID: "T1105", Tactic: "TA0011", Tags: 1, Seen: report.Seen{Level: ttpcron.LevelMedium}, Evidence: []*report.Evidence{{Text: "wget"}}}}
	page := written(t, r, Options{})
	if !regexp.MustCompile(`<li [^>]*data-v="3"[^>]*><p class="when">`).MatchString(page) {
		t.Error("evidence of a tag without a level is of no level")
	}
	if !strings.Contains(page, "1 rule</a> is loud") {
		t.Error("a rule of the medium level is not loud")
	}
}

// A sensor has been silent since its last event, up to the last of all that is not of a
// clock which runs ahead.
func TestSilent(t *testing.T) {
	made := time.Date(2026, 11, 29, 3, 14, 15, 0, time.UTC)
	last := func(at ...time.Time) (list []*report.Sensor) {
		for _, at := range at {
			list = append(list, &report.Sensor{Seen: report.Seen{Last: at}})
		}
		return list
	}
	year, ahead := made.AddDate(-1, 0, 0), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		sensors []*report.Sensor
		want    []int
	}{
		"all speak":          {last(year, year.Add(-23*time.Hour)), []int{0, 0}},
		"one is silent":      {last(year, year.Add(-73*time.Hour)), []int{0, 3}},
		"a clock runs ahead": {last(year, ahead, year.Add(-73*time.Hour)), []int{0, 0, 3}},
		"only that":          {last(ahead), []int{0}},
		"only tags":          {last(time.Time{}, year), []int{0, 0}},
	} {
		r := &report.Report{Made: made, Sensors: tt.sensors}
		d := &document{r: r, layout: newLayout(r)}
		for i, s := range tt.sensors {
			if got := d.silent(s); got != tt.want[i] {
				t.Errorf("%s: sensor %d is silent for %d days, want %d", name, i, got, tt.want[i])
			}
		}
	}
}

// A page with few events says what to do.
func TestFewEvents(t *testing.T) {
	at := time.Date(2026, 11, 3, 4, 5, 6, 0, time.UTC)
	untagged := &report.Report{First: at, Last: at, Days: []report.Day{{Events: 1}}, Masked: true, NewSince: at}
	untagged.Total.Events, untagged.Total.Sensors = 1, 1
	for name, x := range map[string]struct {
		r    *report.Report
		want []string
		not  []string
	}{
		"nothing":         {&report.Report{}, []string{"The store holds no event yet", "run-once --input", "No event yet", "shown as they were captured"}, []string{"<table", "class=\"tiles\""}},
		"nothing matches": {&report.Report{Filters: []string{"sensor <b>"}, Masked: true}, []string{"No event matches", "sensor &lt;b&gt;"}, []string{"The store holds no event", "<table"}},
		"one event":       {untagged, []string{"No rule tagged any of it", "rules list", "3 November 2026", "<strong>1</strong> <span>event</span>", "No tag shows a technique"}, []string{"<span>events</span>"}},
	} {
		got := written(t, x.r, Options{})
		for _, w := range x.want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: the page does not say %q", name, w)
			}
		}
		body := got[strings.Index(got, "<body"):]
		body = strings.Replace(body, script, "", 1)
		for _, w := range x.not {
			if strings.Contains(body, w) {
				t.Errorf("%s: the page has %q", name, w)
			}
		}
		check(t, got)
	}
}

// A page that a daemon serves says nothing of flags that it has not, and a file nothing of
// the daemon's settings.
func TestLive(t *testing.T) {
	for name, x := range map[string]struct {
		r            *report.Report
		live, asFile []string
	}{
		"nothing":         {&report.Report{Masked: true}, []string{"load this page again", "ttpcron daemon<", "ttpcron report --with-passwords<", "http-report-since"}, []string{"make this report again", ">--with-passwords<"}},
		"nothing matches": {&report.Report{Masked: true, Filters: []string{"since 2026-11-01"}}, []string{"http-report-since"}, []string{"Leave out a filter"}},
		"some, no news":   {sample(4, usual), []string{"http-report-since"}, []string{"ttpcron report --new-since 7d"}},
	} {
		x.r.NewSince = time.Time{}
		live, file := written(t, x.r, Options{Live: true}), written(t, x.r, Options{})
		for _, text := range x.live {
			if !strings.Contains(live, text) || strings.Contains(file, text) {
				t.Errorf("%s: %q is in what a daemon serves: %t, in a file: %t", name, text, strings.Contains(live, text), strings.Contains(file, text))
			}
		}
		for _, text := range x.asFile {
			if !strings.Contains(file, text) || strings.Contains(live, text) {
				t.Errorf("%s: %q is in a file: %t, in what a daemon serves: %t", name, text, strings.Contains(file, text), strings.Contains(live, text))
			}
		}
	}
}

// Whatever the report's content, the page stays below its limit and says what was left
// out.
func TestBudgets(t *testing.T) {
	for name, x := range map[string]struct {
		r    *report.Report
		want []string
	}{
		"many rows":  {sample(5000, usual), []string{" of 700,000 attackers", " of at least 305,000 sessions"}},
		"long texts": {huge(sample(100, usual)), []string{"has no room for", " more bytes", " more filters"}},
	} {
		got := written(t, x.r, Options{})
		if len(got) > MaxBytes {
			t.Errorf("%s: the page has %d bytes, more than %d", name, len(got), MaxBytes)
		}
		for _, w := range x.want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: the page does not say %q", name, w)
			}
		}
		check(t, got)
	}
	sum := 0
	for _, n := range budgets {
		sum += n
	}
	if around := 160 << 10; sum+around > MaxBytes {
		t.Errorf("budgets sum up to %d: with %d around them that is more than %d", sum, around, MaxBytes)
	}
}

// huge makes every text as long as one from a store can be, and lists longer than any
// report's.
func huge(r *report.Report) *report.Report {
	long := strings.Repeat("\"<\xff", 64<<10/3)
	texts(r, func(s string) string {
		if isID(s) || s == "" {
			return s
		}
		return s + long
	})
	for _, t := range r.Techniques {
		for len(t.Evidence) < 5 {
			t.Evidence = append(t.Evidence, t.Evidence[0])
		}
		for len(t.Rules) < 8 {
			t.Rules = append(t.Rules, report.Named{Name: long, Times: 1})
		}
	}
	for n := 0; len(r.Techniques) < 700; n++ {
		t := *r.Techniques[n]
		t.ID += "x"
		r.Techniques = append(r.Techniques, &t)
	}
	for i, s := range r.Sessions.Rows {
		if i >= 30 {
			s.Story = nil
			continue
		}
		if s.Story == nil {
			story := *r.Sessions.Rows[0].Story
			s.Story = &story
		}
		for n := 0; len(s.Story.Lines) < 300; n++ {
			s.Story.Lines = append(s.Story.Lines, s.Story.Lines[n])
		}
	}
	for range 1000 {
		r.Filters, r.Notes = append(r.Filters, long), append(r.Notes, long)
	}
	return r
}

func BenchmarkWrite(b *testing.B) {
	r := sample(100, someHostile())
	var page bytes.Buffer
	for b.Loop() {
		page.Reset()
		if err := Write(&page, r, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(page.Len()))
	b.ReportMetric(float64(page.Len())/1024, "KiB/page")
}
