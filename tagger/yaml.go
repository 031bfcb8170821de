package tagger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron"
	"go.yaml.in/yaml/v3"
)

// Limits of a rule file. They are far above what people write; they keep a
// hostile file from costing time or memory.
const (
	maxFile   = 1 << 20
	maxNested = 32     // conditions in conditions
	maxList   = 10_000 // elements of a list

	maxDocuments = 1000
	// Nodes, those behind an alias once for each use.
	maxVisited       = 50_000  // of a document
	maxVisitedOfFile = 250_000 // of all documents of a file
)

// reader reads one YAML document strictly and collects its problems.
type reader struct {
	left     int // nodes that may still be visited
	problems []Problem
}

// errAliases stops the reading of a document with multiplying aliases.
var errAliases = errors.New("file is too large once its aliases are written out")

func (r *reader) problem(n *yaml.Node, field, format string, args ...any) {
	r.add(n, field, false, format, args...)
}

func (r *reader) warning(n *yaml.Node, field, format string, args ...any) {
	r.add(n, field, true, format, args...)
}

func (r *reader) add(n *yaml.Node, field string, warning bool, format string, args ...any) {
	line := 0
	if n != nil {
		line = n.Line
	}
	r.problems = append(r.problems, Problem{Line: line, Field: field, Text: fmt.Sprintf(format, args...), Warning: warning})
}

// refused reports whether a problem was found that keeps the rule out.
func (r *reader) refused() bool {
	for _, p := range r.problems {
		if !p.Warning {
			return true
		}
	}
	return false
}

// visit follows an alias and counts the node.
func (r *reader) visit(n *yaml.Node) *yaml.Node {
	if r.left--; r.left < 0 {
		panic(errAliases) // caught by ruleReader.read
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// documents parses the documents of a file. Empty ones are left out.
func documents(data []byte) ([]*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var roots []*yaml.Node
	for n := 0; ; n++ {
		var doc yaml.Node
		err := dec.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF) && len(roots) == 0:
			return nil, errors.New("file is empty")
		case errors.Is(err, io.EOF):
			return roots, nil
		case err != nil:
			return nil, yamlError(err)
		case n == maxDocuments:
			return nil, fmt.Errorf("file holds more than %d documents", maxDocuments)
		}
		if len(doc.Content) == 1 && doc.Content[0].Tag != "!!null" {
			roots = append(roots, doc.Content[0])
		}
	}
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

type lineError struct {
	line int
	text string
}

func (e *lineError) Error() string { return e.text }

// yamlError makes one line of an error of the YAML library.
func yamlError(err error) error {
	text := strings.Join(strings.Fields(err.Error()), " ")
	e := &lineError{}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		e.line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	e.text = "not valid YAML: " + strings.TrimPrefix(text, "yaml: ")
	return e
}

type member struct {
	key   string
	at    *yaml.Node // the key
	value *yaml.Node
}

// members reads a mapping. Anything else, a key that is not a text, and a repeated key are
// problems.
func (r *reader) members(n *yaml.Node, field string) []member {
	n = r.visit(n)
	if n.Kind != yaml.MappingNode {
		r.problem(n, field, "%s, want a mapping of keys to values", kindOf(n))
		return nil
	}
	seen := make(map[string]bool, len(n.Content)/2)
	out := make([]member, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := r.visit(n.Content[i])
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			r.problem(key, field, "%s as a key, want a name", kindOf(key))
			continue
		}
		if seen[key.Value] {
			r.problem(key, join(field, key.Value), "stands twice")
			continue
		}
		seen[key.Value] = true
		out = append(out, member{key.Value, key, r.visit(n.Content[i+1])})
	}
	return out
}

// unknown reports a key that is none of those listed.
func (r *reader) unknown(m member, field string, keys []string) {
	sort.Strings(keys)
	text := "unknown key"
	if near := nearest(m.key, keys); near != "" {
		text += fmt.Sprintf(", did you mean %q?", near)
	}
	r.problem(m.at, join(field, shorten(m.key, 60)), "%s", text)
}

func join(field, key string) string {
	if field == "" {
		return key
	}
	return field + "." + key
}

func index(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// kindOf names the type of a node, for people.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		switch n.Tag {
		case "!!null":
			return "nothing"
		case "!!merge":
			return "a merge (<<)"
		}
		return fmt.Sprintf("%q", shorten(n.Value, 40))
	}
	return "something else"
}

// text reads a scalar as it is written.
func (r *reader) text(n *yaml.Node, field string) string {
	n = r.visit(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.problem(n, field, "%s, want text", kindOf(n))
		return ""
	}
	return n.Value
}

// texts reads a list of scalars, or one scalar as a list of one.
func (r *reader) texts(n *yaml.Node, field string) []string {
	n = r.visit(n)
	if n.Kind != yaml.SequenceNode {
		if s := r.text(n, field); s != "" || n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
			return []string{s}
		}
		return nil
	}
	if len(n.Content) > maxList {
		r.problem(n, field, "list of %d, at most %d are allowed", len(n.Content), maxList)
		return nil
	}
	if len(n.Content) == 0 {
		r.problem(n, field, "the list is empty")
	}
	out := make([]string, 0, len(n.Content))
	for i, c := range n.Content {
		out = append(out, r.text(c, index(field, i)))
	}
	return out
}

func (r *reader) integer(n *yaml.Node, field string, least int) int {
	n = r.visit(n)
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || v < least || v > 1<<30 {
		r.problem(n, field, "%s, want a whole number of at least %d", kindOf(n), least)
		return least
	}
	return v
}

func (r *reader) boolean(n *yaml.Node, field string) bool {
	n = r.visit(n)
	if n.Kind == yaml.ScalarNode {
		switch strings.ToLower(n.Value) {
		case "true", "yes":
			return true
		case "false", "no":
			return false
		}
	}
	r.problem(n, field, "%s, want true or false", kindOf(n))
	return false
}

// plain reads a value of any shape into maps, slices and scalars.
func (r *reader) plain(n *yaml.Node, field string) any {
	n = r.visit(n)
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for _, m := range r.members(n, field) {
			out[m.key] = r.plain(m.value, join(field, m.key))
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for i, c := range n.Content {
			out = append(out, r.plain(c, index(field, i)))
		}
		return out
	}
	var v any
	switch n.Tag {
	case "!!int", "!!float", "!!bool", "!!null", "!!str":
		if n.Decode(&v) == nil {
			return v
		}
	}
	return n.Value
}

// shorten cuts text for a message, at a rune boundary.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return ttpcron.Shorten(s, most)
}

// nearest returns the key that a misspelt one may mean, or "".
func nearest(key string, keys []string) string {
	best, distance := "", 3
	for _, k := range keys {
		if d := editDistance(key, k); d < distance {
			best, distance = k, d
		}
	}
	return best
}

func editDistance(a, b string) int {
	if len(a) > 40 {
		return 40
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = min(diagonal, row[j], row[j-1]) + 1
			}
			diagonal, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}
