package tagger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/canary"
	"github.com/ttpcron/ttpcron/tagger/credentials"
)

// predicate is a built-in condition with the settings of a rule.
type predicate struct {
	holds canary.Check
	// reads are the payload fields that it reads; nil if they are unknown.
	reads []string
	// besides says that it reads more than the payload. Then outcome is what it decides by.
	besides bool
	// outcome, unless nil, is the part of an event that decides for any settings: one of a
	// few words. accepts decides by it.
	outcome func(*ttpcron.Event) string
	accepts func(outcome string) bool
	// digest identifies built-in data, which its settings do not.
	digest string
}

// predicateOf returns the predicate of a name, with or without "lifter:" before it.
// known is false when the program has none of that name. A setting of the wrong type
// is an error.
func predicateOf(name string, settings map[string]any) (p predicate, known bool, err error) {
	switch strings.TrimPrefix(name, "lifter:") {
	case "default_login":
		p, err = defaultLogin(settings)
		return p, true, err
	case "attacker_address":
		p, err = attackerAddress(settings)
		return p, true, err
	case "carried_command":
		return predicate{reads: carriedReads(), digest: "carried " + itoa(carriedVersion)}, true, nil
	}
	p.holds, known, err = canary.Predicate(name, settings)
	return p, known, err
}

// defaultLogin makes a predicate for logins that a product ships with. Its setting is of,
// a list of classes; without it all count.
func defaultLogin(settings map[string]any) (predicate, error) {
	classes, err := classesOf(settings["of"])
	if err != nil {
		return predicate{}, fmt.Errorf("of: %w", err)
	}
	return predicate{
		holds: func(e *ttpcron.Event, _ ttpcron.Payload) (canary.Evidence, bool) {
			d, ok := defaultOf(e)
			if !ok || !slices.Contains(classes, d.Class) {
				return canary.Evidence{}, false
			}
			return canary.Evidence{Metric: "default_of", MatchedSignature: d.Product}, true
		},
		reads: []string{"password", "username"},
		outcome: func(e *ttpcron.Event) string {
			d, _ := defaultOf(e)
			return string(d.Class)
		},
		accepts: func(class string) bool { return slices.Contains(classes, credentials.Class(class)) },
		digest:  credentials.Digest(),
	}, nil
}

// defaultOf returns what ships with the login of an event.
func defaultOf(e *ttpcron.Event) (credentials.Default, bool) {
	username, named := e.Payload.Text("username")
	password, given := e.Payload.Text("password")
	if !named || !given {
		return credentials.Default{}, false
	}
	return credentials.Find(username, password)
}

func classesOf(setting any) ([]credentials.Class, error) {
	all := credentials.Classes()
	if setting == nil {
		return all, nil
	}
	list, ok := setting.([]any)
	if !ok {
		list = []any{setting}
	}
	var out []credentials.Class
	for _, v := range list {
		name, _ := v.(string)
		if !slices.Contains(all, credentials.Class(name)) {
			return nil, fmt.Errorf("%v, want device, system or guess, or a list of these", v)
		}
		out = append(out, credentials.Class(name))
	}
	return out, nil
}

type checkPredicate struct{ is canary.Check }

func (c *checkPredicate) holds(ev *evaluation) bool {
	if ev.event == nil {
		return false
	}
	proof, ok := c.is(ev.event, ev.signals)
	if !ok {
		return false
	}
	if ev.proof == nil {
		ev.proof = &canary.Evidence{Metric: proof.Metric, MatchedSignature: proof.MatchedSignature}
	}
	ev.hit(fieldRef{field: fieldPayload, name: proof.Metric}, nil, proof.MatchedSignature, 0, len(proof.MatchedSignature))
	return true
}

// compilePredicate makes the check of a built-in predicate, which never holds when the
// program does not have it.
func compilePredicate(l predicateTest) check {
	p, known, err := predicateOf(l.name, l.settings)
	switch {
	case !known || err != nil:
		return checkConst(false)
	case p.holds == nil:
		return checkCarried{}
	}
	return &checkPredicate{p.holds}
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
		if _, known, _ := predicateOf(c.name, c.settings); !known {
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
