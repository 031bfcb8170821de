package eval

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ttpcron/ttpcron"
)

// words tags a command with the rules that its words name: "T1059.004:0.9" is a
// tag of the rule of that name.
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
		fmt.Sscanf(confidence, "%g", &t.Confidence)
		dst = append(dst, t)
	}
	return dst
}

func read(t *testing.T, lines ...string) Report {
	t.Helper()
	m := New(words{}, 0.6)
	if err := m.Read(context.Background(), "x", strings.NewReader(strings.Join(lines, "\n"))); err != nil {
		t.Fatal(err)
	}
	return m.Report()
}

func TestWhatFindsATest(t *testing.T) {
	for _, c := range []struct {
		label, command string
		technique, sub int
		sure           int
	}{
		{"T1059.004", "T1059.004:0.9", 1, 1, 1},
		{"T1059.004", "T1059.006:0.9", 1, 0, 0},
		{"T1059.004", "T1059:0.9", 1, 0, 0},
		{"T1059.004", "T1059.004:0.4", 1, 1, 0},
		{"T1059.004", "T1059.004:0.4 T1059:0.9", 1, 1, 0},
		{"T1059", "T1059.004:0.9", 1, 1, 1},
		{"T1059", "T1059:0.6", 1, 1, 1},
		{"T1059", "T1105:0.9", 0, 0, 0},
		{"T1059", "nothing", 0, 0, 0},
	} {
		got := read(t, fmt.Sprintf(`{"command_text":%q,"technique_id":%q}`, c.command, c.label)).Recall
		if got.Tests != 1 || got.Technique != c.technique || got.Sub != c.sub || got.SureSub != c.sure {
			t.Errorf("%s from %q: %+v", c.label, c.command, got)
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
	if want := (Recall{Tests: 4, Technique: 2, Sub: 1, SureTechnique: 2, SureSub: 1}); r.Recall != want {
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
	if want := []RuleScore{{"R-T1059.004", 1, 0}, {"R-T1105", 1, 0}}; !reflect.DeepEqual(r.Rules, want) {
		t.Errorf("rules %v, want %v", r.Rules, want)
	}
}

func TestHarmlessCommandCountsOnce(t *testing.T) {
	r := read(t,
		`{"command_text":"T1105:0.9 T1082:0.6 T1057:0.59"}`,
		`{"command_text":"T1105:0.5"}`,
		`{"command_text":"ls","security_tool":false}`,
		`{"command_text":"T1105:0.9","security_tool":true}`,
		`{"command_text":"T1105:0.9","also_in_attack_data":true}`,
	)
	want := []FalsePositive{{"T1105:0.9 T1082:0.6 T1057:0.59", []Hit{{"R-T1105", "T1105", 0.9}, {"R-T1082", "T1082", 0.6}}}}
	if r.Benign != 3 || !reflect.DeepEqual(r.FalsePositives, want) || r.PerThousand() < 333 || r.PerThousand() > 334 {
		t.Errorf("%d harmless, %+v, %g", r.Benign, r.FalsePositives, r.PerThousand())
	}
	if f := r.Files[0]; f.Lines != 5 || f.LeftOut != 2 || f.Benign != 3 {
		t.Errorf("file %+v", f)
	}
}

func TestMalformedLinesAreCounted(t *testing.T) {
	r := read(t,
		`{"command_text":"ls"}`, `nonsense`, `{"command_text":""}`, `{"command_text":7}`, `{}`, `[]`,
		`{"command_text":"ls","technique_id":"T1"}`, `{"command_text":"ls","technique_id":7}`,
		`{"command_text":"`+strings.Repeat("a", maxLine)+`"}`, `{"command_text":"`+strings.Repeat("a", 1<<17)+`"}`,
		`{"command_text":"\ud800\udc80"}`+"\r",
	)
	f := r.Files[0]
	if f.Lines != 11 || f.Malformed != 8 || f.Benign != 3 || len(f.Faults) != 8 || f.Faults[0].Line != 2 || f.Faults[7].Line != 9 {
		t.Errorf("%+v", f)
	}
}

func TestReadFails(t *testing.T) {
	m := New(words{}, 0.6)
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
	f.Fuzz(func(t *testing.T, data []byte) {
		m := New(words{}, 0.6)
		if err := m.Read(context.Background(), "x", strings.NewReader(string(data))); err != nil {
			t.Fatal(err)
		}
		r := m.Report()
		x := r.Files[0]
		if x.Lines != x.Labelled+x.Benign+x.LeftOut+x.Malformed || r.Benign != x.Benign || r.Recall.Tests > x.Labelled || x.Lines > strings.Count(string(data), "\n")+1 {
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
		{SubRules: 2, Reason: "shown by its sub-techniques"},
		{Reason: "only on Windows"},
		{Rules: []string{"A", "B"}, Kinds: []ttpcron.SourceKind{"auth_attempt", ttpcron.Command}},
		{Reason: Reasons()["T1200"]},
		{},
	} {
		want.Technique = techniques[i]
		if !reflect.DeepEqual(got[i], want) {
			t.Errorf("%+v, want %+v", got[i], want)
		}
	}
	if Reasons()["T1200"] == "" || !got[2].Shown() || !got[0].Shown() || got[4].Shown() {
		t.Error("shown, or not, against expectation")
	}
}
