package correlation

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"time"

	"github.com/ttpcron/ttpcron"
)

// sequence is a history of one address and a correlation of rules TC1, TC2 and TC3 with a
// timespan of ten seconds. An event such as "12@3s a=x" matches TC1 and TC2, three seconds
// after the first second, and has a field.
func sequence(typ Type, c Condition, events ...string) *history {
	h := &history{bases: map[string]Base{}}
	rules := ""
	for seq, text := range events {
		matched, rest, _ := strings.Cut(text, "@")
		after, fields, _ := strings.Cut(rest, " ")
		d, err := time.ParseDuration(after)
		if err != nil {
			panic(err)
		}
		e := ttpcron.Event{Kind: ttpcron.Command, Seq: uint64(seq + 1), Time: time.Unix(1000, 0).Add(d), AttackerIP: "192.0.2.1"}
		for _, f := range strings.Fields(fields) {
			name, value, _ := strings.Cut(f, "=")
			switch name {
			case "ip":
				e.AttackerIP = value
			case "session":
				e.SessionID = value
			case "decky":
				e.DeckyID = value
			default:
				if json, ok := strings.CutPrefix(value, "json:"); ok {
					e.Payload = append(e.Payload, ttpcron.Field{Name: name, Raw: []byte(json)})
				} else {
					e.Payload = append(e.Payload, ttpcron.Field{Name: name, Text: value})
				}
			}
		}
		var ids []string
		for _, n := range matched {
			ids = append(ids, fmt.Sprintf("TC%c", n))
			if !strings.ContainsRune(rules, n) {
				rules += string(n)
			}
		}
		h.events, h.matched = append(h.events, e), append(h.matched, ids)
	}
	d := &Definition{RuleID: "TC9", Version: 1, Type: typ, Condition: c, Timespan: 10 * time.Second, GroupBy: []string{"attacker_ip"}}
	for n := '1'; n <= '3'; n++ {
		if id := fmt.Sprintf("TC%c", n); strings.ContainsRune(rules, n) {
			d.Rules = append(d.Rules, id)
			h.bases[id] = Base{ID: id, Kinds: []ttpcron.SourceKind{ttpcron.Command}}
		}
	}
	h.defs = []*Definition{d}
	return h
}

// slots are the slots of all groups in which a history's correlation has findings.
func slots(t *testing.T, h *history) (list []int64) {
	t.Helper()
	rules, problems := h.link()
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	r := rules[len(rules)-1]
	found := h.judged(r)
	if want := h.byReference(r.Definition()); !slices.Equal(found, want) {
		t.Errorf("found %v, but by definition it is %v", found, want)
	}
	for _, f := range found {
		list = append(list, f.slot)
	}
	return list
}

func TestEdges(t *testing.T) {
	values := func(op, value string, fields ...string) Condition {
		return Condition{Comparisons: []Comparison{{op, value}}, Fields: fields}
	}
	text := func(s string) Condition { return Condition{Text: s} }
	for name, test := range map[string]struct {
		h    *history
		want []int64 // the first event is in slot 100, each slot has ten seconds
	}{
		"exact edge":                       {sequence(EventCount, least("gte", "2"), "1@0s", "1@10s"), []int64{101}},
		"just beyond the edge":             {sequence(EventCount, least("gte", "2"), "1@0s", "1@10.000000001s"), nil},
		"gt":                               {sequence(EventCount, least("gt", "2"), "1@0s", "1@1s"), nil},
		"gt reached":                       {sequence(EventCount, least("gt", "2"), "1@0s", "1@1s", "1@2s"), []int64{100}},
		"every slot of a burst":            {sequence(EventCount, least("gte", "2"), "1@0s", "1@9s", "1@18s", "1@27s", "1@40s"), []int64{100, 101, 102}},
		"one event, two rules":             {sequence(EventCount, least("gte", "2"), "12@0s"), nil},
		"one event, two rules, another":    {sequence(EventCount, least("gte", "2"), "12@0s", "2@0s"), []int64{100}},
		"interleaved groups":               {sequence(EventCount, least("gte", "2"), "1@0s ip=192.0.2.7", "1@1s", "1@2s ip=192.0.2.8", "1@20s ip=192.0.2.7", "1@21s ip=192.0.2.8"), nil},
		"group field missing":              {sequence(EventCount, least("gte", "2"), "1@0s ip=", "1@1s ip="), nil},
		"distinct values":                  {sequence(ValueCount, values("gte", "2", "a"), "1@0s a=x", "1@1s a=x", "1@10s a=y"), []int64{101}},
		"values too far apart":             {sequence(ValueCount, values("gte", "2", "a"), "1@0s a=x", "1@11s a=y"), nil},
		"seen again":                       {sequence(ValueCount, values("gte", "2", "a"), "1@0s a=x", "1@5s a=x", "1@11s a=y"), []int64{101}},
		"value missing":                    {sequence(ValueCount, values("gte", "2", "a"), "1@0s a=x", "1@1s", "1@2s a=json:null"), nil},
		"empty text is a value":            {sequence(ValueCount, values("gte", "2", "a"), "1@0s a=x", "1@1s a="), []int64{100}},
		"number and text are one":          {sequence(ValueCount, values("gte", "2", "a"), "1@0s a=22", "1@1s a=json:22", "1@2s a=json:22.0"), nil},
		"objects by content":               {sequence(ValueCount, values("gte", "2", "a"), `1@0s a=json:{"o":1,"p":2}`, `1@1s a=json:{"p":2,"o":1}`), nil},
		"another object":                   {sequence(ValueCount, values("gte", "2", "a"), `1@0s a=json:{"o":1}`, `1@1s a=json:{"o":2}`), []int64{100}},
		"a window ends at what takes part": {sequence(ValueCount, values("gte", "2", "a"), "1@0s a=x", "1@1s a=y", "1@10s"), []int64{100}},
		"pairs":                            {sequence(ValueCount, values("gte", "3", "a", "b"), "1@0s a=x b=y", "1@1s a=x b=z", "1@2s a=y b=y", "1@3s a=x b=y"), []int64{100}},
		"pairs are no joined text":         {sequence(ValueCount, values("gte", "2", "a", "b"), "1@0s a=xy b=z", "1@1s a=x b=yz"), []int64{100}},
		"half a pair":                      {sequence(ValueCount, values("gte", "2", "a", "b"), "1@0s a=x b=y", "1@1s a=z"), nil},
		"sum":                              {sequence(ValueSum, values("gte", "1", "a"), "1@0s a=0.1", "1@1s a=0.2", "1@2s a=json:0.7"), []int64{100}},
		"sum of more":                      {sequence(ValueSum, values("gt", "1", "a"), "1@0s a=0.1", "1@1s a=0.2", "1@2s a=0.7"), nil},
		"negative takes no part":           {sequence(ValueSum, values("gte", "5", "a"), "1@0s a=5", "1@12s a=-1", "1@13s a=x"), []int64{100}},
		"zero takes part":                  {sequence(ValueSum, values("gte", "5", "a"), "1@0s a=5", "1@10s a=0"), []int64{100, 101}},
		"one number of an event":           {sequence(ValueSum, values("gte", "10", "a"), "12@0s a=5"), nil},
		"far more than is asked":           {sequence(ValueSum, values("gte", "10", "a"), "1@0s a=1e300"), []int64{100}},
		"temporal, any order":              {sequence(Temporal, Condition{}, "3@0s", "1@5s", "2@10s"), []int64{101}},
		"temporal, one too old":            {sequence(Temporal, Condition{}, "3@0s", "1@5s", "2@10.5s"), nil},
		"temporal, one event":              {sequence(Temporal, Condition{}, "123@0s"), []int64{100}},
		"temporal, two of three":           {sequence(Temporal, least("gte", "2"), "1@0s", "3@1s", "2@30s"), []int64{100}},
		"text":                             {sequence(Temporal, text("TC1 and (TC2 or TC3)"), "3@0s", "1@5s", "2@30s"), []int64{100}},
		"text, and before or":              {sequence(Temporal, text("TC2 or TC1 and TC3"), "2@0s", "1@20s", "3@50s"), []int64{100}},
		"ordered":                          {sequence(TemporalOrdered, Condition{}, "1@0s", "2@5s", "3@10s"), []int64{101}},
		"ordered, too slow":                {sequence(TemporalOrdered, Condition{}, "1@0s", "2@5s", "3@10.1s"), nil},
		"wrong order":                      {sequence(TemporalOrdered, Condition{}, "3@0s", "2@5s", "1@10s"), nil},
		"wrong order behind the first":     {sequence(TemporalOrdered, Condition{}, "1@0s", "3@1s", "2@2s"), nil},
		"begins again":                     {sequence(TemporalOrdered, Condition{}, "1@0s", "2@5s", "1@8s", "2@12s", "3@15s"), []int64{101}},
		"the first is too old":             {sequence(TemporalOrdered, Condition{}, "1@0s", "2@5s", "1@8s", "3@15s"), nil},
		"at one time, in no order":         {sequence(TemporalOrdered, Condition{}, "3@0s", "2@0s", "1@0s"), []int64{100}},
		"two at one time":                  {sequence(TemporalOrdered, Condition{}, "1@0s", "3@5s", "2@5s"), []int64{100}},
		"one event in order":               {sequence(TemporalOrdered, Condition{}, "123@0s"), []int64{100}},
		"ends at any listed rule":          {sequence(TemporalOrdered, Condition{}, "1@9s", "2@9.1s", "3@9.2s", "1@19s"), []int64{100, 101}},
		"ordered, two of three":            {sequence(TemporalOrdered, least("gte", "2"), "3@0s", "1@20s", "3@25s", "2@50s"), []int64{102}},
		"ordered text":                     {sequence(TemporalOrdered, text("(TC1 or TC2) and TC3"), "3@0s", "2@1s", "3@20s", "2@21s", "3@22s", "1@40s"), []int64{102}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := slots(t, test.h); !slices.Equal(got, test.want) {
				t.Errorf("found %v, want %v", got, test.want)
			}
		})
	}
}

// Numbers at one time may add up to more than 128 bits.
func TestSumBeyondBounds(t *testing.T) {
	events := []string{"1@0s a=1"}
	for range 341 { // 10^36 units each: just more than 2^128
		events = append(events, "1@1s a=1e18")
	}
	h := sequence(ValueSum, Condition{Comparisons: []Comparison{{"gt", "999999999999999999"}}, Fields: []string{"a"}}, events...)
	if got := slots(t, h); !slices.Equal(got, []int64{100}) {
		t.Errorf("found %v", got)
	}
}

// Times are kept to the nanosecond until the year 9999.
func TestTimesFarApart(t *testing.T) {
	h := sequence(EventCount, least("gte", "2"), "1@0s", "1@0s", "1@0s", "1@0s")
	for i, at := range []time.Time{time.Unix(0, 0), time.Unix(0, 1), time.Date(9999, 12, 31, 23, 59, 49, 999_999_998, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)} {
		h.events[i].Time = at
	}
	if got := slots(t, h); !slices.Equal(got, []int64{0}) {
		t.Errorf("found %v", got)
	}
	h.events[2].Time = h.events[2].Time.Add(1)
	if got := slots(t, h); !slices.Equal(got, []int64{0, 25340230079}) {
		t.Errorf("found %v", got)
	}
	// 2^64 nanoseconds must not count as no time at all.
	h.events[2].Time, h.events[3].Time = time.Unix(100, 0).Add(1<<63-1).Add(1<<63-1).Add(2), time.Unix(100, 0)
	if got := slots(t, h); !slices.Equal(got, []int64{0}) {
		t.Errorf("found %v", got)
	}
}

// Hayabusa mixed events of different groups when a correlation named several rules
// (Yamato-Security/hayabusa#1809), and checked the order only after the first rule
// (#1810).
func TestErrorsOfOthers(t *testing.T) {
	if got := slots(t, sequence(Temporal, Condition{}, "1@0s ip=192.0.2.7", "2@1s ip=192.0.2.8", "3@2s ip=192.0.2.9")); got != nil {
		t.Errorf("groups are taken together: %v", got)
	}
	if got := slots(t, sequence(TemporalOrdered, Condition{}, "1@0s", "3@1s", "2@2s")); got != nil {
		t.Errorf("the order behind the first rule does not count: %v", got)
	}
	if got := slots(t, sequence(TemporalOrdered, Condition{}, "1@0s", "2@8s", "3@12s")); got != nil {
		t.Errorf("the span is counted from the match before: %v", got)
	}
}

// A chain: accounts whose passwords are guessed at two sensors within an hour.
func TestChainOfTwo(t *testing.T) {
	h := sequence(EventCount, least("gte", "2"),
		"1@0s decky=d1", "1@9s decky=d1", // a match at 9s
		"1@2000s decky=d2", "1@2011s decky=d2", // none
		"1@3609s decky=d3", "1@3609s decky=d3") // at 3609s, an hour after the first
	h.defs[0].GroupBy = []string{"attacker_ip", "decky_id"}
	outer := &Definition{RuleID: "TC99", Version: 1, Type: ValueCount, Rules: []string{"TC9"}, GroupBy: []string{"attacker_ip"}, Timespan: time.Hour}
	outer.Condition = Condition{Comparisons: []Comparison{{"gte", "2"}}, Fields: []string{"decky_id"}}
	h.defs = append(h.defs, outer)
	if got := slots(t, h); !slices.Equal(got, []int64{4609 / 3600}) {
		t.Errorf("found %v", got)
	}
	rules, _ := h.link()
	if r := rules[1]; r.Reach() != time.Hour+10*time.Second || r.Timespan() != time.Hour || r.Grouping() != "attacker_ip" || len(r.Streams()) != 1 || r.Streams()[0].Values[0] != "decky_id" {
		t.Errorf("got %+v", r)
	}
	h.events[5].Time = h.events[5].Time.Add(1)
	if got := slots(t, h); got != nil {
		t.Errorf("found %v a nanosecond later", got)
	}
}

// Ids of sessions are used again: by other sensors, for other attackers.
func TestGroupsBySession(t *testing.T) {
	h := sequence(EventCount, least("gte", "2"), "1@0s session=7 decky=d1", "1@1s session=7 decky=d2", "1@2s session=7 decky=d1 ip=192.0.2.7", "1@3s session=7")
	h.defs[0].GroupBy = []string{"session"}
	if got := slots(t, sessionByName(h)); got != nil {
		t.Errorf("found %v", got)
	}
	h = sequence(EventCount, least("gte", "2"), "1@0s session=7 ip=10.0.0.1", "1@1s session=7 ip=10.0.0.1")
	h.own, _ = ttpcron.ParseNetworks("10.0.0.0/8")
	h.defs[0].GroupBy = []string{"session_id"}
	if got := slots(t, h); !slices.Equal(got, []int64{100}) {
		t.Errorf("an own address takes no part in a group by session: %v", got)
	}
	h.defs[0].GroupBy = []string{"session_id", "attacker_ip"}
	if got := slots(t, h); got != nil {
		t.Errorf("an own address takes part in a group by address: %v", got)
	}
}

// sessionByName replaces Sigma's names, which the reference does not know, by those of
// events.
func sessionByName(h *history) *history {
	rules, _ := h.link()
	if !slices.Contains(rules[0].Names(), "session_id") {
		panic("session is not session_id")
	}
	h.defs[0].GroupBy = []string{"session_id"}
	return h
}

func TestNumbersThatTakeNoPartAreCounted(t *testing.T) {
	h := sequence(ValueSum, Condition{Comparisons: []Comparison{{"gte", "5"}}, Fields: []string{"a"}}, "1@0s a=-1", "1@1s a=x", "1@2s", "1@3s a=5", `1@4s a=json:{"n":5}`, "1@5s a=json:null")
	rules, _ := h.link()
	for g, matches := range h.grouped(rules[0]) {
		j := rules[0].Judge()
		j.Begin(g)
		for i := range matches {
			j.Match(matches[i].stream, &matches[i].m)
		}
		if slots, _ := j.End(nil); !slices.Equal(slots, []int64{100}) || j.LeftOut() != 3 {
			t.Errorf("found %v, %d left out", slots, j.LeftOut())
		}
	}
}
