package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/census"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// newRows are the new rows of one kind: how many there are, and the names of the first.
type newRows struct {
	key, one, many string
	command        string // that lists all
	sort           string
	name           func(*census.Row) string

	total int
	names []string
}

// newKinds are what can be new but for techniques, in the order in which findNew counts
// them.
var newKinds = []newRows{
	{key: "attackers", one: "attacker", many: "attackers", command: "attackers", sort: "tags", name: func(r *census.Row) string { return cmp.Or(r.Addresses.First(), r.Name[0]) }},
	{key: "sensors", one: "sensor", many: "sensors", command: "sensors", sort: "events", name: func(r *census.Row) string { return r.Name[0] }},
	{key: "sessions", one: "session", many: "sessions", command: "sessions", sort: "tags", name: func(r *census.Row) string { return r.Name[0] }},
	{key: "files", one: "file", many: "files", command: "files", sort: "events", name: func(r *census.Row) string { return cmp.Or(r.Name[0], r.Name[1]) }},
	{key: "logins_won", one: "login that worked", many: "logins that worked", command: "credentials --won", sort: "won", name: loginName},
}

// newNamed is how many of each kind are named.
const newNamed = 5

// read reads the rows of the i-th property of a census.
func (n *newRows) read(ctx context.Context, c *census.Census, i int) (err error) {
	limit := newNamed
	if n.key == "sensors" {
		limit = 0 // one row may have no name
	}
	nameless := 0
	n.total, err = c.Rows(ctx, i, census.Order{By: census.ColumnNamed(n.sort), Limit: limit}, func(r *census.Row) error {
		switch name := n.name(r); {
		case name == "" && n.key == "sensors":
			nameless++
		case len(n.names) < newNamed:
			n.names = append(n.names, name)
		}
		return nil
	})
	n.total -= nameless
	return err
}

func (n *newRows) print(out *term.Output, since time.Time) {
	words := make([]string, len(n.names))
	for i, name := range n.names {
		words[i] = out.Term.CutMiddle(term.Clean(name), 24)
	}
	text := term.Plural(n.total, n.one, n.many)
	if n.total > 0 {
		text += ": " + strings.Join(words, ", ")
	}
	indent := "  "
	for _, line := range wrapWords(text, 76) {
		fmt.Fprintf(out, "%s%s\n", indent, line)
		indent = "    "
	}
	if more := n.total - len(n.names); more > 0 {
		fmt.Fprintf(out, "    and %s: ttpcron %s --new-since %s\n", term.Plural(more, "other", "others"), n.command, since.UTC().Format(time.RFC3339))
	}
}
