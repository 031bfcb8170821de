package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// Levels is a flag with levels, separated by commas, which can be given more than once.
type Levels []ttpcron.Level

// String returns what Set takes.
func (l *Levels) String() string {
	var names []string
	for _, level := range *l {
		names = append(names, level.String())
	}
	return strings.Join(names, ",")
}

// Set adds levels.
func (l *Levels) Set(s string) error {
	for name := range strings.SplitSeq(s, ",") {
		level, ok := ttpcron.ParseLevel(strings.ToLower(strings.TrimSpace(name)))
		if !ok {
			return fmt.Errorf("want informational, low, medium, high or critical, or several of them with commas between")
		}
		if !slices.Contains(*l, level) {
			*l = append(*l, level)
		}
	}
	return nil
}
