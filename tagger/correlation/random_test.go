package correlation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// aHistory makes events and correlations, with chains, that have much in common: few
// values, and times that are close or equal.
func aHistory(rnd *rand.Rand) *history {
	one := func(list ...string) string { return list[rnd.IntN(len(list))] }
	h := &history{bases: map[string]Base{}}
	h.own, _ = ttpcron.ParseNetworks("10.0.0.0/8")
	kinds := []ttpcron.SourceKind{ttpcron.AuthAttempt, ttpcron.Command, ttpcron.CanaryFingerprint}
	for i := range 4 {
		id := "TC" + strconv.Itoa(i)
		b := Base{ID: id, Digest: [16]byte{byte(i)}}
		for _, n := range rnd.Perm(3)[:1+rnd.IntN(3)] {
			b.Kinds = append(b.Kinds, kinds[n])
		}
		h.bases[id] = b
	}
	step := []time.Duration{time.Second, time.Second / 2, 1}[rnd.IntN(3)]
	for seq := range 3 + rnd.IntN(20) {
		e := ttpcron.Event{Kind: kinds[rnd.IntN(3)], Seq: uint64(seq + 1), Time: time.Unix(1000, 0).Add(time.Duration(rnd.IntN(12)) * time.Second)}
		if rnd.IntN(3) == 0 {
			e.Time = e.Time.Add(step)
		}
		e.AttackerIP = one("192.0.2.1", "192.0.2.1", "10.0.0.1", "")
		e.SessionID = one("s1", "s1", "s2", "")
		e.DeckyID = one("d1", "d1", "")
		if rnd.IntN(8) == 0 {
			e.Vantage = ttpcron.VantageHost
		}
		if e.Kind == ttpcron.CanaryFingerprint && rnd.IntN(2) == 0 {
			e.Payload = append(e.Payload, ttpcron.Field{Name: "channel", Text: "dns"})
		}
		for _, name := range []string{"a", "b"} {
			f := ttpcron.Field{Name: name}
			switch rnd.IntN(7) {
			case 0, 1:
				f.Text = one("x", "y", "z")
			case 2:
				f.Raw = []byte(one("1", "2.5", "0", "-3", "1e-20", "1e30", "null", "true", `{"o":1}`, `["l"]`))
			case 3, 4:
				f.Text = one("1", "0.1", "0.2", "+3", "-1", "1e2", "01", ".5", "5.", "1e", "0x1", "inf", "1_0", " 1")
			case 5:
				f.Text = strings.Repeat("long", 100) + one("", "x")
			default:
				continue
			}
			e.Payload = append(e.Payload, f)
		}
		var matched []string
		for id := range h.bases {
			if rnd.IntN(3) > 0 {
				matched = append(matched, id)
			}
		}
		h.events, h.matched = append(h.events, e), append(h.matched, matched)
	}
	for i := range 1 + rnd.IntN(5) {
		h.defs = append(h.defs, aDefinition(rnd, h, fmt.Sprint("TC10", i)))
	}
	return h
}

func aDefinition(rnd *rand.Rand, h *history, id string) *Definition {
	d := &Definition{RuleID: id, Version: 1, Timespan: time.Duration(1+rnd.IntN(6)) * time.Second}
	d.Type = []Type{EventCount, ValueCount, ValueSum, Temporal, TemporalOrdered}[rnd.IntN(5)]
	refs := []string{"TC0", "TC1", "TC2", "TC3"}
	for _, of := range h.defs {
		refs = append(refs, of.RuleID, of.RuleID)
	}
	rnd.Shuffle(len(refs), func(i, j int) { refs[i], refs[j] = refs[j], refs[i] })
	for _, ref := range refs[:1+rnd.IntN(4)] {
		if !slices.Contains(d.Rules, ref) {
			d.Rules = append(d.Rules, ref)
		}
	}
	for _, f := range []string{"attacker_ip", "session_id", "decky_id", "a", "b"} {
		if rnd.IntN(4) == 0 {
			d.GroupBy = append(d.GroupBy, f)
		}
	}
	if rnd.IntN(3) == 0 {
		d.GroupBy = append(d.GroupBy, "who")
		d.Aliases = map[string]map[string]string{"who": {}}
		for _, ref := range d.Rules {
			d.Aliases["who"][ref] = []string{"a", "b", "attacker_ip", "who"}[rnd.IntN(4)]
		}
		if d.Aliases["who"][d.Rules[0]] == "attacker_ip" { // else it might be that in all of them, and be called so
			d.Aliases["who"][d.Rules[0]] = "a"
		}
	}
	least := Comparison{"gte", strconv.Itoa(1 + rnd.IntN(4))}
	switch d.Type {
	case ValueCount:
		d.Condition.Fields = [][]string{{"a"}, {"b"}, {"a", "b"}, {"attacker_ip"}, {"who"}}[rnd.IntN(5)]
	case ValueSum:
		least.Value = []string{"0.3", "3", "2.5", "100", "0.000000000000000001", "5.1"}[rnd.IntN(6)]
		d.Condition.Fields = []string{[]string{"a", "b", "who"}[rnd.IntN(3)]}
	case Temporal, TemporalOrdered:
		least.Value = strconv.Itoa(1 + rnd.IntN(len(d.Rules)))
		if rnd.IntN(3) == 0 {
			d.Condition.Text = aCondition(rnd, d.Rules)
		}
	}
	if d.Condition.Text == "" && (!d.Type.temporal() || rnd.IntN(2) == 0) {
		d.Condition.Comparisons = []Comparison{least}
		if n, err := strconv.Atoi(least.Value); err == nil && rnd.IntN(3) == 0 {
			d.Condition.Comparisons[0] = Comparison{"gt", strconv.Itoa(n - 1)}
		}
	}
	return d
}

func aCondition(rnd *rand.Rand, rules []string) string {
	if len(rules) == 1 {
		return rules[0]
	}
	n := 1 + rnd.IntN(len(rules)-1)
	a, b := aCondition(rnd, rules[:n]), aCondition(rnd, rules[n:])
	if rnd.IntN(2) == 0 {
		a = "(" + a + ")"
	}
	if strings.Contains(b, " ") || rnd.IntN(3) == 0 {
		b = "(" + b + ")"
	}
	if rnd.IntN(2) == 0 {
		if strings.Contains(a, " or ") {
			a = "(" + a + ")"
		}
		return a + " and " + b
	}
	return a + " or " + b
}

// The judge finds what the definition says, for correlations of every type and chains of
// them, with equal times, marked addresses, and values of every sort.
func TestJudgeFindsWhatTheDefinitionSays(t *testing.T) {
	histories := 6000
	if testing.Short() {
		histories = 1500
	}
	found, chains, linked := map[Type]int{}, 0, 0
	for seed := range uint64(histories) {
		h := aHistory(rand.New(rand.NewPCG(seed, 1)))
		rules, _ := h.link()
		for _, r := range rules {
			linked++
			got, want := h.judged(r), h.byReference(r.Definition())
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d: %+v\nfound %v\nwant  %v", seed, r.Definition(), got, want)
			}
			if len(want) > 0 {
				found[r.Definition().Type]++
				if len(r.nodes) > 1 {
					chains++
				}
			}
		}
	}
	t.Logf("%d rules, %v found something, chains among them: %d", linked, found, chains)
	for _, typ := range []Type{EventCount, ValueCount, ValueSum, Temporal, TemporalOrdered} {
		if found[typ] < histories/20 {
			t.Errorf("only %d rules of type %s found something", found[typ], typ)
		}
	}
	if chains < histories/20 {
		t.Errorf("only %d chains found something", chains)
	}
}
