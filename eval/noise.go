package eval

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/ttpcron/ttpcron"
)

// Noise counts how often rules fire on a history. It is not safe for concurrent
// use.
type Noise struct {
	tagger   Tagger
	seed     maphash.Seed
	rules    map[string]*fires
	distinct sketch
	report   NoiseReport
	tags     []ttpcron.Tag
}

// fires counts the events on which one rule fired.
type fires struct {
	events   int
	distinct sketch
}

// NewNoise returns a Noise that has seen nothing.
func NewNoise(t Tagger) *Noise {
	return &Noise{tagger: t, seed: maphash.MakeSeed(), rules: map[string]*fires{}}
}

// Add judges an event and counts the rules that fire on it.
func (n *Noise) Add(e *ttpcron.Event) {
	n.tags = n.tagger.Tag(e, n.tags[:0])
	hash := contentHash(n.seed, e)
	n.report.Events++
	n.distinct.add(hash)
	if len(n.tags) > 0 {
		n.report.Tagged++
	}
	n.report.Tags += len(n.tags)
	last := ""
	for i := range n.tags { // those of one rule stand together
		id := n.tags[i].RuleID
		if id == last {
			continue
		}
		last = id
		f := n.rules[id]
		if f == nil {
			f = &fires{}
			n.rules[id] = f
		}
		f.events++
		f.distinct.add(hash)
	}
}

// contentHash is of what makes two events the same to a reader of a report: the text of
// a command, the fields that say what happened in events of other kinds, and the whole
// payload where there are none. Two connections differ in their ports, and say the same.
func contentHash(seed maphash.Seed, e *ttpcron.Event) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	h.WriteString(string(e.Kind))
	if text := e.Payload.CommandText(); e.Kind == ttpcron.Command && text != "" {
		h.WriteString(text)
		return h.Sum64()
	}
	names, listed := e.Kind.IdentityFields()
	says := func(f ttpcron.Field) bool { return slices.Contains(names, f.Name) }
	listed = listed && slices.ContainsFunc(e.Payload, says)
	for _, f := range e.Payload {
		if listed && !says(f) {
			continue
		}
		h.WriteByte(0)
		h.WriteString(f.Name)
		h.WriteByte(0)
		h.WriteString(f.Text)
		h.WriteByte(0)
		h.Write(f.Raw)
	}
	return h.Sum64()
}

// NoiseReport says how often rules fired.
type NoiseReport struct {
	Events   int // looked at
	Distinct int // different contents among them
	Tagged   int // events on which some rule fired
	Tags     int
	Rules    []RuleNoise // that fired at least once, most events first
}

// RuleNoise says how often one rule fired.
type RuleNoise struct {
	RuleID   string
	Events   int
	Distinct int // different contents among them; an estimate, within about 3 %, from exactBelow on
}

// Report returns the counts so far.
func (n *Noise) Report() NoiseReport {
	r := n.report
	r.Distinct = n.distinct.count()
	for id, f := range n.rules {
		r.Rules = append(r.Rules, RuleNoise{RuleID: id, Events: f.events, Distinct: f.distinct.count()})
	}
	slices.SortFunc(r.Rules, func(a, b RuleNoise) int {
		return cmp.Or(b.Events-a.Events, cmp.Compare(a.RuleID, b.RuleID))
	})
	return r
}
