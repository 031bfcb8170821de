package settings

import (
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron/importer"
)

// inputKeys are the keys of a table [[input]].
var inputKeys = append([]string{"path", "format"}, importer.SettingNames()...)

// InputKeys are the keys of a table [[input]].
func InputKeys() []Key {
	return []Key{
		{"path", "a file, folder or pattern, or a list of them; required"},
		{"format", "the name of their format (default: recognised by content)"},
		{"zone", "the time zone of times that name none, such as Europe/Berlin"},
		{"year", "the year in which a file begins, if its times have no year"},
		{"host", "the name of the real host that wrote the logs, if they do not name it"},
		{"sensor", "the name of the sensor, for records that name none"},
	}
}

// readInputs adds the tables [[input]] to the inputs of the file.
func (c *File) readInputs(catalog *importer.Catalog) {
	c.inputLines = map[string]int{}
	for _, t := range c.inputs {
		own := c.readInput(t, catalog)
		for _, name := range own {
			c.inputLines[name] = t.line
		}
		c.values[inputsKey] = append(c.values[inputsKey], own...)
		c.kinds[inputsKey] = kindList
		if c.lines[inputsKey] == 0 {
			c.lines[inputsKey] = t.line
		}
	}
}

// readInput returns the inputs of one table, in the form that flags take.
func (c *File) readInput(t *tomlTable, catalog *importer.Catalog) (inputs []string) {
	in := importer.Input{Format: importer.Auto}
	var paths []string
	seen := map[string]bool{}
	for _, key := range t.keys() {
		name, line := strings.ReplaceAll(key, "_", "-"), t.lines[key]
		values, err := tomlValues(t.values[key])
		kind := tomlKind(t.values[key])
		switch {
		case !slices.Contains(inputKeys, name):
			c.Faults = append(c.Faults, unknownKey("input."+name, line, prefixed("input.", inputKeys)))
		case seen[name]:
			c.faultf(line, "", "input.%s is there twice, with - and with _", name)
		case name == "path":
			if paths = values; err != nil || kind != kindText && kind != kindList || slices.Contains(values, "") || len(values) == 0 {
				c.faultf(line, "", "input.path is no text in quotes, and no list of them")
				paths = nil
			}
		case err != nil || len(values) != 1 || kind != kindText && !(name == "year" && isInteger(t.values[key])):
			c.faultf(line, "", "input.%s is no text in quotes", name)
		case name == "format":
			in.Format = values[0]
			if _, err := catalog.ParseInput(in.Format + ":x"); err != nil || strings.Contains(in.Format, ",") {
				c.faultf(line, "ttpcron import --list-formats lists the formats", "input.format is %q, which is not the name of a format", in.Format)
				in.Format = importer.Auto
			}
		default:
			if err := in.Settings.Set(name, values[0]); err != nil {
				c.faultf(line, "", "input: %v", err)
			}
		}
		seen[name] = true
	}
	if !seen["path"] {
		c.faultf(t.line, "name a file or a folder: path = \"/var/log/auth.log\"", "input has no path")
	}
	for _, in.Path = range paths {
		inputs = append(inputs, in.String())
	}
	return inputs
}

// isInteger reports whether a value of the file is a whole number.
func isInteger(v any) bool {
	_, ok := v.(int64)
	return ok
}
