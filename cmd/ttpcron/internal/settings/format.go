package settings

import (
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/importer/mapping"
)

// formatTable is the table under which a config file describes formats: [format.NAME].
const formatTable = "format"

// readFormats makes a catalog of the formats that the file describes and those of the
// program. It is nil if the file describes none.
func (c *File) readFormats(formats *tomlTable) *importer.Catalog {
	if formats == nil {
		return nil
	}
	var all []*mapping.Mapping
	for _, name := range formats.keys() {
		t, ok := formats.values[name].(*tomlTable)
		if !ok {
			c.faultf(formats.lines[name], "write [format."+name+"]", "format.%s is not a table", name)
			continue
		}
		m, faults := mapping.Parse(name, t.plain())
		for _, f := range faults {
			c.faultf(t.lineOf(f.Key), "docs/sources.md describes the language", "format.%s: %v", name, f)
		}
		if name == importer.Auto {
			c.faultf(t.line, "give the format another name", "format.%s: auto stands for all formats", name)
		}
		if len(faults) == 0 {
			all = append(all, m)
		}
	}
	return importer.NewCatalog(all)
}

// plain returns the table as a TOML library decodes it.
func (t *tomlTable) plain() map[string]any {
	out := map[string]any{}
	for key, v := range t.values {
		switch v := v.(type) {
		case *tomlTable:
			out[key] = v.plain()
		case []*tomlTable:
			var list []any
			for _, item := range v {
				list = append(list, item.plain())
			}
			out[key] = list
		default:
			out[key] = v
		}
	}
	return out
}

// lineOf returns the line of a key such as "event[2].payload.url", or of what it is in.
func (t *tomlTable) lineOf(key string) int {
	line := t.line
	for key != "" {
		part, rest, _ := strings.Cut(key, ".")
		name, index, listed := strings.Cut(strings.TrimSuffix(part, "]"), "[")
		at, ok := t.lines[name]
		if !ok {
			if at, ok = t.lines[key]; ok { // its name has dots
				return at
			}
			return line
		}
		line = at
		switch v := t.values[name].(type) {
		case *tomlTable:
			t = v
		case []*tomlTable:
			n, err := strconv.Atoi(index)
			if !listed || err != nil || n < 1 || n > len(v) {
				return line
			}
			t, line = v[n-1], v[n-1].line
		default:
			return line
		}
		key = rest
	}
	return line
}
