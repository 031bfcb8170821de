package jobs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// The sources that a run can be limited to, in addition to the names of all other kinds of
// event. SourceAll means SourceCommand, then SourceCanary, then every further kind of event
// in the store to which a rule applies, in the order of their names.
const (
	SourceCommand = "command"
	SourceCanary  = "canary" // the kind canary_fingerprint
	SourceAll     = "all"
	// SourceCorrelation looks at no events. Correlations judge the base matches that came
	// or went, as they do at the end of every run.
	SourceCorrelation = string(ttpcron.Correlation)
)

// KindOf returns the kind of event of a source. SourceAll has none.
func KindOf(source string) ttpcron.SourceKind {
	if source == SourceCanary {
		return ttpcron.CanaryFingerprint
	}
	return ttpcron.SourceKind(source)
}

// SourceOf returns the name of the source that a kind of event belongs to.
func SourceOf(kind ttpcron.SourceKind) string {
	if kind == ttpcron.CanaryFingerprint {
		return SourceCanary
	}
	return string(kind)
}

// Sources lists the sources of a store with some kinds of event: SourceAll, the kinds that
// the program knows, and the others that are stored.
func Sources(stored []ttpcron.SourceKind) []string {
	names := []string{SourceCommand, SourceCanary, SourceAll}
	var more []string
	for _, k := range append(ttpcron.Kinds(), stored...) {
		if name := SourceOf(k); !slices.Contains(names, name) {
			more = append(more, name)
		}
	}
	slices.Sort(more)
	return append(names, slices.Compact(more)...)
}

// UnknownSourceError says that no source has a name.
type UnknownSourceError struct {
	Source string
	There  []string // the existing sources, see Sources
}

// Error names what there is.
func (e *UnknownSourceError) Error() string {
	return fmt.Sprintf("source is %q, want %s or %s", e.Source, strings.Join(e.There[:len(e.There)-1], ", "), e.There[len(e.There)-1])
}

// CheckSource refuses, with an *UnknownSourceError, the name of a source that is
// neither known nor among the kinds of event that are stored.
func CheckSource(source string, stored []ttpcron.SourceKind) error {
	there := Sources(stored)
	if slices.Contains(there, source) || source == string(ttpcron.CanaryFingerprint) {
		return nil
	}
	return &UnknownSourceError{source, there}
}
