package tagger

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ttpcron/ttpcron"
)

// silentRules are rules of logins that make no tag, each with a condition.
func silentRules(t testing.TB, matches ...string) *kindRules {
	files := fstest.MapFS{}
	for i, match := range matches {
		files[fmt.Sprintf("r%03d.yaml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "rule_id: R%03d\nrule_version: 1\nname: r\napplies_to: [auth_attempt]\nmatch: {%s}\nemits: []\n", i, match)}
	}
	rs, report := Load(Options{Folders: []Folder{{Name: "silent", FS: files}}})
	if rs.Len() != len(matches) {
		t.Fatal(report.Problems)
	}
	k := &kindRules{kind: ttpcron.AuthAttempt}
	for _, d := range rs.defs {
		k.rules = append(k.rules, newRunnable(d, ttpcron.AuthAttempt, nil))
	}
	k.indexed()
	return k
}

// matching tries all rules on an event.
func (k *kindRules) matching(e *ttpcron.Event) (ids []string) {
	for _, r := range k.rules {
		var ev evaluation
		ev.begin("", e)
		if _, ok := r.try(&r.check, &ev); ok {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func (v *verdict) ids() (ids []string) {
	for i := range v.findings {
		ids = append(ids, v.findings[i].rule.ID)
	}
	return ids
}

// randomMatch makes a condition of tests that facets know.
func randomMatch(rnd *rand.Rand, depth int) string {
	tests := []string{
		"field: {name: a, equals: x}", "field: {name: a, in: [x, y, '22', 'true']}", "field: {name: a}", "field: {name: b, not: {equals: ''}}", "field: {name: b, equals: true}",
		"field: {name: c.d, equals: x}", "field: {name: c, ignore_case: true, equals: x}", "field: {name: a, count_min: 2, equals: x}", "field: {name: b, starts_with: '2'}",
		"field: {name: c, pattern: '^[0-9x]{1,2}$'}", "pattern: 'x|y'", "kind: 'lifter:default_login'", "kind: 'lifter:default_login', of: [device]", "kind: 'lifter:default_login', of: guess",
	}
	if depth == 0 || rnd.IntN(3) == 0 {
		return tests[rnd.IntN(len(tests))]
	}
	var list []string
	for range rnd.IntN(4) {
		list = append(list, "{"+randomMatch(rnd, depth-1)+"}")
	}
	if len(list) == 0 {
		return tests[rnd.IntN(len(tests))]
	}
	return [...]string{"all", "any", "not"}[rnd.IntN(3)] + ": [" + strings.Join(list, ", ") + "]"
}

// TestFacetsAreTheRules: facets find the rules that match when each is tried alone, for
// values of any type and after any earlier events.
func TestFacetsAreTheRules(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	values := []string{`"x"`, `"X"`, `"y"`, `""`, "22", `"22"`, "2.20e1", "true", `"true"`, "false", "null", `["x","x"]`, `{"d":"x"}`, `"` + strings.Repeat("x", 60) + `"`, `"\u0000ÿ"`, "-1"}
	logins := [][2]string{{"root", "vizxv"}, {"admin", "admin"}, {"root", "no default"}, {"x", "y"}}
	decided, left, matched := 0, 0, 0
	for range 150 {
		var matches []string
		for range 1 + rnd.IntN(6) {
			matches = append(matches, randomMatch(rnd, 3))
		}
		k := silentRules(t, matches...)
		f := k.facets.facets()
		if f == nil {
			left++
			continue
		}
		for range 200 {
			e := &ttpcron.Event{Kind: ttpcron.AuthAttempt}
			for _, name := range []string{"a", "b", "c", "c.d", "username", "password"} {
				if rnd.IntN(3) > 0 {
					if err := e.Payload.SetRaw(name, []byte(values[rnd.IntN(len(values))])); err != nil {
						t.Fatal(err)
					}
				}
			}
			if rnd.IntN(2) == 0 {
				l := logins[rnd.IntN(len(logins))]
				e.Payload.Set("username", l[0])
				e.Payload.Set("password", l[1])
			}
			v := f.verdict(e)
			if v == nil {
				left++
				continue
			}
			decided++
			want := k.matching(e)
			if got := v.ids(); !slices.Equal(got, want) {
				t.Fatalf("%s: %s: %v, tried %v", strings.Join(matches, "\n"), shown(e.Payload), got, want)
			}
			matched += len(want)
		}
	}
	if decided < 5000 || left == 0 || matched < 1000 {
		t.Errorf("%d events decided, %d left, %d matches: the events say nothing", decided, left, matched)
	}
}

// TestFieldNamedAsAPredicate: a payload field may have the name that facets use for a
// predicate.
func TestFieldNamedAsAPredicate(t *testing.T) {
	field, predicate := "field: {name: 'lifter:default_login', equals: x}", "kind: 'lifter:default_login'"
	for _, k := range []*kindRules{silentRules(t, field, predicate), silentRules(t, predicate, field)} {
		e := &ttpcron.Event{Kind: ttpcron.AuthAttempt}
		e.Payload.Set("lifter:default_login", "x")
		if v := k.facets.facets().verdict(e); v != nil && !slices.Equal(v.ids(), k.matching(e)) {
			t.Errorf("facets find %v, the rules %v", v.ids(), k.matching(e))
		}
	}
}

// TestFacetsOfThePack: facets decide logins and facts about sessions, and give the same
// tags and matches as the index.
func TestFacetsOfThePack(t *testing.T) {
	rs := loadEmbedded()
	with, without := rs.Tagger(nil), rs.Tagger(nil)
	for kind, s := range without.lookups {
		if s.facets == nil && (kind == ttpcron.AuthAttempt || kind == ttpcron.SessionFact) {
			t.Errorf("%s: facets do not decide", kind)
		}
		s.facets = nil
	}
	events := append(logins(3000, true), sessions(3000)...)
	for _, d := range rs.defs {
		for _, ex := range d.examples {
			if ex.event.Kind != ttpcron.Command {
				events = append(events, ex.event)
			}
		}
	}
	matches := 0
	for range 2 {
		for i := range events {
			e := &events[i]
			got, v1 := with.Tag(e, nil)
			want, v2 := without.Tag(e, nil)
			if !slices.EqualFunc(got, want, func(a, b ttpcron.Tag) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) || v1 != v2 {
				t.Fatalf("%s %s: %v %v, without facets %v %v", e.Kind, shown(e.Payload), got, v1, want, v2)
			}
			if !slices.Equal(with.Matches(), without.Matches()) {
				t.Fatalf("%s %s: %v, without facets %v", e.Kind, shown(e.Payload), with.Matches(), without.Matches())
			}
			matches += len(with.Matches())
		}
	}
	if matches < len(events) {
		t.Errorf("%d matches of %d events", matches, len(events))
	}
}

// What facets cannot decide cheaply, or within a rule's limits, they leave to the index.
func TestFacetsLeave(t *testing.T) {
	many := make([]string, maxSearched+1)
	for i := range many {
		many[i] = fmt.Sprintf("field: {name: a, contains: x%d}", i)
	}
	if silentRules(t, many...).facets != nil {
		t.Error("many tests search in one field, and facets make them")
	}
	if silentRules(t, many[:maxSearched]...).facets == nil {
		t.Error("few tests search, and facets do not make them")
	}
	of := func(name, value string) *ttpcron.Event {
		e := &ttpcron.Event{Kind: ttpcron.AuthAttempt}
		if e.Payload.SetRaw(name, []byte(value)) != nil {
			e.Payload.Set(name, value)
		}
		return e
	}
	f := silentRules(t, "field: {name: a, pattern: x}", "field: {name: b, equals: x}", "field: {name: c.d}").facets.facets()
	for _, tt := range []struct {
		e    *ttpcron.Event
		want bool
	}{
		{of("a", strings.Repeat("x", maxFacet)), true}, {of("a", strings.Repeat("x", maxFacet+1)), false},
		{of("b", strings.Repeat("x", maxLookedUp)), true}, {of("b", strings.Repeat("x", maxLookedUp+1)), false},
		{of("a", "[1]"), false}, {of("b", `{"x":1}`), false}, {of("c", `{"d":1}`), false}, {of("c", "d"), true}, {of("c.d", "1"), true},
	} {
		if got := f.verdict(tt.e) != nil; got != tt.want {
			t.Errorf("%.60s: decided %v, want %v", shown(tt.e.Payload), got, tt.want)
		}
	}
	// A slow pattern reaches its rule's limit, or comes close.
	slow := silentRules(t, `field: {name: a, pattern: '(?=(a+))(a*)*\1b'}`).facets.facets()
	if slow == nil || slow.verdict(of("a", strings.Repeat("a", 40))) != nil {
		t.Error("facets decide by a pattern that did not end")
	}
	f.of.fields[0].leaves[0].test = nil // fails
	if f.verdict(of("a", "y")) != nil {
		t.Error("facets decide by a test that failed")
	}
}

// TestFacetMemory: the remembered facets are bounded, and no event is kept.
func TestFacetMemory(t *testing.T) {
	var matches []string
	for _, name := range []string{"a", "b", "c", "d"} {
		for i := range 40 {
			matches = append(matches, fmt.Sprintf("field: {name: %s, equals: '%d'}", name, i))
		}
	}
	k := silentRules(t, matches...)
	f := k.facets.facets()
	rnd := rand.New(rand.NewPCG(3, 1))
	most := 0
	for range 20_000 {
		e := &ttpcron.Event{Kind: ttpcron.AuthAttempt}
		for _, name := range []string{"a", "b", "c", "d"} {
			e.Payload.Set(name, strconv.Itoa(rnd.IntN(80)))
		}
		v := f.verdict(e)
		if v == nil {
			t.Fatalf("%s: not decided", shown(e.Payload))
		}
		if want := k.matching(e); !slices.Equal(v.ids(), want) {
			t.Fatalf("%s: %v, tried %v", shown(e.Payload), v.ids(), want)
		}
		if most = max(most, len(f.nodes)); f.ev.event != nil {
			t.Fatal("the event is kept")
		}
	}
	if most < maxFacetNodes || most > maxFacetNodes+len(f.of.fields) {
		t.Errorf("%d nodes", most)
	}
	e := sessions(1)[0]
	c := loadEmbedded().Tagger(nil)
	if n := testing.AllocsPerRun(100, func() { c.Tag(&e, nil) }); n > 0 {
		t.Errorf("%v allocations for an event whose values are known", n)
	}
}
