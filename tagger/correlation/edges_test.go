package correlation

import (
	"fmt"
	"strings"

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
