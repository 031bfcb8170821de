package main

import (
	"sync"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/tagger"
)

// findingNames says what findings are, by the names of their rules. It reads the rules
// when the first finding is shown.
type findingNames func() map[string]string

func newFindingNames(set *settings.Settings) findingNames {
	return sync.OnceValue(func() map[string]string {
		folders, err := ruleset.Folders(set.Embedded, set.Rules)
		if err != nil {
			return nil // findings say what was counted instead
		}
		return tagger.CorrelationNames(folders)
	})
}

// text says what a tag is a finding of: the rule's name, and the group. If the rule is not
// loaded, it says what was counted. It is empty for the tag of an event.
func (n findingNames) text(tag *ttpcron.Tag) string {
	f, ok := tag.FindingEvidence()
	if !ok {
		return ""
	}
	if name := n()[tag.RuleID]; name != "" {
		return f.Named(name)
	}
	return f.Text()
}

// excerpt is what a tag is about, safe to show.
func (n findingNames) excerpt(tag *ttpcron.Tag, t term.Terminal) string {
	if text := n.text(tag); text != "" {
		return beginning(t, text)
	}
	return excerpt(tag, t)
}
