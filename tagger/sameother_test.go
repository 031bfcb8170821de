package tagger

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/carried"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

// otherRules are rules of kinds that are no commands, with every way to look at a
// payload: values of any type, lists, names with dots, absence, predicates.
func otherRules(t testing.TB) *RuleSet {
	files := fstest.MapFS{}
	for i, match := range []string{
		"field: {name: success, equals: true}",
		"all: [{field: {name: username, in: [root, admin]}}, {not: {field: {name: success, equals: true}}}]",
		"field: {name: password}",
		"not: {field: {name: password}}",
		"field: {name: dst_port, in: ['25', '465']}",
		"field: {name: dst_port, pattern: '^2'}",
		"field: {name: extra.list, contains: ab}",
		"field: {name: extra.list, count_min: 2, contains: a}",
		"pattern: 'r.*t'",
		"any: [{field: {name: username, equals: pi}}, {kind: 'lifter:default_login', of: device}]",
		"field: {name: username, contains: OO, ignore_case: true, not: {ends_with: x}}",
	} {
		files[fmt.Sprintf("o%02d.yaml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "rule_id: O%02d\nrule_version: 1\nname: o\napplies_to: [auth_attempt, tunnel]\n"+
			"match: {%s}\nemits: [{tactic: TA0001, technique_id: T1078, confidence: 0.9}]\nevidence_fields: [username]\n", i, match)}
	}
	rs, report := Load(Options{Folders: []Folder{{Name: "embedded", FS: Embedded()}, {Name: "other", FS: files}}})
	if report.Refused() > 0 {
		t.Fatal(report.Problems)
	}
	return claiming(rs)
}

// otherFields are the values of payload fields that rules look at, as the examples of
// the pack have them and in other forms.
func otherFields(rs *RuleSet) map[string][]ttpcron.Field {
	raws := []string{"true", "false", "null", "25", "2525", "-1", `["ab","cab"]`, `[1,"a"]`, `{"list":["ab","a"]}`, `{"list":"ab"}`, `{}`, `[]`}
	out := map[string][]ttpcron.Field{}
	for _, d := range rs.defs {
		for _, ex := range d.examples {
			if ex.event.Kind == ttpcron.Command || ex.event.Kind == ttpcron.CanaryFingerprint {
				continue
			}
			for _, f := range ex.event.Payload {
				out[f.Name] = append(out[f.Name], f)
			}
		}
	}
	out["extra"], out["extra.list"] = nil, nil
	for name := range out {
		for _, raw := range raws {
			out[name] = append(out[name], ttpcron.Field{Name: name, Raw: []byte(raw)}, ttpcron.Field{Name: name, Text: raw})
		}
		out[name] = append(out[name], ttpcron.Field{Name: name}, ttpcron.Field{Name: name, Text: "root\x00\xff"})
	}
	return out
}

// TestSameOtherEvents: events that are not commands get the same tags with and without the
// index and the memo, whatever the tagger did before.
func TestSameOtherEvents(t *testing.T) {
	rs := otherRules(t)
	fields := otherFields(rs)
	names := slices.Sorted(maps.Keys(fields))
	kinds := []ttpcron.SourceKind{ttpcron.AuthAttempt, ttpcron.FileTransfer, ttpcron.Tunnel, ttpcron.ServiceRequest, ttpcron.SessionFact, ttpcron.Stdin, ttpcron.HTTPRequest}
	rnd := rand.New(rand.NewPCG(4, 2))
	used := rs.Tagger(nil)
	matched := map[string]bool{}
	var events []ttpcron.Event
	for range 3000 {
		e := ttpcron.Event{Kind: kinds[rnd.IntN(len(kinds))], ID: "e", AttackerIP: "203.0.113.1"}
		for range 1 + rnd.IntN(6) {
			values := fields[names[rnd.IntN(len(names))]]
			f := values[rnd.IntN(len(values))]
			if f.Raw != nil {
				_ = e.Payload.SetRaw(f.Name, f.Raw)
			} else {
				e.Payload.Set(f.Name, f.Text)
			}
		}
		events = append(events, e)
	}
	for _, d := range rs.defs {
		for _, ex := range d.examples {
			events = append(events, ex.event)
		}
	}
	for time := range 3 { // the second time it is remembered, the third it was
		for i := range events {
			e := &events[i]
			if e.Kind == ttpcron.Command || e.Kind == ttpcron.CanaryFingerprint {
				continue
			}
			got, _ := used.Tag(e, nil)
			if time == 2 && i%10 == 0 {
				if fresh, _ := rs.Tagger(nil).Tag(e, nil); !reflect.DeepEqual(got, fresh) {
					t.Fatalf("%s %s: %v, fresh %v", e.Kind, shown(e.Payload), got, fresh)
				}
			}
			if want := tryAll(rs, e); !slices.Equal(rulesOf(got), want) {
				t.Fatalf("%s %s: with the index %v, without %v", e.Kind, shown(e.Payload), rulesOf(got), want)
			}
			for _, id := range rulesOf(got) {
				matched[id] = true
			}
		}
	}
	if used.memo.hits == 0 {
		t.Error("no verdict was remembered")
	}
	for _, d := range rs.defs {
		if !matched[d.ID] && strings.HasPrefix(d.ID, "O") {
			t.Errorf("%s matched nothing", d.ID)
		}
	}
}

// tryAll tries every rule on an event, without index and memo.
func tryAll(rs *RuleSet, e *ttpcron.Event) (ids []string) {
	for _, d := range rs.defs {
		if !slices.Contains(d.Kinds, e.Kind) {
			continue
		}
		r := newRunnable(d, e.Kind, d.Claims)
		var ev evaluation
		ev.begin("", e)
		if _, ok := r.try(&r.check, &ev); ok {
			ids = append(ids, d.ID)
		}
	}
	texts, _ := carried.Find(e)
	for _, x := range texts {
		script := shell.NewParser(shell.Limits{}).Parse(x.Text)
		for _, d := range rs.defs {
			if !slices.Contains(d.Kinds, ttpcron.Command) || slices.Contains(ids, d.ID) {
				continue
			}
			r := newRunnable(d, ttpcron.Command, d.Claims)
			if _, ok, _ := plainRule(r, x.Text, script); ok {
				ids = append(ids, d.ID)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// TestMemoNeedsNoEvent: the memo does not keep the event. The evidence of a tag is that of
// its own event.
func TestMemoNeedsNoEvent(t *testing.T) {
	rs := otherRules(t)
	c := rs.Tagger(nil)
	for _, id := range []string{"a", "b", "c"} {
		e := &ttpcron.Event{Kind: ttpcron.AuthAttempt, ID: id, AttackerIP: "203.0.113.1", SessionID: "s" + id}
		e.Payload.Set("username", "root")
		e.Payload.Set("password", "vizxv")
		e.Payload.Set("note", id) // no rule reads it
		tags, _ := c.Tag(e, nil)
		if len(tags) == 0 {
			t.Fatal("no tags")
		}
		for _, tag := range tags {
			if tag.SourceID != id || tag.SessionID != "s"+id {
				t.Errorf("tag of %s is of %s in %s", id, tag.SourceID, tag.SessionID)
			}
		}
	}
	if c.memo.hits != 1 {
		t.Errorf("%d of three were remembered, want one: the first is forgotten, the second kept", c.memo.hits)
	}
	for _, v := range c.memo.young {
		if v.event != nil {
			t.Error("a verdict keeps its event")
		}
	}
}

// TestTypedTextIsNoCommand: no rule of the pack mistakes text typed into a program for a
// shell command.
func TestTypedTextIsNoCommand(t *testing.T) {
	rs := loadEmbedded()
	c := rs.Tagger(nil)
	for _, program := range []string{"cat", "python", "sh", "passwd", ""} {
		for _, d := range rs.defs {
			for _, ex := range d.examples {
				if ex.event.Kind != ttpcron.Command {
					continue
				}
				e := &ttpcron.Event{Kind: ttpcron.Stdin, ID: "e", AttackerIP: "203.0.113.1"}
				e.Payload.Set("input_text", ex.text)
				e.Payload.Set("program", program)
				if tags, _ := c.Tag(e, nil); len(tags) > 0 {
					t.Errorf("%q, typed into %q: %v", ex.text, program, rulesOf(tags))
				}
			}
		}
	}
}

// TestSlowLogins: a rule is called slow if it searches every login for nothing in
// particular, but not if it looks up or requires a literal.
func TestSlowLogins(t *testing.T) {
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprintf("p%d", i)
	}
	for match, slow := range map[string]bool{
		"{not: {field: {name: password, pattern: '[0-9]$'}}}":                                           true,
		"{field: {name: password, pattern: '^[a-z]+$'}}":                                                true,
		"{field: {name: password, pattern: 'dragon[0-9]'}}":                                             false,
		"{not: {field: {name: success, equals: true}}}":                                                 false,
		"{field: {name: password}}":                                                                     false,
		"{all: [{not: {field: {name: success, equals: true}}}, {kind: 'lifter:default_login'}]}":        false,
		"{field: {name: password, in: [" + strings.Join(many, ", ") + "]}}":                             false,
		"{any: [{field: {name: password, equals: x1}}, {field: {name: username, pattern: '^[a-z]$'}}]}": true,
	} {
		rs, report := Load(Options{Folders: []Folder{{Name: "one", FS: fstest.MapFS{"a.yaml": {Data: []byte("rule_id: S\nrule_version: 1\nname: s\napplies_to: [auth_attempt]\n" +
			"match: " + match + "\nemits: [{tactic: TA0001, technique_id: T1078, confidence: 0.9}]\n")}}}}})
		if rs.Len() != 1 {
			t.Fatal(report.Problems)
		}
		if got := rs.Rules()[0].Slow; (got != "") != slow {
			t.Errorf("%.90s: slow %q, want %v", match, got, slow)
		}
		if strings.Contains(match, "p2999") {
			c := rs.Tagger(nil)
			for password, want := range map[string]int{"p2999": 1, "p3000": 0, "xp1": 0} {
				e := &ttpcron.Event{Kind: ttpcron.AuthAttempt, ID: "e", AttackerIP: "203.0.113.1", Payload: ttpcron.TextPayload("password", password)}
				if tags, _ := c.Tag(e, nil); len(tags) != want {
					t.Errorf("%s: %d tags, want %d", password, len(tags), want)
				}
			}
		}
	}
	for _, r := range loadEmbedded().Rules() {
		if slices.Contains(r.Kinds, ttpcron.AuthAttempt) && r.Slow != "" {
			t.Errorf("%s: %s", r.ID, r.Slow)
		}
	}
}
