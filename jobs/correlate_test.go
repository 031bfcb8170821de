package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// fromScratch judges correlations one by one, over all the events.
func (s *sequences) fromScratch(events []ttpcron.Event, frozen func(*sequence, ttpcron.Tag) bool) map[ttpcron.UUID]ttpcron.Tag {
	tags := map[ttpcron.UUID]ttpcron.Tag{}
	own := s.networks()
	for _, q := range s.list {
		c := s.correlated(q)
		groups := map[string][]instant{}
		for i := range events {
			for k, st := range c.streams {
				if m, ok := s.match(st, &events[i], own); ok {
					groups[m.Group] = append(groups[m.Group], instant{m.Time, m.Seq, c.bases[k], m.Values})
				}
			}
		}
		for g, list := range groups {
			for _, slot := range q.slots(list) {
				if t := q.tag(ttpcron.Group(g), slot); frozen == nil || !frozen(q, t) {
					tags[t.UUID()] = t
				}
			}
		}
	}
	return tags
}

// sameTag reports whether two tags are equal to the byte, except for when they were made.
func sameTag(a, b ttpcron.Tag) bool {
	a.CreatedAt, b.CreatedAt = time.Time{}, time.Time{}
	a.Finding, b.Finding = nil, nil // the evidence says it
	return fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b)
}

// plays is a random history of events and of correlations.
type plays struct {
	*memory
	rnd                                                                                  *rand.Rand
	set                                                                                  sequences
	former                                                                               []*sequence
	anchors                                                                              []time.Time
	learned                                                                              map[string]bool // events that no run has looked at since
	complete, broken, parts, gone, named, whole, frozen, interrupted, compared, foretold int
}

// TestCorrelationsEqualFromScratch plays random histories of arrivals, edits and runs of
// every sort. After each run that ended well and left nothing out, the tags of the
// correlations in force must be exactly those that they make of the events in the store.
func TestCorrelationsEqualFromScratch(t *testing.T) {
	n := 60
	if f, err := strconv.Atoi(os.Getenv("JOBS_TEST_LONG")); err == nil && f > 0 {
		n *= f
	} else if testing.Short() {
		n = 15
	}
	first := 0
	if f, err := strconv.Atoi(os.Getenv("JOBS_TEST_SEED")); err == nil {
		first, n = f, 1
	}
	var all plays
	var found ttpcron.Committed
	var mu sync.Mutex
	var wg sync.WaitGroup
	seeds := make(chan int)
	for range 2 {
		wg.Go(func() {
			for seed := range seeds {
				p := plays{rnd: rand.New(rand.NewPCG(uint64(seed), 9)), memory: newMemory(), learned: map[string]bool{}}
				err := p.play()
				mu.Lock()
				if err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
				found.Add(p.done)
				all.complete, all.broken, all.parts, all.gone = all.complete+p.complete, all.broken+p.broken, all.parts+p.parts, all.gone+p.gone
				all.named, all.whole, all.frozen, all.interrupted, all.compared, all.foretold = all.named+p.book.named, all.whole+p.whole, all.frozen+p.frozen, all.interrupted+p.interrupted, all.compared+p.compared, all.foretold+p.foretold
				mu.Unlock()
			}
		})
	}
	for seed := range n {
		seeds <- first + seed
	}
	close(seeds)
	wg.Wait()
	inserted, removed := 0, 0
	for k, c := range found.Changes {
		if strings.HasPrefix(k.RuleID, "C") {
			inserted, removed = inserted+c.Inserted, removed+c.Removed
		}
	}
	t.Logf("%d runs ended well, %d were compared, %d broke, %d were interrupted; %d tags came, %d went; commits: %d with parts of judgements, %d with tags by name, %d with days judged; reads of some groups %d; %d tags froze; %d runs were foretold",
		all.complete, all.compared, all.broken, all.interrupted, inserted, removed, all.parts, all.gone, all.whole, all.named, all.frozen, all.foretold)
	if n >= 60 && (all.complete < 3*n || all.compared < 3*n || all.broken < n/4 || all.interrupted < n/4 || inserted < 10*n || removed < 3*n || all.parts < n/4 || all.gone < n/12 || all.named < n/2 || all.frozen == 0 || all.foretold < n/6) {
		t.Error("the histories are too tame")
	}
}

func (p *plays) play() error {
	rnd, m := p.rnd, p.memory
	m.pageSize = 1 + rnd.IntN(8)
	m.book.copies = rnd.IntN(3) == 0
	for range 2 + rnd.IntN(4) {
		p.anchors = append(p.anchors, daysAgo(12*rnd.Float64()).Truncate(time.Hour))
	}
	p.anchors = append(p.anchors, ttpcron.DayOf(daysAgo(3)).Start(), ttpcron.DayOf(daysAgo(4)).Start())
	input := rule("ALLSTDIN", 1, "")
	input.kind = stdin
	p.set = sequences{lexicon: lexicon{rule("ALL", 1, ""), input, rule("A", 1, "wget"), rule("B", 1, "curl")}}
	for range 4 {
		p.editSequence()
	}
	m.onCommit = func(_ int, c ttpcron.Commit) {
		for _, j := range c.Judgements {
			if j.Parts > 1 {
				p.parts++
			}
		}
		if len(c.Gone) > 0 {
			p.gone++
		}
		if len(c.Judged) > 0 {
			p.whole++
		}
	}
	for step := range 40 {
		if err := p.step(); err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
	}
	return nil
}

func (p *plays) step() error {
	rnd, m := p.rnd, p.memory
	switch k := rnd.IntN(20); {
	case k < 6:
		p.arrive()
		return nil
	case k < 8:
		edits := edits{rnd: rnd, set: p.set.lexicon}
		edits.edit()
		p.set.lexicon = edits.set
		return nil
	case k < 11:
		p.editSequence()
		return nil
	case k == 11 && rnd.IntN(4) == 0:
		p.set.own = []string{"", "203.0.113.1", "203.0.113.0/31"}[rnd.IntN(3)]
		return nil
	case k == 12 && rnd.IntN(5) == 0:
		p.freeze(ttpcron.DayOf(p.anchors[rnd.IntN(len(p.anchors))]) + ttpcron.Day(rnd.IntN(3)))
		return nil
	case k == 12 && len(m.events) > 0:
		i := rnd.IntN(len(m.events))
		e := m.events[i]
		text, _ := e.Payload.Text("command_text")
		payload := ttpcron.TextPayload("command_text", text)
		payload.Set("username", p.pick("root", "admin", "pi"))
		p.learned[e.ID] = true
		m.learn(i, payload)
		return nil
	}
	j := Job{Store: correlating(m), Rules: ref(p.set), Now: clock, BatchSize: 1 + rnd.IntN(5), Workers: 1 + rnd.IntN(3)}
	if rnd.IntN(3) > 0 {
		j.Now = ticking()
	}
	if rnd.IntN(2) == 0 {
		j.limits = passLimits{kept: 1 + rnd.IntN(6), touched: rnd.IntN(20), tags: 1 + rnd.IntN(3)}
	}
	j.limits.span = []int{0, 1, 1, 2}[rnd.IntN(4)]
	switch rnd.IntN(8) {
	case 0:
		j.SinceDays = 1 + rnd.IntN(14)
	case 1:
		j.ChangedOnly = true
	case 2:
		j.Source = []string{SourceCommand, "stdin", SourceCorrelation}[rnd.IntN(3)]
	}
	if rnd.IntN(8) == 0 {
		return p.foresee(j)
	}
	before := maps.Clone(p.tags)
	complete, err := p.disturbed(&j)
	if err == nil {
		err = p.stayFrozen(before)
	}
	if err != nil || !complete || j.Source != SourceAll {
		return err
	}
	if j.SinceDays == 0 && !j.ChangedOnly {
		clear(p.learned)
	}
	if len(p.learned) > 0 {
		return nil
	}
	p.compared++
	if err := p.asFromScratch(); err != nil || rnd.IntN(3) > 0 || len(p.set.list) == 0 {
		return err
	}
	list := slices.Clone(p.set.list)
	q := *list[rnd.IntN(len(list))]
	q.n = 1 + q.n%3
	list[slices.IndexFunc(list, func(o *sequence) bool { return o.id == q.id })] = &q
	p.set.list = list
	j.Rules = ref(p.set)
	return p.foresee(j)
}

// foresee checks that a dry run predicts what the run does, where it claims to know.
func (p *plays) foresee(j Job) error {
	dry, writes := j, p.writes
	dry.DryRun = true
	want, err := dry.Run(context.Background())
	if p.writes != writes || err != nil && !errors.Is(err, ErrNoRules) {
		return fmt.Errorf("a dry run wrote %d times, %v: %+v", p.writes-writes, err, want.Run.Correlation)
	}
	if c := want.Run.Correlation; err != nil || c.NotForetold || c.Rules == 0 {
		return nil
	}
	got, err := j.Run(context.Background())
	if err != nil {
		return err
	}
	a, b := got.Run.Correlation, want.Run.Correlation
	a.Elapsed, b.Elapsed = 0, 0
	if a != b || !sameChanges(got, want) {
		return fmt.Errorf("a dry run says %+v %+v, the run does %+v %+v", b, want.Tags, a, got.Tags)
	}
	if a.Inserted+a.Removed+a.Replaced > 0 {
		p.foretold++
	}
	if len(p.learned) > 0 || j.Source != SourceAll {
		return nil
	}
	return p.asFromScratch()
}

func (p *plays) pick(from ...string) string { return from[p.rnd.IntN(len(from))] }

// arrive adds events that are close together in time, and some that are older.
func (p *plays) arrive() {
	rnd := p.rnd
	for range rnd.IntN(16) {
		if len(p.events) > 0 && rnd.IntN(6) == 0 {
			add(p.memory, p.events[rnd.IntN(len(p.events))])
			continue
		}
		at := p.anchors[rnd.IntN(len(p.anchors))]
		switch rnd.IntN(4) {
		case 0:
			at = at.Add(time.Duration(rnd.IntN(8)-4) * 5 * time.Minute) // edges of windows
		case 1:
			at = at.Add(time.Duration(rnd.Int64N(int64(40 * time.Minute))))
		default:
			at = at.Add(time.Duration(rnd.IntN(1200)-600) * time.Second)
		}
		e := command(at, fmt.Sprint(p.pick(alphabet...), " ", p.pick(alphabet...)))
		e.AttackerIP = p.pick("203.0.113.1", "203.0.113.2", "203.0.113.9")
		e.SessionID = p.pick("", "1", "2")
		e.DeckyID = p.pick("s1", "s2")
		if rnd.IntN(4) > 0 {
			e.Payload.Set("username", p.pick("root", "admin", "pi"))
		}
		if rnd.IntN(4) > 0 {
			_ = e.Payload.SetRaw("size", []byte(p.pick("1", "2", "50", `{"a":1}`)))
		}
		if rnd.IntN(3) == 0 {
			e.Kind = stdin
		}
		if rnd.IntN(9) == 0 {
			e.Vantage = ttpcron.VantageHost
		}
		add(p.memory, e)
	}
}

// editSequence adds, changes or removes a correlation.
func (p *plays) editSequence() {
	rnd := p.rnd
	id := "C" + strconv.Itoa(rnd.IntN(6))
	list := slices.Clone(p.set.list)
	if len(p.former) > 1 && rnd.IntN(8) == 0 {
		p.set.list, p.former = p.former, list
		return
	}
	p.former = slices.Clone(list)
	i := slices.IndexFunc(list, func(q *sequence) bool { return q.id == id })
	if i >= 0 && rnd.IntN(3) == 0 {
		p.set.list = slices.Delete(list, i, i+1)
		return
	}
	q := &sequence{id: id, version: 1 + rnd.IntN(2), n: 1 + rnd.IntN(3)}
	q.typ = p.pick("count", "count", "distinct", "sum", "all", "ordered")
	q.bases = [][]string{{"A"}, {"A", "B"}, {"B", "A"}, {"ALL"}, {"ALLSTDIN", "A"}, {"C", "B", "D"}}[rnd.IntN(6)]
	q.group = [][]string{{"attacker_ip"}, {"session_id"}, {"username"}, {"decky_id"}, {"attacker_ip", "username"}, nil, {"attacker_uuid"}}[rnd.IntN(7)]
	q.value = p.pick("username", "size", "session_id")
	if q.typ == "sum" {
		q.n = 1 + rnd.IntN(60)
	}
	spans := []time.Duration{time.Second, 5 * time.Minute, 7 * time.Minute, 10 * time.Minute, 10 * time.Minute, time.Hour, 11 * time.Hour, 36 * time.Hour, 5 * 24 * time.Hour, 31 * 24 * time.Hour}
	q.span = spans[rnd.IntN(len(spans))]
	if rnd.IntN(4) == 0 {
		q.inner = &sequence{typ: q.typ, bases: q.bases, group: append(slices.Clone(q.group), "size"), value: q.value, span: spans[rnd.IntN(len(spans)-2)], n: q.n}
		// What the leaves have for the inner one is its group; see [sequence.streams].
		q.inner.typ, q.typ, q.n = p.pick("count", "all", "ordered"), "count", 1+rnd.IntN(2)
	}
	switch {
	case i < 0:
		p.set.list = append(list, q)
		slices.SortFunc(p.set.list, func(a, b *sequence) int { return strings.Compare(a.id, b.id) })
	case rnd.IntN(2) == 0: // one thing alone
		same := *list[i]
		if same.n++; same.n > 3 && same.typ != "sum" {
			same.n = 1
		}
		list[i] = &same
		p.set.list = list
	default:
		list[i] = q
		p.set.list = list
	}
}

// isFrozen reports whether a tag's slot reaches into pruned days.
func (p *plays) isFrozen(q *sequence, t ttpcron.Tag) bool {
	return p.book.horizon > 0 && t.EventTime.Add(-q.reach()).Before(p.book.horizon.Start())
}

// freeze prunes.
func (p *plays) freeze(before ttpcron.Day) {
	p.prune(before)
	for _, q := range p.set.list {
		for _, t := range p.tags {
			if t.RuleID == q.id && p.isFrozen(q, t) {
				p.frozen++
			}
		}
	}
}

// stayFrozen checks that a run has not touched the tags of frozen slots.
func (p *plays) stayFrozen(before map[ttpcron.UUID]ttpcron.Tag) error {
	frozen := func(t ttpcron.Tag) bool {
		return slices.ContainsFunc(p.set.list, func(q *sequence) bool { return t.RuleID == q.id && p.isFrozen(q, t) })
	}
	for u, t := range p.tags {
		if _, ok := before[u]; !ok && frozen(t) {
			return fmt.Errorf("a frozen slot has a new tag: %s %s of %s", t.RuleID, t.SourceID, t.EventTime)
		}
	}
	for u, t := range before {
		if _, ok := p.tags[u]; !ok && frozen(t) {
			return fmt.Errorf("a tag of a frozen slot is gone: %s %s of %s", t.RuleID, t.SourceID, t.EventTime)
		}
	}
	return nil
}

// disturbed runs a job that may be interrupted, or fail in the middle.
func (p *plays) disturbed(j *Job) (complete bool, err error) {
	end, err := p.memory.disturbed(p.rnd, j)
	if err != nil {
		return false, err
	}
	switch end {
	case ended:
		p.complete++
	case interrupted:
		p.interrupted++
	case broke:
		p.broken++
	}
	for _, a := range p.audit {
		if ttpcron.IsStream(a.RuleID) {
			return false, fmt.Errorf("a stream is in the audit trail: %+v", a)
		}
	}
	return end == ended, nil
}

// asFromScratch compares the tags of the correlations in force with those that they make
// from the events that runs have looked at.
func (p *plays) asFromScratch() error {
	looked := map[string]bool{}
	for _, t := range p.tags {
		if strings.HasPrefix(t.RuleID, "ALL") {
			looked[string(t.SourceKind)+t.SourceID] = true
		}
	}
	var events []ttpcron.Event
	for _, e := range p.events {
		if looked[string(e.Kind)+e.ID] {
			events = append(events, e)
		}
	}
	want := p.set.fromScratch(events, p.isFrozen)
	for _, q := range p.set.list {
		if len(p.set.correlated(q).streams) == 0 {
			continue
		}
		for u, t := range p.tags {
			if t.RuleID != q.id {
				continue
			}
			if p.isFrozen(q, t) {
				continue
			}
			w, ok := want[u]
			if !ok {
				return fmt.Errorf("a tag too many: %s %s of %s, %s; %s", t.RuleID, t.SourceID, t.EventTime, t.Evidence, q.text())
			}
			if !sameTag(w, t) {
				return fmt.Errorf("got  %+v\nwant %+v", t, w)
			}
			delete(want, u)
		}
	}
	for _, t := range want {
		return fmt.Errorf("of %d tags that are missing one is %s %s of %s", len(want), t.RuleID, t.SourceID, t.EventTime)
	}
	return nil
}
