package settings

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
)

func (c *File) faultf(line int, hint, format string, args ...any) {
	c.Faults = append(c.Faults, Fault{line, fmt.Sprintf(format, args...), hint})
}

// checkValues tries every value in the file on its flag, whatever command reads the file,
// so that no command accepts a file that another refuses.
func (c *File) checkValues(commands map[string]*flag.FlagSet) {
	top := cli.NewFlags()
	Share(top)
	for key, values := range c.values {
		set, name := top, key
		if command, own, nested := strings.Cut(key, "."); nested && commands[command] != nil {
			set, name = commands[command], own
		}
		if key == inputsKey {
			c.checkList(key, &flag.Flag{Name: key, Value: new(cli.List)})
			continue
		}
		if f := set.Lookup(name); f != nil {
			c.checkValue(key, values, f)
		}
	}
}

// checkValue tries the values of one key.
func (c *File) checkValue(key string, values []string, f *flag.Flag) {
	line, kind := c.lines[key], c.kinds[key]
	want := valueKind(f)
	switch {
	case listFlags[f.Name]:
		c.checkList(key, f)
		return
	case len(values) != 1 || kind == kindList:
		c.faultf(line, "", "%s is a list, want one value", key)
		return
	case values[0] == "":
		c.faultf(line, "leave the key out for its default", "%s is empty", key)
		return
	case want == kindBool && kind != kindBool:
		c.faultf(line, "", "%s is %s, want true or false without quotes", key, kind)
		return
	case kind == kindNumber && strings.Trim(values[0], "+-InfaN") == "":
		c.faultf(line, "", "%s is no number", key)
		return
	case want != kindBool && kind == kindBool, want == kindText && kind != kindText && !(kind == kindOther && takesTime(f.Name)):
		c.faultf(line, "", "%s is %s, want %s", key, kind, want)
		return
	}
	err := f.Value.Set(values[0])
	if err == nil {
		err = checkShared(f.Name, values[0])
	}
	if err != nil {
		c.faultf(line, "", "%s", cli.BadValue(key, values[0], f, err))
	}
}

// checkList tries a list of texts on the flag that it is for.
func (c *File) checkList(key string, on *flag.Flag) {
	if kind := c.kinds[key]; kind != kindList && kind != kindText {
		c.faultf(c.lines[key], "", "%s is %s, want a list of texts in quotes", key, kind)
		return
	}
	_, paths := on.Value.(*cli.List)
	for _, v := range c.values[key] {
		if v == "" || strings.ContainsRune(v, 0) && paths {
			what := "the path of nothing"
			if !paths {
				what = "no value; leave the key out for none"
			}
			c.faultf(c.lines[key], "", "%s: %q is %s", key, v, what)
		} else if err := on.Value.Set(v); err != nil {
			c.faultf(c.lines[key], "", "%s", cli.BadValue(key, v, on, err))
		}
	}
}

// What a value of TOML is, in the words of messages.
const (
	kindText   = "text in quotes"
	kindNumber = "a number"
	kindBool   = "true or false"
	kindList   = "a list"
	kindOther  = "a date or a time"
)

func tomlKind(v any) string {
	switch v := v.(type) {
	case string:
		return kindText
	case bool:
		return kindBool
	case int64, uint64, float64:
		return kindNumber
	case []any:
		for _, item := range v {
			if _, text := item.(string); !text {
				return "a list of other things than texts"
			}
		}
		return kindList
	}
	return kindOther
}

// valueKind returns the type of a flag's value. Values other than text, true and false may
// have quotes or not.
func valueKind(f *flag.Flag) string {
	if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
		return kindBool
	}
	if g, ok := f.Value.(flag.Getter); ok {
		if _, text := g.Get().(string); text {
			return kindText
		}
	}
	return kindNumber
}

// takesTime reports whether a flag takes a time, which TOML writes without quotes too.
func takesTime(flag string) bool { return strings.HasSuffix(flag, "since") || flag == "until" }

// checkShared checks the values of shared flags that are more than their type
// says.
func checkShared(name, value string) error {
	switch name {
	case "log-level":
		if hclog.LevelFromString(value) == hclog.NoLevel {
			return errors.New("want " + cli.Or(LogLevels()))
		}
	case "role":
		if roles := Roles(); !slices.Contains(roles, value) {
			return errors.New("want " + cli.Or(roles))
		}
	case "lock-timeout":
		if d, err := time.ParseDuration(value); err != nil || d < 0 || d > 24*time.Hour {
			return errors.New("want 0s to 24h, such as 30s")
		}
	}
	return nil
}
