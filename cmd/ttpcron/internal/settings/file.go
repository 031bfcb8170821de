package settings

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
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/importer"
)

// File is the config file, flattened: "run-once.batch-size" → values. Keys may be
// spelled with _ for -.
type File struct {
	Path   string
	Found  bool
	Empty  bool // it holds nothing at all
	Faults []Fault

	values map[string][]string
	kinds  map[string]string // what a value is, such as kindText
	lines  map[string]int    // where a key stands

	inputLines map[string]int // where the table [[input]] of an input begins
	jobs       []*tomlTable   // the tables [[job]]
	inputs     []*tomlTable   // the tables [[input]]

	described *tomlTable        // the tables [format.NAME]
	formats   *importer.Catalog // with the formats that they describe; nil: none
}

// Fault is something in a configuration that means nothing.
type Fault struct {
	Line int // of the config file; 0 when it is in no line
	Text string
	Hint string // may be empty
}

func (f Fault) asError() error { return cli.Usage(f.Text, f.Hint) }

// Err describes the first fault of the file, nil when there is none.
func (c *File) Err() error { return c.Refusal(c.Faults) }

// Refusal describes the first of some faults, nil when there is none.
func (c *File) Refusal(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	f := faults[0]
	if f.Line > 0 {
		f.Text = fmt.Sprintf("config %s: %s (line %d)", c.Path, f.Text, f.Line)
	}
	if n := len(faults) - 1; n > 0 {
		f.Text += fmt.Sprintf(", and %s", term.Plural(n, "more fault", "more faults"))
	}
	return f.asError()
}

// Line is where a key of the file stands, 0 when it does not.
func (c *File) Line(key string) int { return c.lines[key] }

// InputLine is the line of the table [[input]] that names an input, or else of the key inputs.
func (c *File) InputLine(name string) int {
	if line := c.inputLines[name]; line > 0 {
		return line
	}
	return c.lines[inputsKey]
}

// maxConfig is the most that a config file may have.
const maxConfig = 1 << 20

// file reads the named config file, or the default one if it exists, and collects its
// faults. Its error says that the file cannot be read, or is not TOML.
func (r *Reader) file(given Given) (File, error) {
	path := r.Env["TTPCRON_CONFIG"]
	if named := given["config"]; len(named) > 0 && named[0] != "" {
		path = named[0]
	}
	named := path != ""
	if !named {
		var err error
		if path, err = defaultConfig(r.Env); err != nil {
			return File{Path: path}, err
		}
	}
	c := File{Path: path, values: map[string][]string{}, kinds: map[string]string{}, lines: map[string]int{}}
	text, err := readText(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return c, nil
	}
	if err != nil {
		return c, cli.Usage(fmt.Sprintf("config: %s", cli.Plain(err)), "name a file that can be read; --config /dev/null uses none")
	}
	c.Found, c.Empty = true, len(bytes.TrimSpace(text)) == 0
	top, err := parseTOML(text)
	if err != nil {
		hint := ""
		if at := (*tomlError)(nil); errors.As(err, &at) {
			hint = at.hint
		}
		return c, cli.Usage(fmt.Sprintf("config %s: %v", path, err), hint)
	}
	flags := r.Commands()
	known := keysOf(flags)
	c.table(top, "", known)
	c.formats = c.readFormats(c.described)
	c.readInputs(c.formats)
	c.checkKeys(known)
	c.checkValues(flags)
	slices.SortStableFunc(c.Faults, func(a, b Fault) int { return a.Line - b.Line })
	return c, nil
}

// readText reads a config file; the null device is an empty one.
func readText(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil {
		if null, err := os.Stat(os.DevNull); err == nil && os.SameFile(info, null) {
			return nil, nil
		}
	}
	text, err := ttpcron.ReadRegular(path, maxConfig)
	if large := (*ttpcron.TooLargeError)(nil); errors.As(err, &large) {
		err = fmt.Errorf("%s has more than %s", path, term.Bytes(maxConfig))
	}
	return text, err
}

// table flattens a table.
func (c *File) table(t *tomlTable, prefix string, known []string) {
	for _, key := range t.keys() {
		name, line := prefix+strings.ReplaceAll(key, "_", "-"), t.lines[key]
		if before := c.lines[name]; before > 0 {
			c.faultf(max(line, before), "", "%s is there already, in line %d", name, min(line, before))
		}
		c.lines[name] = line
		switch v := t.values[key].(type) {
		case *tomlTable:
			switch {
			case name == formatTable:
				c.described = v
			case slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, name+".") }):
				c.table(v, name+".", known)
			case slices.Contains(known, name):
				c.faultf(line, "", "%s is a table, want a value", name)
			case name == "job", name == "input":
				c.faultf(line, fmt.Sprintf("write [[%s]]", name), "[%s] is one table, and %ss are a list of them", name, name)
			default:
				c.faultf(line, tableHint(name, known), "unknown table [%s]", name)
			}
		case []*tomlTable:
			if name == "job" {
				c.jobs = v
			} else if name == "input" {
				c.inputs = v
			} else if slices.Contains(tableNames(known), name) {
				c.faultf(line, fmt.Sprintf("write [%s]", name), "[[%s]] is a list of tables, and a command has one", name)
			} else {
				c.Faults = append(c.Faults, Fault{line, fmt.Sprintf("unknown table [[%s]]", name), "tables with two brackets are [[job]] and [[input]]"})
			}
		default:
			values, err := tomlValues(v)
			if err != nil {
				c.Faults = append(c.Faults, Fault{line, fmt.Sprintf("%s: %v", name, err), ""})
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
	case time.Time:
		return []string{v.Format(time.RFC3339Nano)}, nil
	case toml.LocalDate:
		return []string{v.String()}, nil
	case toml.LocalDateTime:
		return []string{v.String()}, nil
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

// checkKeys collects unknown keys in the config file.
func (c *File) checkKeys(known []string) {
	for name := range c.values {
		if !slices.Contains(known, name) {
			c.Faults = append(c.Faults, unknownKey(name, c.lines[name], known))
		}
	}
}

func unknownKey(name string, line int, known []string) Fault {
	f := Fault{Line: line, Text: fmt.Sprintf("unknown key %s", name)}
	table, own, nested := strings.Cut(name, ".")
	switch {
	case name == "job":
		return Fault{line, "job is no list of tables", "each job is a table [[job]] with its keys below it"}
	case slices.Contains(tableNames(known), name):
		return Fault{line, name + " is a table, not a value", fmt.Sprintf("write [%s], and its keys below it", name)}
	}
	if f.Hint = belongs(table, own, known); f.Hint != "" {
		return f
	}
	if near := cli.Nearest(name, known); near != "" {
		f.Hint = fmt.Sprintf("did you mean %s?", near)
	} else {
		f.Hint = knownKeys(table, nested, known)
	}
	return f
}

// knownKeys lists the keys of the table that an unknown one is in.
func knownKeys(table string, nested bool, known []string) string {
	var names []string
	for _, k := range known {
		in, own, below := strings.Cut(k, ".")
		if below && nested && in == table {
			names = append(names, own)
		} else if !below && !nested {
			names = append(names, k)
		}
	}
	if nested {
		return fmt.Sprintf("keys of [%s] are %s", table, strings.Join(names, ", "))
	}
	return fmt.Sprintf("keys outside tables are %s; those of a command are in its table, such as [daemon]", strings.Join(names, ", "))
}

// tableNames are the tables that known keys are in.
func tableNames(known []string) (names []string) {
	for _, k := range known {
		if table, _, nested := strings.Cut(k, "."); nested && !slices.Contains(names, table) {
			names = append(names, table)
		}
	}
	return names
}

// tableHint says which table was meant.
func tableHint(name string, known []string) string {
	if near := cli.Nearest(name, tableNames(known)); near != "" {
		return fmt.Sprintf("did you mean [%s]?", near)
	}
	return "tables have the names of commands, such as [daemon] and [run-once]"
}

// belongs says which table a misplaced key belongs to.
func belongs(table, own string, known []string) string {
	switch {
	case own != "" && slices.Contains(append(SharedFlags[1:len(SharedFlags):len(SharedFlags)], "inputs"), own):
		return own + " stands above the first table"
	case table != "job" && slices.Contains(jobKeys, own), own == "" && slices.Contains(jobKeys, table):
		return fmt.Sprintf("%s belongs in a [[job]]", cmp.Or(own, table))
	case table == "job" && slices.Contains(known, "daemon."+own), own == "" && slices.Contains(known, "daemon."+table):
		return fmt.Sprintf("%s belongs in [daemon]", cmp.Or(own, table))
	}
	return ""
}

// keysOf lists the keys that a config file may have: the shared flags, the inputs, and
// each command's own flags under its name.
func keysOf(commands map[string]*flag.FlagSet) []string {
	keys := []string{inputsKey}
	for _, name := range SharedFlags[1:] {
		keys = append(keys, configName(name))
	}
	for name, flags := range commands {
		flags.VisitAll(func(f *flag.Flag) {
			if !slices.Contains(SharedFlags, f.Name) && f.Name != inputFlag && cli.LetteredFlag(f) == "" {
				keys = append(keys, name+"."+f.Name)
			}
		})
	}
	slices.Sort(keys)
	return keys
}
