package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// configured is the config file, flattened: "run-once.batch-size" → values.
// Keys may be spelled with _ for -.
type configured struct {
	path   string
	found  bool
	empty  bool // it holds nothing at all
	values map[string][]string
	kinds  map[string]string // what a value is, such as kindText
	lines  map[string]int    // where a key stands
	jobs   []*tomlTable      // the tables [[job]]
	faults []configFault
}

// configFault is something in the config file that means nothing.
type configFault struct {
	line int
	text string
	hint string
}

// fault describes the first fault of the file, nil when there is none.
func (c *configured) fault() error {
	if len(c.faults) == 0 {
		return nil
	}
	f := c.faults[0]
	text := f.text
	if f.line > 0 {
		text = fmt.Sprintf("config %s: %s (line %d)", c.path, f.text, f.line)
	}
	if n := len(c.faults) - 1; n > 0 {
		text += fmt.Sprintf(", and %s", plural(n, "more fault", "more faults"))
	}
	return &usageError{text, f.hint}
}

// readConfig reads the config file that was named, or the default one when
// there is one.
func (a *app) readConfig() (configured, error) {
	c, err := a.parseConfig()
	if err == nil && !a.lenient {
		err = c.fault()
	}
	return c, err
}

// maxConfig is the most that a config file may have.
const maxConfig = 1 << 20

// parseConfig reads the file and notes what means nothing in it. Its error says
// that the file cannot be read, or is no TOML.
func (a *app) parseConfig() (configured, error) {
	path := a.set.config
	if path == "" {
		path = a.env["TTPCRON_CONFIG"]
	}
	named := path != ""
	if !named {
		var err error
		if path, err = defaultConfig(a.env); err != nil {
			return configured{path: path}, err
		}
	}
	c := configured{path: path, values: map[string][]string{}, kinds: map[string]string{}, lines: map[string]int{}}
	text, err := readConfigText(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return c, nil
	}
	if err != nil {
		return c, &usageError{fmt.Sprintf("config: %v", err), "name a file that can be read; --config /dev/null uses none"}
	}
	c.found, c.empty = true, len(bytes.TrimSpace(text)) == 0
	top, err := parseTOML(text)
	if err != nil {
		return c, &usageError{fmt.Sprintf("config %s: %v", path, err), "the numbers are line and column"}
	}
	known := a.configKeys()
	c.table(top, "", known)
	c.checkKeys(known)
	a.checkValues(&c)
	slices.SortStableFunc(c.faults, func(a, b configFault) int { return a.line - b.line })
	return c, nil
}

// readConfigText reads a config file; the null device is an empty one.
func readConfigText(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil {
		if null, err := os.Stat(os.DevNull); err == nil && os.SameFile(info, null) {
			return nil, nil
		}
	}
	text, err := ttpcron.ReadRegular(path, maxConfig)
	if large := (*ttpcron.TooLargeError)(nil); errors.As(err, &large) {
		err = fmt.Errorf("%s has more than %s", path, bytesText(maxConfig))
	}
	return text, err
}

// table flattens a table.
func (c *configured) table(t *tomlTable, prefix string, known []string) {
	for _, key := range t.keys() {
		name, line := prefix+strings.ReplaceAll(key, "_", "-"), t.lines[key]
		if before := c.lines[name]; before > 0 {
			c.faultf(max(line, before), "", "%s is there already, in line %d", name, min(line, before))
		}
		c.lines[name] = line
		switch v := t.values[key].(type) {
		case *tomlTable:
			switch {
			case slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, name+".") }):
				c.table(v, name+".", known)
			case slices.Contains(known, name):
				c.faultf(line, "", "%s is a table, want a value", name)
			case name == "job":
				c.faultf(line, "write [[job]]", "[job] is one table, and jobs are a list of them")
			default:
				c.faultf(line, "tables have the names of commands, such as [daemon] and [run-once]", "unknown table [%s]", name)
			}
		case []*tomlTable:
			if name == "job" {
				c.jobs = v
			} else {
				c.faults = append(c.faults, configFault{line, fmt.Sprintf("unknown table [[%s]]", name), "the only table with two brackets is [[job]]"})
			}
		default:
			values, err := tomlValues(v)
			if err != nil {
				c.faults = append(c.faults, configFault{line, fmt.Sprintf("%s: %v", name, err), ""})
			}
			c.values[name], c.kinds[name] = values, tomlKind(v)
		}
	}
}

// tomlValues writes a value as a flag takes it.
func tomlValues(v any) ([]string, error) {
	switch v := v.(type) {
	case string:
		return []string{v}, nil
	case bool:
		return []string{strconv.FormatBool(v)}, nil
	case int64:
		return []string{strconv.FormatInt(v, 10)}, nil
	case float64:
		return []string{strconv.FormatFloat(v, 'g', -1, 64)}, nil
	case uint64:
		return []string{strconv.FormatUint(v, 10)}, nil
	case []any:
		var all []string
		for _, item := range v {
			one, err := tomlValues(item)
			if err != nil {
				return nil, err
			}
			all = append(all, one...)
		}
		return all, nil
	}
	return nil, fmt.Errorf("a value of this type means nothing here; put it in quotes")
}

// checkKeys notes keys of the config file that mean nothing.
func (c *configured) checkKeys(known []string) {
	for name := range c.values {
		if !slices.Contains(known, name) {
			c.faults = append(c.faults, unknownKey(name, c.lines[name], known))
		}
	}
}

func unknownKey(name string, line int, known []string) configFault {
	f := configFault{line: line, text: fmt.Sprintf("unknown key %s", name)}
	table, own, _ := strings.Cut(name, ".")
	if f.hint = belongs(table, own, known); f.hint != "" {
		return f
	}
	if near := nearest(name, known); near != "" {
		f.hint = fmt.Sprintf("did you mean %s?", near)
	} else {
		f.hint = "known keys are " + strings.Join(known, ", ")
	}
	return f
}

// belongs says where a key belongs that stands in the wrong table.
func belongs(table, own string, known []string) string {
	switch {
	case own != "" && slices.Contains(append(sharedFlags[1:len(sharedFlags):len(sharedFlags)], "inputs"), own):
		return own + " stands above the first table"
	case table != "job" && slices.Contains(jobKeys, own), own == "" && slices.Contains(jobKeys, table):
		return fmt.Sprintf("%s belongs in a [[job]]", cmp.Or(own, table))
	case table == "job" && slices.Contains(known, "daemon."+own), own == "" && slices.Contains(known, "daemon."+table):
		return fmt.Sprintf("%s belongs in [daemon]", cmp.Or(own, table))
	}
	return ""
}

// configKeys lists the keys that a config file may have: the shared flags, the
// inputs, and under the name of a command that command's own flags.
func (a *app) configKeys() []string {
	keys := []string{"inputs"}
	for _, name := range sharedFlags[1:] {
		keys = append(keys, configName(name))
	}
	for _, c := range a.root.Subcommands {
		c.FlagSet.VisitAll(func(f *flag.Flag) {
			if len(c.Subcommands) == 0 && !slices.Contains(sharedFlags, f.Name) && f.Name != "input" {
				keys = append(keys, c.Name+"."+f.Name)
			}
		})
	}
	slices.Sort(keys)
	return keys
}
