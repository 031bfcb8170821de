package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// sample is a tag that may become evidence.
type sample struct {
	tag   ttpcron.Tag
	actor uint32
	claim uint16
	again bool // there is another of the attacker before
}

// mostEvidence is how many tags are a technique's evidence, and a claim's samples.
const mostEvidence = 5

// mostSamples bounds them, of about 1 KiB each.
const mostSamples = 4000

// sample keeps a tag if it may become evidence: of each claim the first that come, of as
// many attackers as can be.
func (s *tagSide) sample(t *ttpcron.Tag, o *tagged) {
	c := &s.claims[o.claim]
	if c.sampled || o.claim == 0 {
		return
	}
	twice := -1 // the last of an attacker of whom there is another
	for i, e := range c.samples {
		if e.actor == o.actor && (len(c.samples) == mostEvidence || e.tag.SourceID == t.SourceID && e.tag.SourceKind == t.SourceKind) {
			return
		}
		if e.again {
			twice = i
		}
	}
	switch {
	case len(c.samples) < mostEvidence && s.sampleN < mostSamples:
		c.samples = append(c.samples, newSample(t, o))
		s.sampleN++
	case twice >= 0:
		c.samples[twice] = newSample(t, o)
	default:
		c.sampled = true
		return
	}
	for i, e := range c.samples {
		e.again = slices.ContainsFunc(c.samples[:i], func(b *sample) bool { return b.actor == e.actor })
	}
}

func newSample(t *ttpcron.Tag, o *tagged) *sample {
	e := &sample{tag: *t, actor: o.actor, claim: o.claim}
	c := &e.tag
	c.Match, c.Finding, c.Evidence, c.Text, c.TextMasked = ttpcron.Match{}, nil, nil, "", ""
	for _, s := range []*string{(*string)(&c.SourceKind), &c.SourceID, &c.AttackerUUID, &c.AttackerIP, &c.IdentityUUID, &c.SessionID, &c.DeckyID,
		&c.RuleID, &c.Tactic, &c.TechniqueID, &c.SubTechniqueID, &c.AttackRelease, &c.MitreURL} {
		*s = strings.Clone(*s)
	}
	return e
}

// samples are all of them.
func (s *tagSide) samples() (all []*sample) {
	for i := range s.claims {
		all = append(all, s.claims[i].samples...)
	}
	return all
}

// evidence chooses from samples: of the highest level, of different attackers and rules,
// and the newest.
func (s *tagSide) evidence(from []*sample) (chosen []*sample) {
	from = slices.Clone(from)
	for len(from) > 0 && len(chosen) < mostEvidence {
		best := slices.MinFunc(from, func(a, b *sample) int {
			return cmp.Or(
				cmp.Compare(s.claims[b.claim].level, s.claims[a.claim].level),
				cmp.Compare(again(chosen, a, sameActor), again(chosen, b, sameActor)),
				cmp.Compare(again(chosen, a, s.sameRule), again(chosen, b, s.sameRule)),
				b.tag.EventTime.Compare(a.tag.EventTime),
				strings.Compare(a.tag.SourceID, b.tag.SourceID),
				strings.Compare(a.tag.RuleID, b.tag.RuleID),
			)
		})
		chosen = append(chosen, best)
		from = slices.DeleteFunc(from, func(e *sample) bool {
			return e.tag.SourceID == best.tag.SourceID && e.tag.SourceKind == best.tag.SourceKind
		})
	}
	return chosen
}

func sameActor(a, b *sample) bool { return a.actor == b.actor }
func (s *tagSide) sameRule(a, b *sample) bool {
	return s.claims[a.claim].rule == s.claims[b.claim].rule
}

// again is how many of the chosen tags are equal.
func again(chosen []*sample, e *sample, same func(a, b *sample) bool) (n int) {
	for _, c := range chosen {
		if same(c, e) {
			n++
		}
	}
	return n
}
