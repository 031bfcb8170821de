package cli

import (
	"errors"
	"flag"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// BadValue says that a value does not fit a flag, in the same words wherever the value
// came from: name is the flag as typed, a variable or a key of the config file, err what
// the flag's Set returned.
func BadValue(name, value string, f *flag.Flag, err error) string {
	reason := wanted(f, err.Error())
	switch {
	case strings.HasPrefix(reason, "want "):
		return fmt.Sprintf("%s is %.80q, %s", name, value, reason)
	case strings.HasPrefix(reason, `"`): // it quotes the value, or one of several
		return fmt.Sprintf("%s: %s", name, reason)
	}
	return fmt.Sprintf("%s is %.80q: %s", name, value, reason)
}

// The reasons that the flag package gives.
const (
	parseReason = "parse error"
	rangeReason = "value out of range"
)

// wanted says what a flag takes, if the flag package gave its own reason for refusing a
// value.
func wanted(f *flag.Flag, reason string) string {
	if reason != parseReason && reason != rangeReason {
		return reason
	}
	v, ok := f.Value.(flag.Getter)
	if !ok {
		return reason
	}
	switch v.Get().(type) {
	case bool:
		return "want true or false"
	case time.Duration:
		return "want a duration, such as 30s, 5m or 2h"
	case int, int64, uint, uint64:
		return "want a whole number, such as 10"
	case float64:
		return "want a number, such as 0.5"
	}
	return reason
}

// Dashed is a flag's name as it is typed.
func Dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// Or lists choices as a sentence does: a, b or c.
func Or(choices []string) string {
	n := len(choices) - 1
	if n < 1 {
		return strings.Join(choices, "")
	}
	return strings.Join(choices[:n], ", ") + " or " + choices[n]
}

// The flag package's messages for mistakes. It exports only texts.
const (
	undefined = "flag provided but not defined: -"
	valueless = "flag needs an argument: -"
	malformed = "bad flag syntax: "
)

var badValue = regexp.MustCompile(`(?s)^invalid (?:boolean )?value ("(?:[^"\\]|\\.)*") for (?:flag )?-([^:]+): (.*)$`)

// flagError explains what the flag package could not parse.
func flagError[S any](err error, c *Command[S]) error {
	text := strings.TrimPrefix(err.Error(), "error parsing commandline arguments: ")
	help := fmt.Sprintf("%s --help lists the flags", strings.TrimSpace("ttpcron "+c.Name))
	if m := badValue.FindStringSubmatch(text); m != nil {
		if value, err := strconv.Unquote(m[1]); err == nil {
			return &UsageError{Text: BadValue(Dashed(m[2]), value, c.Flags.Lookup(m[2]), errors.New(m[3]))}
		}
	}
	if name, ok := strings.CutPrefix(text, valueless); ok {
		e := &UsageError{Dashed(name) + " needs a value", help}
		if f := c.Flags.Lookup(name); f != nil {
			what, _ := flag.UnquoteUsage(f)
			e.Hint = fmt.Sprintf("write %s %s; %s", Dashed(name), what, help)
		}
		return e
	}
	if typed, ok := strings.CutPrefix(text, malformed); ok {
		return &UsageError{fmt.Sprintf("%.80q is no flag", typed), help}
	}
	if name, ok := strings.CutPrefix(text, undefined); ok {
		return unknownFlag(strings.TrimPrefix(name, "-"), help, c.Flags)
	}
	return &UsageError{text, help}
}

// unknownFlag says that there is no flag with a name.
func unknownFlag(name, help string, fs *flag.FlagSet) error {
	e := &UsageError{"unknown flag " + Dashed(name), help}
	var names []string
	fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	near := Nearest(name, names)
	if near != "" && len(name) > 1 {
		e.Hint = fmt.Sprintf("did you mean %s?", Dashed(near))
	}
	return e
}

// oneFrom is the only name that begins with some letters; empty if there is none, or more
// than one.
func oneFrom(letters string, names []string) (found string) {
	for _, n := range names {
		if strings.HasPrefix(n, letters) {
			if found != "" {
				return ""
			}
			found = n
		}
	}
	return found
}
