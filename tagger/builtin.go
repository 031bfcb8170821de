package tagger

import (
	"sync"

	"github.com/ttpcron/ttpcron"
)

// builtinPrefix begins the ids of rules that are part of the program.
const builtinPrefix = "lifter:"

// Rules for single events that lifters' correlations refer to.
const (
	loginFailed   = builtinPrefix + "login_failed"
	loginAccepted = builtinPrefix + "login_accepted"
	loginTried    = builtinPrefix + "login_tried"
	defaultGotIn  = builtinPrefix + "default_login_accepted"
	commandGiven  = builtinPrefix + "command"
)

var builtins = sync.OnceValue(func() map[string]*definition {
	field := func(name string, equals ...string) condition {
		return fieldTest{fieldRef{field: fieldPayload, name: name}, &valueTest{equals: equals}}
	}
	all := map[string]*definition{}
	for id, match := range map[string]condition{
		loginFailed:   field("success", "false"),
		loginAccepted: field("success", "true"),
		loginTried:    field("username"),
		defaultGotIn:  allOf{field("success", "true"), predicateTest{name: "default_login", settings: map[string]any{}}},
		commandGiven:  field("command_text"),
	} {
		d := &definition{Rule: Rule{ID: id, Version: 1, Name: id, Kinds: []ttpcron.SourceKind{ttpcron.AuthAttempt}}, match: match}
		if id == commandGiven {
			d.Kinds = []ttpcron.SourceKind{ttpcron.Command}
		}
		d.matching = matchingOf(d)
		all[id] = d
	}
	return all
})

// builtin returns the rule that is part of the program under an id, or nil.
func builtin(id string) *definition { return builtins()[id] }
