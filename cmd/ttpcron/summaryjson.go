package main

import (
	"time"

	"github.com/ttpcron/ttpcron/census"
	"github.com/ttpcron/ttpcron/jsontext"
)

// appendJSON appends the summary as a JSON object.
func (sum *summary) appendJSON(dst []byte, s *session, o *censusOptions) []byte {
	member := func(name string, value any) {
		dst = append(appendValue(append(jsontext.AppendString(dst, name), ':'), value), ',')
	}
	rows := func(name string, v *censusView, list []*census.Row) {
		dst = append(jsontext.AppendString(dst, name), ':', '[')
		for i, r := range list {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = v.appendJSON(dst, r)
		}
		dst = append(dst, ']')
	}
	dst = append(dst, '{')
	member("since", timeOrNull(o.q.Window.Since))
	member("until", timeOrNull(o.q.Window.Until))
	w := sum.whole
	if w == nil {
		w = &census.Row{}
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"events", w.Events}, {"commands", w.Commands}, {"logins", w.Logins}, {"logins_won", w.Won}, {"files", w.Files}, {"attackers", w.Attackers}, {"sessions", w.Sessions},
		{"sensors", w.Sensors.N}, {"tags", w.Tags}, {"tagged_events", w.Tagged}, {"techniques", w.Techniques.N}} {
		member(n.name, n.value)
	}
	member("level", levelOrNull(w.Level))
	member("first_seen", timeOrNull(w.First))
	member("last_seen", timeOrNull(w.Last))
	dst = append(dst, `"kinds":{`...)
	for i, k := range w.Kinds.Top {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendValue(append(jsontext.AppendString(dst, k.Name), ':'), k.Times)
	}
	dst = append(dst, '}', ',')
	rows("by_technique", techniquesView(s.set.Attack, 0), sum.techniques)
	dst = append(dst, ',')
	rows("top_attackers", attackersView(o.own), sum.attackers)
	dst = append(dst, ',')
	rows("top_sensors", sensorsView(s.now()), sum.sensors)
	if sum.since.IsZero() {
		return append(dst, `,"new":null}`...)
	}
	dst = append(dst, `,"new":{`...)
	member("since", sum.since)
	for _, n := range sum.news {
		member(n.key, n.total)
	}
	rows("techniques", techniquesView(s.set.Attack, 0), sum.newTechniques)
	return append(dst, '}', '}')
}

func timeOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
