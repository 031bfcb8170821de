package tagger_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unsafe"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger"
)

// failedLogin is a base rule that makes no tag.
func failedLogin(id string) string {
	return "rule_id: " + id + `
rule_version: 1
name: A login failed
applies_to: [auth_attempt]
match: {field: {name: success, equals: 'false'}}
emits: []
`
}

// guessing is a correlation over failed logins; from and to replace a part of it.
func guessing(id string, replace ...string) string {
	return strings.NewReplacer(replace...).Replace("rule_id: " + id + `
rule_version: 1
name: Passwords guessed
correlation:
  type: event_count
  rules: [BASE]
  group-by: [attacker_ip, username]
  timespan: 10m
  condition: {gte: 3}
emits: [{tactic: TA0006, technique_id: T1110, sub_technique_id: T1110.001, confidence: 0.8}]
attack_release: enterprise-v19.1
`)
}

func login(address, user string, success bool) *ttpcron.Event {
	e := event(ttpcron.AuthAttempt, fmt.Sprintf(`{"success":%t,"username":%q,"password":"x"}`, success, user))
	e.AttackerIP, e.Time, e.Seq = address, time.Unix(1_700_000_000, 0), 7
	return e
}

// matched describes the matches of the event given last.
func matched(c *tagger.Composite) (out []string) {
	for _, m := range c.Matches() {
		var names []string
		for _, f := range m.Stream.Group {
			names = append(names, f.Name)
		}
		out = append(out, m.Stream.Rule+" "+string(ttpcron.Group(m.Group).AppendJSON(nil, names)))
	}
	return out
}

// A base rule is evaluated for its correlations: it makes matches whether or not it makes
// tags, whatever its state. It makes none if no correlation in force needs them.
func TestMatches(t *testing.T) {
	rs := mustLoad(t, "base.yaml", failedLogin("BASE"), "guess.yaml", guessing("GUESS"))
	want := []string{`BASE {"attacker_ip":"203.0.113.9","username":"root"}`}
	disabled := func(id string) []ttpcron.RuleState {
		return []ttpcron.RuleState{{RuleID: id, Status: ttpcron.StatusDisabled}}
	}
	for name, tt := range map[string]struct {
		rs   *tagger.RuleSet
		e    *ttpcron.Event
		want []string
	}{
		"a match":                      {rs, login("203.0.113.9", "root", false), want},
		"no match":                     {rs, login("203.0.113.9", "root", true), nil},
		"a field is missing":           {rs, event(ttpcron.AuthAttempt, `{"success":false}`), nil},
		"another kind":                 {rs, command("id"), nil},
		"a disabled base rule":         {rs.WithStates(disabled("BASE"), time.Now()), login("203.0.113.9", "root", false), want},
		"a disabled correlation":       {rs.WithStates(disabled("GUESS"), time.Now()), login("203.0.113.9", "root", false), nil},
		"the stream alone":             {rs.Only(streamIDs(rs)), login("203.0.113.9", "root", false), want},
		"the base rule alone":          {rs.Only(map[string]bool{"BASE": true}), login("203.0.113.9", "root", false), nil},
		"an address of own networks":   {rs.WithOwnNetworks(networks("203.0.113.0/24")), login("203.0.113.9", "root", false), nil},
		"an address of other networks": {rs.WithOwnNetworks(networks("192.0.2.0/24")), login("203.0.113.9", "root", false), want},
	} {
		c := tt.rs.Tagger(nil)
		for range 3 { // the verdict is remembered from the second time on
			if tags, _ := c.Tag(tt.e, nil); len(tags) > 0 {
				t.Errorf("%s: tags %v", name, tags)
			}
			if got := matched(c); !slices.Equal(got, tt.want) {
				t.Errorf("%s: %q, want %q", name, got, tt.want)
			}
		}
	}
}

func networks(list string) ttpcron.Networks {
	n, err := ttpcron.ParseNetworks(list)
	if err != nil {
		panic(err)
	}
	return n
}

func streamIDs(rs *tagger.RuleSet) map[string]bool {
	ids := map[string]bool{}
	for _, d := range rs.Definitions() {
		if ttpcron.IsStream(d.ID) {
			ids[d.ID] = true
		}
	}
	return ids
}

// A rule that makes tags and feeds correlations is evaluated once for both. That includes
// commands, whose verdict is remembered by their text, also if other fields decide.
func TestTagsAndMatches(t *testing.T) {
	rs := mustLoad(t,
		"a.yaml", rule("A", "{program: wget}"),
		"b.yaml", rule("B", "{all: [{program: wget}, {field: {name: user, equals: root}}]}"),
		"both.yaml", guessing("BOTH", "[BASE]", "[A, B]", "attacker_ip, username", "session_id"))
	c := rs.Tagger(nil)
	for range 3 {
		for user, want := range map[string]string{"root": "A B", "pi": "A"} {
			e := command("wget http://192.0.2.1/a")
			e.AttackerIP, e.SessionID = "203.0.113.9", "s1"
			e.Payload.Set("user", user)
			tags, _ := c.Tag(e, nil)
			var ids, from []string
			for _, tag := range tags {
				ids = append(ids, tag.RuleID)
			}
			for _, m := range c.Matches() {
				from = append(from, m.Stream.Rule)
				group, _, ok := m.Stream.Append(nil, e, nil)
				if !ok || string(group) != m.Group+m.Values {
					t.Errorf("the match has %q, the stream makes %q", m.Group+m.Values, group)
				}
			}
			if strings.Join(ids, " ") != want || strings.Join(from, " ") != want {
				t.Errorf("%s: tags of %q, matches of %q, want %q", user, ids, from, want)
			}
		}
	}
}

// Definitions list streams next to rules, so events are looked at again for correlations
// too.
func TestStreamsAreDefinitions(t *testing.T) {
	set := func(replace ...string) *tagger.RuleSet {
		return mustLoad(t, "base.yaml", strings.NewReplacer(replace...).Replace(failedLogin("BASE")), "guess.yaml", strings.NewReplacer(replace...).Replace(guessing("GUESS")))
	}
	ids := func(rs *tagger.RuleSet) (out []string) {
		for _, d := range rs.Definitions() {
			out = append(out, d.ID)
		}
		return out
	}
	rs := set()
	stream := slices.Sorted(maps.Keys(streamIDs(rs)))
	if want := []string{"BASE", "GUESS", "match|auth_attempt|BASE|attacker_ip=attacker_ip,username=username|"}; !slices.Equal(ids(rs), want) {
		t.Fatalf("%q, want %q", ids(rs), want)
	}
	if !rs.Applies(stream[0], ttpcron.AuthAttempt) || rs.Applies(stream[0], ttpcron.Command) || rs.Applies("BASE", ttpcron.AuthAttempt) {
		t.Error("the stream applies to logins, and the rule makes no tag of them")
	}
	only := rs.Only(streamIDs(rs))
	if only.Active(ttpcron.AuthAttempt) != 1 || !slices.Equal(ids(only), stream) || len(only.Correlations()) != 0 {
		t.Errorf("%q, %d active", ids(only), only.Active(ttpcron.AuthAttempt))
	}
	if rs.Active(ttpcron.AuthAttempt) != 1 || rs.Active(ttpcron.Command) != 0 || rs.InForce() != 1 {
		t.Errorf("%d of logins, %d of commands, %d in all", rs.Active(ttpcron.AuthAttempt), rs.Active(ttpcron.Command), rs.InForce())
	}
	// A change of the matches changes the stream and the correlation. Another threshold
	// leaves the matches as they are; another name changes both.
	digests := func(rs *tagger.RuleSet) map[string][16]byte {
		out := map[string][16]byte{}
		for _, d := range rs.Definitions() {
			out[d.ID] = d.Digest
		}
		return out
	}
	before := digests(rs)
	for name, tt := range map[string]struct {
		after   *tagger.RuleSet
		changed string
	}{
		"condition of the base": {set("'false'", "[false, no]"), "BASE GUESS " + stream[0]},
		"version of the base":   {set("rule_version: 1\nname: A login", "rule_version: 2\nname: A login"), "BASE"},
		"threshold":             {set("gte: 3", "gte: 4"), "GUESS"},
		"confidence":            {set("0.8", "0.7"), "GUESS"},
		"level":                 {set("emits: [{", "level: high\nemits: [{"), "GUESS"},
		"name":                  {set("name: Pass", "name: Other pass"), ""},
		"own networks":          {rs.WithOwnNetworks(networks("192.0.2.0/24")), "GUESS " + stream[0]},
	} {
		var changed []string
		after := digests(tt.after)
		for _, id := range slices.Sorted(maps.Keys(before)) {
			if after[id] != before[id] {
				changed = append(changed, id)
			}
		}
		if strings.Join(changed, " ") != tt.changed || (tt.after.Fingerprint() != rs.Fingerprint()) != (tt.changed != "") {
			t.Errorf("%s: %q changed, want %q", name, changed, tt.changed)
		}
	}
}

// TestCorrelationRefused: a correlation that cannot be used is refused with file, line and
// key, and everything else in the folder loads.
func TestCorrelationRefused(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{"unknown rule", guessing("X", "[BASE]", "[NONE]"), `dir/x.yaml:6: correlation.rules[0]: "NONE" is no rule that was loaded`},
		{"unknown rule in the condition", guessing("X", "event_count", "temporal", "{gte: 3}", "BASE and NONE"), `dir/x.yaml:9: correlation.condition: "NONE" is no rule that was loaded`},
		{"a rule that is refused", guessing("X", "[BASE]", "[BAD]"), `dir/x.yaml:6: correlation.rules[0]: "BAD" is refused itself`},
		{"both", guessing("X", "emits:", "match: {program: x}\nemits:"), "dir/x.yaml:10: match: a rule has either match or correlation"},
		{"kinds", guessing("X", "emits:", "applies_to: [command]\nemits:"), "dir/x.yaml:10: applies_to: a correlation applies to what its rules apply to: leave this out"},
		{"evidence", guessing("X", "emits:", "evidence_fields: [username]\nemits:"), "dir/x.yaml:10: evidence_fields: a correlation shows its group: leave this out"},
		{"unknown key", guessing("X", "group-by", "group_by"), `dir/x.yaml:7: correlation.group_by: unknown key, did you mean "group-by"?`},
		{"month", guessing("X", "10m", "1M"), "dir/x.yaml:8: correlation.timespan: "},
		{"no timespan", guessing("X", "  timespan: 10m\n", ""), "dir/x.yaml:5: correlation.timespan: is missing"},
		{"windows", guessing("X", "timespan: 10m", "timespan: 10m\n  window: tumbling"), "dir/x.yaml:9: correlation.window: window is refused: Sigma has no such key; windows slide"},
		{"generate", guessing("X", "timespan: 10m", "timespan: 10m\n  generate: true"), "dir/x.yaml:9: correlation.generate: is a key of Sigma's files"},
		{"lt", guessing("X", "gte: 3", "lt: 3"), "dir/x.yaml:9: correlation.condition.lt: "},
		{"named twice", guessing("X", "[BASE]", "[BASE, BASE]"), "dir/x.yaml:6: correlation.rules: "},
		{"not", guessing("X", "event_count", "temporal", "{gte: 3}", "BASE and not GOOD"), "dir/x.yaml:9: correlation.condition: "},
		{"no time", guessing("X", "10m", "0s"), `dir/x.yaml:8: correlation.timespan: "0s" is no time: a window takes a second or more`},
		{"too long", guessing("X", "10m", "5w"), "dir/x.yaml:8: correlation.timespan: is longer than 31 days"},
		{"over a refused one", guessing("X", "[BASE]", "[WORSE]") + "---\n" + guessing("WORSE", "[BASE]", "[NONE]"), `dir/x.yaml:6: correlation.rules: "WORSE" is refused itself`},
		{"over one that Link refuses", guessing("X", "[BASE]", "[WORSE]") + "---\n" + guessing("WORSE", "gte", "lte"), `dir/x.yaml:6: correlation.rules: "WORSE" is refused itself`},
		{"unknown comparison", guessing("X", "gte: 3", "gtee: 3"), `dir/x.yaml:9: correlation.condition.gtee: unknown key, did you mean "gte"?`},
		{"type", guessing("X", "event_count", "value_avg"), "dir/x.yaml:5: correlation.type: "},
		{"rules without end", guessing("X", "[BASE]", "["+strings.Repeat("BASE,", 5000)+"]"), "dir/x.yaml:6: correlation.rules: list of 5000, at most 64 are allowed"},
		{"fields without end", guessing("X", "attacker_ip,", strings.Repeat("a,", 5000)), "dir/x.yaml:7: correlation.group-by: list of "},
		{"aliases without end", guessing("X", "timespan", "aliases: {a: {"+manyKeys(5000)+"}}\n  timespan"), "dir/x.yaml:8: correlation.aliases: are 5000, at most 1000 are allowed"},
		{"a circle", guessing("X", "[BASE]", "[X]"), "dir/x.yaml"},
		{"an event as example", guessing("X") + "tests: {match: [uname]}\n", `dir/x.yaml:12: tests.match[0]: "uname", want a list of events`},
		{"an example without kind", guessing("X") + "tests: {match: [[{payload: {a: b}}]]}\n", "dir/x.yaml:12: tests.match[0][0]: has neither kind nor command"},
		{"an example without end", guessing("X") + "tests: {match: [[{command: x, times: 10001}]]}\n", "dir/x.yaml:12: tests.match[0]: more than 10000 events"},
		{"a time", guessing("X") + "tests: {match: [[{command: x, at: soon}]]}\n", `dir/x.yaml:12: tests.match[0][0].at: "soon", want a time such as 90s, 10m or 2h`},
	} {
		rs, report := load("base.yaml", failedLogin("BASE"), "good.yaml", guessing("GOOD"), "bad.yaml", rule("BAD", "{}"), "x.yaml", tt.file)
		var got []string
		for _, p := range report.Problems {
			if got = append(got, p.String()); strings.ContainsAny(p.String(), "\n") {
				t.Errorf("%s: %q is not one line", tt.name, p)
			}
		}
		if !strings.Contains(strings.Join(got, "\n"), tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if _, ok := rs.Rule("X"); ok || len(rs.Correlations()) != 1 || rs.Len() != 2 {
			t.Errorf("%s: %d rules, %d correlations", tt.name, rs.Len(), len(rs.Correlations()))
		}
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: v,", i)
	}
	return b.String()
}

// A correlation over a rule that can never match is inert, and so is one over that.
func TestInertCorrelation(t *testing.T) {
	rs, _ := load("base.yaml", rule("BASE", "{kind: 'lifter:nothing_known'}"), "a.yaml", guessing("A"), "b.yaml", guessing("B", "[BASE]", "[A]", "event_count", "temporal", "\n  condition: {gte: 3}", ""))
	want := "it needs BASE, which is inert: the program has no lifter:nothing_known"
	for _, id := range []string{"A", "B"} {
		if r, ok := rs.Rule(id); !ok || r.Inert != want || r.Active {
			t.Errorf("%s: %+v", id, r)
		}
	}
	if len(rs.Correlations()) != 0 {
		t.Error("an inert correlation is in force")
	}
}

// If a file becomes invalid, its correlation stays. So does a correlation that names a
// rule which is gone.
func TestReloadCorrelation(t *testing.T) {
	o := options(tagger.Folder{Name: "dir", FS: folder("base.yaml", failedLogin("BASE"), "guess.yaml", guessing("GUESS"))})
	before, _ := tagger.Load(o)
	for name, tt := range map[string]struct {
		base, guess string
		same        bool
		kept        int
		problem     string
	}{
		"nothing changes":     {failedLogin("BASE"), guessing("GUESS"), true, 0, ""},
		"another threshold":   {failedLogin("BASE"), guessing("GUESS", "gte: 3", "gte: 4"), false, 0, ""},
		"a broken file":       {failedLogin("BASE"), "a: [", true, 1, "stays in use"},
		"an unknown rule":     {failedLogin("BASE"), guessing("GUESS", "[BASE]", "[BASS]"), true, 1, `dir/guess.yaml:6: correlation.rules[0]: "BASS" is no rule that was loaded (the rule of before stays in use)`},
		"a broken base":       {"a: [", guessing("GUESS"), true, 1, "stays in use"},
		"the base is another": {failedLogin("OTHER"), guessing("GUESS"), false, 0, `dir/guess.yaml:6: correlation.rules[0]: "BASE" is no rule that was loaded`},
	} {
		o.Folders[0].FS = folder("base.yaml", tt.base, "guess.yaml", tt.guess)
		after, report := before.Reload(o)
		if (after.Fingerprint() == before.Fingerprint()) != tt.same || report.Kept != tt.kept {
			t.Errorf("%s: same %v, %d kept", name, after.Fingerprint() == before.Fingerprint(), report.Kept)
		}
		if got := fmt.Sprint(report.Problems); !strings.Contains(got, tt.problem) || tt.problem == "" && len(report.Problems) > 0 {
			t.Errorf("%s: %s", name, got)
		}
		again, _ := after.Reload(o)
		if again.Fingerprint() != after.Fingerprint() {
			t.Errorf("%s: a second reload changes what the first kept", name)
		}
	}
}

// TestExamplesOfCorrelations runs examples that are lists of events.
func TestExamplesOfCorrelations(t *testing.T) {
	tests := func(match, noMatch string) string {
		return "tests:\n  match:\n    - " + match + "\n  no_match:\n    - " + noMatch + "\n"
	}
	const fail = "kind: auth_attempt, payload: {username: root, password: 'p{n}', success: false}"
	for name, tt := range map[string]struct {
		match, noMatch string
		want           []string
	}{
		"as they should":              {"[{times: 3, every: 5m, " + fail + "}]", "[{times: 3, every: 301s, " + fail + "}]", nil},
		"several parts":               {"[{times: 2, " + fail + "}, {at: 10m, " + fail + "}]", "[{times: 2, " + fail + "}, {at: 10m, kind: auth_attempt, payload: {username: root, success: true}}]", nil},
		"groups":                      {"[{times: 3, " + fail + "}]", "[{times: 3, attacker_ip: '192.0.2.{n}', " + fail + "}]", nil},
		"no address":                  {"[{times: 3, " + fail + "}]", "[{times: 3, attacker_ip: null, " + fail + "}]", nil},
		"not listed in order of time": {"[{at: 20m, times: 2, " + fail + "}, {at: 0s, " + fail + "}, {at: 11m, " + fail + "}]", "[{at: 20m, times: 2, " + fail + "}, {at: 9m, " + fail + "}]", nil},
		"otherwise": {"[{times: 2, " + fail + "}]", "[{times: 4, " + fail + "}]", []string{
			`GUESS does not match: of 2 events BASE matches 2; the group {"attacker_ip":"203.0.113.1","username":"root"} comes to 2 of 3 events, and lacks 1 more event`,
			`GUESS matches: the group {"attacker_ip":"203.0.113.1","username":"root"}`,
		}},
		"in many groups": {"[{times: 9, attacker_ip: '192.0.2.{n}', " + fail + "}]", "[{command: id}]", []string{
			`GUESS does not match: of 9 events BASE matches 9; the group {"attacker_ip":"192.0.2.1","username":"root"}, the largest of 9, comes to 1 of 3 events, and lacks 2 more events`,
		}},
		"nothing of it": {"[{command: uname -a}]", "[{command: uname -a}]", []string{"GUESS does not match: of 1 events BASE matches 0"}},
	} {
		var got []string
		rs := mustLoad(t, "base.yaml", failedLogin("BASE"), "guess.yaml", guessing("GUESS")+tests(tt.match, tt.noMatch))
		for _, f := range tagger.Test(rs) {
			got = append(got, f.Rule+" "+f.Text)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		if r, _ := rs.Rule("GUESS"); r.MatchExamples != 1 || r.MissExamples != 1 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// What is to be known of a correlation, and of the rule that feeds it.
func TestDescribeCorrelation(t *testing.T) {
	rs := mustLoad(t, "base.yaml", failedLogin("BASE"), "guess.yaml", guessing("GUESS"))
	base, _ := rs.Rule("BASE")
	if base.Silent != "it names no technique" || base.Active || !slices.Equal(base.Feeds, []string{"GUESS"}) || base.Correlation != nil {
		t.Errorf("%+v", base)
	}
	if x := rs.Explain(*login("203.0.113.9", "root", false)); len(x.Rules) != 1 || x.Rules[0].Dropped != "it names no technique; its matches count in GUESS" {
		t.Errorf("%+v", x.Rules)
	}
	guess, _ := rs.Rule("GUESS")
	c := guess.Correlation
	if c == nil || c.Type != "event_count" || !slices.Equal(c.Rules, []string{"BASE"}) || !slices.Equal(c.GroupBy, []string{"attacker_ip", "username"}) ||
		c.Timespan != 10*time.Minute || c.Condition != "gte 3" || c.Scope != "address" || !guess.Active || guess.Silent != "" || len(guess.Feeds) > 0 {
		t.Errorf("%+v, %+v", guess, c)
	}
}

// A set without correlations makes the same tags for single events, and no matches. Faults
// in correlations are still reported.
func TestWithoutCorrelations(t *testing.T) {
	folders := []tagger.Folder{{Name: "rules", FS: fstest.MapFS{
		"base.yaml":   {Data: []byte(failedLogin("BASE"))},
		"guess.yaml":  {Data: []byte(guessing("GUESS"))},
		"broken.yaml": {Data: []byte(guessing("BROKEN", "[BASE]", "[NOTHING]"))},
		"id.yaml":     {Data: []byte(rule("ID", "{program: id}"))},
	}}}
	all, _ := tagger.Load(tagger.Options{Folders: folders})
	rs, report := tagger.Load(tagger.Options{Folders: folders, WithoutCorrelations: true})
	if len(all.Correlations()) != 1 || len(rs.Correlations()) != 0 || rs.Len() != all.Len()-1 || report.Loaded != 2 {
		t.Errorf("%d correlations and %d rules, of %d and %d", len(rs.Correlations()), rs.Len(), len(all.Correlations()), all.Len())
	}
	if len(report.Problems) != 1 || report.Problems[0].File != "broken.yaml" {
		t.Errorf("problems %v, want that of the broken file", report.Problems)
	}
	if rs.Fingerprint() == all.Fingerprint() {
		t.Error("the fingerprint is that of the set with correlations")
	}
	again, _ := rs.Reload(tagger.Options{Folders: folders, WithoutCorrelations: true})
	for name, rs := range map[string]*tagger.RuleSet{"loaded": rs, "loaded again": again} {
		c := rs.Tagger(nil)
		if c.Tag(login("203.0.113.9", "root", false), nil); len(c.Matches()) != 0 {
			t.Errorf("%s: matches %v", name, matched(c))
		}
		if tags, _ := c.Tag(command("id"), nil); len(tags) != 1 {
			t.Errorf("%s: %d tags of a command, want 1", name, len(tags))
		}
	}
	if back, _ := rs.Reload(tagger.Options{Folders: folders}); len(back.Correlations()) != 1 {
		t.Error("the correlation does not come back")
	}
}

// Matches of an event in the same group share one text for it.
func TestMatchesShareText(t *testing.T) {
	rs := mustLoad(t, "base.yaml", failedLogin("BASE"), "other.yaml", failedLogin("OTHER"), "a.yaml", guessing("A"), "b.yaml", guessing("B", "[BASE]", "[OTHER]"),
		"c.yaml", guessing("C", "group-by: [attacker_ip, username]", "group-by: [username]"))
	c := rs.Tagger(nil)
	for _, user := range []string{"root", "admin"} {
		c.Tag(login("203.0.113.9", user, false), nil)
		groups := map[string]*byte{}
		for _, m := range c.Matches() {
			at := unsafe.StringData(m.Group)
			if was := groups[m.Group]; was != nil && was != at {
				t.Errorf("%s: the group of %s is there twice", user, m.Stream.ID)
			}
			groups[m.Group] = at
		}
		want := []string{
			`BASE {"attacker_ip":"203.0.113.9","username":"` + user + `"}`, `BASE {"username":"` + user + `"}`,
			`OTHER {"attacker_ip":"203.0.113.9","username":"` + user + `"}`,
		}
		if got := matched(c); !slices.Equal(got, want) || len(groups) != 2 {
			t.Errorf("%s: %d groups of %q", user, len(groups), got)
		}
	}
}

// TestKeysWithoutEffect: a key without effect gives a warning, and the rule loads.
func TestKeysWithoutEffect(t *testing.T) {
	aliases := func(text string) []string {
		return []string{"base.yaml", failedLogin("BASE"), "guess.yaml", guessing("GUESS", "  condition: {gte: 3}", "  condition: {gte: 3}\n  aliases: "+text)}
	}
	sigma := func(rules, more string) string {
		return "title: Several\nid: several\ncorrelation:\n  type: event_count\n  rules: [" + rules + "]\n  group-by: [src_ip]\n  timespan: 10m\n  condition: {gte: 3}\n" + more
	}
	sigmaBase := "title: Base\nid: own\nlogsource: {product: linux, category: process_creation}\ndetection:\n  sel: {Image|endswith: /wget}\n  condition: sel\n---\n"
	for name, tt := range map[string]struct {
		files []string
		want  []string
	}{
		"an alias in group-by":       {[]string{"base.yaml", failedLogin("BASE"), "guess.yaml", guessing("GUESS", "username]", "who]", "  condition: {gte: 3}", "  condition: {gte: 3}\n  aliases: {who: {BASE: username}}")}, nil},
		"an alias that counts":       {[]string{"base.yaml", failedLogin("BASE"), "guess.yaml", guessing("GUESS", "event_count", "value_count", "[attacker_ip, username]", "[attacker_ip]", "{gte: 3}", "{gte: 3, field: who}\n  aliases: {who: {BASE: username}}")}, nil},
		"an alias that nothing uses": {aliases("{who: {BASE: username}}"), []string{"guess.yaml:10: correlation.aliases.who: is not in group-by, nor the field of the condition: it has no effect"}},
		"an alias of nothing":        {aliases("{username: {}}"), []string{"guess.yaml:10: correlation.aliases.username: stands for no field of any rule: it has no effect"}},
		"generate, of the same file": {[]string{"s.yml", sigmaBase + sigma("own", "  generate: true\n")}, nil},
		"generate, of another":       {[]string{"base.yaml", failedLogin("BASE"), "s.yml", sigma("BASE", "  generate: false\n")}, []string{"s.yml:9: correlation.generate: has no effect: none of the rules is in this file, and others keep their tags"}},
		"generate, misplaced":        {[]string{"s.yml", sigmaBase + sigma("own", "generate: true\n")}, []string{"s.yml:16: generate: has no effect here: it is a key of correlation"}},
		"group-by, misplaced":        {[]string{"s.yml", sigmaBase + sigma("own", "group-by: [User]\n")}, []string{"s.yml:16: group-by: has no effect here: it is a key of correlation"}},
		"no generate":                {[]string{"base.yaml", failedLogin("BASE"), "s.yml", sigma("BASE", "")}, nil},
		"a base rule that nobody names": {[]string{"base.yaml", failedLogin("BASE"), "other.yaml", failedLogin("OTHER"), "guess.yaml", guessing("GUESS")},
			[]string{"other.yaml:1: emits: is empty, and no correlation that is loaded names the rule: it has no effect"}},
		"a correlation that nobody names": {[]string{"base.yaml", failedLogin("BASE"), "guess.yaml", strings.Replace(guessing("GUESS"), "emits: [{tactic: TA0006, technique_id: T1110, sub_technique_id: T1110.001, confidence: 0.8}]", "emits: []", 1)},
			[]string{"guess.yaml:1: emits: is empty, and no correlation that is loaded names the rule: it has no effect"}},
	} {
		files := fstest.MapFS{}
		for i := 0; i < len(tt.files); i += 2 {
			files[tt.files[i]] = &fstest.MapFile{Data: []byte(tt.files[i+1])}
		}
		rs, report := tagger.Load(tagger.Options{Folders: []tagger.Folder{{Name: "rules", FS: files}}})
		var got []string
		for _, p := range report.Problems {
			if !p.Warning {
				t.Errorf("%s: %v", name, p)
			}
			got = append(got, fmt.Sprintf("%s:%d: %s: %s", p.File, p.Line, p.Field, p.Text))
		}
		if !slices.Equal(got, tt.want) || len(rs.Rules()) != strings.Count(strings.Join(tt.files, "\n"), "rule_id: ")+strings.Count(strings.Join(tt.files, "\n"), "\nid: ") {
			t.Errorf("%s: %d rules, and %q, want %q", name, len(rs.Rules()), got, tt.want)
		}
	}
}
