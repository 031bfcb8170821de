package tagger

import "github.com/ttpcron/ttpcron/tagger/canary"

type checkPredicate struct{ is canary.Check }

func (c *checkPredicate) holds(ev *evaluation) bool {
	if ev.event == nil {
		return false
	}
	proof, ok := c.is(ev.event, ev.signals)
	if ok && ev.proof == nil {
		ev.proof = &proof
	}
	if ok {
		ev.hit(fieldRef{field: fieldPayload, name: proof.Metric}, nil, proof.MatchedSignature, 0, len(proof.MatchedSignature))
	}
	return ok
}

// compilePredicate makes the check of a built-in predicate, which never holds when the
// program does not have it.
func compilePredicate(l predicateTest) check {
	is, known, err := canary.Predicate(l.name, l.settings)
	if !known || err != nil {
		return checkConst(false)
	}
	return &checkPredicate{is}
}

// inertReason says why a condition can never hold, or "".
func inertReason(c condition) string {
	switch c := c.(type) {
	case allOf:
		return inertList(c)
	case anyOf:
		return inertList(c)
	case noneOf:
		return inertList(c)
	case someCommand:
		return inertReason(c.is)
	case predicateTest:
		if _, known, _ := canary.Predicate(c.name, c.settings); !known {
			return "the program has no lifter:" + shorten(c.name, 60)
		}
	}
	return ""
}

func inertList(list []condition) string {
	for _, c := range list {
		if reason := inertReason(c); reason != "" {
			return reason
		}
	}
	return ""
}
