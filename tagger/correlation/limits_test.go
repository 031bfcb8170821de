package correlation

import (
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// heap is how many bytes are in use after a collection.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// many are addresses, each of which acts twice within a second. The rule requires three of
// them within a minute.
func many(t *testing.T) (*Rule, func(j *Judge, address int, at time.Time)) {
	t.Helper()
	inner := &Definition{RuleID: "C1", Version: 1, Type: EventCount, Rules: []string{"TC1"}, GroupBy: []string{"attacker_ip"}, Timespan: 10 * time.Second, Condition: least("gte", "2")}
	outer := &Definition{RuleID: "C2", Version: 1, Type: ValueCount, Rules: []string{"C1"}, Timespan: time.Minute, Condition: Condition{Comparisons: []Comparison{{"gte", "3"}}, Fields: []string{"attacker_ip"}}}
	rules, problems := Link([]*Definition{inner, outer}, known, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	r := rules[1]
	seq := uint64(0)
	e := ttpcron.Event{Kind: ttpcron.Command}
	var packed []byte
	return r, func(j *Judge, address int, at time.Time) {
		e.AttackerIP = "2001:db8::" + strconv.FormatInt(int64(address), 16)
		packed, _, _ = r.Streams()[0].Append(packed[:0], &e, nil)
		seq++
		j.Match(0, &ttpcron.BaseMatch{Group: string(packed[:1]), Values: string(packed[1:]), Time: at, Seq: seq})
	}
}

// Groups within a group are forgotten when they no longer matter: a million of them, of
// which few matter at a time, take no room, and no finding is missed.
func TestIdleGroupsAreForgotten(t *testing.T) {
	r, match := many(t)
	j := r.Judge()
	before := heap()
	j.Begin("\x00")
	n := 1_000_000
	if testing.Short() {
		n = 200_000
	}
	start := time.Unix(1_700_000_040, 0)
	for i := range n {
		match(j, i, start.Add(time.Duration(i)*100*time.Millisecond))
	}
	for i := range 3 { // the only ones that come twice
		at := start.Add(time.Duration(n)*100*time.Millisecond + time.Duration(i)*29*time.Second)
		match(j, 1000+i, at)
		match(j, 1000+i, at.Add(time.Second))
	}
	slots, bounded := j.End(nil)
	want := ttpcron.Slot(start.Add(time.Duration(n)*100*time.Millisecond+59*time.Second), time.Minute)
	if bounded || !slices.Equal(slots, []int64{want}) {
		t.Errorf("found %v, bounded is %v; want %v", slots, bounded, want)
	}
	if grown := int64(heap()) - int64(before); grown > 1<<20 {
		t.Errorf("the judge takes %d bytes", grown)
	}
	runtime.KeepAlive(j)
}

// Groups that matter may use the whole limit. If there are more, the result says so.
func TestGroupsWithinAGroupAreBounded(t *testing.T) {
	r, match := many(t)
	j := r.Judge()
	before := heap()
	at := time.Unix(1_700_000_000, 0)
	j.Begin("\x00")
	for i := range 300_000 {
		match(j, i, at)
	}
	grown := int64(heap()) - int64(before)
	if j.size < maxSize/2 || grown > 3*maxSize/2 || grown < int64(j.size)/2 {
		t.Errorf("the judge takes %d bytes, and says it is %d", grown, j.size)
	}
	for i := range 3 {
		match(j, i, at)
		match(j, i, at.Add(time.Second))
	}
	slots, bounded := j.End(nil)
	if !bounded || len(slots) != 1 {
		t.Errorf("found %v, bounded is %v", slots, bounded)
	}
	j.Begin("\x00")
	if slots, bounded := j.End(nil); bounded || slots != nil || j.size != 0 {
		t.Errorf("the next group has %v, bounded is %v, size %d", slots, bounded, j.size)
	}
	if grown := int64(heap()) - int64(before); grown > 3<<20 {
		t.Errorf("the judge keeps %d bytes", grown)
	}
	runtime.KeepAlive(j)
}

// A single group takes as much memory as the threshold needs, however many matches there
// are.
func TestMemoryDependsOnTheThreshold(t *testing.T) {
	for _, d := range []*Definition{
		{Type: EventCount, Condition: least("gte", "1000")},
		{Type: ValueCount, Condition: Condition{Comparisons: []Comparison{{"gte", "1000"}}, Fields: []string{"a"}}},
		{Type: ValueSum, Condition: Condition{Comparisons: []Comparison{{"gte", "1000"}}, Fields: []string{"a"}}},
		{Type: Temporal}, {Type: TemporalOrdered},
	} {
		d.RuleID, d.Version, d.Rules, d.Timespan = "C", 1, []string{"TC1", "TC2"}, MaxReach
		rules, problems := Link([]*Definition{d}, known, nil)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		j := rules[0].Judge()
		before := heap()
		j.Begin("\x00")
		values := d.Type.ofValues()
		for i := range 300_000 {
			m := ttpcron.BaseMatch{Time: time.Unix(1_700_000_000+int64(i), 0), Seq: uint64(i)}
			if values {
				m.Values = string((&ttpcron.PackedValue{Text: strconv.Itoa(1 + i)}).Append(nil))
			}
			j.Match(i%2/(1+len(d.Condition.Comparisons)), &m)
		}
		_, bounded := j.End(nil)
		if grown := int64(heap()) - int64(before); bounded || grown > 256<<10 {
			t.Errorf("%s takes %d bytes, bounded is %v", d.Type, grown, bounded)
		}
		runtime.KeepAlive(j)
	}
}

// A sum of very many small numbers is the one thing that cannot be kept whole.
func TestSumsOfSmallNumbersAreBounded(t *testing.T) {
	d := &Definition{RuleID: "C", Version: 1, Type: ValueSum, Rules: []string{"TC1"}, Timespan: MaxReach,
		Condition: Condition{Comparisons: []Comparison{{"gte", "150000"}}, Fields: []string{"a"}}}
	rules, _ := Link([]*Definition{d}, known, nil)
	one := string((&ttpcron.PackedValue{Text: "1"}).Append(nil))
	for _, test := range []struct {
		step    time.Duration
		bounded bool
		found   bool
	}{{time.Millisecond, true, false}, {0, false, true}} {
		j := rules[0].Judge()
		j.Begin("\x00")
		for i := range 200_000 {
			j.Match(0, &ttpcron.BaseMatch{Values: one, Time: time.Unix(1_700_000_000, 0).Add(time.Duration(i) * test.step), Seq: uint64(i)})
		}
		slots, bounded := j.End(nil)
		if bounded != test.bounded || len(slots) > 0 != test.found {
			t.Errorf("numbers %v apart: found %v, bounded is %v", test.step, slots, bounded)
		}
	}
}

// Once it has its memory, judging allocates nothing.
func TestJudgingAllocatesNothing(t *testing.T) {
	for _, r := range someRules(t) {
		j, list, slots := r.Judge(), logins(t, r, 20), make([]int64, 0, 100)
		judgeAll(j, list, slots)
		if n := testing.AllocsPerRun(100, func() { judgeAll(j, list, slots) }); n > 0 {
			t.Errorf("%s (%s) allocates %v times a group", r.def.RuleID, r.def.Type, n)
		}
	}
}
