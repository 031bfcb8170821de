package cli

import (
	"errors"
	"flag"
	"strconv"
)

// limit is a flag with the most that is shown. Zero means all.
type limit int

// LimitVar defines a flag with the most that a command shows, 0 for all. A default below
// zero stands for one that depends on where output goes, which the usage tells.
func LimitVar(fs *flag.FlagSet, p *int, name string, value int, usage string) {
	*p = value
	fs.Var((*limit)(p), name, usage)
}

// String returns what Set takes, or "" for a default that the usage tells.
func (l *limit) String() string {
	if l == nil || *l < 0 {
		return ""
	}
	return strconv.Itoa(int(*l))
}

// Set implements flag.Value.
func (l *limit) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return errors.New("want a whole number, such as 20, or 0 for all")
	}
	*l = limit(n)
	return nil
}

// confidence is a flag with a confidence from 0 to 1.
type confidence float64

// ConfidenceVar defines a flag with a confidence.
func ConfidenceVar(fs *flag.FlagSet, p *float64, name string, value float64, usage string) {
	*p = value
	fs.Var((*confidence)(p), name, usage)
}

// String returns what Set takes.
func (c *confidence) String() string {
	if c == nil {
		return "0"
	}
	return strconv.FormatFloat(float64(*c), 'g', -1, 64)
}

// Set implements flag.Value.
func (c *confidence) Set(s string) error {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0 && v <= 1) {
		return errors.New("want 0 to 1, such as 0.6 for 60 %")
	}
	*c = confidence(v)
	return nil
}
