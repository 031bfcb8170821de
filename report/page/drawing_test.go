package page

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/report"
)

// counted makes a report whose lists agree with its cube.
func counted(days, sensors, attackers, cells int) *report.Report {
	r := &report.Report{First: time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC), Days: make([]report.Day, days)}
	r.DaysFrom = r.First.Truncate(24 * time.Hour)
	r.Last = r.First.AddDate(0, 0, days-1)
	for i := range sensors {
		r.Sensors = append(r.Sensors, &report.Sensor{Name: fmt.Sprintf("sensor-%d", i)})
	}
	for _, t := range [][2]string{
		{"TA0001", "T1078"}, {"TA0002", "T1059"}, {"TA0002", "T1059.004"}, {"TA0006", "T1110.001"}, {"TA0006", "T1110.003"},
		{"TA0007", "T1082"}, {"TA0011", "T1105"}, {"TA0040", "T1496"}, {"TA0040", "T9999"}, {"TA9999", "T1082"},
	} {
		r.Techniques = append(r.Techniques, &report.Technique{Tactic: t[0], ID: t[1]})
	}
	r.Cube.Attackers = append(r.Cube.Attackers, "")
	for i := range attackers {
		r.Cube.Attackers = append(r.Cube.Attackers, fmt.Sprintf("203.0.%d.%d", 113+i>>8, i&255))
	}
	rng := rand.New(rand.NewPCG(1, 2))
	tactics := attack.Current().Tactics()
	for range cells {
		c := report.Cell{
			Day: rng.IntN(days), Sensor: rng.IntN(sensors+1) - 1, Attacker: rng.IntN(attackers + 1),
			Technique: rng.IntN(len(r.Techniques)), Level: 1 + rng.IntN(5), Tags: 1 + rng.IntN(1000),
		}
		r.Cube.Cells = append(r.Cube.Cells, c)
		r.Days[c.Day].Tags[c.Level] += c.Tags
		r.Days[c.Day].Events += 2 * c.Tags
		t := r.Techniques[c.Technique]
		t.Tags += c.Tags
		t.Level = max(t.Level, ttpcron.Level(c.Level))
		h := report.Hour{Hour: rng.IntN(168), Sensor: c.Sensor, Tactic: -1, Level: c.Level, Tags: c.Tags}
		for i, tactic := range tactics {
			if tactic.ID == t.Tactic {
				h.Tactic = i
			}
		}
		r.Cube.Hours = append(r.Cube.Hours, h)
	}
	return r
}

func drawn(r *report.Report) *document {
	return &document{r: r, o: Options{Under: attack.Current()}, layout: newLayout(r)}
}

// unpack reads what pack wrote.
func unpack(t *testing.T, text string) (list []entry) {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	for key := uint64(0); len(b) > 0; {
		delta, n := binary.Uvarint(b)
		tags, m := binary.Uvarint(b[max(n, 0):])
		if n <= 0 || m <= 0 || len(list) > 0 && delta == 0 {
			t.Fatalf("entry %d is malformed", len(list))
		}
		key += delta
		list = append(list, entry{key, int(tags)})
		b = b[n+m:]
	}
	return list
}

// cellsOf reads the cells of a block, and how many days each covers.
func cellsOf(t *testing.T, b *block) map[report.Cell]int {
	t.Helper()
	out := map[report.Cell]int{}
	next := func(key *uint64, n int) int {
		v := int(*key % uint64(n))
		*key /= uint64(n)
		return v
	}
	days := b.Days[1].(int)
	for _, e := range unpack(t, b.Cells) {
		var c report.Cell
		key := e.key
		c.Level = next(&key, 5) + 1
		c.Technique = next(&key, len(b.Techniques))
		c.Day = next(&key, (days+b.Step-1)/b.Step) * b.Step
		c.Sensor = next(&key, len(b.Sensors)+1) - 1
		c.Attacker = int(key)
		out[c] += e.tags
	}
	return out
}

func TestBlockSaysWhatTheCubeSays(t *testing.T) {
	r := counted(40, 3, 50, 5000)
	want := map[report.Cell]int{}
	for _, c := range r.Cube.Cells {
		n := c.Tags
		c.Tags = 0
		want[c] += n
	}
	b := drawn(r).block(1 << 20)
	got := cellsOf(t, b)
	if len(got) != len(want) || b.Step != 1 || b.Apart != 51 {
		t.Errorf("%d cells, want %d; apart %d, step %d", len(got), len(want), b.Apart, b.Step)
	}
	for c, n := range want {
		if got[c] != n {
			t.Errorf("%+v counts %d, want %d", c, got[c], n)
		}
	}
	hours := 0
	for _, e := range unpack(t, b.Hours) {
		hours += e.tags
	}
	if all := total(r); hours != all {
		t.Errorf("hours count %d tags of %d", hours, all)
	}
}

func total(r *report.Report) (n int) {
	for _, c := range r.Cube.Cells {
		n += c.Tags
	}
	return n
}

// Where cells do not fit the least are counted together, and none is lost.
func TestBlockFits(t *testing.T) {
	r := counted(400, 3, 500, 40000)
	for _, limit := range []int{200 << 10, 100 << 10, 40 << 10} {
		b := drawn(r).block(limit)
		if n := b.size(); n > limit {
			t.Errorf("a block takes %d bytes of %d", n, limit)
		}
		if b.Step > 1 && b.Apart > 1 {
			t.Errorf("days are counted together before attackers: %d, %d", b.Step, b.Apart)
		}
		got := 0
		for c, n := range cellsOf(t, b) {
			if c.Attacker >= b.Apart {
				t.Fatalf("%+v is of an attacker who is not told apart", c)
			}
			got += n
		}
		if got != total(r) {
			t.Errorf("under %d bytes %d tags are counted of %d", limit, got, total(r))
		}
		t.Logf("%d bytes: %d attackers apart, %d days together, %d bytes used", limit, b.Apart, b.Step, b.size())
	}
}

func TestDataIsInert(t *testing.T) {
	r := counted(1, 1, 2, 3)
	r.Sensors[0].Name = "</script><script>pwned()</script><!--\u2028\u202e\xff"
	d := drawn(r)
	d.data()
	text := string(d.buf)
	if strings.Count(text, "<") != 2 || strings.ContainsAny(text[30:], "&\u2028\u202e") || !utf8.ValidString(text) {
		t.Errorf("data that a browser would read: %s", text)
	}
	var b block
	text = text[strings.Index(text, ">")+1 : strings.LastIndex(text, "<")]
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatal(err)
	}
	if want := `</script><script>pwned()</script><!--\u2028\u202e\xff`; b.Sensors[0] != want {
		t.Errorf("a sensor is %q, want %q", b.Sensors[0], want)
	}
}

// Each technique in the report has a place, whatever its tactic and id.
func TestMatrixLosesNothing(t *testing.T) {
	r := counted(10, 2, 5, 300)
	columns, elsewhere := drawn(r).columns()
	if len(columns) != len(attack.Current().Tactics()) || len(elsewhere) != 2 {
		t.Fatalf("%d columns, %d elsewhere", len(columns), len(elsewhere))
	}
	seen := map[int]bool{}
	tags, squares := 0, 0
	note := func(s *square) {
		squares++
		tags += s.tags
		for _, i := range s.of {
			if seen[i] || r.Techniques[i].ID != s.id {
				t.Errorf("%s counts technique %d", s.id, i)
			}
			seen[i] = true
		}
	}
	for _, c := range columns {
		for _, s := range c.squares {
			note(s)
			for _, sub := range s.subs {
				note(sub)
			}
		}
	}
	inRelease := 0
	for x := range attack.Current().All() {
		if x.Live() {
			inRelease += len(x.Tactics)
		}
	}
	if squares != inRelease {
		t.Errorf("%d squares, the release has %d", squares, inRelease)
	}
	for _, s := range elsewhere {
		note(s)
	}
	if len(seen) != len(r.Techniques) || tags != total(r) {
		t.Errorf("%d techniques of %d, %d tags of %d", len(seen), len(r.Techniques), tags, total(r))
	}
}

func TestMatrixReadsAloud(t *testing.T) {
	r := counted(10, 2, 5, 0)
	for i, tags := range []int{7, 1, 1204, 30, 4} {
		r.Techniques[i].Tags, r.Techniques[i].Level = tags, ttpcron.LevelHigh
	}
	r.Techniques[4].Level = ttpcron.LevelCritical
	d := drawn(r)
	d.matrix()
	for _, want := range []string{
		`<a class="cell h2" href="#t0" data-t="0" aria-label="T1078 Valid Accounts, 7 tags, highest level high">`,
		`<summary class="cell h5" data-t="1 2" aria-label="T1059 Command and Scripting Interpreter, 1,205 tags, highest level high, unfolds">`,
		`aria-label="T1059 itself, no sub-technique, 1 tag, highest level high"`,
		`aria-label="T1059.004 Unix Shell, 1,204 tags, highest level high"`,
		`data-t="3 4" aria-label="T1110 Brute Force, 34 tags, highest level critical, unfolds"`,
	} {
		if !strings.Contains(string(d.buf), want) {
			t.Errorf("there is no %s", want)
		}
	}
	if t.Failed() {
		t.Log(string(d.buf[:min(len(d.buf), 9000)]))
	}
}

func TestScale(t *testing.T) {
	for _, most := range []int{0, 1, 99, 100, 5000, 100_000, 3_000_000} {
		s := scaleFor(most)
		if s.class(0) != "h0" || s.class(1) != "h1" {
			t.Errorf("up to %d: nothing is %s, one is %s", most, s.class(0), s.class(1))
		}
		last := 0
		for n := 1; n <= most; n = n*3/2 + 1 {
			if at := int(s.class(n)[1] - '0'); at < last || at > 6 {
				t.Errorf("up to %d: %d is h%d after h%d", most, n, at, last)
			} else {
				last = at
			}
		}
	}
}

func TestBars(t *testing.T) {
	for _, c := range []struct {
		days, bars  int
		unit, first string
	}{
		{1, 1, "day", "2026-03-01"},
		{130, 130, "day", "2026-03-01"},
		{131, 20, "week", "2026-03-01"}, // a Sunday: a week of one day
		{900, 130, "week", "2026-03-01"},
		{910, 30, "month", "2026-03"},
		{3652, 120, "month", "2026-03"},
		{5000, 14, "year", "2026"},
		{200_000, 110, "5 years", "2026"},
	} {
		r := counted(c.days, 1, 1, 200)
		list, unit := bars(r)
		if len(list) != c.bars || unit != c.unit || list[0].label != c.first {
			t.Errorf("%d days are %d bars of a %s from %s, want %d of a %s from %s", c.days, len(list), unit, list[0].label, c.bars, c.unit, c.first)
		}
		next, tags := 0, 0
		for _, b := range list {
			if b.first != next || b.last < b.first {
				t.Fatalf("%d days: a bar is from %d to %d, want it from %d", c.days, b.first, b.last, next)
			}
			next, tags = b.last+1, tags+b.allTags()
		}
		if next != c.days || tags != total(r) {
			t.Errorf("%d days: bars end at %d and count %d tags of %d", c.days, next, tags, total(r))
		}
	}
}

func TestChartsSayTheirValues(t *testing.T) {
	r := counted(30, 2, 5, 300)
	d := drawn(r)
	d.activity()
	page := string(d.buf)
	if got := strings.Count(page, `class="bar"`); got != 30 {
		t.Errorf("%d bars of 30 days", got)
	}
	if got := strings.Count(page, `data-h="`); got != 168 {
		t.Errorf("%d hours of 168", got)
	}
	if got := strings.Count(page, ` sum"`); got != 7+24 {
		t.Errorf("%d sums of weekdays and hours", got)
	}
	want := "2026-03-01: " + plural((&bar{Day: r.Days[0]}).allTags(), "tag")
	if !strings.Contains(page, want) || strings.Count(page, "<table") != 2 || strings.Contains(page, "NaN") {
		t.Errorf("the page does not say %q in %d tables", want, strings.Count(page, "<table"))
	}
}

func TestNiceTop(t *testing.T) {
	for n := range 30_000 {
		if top := niceTop(n); top < n || top%4 != 0 || n > 20 && top > 2*n {
			t.Fatalf("an axis up to %d ends at %d", n, top)
		}
	}
}

func TestShort(t *testing.T) {
	for n, want := range map[int]string{0: "", 999: "999", 9_999: "9,999", 10_000: "10k", 999_999: "999k", 123_456_789: "123M"} {
		if got := short(n); got != want {
			t.Errorf("%d in short is %q, want %q", n, got, want)
		}
	}
}
