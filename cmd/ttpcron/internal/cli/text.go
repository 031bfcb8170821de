package cli

import (
	"errors"
	"flag"
)

// text is a flag with a text.
type text string

// TextVar defines a flag with a text that is not empty: a variable of a script that is not
// set would otherwise ask for everything.
func TextVar(fs *flag.FlagSet, p *string, name, usage string) {
	*p = ""
	fs.Var((*text)(p), name, usage)
}

// String returns what Set takes.
func (t *text) String() string {
	if t == nil {
		return ""
	}
	return string(*t)
}

// Set implements flag.Value.
func (t *text) Set(s string) error {
	if s == "" {
		return errors.New("want a value, or leave it out")
	}
	*t = text(s)
	return nil
}
