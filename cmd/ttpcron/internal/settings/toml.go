package settings

import (
	"errors"
	"maps"
	"slices"
	"sort"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// tomlTable is a table of the config file.
type tomlTable struct {
	line   int
	values map[string]any // as go-toml decodes them; tables are *tomlTable, lists of tables []*tomlTable
	lines  map[string]int
}

// keys returns the keys in the order of the file.
func (t *tomlTable) keys() []string {
	keys := slices.Sorted(maps.Keys(t.values))
	slices.SortStableFunc(keys, func(a, b string) int { return t.lines[a] - t.lines[b] })
	return keys
}

// parseTOML reads a config file. The error for a text that is not TOML is a *[tomlError].
func parseTOML(text []byte) (*tomlTable, error) {
	var values map[string]any
	if err := toml.Unmarshal(text, &values); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			err = explainTOML(text, at)
		}
		return nil, err
	}
	place, err := findPlaces(text)
	if err != nil {
		return nil, err
	}
	return place.table(values), nil
}

// tomlPlace is the position of a value, and the values in it. Decoded values lack it, so
// the file is parsed a second time.
type tomlPlace struct {
	line int
	keys map[string]*tomlPlace // of a table
	list []*tomlPlace          // of a list
}

// table joins decoded values with their places.
func (p *tomlPlace) table(values map[string]any) *tomlTable {
	t := &tomlTable{line: p.line, values: map[string]any{}, lines: map[string]int{}}
	for key, v := range values {
		at := p.keys[key]
		t.lines[key] = at.line
		switch v := v.(type) {
		case map[string]any:
			t.values[key] = at.table(v)
		case []any:
			t.values[key] = at.items(v)
		default:
			t.values[key] = v
		}
	}
	return t
}

// items returns a list unchanged, unless it is one of tables.
func (p *tomlPlace) items(list []any) any {
	var tables []*tomlTable
	for i, v := range list {
		values, ok := v.(map[string]any)
		if !ok {
			return list
		}
		tables = append(tables, p.list[i].table(values))
	}
	if tables == nil {
		return list
	}
	return tables
}

// placeFinder follows the parser through a file that is known to be TOML.
type placeFinder struct {
	parser unstable.Parser
	begins []int // offsets of the lines
}

func findPlaces(text []byte) (*tomlPlace, error) {
	f := placeFinder{begins: []int{0}}
	for i, c := range text {
		if c == '\n' {
			f.begins = append(f.begins, i+1)
		}
	}
	f.parser.Reset(text)
	root := &tomlPlace{line: 1}
	table := root
	for f.parser.NextExpression() {
		switch e := f.parser.Expression(); e.Kind {
		case unstable.Table:
			table = f.at(root, e)
		case unstable.ArrayTable:
			list, line := f.at(root, e), f.line(e.Child())
			table = &tomlPlace{line: line}
			list.list = append(list.list, table)
		case unstable.KeyValue:
			f.value(f.at(table, e), e.Value())
		}
	}
	return root, f.parser.Error()
}

func (f *placeFinder) line(n *unstable.Node) int {
	return sort.SearchInts(f.begins, int(n.Raw.Offset)+1)
}

// at returns the place that a key or table name leads to from a table. A name that leads
// through a list of tables means the last of them.
func (f *placeFinder) at(p *tomlPlace, e *unstable.Node) *tomlPlace {
	for it := e.Key(); it.Next(); {
		if len(p.list) > 0 {
			p = p.list[len(p.list)-1]
		}
		if p.keys == nil {
			p.keys = map[string]*tomlPlace{}
		}
		name := string(it.Node().Data)
		if p.keys[name] == nil {
			p.keys[name] = &tomlPlace{line: f.line(it.Node())}
		}
		p = p.keys[name]
	}
	return p
}

// value records the places within inline tables and lists.
func (f *placeFinder) value(p *tomlPlace, v *unstable.Node) {
	for it := v.Children(); it.Next(); {
		n := it.Node()
		switch {
		case v.Kind == unstable.InlineTable && n.Kind == unstable.KeyValue:
			f.value(f.at(p, n), n.Value())
		case v.Kind == unstable.Array && n.Kind != unstable.Comment:
			item := &tomlPlace{line: f.line(n)}
			p.list = append(p.list, item)
			f.value(item, n)
		}
	}
}
