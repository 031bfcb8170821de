package main

import (
	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// excerpt is a short form of a tag's text, safe to show.
func excerpt(tag *ttpcron.Tag, t term.Terminal) string {
	if tag.Text == "" {
		return beginning(t, tag.TellingEvidence())
	}
	return beginning(t, tag.Text)
}

// maxExcerpt is how much of a text a table shows if its width is unlimited.
const maxExcerpt = 160

// beginning is the beginning of an attacker's text, safe to show, or of a path the end.
func beginning(t term.Terminal, s string) string {
	return t.CutTelling(term.Clean(s[:min(len(s), ttpcron.MaxShown+len("…"))]), maxExcerpt)
}
