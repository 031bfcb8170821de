package eval

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ttpcron/ttpcron"
)

// words tags a command with the rules that its words name: "T1059.004:0.9" is a
// tag of the rule of that name, "T1059.004:0.9:low" one of a level.
type words struct{}

func (words) Tag(e *ttpcron.Event, dst []ttpcron.Tag) []ttpcron.Tag {
	text, _ := e.Payload.Text("command_text")
	for _, w := range strings.Fields(text) {
		id, confidence, ok := strings.Cut(w, ":")
		if !ok {
			continue
		}
		var t ttpcron.Tag
		t.RuleID = "R-" + id
		t.TechniqueID = parent(id)
		if id != t.TechniqueID {
			t.SubTechniqueID = id
		}
		confidence, level, _ := strings.Cut(confidence, ":")
		t.Level, _ = ttpcron.ParseLevel(level)
		fmt.Sscanf(confidence, "%g", &t.Confidence)
		dst = append(dst, t)
	}
	return dst
}

func read(t *testing.T, lines ...string) Report {
	t.Helper()
	m := New(words{}, Options{MinConfidence: 0.6, MinLevel: ttpcron.LevelMedium})
	readInto(t, m, lines...)
	return m.Report()
}

func readInto(t *testing.T, m *Measure, lines ...string) {
	t.Helper()
	if err := m.Read(context.Background(), "x", strings.NewReader(strings.Join(lines, "\n"))); err != nil {
		t.Fatal(err)
	}
}

func TestWhatFindsATest(t *testing.T) {
	none, technique, sub := Found{}, Found{Technique: 1}, Found{1, 1}
	for _, c := range []struct {
		label, command           string
		any, confidence, atLevel Found
	}{
		{"T1059.004", "T1059.004:0.9", sub, sub, sub},
		{"T1059.004", "T1059.006:0.9", technique, technique, technique},
		{"T1059.004", "T1059:0.9", technique, technique, technique},
		{"T1059.004", "T1059.004:0.4", sub, none, sub},
		{"T1059.004", "T1059.004:0.4 T1059:0.9", sub, technique, sub},
		{"T1059.004", "T1059.004:0.9:low", sub, sub, none},
		{"T1059.004", "T1059.004:0.4:high T1059:0.9:informational", sub, technique, sub},
		{"T1059", "T1059.004:0.9", sub, sub, sub},
		{"T1059", "T1059:0.6", sub, sub, sub},
		{"T1059", "T1105:0.9", none, none, none},
		{"T1059", "T1059:0.29", none, none, none},
		{"T1059", "nothing", none, none, none},
	} {
		got := read(t, fmt.Sprintf(`{"command_text":%q,"technique_id":%q}`, c.command, c.label)).Recall
		if want := (Recall{1, c.any, c.confidence, c.atLevel}); got != want {
			t.Errorf("%s from %q: %+v, want %+v", c.label, c.command, got, want)
		}
	}
}

func TestTestIsFoundByAnyOfItsCommands(t *testing.T) {
	r := read(t,
		`{"command_text":"mkdir x","technique_id":"T1105","test_id":"a","test":"one"}`,
		`{"command_text":"T1105:0.9 T1082:0.4","technique_id":"T1105","test_id":"a","test":"one"}`,
		`{"command_text":"T1082:0.4 T1059.004:0.7","technique_id":"T1059.006","test_id":"b","test":"two"}`,
		`{"command_text":"rm x","technique_id":"T1059.006","test_id":"b","test":"two"}`,
		``,
		`{"command_text":"ls","technique_id":"T1083"}`,
		`{"command_text":"ls","technique_id":"T1083"}`,
	)
	if want := (Recall{4, Found{2, 1}, Found{2, 1}, Found{2, 1}}); r.Recall != want {
		t.Errorf("recall %+v, want %+v", r.Recall, want)
	}
	if want := []Confusion{{"T1059.006", "T1059.004", 1}, {"T1059.006", "T1082", 1}}; !reflect.DeepEqual(r.Confusions, want) {
		t.Errorf("confusions %v, want %v", r.Confusions, want)
	}
	if len(r.Misses) != 3 || !r.Misses[0].Near || r.Misses[1].Near || !reflect.DeepEqual(r.Misses[0].Got, []string{"T1059.004", "T1082"}) || len(r.Misses[0].Commands) != 2 {
		t.Errorf("misses %+v", r.Misses)
	}
	if len(r.Techniques) != 3 || r.Techniques[1].Technique != "T1083" || r.Techniques[1].Recall.Tests != 2 {
		t.Errorf("techniques %+v", r.Techniques)
	}
	tests := map[string]int{}
	for _, s := range r.Rules {
		tests[s.RuleID] = s.Tests
	}
	if want := map[string]int{"R-T1059.004": 1, "R-T1105": 1, "R-T1082": 0}; !reflect.DeepEqual(tests, want) {
		t.Errorf("tests of rules %v, want %v", tests, want)
	}
}

func TestHarmlessCommandCountsOnce(t *testing.T) {
	r := read(t,
		`{"command_text":"T1105:0.4:high T1082:0.6 T1057:0.95:informational"}`,
		`{"command_text":"T1057:0.95:informational"}`,
		`{"command_text":"T1057:0.5:low"}`,
		`{"command_text":"T1057:0.2:high"}`,
		`{"command_text":"ls","security_tool":false,"judged":null}`,
		`{"command_text":"T1105:0.9","security_tool":true}`,
		`{"command_text":"T1105:0.9","also_in_attack_data":true}`,
	)
	want := []FalsePositive{{"T1105:0.4:high T1082:0.6 T1057:0.95:informational", []Hit{{"R-T1105", "T1105", 0.4, ttpcron.LevelHigh}, {"R-T1082", "T1082", 0.6, 0}}}}
	if !reflect.DeepEqual(r.FalsePositives, want) {
		t.Errorf("%+v, want %+v", r.FalsePositives, want)
	}
	h := r.Harmless
	if h.Commands != 5 || h.Any != 3 || h.AtConfidence != 2 || h.AtLevel != 1 || h.PerThousand(h.AtLevel) != 200 {
		t.Errorf("harmless %+v", h)
	}
	if f := r.Files[0]; f.Lines != 7 || f.LeftOut != 2 || f.Harmless != 5 {
		t.Errorf("file %+v", f)
	}
	noisy := map[string]bool{}
	for _, s := range r.Rules {
		noisy[s.RuleID] = s.Noisy
		if want := map[string]int{"R-T1105": 1, "R-T1082": 1, "R-T1057": 3}[s.RuleID]; s.Harmless != want || s.Tags != 0 {
			t.Errorf("%s: %d harmless, %d tags, want %d and none", s.RuleID, s.Harmless, s.Tags, want)
		}
	}
	if want := map[string]bool{"R-T1105": true, "R-T1082": true, "R-T1057": false}; !reflect.DeepEqual(noisy, want) {
		t.Errorf("noisy %v, want %v", noisy, want)
	}
}

// A text counts once, a tag once for each rule; the bins are the sums of the rules.
func TestCalibration(t *testing.T) {
	r := read(t,
		`{"command_text":"T1105:0.9 T1082:0.4 T1059:0.5","technique_id":"T1105","judged":{"T1105":1,"T1082":0.5}}`,
		`{"command_text":"T1105:0.9 T1082:0.4 T1059:0.5","technique_id":"T1059.004","test_id":"b"}`,
		`{"command_text":"T1082:0.4 T1105:0.7","judged":{"T1082":0,"T1105":0,"T1083":1}}`,
		`{"command_text":"T1083:0.69","judged":{}}`,
		`{"command_text":"T1105:0.9"}`,
	)
	bin := func(from float64, c Calibration) {
		t.Helper()
		for _, b := range r.Bins {
			if b.From == from {
				if b.Calibration != c {
					t.Errorf("bin of %g: %+v, want %+v", from, b.Calibration, c)
				}
				return
			}
		}
		t.Errorf("no bin of %g", from)
	}
	bin(0.3, Calibration{Tags: 2, Confidence: 0.8, Labelled: 1, Judged: 2, JudgedConfidence: 0.8, Right: 0.5})
	bin(0.5, Calibration{Tags: 2, Confidence: 1.19, Labelled: 1, Named: 1})
	bin(0.7, Calibration{Tags: 1, Confidence: 0.7, Judged: 1, JudgedConfidence: 0.7})
	bin(0.9, Calibration{Tags: 1, Confidence: 0.9, Labelled: 1, Named: 1, Judged: 1, JudgedConfidence: 0.9, Right: 1})
	var sum Calibration
	for _, s := range r.Rules {
		sum.Tags += s.Tags
		sum.Judged += s.Judged
		sum.Right += s.Right
	}
	if sum != (Calibration{Tags: 6, Judged: 4, Right: 1.5}) {
		t.Errorf("sum of the rules %+v", sum)
	}
	if first := r.Rules[0]; first.RuleID != "R-T1105" || first.Tags != 2 || first.RightShare() != 0.5 || first.Harmless != 1 {
		t.Errorf("furthest off %+v", first)
	}
	wrong := []WrongTag{
		{Command: "T1082:0.4 T1105:0.7", Tag: Hit{"R-T1105", "T1105", 0.7, 0}},
		{Command: "T1082:0.4 T1105:0.7", Tag: Hit{"R-T1082", "T1082", 0.4, 0}},
	}
	if !reflect.DeepEqual(r.Wrong, wrong) {
		t.Errorf("wrong %+v, want %+v", r.Wrong, wrong)
	}
	if f := r.Files[0]; f.Labelled != 2 || f.Judged != 2 || f.Harmless != 1 || r.Recall.Tests != 2 {
		t.Errorf("file %+v, recall %+v", f, r.Recall)
	}
}

func TestWrongCalibration(t *testing.T) {
	for _, c := range []struct {
		judged int
		right  float64
		want   bool
	}{{49, 0, false}, {50, 0, true}, {50, 20, false}, {50, 29, false}, {50, 31, true}} {
		b := Calibration{Judged: c.judged, JudgedConfidence: 0.5 * float64(c.judged), Right: c.right}
		if got := b.Wrong(); got != c.want {
			t.Errorf("%g of %d right at 0.5: %v", c.right, c.judged, got)
		}
	}
}

// Labels, judgements and tags may be of different releases.
func TestIdsOfOlderReleases(t *testing.T) {
	m := New(words{}, Options{
		MinConfidence: 0.6,
		Judgements:    Judgements{HashText("T1685:0.7"): {"T1562.001": 0.5}},
		CountAs: func(id string) string {
			if strings.HasPrefix(id, "T1562") {
				return "T1685"
			}
			return id
		},
	})
	readInto(t, m,
		`{"command_text":"T1685:0.7","technique_id":"T1562.001"}`,
		`{"command_text":"T1562:0.9 T1685:0.8","technique_id":"T1685"}`,
	)
	r := m.Report()
	if r.Recall.Any.Sub != 2 || len(r.Techniques) != 1 || r.Bins[2].Tags != 2 || r.Bins[2].Right != 0.5 || r.Bins[3].Tags != 1 {
		t.Errorf("%+v %+v", r.Recall, r.Bins)
	}
}

// Where several techniques are counted as one, the order in which their judgements are
// looked at does not matter.
func TestJudgementsOfTechniquesThatBecameOne(t *testing.T) {
	for range 20 {
		m := New(words{}, Options{CountAs: func(string) string { return "T1685" }})
		readInto(t, m, `{"command_text":"T1685:0.5","judged":{"T1562":0,"T1562.001":1,"T1562.006":0.5,"T1685":0.25}}`)
		if got := m.Report().Rules[0].Calibration; got.Judged != 1 || got.Right != 1 {
			t.Fatalf("%d judged, %v right, want 1 and 1", got.Judged, got.Right)
		}
	}
}

func TestReadJudgements(t *testing.T) {
	hash := fmt.Sprintf("%x", HashText("uname -a"))
	j, err := ReadJudgements("x", strings.NewReader("# from\n\n"+hash+"\tT1082\t0.5\n"+hash+"\tT1059.004\t1\r\n"))
	if err != nil || !reflect.DeepEqual(j, Judgements{HashText("uname -a"): {"T1082": 0.5, "T1059.004": 1}}) {
		t.Errorf("%v, %v", j, err)
	}
	// A row's own judgement goes before that of the file, which knows the others.
	m := New(words{}, Options{Judgements: Judgements{HashText("T1082:0.5 T1057:0.5"): {"T1082": 1, "T1057": 1}}})
	readInto(t, m, `{"command_text":"T1082:0.5 T1057:0.5","judged":{"T1082":0}}`)
	if b := m.Report().Bins[1]; b.Judged != 2 || b.Right != 1 {
		t.Errorf("%+v", b)
	}
	// What is harmless stays harmless when it was judged.
	m = New(words{}, Options{MinConfidence: 0.6, Judgements: Judgements{HashText("T1082:0.7 T1057:0.5"): {"T1082": 1, "T1057": 1}}})
	readInto(t, m, `{"command_text":"T1082:0.7 T1057:0.5"}`)
	if r := m.Report(); r.Harmless.Commands != 1 || r.Harmless.Calibration.Judged != 1 || r.Harmless.Calibration.Right != 1 || r.Bins[2].Tags != 0 {
		t.Errorf("%+v", r)
	}
	for _, bad := range []string{
		"x", hash + "\tT1082", hash + "\tT1082\t1\t", hash + "0\tT1082\t1", hash[1:] + "\tT1082\t1", "g" + hash[1:] + "\tT1082\t1", "\tT1082\t1",
		hash + "\tT1\t1", hash + "\tT1082\t1.1", hash + "\tT1082\t-0.1", hash + "\tT1082\tNaN", hash + "\tT1082\t",
		hash + "\tT1082\t1\n" + hash + "\tT1082\t1", strings.Repeat("x", maxLine+1),
	} {
		if _, err := ReadJudgements("x", strings.NewReader("# one\n"+bad)); err == nil || !strings.HasPrefix(err.Error(), "x:") {
			t.Errorf("%.60q: %v", bad, err)
		}
	}
	if _, err := ReadJudgements("x", iotest.ErrReader(io.ErrClosedPipe)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("reading: %v", err)
	}
}

func FuzzReadJudgements(f *testing.F) {
	f.Add([]byte("# a\n0123456789ab\tT1082\t0.5\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		j, err := ReadJudgements("x", strings.NewReader(string(data)))
		if err != nil {
			return
		}
		for _, of := range j {
			for id, share := range of {
				if !techniqueID.MatchString(id) || !isShare(share) {
					t.Errorf("%q %v", id, share)
				}
			}
		}
	})
}

func TestMalformedLinesAreCounted(t *testing.T) {
	r := read(t,
		`{"command_text":"ls"}`, `nonsense`, `{"command_text":""}`, `{"command_text":7}`, `{}`, `[]`,
		`{"command_text":"ls","technique_id":"T1"}`, `{"command_text":"ls","technique_id":7}`,
		`{"command_text":"ls","judged":{"T1":1}}`, `{"command_text":"ls","judged":{"T1082":1.5}}`, `{"command_text":"ls","judged":[]}`,
		`{"command_text":"`+strings.Repeat("a", maxLine)+`"}`, `{"command_text":"`+strings.Repeat("a", 1<<17)+`"}`,
		`{"command_text":"\ud800\udc80"}`+"\r",
	)
	f := r.Files[0]
	if f.Lines != 14 || f.Malformed != 11 || f.Harmless != 3 || len(f.Faults) != 10 || f.Faults[0].Line != 2 || f.Faults[9].Line != 11 {
		t.Errorf("%+v", f)
	}
}

func TestReadFails(t *testing.T) {
	m := New(words{}, Options{})
	if err := m.Read(context.Background(), "x", iotest.ErrReader(io.ErrClosedPipe)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("reading: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := m.Read(ctx, "x", strings.NewReader(strings.Repeat("\n", 1000))); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// FuzzRead holds that every line is accounted for, once.
func FuzzRead(f *testing.F) {
	f.Add([]byte("{\"command_text\":\"T1105:0.9\",\"technique_id\":\"T1105\"}\n\n{\"command_text\":\"a\"}\r\nx"))
	f.Add([]byte("{\"command_text\":\"T1105:0.9\",\"judged\":{\"T1105\":0.5}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := New(words{}, Options{})
		if err := m.Read(context.Background(), "x", strings.NewReader(string(data))); err != nil {
			t.Fatal(err)
		}
		r := m.Report()
		x := r.Files[0]
		if x.Lines != x.Labelled+x.Judged+x.Harmless+x.LeftOut+x.Malformed || r.Harmless.Commands != x.Harmless || r.Recall.Tests > x.Labelled || x.Lines > strings.Count(string(data), "\n")+1 {
			t.Errorf("%+v of %q", x, data)
		}
	})
}

func TestNoise(t *testing.T) {
	n := NewNoise(words{})
	for _, text := range []string{"T1105:0.9 T1082:0.4", "T1105:0.9 T1082:0.4", "T1082:0.4", "ls"} {
		n.Add(&ttpcron.Event{Kind: ttpcron.Command, Payload: ttpcron.TextPayload("command_text", text)})
	}
	want := NoiseReport{Events: 4, Distinct: 3, Tagged: 3, Tags: 5, Rules: []RuleNoise{{"R-T1082", 3, 2}, {"R-T1105", 2, 1}}}
	if got := n.Report(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestUntagged(t *testing.T) {
	u := NewUntagged(words{})
	day := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	long := strings.Repeat("x", 2*maxKept)
	for i, text := range []string{"ls", "T1105:0.9", "id", "ls", long} {
		u.Add(&ttpcron.Event{Kind: ttpcron.Command, Time: day.Add(time.Duration(-i) * time.Hour), Payload: ttpcron.TextPayload("command_text", text)})
	}
	r := u.Report()
	if r.Events != 5 || r.Untagged != 4 || r.Dropped != 0 || len(r.Contents) != 3 {
		t.Fatalf("%+v", r)
	}
	first := Missed{Events: 2, First: day.Add(-3 * time.Hour), Last: day, Kind: ttpcron.Command, Payload: ttpcron.TextPayload("command_text", "ls")}
	if !reflect.DeepEqual(r.Contents[0], first) {
		t.Errorf("first %+v, want %+v", r.Contents[0], first)
	}
	text, _ := r.Contents[1].Payload.Text("command_text")
	if !r.Contents[1].Cut || len(text) != maxKept-len("command_text") {
		t.Errorf("the long one: cut %v, %d bytes", r.Contents[1].Cut, len(text))
	}
}

// TestUntaggedContent holds that events are one content which differ in nothing that says
// what happened, and none other.
func TestUntaggedContent(t *testing.T) {
	u := NewUntagged(words{})
	for _, p := range []string{
		`{"fact":"opened","src_port":1}`, `{"fact":"opened","src_port":2}`, `{"fact":"closed","duration_ms":5}`,
	} {
		e := ttpcron.Event{Kind: ttpcron.SessionFact}
		if err := e.Payload.UnmarshalJSON([]byte(p)); err != nil {
			t.Fatal(err)
		}
		u.Add(&e)
	}
	for _, name := range []string{"text", "command", "other", "other"} {
		u.Add(&ttpcron.Event{Kind: ttpcron.Command, Payload: ttpcron.TextPayload(name, "id")})
	}
	var counts []int
	for _, c := range u.Report().Contents {
		counts = append(counts, c.Events)
	}
	if want := []int{2, 2, 2, 1}; !slices.Equal(counts, want) {
		t.Errorf("events of each content: %v, want %v", counts, want)
	}
}

// TestUntaggedIsBounded meets more contents than can be told apart. The frequent
// one stays, and its count is wrong by no more than the report says.
func TestUntaggedIsBounded(t *testing.T) {
	u := NewUntagged(words{})
	const often = 5000
	for i := range 3 * maxUntagged {
		u.Add(&ttpcron.Event{Kind: ttpcron.Command, Payload: ttpcron.TextPayload("command_text", strconv.Itoa(i))})
		if i < often {
			u.Add(&ttpcron.Event{Kind: ttpcron.Command, Payload: ttpcron.TextPayload("command_text", "often")})
		}
		if len(u.seen) > maxUntagged {
			t.Fatalf("%d contents are kept", len(u.seen))
		}
	}
	r := u.Report()
	text, _ := r.Contents[0].Payload.Text("command_text")
	if got := r.Contents[0].Events; text != "often" || r.Dropped == 0 || got > often || got < often-r.Dropped {
		t.Errorf("%q %d times, want often %d times, within %d", text, got, often, r.Dropped)
	}
}

func TestSketch(t *testing.T) {
	for _, distinct := range []int{0, 1, exactBelow - 1, exactBelow, 10_000, 300_000} {
		r := rand.New(rand.NewPCG(1, 2))
		var s sketch
		for range distinct {
			hash := r.Uint64()
			s.add(hash)
			s.add(hash)
		}
		got, slack := s.count(), distinct/20 // three standard errors
		if distinct < exactBelow {
			slack = 0
		}
		if got < distinct-slack || got > distinct+slack {
			t.Errorf("%d counted as %d", distinct, got)
		}
		if again := s.count(); again != got || len(s.small) >= 2*exactBelow {
			t.Errorf("%d counted as %d and then %d, %d kept", distinct, got, again, len(s.small))
		}
	}
}

func TestCover(t *testing.T) {
	techniques := []Technique{
		{ID: "T1059", Platforms: []string{"Linux"}}, {ID: "T1059.003", Platforms: []string{"Windows"}}, {ID: "T1059.004", Platforms: []string{"Linux"}},
		{ID: "T1200", Platforms: []string{"Linux"}}, {ID: "T9999", Platforms: []string{"Linux"}},
	}
	rules := []Rule{
		{ID: "B", Kinds: []ttpcron.SourceKind{ttpcron.Command}, Claims: []ttpcron.Claim{{TechniqueID: "T1059", SubTechniqueID: "T1059.004"}, {TechniqueID: "T1059", SubTechniqueID: "T1059.004"}, {TechniqueID: "T0000"}}},
		{ID: "A", Kinds: []ttpcron.SourceKind{ttpcron.Command, "auth_attempt"}, Claims: []ttpcron.Claim{{TechniqueID: "T1059", SubTechniqueID: "T1059.004"}}},
	}
	got := Cover(techniques, rules)
	for i, want := range []Covered{
		{SubRules: 2, Reason: Reason{"", "shown by its sub-techniques"}},
		{Reason: Reason{"platform", "only on Windows"}},
		{Rules: []string{"A", "B"}, Kinds: []ttpcron.SourceKind{"auth_attempt", ttpcron.Command}},
		{Reason: Reasons()["T1200"]},
		{},
	} {
		want.Technique = techniques[i]
		if !reflect.DeepEqual(got[i], want) {
			t.Errorf("%+v, want %+v", got[i], want)
		}
	}
	if Reasons()["T1200"].Group != "device" || !got[2].Shown() || !got[0].Shown() || got[4].Shown() {
		t.Error("shown, or not, against expectation")
	}
}
