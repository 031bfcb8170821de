package tagger

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/correlation"
	"go.yaml.in/yaml/v3"
)

// A lifter is a built-in correlation. Rules name it as a predicate, lifter:NAME, as
// DECNET's do.
type lifter struct {
	// names are its spellings, without separators; see lifterOf.
	names []string
	// make makes the correlation for a threshold and a time.
	make      func(n int, within time.Duration) correlation.Definition
	threshold int // unless the rule sets another
	within    time.Duration
}

// lifters are all of them, by the name that is shown.
var lifters = map[string]lifter{
	"brute_force": {
		names:     []string{"bruteforce", "bruteforcing", "brute", "failedlogins", "loginfailures", "authfailures", "multiplefailures", "failures", "failed"},
		threshold: 10, within: 10 * time.Minute,
		make: func(n int, within time.Duration) correlation.Definition {
			return counting(correlation.EventCount, loginFailed, n, within, nil, ttpcron.FieldAttackerIP)
		},
	},
	"password_guessing": {
		names:     []string{"passwordguessing", "passwordguess", "passwordguesses", "guessing"},
		threshold: 5, within: 10 * time.Minute,
		make: func(n int, within time.Duration) correlation.Definition {
			return counting(correlation.EventCount, loginFailed, n, within, nil, ttpcron.FieldAttackerIP, "username")
		},
	},
	"password_spraying": {
		names:     []string{"passwordspraying", "passwordspray", "spraying", "spray"},
		threshold: 5, within: 10 * time.Minute,
		make: func(n int, within time.Duration) correlation.Definition {
			return counting(correlation.ValueCount, loginTried, n, within, []string{"username"}, ttpcron.FieldAttackerIP)
		},
	},
	"credential_stuffing": {
		names:     []string{"credentialstuffing", "credstuffing", "credentialsstuffing", "stuffing"},
		threshold: 10, within: 10 * time.Minute,
		make: func(n int, within time.Duration) correlation.Definition {
			return counting(correlation.ValueCount, loginTried, n, within, []string{"username", "password"}, ttpcron.FieldAttackerIP)
		},
	},
	"default_login_then_shell": {
		names: []string{"defaultloginthenshell", "defaultloginshell", "defaultloginfollowedbyshell", "defaultcredentials", "defaultcredential", "defaultcreds", "defaultcredentialsthenshell",
			"defaultcredentialthenshell", "defaultcredentialsshell", "defaultcredsthenshell", "defaultcredsshell", "defaultaccount", "defaultaccounts", "defaultaccountthenshell", "defaultaccountshell"},
		within: time.Hour,
		make: func(_ int, within time.Duration) correlation.Definition {
			return correlation.Definition{Type: correlation.TemporalOrdered, Rules: []string{defaultGotIn, commandGiven}, GroupBy: []string{ttpcron.FieldSessionID}, Timespan: within}
		},
	},
	"login_after_failures": {
		names: []string{"loginafterfailures", "loginafterfailure", "afterfailures", "successafterfailures", "successafterfailure", "successafterbruteforce", "bruteforcesuccess", "bruteforcesuccessful",
			"successfulbruteforce", "loginsuccessafterfailures", "successfulloginafterfailures", "acceptedafterfailures", "validaccount", "validaccounts", "validaccountafterfailures",
			"validaccountsafterfailures", "failuresthensuccess", "failedthensuccess", "compromisedaccount"},
		threshold: 5, within: 10 * time.Minute,
		make: func(n int, within time.Duration) correlation.Definition {
			return correlation.Definition{Type: correlation.TemporalOrdered, Rules: []string{"", loginAccepted}, GroupBy: []string{ttpcron.FieldAttackerIP, "username"}, Timespan: within}
		},
	},
}

// innerPrefix begins the id of the inner correlation of a rule, followed by the rule's id.
const innerPrefix = builtinPrefix + "failures|"

func counting(kind correlation.Type, base string, n int, within time.Duration, fields []string, groupBy ...string) correlation.Definition {
	return correlation.Definition{
		Type: kind, Rules: []string{base}, GroupBy: groupBy, Timespan: within,
		Condition: correlation.Condition{Comparisons: []correlation.Comparison{{Op: "gte", Value: strconv.Itoa(n)}}, Fields: fields},
	}
}

// Words that may surround a lifter's name: the service before it, the result after it.
var (
	lifterBefore = []string{"auth", "authentication", "login", "logon", "ssh", "telnet", "credential", "credentials", "session", "attacker", "correlation"}
	lifterBehind = []string{"attempt", "attempts", "attack", "attacks", "detected", "detection", "burst", "correlation", "window", "count", "lifter"}
)

// lifterOf returns the correlation of a name such as auth_bruteforce or password-spraying,
// and its name here.
func lifterOf(name string) (l lifter, called string, ok bool) {
	words := strings.FieldsFunc(strings.ToLower(strings.TrimPrefix(name, builtinPrefix)), func(c rune) bool { return c == '_' || c == '-' || c == '.' || c == ':' })
	for {
		plain := strings.Join(words, "")
		for _, called := range slices.Sorted(maps.Keys(lifters)) {
			if slices.Contains(lifters[called].names, plain) {
				return lifters[called], called, true
			}
		}
		switch {
		case len(words) > 1 && slices.Contains(lifterBehind, words[len(words)-1]):
			words = words[:len(words)-1]
		case len(words) > 1 && slices.Contains(lifterBefore, words[0]):
			words = words[1:]
		default:
			return lifter{}, "", false
		}
	}
}

var (
	lifterThresholds = []string{
		"threshold", "min_attempts", "min_failures", "min_users", "min_usernames", "min_accounts", "min_passwords", "min_pairs", "min_credentials", "min_count", "min_events",
		"attempts", "failures", "count", "users", "accounts", "max_failures", "max_attempts",
	}
	lifterWindows = []string{
		"window", "window_seconds", "window_s", "window_secs", "window_sec", "window_minutes", "window_hours", "timespan", "timeframe", "within", "within_seconds", "period", "period_seconds", "interval", "interval_seconds",
	}
)

// lift turns a rule whose condition names a lifter into a correlation, and reports whether
// it does.
func (r *ruleReader) lift(n *yaml.Node) bool {
	d := r.def
	p, ok := d.match.(predicateTest)
	if !ok {
		return false
	}
	if _, known, _ := predicateOf(p.name, p.settings); known {
		return false
	}
	l, called, ok := lifterOf(p.name)
	if !ok {
		return false
	}
	threshold, within := r.lifterSettings(n, p.settings, l)
	def := l.make(threshold, within)
	def.RuleID, def.Version = d.ID, d.Version
	d.lifter, d.correlation, d.lines = called, &def, map[string]int{"": n.Line}
	d.match, d.Kinds, d.evidence = nil, nil, nil
	if def.Rules[0] == "" { // it is a chain
		inner := counting(correlation.EventCount, loginFailed, threshold, within, nil, def.GroupBy...)
		inner.RuleID, inner.Version = innerPrefix+d.ID, 1
		def.Rules[0], d.inner = inner.RuleID, &inner
	}
	return true
}

func (r *ruleReader) lifterSettings(n *yaml.Node, settings map[string]any, l lifter) (threshold int, within time.Duration) {
	threshold, within = l.threshold, l.within
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		text, field := fmt.Sprint(settings[key]), join("match", key)
		switch {
		case slices.Contains(lifterThresholds, key):
			v, err := strconv.Atoi(text)
			if err != nil || v < 1 || v > 1_000_000 {
				r.problem(n, field, "%q, want a whole number from 1", shorten(text, 40))
				continue
			}
			threshold = v
		case slices.Contains(lifterWindows, key):
			unit := "s"
			if strings.HasSuffix(key, "_minutes") {
				unit = "m"
			} else if strings.HasSuffix(key, "_hours") {
				unit = "h"
			}
			v, err := ttpcron.ParseTimespan(text)
			if err != nil {
				v, err = ttpcron.ParseTimespan(text + unit)
			}
			if err != nil || v < time.Second {
				r.problem(n, field, "%q, want seconds, or a time such as 90s, 10m or 2h", shorten(text, 40))
				continue
			}
			within = v
		default:
			r.warning(n, field, "is no setting of this lifter: it is passed over")
		}
	}
	return threshold, within
}
