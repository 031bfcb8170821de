package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
)

// guess is an event of a user and an address.
func guess(at time.Time, text, user, ip, session string) ttpcron.Event {
	e := command(at, text)
	e.AttackerIP, e.SessionID, e.DeckyID = ip, session, "s1"
	if user != "" {
		e.Payload.Set("username", user)
	}
	return e
}

func everyType() sequences {
	by := func(fields ...string) []string { return fields }
	return sequences{lexicon: lexicon{rule("A", 1, "wget"), rule("B", 1, "curl")}, list: []*sequence{
		{id: "C1", version: 1, typ: "count", bases: by("A", "B"), group: by("attacker_ip"), span: 10 * time.Minute, n: 4},
		{id: "C2", version: 1, typ: "distinct", bases: by("A", "B"), group: by("attacker_ip"), value: "username", span: 10 * time.Minute, n: 2},
		{id: "C3", version: 1, typ: "all", bases: by("A", "B"), group: by("session_id"), span: 10 * time.Minute},
		{id: "C4", version: 1, typ: "ordered", bases: by("A", "B"), group: by("username"), span: 7 * time.Minute},
		{id: "C5", version: 1, typ: "count", group: by("decky_id"), span: 30 * time.Minute, n: 2,
			inner: &sequence{typ: "count", bases: by("A"), group: by("decky_id", "username"), span: 10 * time.Minute, n: 2}},
		{id: "C6", version: 1, typ: "sum", bases: by("A"), value: "size", span: time.Hour, n: 3},
	}}
}

// tenEvents happen around midnight, in several groups: some at the edges of windows, some
// at the same instant, one without a field.
func tenEvents() []ttpcron.Event {
	night := ttpcron.DayOf(daysAgo(2)).Start()
	list := []ttpcron.Event{
		guess(night.Add(-10*time.Minute), "wget 1", "root", "203.0.113.1", "1"),
		guess(night.Add(-4*time.Minute), "curl 2", "root", "203.0.113.2", "1"),
		guess(night.Add(-time.Nanosecond), "wget 3", "admin", "203.0.113.1", "2"),
		guess(night, "curl 4", "root", "203.0.113.1", "2"),
		guess(night, "wget 5", "root", "203.0.113.1", "2"),
		guess(night.Add(time.Minute), "wget curl 6", "", "203.0.113.1", ""),
		guess(night.Add(3*time.Minute), "wget 7", "root", "203.0.113.2", "1"),
		guess(night.Add(10*time.Minute), "curl 8", "admin", "203.0.113.1", "2"),
		guess(night.Add(10*time.Minute+1), "wget 9", "pi", "203.0.113.2", "1"),
		guess(night.Add(26*time.Hour), "wget curl 10", "root", "203.0.113.1", "1"),
	}
	for i := range list {
		_ = list[i].Payload.SetRaw("size", []byte(strconv.Itoa(i%3)))
	}
	return list
}

// TestEveryOrderOfArrival brings ten events in every order, in one to four imports with a
// run after each, and finds the same tags.
func TestEveryOrderOfArrival(t *testing.T) {
	set, events := everyType(), tenEvents()
	for i := range events {
		events[i].ID = events[i].ContentID()
	}
	want := set.fromScratch(events, nil)
	found := map[string]bool{}
	for _, tag := range want {
		found[tag.RuleID] = true
	}
	if len(found) != len(set.list) {
		t.Fatalf("of %d correlations %v find something", len(set.list), found)
	}
	every := 5000
	if testing.Short() {
		every = 50_000
	}
	if os.Getenv("JOBS_TEST_LONG") != "" {
		every = 1
	}
	n := 0
	permute(events, 0, func(order []ttpcron.Event) {
		if n++; n%every != 0 || t.Failed() {
			return
		}
		m := newMemory()
		rnd := rand.New(rand.NewPCG(uint64(n), 3))
		for rest := order; len(rest) > 0; {
			k := 1 + rnd.IntN(len(rest))
			if rnd.IntN(3) == 0 {
				k = len(rest)
			}
			add(m, rest[:k]...)
			rest = rest[k:]
			do(t, Job{Store: correlating(m), Rules: &set, Source: SourceAll, Workers: 1 + rnd.IntN(2)})
		}
		have := 0
		for u, tag := range m.tags {
			if tag.SourceKind != ttpcron.Correlation {
				continue
			}
			if w, ok := want[u]; !ok || !sameTag(tag, w) {
				t.Errorf("order %d: got %+v, want %+v", n, tag, w)
			}
			have++
		}
		if have != len(want) {
			t.Errorf("order %d: %d tags, want %d", n, have, len(want))
		}
	})
	if n != 3_628_800 {
		t.Errorf("%d orders", n)
	}
}

// permute calls a function with every order of a list.
func permute[T any](list []T, from int, do func([]T)) {
	if from == len(list) {
		do(list)
		return
	}
	for i := from; i < len(list); i++ {
		list[from], list[i] = list[i], list[from]
		permute(list, from+1, do)
		list[from], list[i] = list[i], list[from]
	}
}

// findings lists the tags of correlations as rule@version and start of the slot.
func findings(m *memory) (out []string) {
	for _, t := range m.tags {
		if t.SourceKind == ttpcron.Correlation {
			out = append(out, fmt.Sprintf("%s@%d %s %s", t.RuleID, t.RuleVersion, t.AttackerIP, t.EventTime.Format("02 15:04")))
		}
	}
	slices.Sort(out)
	return out
}

func counting(n int) sequences {
	return sequences{lexicon: lexicon{rule("A", 1, "wget")}, list: []*sequence{
		{id: "C1", version: 1, typ: "count", bases: []string{"A"}, group: []string{"attacker_ip"}, span: 10 * time.Minute, n: n},
	}}
}

func correlationLine(r Report) string {
	c := r.Run.Correlation
	var rules []string
	for _, x := range r.Changed {
		rules = append(rules, fmt.Sprintf("%s@%d was %d %s %d tags +%d -%d", x.RuleID, x.Version, x.Was, x.Why, x.Tags, x.Inserted, x.Removed))
	}
	return fmt.Sprintf("days=%d groups=%d tags=%d inserted=%d known=%d removed=%d %v", c.Days, c.Groups, c.Tags, c.Inserted, c.Known, c.Removed, rules)
}

// TestCorrelationLife runs one job after another over a history in which one address
// appears three times within ten minutes, and another twice.
func TestCorrelationLife(t *testing.T) {
	m := newMemory()
	at := ttpcron.DayOf(daysAgo(3)).Start().Add(time.Hour)
	for i := range 3 {
		add(m, guess(at.Add(time.Duration(i)*time.Minute), fmt.Sprint("wget ", i), "root", "203.0.113.1", "1"))
	}
	for i := range 2 {
		add(m, guess(at.Add(time.Duration(i)*time.Minute+time.Second), fmt.Sprint("wget x ", i), "root", "203.0.113.2", "2"))
	}
	set := counting(3)
	edited := func(n, version int) *sequences {
		c := counting(n)
		c.list[0].version = version
		return &c
	}
	narrow := counting(2)
	narrow.lexicon = lexicon{rule("A", 1, "wget x")}
	both := counting(2)
	both.list = append(both.list, &sequence{id: "C2", version: 1, typ: "count", bases: []string{"A"}, group: []string{"attacker_ip"}, span: time.Hour, n: 2})
	none := counting(2)
	none.list = nil
	single := counting(2)
	single.lexicon, single.list = append(slices.Clone(single.lexicon), rule("C1", 1, "x")), nil
	beside := counting(2)
	beside.lexicon, beside.list = single.lexicon, both.list[1:]
	for _, s := range []struct {
		name  string
		rules *sequences
		want  string
	}{
		{"first run", &set, "days=1 groups=2 tags=1 inserted=1 known=0 removed=0 []"},
		{"and again", &set, "days=0 groups=0 tags=0 inserted=0 known=0 removed=0 []"},
		{"an edit", edited(2, 1), "days=1 groups=2 tags=2 inserted=1 known=1 removed=0 [C1@1 was 1 edited 2 tags +1 -0]"},
		{"a version", edited(2, 2), "days=1 groups=2 tags=2 inserted=2 known=0 removed=2 [C1@2 was 1 version 2 tags +2 -2]"},
		{"the version before", edited(2, 1), "days=1 groups=2 tags=2 inserted=2 known=0 removed=2 [C1@1 was 2 version 2 tags +2 -2]"},
		{"a base rule", &narrow, "days=1 groups=1 tags=1 inserted=0 known=1 removed=1 [A@1 was 1 edited 2 tags +0 -3 C1@1 was 0 matches 0 tags +0 -1]"},
		{"the base rule before", edited(2, 1), "days=1 groups=2 tags=2 inserted=1 known=1 removed=0 [A@1 was 1 edited 5 tags +3 -0]"},
		{"none", &none, "days=0 groups=0 tags=0 inserted=0 known=0 removed=0 []"},
		{"one more", &both, "days=1 groups=2 tags=2 inserted=2 known=0 removed=0 [C2@1 was 0 new 2 tags +2 -0]"},
		{"one less", edited(2, 1), "days=0 groups=0 tags=0 inserted=0 known=0 removed=0 []"},
		{"of single events", &single, "days=0 groups=0 tags=0 inserted=0 known=0 removed=0 [C1@1 was 0 new 2 tags +2 -2]"},
		{"and again", &single, "days=0 groups=0 tags=0 inserted=0 known=0 removed=0 []"},
		{"a correlation again", edited(2, 1), "days=1 groups=2 tags=2 inserted=2 known=0 removed=0 [C1@1 was 0 new 2 tags +2 -0]"},
		{"of single events, beside another", &beside, "days=1 groups=2 tags=2 inserted=0 known=2 removed=0 [C1@1 was 0 kind 0 tags +0 -2]"},
		{"the correlation once more", edited(2, 1), "days=1 groups=2 tags=2 inserted=2 known=0 removed=0 [C1@1 was 0 new 2 tags +2 -0]"},
	} {
		if got := correlationLine(do(t, Job{Store: correlating(m), Rules: s.rules, Source: SourceAll})); got != s.want {
			t.Errorf("%s:\ngot  %s\nwant %s", s.name, got, s.want)
		}
	}
	var audit []string
	for _, a := range m.audit {
		audit = append(audit, a.RuleID+" "+a.Reason+" "+a.After)
	}
	want := []string{"C1 edited +1 -0 tags, 1 replaced", "C1 version, was 1 +2 -2 tags", "C1 version, was 2 +2 -2 tags", "A edited +0 -3 tags", "C1 matches +0 -1 tags", "A edited +3 -0 tags", "C2 new +2 -0 tags", "C1 new +2 -2 tags", "C1 new +2 -0 tags", "C1 kind +0 -2 tags", "C1 new +2 -0 tags"}
	if !slices.Equal(audit, want) {
		t.Errorf("the audit trail has\n%q, want\n%q", audit, want)
	}
	r := do(t, Job{Store: correlating(m), Rules: edited(1, 1), Source: SourceAll})
	if c := m.runs[r.Run.ID].Correlation; c != r.Run.Correlation || c.Rules != 1 || c.Replaced != 2 {
		t.Errorf("the record says %+v, the report %+v", c, r.Run.Correlation)
	}
}

// TestUnloadedCorrelationsCatchUp: events that arrive while a correlation is not loaded
// are judged when it is back, including slots that reach into later days.
func TestUnloadedCorrelationsCatchUp(t *testing.T) {
	m := newMemory()
	set, other := counting(2), counting(9)
	other.list[0].id = "C9"
	midnight := ttpcron.DayOf(daysAgo(3)).Start()
	add(m, guess(midnight.Add(time.Minute), "wget after", "root", "203.0.113.1", "1"))
	both := set
	both.list = append(both.list, other.list...)
	do(t, Job{Store: correlating(m), Rules: &both, Source: SourceAll})
	add(m, guess(midnight.Add(-time.Minute), "wget before", "root", "203.0.113.1", "1"))
	do(t, Job{Store: correlating(m), Rules: &other, Source: SourceAll})
	if got := findings(m); len(got) > 0 {
		t.Fatalf("found %q", got)
	}
	do(t, Job{Store: correlating(m), Rules: &both, Source: SourceAll})
	if got, want := findings(m), []string{"C1@1 203.0.113.1 17 00:00"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// TestOneEventReadsOneGroup: if most of a history has been judged, a new event makes the
// pass read only what is near it.
func TestOneEventReadsOneGroup(t *testing.T) {
	m := newMemory()
	m.pageSize = 1000
	start := ttpcron.DayOf(daysAgo(3)).Start()
	var events []ttpcron.Event
	for i := range 3000 {
		events = append(events, guess(start.Add(time.Duration(i)*20*time.Second), fmt.Sprint("wget ", i), "root", fmt.Sprint("203.0.113.", i%3), "1"))
	}
	add(m, events...)
	set := counting(5)
	do(t, Job{Store: correlating(m), Rules: &set, Source: SourceAll})
	add(m, guess(start.Add(5*time.Hour), "wget more", "root", "203.0.113.1", "1"))
	before := m.book.reads
	r := do(t, Job{Store: correlating(m), Rules: &set, Source: SourceAll})
	if n := m.book.reads - before; n > 40 || r.Run.Correlation.Groups != 1 {
		t.Errorf("%d base matches were read: %s", n, correlationLine(r))
	}
	before, writes := m.book.reads, m.writes
	r = do(t, Job{Store: correlating(m), Rules: &set, Source: SourceAll})
	if m.book.reads != before || m.writes != writes+1 { // the record of the run
		t.Errorf("with nothing to do %d base matches were read, and %d transactions written: %s", m.book.reads-before, m.writes-writes, correlationLine(r))
	}
}

// TestWhatIsLeftStays: the last match of a slot is removed. A window that ended before it,
// and began long before the slot, still satisfies the correlation.
func TestWhatIsLeftStays(t *testing.T) {
	m := newMemory()
	start := ttpcron.DayOf(daysAgo(3)).Start().Add(2 * time.Hour)
	for _, minute := range []int{-50, 1, 31} {
		add(m, guess(start.Add(time.Duration(minute)*time.Minute), fmt.Sprint("wget ", minute), "root", "203.0.113.1", "1"))
	}
	for i := range 40 {
		add(m, guess(start.Add(time.Duration(i)*30*time.Minute), fmt.Sprint("wget x ", i), "root", "203.0.113.2", "1"))
	}
	set := counting(2)
	set.list[0].span = time.Hour
	do(t, Job{Store: correlating(m), Rules: &set, Source: SourceAll})
	want := findings(m)
	m.learn(2, ttpcron.TextPayload("command_text", "nothing"))
	named := m.book.named
	r := do(t, Job{Store: correlating(m), Rules: &set, Source: SourceAll})
	if got := findings(m); !slices.Equal(got, want) || r.Run.Correlation.Removed > 0 || m.book.named == named {
		t.Errorf("found %q, want %q; %s", got, want, correlationLine(r))
	}
}

// TestPassStopsAtAnyCommit fails each commit of a pass in turn. The next run ends with the
// tags of a pass that never failed, and nothing is committed after the failure.
func TestPassStopsAtAnyCommit(t *testing.T) {
	set := everyType()
	want := set.fromScratch(withIDs(tenEvents()), nil)
	broken := errors.New("broken")
	for at := 1; ; at++ {
		m := newMemory()
		add(m, tenEvents()...)
		after := 0
		m.commitErr = func(n int, c ttpcron.Commit) error {
			if n == at {
				return broken
			}
			if n > at && len(c.Tags)+len(c.Matches)+len(c.Judged)+len(c.Settled)+len(c.Judgements) > 0 {
				after++
			}
			return nil
		}
		job := Job{Store: correlating(m), Rules: &set, Source: SourceAll, Now: ticking(), BatchSize: 1, limits: passLimits{kept: 1, touched: 1, tags: 1}}
		_, err := try(job)
		if err == nil {
			if at < 10 {
				t.Errorf("only %d commits", at)
			}
			return
		}
		if !errors.Is(err, broken) || after > 0 {
			t.Fatalf("commit %d: %v, %d commits after it", at, err, after)
		}
		m.commitErr = nil
		job.Now = ticking()
		do(t, job)
		have := 0
		for u, tag := range m.tags {
			if tag.SourceKind != ttpcron.Correlation {
				continue
			}
			if w, ok := want[u]; !ok || !sameTag(w, tag) {
				t.Errorf("commit %d: got %+v", at, tag)
			}
			have++
		}
		if have != len(want) || len(m.book.touched) > 0 {
			t.Errorf("commit %d: %d tags, want %d; %d matches are not settled", at, have, len(want), len(m.book.touched))
		}
	}
}

func withIDs(events []ttpcron.Event) []ttpcron.Event {
	for i := range events {
		events[i].ID = events[i].ContentID()
	}
	return events
}

// TestPassIsBounded: a pass with many findings commits them in parts. For an edited rule,
// each part lists at most the allowed number of tags that stay.
func TestPassIsBounded(t *testing.T) {
	m := newMemory()
	m.pageSize = 5000
	var events []ttpcron.Event
	start := ttpcron.DayOf(daysAgo(3)).Start()
	const n = 2 * passNames
	for i := range n {
		events = append(events, guess(start.Add(time.Duration(i)*time.Second), "wget", "root", fmt.Sprintf("10.0.%d.%d", i/256, i%256), "1"))
	}
	add(m, events...)
	most, kept := 0, 0
	m.onCommit = func(_ int, c ttpcron.Commit) {
		names := map[string]bool{}
		for _, t := range c.Tags {
			if t.SourceKind == ttpcron.Correlation {
				names[t.AttackerUUID] = true
			}
		}
		most, kept = max(most, len(names)), max(kept, len(c.Kept))
	}
	set := counting(1)
	job := Job{Store: correlating(m), Rules: &set, Source: SourceAll, Workers: 2, limits: passLimits{kept: 2000}}
	if r := do(t, job); r.Run.Correlation.Inserted != n || most > passNames+foundTags || kept > 0 {
		t.Errorf("%s; a commit has tags of %d attackers and keeps %d", correlationLine(r), most, kept)
	}
	edited := counting(1)
	edited.list[0].typ = "all"
	job.Rules = &edited
	if r := do(t, job); r.Run.Correlation.Known != n || r.Run.Correlation.Removed != 0 || kept == 0 || kept > 4000 {
		t.Errorf("%s; a commit keeps %d", correlationLine(r), kept)
	}
}

// TestFiguresOfGroups: the numbers of judged groups, bounded groups and left out values do
// not depend on how many days one reading covers, nor on how many readings a limit splits
// it into. The fake reaches a limit at every 50th event, and leaves out events of even
// seconds.
func TestFiguresOfGroups(t *testing.T) {
	start := ttpcron.DayOf(daysAgo(9)).Start()
	set := counting(2)
	set.list = append(set.list, &sequence{id: "C2", version: 1, typ: "count", bases: []string{"A"}, group: []string{"attacker_ip"}, span: 30 * time.Hour, n: 2})
	for _, limits := range []passLimits{{}, {span: 1}, {span: 2}, {span: 64}, {tags: 1, kept: 1, span: 1}} {
		m := newMemory()
		m.pageSize = 1000
		for i := range 200 {
			add(m, guess(start.Add(time.Duration(i)*50*time.Minute), fmt.Sprint("wget ", i), "root", fmt.Sprintf("203.0.113.%d", i%3), "1"))
			add(m, guess(start.Add(time.Duration(i)*50*time.Minute+time.Second), fmt.Sprint("wget x ", i), "root", "203.0.113.0", "1"))
		}
		c := do(t, Job{Store: correlating(m), Rules: &set, Source: SourceAll, limits: limits}).Run.Correlation
		if c.Groups != 3 || c.Bounded != 1 || c.LeftOut != 400 {
			t.Errorf("%+v: %d groups, %d met a limit, %d left out; want 3, 1 and 400", limits, c.Groups, c.Bounded, c.LeftOut)
		}
	}
}

// TestSlotsOfTwoDaysAreJudgedOnce: a slot over midnight counts as a finding of only one of
// its two days: in a first run, after an edit, and after matches were removed, however the
// days are divided into blocks.
func TestSlotsOfTwoDaysAreJudgedOnce(t *testing.T) {
	start := ttpcron.DayOf(daysAgo(9)).Start()
	for _, span := range []int{1, 2, 64} {
		m := newMemory()
		m.pageSize = 1000
		for i := range 400 {
			add(m, guess(start.Add(time.Duration(i)*20*time.Minute), fmt.Sprint("wget ", i%2), "root", "203.0.113.1", "1"))
		}
		for _, s := range []struct {
			span time.Duration
			word string
		}{{7 * time.Hour, "wget"}, {7 * time.Hour, "wget 1"}, {11 * time.Hour, "wget 1"}, {11 * time.Hour, "wget"}, {25 * time.Hour, "wget"}} {
			set := counting(2)
			set.lexicon[0].word, set.list[0].span = s.word, s.span
			want := len(set.fromScratch(m.events, nil))
			c := do(t, Job{Store: correlating(m), Rules: &set, Source: SourceAll, Workers: 2, limits: passLimits{span: span}}).Run.Correlation
			if got := len(findings(m)); got != want || c.Tags != want {
				t.Errorf("%d days at once, %v, %s: %d tags made, %d stored, want %d", span, s.span, s.word, c.Tags, got, want)
			}
		}
	}
}

// TestWhatWentAfterMidnight: the slot over midnight begins on a day that lost nothing.
func TestWhatWentAfterMidnight(t *testing.T) {
	midnight := ttpcron.DayOf(daysAgo(3)).Start()
	set := counting(2)
	set.list[0].span = 55 * time.Minute
	for ttpcron.SlotStart(ttpcron.Slot(midnight.Add(2*time.Second), 55*time.Minute), 55*time.Minute).Equal(midnight) {
		midnight = midnight.Add(-24 * time.Hour)
	}
	m := newMemory()
	for i := range 2 {
		add(m, guess(midnight.Add(time.Duration(1+i)*time.Second), fmt.Sprint("wget ", i), "root", "203.0.113.1", "1"))
	}
	do(t, Job{Store: correlating(m), Rules: &set, Source: SourceAll})
	if got := findings(m); len(got) != 1 {
		t.Fatalf("found %q", got)
	}
	add(m, guess(midnight.Add(-time.Minute), "wget", "root", "203.0.113.2", "1"))
	m.learn(1, ttpcron.TextPayload("command_text", "nothing"))
	do(t, Job{Store: correlating(m), Rules: &set, Source: SourceAll})
	if got := findings(m); len(got) != 0 {
		t.Errorf("found %q, of one match alone", got)
	}
}

// TestGroupsAreCounted counts exactly as long as it can, and approximately after that.
func TestGroupsAreCounted(t *testing.T) {
	for _, n := range []int{1, 1000, 1001, 300_000} {
		c := newGroupCount(1000)
		h := groupHashes{of: c}
		for range 2 {
			for i := range n {
				h.add(hashOf(ttpcron.Group(strconv.Itoa(i/3)), hashOfGrouping(strconv.Itoa(i%3))))
			}
		}
		h.settle()
		if got := c.count(); n <= 1000 && got != n || got < n-n/5 || got > n+n/5 || len(c.kept) > 1000 {
			t.Errorf("counted %d of %d, and kept %d", got, n, len(c.kept))
		}
	}
}

// TestBrokenCorrelation: if a correlation panics, one group loses its tags; the run goes
// on.
func TestBrokenCorrelation(t *testing.T) {
	for _, workers := range []int{1, 3} {
		m := newMemory()
		add(m, tenEvents()...)
		set := everyType()
		r := do(t, Job{Store: correlating(m), Rules: breaking{&set}, Source: SourceAll, Workers: workers})
		for _, f := range findings(m) {
			if f[:2] == "C1" {
				t.Errorf("found %s", f)
			}
		}
		if len(findings(m)) == 0 || r.Run.Correlation.Inserted != len(findings(m)) {
			t.Errorf("%s", correlationLine(r))
		}
		if do(t, Job{Store: correlating(m), Rules: breaking{&set}, Source: SourceAll}).Run.Correlation.Days != 0 {
			t.Error("a group that fails is judged with every run")
		}
	}
}

// breaking is a rule set with a rule that panics over some groups.
type breaking struct{ *sequences }

func (b breaking) Correlations() []Correlation {
	list := b.sequences.Correlations()
	list[0].(*correlated).panics = "203.0.113.1"
	return list
}

// TestCorrelationsOnly: a run of the source correlation looks at no event.
func TestCorrelationsOnly(t *testing.T) {
	m := newMemory()
	add(m, tenEvents()...)
	set := everyType()
	ctx, cancel := context.WithCancel(context.Background())
	m.onMatch = cancel
	if _, err := (&Job{Store: correlating(m), Rules: &set, Now: clock}).Run(ctx); !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	m.onMatch = nil
	add(m, guess(daysAgo(1), "wget late", "root", "203.0.113.1", "1"))
	pages := m.pages
	r := do(t, Job{Store: correlating(m), Rules: &set, Source: SourceCorrelation})
	if m.pages != pages || len(r.Run.Sources) > 0 || r.Run.Correlation.Inserted != len(set.fromScratch(withIDs(tenEvents()), nil)) {
		t.Errorf("%d pages of events were read: %s", m.pages-pages, correlationLine(r))
	}
	none := counting(1)
	none.list = nil
	if _, err := try(Job{Store: correlating(m), Rules: &none, Source: SourceCorrelation}); !errors.Is(err, ErrNoRules) {
		t.Errorf("without correlations: %v", err)
	}
}

// takeOut applies the part of a commit that a store does in a transaction before it, if it
// removes too much for one.
func (m *memory) takeOut(c ttpcron.Commit) (done ttpcron.Committed) {
	kept := map[ttpcron.UUID]bool{}
	for _, t := range c.Tags {
		kept[t.UUID()] = true
	}
	judgeTags(c, m.tags, kept, func(t *ttpcron.Tag, n ttpcron.TagChanges) {
		done.TagChanges.Add(n)
		done.Count(ttpcron.RuleTechnique{RuleID: t.RuleID, Technique: t.Technique()}, n)
	})
	m.done.Add(done)
	return done
}

// TestEditTakenBack: a correlation is edited, or becomes a rule for single events. The run
// that judges it again stops at some commit, after the store may have removed tags. Then
// the edit is reverted.
func TestEditTakenBack(t *testing.T) {
	start := ttpcron.DayOf(daysAgo(9)).Start()
	set := counting(2)
	for name, edited := range map[string]func(s *sequences){
		"threshold": func(s *sequences) { s.list[0].n = 3 },
		"version":   func(s *sequences) { s.list[0].version = 2 },
		"timespan":  func(s *sequences) { s.list[0].span = 7 * time.Minute },
		"kind":      func(s *sequences) { s.lexicon, s.list = append(s.lexicon, rule("C1", 1, "x")), nil },
	} {
		for _, job := range []Job{{BatchSize: 1, limits: passLimits{kept: 1, tags: 1}}, {BatchSize: 1, limits: passLimits{kept: 1, tags: 1, span: 8}}, {}} {
			for at := 1; ; at++ {
				m := newMemory()
				m.pageSize = 1000
				for i := range 60 {
					add(m, guess(start.Add(time.Duration(i/3)*5*time.Hour+time.Duration(i%3*(1+i%5))*time.Minute), fmt.Sprint("wget ", i), "root", fmt.Sprintf("203.0.113.%d", i%2), "1"))
				}
				job.Store, job.Rules, job.Source, job.Now, job.Workers = correlating(m), &set, SourceAll, ticking(), 1
				do(t, job)
				want := findings(m)
				other := counting(2)
				edited(&other)
				failed, n, before := false, m.commits, m.done.TagChanges
				m.commitErr = func(k int, c ttpcron.Commit) error {
					if !failed && k == n+at {
						failed = true
						m.taken = m.takeOut(c)
					}
					if failed {
						return errBroken
					}
					return nil
				}
				job.Rules, job.Now = &other, ticking()
				r, err := try(job)
				m.commitErr, m.taken = nil, ttpcron.Committed{}
				if err := m.tells(&r, before); err != nil {
					t.Errorf("%s, stopped at commit %d: %v", name, at, err)
				}
				job.Rules, job.Now = &set, ticking()
				do(t, job)
				if got := findings(m); !slices.Equal(got, want) {
					t.Errorf("%s, stopped at commit %d: found %q, want %q", name, at, got, want)
				}
				if err == nil {
					break
				}
			}
		}
	}
}

// TestAwaitedEventsAreSaid: a run warns if it judges days with formerly frozen slots
// before any event of the pruned days is back.
func TestAwaitedEventsAreSaid(t *testing.T) {
	day := ttpcron.DayOf(daysAgo(3))
	for before, said := range map[ttpcron.Day]bool{0: false, day: true, day - thawedDays + 1: true, day - thawedDays: false} {
		m := newMemory()
		add(m, guess(day.Start(), "wget", "root", "203.0.113.1", "1"))
		m.book.awaited = before
		set := counting(1)
		var log bytes.Buffer
		job := Job{Store: correlating(m), Rules: &set, Source: SourceAll, Log: hclog.New(&hclog.LoggerOptions{Output: &log})}
		do(t, job)
		if got := strings.Contains(log.String(), "no event of the days before "+before.String()+" has come in again"); got != said {
			t.Errorf("events before %s are awaited, and the run says %q", before, log.String())
		}
		log.Reset()
		if do(t, job); log.Len() > 0 {
			t.Errorf("with nothing to do the run says %q", log.String())
		}
	}
}
